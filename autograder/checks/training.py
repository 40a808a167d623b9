"""Losses, and how a training step moves a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from autograder.checks.base import Checks
from autograder.checks.calling import built, call_student, require_callable
from autograder.checks.gradients import flat_gradient
from autograder.checks.guard import May
from autograder.checks.rehearsal import Record
from autograder.checks.supplied import SuppliedNetwork, fill_gradients, supplied_rows
from autograder.checks.tensors import flat, require_scalar, require_tensor
from autograder.messages import CheckFailed, Message, add_texts
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
        without: set[int] = set()

        def compute(running: Replay) -> torch.Tensor:
            return loss_and_gradients(function, cases, running, without)

        def diagnose(_: torch.Tensor) -> Message:
            if not without:
                return Message("loss_differs")
            return Message("loss_without_gradient", {"places": ", ".join(map(str, sorted(without)))})

        return self.run_array(name, points, compute, diagnose, digits=digits)

    def training_step(
        self,
        function: Callable[..., Any],
        *,
        input_shape: tuple[int, ...],
        outputs: int,
        loss_function: nn.Module | None = None,
    ) -> StepChecks:
        """Prepare the checks of one training step of a network that the library supplies.

        Args:
            function: the student's step, called with (network, optimizer, loss_function, inputs, targets); it
                returns the loss.
            input_shape: of one input, without the batch.
            outputs: how many numbers the network returns for each.
            loss_function: of outputs and targets, both (n, outputs); default: the mean squared error.

        Returns:
            The checks `loss`, `update`, `zero_grad` and `mode`.
        """
        return StepChecks(
            self, function, SuppliedNetwork(input_shape, outputs), loss_function or nn.MSELoss()
        )


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
    function: Callable[..., Any],
    cases: Sequence[tuple[Any, ...]],
    running: Replay,
    without: set[int] | None = None,
) -> torch.Tensor:
    """Return the losses that a function computes, and their gradients by every tensor it is given.

    Args:
        function: the student's function.
        cases: the arguments of each call.
        running: the replay.
        without: takes the places, from 1, of tensors that no gradient reached.
    """
    seen = []
    without = set() if without is None else without
    for case in cases:
        arguments = built(case, running)
        given = [a.requires_grad_() for a in arguments if isinstance(a, torch.Tensor)]
        loss = require_loss(call_student(function, *arguments))
        gradients = torch.autograd.grad(loss, given, allow_unused=True)
        places = [place for place, a in enumerate(arguments, 1) if isinstance(a, torch.Tensor)]
        without |= {place for place, gradient in zip(places, gradients, strict=True) if gradient is None}
        seen += [loss.detach().reshape(1), *map(flat_gradient, gradients, given)]
    return torch.cat(seen)


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


# --- one training step ---------------------------------------------------------------------------------

# What right observations of some checks follow from; see `Check.follows_from`.
_BLIND = "steps with a loss that sees nothing of the targets"
_TOLERANCE = 1e-9
_MODEL = {"network": Message("model")}


class _Blind(nn.Module):
    """A loss that does not look at targets, so that a step's other mistakes show alone."""

    def forward(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the mean square of the outputs."""
        return outputs.square().mean()


class _Watched(nn.Module):
    """A network that notes in which mode it is called."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.modes: list[bool] = Record()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the outputs of the network."""
        self.modes.append(self.training)
        outputs: torch.Tensor = self.network(inputs)
        return outputs


@dataclass(frozen=True)
class _Trial:
    """What one call of a step did: what it returned, how parameters moved, in which modes the network ran."""

    returned: Any
    movement: torch.Tensor
    modes: list[bool]


class StepChecks:
    """The checks of one training step; each runs it on fresh networks, with several batch sizes.

    Steps are observed with plain SGD: Adam would hide a loss that is scaled.

    Args:
        block: where results go.
        function: the student's step.
        network: that is lent to it.
        loss_function: that is lent to it.
    """

    def __init__(
        self, block: Checks, function: Callable[..., Any], network: SuppliedNetwork, loss_function: nn.Module
    ) -> None:
        self._block = block
        self._function = function
        self._network = network
        self._loss_function = loss_function

    def loss(self, name: str, *, points: float) -> bool:
        """Check the loss that the step returns."""

        def observe() -> list[float]:
            return [require_returned_loss(self._trial(size).returned) for size in self._block.batch_sizes]

        return self._block.run_function(name, points, observe)

    def update(self, name: str, *, points: float) -> bool:
        """Check how the step moves the network, starting without gradients."""

        def observe() -> list[float]:
            moves = [self._moved(self._trial(size)) for size in self._block.batch_sizes]
            return self._block.project(torch.stack(moves), name)

        return self._block.run_function(name, points, observe, lambda: Message("moved_wrong", _MODEL))

    def zero_grad(self, name: str, *, points: float) -> bool:
        """Check that gradients left from before do not change what the step does."""

        def observe() -> list[float]:
            directions = []
            for size in self._block.batch_sizes:
                move = self._moved(self._trial(size, blind=True, prefill=True))
                clean = self._moved(self._trial(size, blind=True))
                if float((move - clean).abs().max()) > _TOLERANCE:
                    raise CheckFailed("gradients_kept")
                directions.append(move / move.norm())
            return self._block.project(torch.stack(directions), name)

        return self._block.run_function(
            name, points, observe, lambda: Message("training_step_differs"), follows_from=_BLIND
        )

    def mode(self, name: str, *, points: float) -> bool:
        """Check that the step trains in train mode, also after an evaluation left eval mode behind."""

        def observe() -> list[float]:
            moves = []
            for size in self._block.batch_sizes:
                trial = self._trial(size, blind=True, training=False)
                if not all(trial.modes) or not trial.modes:
                    raise CheckFailed("trained_in_eval_mode")
                moves.append(self._moved(trial))
            return self._block.project(torch.stack([move / move.norm() for move in moves]), name)

        return self._block.run_function(
            name, points, observe, lambda: Message("training_step_differs"), follows_from=_BLIND
        )

    def _trial(
        self, size: int, *, blind: bool = False, prefill: bool = False, training: bool = True
    ) -> _Trial:
        """Call the step twice on fresh networks; return the second call: one that seeds anew draws alike."""
        require_callable(self._function)
        with self._block.replay(f"{self._block.name}/{size}") as running:
            for _ in range(2):
                trial = self._call(size, running, blind=blind, prefill=prefill, training=training)
            return trial

    def _call(self, size: int, running: Replay, *, blind: bool, prefill: bool, training: bool) -> _Trial:
        network = _Watched(self._network.build(running)).train(training)
        if prefill:
            fill_gradients(network.parameters(), running.seed, "before")
        optimizer = torch.optim.SGD(network.parameters(), lr=STEP_LEARNING_RATE)
        inputs = supplied_rows((size, *self._network.input_shape), running, "inputs")
        targets = supplied_rows((size, self._network.outputs), running, "targets")
        loss_function = _Blind() if blind else self._loss_function
        before = flat(network.parameters())
        may = May(train=(network, optimizer), set_mode=not training)
        returned = call_student(self._function, network, optimizer, loss_function, inputs, targets, may=may)
        if isinstance(returned, torch.Tensor):
            returned = returned.detach()
        return _Trial(returned, flat(network.parameters()) - before, network.modes)

    def _moved(self, trial: _Trial) -> torch.Tensor:
        """Return the movement of the network; it must have moved."""
        if not trial.movement.any():
            raise CheckFailed("not_moved", **_MODEL)
        return trial.movement
