"""PyTorch's own generator, followed: however a program seeds it, the keyed draws go along.

Programs seed by `torch.manual_seed`, by `torch.default_generator`, by putting back a state that they read,
or by `fork_rng`. All of it shows in the generator's state, which nothing else moves within a replay: random
operators are served from the keyed draws, and each moves the generator on by one number of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from autograder.replay.randomness import KeyedDraws


class FollowedGenerator:
    """Tells the keyed draws when PyTorch's generator was brought to another state.

    Args:
        draws: that follow.
    """

    def __init__(self, draws: KeyedDraws) -> None:
        self._draws = draws
        self._expected = b""
        # How often Python's and NumPy's own generators were seeded.
        self.seeded_others = 0

    def start(self) -> None:
        """Follow from the state in which the generator is now."""
        self._expected = self.state()

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Let the body draw and seed as if it had not: the generator is then where it was."""
        state, expected = torch.default_generator.get_state(), self._expected
        try:
            yield
        finally:
            torch.default_generator.set_state(state)
            self._expected = expected

    def follow(self) -> None:
        """Look whether somebody has seeded since the last draw, and move on for the draw that comes."""
        self.look()
        # A program that puts this state back repeats what it drew from here on.
        self._draws.mark(self._key())
        torch.rand(())
        self._expected = self.state()

    def look(self) -> None:
        """Look whether somebody has seeded since the last draw."""
        state = self.state()
        if state != self._expected:
            self._expected = state
            self._draws.reseed(self._key())

    def replacements(self) -> list[tuple[Any, str, Callable[..., Any]]]:
        """Return what has to stand in for functions that read the state, and for other generators' seeds."""
        plain = torch.get_rng_state

        def get_rng_state() -> torch.Tensor:
            self.look()
            self._draws.mark(self._key())
            return plain()

        return [
            (torch, "get_rng_state", get_rng_state),
            (torch.random, "get_rng_state", get_rng_state),
            (random, "seed", self._noted(random.seed)),
            (np.random, "seed", self._noted(np.random.seed)),
        ]

    def _noted(self, seed: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that seeds and has that counted."""

        def call(*args: Any, **kwargs: Any) -> Any:
            self._draws.seedings += 1
            self.seeded_others += 1
            return seed(*args, **kwargs)

        return call

    def _key(self) -> bytes:
        """Return a short name of the state."""
        return hashlib.blake2b(self._expected, digest_size=16).digest()

    @staticmethod
    def state() -> bytes:
        """Return the state of the generator."""
        return torch.default_generator.get_state().numpy().tobytes()
