"""What the library supplies to a student's code: data, and parameters and gradients that it sets.

Families of checks add networks of their own: a training step is graded with supplied ones, so that a mistake
in an earlier cell does not cost marks twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from autograder.checks.sizes import BATCHES, TURN, Dimension, Sizes, drawn_sizes, named, resolved
from autograder.replay import Replay, randomness


class Supplied:
    """An argument of a student's function that is built inside the replay."""

    @property
    def size_names(self) -> tuple[str, ...]:
        """Return the names of the sizes that a check has to draw for it."""
        return ()

    def at(self, sizes: Sizes) -> Supplied:
        """Return it with sizes in place of their names."""
        return self

    def build(self, running: Replay) -> Any:
        """Return the argument."""
        raise NotImplementedError  # every subclass has its own


class Supplies:
    """What a family supplies for arguments; its methods are the lab's, `lab.supplied_samples(...)`."""


@dataclass(frozen=True)
class SuppliedTensor(Supplied):
    """A tensor whose shape may name its sizes; see `sizes`.

    Attributes:
        shape: of the tensor.
    """

    shape: tuple[Dimension, ...]

    @property
    def size_names(self) -> tuple[str, ...]:
        """Return the names in the shape."""
        return tuple(named(self.shape))

    def at(self, sizes: Sizes) -> SuppliedTensor:
        """Return the tensor with sizes in place of their names."""
        return replace(self, shape=resolved(self.shape, sizes))

    @property
    def numbers(self) -> tuple[int, ...]:
        """Return the shape, whose sizes all have to be known."""
        return resolved(self.shape, {})


@dataclass(frozen=True)
class SuppliedSamples(SuppliedTensor):
    """Standard normal numbers, float64.

    Attributes:
        shape: of the tensor.
        name: two names give two tensors.
    """

    name: str = "samples"

    def build(self, running: Replay) -> torch.Tensor:
        """Return the tensor."""
        key = randomness.derive_key(running.seed, self.name, self.numbers)
        return torch.from_numpy(randomness.normal(key, self.numbers)).to(running.device)


@dataclass(frozen=True)
class SuppliedBatch(Supplied):
    """A batch of standard normal samples, float64, whose size the seed decides.

    Attributes:
        sample_shape: of one sample.
        name: two names give two tensors.
        place: of the batch among several: no size is a multiple of another.
    """

    sample_shape: tuple[int, ...]
    name: str
    place: int

    def build(self, running: Replay) -> torch.Tensor:
        """Return the tensor."""
        size = drawn_sizes(running.seed, "batches", BATCHES)[self.place]
        return supplied_rows((size, *self.sample_shape), running, self.name)


@dataclass(frozen=True)
class SuppliedPixels(SuppliedTensor):
    """Pictures of random pixels, uint8, whose darkest and brightest differ from picture to picture.

    Nothing else can be had from them than by their scale of 0 to 255: no picture holds 0 or 255.
    """

    def build(self, running: Replay) -> torch.Tensor:
        """Return the tensor; its first axis counts pictures."""
        count, *_ = self.numbers or (1,)
        low, high = (
            randomness.integers(randomness.derive_key(running.seed, what, count), (count,), *ends)
            for what, ends in (("darkest", (3, 60)), ("brightest", (160, 250)))
        )
        key = randomness.derive_key(running.seed, "pixels", self.numbers)
        beside = (count, *[1] * (len(self.numbers) - 1))
        u = randomness.uniform(key, self.numbers)
        pixels = (low.reshape(beside) + u * (high - low).reshape(beside)).astype("uint8")
        return torch.from_numpy(pixels).to(running.device)


@dataclass(frozen=True)
class SuppliedImages(SuppliedTensor):
    """Pictures with values in [-1, 1], float64, of which none comes up to the ends.

    Attributes:
        shape: of the tensor.
        name: two names give two tensors.
    """

    name: str = "images"

    def build(self, running: Replay) -> torch.Tensor:
        """Return the tensor."""
        key = randomness.derive_key(running.seed, self.name, self.numbers)
        values = 1.96 * randomness.uniform(key, self.numbers) - 0.98
        return torch.from_numpy(values).to(running.device)


