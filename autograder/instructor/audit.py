"""Measure the grader: are all known wrong answers refused, and all equivalent ones accepted?"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from autograder.instructor.bank import Answer, load_bank
from autograder.instructor.deciding import deciding_digest
from autograder.instructor.files import put
from autograder.instructor.keys import require_reference
from autograder.instructor.observe import observe
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.trial import TIME_LIMIT, Observations, Trial, run_trials
from autograder.key import AnswerKey, agree
from autograder.observation import Observation

OTHER_SEEDS = (7, 20011)
# One number is guessed too easily, and a number that no seed changes can be written down.
LEAST_SECRET_NUMBERS = 4


@dataclass(frozen=True)
class AnswerVerdict:
    """What the grader made of one answer.

    Attributes:
        id: id of the answer in the bank.
        kind: "wrong" or "equivalent".
        refused: names of the checks that refused it, by seed.
        right: whether it was refused, or accepted, as its kind demands at every seed.
        by_check: whether the check that it names refused it at every seed; None if it names none.
        hinted: whether its hint was given in practice; None if it has none.
        faults: sentences that say what was not as it should be.
    """

    id: str
    kind: str
    refused: dict[int, list[str]]
    right: bool
    by_check: bool | None = None
    hinted: bool | None = None
    faults: tuple[str, ...] = ()


@dataclass
class Audit:
    """The audit of one lab.

    Attributes:
        lab: the lab's id.
        seeds: the public seed first.
        verdicts: one per answer, in the bank's order.
        forgeable: checks with marks whose numbers are too few or no secret.
        seconds: wall time that the audit took.
    """

    lab: str
    seeds: tuple[int, ...]
    verdicts: list[AnswerVerdict] = field(default_factory=list)
    forgeable: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Tell whether nothing is amiss."""
        return not self.forgeable and not any(verdict.faults for verdict in self.verdicts)

    def count(self, kind: str) -> int:
        """Return the number of answers of a kind."""
        return sum(verdict.kind == kind for verdict in self.verdicts)

    def share(self, kind: str, what: str) -> tuple[int, int]:
        """Return how many answers of a kind have an attribute of their verdict, of how many it is asked."""
        asked = [getattr(v, what) for v in self.verdicts if v.kind == kind and getattr(v, what) is not None]
        return sum(asked), len(asked)

    def as_json(self) -> dict[str, Any]:
        """Return the audit as JSON data."""
        shares = {
            "wrong_rejected": self.share("wrong", "right"),
            "wrong_rejected_by_named_check": self.share("wrong", "by_check"),
            "wrong_hinted": self.share("wrong", "hinted"),
            "equivalent_accepted": self.share("equivalent", "right"),
        }
        return {
            "lab": self.lab,
            "seeds": list(self.seeds),
            "passed": self.passed,
            **{name: {"count": count, "of": total} for name, (count, total) in shares.items()},
            "forgeable_checks": self.forgeable,
            "seconds": round(self.seconds, 1),
            "answers": [asdict(verdict) for verdict in self.verdicts],
        }


