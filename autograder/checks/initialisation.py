"""How the weights of a network are set before training."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from autograder.checks.calling import call_student, require_callable
from autograder.checks.guard import May
from autograder.checks.supplied import fill
from autograder.checks.tensors import flat
from autograder.messages import CheckFailed, Message
from autograder.replay import Replay

# The layers that a function may be asked to initialise, by the name that a check gives them.
KINDS: dict[str, tuple[type[nn.Module], ...]] = {
    "convolutions": (nn.Conv2d, nn.ConvTranspose2d),
    "batch_norms": (nn.BatchNorm2d,),
}
# Layers that are to stay as they are, by the kind that they are taken for. A search for "Conv" or "BatchNorm"
# in the name of a class is the field's own habit, so layers of these names and other dimensions are not here.
OTHERS: dict[str, tuple[type[nn.Module], ...]] = {
    "convolutions": (nn.Linear, nn.PReLU, nn.Embedding),
    "batch_norms": (nn.LayerNorm, nn.GroupNorm, nn.InstanceNorm2d),
}


def initialised(function: Any, kind: str, running: Replay) -> torch.Tensor:
    """Apply a function to all layers of a small network; return the parameters of one kind of layer.

    Args:
        function: the student's; `network.apply` calls it with every layer.
        kind: "convolutions" or "batch_norms".
        running: the replay.

    Raises:
        CheckFailed: if it leaves those layers as they were, or changes layers of another kind, biases of
            convolutions or running statistics.
    """
    require_callable(function)
    network = nn.Sequential(
        nn.ConvTranspose2d(5, 8, 4, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        nn.ConvTranspose2d(8, 6, 4, bias=False), nn.BatchNorm2d(6), nn.ReLU(),
        nn.Conv2d(6, 7, 4, bias=False), nn.BatchNorm2d(7), nn.LeakyReLU(0.2), nn.Conv2d(7, 1, 3),
        nn.Linear(5, 4), nn.PReLU(3), nn.LayerNorm(4), nn.GroupNorm(2, 4),
        nn.Embedding(4, 3), nn.InstanceNorm2d(4, affine=True),
    )  # fmt: skip
    fill(network.parameters(), running.seed, "before initialisation")
    network.double().to(running.device)
    layers = [layer for layer in network if isinstance(layer, KINDS[kind])]
    others = [layer for layer in network if isinstance(layer, OTHERS[kind])]
    before, kept = _weights(layers), [flat(other.parameters()) for other in others]
    untouched = _untouched(layers, kind)
    network.apply(lambda layer: call_student(function, layer, may=May(fill=(layer,))))
    after = _weights(layers)
    if not torch.equal(_untouched(layers, kind), untouched):
        raise CheckFailed(f"initialisation_{kind}")
    for other, values in zip(others, kept, strict=True):
        if not torch.equal(flat(other.parameters()), values):
            raise CheckFailed("initialisation_other", layer=type(other).__name__)
    if after.shape == before.shape and torch.equal(after, before):
        raise CheckFailed("initialisation_unchanged", layers=Message(f"layers_{kind}"))
    return after


def _weights(layers: list[nn.Module]) -> torch.Tensor:
    """Return what is to be set: weights of convolutions, gains and then biases of normalisation."""
    weights = [layer.weight for layer in layers]
    biases = [layer.bias for layer in layers if isinstance(layer, KINDS["batch_norms"])]
    return flat(each for each in (*weights, *biases) if isinstance(each, torch.Tensor))


def _untouched(layers: list[nn.Module], kind: str) -> torch.Tensor:
    """Return what is to stay: the biases of convolutions, or the running statistics of normalisation."""
    if kind == "batch_norms":
        return flat(buffer for layer in layers for buffer in layer.buffers())
    return flat(layer.bias for layer in layers if isinstance(layer.bias, torch.Tensor))


def describe_wrong_initialisation(values: torch.Tensor, kind: str) -> Message:
    """Return the message for parameters with wrong values: gains and biases have each their own."""
    values = values.to(torch.float64)
    parts = values.chunk(2) if kind == "batch_norms" else (values,)
    means = {f"mean{place or ''}": float(part.mean()) for place, part in enumerate(parts)}
    deviations = {f"std{place or ''}": float(part.std()) for place, part in enumerate(parts)}
    key = "wrong_normalisation" if kind == "batch_norms" else "wrong_initialisation"
    return Message(key, {"layers": Message(f"layers_{kind}"), **means, **deviations})
