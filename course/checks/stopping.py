"""A training that stops when the validation loss no longer falls, and keeps its best epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from autograder.checks.base import Checks
from autograder.checks.calling import call_student, require_callable
from autograder.checks.family import Family
from autograder.checks.guard import May
from autograder.checks.supplied import fill
from autograder.checks.tensors import flat, require_scalar
from autograder.messages import CheckFailed, Message, add_texts
from autograder.replay import Replay, randomness

TEXTS = add_texts(__package__, "stopping")
_TRAINING = "the states and losses of the supplied training"

# How many epochs without progress are borne, run by run; the last run ends before its patience does.
_PATIENCES = (3, 2, 4, 3)
_FEATURES = 6


class StoppingChecks(Checks):
    """Checks of early stopping, and of a training that uses it."""

    def early_stopping(self, name: str, factory: Callable[..., Any], *, aspect: str, points: float) -> bool:
        """Check what ends a training that makes no progress, and brings its best state back.

        Args:
            name: the stable name of the check.
            factory: the student's class; called with a patience. `step(loss, model)`, called after each
                epoch, returns whether to stop: the loss was not below the least one before for so many
                epochs in a row. `restore(model)` puts the model into its state after the best epoch.
            aspect: "stop", when it stops, or "restore", in which state the model ends.
            points: the marks that the check is worth.
        """
        seen: list[Message] = []

        def compute(running: Replay) -> torch.Tensor:
            heeded = aspect == "stop"
            runs = [
                _follow(factory, run, patience, running, heeded=heeded)
                for run, patience in enumerate(_PATIENCES)
            ]
            if aspect == "stop":
                seen.extend(run.described_stop() for run in runs if run.stopped != run.course.stop)
                return torch.stack([run.at_stop for run in runs])
            seen.extend(run.described_end() for run in runs if not torch.equal(run.end, run.best))
            return torch.stack([run.end for run in runs])

        return self.run_array(
            name,
            points,
            compute,
            lambda _: seen[0] if seen else Message("stopping_differs"),
            follows_from=_TRAINING,
        )

    def stopped_training(
        self, name: str, function: Callable[..., Any], *, aspect: str, points: float
    ) -> bool:
        """Check a training that asks a scheduler and an early stopping after each epoch.

        Args:
            name: the stable name of the check.
            function: the student's `fit(model, train_epoch, validate, num_epochs, scheduler, stopping)`. In
                each epoch `train_epoch()`, then `validate()`, which returns the validation loss, then
                `scheduler.step(loss)` and `stopping.step(loss, model)`, which says whether to stop; in the
                end `stopping.restore(model)`. It returns the losses.
            aspect: "losses" that are returned, those that the "scheduler" was given, or the "state" of the
                model in the end.
            points: the marks that the check is worth.
        """
        seen: list[Message] = []

        def compute(running: Replay) -> torch.Tensor:
            runs = [_fit(function, run, patience, running) for run, patience in enumerate(_PATIENCES)]
            if aspect == "state":
                for run in runs:
                    run.require_restored_last()
                seen.extend(run.described_end() for run in runs if not torch.equal(run.end, run.best))
                return torch.stack([run.end for run in runs])
            found = [run.scheduled if aspect == "scheduler" else run.losses() for run in runs]
            return torch.tensor([loss for losses in found for loss in losses], dtype=torch.float64)

        return self.run_array(
            name,
            points,
            compute,
            lambda _: (
                seen[0] if seen else Message("stopped_losses" if aspect == "losses" else "scheduler_losses")
            ),
            follows_from=_TRAINING,
        )


# --- a training that is only a course of losses ----------------------------------------------------


@dataclass(frozen=True)
class _Course:
    """The validation losses of a training, epoch by epoch.

    Attributes:
        losses: of as many epochs as are asked for.
        best: the epoch with the least loss before the stop, from 1; of two equal ones the first.
        stop: the epoch after which the training is to stop, 0 where it goes on to its last one.
    """

    losses: tuple[float, ...]
    best: int
    stop: int


def _course(run: int, patience: int, running: Replay) -> _Course:
    """Return losses that rise, fall, wait just not too long, reach their least, nearly do so again, and rise.

    After that they fall, but not so far; then, too late, further than ever. So whoever stops late, early or
    never, takes the greatest for the best, or counts what is equal as progress, stops at epochs of their own:
    every other run reaches its least once more exactly, and the last one ends before its patience does.
    """
    u = iter(randomness.uniform(randomness.derive_key(running.seed, "losses", run), (32,)).tolist())
    first = [start + 0.1 * next(u) for start in (1.3, 1.55, 1.15, 1.0)]
    waiting = [1.15 + 0.1 * next(u) for _ in range(patience - 1)]
    least = 0.5 + 0.1 * next(u)
    again = least + (0.0 if run % 2 == 0 else 0.05)
    falling = sorted((0.7 + 0.2 * next(u) for _ in range(patience - 1)), reverse=True)
    losses = [*first, *waiting, least, again, *falling]
    best, stop = len(first) + len(waiting) + 1, len(losses)
    if run == len(_PATIENCES) - 1:
        return _Course(tuple(losses[:-1]), best, 0)
    after = [0.66 + 0.02 * next(u), *(0.3 + 0.1 * next(u) for _ in range(4))]
    return _Course((*losses, *after), best, stop)


class _Training:
    """A network whose numbers change with each epoch, as chance has it, and the losses that go with that.

    Attributes:
        network: with batch normalisation: its statistics belong to its state.
        passed: its states before the training and after each epoch.
    """

    def __init__(self, course: _Course, run: int, running: Replay) -> None:
        self.course = course
        self._key = randomness.derive_key(running.seed, "epochs", run)
        self.network = nn.Sequential(nn.Linear(_FEATURES, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
        fill(self.network.parameters(), running.seed, "stopped")
        self.network.double().to(running.device)
        self.passed = [self.state()]

    @property
    def epochs(self) -> int:
        """Return how many epochs there have been."""
        return len(self.passed) - 1

    def state(self) -> torch.Tensor:
        """Return all parameters and statistics of the network."""
        return flat(self._numbers())

    def move(self) -> None:
        """Train for an epoch."""
        with torch.no_grad():
            for number, value in enumerate(self._numbers()):
                key = randomness.derive_key(self._key, len(self.passed), number)
                value.add_(torch.from_numpy(randomness.normal(key, tuple(value.shape))).to(value.device))
        self.passed.append(self.state())

    def restore(self) -> None:
        """Put the network into its state after the best epoch, whatever the training is like."""
        best = self.passed[min(self.course.best, self.epochs)]
        with torch.no_grad():
            numbers = self._numbers()
            for value, kept in zip(numbers, best.split([value.numel() for value in numbers]), strict=True):
                value.copy_(kept.reshape(value.shape))

    def _numbers(self) -> list[torch.Tensor]:
        state = self.network.state_dict(keep_vars=True)
        return [value for value in state.values() if value.is_floating_point()]


# --- early stopping --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Followed:
    """What an early stopping did with a training.

    Attributes:
        training: that it followed.
        patience: that it was made with.
        stopped: after which epoch it said so, 0: never.
        end: the state of the network after `restore`.
    """

    training: _Training
    patience: int
    stopped: int
    end: torch.Tensor

    @property
    def course(self) -> _Course:
        """Return the losses that it was told."""
        return self.training.course

    @property
    def at_stop(self) -> torch.Tensor:
        """Return the state of the network when it stopped, or in the end."""
        return self.training.passed[self.stopped or len(self.course.losses)]

    @property
    def best(self) -> torch.Tensor:
        """Return the state that the network is to be in."""
        return self.training.passed[self.course.best]

    def described_stop(self) -> Message:
        """Say when it stopped, where that is not when it should."""
        told = [round(loss, 2) for loss in self.course.losses[: self.stopped or None]]
        details = {"patience": self.patience, "losses": ", ".join(map(str, told))}
        return Message(
            "stopping_late" if not self.stopped else "stopping_when", {**details, "epoch": self.stopped}
        )

    def described_end(self) -> Message:
        """Say in which state the network ends, where that is not the one of the best epoch."""
        return _described_end(self.training, self.end)


def _follow(factory: Any, run: int, patience: int, running: Replay, *, heeded: bool) -> _Followed:
    """Let a student's early stopping follow a training, and go on for one more epoch before it restores.

    Args:
        factory: the student's class.
        run: number of the training.
        patience: to make it with.
        running: the replay.
        heeded: whether the training stops when it says so, and not when it should: which state is brought
            back is another question than when to stop.
    """
    require_callable(factory)
    training = _Training(_course(run, patience, running), run, running)
    stopping = call_student(factory, patience)
    for method in ("step", "restore"):
        if not callable(getattr(stopping, method, None)):
            raise CheckFailed("stopping_method", name=method)
    stopped = 0
    losses = training.course.losses
    for epoch, loss in enumerate(losses if heeded else losses[: training.course.stop or None], 1):
        training.move()
        decision = call_student(stopping.step, loss, training.network)
        if heeded and _decision(decision):
            stopped = epoch
            break
    training.move()
    call_student(stopping.restore, training.network, may=May(train=(training.network,)))
    return _Followed(training, patience, stopped, training.state())


def _decision(value: Any) -> bool:
    """Return whether to stop.

    Raises:
        CheckFailed: if that is not said.
    """
    if isinstance(value, np.generic) or (isinstance(value, torch.Tensor) and value.numel() == 1):
        value = value.item()
    if not isinstance(value, (bool, int)):
        raise CheckFailed("stopping_says", seen=type(value).__name__)
    return bool(value)


def _described_end(training: _Training, end: torch.Tensor) -> Message:
    """Say in which state a network ends, where that is not the one of the best epoch."""
    alike = (epoch for epoch, state in enumerate(training.passed) if torch.equal(state, end))
    epoch = next(alike, None)
    if epoch is None:
        return Message("stopped_mixed")
    return Message("stopped_state", {"epoch": epoch, "best": training.course.best, "epochs": training.epochs})


# --- a training that stops -------------------------------------------------------------------------


@dataclass
class _Assistants:
    """What a training is lent: a scheduler and an early stopping that note what they are told.

    Attributes:
        training: that is told of.
        turns: who was called, one after the other.
        scheduled: losses that the scheduler was given.
    """

    training: _Training
    turns: list[str] = field(default_factory=list)
    scheduled: list[float] = field(default_factory=list)

    def train_epoch(self) -> None:
        """Train for an epoch."""
        self._note("train_epoch")
        self.training.move()

    def validate(self) -> float:
        """Return the validation loss of the last epoch."""
        self._note("validate")
        return self.training.course.losses[self.turns.count("validate") - 1]

    def _note(self, turn: str) -> None:
        """Note a turn; a training that does not stop where it should is ended."""
        self.turns.append(turn)
        last = self.training.course.stop or len(self.training.course.losses)
        if self.turns.count(turn) > last:
            raise CheckFailed("training_goes_on", epochs=last, name=turn)


class _Scheduler:
    """In place of a scheduler of PyTorch's that is told the validation loss."""

    def __init__(self, assistants: _Assistants) -> None:
        self._assistants = assistants

    def step(self, *arguments: Any, **named: Any) -> None:
        """Note the loss."""
        values = [*arguments, *named.values()]
        self._assistants.turns.append("scheduler.step")
        if len(values) != 1:
            raise CheckFailed("scheduler_arguments", count=len(values))
        self._assistants.scheduled.append(require_scalar(values[0]))


