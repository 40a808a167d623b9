"""Portable random numbers: the same on every machine, device and release.

Every draw is a pure function of a key: `(seed, family, count, occurrence)`. The bits come from NumPy's
counter-based Philox bit generator, whose stream NumPy promises never to change (NEP 19); the step from
bits to floats is done here, because the distributions of `numpy.random.Generator` carry no such promise.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]

_UNIT = 2.0**-53


def derive_key(*parts: object) -> int:
    """Hash the parts to the 128-bit key of one Philox stream.

    Args:
        *parts: integers, strings and tuples of them; their `repr` must be stable.

    Returns:
        An integer in [0, 2**128).
    """
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=16).digest(), "little")


def seed_of(seed: int, name: str) -> int:
    """Return the seed of the replay of one check, so that checks do not share random numbers."""
    return derive_key(seed, "check", name) % 2**62


def random_bits(key: int, count: int) -> NDArray[np.uint64]:
    """Return `count` independent 64-bit words of the stream of `key`."""
    return np.random.Philox(key=key).random_raw(count)


def uniform(key: int, shape: Sequence[int]) -> Float64Array:
    """Draw from the uniform distribution on [0, 1), 53 bits each, as float64 of `shape`."""
    bits = random_bits(key, math.prod(shape))
    return ((bits >> np.uint64(11)).astype(np.float64) * _UNIT).reshape(tuple(shape))


def normal(key: int, shape: Sequence[int]) -> Float64Array:
    """Draw from the standard normal distribution by the Box-Muller transform, as float64 of `shape`."""
    count = math.prod(shape)
    half = (count + 1) // 2
    u = uniform(key, (2, half))
    radius = np.sqrt(-2.0 * np.log1p(-u[0]))  # 1 - u lies in (0, 1]: no infinity
    angle = 2.0 * math.pi * u[1]
    values = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])
    return values[:count].reshape(tuple(shape))


def integers(key: int, shape: Sequence[int], low: int, high: int) -> Int64Array:
    """Draw integers of [low, high) as int64 of `shape`; the modulo bias is below 2**-64 * (high - low)."""
    bits = random_bits(key, math.prod(shape))
    return (bits % np.uint64(high - low)).astype(np.int64).reshape(tuple(shape)) + low


def permutation(key: int, length: int) -> Int64Array:
    """Draw a permutation of 0 ... length - 1 as int64 of shape (length,)."""
    return np.argsort(random_bits(key, length), kind="stable").astype(np.int64)


class KeyedDraws:
    """Counts the draws of one replay and gives each its key.

    Two correct programs that draw the same things in another order agree more often under keyed draws
    than under one stream: a key depends on how often *this family and as many numbers* were drawn before, not
    on all draws before. The shape does not count: `rand(n * m).view(n, m)` and `rand(n, m)` agree.

    Attributes:
        seed: of the replay.
        seedings: how often the program seeded.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._drawn: Counter[tuple[str, int]] = Counter()
        self._places: dict[Hashable, Counter[tuple[str, int]]] = {}
        self.seedings = 0
        self._keys_at_state: dict[tuple[bytes, str, int], int] = {}

    def next_key(self, family: str, shape: Sequence[int]) -> int:
        """Return the key of the next draw of `family` with `shape`."""
        place = (family, math.prod(int(size) for size in shape))
        occurrence = self._drawn[place]
        self._drawn[place] += 1
        return derive_key(self.seed, *place, occurrence)

    def key_at(self, state: bytes, family: str, shape: Sequence[int]) -> int:
        """Return the key of a draw from a generator of one's own.

        As with `reseed`, the first draw in some state is the next one, and a generator that was brought
        back to that state, by the same seed, repeats it.
        """
        place = (state, family, math.prod(shape))
        if place not in self._keys_at_state:
            self._keys_at_state[place] = self.next_key(family, shape)
        return self._keys_at_state[place]

    @property
    def states(self) -> frozenset[bytes]:
        """Return the states in which generators of the program's own drew."""
        return frozenset(state for state, *_ in self._keys_at_state)

    def reseed(self, seed: Hashable) -> None:
        """Act as `torch.manual_seed(seed)`: seeding again with the same seed repeats the draws.

        The first call with a seed changes nothing, so that a program that seeds once agrees with one
        that does not; a program that seeds inside its loop gets the same numbers in every turn.
        """
        self.seedings += 1
        if seed in self._places:
            self._drawn = self._places[seed].copy()
        else:
            self.mark(seed)

    def mark(self, place: Hashable) -> None:
        """Take note of where the draws stand, so that `reseed` with the same value comes back here."""
        self._places[place] = self._drawn.copy()
