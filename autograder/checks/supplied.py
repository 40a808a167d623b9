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
