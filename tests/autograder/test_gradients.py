"""What is computed right and keeps a layer from being trained is not right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from autograder import Lab, open_lab
from autograder.block import Block
from autograder.judge import record
from autograder.key import agree
from autograder.observation import Observation


def observe(run: Callable[[Lab, Block], Any]) -> Observation:
    """Return what the check of a cell observes."""
    with record(5) as recording:
        lab = open_lab("any", language="en")
        with lab.marks("cell", points=1) as block:
            run(lab, block)
    (observation,) = recording.observations.values()
    return observation


class Two(nn.Module):
    """Two layers, and something between them."""

    def __init__(self, between: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.first, self.last, self.between = nn.Linear(3, 4), nn.Linear(4, 2), between

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.between(self.first(x)))


def network(between: Callable[[torch.Tensor], torch.Tensor]) -> Observation:
    given = {"input_shape": (3,), "points": 1}
    return observe(lambda lab, block: block.network_output("cell.check", lambda: Two(between), **given))


def half_cut(x: torch.Tensor) -> torch.Tensor:
    return torch.relu(x) * 0.5 + torch.relu(x).detach() * 0.5


def test_a_layer_behind_a_detach_is_named_as_one_that_is_not_trained() -> None:
    assert network(torch.relu).error is None
    assert network(lambda x: torch.relu(x).detach()).error == "gradient_cut"


def test_a_gradient_that_is_cut_in_part_is_no_right_one() -> None:
    assert network(half_cut).error is None and not agree(network(torch.relu), network(half_cut))


def scaled(x: torch.Tensor) -> torch.Tensor:
    return x / x.square().mean(dim=1, keepdim=True).sqrt()


def scaled_by_a_constant(x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        size = x.square().mean(dim=1, keepdim=True).sqrt()
    return x / size


def in_place(x: torch.Tensor) -> torch.Tensor:
    x /= x.square().mean(dim=1, keepdim=True).sqrt()
    return x


def function(which: Callable[[torch.Tensor], torch.Tensor], differentiable: bool) -> Observation:
    return observe(
        lambda lab, block: block.fingerprint(
            "cell.check", which, lab.supplied_samples(("n", 3)), differentiable=differentiable, points=1
        )
    )


@pytest.mark.parametrize("wrong", [scaled_by_a_constant, in_place, lambda x: scaled(x).detach()])
def test_a_function_that_is_to_be_differentiated_is(wrong: Callable[[torch.Tensor], torch.Tensor]) -> None:
    right = function(scaled, differentiable=True)
    seen = function(wrong, differentiable=True)
    assert right.error is None and (seen.error is not None or not agree(right, seen))


def test_other_functions_may_give_values_only() -> None:
    assert agree(function(scaled, differentiable=False), function(scaled_by_a_constant, differentiable=False))
