"""What is asked of every network, whatever it computes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from autograder.checks.networks import structure
from autograder.checks.supplied import SuppliedSamples
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


def test_a_result_without_its_graph_may_be_kept() -> None:
    assert torch.equal(observed(KeepingNumbers), observed(Network))
