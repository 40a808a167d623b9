"""What the library supplies to a student's code: data, and parameters and gradients that it sets.

Families of checks add networks of their own: a training step is graded with supplied ones, so that a mistake
in an earlier cell does not cost marks twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from autograder.replay import Replay, randomness


class Supplied:
    """An argument of a student's function that is built inside the replay."""

    def build(self, running: Replay) -> Any:
        """Return the argument."""
        raise NotImplementedError  # every subclass has its own

    def give_back(self, built: Any) -> None:
        """Look at what was built after the student's function has used it.

        Raises:
            CheckFailed: if it was left as it must not be.
        """


class Supplies:
    """What a family supplies for arguments; its methods are the lab's, `lab.supplied_samples(...)`."""


@dataclass(frozen=True)
class SuppliedSamples(Supplied):
    """Standard normal numbers, float64.

    Attributes:
        shape: of the tensor.
        name: two names give two tensors.
    """

    shape: tuple[int, ...]
    name: str = "samples"

    def build(self, running: Replay) -> torch.Tensor:
        """Return the tensor."""
        key = randomness.derive_key(running.seed, self.name, self.shape)
        return torch.from_numpy(randomness.normal(key, self.shape)).to(running.device)


@dataclass(frozen=True)
class SuppliedPixels(Supplied):
    """Pictures of random pixels, uint8 from 0 to 255, of some shape."""

    shape: tuple[int, ...]

    def build(self, running: Replay) -> torch.Tensor:
        """Return the tensor."""
        key = randomness.derive_key(running.seed, "pixels", self.shape)
        pixels = torch.from_numpy(randomness.integers(key, self.shape, 0, 256))
        return pixels.to(running.device, torch.uint8)


@dataclass(frozen=True)
class SuppliedInteger(Supplied):
    """An integer of [low, high) that the seed decides.

    Attributes:
        name: two names give two integers.
        low: the least one.
        high: one more than the greatest.
    """

    name: str
    low: int
    high: int

    def build(self, running: Replay) -> int:
        """Return the integer."""
        key = randomness.derive_key(running.seed, "integer", self.name)
        return int(randomness.integers(key, (1,), self.low, self.high)[0])


def supplied_rows(shape: tuple[int, ...], running: Replay, name: str = "rows") -> torch.Tensor:
    """Return standard normal data that the library supplies, float64 of `shape`."""
    return SuppliedSamples(shape, name).build(running)


def fill(parameters: Iterable[nn.Parameter], seed: int, purpose: str = "parameter") -> None:
    """Set parameters, in the order given, from the seed.

    Weights are uniform with variance 2 / fan_in, as He et al. (2015) advise for ReLU, so that signals
    keep their size; biases and gains are uniform on [0.1, 0.9).
    """
    with torch.no_grad():
        for index, parameter in enumerate(parameters):
            shape = tuple(parameter.shape)
            u = randomness.uniform(randomness.derive_key(seed, purpose, index, shape), shape)
            if parameter.ndim >= 2:
                values = math.sqrt(6.0 / math.prod(shape[1:])) * (2.0 * u - 1.0)
            else:
                values = 0.1 + 0.8 * u
            parameter.copy_(torch.from_numpy(values))


def fill_gradients(parameters: Iterable[nn.Parameter], seed: int, purpose: str, scale: float = 1.0) -> None:
    """Set the gradients of parameters from the seed, as if a backward pass had left them.

    Args:
        parameters: of a network.
        seed: of the replay.
        purpose: names what the gradients are for, so that two uses differ.
        scale: their standard deviation.
    """
    for index, parameter in enumerate(parameters):
        key = randomness.derive_key(seed, "gradient", purpose, index)
        values = torch.from_numpy(scale * randomness.normal(key, tuple(parameter.shape)))
        parameter.grad = values.to(parameter.device, parameter.dtype)
