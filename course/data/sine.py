"""Points of the sine curve."""

from __future__ import annotations

import math

import numpy as np
import torch


def sine_points(length: int, seed: int = 0) -> torch.Tensor:
    """Return points (x, sin x) with x uniform on [0, 2 pi), for pictures and comparisons.

    Args:
        length: the number of points.
        seed: of NumPy's generator.

    Returns:
        float32 of shape (length, 2).
    """
    angles = np.random.default_rng(seed).uniform(0.0, 2.0 * math.pi, size=length)
    return torch.from_numpy(np.stack([angles, np.sin(angles)], axis=1)).float()
