"""Losses, and how a training step moves a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from autograder.checks.base import Checks
from autograder.checks.calling import built, call_student
from autograder.checks.tensors import require_scalar, require_tensor
from autograder.messages import CheckFailed, add_texts
from autograder.observation import DIGITS
from autograder.replay import Replay

TEXTS = add_texts(__package__, "training")
STEP_LEARNING_RATE = 0.5


class TrainingChecks(Checks):
    """Checks of losses and of training steps."""

    def loss(
        self,
        name: str,
        function: Callable[..., Any],
        cases: Sequence[tuple[Any, ...]],
        *,
        points: float,
        digits: int = DIGITS,
    ) -> bool:
        """Check the loss that a function returns, and its gradients with respect to every tensor it is given.

        Args:
            name: the stable name of the check.
            function: the student's function; it returns a tensor with one number.
            cases: the arguments of each call, tensors that the library supplies among them; at least four.
            points: the marks that the check is worth.
            digits: significant digits compared.
        """

        def compute(running: Replay) -> torch.Tensor:
            return loss_and_gradients(function, cases, running)

        return self.run_array(name, points, compute, digits=digits)


def require_loss(value: Any) -> torch.Tensor:
    """Return a loss: a tensor with one finite number that gradients can flow through.

    Raises:
        CheckFailed: for anything else.
    """
    if isinstance(value, torch.Tensor) and value.numel() != 1:
        raise CheckFailed("loss_not_scalar", seen=f"Tensor {tuple(value.shape)}")
    if isinstance(value, (float, int)):
        raise CheckFailed("loss_detached")
    loss = require_tensor(value).reshape(())
    if not loss.requires_grad:
        raise CheckFailed("loss_detached")
    return loss


def loss_and_gradients(
    function: Callable[..., Any], cases: Sequence[tuple[Any, ...]], running: Replay
) -> torch.Tensor:
    """Return the losses that a function computes, and their gradients by every tensor it is given.

    Args:
        function: the student's function.
        cases: the arguments of each call.
        running: the replay.
    """
    seen = []
    for case in cases:
        arguments = built(case, running)
        given = [a.requires_grad_() for a in arguments if isinstance(a, torch.Tensor)]
        loss = require_loss(call_student(function, *arguments))
        gradients = torch.autograd.grad(loss, given, allow_unused=True)
        seen += [loss.detach().reshape(1), *map(flat_gradient, gradients, given)]
    return torch.cat(seen)


def flat_gradient(gradient: torch.Tensor | None, of: torch.Tensor) -> torch.Tensor:
    """Return a gradient as a vector, zeros where there is none."""
    return torch.zeros(of.numel(), device=of.device) if gradient is None else gradient.detach().reshape(-1)


# --- interpolation ---------------------------------------------------------------------------------


def require_returned_loss(returned: Any) -> float:
    """Return a loss as a float; it must be one finite number."""
    if returned is None:
        raise CheckFailed("returned_none")
    if isinstance(returned, torch.Tensor) and returned.numel() != 1:
        raise CheckFailed("loss_not_scalar", seen=f"Tensor {tuple(returned.shape)}")
    if isinstance(returned, (tuple, list, dict, str)):
        raise CheckFailed("loss_not_scalar", seen=type(returned).__name__)
    return require_scalar(returned)


def copied_gradients(network: nn.Module) -> list[torch.Tensor | None]:
    """Return copies of all gradients of a network."""
    return [None if p.grad is None else p.grad.detach().clone() for p in network.parameters()]
