"""What it costs to search an answer key for the numbers that it hides, check by check.

`python -m course.authoring.guessing` prints the table of docs/grading.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from autograder.instructor import observe as observing
from autograder.instructor.settings import Course, load_course
from autograder.observation import Observation
from course.checks.experiments import LEAST_RESULTS

# One digest, on one core.
DIGEST_S = 0.044
_YEAR_S = 365.25 * 86_400
# What a shift tells of one number among a few likely ones: the steps of a shift per width.
_SHIFT_BITS = 2.0
# How often `supplied_results` hands out each size.
_TURNS = 3


@dataclass(frozen=True)
class Search:
    """What there is to search.

    Attributes:
        check: its name.
        bits: the logarithm of the number of combinations.
        known: what the guesser is supposed to know.
    """

    check: str
    bits: float
    known: str

    @property
    def core_years(self) -> float:
        """Return the time that half of all digests take on one core."""
        return float(2.0 ** (self.bits - 1)) * DIGEST_S / _YEAR_S

    def row(self, lab: str) -> str:
        """Return a line of the table."""
        return f"| `{lab}` | `{self.check}` | {self.known} | {self.bits:.0f} | {_time(self.core_years)} |"


def search_of(observation: Observation) -> Search:
    """Return what there is to search for one check.

    Numbers of which few are likely are counted as such. Of the others the guesser knows sign, size and first
    digit, and all whole numbers, such as lengths.
    """
    likely = _likely().get(observation.name)
    if likely is not None:
        return likely
    free = [value for value in observation.values if not float(value).is_integer()]
    bits = len(free) * (observation.digits - 1) * math.log2(10)
    return Search(observation.name, bits, f"first digit of {len(free)} numbers")


def weakest(course: Course, lab: str) -> Search:
    """Return the check of a lab that is searched at the least cost, those apart that hide nothing.

    What follows from what the library supplies (`Check.follows_from`) is no secret, and texts are few.
    """
    observations = observing.observe(course, lab, seed=course.seed(lab)).observations.values()
    searches = [search_of(o) for o in observations if o.points and not o.weak and o.text is None]
    return min(searches, key=lambda search: search.bits)


def _likely() -> Mapping[str, Search]:
    """Return the checks whose numbers are among few that are likely beforehand."""
    # The smallest that may be drawn: they are found the soonest.
    drawn = range(LEAST_RESULTS, LEAST_RESULTS + 4)
    sizes = [size for size in drawn for _ in range(_TURNS)]

    def of_sizes(counts: Mapping[int, float], numbers: int) -> float:
        return sum(max(0.0, math.log2(counts[size]) - numbers * _SHIFT_BITS) for size in sizes)

    pairs = {size: (size // 2) * (size - size // 2) + 1 for size in drawn}
    tables = {size: math.comb(size + 3, 3) for size in drawn}
    # Of ten times as many hits, both counts of McNemar's test within two deviations, in either order.
    deviations = {size: math.sqrt(10 * size * 0.16 * 0.84) for size in drawn}
    discordant = {size: (4 * deviation) ** 2 / 2 for size, deviation in deviations.items()}
    found = [
        Search("sizes.convolution", 12 * math.log2(64), "sizes up to 64"),
        Search("sizes.transposed", 12 * math.log2(64), "sizes up to 64"),
        Search("claim.interval", 4 * math.log2(10 * 80) - 8 * _SHIFT_BITS, "the formula, not its arguments"),
        Search(
            "claim.fisher", 4 * (math.log2(5 * 20 * 11 * 40) - _SHIFT_BITS), "the test, not its arguments"
        ),
        Search("scores.ranking", of_sizes(pairs, 1), "how many results there are"),
        Search("scores.decisions", of_sizes(tables, 3), "how many results there are"),
        Search("paired.mcnemar", of_sizes(discordant, 1), "how many results there are"),
        # Twelve means in ten buckets, with intervals of two lengths.
        Search("paired.difference", 12 * math.log2(10 * 2), "how results are drawn"),
    ]
    return {search.check: search for search in found}


def _time(core_years: float) -> str:
    """Return a time as text."""
    if core_years < 1:
        return f"{core_years * 365.25:.2g} core-days"
    return f"10^{math.log10(core_years):.0f} core-years"


def main() -> None:
    """Print the table."""
    course = load_course()
    for lab in course.labs:
        print(weakest(course, lab).row(lab))


if __name__ == "__main__":
    main()
