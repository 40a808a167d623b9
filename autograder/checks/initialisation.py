"""How the weights of a network are set before training."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import nn

from autograder.checks.calling import call_student, require_callable
from autograder.checks.supplied import fill
from autograder.checks.tensors import flat
from autograder.messages import CheckFailed, Message
from autograder.replay import Replay

# The layers that a function may be asked to initialise, by the name that a check gives them.
KINDS: dict[str, tuple[type[nn.Module], ...]] = {
    "convolutions": (nn.Conv2d, nn.ConvTranspose2d),
    "batch_norms": (nn.BatchNorm2d,),
}


def initialised(function: Any, kind: str, running: Replay) -> torch.Tensor:
    """Apply a function to all layers of a small network; return the parameters of one kind of layer.

    Args:
        function: the student's; `network.apply` calls it with every layer.
        kind: "convolutions" or "batch_norms".
        running: the replay.

    Raises:
        CheckFailed: if it leaves those layers as they were.
    """
    require_callable(function)
    network = nn.Sequential(
        nn.ConvTranspose2d(5, 8, 4, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        nn.ConvTranspose2d(8, 6, 4, bias=False), nn.BatchNorm2d(6), nn.ReLU(),
        nn.Conv2d(6, 7, 4, bias=False), nn.BatchNorm2d(7), nn.LeakyReLU(0.2), nn.Conv2d(7, 1, 3, bias=False),
    )  # fmt: skip
    fill(network.parameters(), running.seed, "before initialisation")
    network.double().to(running.device)
    layers = [layer for layer in network if isinstance(layer, KINDS[kind])]
    before = _parameters(layers)
    network.apply(functools.partial(call_student, function))
    after = _parameters(layers)
    if after.shape == before.shape and torch.equal(after, before):
        raise CheckFailed("initialisation_unchanged", layers=Message(f"layers_{kind}"))
    return after


def _parameters(layers: list[nn.Module]) -> torch.Tensor:
    return flat(p for layer in layers for p in layer.parameters())


def describe_wrong_initialisation(values: torch.Tensor, kind: str) -> Message:
    """Return the message for parameters with wrong values."""
    values = values.to(torch.float64)
    details = {"mean": float(values.mean()), "std": float(values.std())}
    return Message("wrong_initialisation", {"layers": Message(f"layers_{kind}"), **details})
