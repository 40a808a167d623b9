"""Checkpoints: what a training needs to go on where it was interrupted."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from autograder.checks.base import Checks
from autograder.checks.calling import call_student, require_callable
from autograder.checks.supplied import SuppliedInteger, fill_gradients, supplied_rows
from autograder.checks.tensors import flat, require_scalar
from autograder.checks.witness import witness
from autograder.messages import CheckFailed, Message, add_texts
from autograder.replay import Replay
from course.checks.gan_networks import small_discriminator, small_generator
from course.checks.optimizers import movements

TEXTS = add_texts(__package__, "checkpoints")

_LATENT, _SAMPLE = (3,), (2,)
_FILE = "checkpoint.pt"


class CheckpointChecks(Checks):
    """The check of a checkpoint."""

    def checkpoint(
        self,
        name: str,
        save: Callable[..., Any],
        load: Callable[..., Any],
        *,
        counter: str = "epoch",
        points: float,
    ) -> bool:
        """Check that a training goes on from a checkpoint as if it had not been interrupted.

        Args:
            name: the stable name of the check.
            save: the student's `save_checkpoint(path, epoch, networks, optimizers)`.
            load: the student's `load_checkpoint(path, networks, optimizers)`, which returns the epoch.
            counter: what the training counts: "epoch" or "stage".
            points: the marks that the check is worth.
        """
        seen: list[tuple[Resumed, Resumed]] = []

        def compute(running: Replay) -> torch.Tensor:
            seen.append(resume(save, load, running))
            return seen[0][0].numbers()

        def diagnose(_: torch.Tensor) -> Message:
            return describe_difference(*seen[0], counter)

        return self.run_array(name, points, compute, diagnose, follows_from="the training that was saved")


@dataclass
class Training:
    """Networks and optimisers in the middle of a training."""

    networks: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Optimizer]


@dataclass(frozen=True)
class Resumed:
    """What a training holds, and how it goes on.

    Attributes:
        epoch: that it has reached.
        parameters: of all networks, one after the other.
        statistics: running statistics of their batch normalisation.
        movement: of all parameters in the next steps, which depends on the optimisers' memory.
    """

    epoch: float
    parameters: torch.Tensor
    statistics: torch.Tensor
    movement: torch.Tensor

    def numbers(self) -> torch.Tensor:
        """Return all of it as one vector."""
        epoch = torch.tensor([self.epoch], dtype=torch.float64, device=self.parameters.device)
        return torch.cat([epoch, self.parameters, self.statistics, self.movement.reshape(-1)])


def resume(save: Any, load: Any, running: Replay) -> tuple[Resumed, Resumed]:
    """Interrupt a training, save it, load it into fresh networks of another process and go on there.

    Args:
        save: the student's `save_checkpoint(path, epoch, networks, optimizers)`.
        load: the student's `load_checkpoint(path, networks, optimizers)`, which returns the epoch.
        running: the replay.

    Returns:
        The training that was resumed, and the one that was interrupted.

    Raises:
        CheckFailed: if there is no file, no epoch comes back, or what was saved is not in the file.
    """
    for function in (save, load):
        require_callable(function)
    epoch = SuppliedInteger("epoch", 3, 1000).build(running)

    def load_fresh(path: str) -> list[Any]:
        return _plain(_load(load, path, running))

    # The process that loads is forked before there is anything to save: it knows nothing but the file.
    with witness(load_fresh, running.device) as ask, tempfile.TemporaryDirectory() as name:
        interrupted = _prepare(running, "interrupted")
        _train(interrupted, running)
        folder = Path(name)
        _save(save, folder / "interrupted", epoch, interrupted)
        # What is loaded must come from the files: they move, and another training is saved after it.
        _save(save, folder / "other", epoch + 1, _prepare(running, "fresh"))
        moved = (folder / "interrupted").rename(folder / "moved") / _FILE
        # It must be a copy, too: the interrupted training goes on first.
        expected = _go_on(interrupted, float(epoch), running)
        try:
            seen = _from_plain(ask(str(moved)), running)
        except CheckFailed as failure:
            # A process that ended would take this one with it.
            if failure.message.key != "witness_ended" and _loaded_here(load, moved, running):
                raise CheckFailed("checkpoint_in_memory") from None
            raise
        if not _alike(seen, expected):
            here = _loaded_here(load, moved, running)
            if here is not None and _alike(here, expected):
                raise CheckFailed("checkpoint_in_memory")
    return seen, expected


def _load(load: Callable[..., Any], path: str, running: Replay) -> Resumed:
    """Let the student's function load a training into fresh networks, and go on."""
    fresh = _prepare(running, "fresh")
    returned = require_scalar(call_student(load, path, fresh.networks, fresh.optimizers))
    return _go_on(fresh, returned, running)


