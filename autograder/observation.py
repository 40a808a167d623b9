"""Observations: the numbers that a check computes from a student's code."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass

import numpy as np
import torch

from autograder.replay import randomness

PROJECTIONS = 6
# Significant digits compared; short replays agree far better.
DIGITS = 8


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


def project(array: torch.Tensor, seed: int, name: str, count: int = PROJECTIONS) -> list[float]:
    """Reduce an array to its shape and a few seeded projections.

    The projections are sums weighted by standard normal numbers, one weight per element, so that a
    permuted, transposed, scaled or constant array has other projections.

    Args:
        array: any shape, real or integer dtype.
        seed: of the replay.
        name: of the check; each check has its own weights.
        count: the number of projections.

    Returns:
        The number of axes, their lengths, then `count` numbers.
    """
    values = array.detach().cpu().to(torch.float64).numpy().ravel()
    key = randomness.derive_key(seed, "projection", name, tuple(array.shape))
    weights = randomness.normal(key, (count, values.size))
    # math.fsum and not a matrix product: BLAS sums in another order on another machine.
    sums = [math.fsum(row) for row in (weights * values).tolist()]
    return [float(array.ndim), *(float(size) for size in array.shape), *sums]


def normalise_text(text: str) -> str:
    """Fold what does not matter in a text answer: Unicode form, case and white space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def all_finite(array: torch.Tensor) -> bool:
    """Tell whether an array holds neither NaN nor infinity."""
    return bool(np.isfinite(array.detach().cpu().to(torch.float64).numpy()).all())
