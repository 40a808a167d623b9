"""Generated brain images: those that a WGAN-GP of lab 4 exported, or a set that comes with the course."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from course.data.brains import CLASSES, Brains, read_grey

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
        folder: holds `no/` and `yes/` with the PNG files that lab 4's `export_images` wrote; where there is
            neither, the set of the course is used, which imitates the phantoms.
        besides: what this function returned before: other pictures than those are returned.
        report: called with one line that says which pictures these are.

    Returns:
        The pictures in the classes' order; of a folder the last ones by name, those of the latest epochs,
        and `besides` those the ones before them.

    Raises:
        FileNotFoundError: if there are too few of a class, or none that imitate these real pictures.
        ValueError: if the real pictures are of another size than the set of the course.
    """
    size = like.pixels.shape[-1]
    used = (0,) * len(CLASSES) if besides is None else besides.counts
    wanted = list(zip(CLASSES, like.counts, used, strict=True))
    folder = Path(folder)
    if any((folder / name).is_dir() for name in CLASSES):
        parts = [_exported(folder / name, count, skip, size) for name, count, skip in wanted]
        name = f"pictures in {folder}/"
    else:
        parts = [_from_strip(name, count, skip, like) for name, count, skip in wanted]
        name = "pictures that a WGAN-GP made for this course"
    labels = torch.repeat_interleave(torch.arange(len(CLASSES)), torch.tensor(like.counts))
    report(f"{name}: {', '.join(f'{c} {n}' for n, c in zip(CLASSES, like.counts, strict=True))}")
    return Brains(torch.cat(parts), labels, name)


def _exported(folder: Path, count: int, skip: int, size: int) -> torch.Tensor:
    """Return the last pictures of a folder but a few, uint8 of shape (count, size, size)."""
    files = sorted(folder.glob("*.png"))
    if len(files) < count + skip:
        raise FileNotFoundError(
            f"{folder}/ holds {len(files)} PNG files and {count + skip} are needed: run lab 4 with "
            f'CLASS = "{folder.name}" to its end, or move {folder.parent}/ away to use the set of the course'
        )
    last = len(files) - skip
    pixels = np.zeros((count, size, size), np.uint8)
    for row, path in enumerate(files[last - count : last]):
        pixels[row] = read_grey(path, size)
    return torch.from_numpy(pixels)


def _from_strip(name: str, count: int, skip: int, like: Brains) -> torch.Tensor:
    """Return pictures of the course's own set after a few, uint8 of shape (count, size, size)."""
    if not like.name.endswith("phantoms"):
        raise FileNotFoundError(
            f"no generated pictures: the set of the course imitates drawn phantoms, not {like.name}. Run lab "
            '4 with these pictures, once with CLASS = "no" and once with CLASS = "yes", in the folder of '
            "this notebook"
        )
    if like.pixels.shape[-1] != SIZE:
        raise ValueError(f"the generated set of the course has {SIZE}x{SIZE} pixels: load the brains so too")
    with Image.open(strip_path(name)) as picture:
        pixels = np.array(picture).reshape(-1, SIZE, SIZE)
    if len(pixels) < count + skip:
        raise FileNotFoundError(
            f"the set of the course has {len(pixels)} of class {name}, not {count + skip}"
        )
    return torch.from_numpy(pixels[skip : skip + count])


def write_strip(pictures: list[Path], target: Path) -> None:
    """Join pictures of SIZE x SIZE pixels into a strip, in the order given."""
    pixels = np.concatenate([read_grey(path, SIZE) for path in pictures])
    target.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(target, optimize=True)