class _Stopping:
    """In place of the student's early stopping: it knows when to stop, and the best state."""

    def __init__(self, assistants: _Assistants) -> None:
        self._assistants = assistants

    def step(self, loss: Any, model: Any) -> bool:
        """Return whether to stop."""
        self._assistants.turns.append("stopping.step")
        training = self._assistants.training
        if model is not training.network:
            raise CheckFailed("stopping_model", seen=type(model).__name__)
        told = require_scalar(loss)
        if told != training.course.losses[max(training.epochs, 1) - 1]:
            raise CheckFailed("stopping_loss")
        return training.epochs == training.course.stop

    def restore(self, model: Any) -> None:
        """Put the network into its best state."""
        self._assistants.turns.append("stopping.restore")
        training = self._assistants.training
        if model is not training.network:
            raise CheckFailed("stopping_model", seen=type(model).__name__)
        training.restore()


@dataclass(frozen=True)
class _Fitted:
    """What a training left behind.

    Attributes:
        assistants: that it was lent.
        returned: by the student's function.
        end: the state of the network.
    """

    assistants: _Assistants
    returned: Any
    end: torch.Tensor

    @property
    def scheduled(self) -> Sequence[float]:
        """Return the losses that the scheduler was given, in order."""
        if not self.assistants.scheduled:
            raise CheckFailed("scheduler_unused")
        return self.assistants.scheduled

    @property
    def best(self) -> torch.Tensor:
        """Return the state that the network is to be in."""
        return self.assistants.training.passed[self.assistants.training.course.best]

    def losses(self) -> list[float]:
        """Return the losses that came back.

        Raises:
            CheckFailed: if that is no list of one loss per epoch.
        """
        is_row = isinstance(self.returned, (np.ndarray, torch.Tensor)) and self.returned.ndim == 1
        listed = is_row or isinstance(self.returned, (list, tuple))
        expected = self.assistants.training.epochs
        if not listed or len(self.returned) != expected:
            seen = f"{len(self.returned)}" if listed else type(self.returned).__name__
            raise CheckFailed("stopped_returned", seen=seen, expected=expected)
        return [require_scalar(loss) for loss in self.returned]

    def require_restored_last(self) -> None:
        """Raise `CheckFailed` if a state was brought back that training went on from."""
        turns = self.assistants.turns
        if "stopping.restore" in turns and "train_epoch" in turns[turns.index("stopping.restore") :]:
            raise CheckFailed("stopped_restored_early")

    def described_end(self) -> Message:
        """Say in which state the network ends, where that is not the one of the best epoch."""
        if "stopping.restore" not in self.assistants.turns:
            return Message("stopped_unrestored")
        return _described_end(self.assistants.training, self.end)


def _fit(function: Any, run: int, patience: int, running: Replay) -> _Fitted:
    """Let a student's function train with stand-ins.

    Raises:
        CheckFailed: if it ends too early, or its turns are not those asked for.
    """
    require_callable(function)
    training = _Training(_course(run, patience, running), run, running)
    assistants = _Assistants(training)
    returned = call_student(
        function,
        training.network,
        assistants.train_epoch,
        assistants.validate,
        len(training.course.losses),
        _Scheduler(assistants),
        _Stopping(assistants),
        may=May(train=(training.network,), set_mode=True),
    )
    last = training.course.stop or len(training.course.losses)
    counts = [assistants.turns.count(turn) for turn in ("train_epoch", "validate", "stopping.step")]
    if counts != [last] * 3:
        raise CheckFailed("stopped_turns", train=counts[0], validate=counts[1], stop=counts[2], expected=last)
    order = [turn for turn in assistants.turns if turn in ("train_epoch", "validate", "stopping.step")]
    if order != ["train_epoch", "validate", "stopping.step"] * last:
        raise CheckFailed("stopped_order")
    return _Fitted(assistants, returned, training.state())


FAMILY = Family(StoppingChecks)
