"""Run mutants and rewrites, and count what the grader makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.instructor.bank import Answer, EquivalentMutant
from autograder.instructor.hints import JudgedHints
from autograder.instructor.mutation.registry import MUTANTS, REWRITES
from autograder.instructor.mutation.variants import Variant, sample, variants
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.source import read_lab
from autograder.instructor.trial import Observations, Trial
from autograder.instructor.verdicts import AnswerVerdict, KnownVerdicts, hints_given, refusing
from autograder.key import AnswerKey, agree

Run = Callable[[Sequence[Answer], int], Iterator[Trial]]


@dataclass(frozen=True)
class Wish:
    """What is to be made out of the solutions.

    Attributes:
        mutants: whether wrong answers are.
        rewrites: whether right answers are.
        count: how many of each, None for all.
        seed: that they are drawn with.
        fresh: whether to forget earlier verdicts.
    """

    mutants: bool = False
    rewrites: bool = False
    count: int | None = None
    seed: int = 0
    fresh: bool = False


@dataclass(frozen=True)
class Finding:
    """A mutant that was accepted or got a hint that may be another's, or a rewrite that was refused.

    Attributes:
        variant: the answer.
        said: what the grader said against it; nothing where it accepted it.
    """

    variant: Variant
    said: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the finding as JSON data, with what declares a mutant equivalent."""
        v = self.variant
        found = {"id": v.id, "cell": v.cell, "operator": v.operator, "before": v.before, "after": v.after}
        return {**found, "said": self.said} if self.said else found


@dataclass
class Scores:
    """What the grader made of a lab's mutants and rewrites.

    Attributes:
        mutants: how many were run.
        equivalent: how many more the bank declares equivalent.
        survivors: mutants that were accepted under every seed.
        hinted: how many get a hint of the bank.
        unjudged: mutants with a hint of which nobody judged whether it is true of them.
        rewrites: how many were run.
        refused: rewrites that were refused under some seed.
    """

    mutants: int = 0
    equivalent: int = 0
    survivors: list[Finding] = field(default_factory=list)
    hinted: int = 0
    unjudged: list[Finding] = field(default_factory=list)
    rewrites: int = 0
    refused: list[Finding] = field(default_factory=list)

    @property
    def killed(self) -> tuple[int, int]:
        """Return how many mutants were refused, of how many."""
        return self.mutants - len(self.survivors), self.mutants

    @property
    def accepted(self) -> tuple[int, int]:
        """Return how many rewrites were accepted, of how many."""
        return self.rewrites - len(self.refused), self.rewrites

    def as_json(self) -> dict[str, Any]:
        """Return the scores as JSON data."""
        return {
            "mutants_killed": {"count": self.killed[0], "of": self.killed[1]},
            "mutants_declared_equivalent": self.equivalent,
            "survivors": [finding.as_json() for finding in self.survivors],
            "mutants_hinted": self.hinted,
            "hints_unjudged": [finding.as_json() for finding in self.unjudged],
            "rewrites_accepted": {"count": self.accepted[0], "of": self.accepted[1]},
            "rewrites_refused": [finding.as_json() for finding in self.refused],
        }


@dataclass(frozen=True)
class Examination:
    """How variants are judged.

    Attributes:
        course: the checkout.
        lab: the lab's id.
        key: the lab's.
        judged: of which answers hints are true.
        expected: what the reference observes, by seed; the public one first.
        run: runs answers under one seed.
        begin: is called with the number of answers and how many are known already.
        advance: is called with each new verdict.
    """

    course: Course
    lab: str
    key: AnswerKey
    judged: JudgedHints
    expected: Mapping[int, Observations]
    run: Run
    begin: Callable[[int, int], None]
    advance: Callable[[AnswerVerdict], None]


