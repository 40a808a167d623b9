"""Networks that the library supplies for adversarial training: small ones, and ones that do not look."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn

from autograder.checks.supplied import Supplied, Supplies, fill
from autograder.messages import CheckFailed
from autograder.replay import Replay, randomness


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


class GANSupplies(Supplies):
    """Small networks, for functions that take a generator or a discriminator."""

    def supplied_generator(
        self, latent_shape: tuple[int, ...], sample_shape: tuple[int, ...], *, batch_norm: bool = False
    ) -> SuppliedGenerator:
        """Return a small generator; with batch normalisation it must be given back in train mode."""
        return SuppliedGenerator(latent_shape, sample_shape, batch_norm)

    def supplied_discriminator(self, sample_shape: tuple[int, ...]) -> SuppliedDiscriminator:
        """Return a small discriminator with dropout; it must be given back in train mode."""
        return SuppliedDiscriminator(sample_shape)


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
