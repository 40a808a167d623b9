"""Faces in colour: drawn avatars, or the pictures of any folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from course.data.drawing import Draws, grid, radius, reduced, smooth_step, to_bytes
from course.data.pixels import as_images
from course.texts import error, localized

SIZE = 64
_FINER = 4
_EDGE = 0.012
_SKINS = ((0.99, 0.86, 0.76), (0.93, 0.76, 0.61), (0.78, 0.58, 0.43), (0.55, 0.38, 0.27), (0.36, 0.24, 0.17))
_HAIRS = (
    (0.10, 0.08, 0.07), (0.30, 0.18, 0.10), (0.55, 0.33, 0.16), (0.86, 0.70, 0.36), (0.66, 0.25, 0.12),
    (0.62, 0.62, 0.64),
)  # fmt: skip
_BACKGROUNDS = (
    (0.75, 0.88, 0.98),
    (0.99, 0.86, 0.80),
    (0.84, 0.95, 0.82),
    (0.93, 0.86, 0.98),
    (0.99, 0.95, 0.78),
)
_SHIRTS = ((0.20, 0.35, 0.62), (0.70, 0.22, 0.25), (0.22, 0.50, 0.36), (0.42, 0.30, 0.55), (0.25, 0.25, 0.28))


@dataclass(frozen=True)
class Faces:
    """Square pictures in colour.

    Attributes:
        pixels: uint8 of shape (n, 3, size, size), 0 to 255.
        name: "avatars", or that of the folder they come from.
        skipped: names of files that could not be read.
    """

    pixels: torch.Tensor
    name: str
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def images(self) -> torch.Tensor:
        """Return the pictures as networks expect them: float32 of shape (n, 3, size, size), in [-1, 1]."""
        return as_images(self.pixels)


def drawn_avatars(count: int = 1000, *, seed: int = 0) -> Faces:
    """Draw faces of 64 x 64 pixels, the same to the bit on every machine.

    Args:
        count: how many.
        seed: another one gives other faces; face k depends on seed and k alone.

    Raises:
        ValueError: for a negative count.
    """
    if count < 0:
        raise error(ValueError, "negative_count", count=count)
    faces = [_avatar(Draws("avatar", seed, number)) for number in range(count)]
    stacked = np.stack(faces) if faces else np.zeros((0, SIZE, SIZE, 3), np.uint8)
    return Faces(torch.from_numpy(stacked).permute(0, 3, 1, 2).contiguous(), "avatars")


class _Canvas:
    """A picture that shapes are painted onto, with soft edges."""

    def __init__(self, background: tuple[float, ...]) -> None:
        self.x, self.y = grid(_FINER * SIZE)
        self.picture = np.ones((*self.x.shape, 3)) * np.array(background)

    def paint(self, colour: np.ndarray, cover: np.ndarray) -> None:
        """Paint a colour where `cover` is 1; only the box that holds the shape is computed."""
        rows, columns = np.flatnonzero(cover.any(axis=1)), np.flatnonzero(cover.any(axis=0))
        if len(rows):
            box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            share = cover[box][..., None]
            self.picture[box] = self.picture[box] * (1.0 - share) + colour * share

    def ellipse(self, x: float, y: float, a: float, b: float) -> np.ndarray:
        """Return the cover of an ellipse: 0 outside the box around it and its edge."""
        edge = _EDGE / min(a, b)
        rows = np.flatnonzero(np.abs(self.y[:, 0] - y) <= (1.0 + 2.0 * edge) * b)
        columns = np.flatnonzero(np.abs(self.x[0] - x) <= (1.0 + 2.0 * edge) * a)
        box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        distance = radius(self.x[box] - x, self.y[box] - y, a, b)
        cover = np.zeros(self.x.shape)
        cover[box] = 1.0 - smooth_step(distance, 1.0 - edge, 1.0 + edge)
        return cover

    def above(self, y: float) -> np.ndarray:
        """Return the cover of what lies above a height."""
        return 1.0 - smooth_step(self.y, y - _EDGE, y + _EDGE)


def _avatar(draws: Draws) -> np.ndarray:
    """Draw one face, uint8 of shape (64, 64, 3)."""
    canvas = _Canvas(_BACKGROUNDS[draws.integer(len(_BACKGROUNDS))])
    skin = np.array(_SKINS[draws.integer(len(_SKINS))])
    hair = np.array(_HAIRS[draws.integer(len(_HAIRS))]) * draws.number(0.85, 1.1)
    shirt = np.array(_SHIRTS[draws.integer(len(_SHIRTS))])
    a, b = draws.number(0.40, 0.47), draws.number(0.52, 0.60)
    length = (0.0, 0.30, 0.75)[draws.integer(3)]
    if length:
        back = canvas.ellipse(0.0, -0.10 + length / 2, a + 0.15, b + length / 2 + 0.05)
        canvas.paint(hair, back * canvas.above(0.15 + length))
    canvas.paint(shirt, canvas.ellipse(0.0, 1.12, 0.80, 0.42))
    canvas.paint(0.92 * skin, canvas.ellipse(0.0, 0.62, 0.17, 0.30))
    canvas.paint(hair, canvas.ellipse(0.0, -0.14, a + 0.07, b + 0.04) * canvas.above(0.0))
    for side in (-1.0, 1.0):
        canvas.paint(0.94 * skin, canvas.ellipse(side * a, 0.02, 0.08, 0.11))
    canvas.paint(skin, canvas.ellipse(0.0, 0.0, a, b))
    _paint_hair(canvas, draws, hair, a, b)
    _paint_features(canvas, draws, skin, hair)
    return to_bytes(reduced(canvas.picture, _FINER))


def _paint_hair(canvas: _Canvas, draws: Draws, hair: np.ndarray, a: float, b: float) -> None:
    """Paint what lies over the forehead: a straight fringe, one to the side, or none."""
    head = canvas.ellipse(0.0, -0.02, a + 0.02, b + 0.02)
    height, slope = -draws.number(0.28, 0.36), draws.number(0.35, 0.70)
    # Straight, falling to either side, or combed back.
    heights = (height, height + slope * canvas.x, height - slope * canvas.x, -0.44)
    fringe = canvas.y - heights[draws.integer(4)]
    canvas.paint(hair, head * (1.0 - smooth_step(fringe, -_EDGE, _EDGE)))


def _paint_features(canvas: _Canvas, draws: Draws, skin: np.ndarray, hair: np.ndarray) -> None:
    """Paint eyes, brows, nose, mouth, and perhaps glasses."""
    dark, white = np.array((0.12, 0.10, 0.12)), np.array((0.99, 0.99, 0.99))
    gap, open_ = draws.number(0.16, 0.20), draws.number(0.75, 1.1)
    for side in (-1.0, 1.0):
        canvas.paint(white, canvas.ellipse(side * gap, -0.06, 0.085, 0.058 * open_))
        canvas.paint(dark, canvas.ellipse(side * gap, -0.06, 0.042, 0.048 * open_))
        canvas.paint(0.7 * hair, canvas.ellipse(side * gap, -0.185, 0.10, 0.024))
    canvas.paint(0.86 * skin, canvas.ellipse(0.0, 0.09, 0.045, 0.075))
    width, smile = draws.number(0.11, 0.18), draws.number(0.02, 0.06)
    mouth = canvas.ellipse(0.0, 0.29, width, 0.055)
    canvas.paint(np.array((0.72, 0.28, 0.28)), mouth * (1.0 - canvas.above(0.29 - smile)))
    if draws.number() < 0.3:
        for side in (-1.0, 1.0):
            rim = canvas.ellipse(side * gap, -0.06, 0.155, 0.135) - canvas.ellipse(
                side * gap, -0.06, 0.125, 0.105
            )
            canvas.paint(dark, np.clip(rim, 0.0, 1.0))
        canvas.paint(dark, canvas.ellipse(0.0, -0.07, max(gap - 0.13, 0.03), 0.016))


def load_faces(
    folder: str | Path | None = None, *, count: int = 1000, report: Callable[[str], None] = print
) -> Faces:
    """Return pictures of faces: those of a folder, or drawn ones.

    Args:
        folder: with pictures of any kind and size; None: drawn avatars.
        count: how many at most.
        report: called with one line that says which pictures these are.

    Raises:
        FileNotFoundError: if the folder holds no picture that can be read.
    """
    faces = drawn_avatars(count) if folder is None else _read(Path(folder).expanduser(), count)
    name = localized("avatars") if folder is None else localized("faces_folder", folder=faces.name)
    line = localized("faces", name=name, count=len(faces), size=SIZE)
    if faces.skipped:
        line += localized("skipped", count=len(faces.skipped), names=", ".join(faces.skipped))
    report(line)
    return faces


def _read(folder: Path, count: int) -> Faces:
    """Read the pictures of a folder and those below it; what cannot be read is skipped and named."""
    pixels: list[np.ndarray] = []
    skipped = []
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name[0] != ".")
    for path in paths:
        if len(pixels) == count:
            break
        try:
            with Image.open(path) as picture:
                colour = picture.convert("RGB")
        except Exception as cause:  # Pillow raises whatever a damaged file leads it to
            skipped.append(f"{path.relative_to(folder)} ({type(cause).__name__})")
            continue
        pixels.append(np.asarray(ImageOps.fit(colour, (SIZE, SIZE), Image.Resampling.BOX)))
    if not pixels:
        raise error(FileNotFoundError, "no_faces", folder=folder, count=len(paths))
    stacked = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous()
    return Faces(stacked, folder.name, tuple(skipped))