@dataclass(frozen=True)
class SuppliedTokens(SuppliedTensor):
    """Sequences of token ids, int64, as a network with an embedding takes them.

    Attributes:
        shape: of the tensor, such as (sequences, tokens).
        vocabulary: ids are less than this.
        first: the least id; 1 where 0 stands for padding.
        name: two names give two tensors.
    """

    vocabulary: int
    first: int = 0
    name: str = "tokens"

    def build(self, running: Replay) -> torch.Tensor:
        """Return the tensor."""
        key = randomness.derive_key(running.seed, self.name, self.numbers, self.vocabulary)
        ids = randomness.integers(key, self.numbers, self.first, self.vocabulary)
        return torch.from_numpy(ids).to(running.device)


class SuppliedModule(Supplied):
    """A network; where a check calls a function several times it comes in train and eval mode in turn."""

    def at(self, sizes: Sizes) -> Supplied:
        """Return the network in the mode of the turn."""
        return InEvalMode(self) if sizes.get(TURN, 0) % 2 else self


@dataclass(frozen=True)
class InEvalMode(Supplied):
    """A supplied network that comes in eval mode."""

    network: SuppliedModule

    def build(self, running: Replay) -> nn.Module:
        """Return the network."""
        network: nn.Module = self.network.build(running)
        return network.eval()


@dataclass(frozen=True)
class SuppliedNetwork(SuppliedModule):
    """A small network with one hidden layer.

    Attributes:
        input_shape: of one input, without the batch.
        outputs: how many numbers it returns for each.
    """

    input_shape: tuple[int, ...]
    outputs: int

    def build(self, running: Replay) -> nn.Module:
        """Return the network, its parameters set from the replay's seed."""
        return small_network(self.input_shape, self.outputs, running)


@dataclass(frozen=True)
class SuppliedSize(Supplied):
    """A number of rows, pictures, steps … that a check draws: another one in each of its calls.

    Attributes:
        name: of the size; a shape that names it has as many.
        size: the number, once it is drawn.
    """

    name: str
    size: int = 0

    @property
    def size_names(self) -> tuple[str, ...]:
        """Return its name."""
        return (self.name,)

    def at(self, sizes: Sizes) -> SuppliedSize:
        """Return it with its number."""
        return replace(self, size=sizes[self.name])

    def build(self, running: Replay) -> int:
        """Return the number."""
        return self.size


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


def small_network(
    input_shape: tuple[int, ...], outputs: int, running: Replay, purpose: str = "network"
) -> nn.Module:
    """Return a network (n, *input_shape) -> (n, outputs) with a hidden layer; the seed sets parameters."""
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(math.prod(input_shape), 8), nn.Tanh(), nn.Linear(8, outputs)
    )
    fill(network.parameters(), running.seed, purpose)
    return network.double().to(running.device)


def fill(parameters: Iterable[nn.Parameter], seed: int, purpose: str = "parameter") -> None:
    """Set parameters, in the order given, from the seed; see `parameter_values`."""
    with torch.no_grad():
        for index, parameter in enumerate(parameters):
            shape = tuple(parameter.shape)
            key = randomness.derive_key(seed, purpose, index, shape)
            parameter.copy_(parameter_values(key, shape, matrix=parameter.ndim >= 2))


def parameter_values(key: int, shape: tuple[int, ...], *, matrix: bool) -> torch.Tensor:
    """Return numbers for a parameter of a network, float64.

    Weights are uniform with variance 2 / fan_in, as He et al. (2015) advise for ReLU, so that signals
    keep their size; biases and gains are uniform on [0.1, 0.9).

    Args:
        key: of the draw.
        shape: of the numbers, outputs first.
        matrix: whether these are weights.
    """
    u = torch.from_numpy(randomness.uniform(key, shape))
    return math.sqrt(6.0 / math.prod(shape[1:])) * (2.0 * u - 1.0) if matrix else 0.1 + 0.8 * u


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
