"""What is asked of every network, whatever it computes."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest
import torch
from torch import nn

from autograder.checks.networks import evaluate, structure
from autograder.checks.supplied import SuppliedSamples
from autograder.checks.trace import Trace
from autograder.messages import CheckFailed
from autograder.replay import replay

INPUTS = (SuppliedSamples(("n", 3), "rows"),)
SHARED = nn.Linear(3, 2)


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.layer(x)
        return output


class Sharing(Network):
    def __init__(self) -> None:
        super().__init__()
        self.layer = SHARED


class Keeping(Network):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.kept = {"last": [super().forward(x)]}
        return self.kept["last"][0]


class KeepingNumbers(Network):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        output = super().forward(x)
        self.kept = output.detach()
        return output


class Double(Network):
    def __init__(self) -> None:
        super().__init__()
        self.layer.bias = nn.Parameter(torch.zeros(2).double())


class Half(Network):
    def __init__(self) -> None:
        super().__init__()
        self.half()


@pytest.mark.parametrize(("factory", "seen"), [(Double, "float64"), (Half, "float16")])
def test_parameters_are_of_the_type_of_the_notebook(factory: type[nn.Module], seen: str) -> None:
    with pytest.raises(CheckFailed) as failed:
        observed(factory)
    assert failed.value.message.key == "parameters_of_type"
    assert failed.value.message.details["seen"] == seen


def test_a_notebook_that_computes_in_double_precision_makes_such_parameters() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        observed(Network)
    finally:
        torch.set_default_dtype(torch.float32)


class Remembering(Network):
    least = 1000

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.least = min(self.least, len(x))
        return super().forward(x) * self.least


class Noisy(Network):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        output = super().forward(x)
        return output + torch.randn_like(output)


class Averaging(Network):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(self.norm(x))


@pytest.mark.parametrize("factory", [Network, Noisy, Averaging])
def test_a_network_that_draws_or_averages_remembers_nothing_that_it_may_not(factory: type[nn.Module]) -> None:
    with replay(5) as running:
        evaluate(factory, INPUTS, running, Trace(), training=False)


def test_a_network_answers_as_before_whatever_it_was_asked_in_between() -> None:
    with replay(5) as running, pytest.raises(CheckFailed) as failed:
        evaluate(Remembering, INPUTS, running, Trace(), training=False)
    assert failed.value.message.key == "remembers_calls"


def observed(factory: Callable[[], nn.Module]) -> torch.Tensor:
    with replay(5) as running:
        return structure(factory, INPUTS, ("n", 2), 8, running)


@pytest.mark.parametrize(
    ("factory", "key"),
    [(Sharing, "shared_parameters"), (Keeping, "keeps_results")],
)
def test_a_network_shares_nothing_and_can_be_copied(factory: Callable[[], nn.Module], key: str) -> None:
    with pytest.raises(CheckFailed) as failed:
        observed(factory)
    assert failed.value.message.key == key


class Head(nn.Module):
    """A network on top of one that is given, by two ways."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone, self.first, self.last = backbone, nn.Linear(2, 2), nn.Linear(2, 2)

    def hidden(self, x: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.first(self.backbone(x))
        return output

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.last(self.hidden(x))
        return output


def test_what_networks_are_given_they_may_share() -> None:
    factory = functools.partial(Head, nn.Linear(3, 2))
    with replay(5) as running:
        assert len(structure(factory, INPUTS, ("n", 2), 20, running)) == 20


def test_a_way_through_a_part_of_a_network_is_looked_at_by_what_it_uses() -> None:
    factory = functools.partial(Head, nn.Linear(3, 2))
    with replay(5) as running:
        slopes = evaluate(factory, INPUTS, running, Trace(), training=False, ways=(("hidden",),)).slopes
    inputs = len(slopes) - (3 * 2 + 2) - (2 * 2 + 2)
    assert inputs % 3 == 0


def test_a_result_without_its_graph_may_be_kept() -> None:
    assert torch.equal(observed(KeepingNumbers), observed(Network))
