"""Random numbers and shapes for pictures that are the same, to the bit, on every machine.

Only additions, products, quotients, square roots and comparisons are used: IEEE 754 fixes their results,
while a sine or an exponential may differ in its last bit from one processor to the next.
"""

from __future__ import annotations

import numpy as np

from autograder.replay import randomness
from autograder.replay.randomness import Float64Array


class Draws:
    """A stream of random numbers that a key decides.

    Args:
        *key: integers and strings.
    """

    def __init__(self, *key: object) -> None:
        self._key = key
        self._count = 0

    def uniform(self, low: float = 0.0, high: float = 1.0, shape: tuple[int, ...] = ()) -> Float64Array:
        """Return uniform numbers of [low, high)."""
        self._count += 1
        key = randomness.derive_key(*self._key, self._count)
        values: Float64Array = low + (high - low) * randomness.uniform(key, shape)
        return values

    def number(self, low: float = 0.0, high: float = 1.0) -> float:
        """Return one uniform number of [low, high)."""
        return float(self.uniform(low, high))

    def integer(self, count: int) -> int:
        """Return one of 0 … count - 1."""
        return min(int(self.number(0.0, count)), count - 1)

    def normal(self, shape: tuple[int, ...] = ()) -> Float64Array:
        """Return nearly normal numbers of mean 0 and variance 1: sums of twelve uniform ones."""
        rows = self.uniform(shape=(12, *shape))
        total = np.zeros(shape)
        for row in rows:  # one after the other: the order of a sum decides its last bit
            total = total + row
        return total - 6.0


def grid(size: int) -> tuple[Float64Array, Float64Array]:
    """Return the coordinates x and y of the centres of size x size pixels, in (-1, 1); y grows downwards."""
    line = (2.0 * np.arange(size) + 1.0) / size - 1.0
    return np.broadcast_to(line, (size, size)), np.broadcast_to(line[:, None], (size, size))


def smooth_step(x: Float64Array, low: float, high: float) -> Float64Array:
    """Return 0 below `low`, 1 above `high`, and a cubic between them."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    result: Float64Array = t * t * (3.0 - 2.0 * t)
    return result


def smooth_noise(draws: Draws, cells: int, size: int) -> Float64Array:
    """Return a smooth random field of shape (size, size), values in [-1, 1).

    Args:
        draws: where its numbers come from.
        cells: how many random values stand along a side; few make broad waves.
        size: pixels of a side.
    """
    values = draws.uniform(-1.0, 1.0, (cells + 1, cells + 1))
    place = (2.0 * np.arange(size) + 1.0) / (2.0 * size) * cells
    index = np.minimum(place.astype(int), cells - 1)
    t = smooth_step(place - index, 0.0, 1.0)
    rows = values[index] * (1.0 - t)[:, None] + values[index + 1] * t[:, None]
    field: Float64Array = rows[:, index] * (1.0 - t) + rows[:, index + 1] * t
    return field


def rotated(x: Float64Array, y: Float64Array, angle: float) -> tuple[Float64Array, Float64Array]:
    """Return coordinates turned by about `angle` (radians; exact for small ones)."""
    t = 0.5 * angle
    cosine, sine = (1.0 - t * t) / (1.0 + t * t), 2.0 * t / (1.0 + t * t)
    return cosine * x + sine * y, cosine * y - sine * x


def radius(x: Float64Array, y: Float64Array, a: float, b: float) -> Float64Array:
    """Return 1 on the ellipse of semi-axes a and b around the origin, less inside."""
    result: Float64Array = np.sqrt((x / a) * (x / a) + (y / b) * (y / b))
    return result


def reduced(picture: Float64Array, factor: int) -> Float64Array:
    """Return a picture whose sides are `factor` times shorter, each pixel the mean of a box.

    Args:
        picture: shape (height, width) or (height, width, channels).
        factor: divides both sides.
    """
    total = np.zeros_like(picture[::factor, ::factor])
    for row in range(factor):
        for column in range(factor):
            total = total + picture[row::factor, column::factor]
    mean: Float64Array = total / (factor * factor)
    return mean


def to_bytes(picture: Float64Array) -> np.ndarray:
    """Return intensities of [0, 1] as bytes."""
    return np.floor(255.0 * np.clip(picture, 0.0, 1.0) + 0.5).astype(np.uint8)
