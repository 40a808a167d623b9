"""Pictures that a student's function writes as files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
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

COUNT, SIZE = 5, 16
FIRST_EPOCH = 15
# One epoch too early, the first one that counts, and later ones.
EPOCHS = (FIRST_EPOCH - 1, FIRST_EPOCH, 20, 107)


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


def exported(function: Callable[..., Any], running: Replay) -> torch.Tensor:
    """Let a function export pictures after several epochs; return the pixels of all files, 0 to 255.

    Args:
        function: the student's `export_images(images, folder, epoch, first_epoch)`: images float of shape
            (n, 1, size, size) in [-1, 1]. It writes `epoch_015_image_01.png` and so on, and nothing
            before `first_epoch`.
        running: the replay.

    Raises:
        CheckFailed: if the files are not those asked for.
    """
    require_callable(function)
    with tempfile.TemporaryDirectory() as outside:
        folder = Path(outside) / "generated" / "yes"
        for epoch in EPOCHS:
            key = randomness.derive_key(running.seed, "exported", epoch)
            pixels = torch.from_numpy(randomness.integers(key, (COUNT, 1, SIZE, SIZE), 0, 256))
            images = (pixels.double() / 127.5 - 1.0).to(running.device)
            call_student(function, images, str(folder), epoch, FIRST_EPOCH)
            _require_files(folder, epoch)
        return torch.cat([_pixels(path) for path in sorted(folder.iterdir())])


def _require_files(folder: Path, epoch: int) -> None:
    """Raise `CheckFailed` unless the folder holds the files of all epochs until now, and no others."""
    seen = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    expected = {
        f"epoch_{earlier:03d}_image_{number:02d}.png"
        for earlier in EPOCHS
        if FIRST_EPOCH <= earlier <= epoch
        for number in range(1, COUNT + 1)
    }
    if epoch < FIRST_EPOCH and seen:
        raise CheckFailed("export_early", epoch=epoch, first=FIRST_EPOCH)
    if missing := sorted(expected - seen):
        raise CheckFailed("export_missing", name=missing[0], seen=", ".join(sorted(seen)[:3]) or "—")
    if extra := sorted(seen - expected):
        raise CheckFailed("export_extra", name=extra[0])


def _pixels(path: Path) -> torch.Tensor:
    """Return the grey pixels of a file as a vector.

    Raises:
        CheckFailed: if it is no picture, or of another size.
    """
    try:
        with Image.open(path) as picture:
            grey = np.asarray(picture.convert("L"))
    except OSError as error:
        raise CheckFailed("export_unreadable", name=path.name) from error
    if grey.shape != (SIZE, SIZE):
        raise CheckFailed("export_size", name=path.name, seen=grey.shape, expected=(SIZE, SIZE))
    return torch.from_numpy(grey.astype(np.float64)).reshape(-1)


def describe_wrong_pixels(pixels: torch.Tensor) -> Message:
    """Return the message for files with wrong pixels."""
    return Message("export_pixels", {"low": int(pixels.min()), "high": int(pixels.max())})


FAMILY = Family(ExportChecks)
