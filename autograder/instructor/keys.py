"""Answer keys: what the reference solution observes, and hints for what known wrong answers observe."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nbformat import NotebookNode

from autograder.errors import KeyFileError
from autograder.instructor.bank import Answer, load_bank
from autograder.instructor.deciding import deciding_digest
from autograder.instructor.fitting import require_cells, require_checks
from autograder.instructor.forgeable import LEAST_SECRET_NUMBERS, OTHER_SEEDS, forgeable_checks
from autograder.instructor.headings import headings_of
from autograder.instructor.observe import observe
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.source import grade_id, is_check_cell, manual_points, read_source
from autograder.instructor.trial import Observations, Trial, run_trials
from autograder.judge import Recording
from autograder.key import HINT_DISTANCE, AnswerKey, Clue, KeyEntry, agree, enrol, seal
from autograder.observation import Observation


def build_key(course: Course, lab: str) -> Path:
    """Write a lab's answer key for its public seed, unless the one that stands there is current.

    Of one that is current only the headings are written again, which decide nothing.

    Raises:
        CourseError: if marks do not add up, or two hints compete for one observation.
    """
    path = course.key(lab)
    source = deciding_digest(course, lab)
    if written_source(path) != source:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(make_key(course, lab, source).dumps(), encoding="utf-8")
    key = AnswerKey.load(path)
    called = headings_of(lab, read_source(course.source(lab)), course.languages)
    if key.headings != called:
        path.write_text(replace(key, headings=called).dumps(), encoding="utf-8")
    return path


def written_source(path: Path) -> str | None:
    """Return the digest of what the key file at `path` was built from, None if there is no usable key."""
    try:
        return AnswerKey.load(path).source
    except KeyFileError:
        return None


def is_stale(course: Course, lab: str) -> bool:
    """Tell whether a lab's answer key was built from something else than what stands there now."""
    return written_source(course.key(lab)) != deciding_digest(course, lab)


def make_key(course: Course, lab: str, source: str) -> AnswerKey:
    """Make a lab's answer key from its reference solution and its bank."""
    recording = observe(course, lab, seed=course.seed(lab))
    notebook = read_source(course.source(lab))
    _require_points(lab, notebook, recording)
    _require_secrets(course, recording, lab)
    answers = load_bank(course.bank(lab), course.languages).values() if course.bank(lab).exists() else ()
    require_cells(answers, notebook, course.bank(lab))
    require_checks(answers, recording.observations, course.bank(lab))
    key = AnswerKey(
        lab=lab,
        seed=recording.seed,
        blocks=recording.blocks,
        manual=manual_points(notebook),
        checks={name: enrol(o, lab) for name, o in recording.observations.items()},
        source=source,
        languages=course.languages,
        headings=headings_of(lab, notebook, course.languages),
    )
    hinted = [answer for answer in answers if answer.kind == "wrong" and answer.hint]
    if not hinted:
        return key
    trials = {t.answer.id: t for t in run_trials(course, lab, hinted, [recording.seed])}
    _require_seen(lab, list(trials.values()), recording.seed)
    return with_hints(key, recording.observations, [trials[answer.id] for answer in hinted])


def require_reference(lab: str, key: AnswerKey, seen: Observations) -> None:
    """Raise unless a key accepts what the reference solution observes now, under the key's seed.

    Raises:
        CourseError: naming the checks: something that the lab imports has changed since the key was built.
    """
    refused = [name for name in key.checks if name not in seen or not key.accepts(seen[name])]
    if refused:
        raise CourseError(
            f"The answer key of {lab} refuses the lab's own solution ({', '.join(refused)}): something that "
            f"the lab imports has changed. Run `course build {lab}` first."
        )


def _require_points(lab: str, notebook: NotebookNode, recording: Recording) -> None:
    """Raise unless the marks of checks, blocks and nbgrader cells agree."""
    declared = {
        str(grade_id(cell)): float(cell.metadata["nbgrader"]["points"])
        for cell in notebook.cells
        if is_check_cell(cell)
    }
    blocks = {f"{name}_check": points for name, points in recording.blocks.items()}
    if declared != blocks:
        raise CourseError(f"{lab}: check cells say {declared}, but lab.marks says {blocks}.")
    for block, points in recording.blocks.items():
        total = sum(o.points for o in recording.observations.values() if o.block == block)
        if abs(total - points) > 1e-9:
            raise CourseError(
                f"{lab}: the checks of {block} give {total:g} marks, the block says {points:g}."
            )


