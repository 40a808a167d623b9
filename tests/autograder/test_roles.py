"""Parameters by the parts they play: however a layer is written, its numbers are the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from autograder.checks.networks import evaluate, structure
from autograder.checks.supplied import SuppliedSamples
from autograder.checks.trace import Trace
from autograder.messages import CheckFailed
from autograder.replay import Replay

INPUTS = (SuppliedSamples(("n", 3), "rows"),)
CPU = torch.device("cpu")
COUNT = 3 * 5 + 5 + 5 * 2 + 2


class Usual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.last = nn.Linear(3, 5), nn.Linear(5, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(torch.relu(self.hidden(x)))


class Own(nn.Module):
    """Two maps with parameters of their own."""

    transposed = False

    def __init__(self) -> None:
        super().__init__()
        sizes = ((3, 5), (5, 2))
        turn = (lambda size: size) if self.transposed else (lambda size: size[::-1])
        self.weights = nn.ParameterList(nn.Parameter(torch.randn(turn(size))) for size in sizes)
        self.biases = nn.ParameterList(nn.Parameter(torch.randn(size[1])) for size in sizes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(torch.relu(self.layer(x, 0)), 1)

    def layer(self, x: torch.Tensor, number: int) -> torch.Tensor:
        raise NotImplementedError


class Functional(Own):
    def layer(self, x: torch.Tensor, number: int) -> torch.Tensor:
        return F.linear(x, self.weights[number], self.biases[number])


class BiasAfterwards(Own):
    def layer(self, x: torch.Tensor, number: int) -> torch.Tensor:
        return x @ self.weights[number].T + self.biases[number]


class Columns(Own):
    def layer(self, x: torch.Tensor, number: int) -> torch.Tensor:
        return (self.weights[number] @ x.T).T + self.biases[number]


class Einsum(Own):
    def layer(self, x: torch.Tensor, number: int) -> torch.Tensor:
        return torch.einsum("oi,ni->no", self.weights[number], x) + self.biases[number]


class Transposed(Own):
    transposed = True

    def layer(self, x: torch.Tensor, number: int) -> torch.Tensor:
        return torch.addmm(self.biases[number], x, self.weights[number])


class Batched(Own):
    transposed = True

    def layer(self, x: torch.Tensor, number: int) -> torch.Tensor:
        return torch.matmul(x.unsqueeze(1), self.weights[number]).squeeze(1) + self.biases[number]


class Convolutions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv1d(3, 5, 1), nn.ReLU(), nn.Conv1d(5, 2, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x.unsqueeze(-1)).squeeze(-1)


class BiasWithAxes(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.last, self.hidden = nn.Linear(5, 2, bias=False), nn.Linear(3, 5, bias=False)
        self.b2, self.b1 = nn.Parameter(torch.zeros(1, 2)), nn.Parameter(torch.zeros(1, 5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.b2 + self.last(torch.relu(self.b1 + self.hidden(x)))


class Lazy(Usual):
    """It sets its parameters in its first call."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.last = nn.LazyLinear(5), nn.LazyLinear(2)


EQUAL = [Lazy, Functional, BiasAfterwards, Columns, Einsum, Transposed, Batched, Convolutions, BiasWithAxes]


def observed(factory: Callable[[], nn.Module]) -> torch.Tensor:
    with Replay(5, CPU) as running:
        found = structure(factory, INPUTS, ("n", 2), COUNT, running)
        outputs, slopes = evaluate(factory, INPUTS, running, Trace(), training=False)
    return torch.cat([found, outputs, slopes])


@pytest.mark.parametrize("factory", EQUAL, ids=lambda factory: factory.__name__)
def test_however_a_layer_is_written_it_is_observed_alike(factory: Callable[[], nn.Module]) -> None:
    torch.testing.assert_close(observed(factory), observed(Usual), rtol=1e-12, atol=1e-12)


def test_another_matrix_than_asked_for_is_observed_otherwise() -> None:
    class Exchanged(Transposed):
        def layer(self, x: torch.Tensor, number: int) -> torch.Tensor:
            return super().layer(x.flip(1), number)

    assert not torch.allclose(observed(Exchanged), observed(Usual))


def test_a_parameter_of_which_a_part_is_used_keeps_its_own_order() -> None:
    class Packed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(8, 3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            first, second = self.weight.split([5, 3])
            return x @ first.T, x @ second.T

    with Replay(5, CPU) as running, pytest.raises(CheckFailed):
        structure(Packed, INPUTS, ("n", 2), 24, running)


def test_a_convolution_of_several_pixels_keeps_its_kernel() -> None:
    with Replay(5, CPU) as running:
        inputs = (SuppliedSamples(("n", 2, 6, 6), "rows"),)
        found = structure(lambda: nn.Conv2d(2, 3, 3), inputs, ("n", 3, 4, 4), 57, running)
    assert len(found) == 57
