"""Checks of any course's training: a step of a supplied network, recurrent networks, token ids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from autograder import open_lab
from autograder.errors import CheckUseError
from autograder.judge import record
from autograder.key import AnswerKey, agree, enrol
from autograder.observation import Observation
from autograder.session import Lab

VOCABULARY = 20


@pytest.fixture
def lab() -> Lab:
    with record(7):
        return open_lab("any", language="en")


def seen(lab: Lab, run: Callable[[Any], Any]) -> tuple[Observation, str]:
    """Return what the last check of a block observes, and what it says."""
    with lab.marks("block", points=1) as checks:
        run(checks)
    result = checks.results[-1]
    assert result.observation is not None
    return result.observation, result.message.render("en")


# --- a training step --------------------------------------------------------------------------------


def step(network: Any, optimizer: Any, loss_function: Any, inputs: Any, targets: Any) -> float:
    network.train()
    optimizer.zero_grad()
    loss = loss_function(network(inputs), targets)
    loss.backward()
    optimizer.step()
    return float(loss.item())


def without_zero_grad(network: Any, optimizer: Any, loss_function: Any, inputs: Any, targets: Any) -> float:
    network.train()
    loss = loss_function(network(inputs), targets)
    loss.backward()
    optimizer.step()
    return float(loss.item())


def in_eval_mode(network: Any, optimizer: Any, loss_function: Any, inputs: Any, targets: Any) -> float:
    optimizer.zero_grad()
    loss = loss_function(network(inputs), targets)
    loss.backward()
    optimizer.step()
    return float(loss.item())


def without_step(network: Any, optimizer: Any, loss_function: Any, inputs: Any, targets: Any) -> float:
    loss = loss_function(network.train()(inputs), targets)
    loss.backward()
    return float(loss.item())


def with_a_doubled_loss(network: Any, optimizer: Any, loss_function: Any, inputs: Any, targets: Any) -> float:
    return step(network, optimizer, lambda outputs, t: 2 * loss_function(outputs, t), inputs, targets)


def observe_step(lab: Lab, function: Any, aspect: str) -> tuple[Observation, str]:
    def run(checks: Any) -> None:
        prepared = checks.training_step(function, input_shape=(3,), outputs=2)
        getattr(prepared, aspect)("block.check", points=1)

    return seen(lab, run)


@pytest.mark.parametrize(
    ("function", "costs"),
    [
        (without_zero_grad, {"zero_grad"}),
        (in_eval_mode, {"mode"}),
        (with_a_doubled_loss, {"loss", "update"}),
    ],
)
def test_a_mistake_in_a_step_costs_its_own_marks_only(lab: Lab, function: Any, costs: set[str]) -> None:
    differs = {
        aspect
        for aspect in ("loss", "update", "zero_grad", "mode")
        if not agree(observe_step(lab, step, aspect)[0], observe_step(lab, function, aspect)[0])
    }
    assert differs == costs


@pytest.mark.parametrize(
    ("function", "aspect", "said"),
    [
        (without_zero_grad, "zero_grad", "Old gradients were added"),
        (in_eval_mode, "mode", "The model came in eval mode"),
        (without_step, "update", "The parameters of the model did not change"),
        (lambda *given: None, "loss", "returns None"),
        ("step", "loss", "A function or a class was expected"),
    ],
)
def test_what_is_wrong_with_a_step_is_said(lab: Lab, function: Any, aspect: str, said: str) -> None:
    assert said in observe_step(lab, function, aspect)[1]


def test_a_step_that_is_right_in_other_words_is_observed_alike(lab: Lab) -> None:
    def other(network: Any, optimizer: Any, loss_function: Any, inputs: Any, targets: Any) -> torch.Tensor:
        for parameter in network.parameters():
            parameter.grad = None
        network.train(True)
        loss: torch.Tensor = loss_function(network(inputs), targets)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return loss

    for aspect in ("loss", "update", "zero_grad", "mode"):
        assert agree(observe_step(lab, step, aspect)[0], observe_step(lab, other, aspect)[0]), aspect


# --- recurrent networks -----------------------------------------------------------------------------


class Sentences(nn.Module):
    """Token ids (n, length) and their lengths (n,) -> logits (n, 2)."""

    def __init__(self, layer: str = "lstm") -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 4)
        self.layer = layer
        self.recurrent = nn.LSTM(4, 5, batch_first=True) if layer == "lstm" else nn.LSTMCell(4, 5)
        self.output = nn.Linear(5, 2)

    def forward(self, tokens: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        embedded = self.embedding(tokens)
        hidden = self._by_cell(embedded) if self.layer == "cell" else self.recurrent(embedded)[0]
        last = hidden[torch.arange(len(tokens)), lengths - 1]
        logits: torch.Tensor = self.output(last)
        return logits

    def _by_cell(self, embedded: torch.Tensor) -> torch.Tensor:
        state, found = None, []
        for place in range(embedded.shape[1]):
            state = self.recurrent(embedded[:, place], state)
            found.append(state[0])
        return torch.stack(found, dim=1)


def inputs_of(lab: Lab) -> list[Any]:
    return [
        lab.supplied_tokens(("n", 7), VOCABULARY, first=1),
        lab.supplied_tokens(("n",), 8, first=1, name="lengths"),
    ]


def observe_network(lab: Lab, factory: Any) -> tuple[Observation, str]:
    inputs = inputs_of(lab)
    return seen(lab, lambda checks: checks.network_output("block.check", factory, inputs=inputs, points=1))


def test_a_network_of_token_ids_and_lengths_is_observed(lab: Lab) -> None:
    observation, _ = observe_network(lab, Sentences)
    assert observation.error is None and len(set(observation.values)) > 4


def test_a_cell_in_a_loop_is_observed_as_the_layer_is(lab: Lab) -> None:
    layer, cell = (observe_network(lab, lambda kind=kind: Sentences(kind))[0] for kind in ("lstm", "cell"))
    assert layer.values == pytest.approx(cell.values, rel=1e-9)


def test_a_recurrent_layer_is_called_by_its_name(lab: Lab) -> None:
    class Sigmoid(Sentences):
        def forward(self, tokens: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
            return super().forward(tokens, lengths).sigmoid()

    expected = observe_network(lab, Sentences)[0]
    key = AnswerKey("any", 7, checks={"block.check": enrol(expected, "any")})
    practice = open_lab("any", language="en", key=key)
    assert "LSTM(4→5), Linear(5→2), Sigmoid" in observe_network(practice, Sigmoid)[1]


def test_the_structure_of_a_network_of_several_inputs_is_checked(lab: Lab) -> None:
    count = sum(parameter.numel() for parameter in Sentences().parameters())

    def run(checks: Any) -> None:
        checks.network_structure(
            "block.check",
            Sentences,
            inputs=inputs_of(lab),
            output_shape=("n", 2),
            parameters=count,
            points=1,
        )

    assert seen(lab, run)[0].error is None


def test_an_author_who_gives_no_input_or_two_is_told(lab: Lab) -> None:
    for given in ({}, {"input_shape": (2, 3), "inputs": [torch.zeros(2, 3)]}):
        with (
            lab.marks("block", points=1) as checks,
            pytest.raises(CheckUseError, match="either input_shape or inputs"),
        ):
            checks.network_output("block.check", nn.Identity, points=1, **given)


def test_token_ids_are_whole_numbers_within_their_bounds(lab: Lab) -> None:
    held: list[torch.Tensor] = []

    def keep(tokens: torch.Tensor) -> torch.Tensor:
        held.append(tokens)
        return tokens.double().mean(dim=1)

    tokens = lab.supplied_tokens((50, 9), VOCABULARY, first=1)
    seen(lab, lambda checks: checks.fingerprint("block.check", keep, tokens, one_size="bounds", points=1))
    assert held[0].dtype == torch.int64 and held[0].shape == (50, 9)
    assert (int(held[0].min()), int(held[0].max())) == (1, VOCABULARY - 1)