def score(examination: Examination, wish: Wish, declared: Sequence[EquivalentMutant], bank: Path) -> Scores:
    """Make mutants and rewrites, and judge them.

    A mutant is killed by one check under one seed; a rewrite has to be accepted under all of them.

    Args:
        examination: how to judge.
        wish: what to make.
        declared: the mutants that are right.
        bank: where they are declared, for errors.

    Raises:
        CourseError: if a mutant is declared equivalent, or a hint true of one, that is not made (any more).
    """
    scores = Scores()
    notebook = read_lab(examination.course, examination.lab)
    if wish.mutants:
        made = list(variants(notebook, examination.lab, MUTANTS, "mutant"))
        right = {entry.key for entry in declared}
        _require_made(made, declared, bank)
        examination.judged.require_known({variant.id for variant in made})
        wrong = [variant for variant in made if _key(variant) not in right]
        scores.equivalent = len(made) - len(wrong)
        chosen = sample(wrong, wish.count, wish.seed)
        scores.mutants = len(chosen)
        examined = _examined(examination, chosen, wish)
        scores.survivors = [Finding(v) for v, verdict in examined if not verdict.faults]
        scores.hinted = sum(bool(verdict.hints) for _, verdict in examined)
        scores.unjudged = [
            Finding(variant, hint)
            for variant, verdict in examined
            for hint in examination.judged.unjudged(variant.id, variant.code, verdict.hints)
        ]
    if wish.rewrites:
        made = list(variants(notebook, examination.lab, REWRITES, "rewrite"))
        chosen = sample(made, wish.count, wish.seed)
        scores.rewrites = len(chosen)
        examined = _examined(examination, chosen, wish)
        scores.refused = [Finding(v, "; ".join(each.faults)) for v, each in examined if each.faults]
    return scores


def _key(variant: Variant) -> tuple[str, str, str, str]:
    return (variant.cell, variant.operator, variant.before, variant.after)


def _require_made(made: Sequence[Variant], declared: Sequence[EquivalentMutant], bank: Path) -> None:
    known = {_key(variant) for variant in made}
    for number, entry in enumerate(declared, 1):
        if entry.key not in known:
            raise CourseError(
                f"{bank.name}, equivalent_mutant {number} ({entry.cell}, {entry.operator}, {entry.after!r}): "
                "no such mutant is made of the solution. Take the entry out, or write what stands there now."
            )


def _examined(
    examination: Examination, chosen: Sequence[Variant], wish: Wish
) -> list[tuple[Variant, AnswerVerdict]]:
    """Return the verdict on each variant: that of the first seed under which it is refused, else the last."""
    found: dict[str, AnswerVerdict] = {}
    for seed in examination.expected:
        accepted = [variant for variant in chosen if variant.id not in found or not found[variant.id].faults]
        found |= _verdicts(examination, accepted, seed, fresh=wish.fresh)
    return [(variant, found[variant.id]) for variant in chosen]


def _verdicts(
    examination: Examination, chosen: Sequence[Variant], seed: int, *, fresh: bool
) -> Iterator[tuple[str, AnswerVerdict]]:
    """Yield the verdicts on variants under one seed, known ones first."""
    path = examination.course.build / "audit" / f"{examination.lab}.variants.{seed}.json"
    known = KnownVerdicts(path, examination.key, (seed,), own=True)
    if fresh:
        known.forget()
    answers = {variant.id: Answer(variant.id, variant.cell, "wrong", variant.code) for variant in chosen}
    found = {name: verdict for name, answer in answers.items() if (verdict := known.find(answer))}
    examination.begin(len(answers), len(found))
    yield from found.items()
    todo = [answer for name, answer in answers.items() if name not in found]
    for trial in examination.run(todo, seed) if todo else ():
        verdict = _verdict(trial, seed, examination)
        known.keep(trial.answer, verdict)
        examination.advance(verdict)
        yield trial.answer.id, verdict


def _verdict(trial: Trial, seed: int, examination: Examination) -> AnswerVerdict:
    """Return the verdict on one variant; its faults are what the grader says against it."""
    answer = trial.answer
    if trial.error is not None:
        return AnswerVerdict(answer.id, answer.kind, {}, True, faults=(trial.error,))
    seen = trial.observations[seed]
    names = refusing(examination.expected[seed], seen, agree)
    faults = tuple(f"seed {seed}: {name} ({_why(name, seen)})" for name in names)
    hints = hints_given(examination.key, seen) if seed == examination.key.seed else ()
    return AnswerVerdict(answer.id, answer.kind, {seed: names}, bool(names), faults=faults, hints=hints)


def _why(name: str, seen: Observations) -> str:
    """Return why a check refuses what was seen."""
    observation = seen.get(name)
    if observation is None:
        return "not run"
    if observation.error is None:
        return "other numbers"
    return ": ".join(filter(None, (observation.error, observation.text)))
