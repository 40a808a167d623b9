"""Measure the grader: are all known wrong answers refused, and all equivalent ones accepted?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from autograder.instructor.bank import (
    Answer,
    EquivalentMutant,
    load_bank,
    load_equivalent_mutants,
    load_judged_hints,
)
from autograder.instructor.deciding import deciding_digest
from autograder.instructor.fitting import require_cells, require_checks
from autograder.instructor.forgeable import OTHER_SEEDS, forgeable_checks
from autograder.instructor.hints import JudgedHints
from autograder.instructor.keys import require_reference
from autograder.instructor.mutation.scoring import Examination, Scores, Wish, score
from autograder.instructor.observe import observe
from autograder.instructor.options import TIME_LIMIT_S
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.source import read_lab
from autograder.instructor.trial import Trial, run_trials
from autograder.instructor.verdicts import AnswerVerdict, Assessor, KnownVerdicts
from autograder.key import AnswerKey


@dataclass
class Audit:
    """The audit of one lab.

    Attributes:
        lab: the lab's id.
        seeds: the public seed first.
        verdicts: one per answer, in the bank's order.
        forgeable: checks with marks whose numbers are too few or no secret.
        scores: of mutants and rewrites, where they were asked for.
        marks_lost: by id of a wrong answer that names a check, the share of its cell's marks that it loses,
            and the share that hangs on that check.
        seconds: wall time that the audit took.
    """

    lab: str
    seeds: tuple[int, ...]
    verdicts: list[AnswerVerdict] = field(default_factory=list)
    forgeable: list[str] = field(default_factory=list)
    scores: Scores | None = None
    marks_lost: dict[str, tuple[float, float]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Tell whether nothing is amiss."""
        scores = self.scores or Scores()
        amiss = [*self.forgeable, *scores.survivors, *scores.unjudged, *scores.refused]
        return not amiss and not any(verdict.faults for verdict in self.verdicts)

    def count(self, kind: str) -> int:
        """Return the number of answers of a kind."""
        return sum(verdict.kind == kind for verdict in self.verdicts)

    def share(self, kind: str, what: str) -> tuple[int, int]:
        """Return how many answers of a kind have an attribute of their verdict, of how many it is asked."""
        asked = [getattr(v, what) for v in self.verdicts if v.kind == kind and getattr(v, what) is not None]
        return sum(asked), len(asked)

    @property
    def own_marks_only(self) -> tuple[int, int]:
        """Return how many mistakes cost the marks of the check that they name and no others, of how many."""
        return sum(lost <= own for lost, own in self.marks_lost.values()), len(self.marks_lost)

    @property
    def mean_loss(self) -> tuple[float, float]:
        """Return which share of a cell's marks a mistake costs in the mean, and which hangs on its check."""
        count = max(len(self.marks_lost), 1)
        lost, own = zip(*self.marks_lost.values(), strict=True) if self.marks_lost else ((), ())
        return sum(lost) / count, sum(own) / count

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
            "own_marks_only": {"count": self.own_marks_only[0], "of": self.own_marks_only[1]},
            "mean_share_of_marks": dict(zip(("lost", "own"), self.mean_loss, strict=True)),
            "forgeable_checks": self.forgeable,
            **(self.scores.as_json() if self.scores else {}),
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
    time_limit: float = TIME_LIMIT_S,
    fresh: bool = False,
    wish: Wish | None = None,
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
        wish: which answers to make out of the solutions and to judge too.
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
    require_cells(answers, read_lab(course, lab), path)
    require_checks(answers, key.checks, path)
    audit = Audit(lab, tuple(dict.fromkeys([key.seed, *seeds])))
    known = KnownVerdicts(course.build / "audit" / f"{lab}.json", key, audit.seeds, own=bank is None)
    if fresh:
        known.forget()
    todo = [answer for answer in answers if known.find(answer) is None]
    begin(len(answers), len(answers) - len(todo))
    recordings = [observe(course, lab, seed=seed) for seed in audit.seeds]
    expected = {recording.seed: recording.observations for recording in recordings}
    require_reference(lab, key, expected[key.seed])
    # Under one seed nobody sees what depends on it.
    audit.forgeable = forgeable_checks(recordings) if len(recordings) > 1 else []
    judged = _judged_hints(course, lab)
    assessor = Assessor(key, expected, judged if bank is None else None)
    for trial in _trials(course, lab, todo, audit.seeds, jobs, time_limit):
        verdict = assessor.assess(trial)
        known.keep(trial.answer, verdict)
        advance(verdict)
    audit.verdicts = [found for answer in answers if (found := known.find(answer))]
    audit.marks_lost = _marks_lost(key, answers, audit.verdicts)
    if wish is not None:
        bench = Examination(
            course,
            lab,
            key,
            judged,
            expected,
            run=lambda some, seed: _trials(course, lab, some, [seed], jobs, time_limit),
            begin=begin,
            advance=advance,
        )
        audit.scores = score(bench, wish, _equivalent_mutants(path), path)
    audit.seconds = time.perf_counter() - start
    return audit


def _marks_lost(
    key: AnswerKey, answers: Sequence[Answer], verdicts: Sequence[AnswerVerdict]
) -> dict[str, tuple[float, float]]:
    """Return the share of its cell's marks that each mistake loses under the public seed, and its check's."""
    named = {answer.id: answer.check for answer in answers}
    found = {}
    for verdict in verdicts:
        check = named[verdict.id]
        if check is None or check not in verdict.refused.get(key.seed, ()):
            continue
        full = key.blocks[key.checks[check].block]
        lost = sum(key.checks[name].points for name in verdict.refused[key.seed])
        found[verdict.id] = (lost / full, key.checks[check].points / full)
    return found


def _require_limits(jobs: int | None, time_limit: float) -> None:
    """Raise if nothing could be run within these limits."""
    if jobs is not None and jobs < 1:
        raise CourseError(f"--jobs must be at least 1, not {jobs}.")
    if not time_limit > 0:
        raise CourseError(f"--time-limit must be more than 0 seconds, not {time_limit:g}.")


def _judged_hints(course: Course, lab: str) -> JudgedHints:
    """Return what a lab's own bank says of its hints: those of its key, whichever bank is judged."""
    path = course.bank(lab)
    if not path.exists():
        return JudgedHints.of((), ())
    return JudgedHints.of(load_bank(path, course.languages).values(), load_judged_hints(path))


def _equivalent_mutants(bank: Path) -> list[EquivalentMutant]:
    """Return what a bank says of mutants that are right, if there is one."""
    return load_equivalent_mutants(bank) if bank.exists() else []


def _trials(
    course: Course,
    lab: str,
    answers: Sequence[Answer],
    seeds: Sequence[int],
    jobs: int | None,
    time_limit: float,
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
