"""Networks that the library supplies for adversarial training: small ones, and ones that do not look."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from autograder.checks.sizes import TURN, Sizes
from autograder.checks.supplied import Supplied, SuppliedModule, Supplies, fill
from autograder.replay import Replay, randomness


@dataclass(frozen=True)
class SuppliedGenerator(SuppliedModule):
    """A small generator, perhaps with batch normalisation."""

    latent_shape: tuple[int, ...]
    sample_shape: tuple[int, ...]
    batch_norm: bool = False

    def at(self, sizes: Sizes) -> Supplied:
        """Return the network in the mode of the turn; in the third one without batch normalisation.

        Not every generator has buffers: what a function reads of one may not hang on them.
        """
        return replace(self, batch_norm=False) if sizes.get(TURN, 0) % 3 == 2 else super().at(sizes)

    def build(self, running: Replay) -> nn.Module:
        """Return the network, its parameters set from the replay's seed."""
        return small_generator(self.latent_shape, self.sample_shape, running, batch_norm=self.batch_norm)


@dataclass(frozen=True)
class SuppliedDiscriminator(SuppliedModule):
    """A small discriminator with dropout."""

    sample_shape: tuple[int, ...]

    def build(self, running: Replay) -> nn.Module:
        """Return the network, its parameters set from the replay's seed."""
        return small_discriminator(self.sample_shape, running, dropout=0.5)


class GANSupplies(Supplies):
    """Small networks, for functions that take a generator or a discriminator."""

    def supplied_generator(
        self, latent_shape: tuple[int, ...], sample_shape: tuple[int, ...], *, batch_norm: bool = False
    ) -> SuppliedGenerator:
        """Return a small generator, perhaps with batch normalisation."""
        return SuppliedGenerator(latent_shape, sample_shape, batch_norm)

    def supplied_discriminator(self, sample_shape: tuple[int, ...]) -> SuppliedDiscriminator:
        """Return a small discriminator with dropout."""
        return SuppliedDiscriminator(sample_shape)


def is_picture(sample_shape: tuple[int, ...]) -> bool:
    """Tell whether samples are pictures, (channels, height, width), whose numbers lie between -1 and 1."""
    return len(sample_shape) == 3


def small_generator(
    latent_shape: tuple[int, ...],
    sample_shape: tuple[int, ...],
    running: Replay,
    purpose: str = "generator",
    *,
    batch_norm: bool = False,
) -> nn.Module:
    """Return a generator (n, *latent_shape) -> (n, *sample_shape) without dropout; pictures end in a tanh.

    Its first layer takes latent vectors as the real one does: a linear layer those of shape (n, d), a
    transposed convolution those of shape (n, d, 1, 1).
    """
    linear = len(latent_shape) == 1
    first = [nn.Linear(latent_shape[0], 6)] if linear else [nn.ConvTranspose2d(latent_shape[0], 6, 1)]
    norm = [nn.BatchNorm1d(6)] if batch_norm else []
    last = [nn.Linear(6, math.prod(sample_shape)), nn.Unflatten(1, sample_shape)]
    end = [nn.Tanh()] if is_picture(sample_shape) else []
    network = nn.Sequential(*first, nn.Flatten(), *norm, nn.Tanh(), *last, *end)
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


# What the notebooks call the arguments of a loss function, and what PyTorch does.
_OUTPUT_NAMES = ("output", "outputs", "input", "salida", "salidas")
_LABEL_NAMES = ("label", "labels", "target", "targets", "etiqueta", "etiquetas")


def _outputs_and_labels(args: tuple[Any, ...], named: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the arguments of a loss function, given by position or by name.

    Raises:
        TypeError: if they are not two, as any function would.
    """
    found = list(args)
    for names in (_OUTPUT_NAMES, _LABEL_NAMES)[len(args) :]:
        found += [named.pop(name) for name in names if name in named]
    if len(found) != 2 or named:
        raise TypeError(
            f"loss_function takes 2 arguments, output and labels ({len(found) + len(named)} given)"
        )
    outputs, labels = found
    return outputs, labels


class NamedBCELoss(nn.BCELoss):
    """The mean of the binary cross-entropy, whose arguments may be named as the notebooks name them."""

    def forward(self, *args: Any, **named: Any) -> torch.Tensor:
        """Return a scalar."""
        __tracebackhide__ = True
        return super().forward(*_outputs_and_labels(args, named))


class BlindLoss(nn.Module):
    """A loss that does not look at labels: (n, 1) outputs, any labels -> the mean square of the outputs."""

    def forward(self, *args: Any, **named: Any) -> torch.Tensor:
        """Return a scalar."""
        outputs, _ = _outputs_and_labels(args, named)
        return outputs.square().mean()


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
        return output.tanh() if is_picture(self.sample_shape) else output


def blind_generator(sample_shape: tuple[int, ...], running: Replay) -> BlindGenerator:
    """Return a generator (n, anything) -> (n, *sample_shape), its parameters set from the replay's seed."""
    width = min(6, math.prod(sample_shape))
    key = randomness.derive_key(running.seed, "blind generator", width)
    network = BlindGenerator(torch.from_numpy(randomness.normal(key, (64, width))), sample_shape)
    fill(network.parameters(), running.seed, "blind generator")
    return network.double().to(running.device)
