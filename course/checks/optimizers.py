"""Optimisers: what they own, and how they move parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from autograder.checks.supplied import fill_gradients
from autograder.checks.tensors import flat
from autograder.messages import CheckFailed, Message
from autograder.replay import Replay

# Standard deviations of the gradients that an optimiser is tried with: large after small and small
# after large, so that every setting of Adam shows in the movement.
GRADIENT_SCALES = (1.0, 0.01, 3.0)


@dataclass(frozen=True)
class AdamSettings:
    """The settings of Adam (Kingma and Ba, 2015) that a lab asks for."""

    lr: float
    betas: tuple[float, float] = (0.9, 0.999)

    def __str__(self) -> str:
        return f"Adam(lr={self.lr}, betas={self.betas})"


def movements(
    networks: Mapping[str, nn.Module], optimizers: Mapping[str, Any], running: Replay
) -> torch.Tensor:
    """Return how all parameters of all networks move when each optimiser steps with seeded gradients.

    Args:
        networks: by name.
        optimizers: by the name of the network that each should own.
        running: the replay.

    Returns:
        One row per step: 3 steps of each optimiser, the numbers of all parameters.
    """
    parameters = [p for network in networks.values() for p in network.parameters()]
    moves = []
    for name, optimizer in optimizers.items():
        for turn, scale in enumerate(GRADIENT_SCALES):
            fill_gradients(parameters, running.seed, f"{name} {turn}", scale)
            before = flat(parameters)
            optimizer.step()
            moves.append(flat(parameters) - before)
    return torch.stack(moves)


def require_owner(
    name: str, optimizer: Any, networks: Mapping[str, nn.Module], expected: AdamSettings
) -> None:
    """Raise `CheckFailed` unless an optimiser owns all parameters of the network `name`, and no others."""
    groups = getattr(optimizer, "param_groups", None)
    if not isinstance(groups, list):
        seen = type(optimizer).__name__
        raise CheckFailed("wrong_optimizer", network=Message(name), seen=seen, expected=str(expected))
    owned = {id(p) for group in groups for p in group["params"]}
    own = {id(p) for p in networks[name].parameters()}
    if owned != own:
        counts = {"own": len(owned & own), "total": len(own), "others": len(owned - own)}
        raise CheckFailed("wrong_owner", network=Message(name), **counts)


def describe_wrong_optimizer(optimizers: Mapping[str, Any], expected: AdamSettings) -> Message | None:
    """Return which optimiser is not as asked for, None if each is."""
    usual = {"lr": expected.lr, "betas": expected.betas, "eps": 1e-8}
    for name, optimizer in optimizers.items():
        settings = {key: value for key, value in optimizer.defaults.items() if value not in (None, False, 0)}
        if type(optimizer) is not torch.optim.Adam or settings != usual:
            different = [f"{key}={value}" for key, value in settings.items() if usual.get(key) != value]
            seen = f"{type(optimizer).__name__}({', '.join(different)})"
            return Message(
                "wrong_optimizer", {"network": Message(name), "seen": seen, "expected": str(expected)}
            )
    return None
