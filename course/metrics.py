"""Figures for the quality of generated samples, instead of "it looks good"."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

BINS = 32
NEAR = 0.2


@dataclass(frozen=True)
class SineQuality:
    """How good generated points of the sine curve are.

    Attributes:
        distance: mean of |x2 - sin x1|; 0 for real points. Alone it flatters a generator that repeats
            one good point.
        coverage: share of 32 equal parts of [0, 2 pi) that hold a point within 0.2 of the curve; about
            1 for 1,000 real points. It falls when the generator drops a part of the data.
    """

    distance: float
    coverage: float

    def __str__(self) -> str:
        return f"distance {self.distance:.3f}, coverage {self.coverage:.0%}"


def sine_quality(samples: torch.Tensor) -> SineQuality:
    """Measure generated points against the sine curve.

    Args:
        samples: real numbers of shape (n, 2), n at least 1.

    Raises:
        ValueError: for another shape.
    """
    if samples.ndim != 2 or samples.shape[1] != 2 or len(samples) == 0:
        raise ValueError(f"samples must have shape (n, 2) with n > 0, not {tuple(samples.shape)}")
    x, y = samples.detach().cpu().double().unbind(dim=1)
    distance = (y - x.sin()).abs()
    good = (distance < NEAR) & (x >= 0) & (x < 2 * math.pi)
    parts = (x[good] / (2 * math.pi) * BINS).long()
    return SineQuality(float(distance.mean()), len(parts.unique()) / BINS)
