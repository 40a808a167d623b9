"""Checkpoints: what a training needs to go on where it was interrupted."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from autograder.checks.base import Checks
from autograder.checks.calling import call_student, require_callable
from autograder.checks.guard import May
from autograder.checks.supplied import SuppliedInteger, fill_gradients, supplied_rows
from autograder.checks.tensors import flat, require_scalar
from autograder.checks.witness import witness
from autograder.messages import CheckFailed, Message, add_texts
from autograder.replay import Replay, randomness
from course.checks.gan_networks import small_discriminator, small_generator
from course.checks.optimizers import movements

TEXTS = add_texts(__package__, "checkpoints")

_LATENT, _SAMPLE = (3,), (2,)
_FILE = "checkpoint.pt"
# What the parts of a training may be called: by none of the names that an example in a text would use.
_NAMES = ("painter", "judge", "teacher", "pupil", "left", "right", "first", "second")


class CheckpointChecks(Checks):
    """The check of a checkpoint."""

    def checkpoint(
        self,
        name: str,
        save: Callable[..., Any],
        load: Callable[..., Any],
        *,
        counter: str = "epoch",
        averaged: Sequence[str] = (),
        points: float,
    ) -> bool:
        """Check that a training goes on from a checkpoint as if it had not been interrupted.

        Args:
            name: the stable name of the check.
            save: the student's `save_checkpoint(path, epoch, networks, optimizers)`.
            load: the student's `load_checkpoint(path, networks, optimizers)`, which returns the epoch.
            counter: what the training counts: "epoch" or "stage".
            averaged: what the notebook calls its networks, where the last one has no optimiser: the network
                that judges, the generator and its average.
            points: the marks that the check is worth.
        """
        seen: list[tuple[Resumed, Resumed]] = []

        def compute(running: Replay) -> torch.Tensor:
            seen.append(resume(save, load, running))
            if averaged and _alike(*seen[0]):
                _require_average(save, load, running, averaged)
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


def resume(save: Any, load: Any, running: Replay, *, averaged: Sequence[str] = ()) -> tuple[Resumed, Resumed]:
    """Interrupt a training, save it, load it into fresh networks of another process and go on there.

    Args:
        save: the student's `save_checkpoint(path, epoch, networks, optimizers)`.
        load: the student's `load_checkpoint(path, networks, optimizers)`, which returns the epoch.
        running: the replay.
        averaged: names of the networks, if the last of them has no optimiser.

    Returns:
        The training that was resumed, and the one that was interrupted.

    Raises:
        CheckFailed: if there is no file, no epoch comes back, or what was saved is not in the file.
    """
    for function in (save, load):
        require_callable(function)
    epoch = SuppliedInteger("epoch", 3, 1000).build(running)

    def load_fresh(path: str) -> list[Any]:
        return _plain(_load(load, path, running, averaged))

    # The process that loads is forked before there is anything to save: it knows nothing but the file.
    with witness(load_fresh, running.device) as ask, tempfile.TemporaryDirectory() as name:
        interrupted = _prepare(running, "interrupted", averaged)
        _train(interrupted, running)
        folder = Path(name)
        # The file of an earlier epoch lies there already.
        _save(save, folder / "interrupted", epoch - 1, _prepare(running, "earlier", averaged))
        _save(save, folder / "interrupted", epoch, interrupted)
        # What is loaded must come from the files: they move, and another training is saved after it.
        _save(save, folder / "other", epoch + 1, _prepare(running, "fresh", averaged))
        moved = (folder / "interrupted").rename(folder / "moved") / _FILE
        # It must be a copy, too: the interrupted training goes on first.
        expected = _go_on(interrupted, float(epoch), running)
        try:
            seen = _from_plain(ask(str(moved)), running)
        except CheckFailed as failure:
            # A process that ended would take this one with it.
            if failure.message.key != "witness_ended" and _loaded_here(load, moved, running, averaged):
                raise CheckFailed("checkpoint_in_memory") from None
            if failure.message.details.get("error") == "UnpicklingError":
                raise CheckFailed("checkpoint_not_plain") from None
            raise
        if _alike(seen, expected):
            _require_in_file(moved, interrupted)
            # What it leaves changed is seen in this process only.
            _load(load, str(moved), running, averaged)
        else:
            here = _loaded_here(load, moved, running, averaged)
            if here is not None and _alike(here, expected):
                raise CheckFailed("checkpoint_in_memory")
    return seen, expected


def _require_average(save: Any, load: Any, running: Replay, names: Sequence[str]) -> None:
    """Raise `CheckFailed` if a network that has no optimiser is lost without a word.

    Who expects one optimiser for each network is stopped by an error where there is none, and sees it.
    """
    try:
        seen, expected = resume(save, load, running, averaged=names)
    except Exception:
        return
    if not _alike(seen, expected):
        raise CheckFailed("checkpoint_average_lost")


def _load(load: Callable[..., Any], path: str, running: Replay, averaged: Sequence[str]) -> Resumed:
    """Let the student's function load a training into fresh networks, and go on."""
    fresh = _prepare(running, "fresh", averaged)
    # Dictionaries of its own: what is put into these instead is not what the caller holds.
    networks, optimizers = dict(fresh.networks), dict(fresh.optimizers)
    filled = (networks, optimizers, *networks.values(), *optimizers.values())
    returned = call_student(load, path, networks, optimizers, may=May(fill=filled))
    _require_filled(networks, fresh.networks)
    _require_filled(optimizers, fresh.optimizers)
    return _go_on(fresh, require_scalar(returned), running)