def audit_lab(
    course: Course,
    lab: str,
    *,
    bank: Path | None = None,
    seeds: Sequence[int] = OTHER_SEEDS,
    only: Callable[[Answer], bool] = lambda answer: True,
    jobs: int | None = None,
    time_limit: float = TIME_LIMIT,
    fresh: bool = False,
    begin: Callable[[int, int], None] = lambda total, known: None,
    advance: Callable[[AnswerVerdict], None] = lambda verdict: None,
) -> Audit:
    """Run a lab's bank and judge every answer under the public seed and others.

    Verdicts are kept in build/audit as they come: an audit that was interrupted goes on where it
    stopped, and a second one of the same grader and answers runs the reference only. An answer whose
    process was stopped or died is run again.

    Args:
        course: the checkout.
        lab: the lab's id.
        bank: another bank than the lab's own; its hints are not expected in the key.
        seeds: seeds to try besides the public one.
        only: which answers to run.
        jobs: processes at a time; default: one per core.
        time_limit: seconds for one answer.
        fresh: whether to forget earlier verdicts.
        begin: function that is called with the number of answers and how many are known already.
        advance: function that is called with each new verdict.

    Raises:
        CourseError: if bank or key are not usable, or the limits let nothing run.
    """
    start = time.perf_counter()
    course.require_lab(lab)
    _require_limits(jobs, time_limit)
    path = bank or course.bank(lab)
    answers = [answer for answer in load_bank(path, course.languages).values() if only(answer)]
    key = current_key(course, lab)
    _require_known_checks(answers, key, path)
    audit = Audit(lab, tuple(dict.fromkeys([key.seed, *seeds])))
    known = _KnownVerdicts(course.build / "audit" / f"{lab}.json", key, audit.seeds, own=bank is None)
    if fresh:
        known.forget()
    todo = [answer for answer in answers if known.find(answer) is None]
    begin(len(answers), len(answers) - len(todo))
    expected = {seed: observe(course, lab, seed=seed).observations for seed in audit.seeds}
    require_reference(lab, key, expected[key.seed])
    audit.forgeable = forgeable_checks(list(expected.values()))
    assessor = _Assessor(key, expected, hints_known=bank is None)
    for trial in _trials(course, lab, todo, audit.seeds, jobs, time_limit):
        verdict = assessor.assess(trial)
        known.keep(trial.answer, verdict)
        advance(verdict)
    audit.verdicts = [found for answer in answers if (found := known.find(answer))]
    audit.seconds = time.perf_counter() - start
    return audit


def _require_limits(jobs: int | None, time_limit: float) -> None:
    """Raise if nothing could be run within these limits."""
    if jobs is not None and jobs < 1:
        raise CourseError(f"--jobs must be at least 1, not {jobs}.")
    if not time_limit > 0:
        raise CourseError(f"--time-limit must be more than 0 seconds, not {time_limit:g}.")


def _trials(
    course: Course, lab: str, answers: list[Answer], seeds: Sequence[int], jobs: int | None, time_limit: float
) -> Iterator[Trial]:
    """Run answers, if there are any."""
    if answers:
        yield from run_trials(course, lab, answers, seeds, jobs=jobs, time_limit=time_limit)


def current_key(course: Course, lab: str) -> AnswerKey:
    """Return a lab's answer key, which must have been built from what stands there now.

    Raises:
        CourseError: if it is older than its sources.
    """
    key = AnswerKey.load(course.key(lab))
    if key.source != deciding_digest(course, lab):
        raise CourseError(
            f"The answer key of {lab} is older than its sources. Run `course build {lab}` first."
        )
    return key


def _require_known_checks(answers: Sequence[Answer], key: AnswerKey, path: Path) -> None:
    """Raise if an answer names a check that the lab does not have."""
    for answer in answers:
        if answer.check is not None and answer.check not in key.checks:
            raise CourseError(
                f"{path.name}, {answer.id}: the lab has no check {answer.check!r}: it has "
                f"{', '.join(key.checks)}."
            )


def forgeable_checks(recordings: Sequence[Observations]) -> list[str]:
    """Return the checks with marks whose observation could be written down without an answer.

    An observation is safe when at least four of its numbers differ from seed to seed, or when it is a
    text, which the student's process does not hold.

    Args:
        recordings: what the reference solution observed, under several seeds.
    """
    first = recordings[0]
    forgeable = []
    for name, observation in first.items():
        columns = zip(*(recording[name].values for recording in recordings), strict=True)
        secret = sum(len(set(column)) == len(recordings) for column in columns)
        if observation.points > 0 and observation.text is None and secret < LEAST_SECRET_NUMBERS:
            forgeable.append(name)
    return forgeable


