"""Weights of a network that are clipped in place (Arjovsky et al., 2017).

The network that is lent has layers of several kinds, a parameter of its own and running statistics, so that
a function which knows some kinds of layers only, or changes more than parameters, shows.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from autograder.checks.calling import call_student, require_callable
from autograder.checks.guard import May
from autograder.checks.supplied import fill_gradients
from autograder.checks.tensors import flat
from autograder.messages import CheckFailed, Message, add_texts
from autograder.replay import Replay, randomness

TEXTS = add_texts(__package__, "clipping")

# The least limit and the width of the range that the seed draws it from, per call.
_LIMITS = ((0.05, 0.1), (0.3, 0.2))


class Mixture(nn.Module):
    """A network with parameters of many kinds, on both sides of every limit, and with gradients."""

    def __init__(self, running: Replay, purpose: str) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, 3, 3)
        self.norm = nn.BatchNorm2d(3)
        self.dense = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.LayerNorm(5))
        self.gains = nn.Parameter(torch.empty(5))
        self.norm.num_batches_tracked = None
        # One that is not trained is clipped too, and stays so.
        self.dense[2].bias.requires_grad_(False)
        with torch.no_grad():
            for name, values in self.state_dict().items():
                if values.is_floating_point():
                    key = randomness.derive_key(running.seed, purpose, name)
                    values.copy_(torch.from_numpy(0.4 * randomness.normal(key, tuple(values.shape))))
        self.double().to(running.device)
        fill_gradients(self.parameters(), running.seed, purpose, scale=2.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, 5) of (n, 1, 4, 4)."""
        output: torch.Tensor = self.gains * self.dense(self.norm(self.convolution(x)))
        return output


class Clipping:
    """What a student's function does to two networks, each with a limit of its own.

    Args:
        function: the student's `clip_weights(network, limit)`.
    """

    def __init__(self, function: Any) -> None:
        self._function = function
        # The limit and the names of what lies outside of it, per network.
        self._outside: list[tuple[float, list[str]]] = []
        self._parameters = 0

    def parameters(self, running: Replay) -> torch.Tensor:
        """Return all parameters after the call, one after the other.

        Raises:
            CheckFailed: if parameters were not changed in place, or something else was changed.
        """
        require_callable(self._function)
        self._outside.clear()
        found = []
        for turn, (least, width) in enumerate(_LIMITS):
            network = Mixture(running, f"mixture {turn}")
            share = randomness.uniform(randomness.derive_key(running.seed, "limit", turn), (1,))
            limit = least + width * float(share[0])
            found.append(self._clipped(network, limit))
            named = list(network.named_parameters())
            self._parameters = len(named)
            outside = [name for name, p in named if float(p.detach().abs().max()) > limit * (1 + 1e-9)]
            self._outside.append((limit, outside))
        return torch.cat(found)

    def describe(self) -> Message:
        """Say which parameters lie outside the limits, or that all lie within and are not as asked for."""
        for limit, names in self._outside:
            if len(names) == self._parameters:
                return Message("clipped_elsewhere", {"limit": limit})
            if names:
                return Message("clipped_outside", {"names": ", ".join(names), "limit": limit})
        return Message("clipped_differ")

    def _clipped(self, network: Mixture, limit: float) -> torch.Tensor:
        """Return the parameters of a network after the call."""
        before = list(network.parameters())
        wanted = [parameter.requires_grad for parameter in before]
        held, buffers, gradients = _copies(network)
        call_student(self._function, network, limit, may=May(train=(network,)))
        now, buffers_now, gradients_now = _copies(network)
        if torch.equal(now, held) and not torch.equal(gradients_now, gradients):
            raise CheckFailed("clipped_gradients")
        if torch.equal(now, held):
            raise CheckFailed("parameters_unchanged")
        after = list(network.parameters())
        same = len(after) == len(before) and all(a is b for a, b in zip(after, before, strict=True))
        if not same or [parameter.requires_grad for parameter in after] != wanted:
            raise CheckFailed("parameters_lost")
        if not torch.equal(buffers_now, buffers):
            raise CheckFailed("clipped_buffers")
        if not torch.equal(gradients_now, gradients):
            raise CheckFailed("clipped_gradients_too")
        return now


def _copies(network: Mixture) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return copies of all parameters, of the statistics, and of the gradients."""
    buffers = flat(b.to(torch.float64) for b in network.buffers())
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in network.parameters()]
    return flat(network.parameters()), buffers, flat(gradients)
