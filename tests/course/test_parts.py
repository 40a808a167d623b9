"""Parts of a network are known however a student binds them, and what is no part is named."""

from __future__ import annotations

import functools
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from autograder import open_lab
from autograder.key import AnswerKey
from autograder.session import Lab
from tests.one_check import Check, message, numbers


@pytest.fixture
def lab(lab1_key: AnswerKey) -> Lab:
    return open_lab("lab1_sine_gan", language="en", key=lab1_key)


# --- parts, as a student may have written them: not what stands in for them -----------------------------


class Scaled(nn.Module):
    """A convolution as a student may have written it: not the one that stands in for it."""

    def __init__(self, inputs: int, outputs: int, kernel_size: int = 3, padding: int = 1) -> None:
        super().__init__()
        self.inner = nn.Conv2d(inputs, outputs, kernel_size, padding=padding)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 7.0 * self.inner(x)


class Unit(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 7.0 * x


def add_channel(x: torch.Tensor) -> torch.Tensor:
    return torch.cat([x, 7.0 * x[:, :1]], dim=1)


Alias, Partly, more = Scaled, functools.partial(Scaled, kernel_size=1, padding=0), add_channel
BOUND = {"Scaled": "convolution", "Unit": "normalisation", "add_channel": "batch_channel"}


class Colour(Scaled):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, kernel_size=1, padding=0)


class ByName(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.last = Scaled(2, 3), Unit(), Scaled(4, 1, kernel_size=1, padding=0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(add_channel(self.norm(self.first(x))))


class ByOtherNames(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = Alias(2, 3), Partly(4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(more(Unit()(self.first(x))))


class Subclassed(ByName):
    def __init__(self) -> None:
        super().__init__()
        self.last = Colour(4, 1)


class More(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return more(x)


class WithoutForward(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(Scaled(2, 3), Unit(), More(), Colour(4, 1))


def bound(network: Any, parts: Any = BOUND) -> Check:
    shapes = {"input_shape": (2, 5, 5), "output_shape": (1, 5, 5)}
    return lambda block: block.assembled_output("block.check", network, parts=parts, **shapes, points=1)


@pytest.mark.parametrize("network", [ByOtherNames, Subclassed, WithoutForward, lambda: Subclassed()])
def test_parts_are_known_however_they_are_bound(lab: Lab, network: Any) -> None:
    assert numbers(lab, bound(network)) == numbers(lab, bound(ByName))


def test_parts_are_what_they_were_after_a_check(lab: Lab) -> None:
    x = torch.ones(1, 1, 2, 2)
    layer, before = Scaled(1, 1), add_channel(x)
    output = layer(x)
    numbers(lab, bound(ByOtherNames))
    assert torch.equal(layer(x), output) and torch.equal(more(x), before) and torch.equal(Unit()(x), 7.0 * x)
    assert [name for name in globals() if name.startswith("_stands_in")] == []


class Plain(ByName):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 3, 3, padding=1)  # type: ignore[assignment]


class Batched(ByName):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3, affine=False)  # type: ignore[assignment]


class NormalisedInForward(ByName):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.batch_norm(super().forward(x), None, None, training=True)


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (Plain, "layers that are no parts of the cells above: Conv2d"),
        (Batched, "`Unit` was not used; the network has BatchNorm2d instead"),
        (NormalisedInForward, "layers that are no parts of the cells above: BatchNorm"),
    ],
)
def test_layers_that_are_no_parts_are_named(lab: Lab, network: Any, said: str) -> None:
    assert said in message(lab, bound(network))


def test_a_part_that_is_not_wanted_must_not_be_used(lab: Lab) -> None:
    said = message(lab, bound(ByName, {**BOUND, "Unit": "unwanted"}))
    assert "`Unit` was used, and it does not belong here" in said


def test_operations_name_the_parts_and_how_they_were_made(lab: Lab) -> None:
    said = message(lab, bound(ByName))
    assert "Conv(2→3, 3x3, padding=1, gain 2) 5x5, Unit, Conv(4→1, 1x1, gain 2) 5x5" in said
