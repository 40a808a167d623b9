"""Observations: the numbers that a check computes from a student's code."""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from autograder.replay import randomness

PROJECTIONS = 6
# Significant digits compared; short replays agree far better.
DIGITS = 8
# Of what may have been float32 on the way.
ROUNDED_DIGITS = 6
_NORMS = 10.0
# Elements of a line, and of an array that has too many for a weight each.
_LINE = 1024
_MANY = 16 * _LINE


@dataclass(frozen=True)
class Observation:
    """What one check saw.

    Attributes:
        name: the stable name of the check, for example "network.output".
        block: the marked block that it belongs to.
        points: the marks that a right observation earns.
        values: the numbers seen; empty when the check failed before it saw any.
        digits: how many significant digits of the numbers are compared.
        text: the normalised text seen, for text answers; else what the error was about.
        error: the key of the message that says why there are no numbers, None if there are.
        weak: whether the numbers follow from what the library supplies; see `Check.follows_from`.
    """

    name: str
    block: str
    points: float
    values: tuple[float, ...] = ()
    digits: int = DIGITS
    text: str | None = None
    error: str | None = None
    weak: bool = False


@dataclass(frozen=True)
class Projected:
    """An array that was observed, and the numbers that stand for it.

    Attributes:
        values: of the array, flat.
        numbers: what `project` made of it: these change with the seed whatever the array holds.
    """

    values: NDArray[np.float64]
    numbers: tuple[float, ...]


_gathered: ContextVar[list[Projected] | None] = ContextVar("gathered", default=None)


@contextlib.contextmanager
def gathering() -> Iterator[list[Projected]]:
    """Gather the arrays that are projected in the body.

    Yields:
        A list that they are added to.
    """
    gathered: list[Projected] = []
    token = _gathered.set(gathered)
    try:
        yield gathered
    finally:
        _gathered.reset(token)


def project(
    array: torch.Tensor, seed: int, name: str, count: int = PROJECTIONS, *, rounded: bool = False
) -> list[float]:
    """Reduce an array to its shape and a few seeded projections.

    The projections are sums weighted by seeded normal numbers, so that a permuted, transposed, scaled or
    constant array has other projections.

    Args:
        array: any shape, real or integer dtype.
        seed: of the replay.
        name: of the check; each check has its own weights.
        count: the number of projections.
        rounded: whether the array may have been float32 on the way, exact to 6e-8 of each number. A
            projection that is small by chance loses digits by that; the norm, many times, is added to each.

    Returns:
        The number of axes, their lengths, then `count` numbers.
    """
    values = array.detach().cpu().to(torch.float64).numpy().ravel()
    key = randomness.derive_key(seed, "projection", name, tuple(array.shape))
    with np.errstate(over="ignore", invalid="ignore"):
        sums = _weighted_sums(values, key, count)
        if rounded:
            sums += _NORMS * np.linalg.norm(values)
    numbers = [float(array.ndim), *(float(size) for size in array.shape), *sums.tolist()]
    if (gathered := _gathered.get()) is not None:
        gathered.append(Projected(values, tuple(numbers)))
    return numbers


def _weighted_sums(values: NDArray[np.float64], key: int, count: int) -> NDArray[np.float64]:
    """Return sums of an array's elements, each with weights of its own.

    Every element has a standard normal weight. A large array is cut into lines, and the weight of an element
    is its line's times its column's: a million elements cost two thousand random numbers, and two arrays
    still have equal sums only if they are equal, or by a chance of measure zero (a bilinear form vanishes
    for almost no weights unless it is zero).

    Returns:
        float64 of shape (count,). Machines sum in different orders, which differs by 1e-12 of a sum.
    """
    if values.size <= _MANY:
        return np.asarray((randomness.normal(key, (count, values.size)) * values).sum(axis=1))
    lines = -(-values.size // _LINE)
    matrix = np.pad(values, (0, lines * _LINE - values.size)).reshape(lines, _LINE)
    of_lines, of_columns = np.split(randomness.normal(key, (count, lines + _LINE)), [lines], axis=1)
    return np.asarray((of_lines * (matrix @ of_columns.T).T).sum(axis=1))


def normalise_text(text: str) -> str:
    """Fold what does not matter in a text answer: Unicode form, case and white space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def all_finite(array: torch.Tensor) -> bool:
    """Tell whether an array holds neither NaN nor infinity."""
    return bool(np.isfinite(array.detach().cpu().to(torch.float64).numpy()).all())