class _Assessor:
    """Compares what answers observe with what the reference observes, and with the key."""

    def __init__(self, key: AnswerKey, expected: dict[int, Observations], *, hints_known: bool) -> None:
        self._key = key
        self._expected = expected
        self._hints_known = hints_known

    def assess(self, trial: Trial) -> AnswerVerdict:
        """Return the verdict on one answer."""
        answer = trial.answer
        if trial.error is not None:
            # No marks without a verdict: a wrong answer that ends its process is refused, by no check.
            unnamed = answer.kind == "wrong" and answer.check is None
            faults = [] if unnamed else [trial.error]
            by_check = None if answer.check is None else False
            return AnswerVerdict(
                answer.id, answer.kind, {}, answer.kind == "wrong", by_check, None, tuple(faults)
            )
        refused = {seed: self._refused(seed, seen) for seed, seen in trial.observations.items()}
        if answer.kind == "equivalent":
            faults = [
                f"seed {seed}: refused by {', '.join(names)}" for seed, names in refused.items() if names
            ]
            right = not faults
            faults += [f"{name} has a hint for it" for name in self._misled(trial)]
            return AnswerVerdict(answer.id, answer.kind, refused, right, faults=tuple(faults))
        faults = [f"seed {seed}: accepted" for seed, names in refused.items() if not names]
        right = not faults
        by_check = None
        if answer.check is not None:
            others = {s: names for s, names in refused.items() if names and answer.check not in names}
            by_check = right and not others
            faults += [f"seed {s}: refused by {', '.join(n)}, not {answer.check}" for s, n in others.items()]
        hinted = self._hinted(trial) if answer.hint and self._hints_known else None
        if hinted is False:
            faults.append("its hint is not given")
        return AnswerVerdict(answer.id, answer.kind, refused, right, by_check, hinted, tuple(faults))

    def _refused(self, seed: int, seen: Observations) -> list[str]:
        """Return the names of the checks of one block that refuse what was seen."""
        blocks = {observation.block for observation in seen.values()}
        asked = [o for o in self._expected[seed].values() if o.block in blocks and o.points > 0]
        if not asked:
            return ["(no check ran)"]
        return [o.name for o in asked if not self._accepts(seed, o, seen.get(o.name))]

    def _accepts(self, seed: int, expected: Observation, seen: Observation | None) -> bool:
        """Tell whether an observation is right: by the key for the public seed, else by comparison."""
        if seen is None:
            return False
        return self._key.accepts(seen) if seed == self._key.seed else agree(expected, seen)

    def _misled(self, trial: Trial) -> list[str]:
        """Return the checks that accept an answer in practice and yet have a hint for it."""
        seen = trial.observations[self._key.seed].values()
        return [o.name for o in seen if self._key.hint(o) is not None and self._key.accepts(o)]

    def _hinted(self, trial: Trial) -> bool:
        """Tell whether the check that an answer names, or else some check, gives its hint."""
        seen = trial.observations[self._key.seed].values()
        asked = [o for o in seen if trial.answer.check in (None, o.name) and not self._key.accepts(o)]
        return any(self._key.hint(observation) == trial.answer.hint for observation in asked)


class _KnownVerdicts:
    """The verdicts so far, in a file that survives an interruption."""

    def __init__(self, path: Path, key: AnswerKey, seeds: tuple[int, ...], *, own: bool) -> None:
        self._path = path
        self._stamp = hashlib.sha256(f"{key.dumps()} {seeds} {own}".encode()).hexdigest()
        self._verdicts: dict[str, dict[str, Any]] = {}
        # Nothing there, or no JSON: then nothing is known.
        with contextlib.suppress(OSError, ValueError):
            self._verdicts = json.loads(path.read_text(encoding="utf-8"))

    def _name(self, answer: Answer) -> str:
        """Return the name of an answer's verdict: it changes with the answer, the key and the seeds."""
        content = json.dumps(asdict(answer), sort_keys=True)
        return hashlib.sha256(f"{self._stamp} {content}".encode()).hexdigest()

    def find(self, answer: Answer) -> AnswerVerdict | None:
        """Return the verdict on an answer, if it is known."""
        data = self._verdicts.get(self._name(answer))
        if data is None:
            return None
        refused = {int(seed): names for seed, names in data["refused"].items()}
        return AnswerVerdict(**{**data, "refused": refused, "faults": tuple(data["faults"])})

    def keep(self, answer: Answer, verdict: AnswerVerdict) -> None:
        """Add a verdict, and write the file as a whole or not at all.

        A process that ended early may have met a busy machine: that verdict is not written.
        """
        self._verdicts[self._name(answer)] = asdict(verdict)
        lasting = {name: data for name, data in self._verdicts.items() if data["refused"]}
        put(self._path, json.dumps(lasting).encode())

    def forget(self) -> None:
        """Forget all verdicts."""
        self._verdicts = {}
