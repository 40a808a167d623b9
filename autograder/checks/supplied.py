"""Small networks that the library supplies, and parameters that it sets.

A training step is graded with supplied networks, so that a mistake in an earlier cell does not cost
marks twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from autograder import randomness
from autograder.messages import CheckFailed
from autograder.replay import Replay


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


@dataclass(frozen=True)
class SuppliedGenerator(Supplied):
    """A small generator; with batch normalisation it has to be given back in train mode."""

    latent_shape: tuple[int, ...]
    sample_shape: tuple[int, ...]
    batch_norm: bool = False

    def build(self, running: Replay) -> nn.Module:
        """Return the network, its parameters set from the replay's seed."""
        return small_generator(self.latent_shape, self.sample_shape, running, batch_norm=self.batch_norm)

    def give_back(self, built: nn.Module) -> None:
        """Require train mode, where the mode matters."""
        if self.batch_norm:
            _require_train_mode(built)


@dataclass(frozen=True)
class SuppliedDiscriminator(Supplied):
    """A small discriminator with dropout; it has to be given back in train mode."""

    sample_shape: tuple[int, ...]

    def build(self, running: Replay) -> nn.Module:
        """Return the network, its parameters set from the replay's seed."""
        return small_discriminator(self.sample_shape, running, dropout=0.5)

    def give_back(self, built: nn.Module) -> None:
        """Require train mode."""
        _require_train_mode(built)


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


@dataclass(frozen=True)
class SuppliedResults(Supplied):
    """Results of a classifier as a NumPy array of one axis, that the seed decides.

    Attributes:
        kind: "labels", int64 of two classes, both of which occur; "probabilities", float64 in [0, 1); "hits",
            bool, of which four in five are true; or "values", float64 around 1.
        count: of results; hits are ten times as many.
        name: two names give two arrays.
    """

    kind: str
    count: int
    name: str

    def build(self, running: Replay) -> np.ndarray:
        """Return the array."""
        key = randomness.derive_key(running.seed, self.kind, self.name, self.count)
        if self.kind == "labels":
            labels = randomness.integers(key, (self.count,), 0, 2)
            labels[:2] = 0, 1
            return labels
        if self.kind == "probabilities":
            return randomness.uniform(key, (self.count,))
        if self.kind == "hits":
            return randomness.uniform(key, (10 * self.count,)) < 0.8
        return 1.0 + 0.3 * randomness.normal(key, (self.count,))


def _require_train_mode(network: nn.Module) -> None:
    if not network.training:
        raise CheckFailed("mode_changed")


def small_generator(
    latent_shape: tuple[int, ...],
    sample_shape: tuple[int, ...],
    running: Replay,
    purpose: str = "generator",
    *,
    batch_norm: bool = False,
) -> nn.Module:
    """Return a generator (n, *latent_shape) -> (n, *sample_shape) without dropout.

    Its first layer takes latent vectors as the real one does: a linear layer those of shape (n, d), a
    transposed convolution those of shape (n, d, 1, 1).
    """
    linear = len(latent_shape) == 1
    first = [nn.Linear(latent_shape[0], 6)] if linear else [nn.ConvTranspose2d(latent_shape[0], 6, 1)]
    norm = [nn.BatchNorm1d(6)] if batch_norm else []
    last = [nn.Linear(6, math.prod(sample_shape)), nn.Unflatten(1, sample_shape)]
    network = nn.Sequential(*first, nn.Flatten(), *norm, nn.Tanh(), *last)
    fill(network.parameters(), running.seed, purpose)
    return network.double().to(running.device)


def small_discriminator(
    sample_shape: tuple[int, ...],
    running: Replay,
    purpose: str = "discriminator",
    *,
    batch_norm: bool = False,
    dropout: float = 0.0,
    sigmoid: bool = True,
) -> nn.Module:
    """Return a discriminator (n, *sample_shape) -> (n, 1) in (0, 1), or a critic: without the sigmoid."""
    extra: list[nn.Module] = [nn.BatchNorm1d(8)] if batch_norm else []
    extra += [nn.Tanh(), nn.Dropout(dropout)] if dropout else [nn.Tanh()]
    first = [nn.Flatten(), nn.Linear(math.prod(sample_shape), 8)]
    last = [nn.Linear(8, 1), nn.Sigmoid()] if sigmoid else [nn.Linear(8, 1)]
    network = nn.Sequential(*first, *extra, *last)
    fill(network.parameters(), running.seed, purpose)
    return network.double().to(running.device)


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


class BlindLoss(nn.Module):
    """A loss that does not look at labels: (n, 1) outputs, any labels -> the mean square of the outputs."""

    def forward(self, output: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return a scalar."""
        return output.square().mean()


class BlindGenerator(nn.Module):
    """A generator that does not look at its latent vectors, only at how many they are."""

    def __init__(self, rows: torch.Tensor, sample_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.linear = nn.Linear(rows.shape[1], math.prod(sample_shape))
        self.sample_shape = sample_shape
        self.register_buffer("rows", rows)

    def forward(self, latent_samples: torch.Tensor) -> torch.Tensor:
        """Return one sample per latent vector, (n, *sample_shape)."""
        rows: torch.Tensor = self.get_buffer("rows")
        index = torch.arange(len(latent_samples), device=rows.device) % len(rows)
        output: torch.Tensor = self.linear(rows[index]).unflatten(1, self.sample_shape)
        return output


def blind_generator(sample_shape: tuple[int, ...], running: Replay) -> BlindGenerator:
    """Return a generator (n, anything) -> (n, *sample_shape), its parameters set from the replay's seed."""
    width = min(6, math.prod(sample_shape))
    key = randomness.derive_key(running.seed, "blind generator", width)
    network = BlindGenerator(torch.from_numpy(randomness.normal(key, (64, width))), sample_shape)
    fill(network.parameters(), running.seed, "blind generator")
    return network.double().to(running.device)
