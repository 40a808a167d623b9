"""An optimiser that is lent to a training step, and says why a network did not move."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from autograder.messages import CheckFailed, Message, add_texts

TEXTS = add_texts(__package__, "watched")


class WatchedSGD(torch.optim.SGD):
    """Plain SGD that notes what it is asked for.

    Attributes:
        found: what gradients there were at each step: "some", "none", or "cleared" where there are none
            any more.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float) -> None:
        super().__init__(list(parameters), lr=lr)
        self.found: list[str] = []
        self._cleared = False

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients, and note whether there were any."""
        self._cleared = self._some()
        super().zero_grad(set_to_none)

    def step(self, closure: Any = None) -> Any:
        """Step, and note what there was."""
        self.found.append("some" if self._some() else "cleared" if self._cleared else "none")
        return super().step(closure)

    def _some(self) -> bool:
        parameters = [p for group in self.param_groups for p in group["params"]]
        return any(p.grad is not None and p.grad.any() for p in parameters)


def require_moved(move: torch.Tensor, optimizer: WatchedSGD, network: str) -> torch.Tensor:
    """Return the movement of a network.

    Args:
        move: of its parameters.
        optimizer: of a step that began without gradients: what was cleared there came from `backward`.
        network: what messages call it, a key of a text.

    Raises:
        CheckFailed: if it did not move, saying what the optimiser found.
    """
    if move.any():
        return move
    seen = "step_not_taken" if not optimizer.found else f"step_gradients_{optimizer.found[-1]}"
    raise CheckFailed(seen, network=Message(network))