def _require_filled(lent: Mapping[str, Any], held: Mapping[str, Any]) -> None:
    """Raise `CheckFailed` if something else was put in the place of what a function received."""
    replaced = [name for name, part in held.items() if lent.get(name) is not part]
    if replaced or len(lent) != len(held):
        raise CheckFailed("checkpoint_replaced", names=", ".join(f"`{name}`" for name in replaced or lent))


def _require_in_file(path: Path, saved: Training) -> None:
    """Raise `CheckFailed` unless a file that holds no objects of a program holds a whole training.

    Where no other process can load it, too, a training that was kept in memory shows by how little there is.
    """
    try:
        content = torch.load(path, weights_only=True)
    except Exception:  # whatever reading a file may raise
        raise CheckFailed("checkpoint_not_plain") from None
    states = [part.state_dict() for parts in (saved.networks, saved.optimizers) for part in parts.values()]
    if 2 * _size(content) < _size(states):
        raise CheckFailed("checkpoint_in_memory")


def _size(content: Any) -> int:
    """Return how many numbers there are in tensors, however these are put together."""
    if isinstance(content, torch.Tensor):
        return content.numel()
    if isinstance(content, Mapping):
        return sum(map(_size, content.values()))
    return sum(map(_size, content)) if isinstance(content, (list, tuple)) else 0


def _loaded_here(
    load: Callable[..., Any], path: Path, running: Replay, averaged: Sequence[str]
) -> Resumed | None:
    """Return the training that comes back in the process that saved it, None if that fails too."""
    try:
        return _load(load, str(path), running, averaged)
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
        CheckFailed: if it leaves no file there, or others besides.
    """
    folder.mkdir(exist_ok=True)
    call_student(save, str(folder / _FILE), epoch, training.networks, training.optimizers)
    if not (folder / _FILE).is_file():
        raise CheckFailed("checkpoint_missing")
    others = sorted(path.name for path in folder.iterdir() if path.name != _FILE)
    if others:
        raise CheckFailed("checkpoint_more_files", names=", ".join(others))


def describe_difference(seen: Resumed, expected: Resumed, counter: str = "epoch") -> Message:
    """Say what was not restored; `counter` is what the training counts, "epoch" or "stage"."""
    if seen.epoch != expected.epoch:
        return Message(f"checkpoint_{counter}", {"seen": seen.epoch, "expected": expected.epoch})
    for part in ("parameters", "statistics", "movement"):
        if not torch.allclose(getattr(seen, part), getattr(expected, part)):
            return Message("checkpoint_differs", {"part": Message(f"checkpoint_{part}")})
    return Message("wrong_scalar")


def _prepare(running: Replay, purpose: str, averaged: Sequence[str]) -> Training:
    """Return networks whose parameters the seed and the purpose decide, and their optimisers.

    They are called what the seed says, if not what is said: what knows its own names only would not serve
    other trainings.
    """
    made = [
        small_discriminator(_SAMPLE, running, f"{purpose} discriminator", batch_norm=True),
        small_generator(_LATENT, _SAMPLE, running, f"{purpose} generator", batch_norm=True),
    ]
    # A new training may begin at another rate: the one that was saved goes on at its own.
    rate = 1e-2 if purpose == "interrupted" else 3e-2
    optimizers = [torch.optim.Adam(network.parameters(), rate) for network in made]
    if averaged:
        made.append(small_generator(_LATENT, _SAMPLE, running, f"{purpose} average", batch_norm=True))
    names = averaged or _names(running)
    return Training(dict(zip(names, made, strict=False)), dict(zip(names, optimizers, strict=False)))


def _names(running: Replay) -> Sequence[str]:
    """Return three names that the seed draws."""
    order = randomness.permutation(randomness.derive_key(running.seed, "names"), len(_NAMES))
    return [_NAMES[place] for place in order[:3]]


def _train(training: Training, running: Replay) -> None:
    """Give networks running statistics, and optimisers a memory."""
    shapes = (_SAMPLE, _LATENT, _LATENT)
    for (name, network), shape in zip(training.networks.items(), shapes, strict=False):
        with torch.no_grad():
            network(3.0 + supplied_rows((16, *shape), running, f"{name} inputs"))
        for turn in range(2 if name in training.optimizers else 0):
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
