"""Small networks that the library supplies, and parameters that it sets.

A training step is graded with supplied networks, so that a mistake in an earlier cell does not cost
marks twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from autograder import randomness
from autograder.replay import Replay


class Supplied:
    """An argument of a student's function that is built inside the replay."""

    def build(self, running: Replay) -> Any:
        """Return the argument."""
        raise NotImplementedError  # every subclass has its own


class SuppliedGenerator(Supplied):
    """A small generator: linear, tanh, linear."""

    def __init__(self, latent_dim: int, sample_dim: int) -> None:
        self.latent_dim = latent_dim
        self.sample_dim = sample_dim

    def build(self, running: Replay) -> nn.Module:
        """Return the network, its parameters set from the replay's seed."""
        return small_generator(self.latent_dim, self.sample_dim, running)


def small_generator(
    latent_dim: int, sample_dim: int, running: Replay, purpose: str = "generator"
) -> nn.Module:
    """Return a generator (n, latent_dim) -> (n, sample_dim) without dropout."""
    network = nn.Sequential(nn.Linear(latent_dim, 6), nn.Tanh(), nn.Linear(6, sample_dim))
    fill(network.parameters(), running.seed, purpose)
    return network.to(running.device)


def small_discriminator(sample_dim: int, running: Replay, purpose: str = "discriminator") -> nn.Module:
    """Return a discriminator (n, sample_dim) -> (n, 1) in (0, 1), without dropout."""
    network = nn.Sequential(nn.Linear(sample_dim, 8), nn.Tanh(), nn.Linear(8, 1), nn.Sigmoid())
    fill(network.parameters(), running.seed, purpose)
    return network.to(running.device)


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

    def __init__(self, rows: torch.Tensor) -> None:
        super().__init__()
        self.linear = nn.Linear(rows.shape[1], rows.shape[1])
        self.register_buffer("rows", rows)

    def forward(self, latent_samples: torch.Tensor) -> torch.Tensor:
        """Return one sample per latent vector, (n, sample_dim)."""
        rows: torch.Tensor = self.get_buffer("rows")
        index = torch.arange(len(latent_samples), device=rows.device) % len(rows)
        output: torch.Tensor = self.linear(rows[index])
        return output


def blind_generator(sample_dim: int, running: Replay) -> BlindGenerator:
    """Return a generator (n, anything) -> (n, sample_dim), its parameters set from the replay's seed."""
    key = randomness.derive_key(running.seed, "blind generator", sample_dim)
    network = BlindGenerator(torch.from_numpy(randomness.normal(key, (64, sample_dim))))
    fill(network.parameters(), running.seed, "blind generator")
    return network.to(running.device)
