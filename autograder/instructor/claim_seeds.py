"""Hold a lab's claims under several seeds: what is said of outputs is not to hang on one run's luck."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autograder.instructor.claims.cells import Claim
from autograder.instructor.options import CLAIM_SEEDS
from autograder.instructor.settings import Course
from autograder.instructor.solution import Outcome, execute_solution

# Far enough apart that no seed of a notebook becomes another one of it.
_STEP = 1000


@dataclass(frozen=True)
class SeveralSeeds:
    """A claim under several seeds, of which the first is the notebook's own.

    Attributes:
        claim: what was run.
        outcomes: one for each seed.
    """

    claim: Claim
    outcomes: tuple[Outcome, ...]

    @property
    def held(self) -> int:
        """Return under how many seeds the claim holds."""
        return sum(outcome.holds for outcome in self.outcomes)

    @property
    def passed(self) -> bool:
        """Tell whether it holds as often as it must: under every seed, or under some if it depends on it."""
        return self.held >= (1 if self.claim.seed_dependent else len(self.outcomes))

    @property
    def compared(self) -> dict[str, list[str]]:
        """Return what the claim compared, and its value under each seed, the last where it had several."""
        found: dict[str, list[str]] = {}
        for outcome in self.outcomes:
            last = {text: value for finding in outcome.findings for text, value in finding.compared.items()}
            for text, value in last.items():
                found.setdefault(text, []).append(value)
        return found


def hold_claims(
    course: Course, lab: str, seeds: int = CLAIM_SEEDS, report: Callable[[str], None] = lambda line: None
) -> Sequence[SeveralSeeds]:
    """Execute a lab's solution under several seeds, and return what became of its claims.

    Args:
        course: the checkout.
        lab: the lab's id.
        seeds: how many, the notebook's own among them.
        report: called with a line before each run.

    Raises:
        CourseError: if the solution stops or lacks marks, or a claim is not as it must be.
    """
    runs: list[tuple[Outcome, ...]] = []
    for number in range(seeds):
        report(f"{lab}: seed {number + 1} of {seeds}")
        runs.append(execute_solution(course, lab, shift=number * _STEP).outcomes)
    return [SeveralSeeds(outcomes[0].claim, outcomes) for outcomes in zip(*runs, strict=True)]