def _loaded_here(load: Callable[..., Any], path: Path, running: Replay) -> Resumed | None:
    """Return the training that comes back in the process that saved it, None if that fails too."""
    try:
        return _load(load, str(path), running)
    except (Exception, SystemExit):
        return None


def _alike(seen: Resumed, expected: Resumed) -> bool:
    """Tell whether a training came back as it was."""
    one, other = seen.numbers(), expected.numbers()
    return one.shape == other.shape and torch.allclose(one, other)


def _plain(resumed: Resumed) -> list[Any]:
    """Return what a training holds as plain numbers, which go from one process to another."""
    tensors = (resumed.parameters, resumed.statistics, resumed.movement)
    return [resumed.epoch, *(tensor.tolist() for tensor in tensors)]


def _from_plain(parts: list[Any], running: Replay) -> Resumed:
    """Return what plain numbers say that a training holds."""
    epoch, *others = parts
    tensors = (torch.tensor(part, dtype=torch.float64, device=running.device) for part in others)
    return Resumed(epoch, *tensors)


def _save(save: Callable[..., Any], folder: Path, epoch: int, training: Training) -> None:
    """Let the student's function save a training in a folder of its own.

    Raises:
        CheckFailed: if it leaves no file there.
    """
    folder.mkdir()
    call_student(save, str(folder / _FILE), epoch, training.networks, training.optimizers)
    if not (folder / _FILE).is_file():
        raise CheckFailed("checkpoint_missing")


def describe_difference(seen: Resumed, expected: Resumed, counter: str = "epoch") -> Message:
    """Say what was not restored; `counter` is what the training counts, "epoch" or "stage"."""
    if seen.epoch != expected.epoch:
        return Message(f"checkpoint_{counter}", {"seen": seen.epoch, "expected": expected.epoch})
    for part in ("parameters", "statistics", "movement"):
        if not torch.allclose(getattr(seen, part), getattr(expected, part)):
            return Message("checkpoint_differs", {"part": Message(f"checkpoint_{part}")})
    return Message("wrong_scalar")


def _prepare(running: Replay, purpose: str) -> Training:
    """Return networks whose parameters the seed and the purpose decide, and their optimisers."""
    make: dict[str, Callable[..., nn.Module]] = {
        "discriminator": lambda name: small_discriminator(_SAMPLE, running, name, batch_norm=True),
        "generator": lambda name: small_generator(_LATENT, _SAMPLE, running, name, batch_norm=True),
    }
    networks = {name: build(f"{purpose} {name}") for name, build in make.items()}
    optimizers = {name: torch.optim.Adam(n.parameters(), 1e-2) for name, n in networks.items()}
    return Training(networks, dict(optimizers))


def _train(training: Training, running: Replay) -> None:
    """Give networks running statistics, and optimisers a memory."""
    shapes = {"discriminator": _SAMPLE, "generator": _LATENT}
    for name, network in training.networks.items():
        with torch.no_grad():
            network(3.0 + supplied_rows((16, *shapes[name]), running, f"{name} inputs"))
        for turn in range(2):
            fill_gradients(network.parameters(), running.seed, f"{name} before {turn}")
            training.optimizers[name].step()


def _go_on(training: Training, epoch: float, running: Replay) -> Resumed:
    """Return what a training holds, and how it moves next."""
    parameters = [p for n in training.networks.values() for p in n.parameters()]
    buffers = [b for n in training.networks.values() for b in n.buffers()]
    held = flat(parameters)
    statistics = flat(b.to(torch.float64) for b in buffers)
    moves = movements(training.networks, training.optimizers, running)
    return Resumed(epoch, held, statistics, moves)