def _require_secrets(course: Course, recording: Recording, lab: str) -> None:
    """Raise if marks could be had without an answer: what a check looks at is the same under every seed.

    Raises:
        CourseError: naming the checks, and what to do.
    """
    other = next(seed for seed in OTHER_SEEDS if seed != recording.seed)
    names = forgeable_checks([recording, observe(course, lab, seed=other)])
    if names:
        raise CourseError(
            f"{lab}: of what {', '.join(names)} looks at, fewer than {LEAST_SECRET_NUMBERS} numbers depend "
            "on the seed, so it could be written down without an answer. Call the function with what the "
            "seed decides, lab.supplied_…, or let the check give no marks."
        )


def _require_seen(lab: str, trials: Sequence[Trial], seed: int) -> None:
    """Raise unless the check cell of every answer observed something: its hint would never be given.

    Raises:
        CourseError: naming the answers, and why there is nothing.
    """
    without = [trial for trial in trials if not trial.observations.get(seed)]
    blind = {trial.answer.id: trial.error or "its check cell ran no check" for trial in without}
    if not blind:
        return
    if len(blind) == len(trials):
        first = next(iter(blind))
        raise CourseError(f"{lab}: no answer of the bank could be run; {first}: {blind[first]}")
    raise CourseError(
        f"{lab}: the check cells of some answers observe nothing, so their hints would never be given. Leave "
        "the hint out, or mend the answer.\n" + "\n".join(f"{name}: {why}" for name, why in blind.items())
    )


# --- hints -----------------------------------------------------------------------------------------


def _refused(expected: Observations, seen: Observations) -> frozenset[str]:
    """Return the names of the checks that refuse an answer."""
    return frozenset(name for name, observation in seen.items() if not agree(expected[name], observation))


@dataclass(frozen=True)
class _Claim:
    """A wrong answer's wish that one observation of its check cell be met with its hint.

    Attributes:
        answer: from the bank.
        observation: of one check.
        refused: names of all checks of the cell that refuse the answer.
    """

    answer: Answer
    observation: Observation
    refused: frozenset[str]

    @property
    def named(self) -> bool:
        """Tell whether this is the check that the answer names."""
        return self.answer.check == self.observation.name


def with_hints(key: AnswerKey, expected: Observations, trials: Sequence[Trial]) -> AnswerKey:
    """Return a key that knows what the given wrong answers observe.

    Args:
        key: without hints.
        expected: what the key was made from.
        trials: of wrong answers with hints, run under the key's seed.

    Raises:
        CourseError: if answers with different hints look the same to the check that they name.
    """
    hints: list[Mapping[str, str]] = []
    conflicts: list[str] = []
    checks = {}
    for name, entry in key.checks.items():
        claims = [
            _Claim(trial.answer, observations[name], refused)
            for trial in trials
            if name in (observations := trial.observations.get(key.seed, {}))
            and name in (refused := _refused(expected, observations))
        ]
        checks[name] = _with_claims(entry, claims, hints, conflicts)
    if conflicts:
        raise CourseError(
            "Some wrong answers look the same to the check that they name: give them one hint, or name "
            "checks that tell them apart.\n" + "\n".join(conflicts)
        )
    return replace(key, checks=checks, hints=tuple(hints))


def _with_claims(
    entry: KeyEntry, claims: list[_Claim], hints: list[Mapping[str, str]], conflicts: list[str]
) -> KeyEntry:
    """Return a check's entry with a hint for every observation that has one cause.

    Extends `hints`, and `conflicts` by a line for each observation that several answers claim.
    """
    clues = []
    while claims:
        sealed = seal(claims[0].observation, entry.salt)
        opens = functools.partial(sealed.opens, salt=entry.salt, near=HINT_DISTANCE)
        refused = claims[0].refused
        same = [
            claim
            for claim in claims
            if claim is claims[0] or (claim.refused == refused and opens(claim.observation))
        ]
        claims = [c for c in claims if not any(c is other for other in same)]
        rivals = [claim for claim in same if claim.named] or same
        hint = rivals[0].answer.hint
        if any(claim.answer.hint != hint for claim in rivals):
            if rivals[0].named:
                ids = ", ".join(claim.answer.id for claim in rivals)
                conflicts.append(f"{rivals[0].observation.name}: {ids}")
        else:
            if hint not in hints:
                hints.append(hint)
            clues.append(Clue(hints.index(hint), refused, sealed))
    return replace(entry, clues=tuple(clues))
