"""Checks whose marks could be had without an answer: what they look at is the same under every seed.

A seed decides the weights by which an array is projected, so the numbers of an observation change with it
whatever the array holds. What is compared from seed to seed is the array itself.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from autograder.judge import Recording
from autograder.observation import Projected

# Besides the public seed of a lab.
OTHER_SEEDS = (7, 20011)
# One number is guessed too easily, and a number that no seed changes can be written down.
LEAST_SECRET_NUMBERS = 4
_TOLERANCE = 1e-9


def forgeable_checks(recordings: Sequence[Recording]) -> list[str]:
    """Return the checks with marks whose observation could be written down without an answer.

    An observation is safe when at least four of its numbers, or of the elements of the arrays behind them,
    differ from seed to seed, or when it is a text, which the student's process does not hold.

    Args:
        recordings: what the reference solution observed, under several seeds.
    """
    return [
        name
        for name, observation in recordings[0].observations.items()
        if observation.points > 0
        and observation.text is None
        and _secret_numbers(name, recordings) < LEAST_SECRET_NUMBERS
    ]


def _secret_numbers(check: str, recordings: Sequence[Recording]) -> int:
    """Return how many numbers of a check depend on the seed."""
    columns = zip(*(_plain_numbers(check, recording) for recording in recordings), strict=False)
    plain = sum(len(set(column)) == len(recordings) for column in columns)
    arrays = [recording.arrays.get(check, ()) for recording in recordings]
    return plain + min(itertools.starmap(_differences, itertools.combinations(arrays, 2)), default=0)


def _plain_numbers(check: str, recording: Recording) -> Iterator[float]:
    """Yield the numbers of an observation that do not stand for an array."""
    arrays = recording.arrays.get(check, ())
    projected = Counter(number for array in arrays for number in array.numbers)
    for value in recording.observations[check].values:
        if projected[value]:
            projected[value] -= 1
        else:
            yield value


def _differences(first: Sequence[Projected], second: Sequence[Projected]) -> int:
    """Return how many elements of arrays differ between two seeds, as far as both have them."""
    return sum(_differing(a.values, b.values) for a, b in zip(first, second, strict=False))


def _differing(first: np.ndarray, second: np.ndarray) -> int:
    """Return how many elements of two flat arrays differ, as far as both have them."""
    both = min(first.size, second.size)
    a, b = first[:both], second[:both]
    return int((np.abs(a - b) > _TOLERANCE * np.maximum(np.abs(a), np.abs(b))).sum())
