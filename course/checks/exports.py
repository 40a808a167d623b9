"""Pictures that a student's function writes as files."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from autograder.checks.base import Checks
from autograder.checks.calling import call_student, require_callable
from autograder.checks.family import Family
from autograder.messages import CheckFailed, Message, add_texts
from autograder.replay import Replay, randomness

TEXTS = add_texts(__package__, "exports")
_PICTURES = "the pictures that the function is given"

# The first epoch that counts lies in this range; exported is one too early, itself, and later ones.
_FIRST = (6, 40)
_SINCE_FIRST = (-1, 0, 5, 92)
# How many pictures there are after each of them, and by how much they are wider than high.
_COUNTS = (3, 4, 11, 1)
_WIDER = (0, 3, 5, 2)


class ExportChecks(Checks):
    """The check of picture files."""

    def exported_images(self, name: str, function: Callable[..., Any], *, points: float) -> bool:
        """Check the picture files that a function writes after each epoch, from some epoch on.

        Args:
            name: the stable name of the check.
            function: the student's `export_images(images, folder, epoch, first_epoch)`.
            points: the marks that the check is worth.
        """

        def compute(running: Replay) -> torch.Tensor:
            return exported(function, running)

        return self.run_array(
            name,
            points,
            compute,
            describe_wrong_pixels,
            follows_from=_PICTURES,
        )


@dataclass(frozen=True)
class _Export:
    """One call of the student's function.

    Attributes:
        images: (n, 1, height, width), in [-1, 1].
        epoch: after which they are exported.
        first: the first epoch that counts.
    """

    images: torch.Tensor
    epoch: int
    first: int

    def names(self) -> list[str]:
        """Return the names of the files that are asked for."""
        if self.epoch < self.first:
            return []
        return [f"epoch_{self.epoch:03d}_image_{n:02d}.png" for n in range(1, len(self.images) + 1)]


def exported(function: Callable[..., Any], running: Replay) -> torch.Tensor:
    """Let a function export pictures after several epochs; return the pixels of all files, 0 to 255.

    It works in a folder of its own, so that files with a relative name are found too.

    Args:
        function: the student's `export_images(images, folder, epoch, first_epoch)`: images float of shape
            (n, 1, height, width) in [-1, 1]. It writes grey PNG files, `epoch_015_image_01.png` and so on,
            and nothing before `first_epoch`.
        running: the replay.

    Raises:
        CheckFailed: if the files are not those asked for.
    """
    require_callable(function)
    with tempfile.TemporaryDirectory() as temporary:
        outside = Path(temporary).resolve()
        folder = outside / "generated" / "yes"
        work = outside / "work"
        work.mkdir()
        calls: list[_Export] = []
        for turn in range(len(_SINCE_FIRST)):
            calls.append(_export(turn, running))
            with contextlib.chdir(work):
                call_student(function, calls[-1].images, str(folder), calls[-1].epoch, calls[-1].first)
            _require_files(outside, folder, calls)
        return torch.cat([_pixels(folder / name, call) for call in calls for name in call.names()])


def _export(turn: int, running: Replay) -> _Export:
    """Return what one call is made with: pictures of a size, a contrast and a number of their own."""
    first = int(randomness.integers(randomness.derive_key(running.seed, "first"), (1,), *_FIRST)[0])
    key = randomness.derive_key(running.seed, "exported", turn)
    height = int(randomness.integers(randomness.derive_key(key, "height"), (1,), 9, 18)[0])
    shape = (_COUNTS[turn], 1, height, height + _WIDER[turn])
    # No number lies near the middle between two bytes: float32 decides as float64 does.
    bytes_ = randomness.integers(key, shape, 20, 230) + 0.9 * (
        randomness.uniform(randomness.derive_key(key, "rest"), shape) - 0.5
    )
    # Only the last picture has both ends: elsewhere the least and the greatest number are no ends.
    if turn == len(_SINCE_FIRST) - 1:
        bytes_[0, 0, 0, :2] = 0.0, 255.0
    images = torch.from_numpy(bytes_ / 127.5 - 1.0)
    return _Export(images.to(running.device), first + _SINCE_FIRST[turn], first)


def _require_files(outside: Path, folder: Path, calls: list[_Export]) -> None:
    """Raise `CheckFailed` unless the files of all epochs until now are in their folder, and no others."""
    last = calls[-1]
    everything = [path for path in outside.rglob("*") if path.is_file()]
    seen = {path.name for path in everything if path.parent == folder}
    elsewhere = sorted(str(path.relative_to(outside)) for path in everything if path.parent != folder)
    expected = {name for call in calls for name in call.names()}
    if last.epoch < last.first and everything:
        raise CheckFailed("export_early", epoch=last.epoch, first=last.first)
    if last.epoch < last.first and folder.parent.exists():
        raise CheckFailed("export_early_folder", epoch=last.epoch, first=last.first)
    if elsewhere:
        raise CheckFailed("export_elsewhere", name=Path(elsewhere[0]).name)
    missing = sorted(expected - seen)
    if not seen and last.epoch == last.first:
        return  # the next call shows whether it begins late, or never
    if missing and not seen:
        raise CheckFailed("export_nothing", epoch=last.epoch, first=last.first)
    if missing and missing == calls[-2].names() and calls[-2].epoch == last.first:
        raise CheckFailed("export_late", epoch=last.epoch, first=last.first)
    if missing:
        # Files of earlier epochs say nothing about the names of this one.
        others = sorted(seen - {name for call in calls[:-1] for name in call.names()}) or sorted(seen)
        raise CheckFailed("export_missing", name=missing[0], seen=", ".join(others[:3]))
    if extra := sorted(seen - expected):
        raise CheckFailed("export_extra", name=extra[0])


def _pixels(path: Path, call: _Export) -> torch.Tensor:
    """Return the grey pixels of a file as a vector.

    Raises:
        CheckFailed: if it is no grey PNG picture, or of another size.
    """
    expected = tuple(call.images.shape[2:])
    try:
        with Image.open(path) as picture:
            kind, mode = str(picture.format), picture.mode
            grey = np.asarray(picture.convert("L"))
    except OSError as error:
        raise CheckFailed("export_unreadable", name=path.name) from error
    if kind != "PNG":
        raise CheckFailed("export_format", name=path.name, seen=kind)
    if mode != "L":
        raise CheckFailed("export_mode", name=path.name, seen=mode)
    if grey.shape != expected:
        raise CheckFailed("export_size", name=path.name, seen=grey.shape, expected=expected)
    return torch.from_numpy(grey.astype(np.float64)).reshape(-1)


def describe_wrong_pixels(pixels: torch.Tensor) -> Message:
    """Return the message for files with wrong pixels."""
    return Message("export_pixels", {"low": int(pixels.min()), "high": int(pixels.max())})


FAMILY = Family(ExportChecks)
