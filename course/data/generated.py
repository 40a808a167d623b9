"""Generated brain images: those that a WGAN-GP of lab 4 exported, or a set that comes with the course."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from course.data.brains import CLASSES, Brains, read_grey
from course.texts import error, localized

# The set of the course: one strip per class, pictures of 32 x 32 pixels below each other. `course build`
# makes it with lab 4's solution and nothing but the training part of the phantoms.
STRIPS = Path(__file__).parent
SIZE = 32


def strip_path(name: str) -> Path:
    """Return the path of the course's own generated pictures of a class."""
    return STRIPS / f"generated_{name}.png"


def load_generated(
    like: Brains,
    folder: str | Path = "generated",
    *,
    besides: Brains | None = None,
    report: Callable[[str], None] = print,
) -> Brains:
    """Return generated pictures, as many of each class as there are real ones.

    Args:
        like: the real pictures.
        folder: holds `no/` and `yes/` with the PNG files that lab 4's `export_images` wrote; of a class
            that has no folder there, the set of the course is used, which imitates the phantoms.
        besides: what this function returned before: other pictures than those are returned.
        report: called with one line that says which pictures these are.

    Returns:
        The pictures in the classes' order; of a folder the last ones by name, those of the latest epochs,
        and `besides` those the ones before them.

    Raises:
        FileNotFoundError: if a folder holds too few, or there are none of a class that imitate these real
            pictures.
        ValueError: if the real pictures are of another size than the set of the course.
    """
    size = like.pixels.shape[-1]
    used = (0,) * len(CLASSES) if besides is None else besides.counts
    wanted = list(zip(CLASSES, like.counts, used, strict=True))
    folder = Path(folder)
    exported = [name for name in CLASSES if (folder / name).is_dir()]
    parts = [
        _exported(folder / name, count, skip, size)
        if name in exported
        else _from_strip(name, count, skip, like)
        for name, count, skip in wanted
    ]
    labels = torch.repeat_interleave(torch.arange(len(CLASSES)), torch.tensor(like.counts))
    generated = Brains(torch.cat(parts), labels, "generated")
    report(generated.described(_sources(folder, exported)))
    return generated


def _sources(folder: Path, exported: list[str]) -> str:
    """Return where generated pictures come from, if these classes were exported to a folder."""
    if not exported:
        return localized("generated_course")
    if len(exported) == len(CLASSES):
        return localized("generated_folder", folder=folder)
    (other,) = set(CLASSES) - set(exported)
    return localized("generated_both", folder=folder, name=exported[0], other=other)


def _exported(folder: Path, count: int, skip: int, size: int) -> torch.Tensor:
    """Return the last pictures of a folder but a few, uint8 of shape (count, size, size)."""
    files = sorted(folder.glob("*.png"))
    if len(files) < count + skip:
        raise error(
            FileNotFoundError,
            "too_few_generated",
            folder=folder,
            parent=folder.parent,
            name=folder.name,
            count=len(files),
            needed=count + skip,
        )
    last = len(files) - skip
    pixels = np.zeros((count, size, size), np.uint8)
    for row, path in enumerate(files[last - count : last]):
        pixels[row] = read_grey(path, size)
    return torch.from_numpy(pixels)


def _from_strip(name: str, count: int, skip: int, like: Brains) -> torch.Tensor:
    """Return pictures of the course's own set after a few, uint8 of shape (count, size, size)."""
    if like.name != "phantoms":
        raise error(FileNotFoundError, "no_generated")
    if like.pixels.shape[-1] != SIZE:
        raise error(ValueError, "generated_size", size=SIZE)
    with Image.open(strip_path(name)) as picture:
        pixels = np.array(picture).reshape(-1, SIZE, SIZE)
    if len(pixels) < count + skip:
        raise error(FileNotFoundError, "generated_count", count=len(pixels), name=name, needed=count + skip)
    return torch.from_numpy(pixels[skip : skip + count])


def write_strip(pictures: list[Path], target: Path) -> None:
    """Join pictures of SIZE x SIZE pixels into a strip, in the order given."""
    pixels = np.concatenate([read_grey(path, SIZE) for path in pictures])
    target.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(target, optimize=True)
