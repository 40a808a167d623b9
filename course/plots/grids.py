"""Figures of pictures in rows and columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from torchvision.utils import make_grid

from course.texts import error

_DPI = 100
_GAP = 2  # between pictures of a grid, in their pixels


def image_grid(
    images: torch.Tensor,
    *,
    title: str,
    columns: int = 8,
    rows: Sequence[str] = (),
    above: Sequence[str] = (),
    side: int = 64,
    captions: Sequence[str] = (),
) -> Figure:
    """Draw pictures in rows, each of their pixels as a square of whole size: nothing is blurred.

    Args:
        images: shape (n, 1, height, width) or (n, 3, height, width), in [-1, 1]; or uint8 of shape
            (n, height, width), from 0 to 255.
        title: of the figure.
        columns: pictures of a row.
        rows: what to write beside each row, from the top.
        above: what to write above each column, from the left.
        side: how large a picture is shown, about, in pixels of the screen.
        captions: what to write into the lower left corner of each picture, from the first; empty: nothing.

    Raises:
        ValueError: if there are names of rows, but not one for each.
    """
    count = math.ceil(len(images) / columns)
    if rows and len(rows) != count:
        raise error(ValueError, "row_names", names=len(rows), rows=count)
    scale = max(1, round(side / images.shape[-1]))
    grid = tiled(images, columns)
    figure = grid_figure(grid, title, scale, rows=rows, room=9 * len(title), above=above)
    height, width = (length + _GAP for length in images.shape[-2:])
    for place, caption in enumerate(captions):
        row, column = divmod(place, columns)
        left, bottom = 2 * _GAP + column * width, (row + 1) * height
        said: dict[str, Any] = {"color": "white", "ha": "left", "va": "bottom", "fontsize": 8}
        figure.axes[0].text(left, bottom, caption, **said)
    return figure


def grid_figure(
    grid: np.ndarray,
    title: str,
    scale: int,
    *,
    rows: Sequence[str] = (),
    room: int = 0,
    above: Sequence[str] = (),
) -> Figure:
    """Return a figure of a grid of pictures whose pixels are squares of `scale` pixels of the screen.

    Args:
        grid: shape (height, width, 3), in [0, 1].
        title: of the figure.
        scale: how many pixels of the screen a pixel is wide.
        rows: what to write beside each row of pictures.
        room: for the title, in pixels.
        above: what to write above each column of pictures.
    """
    height, width = (scale * size for size in grid.shape[:2])
    left = 8 * max(map(len, rows), default=0) + 4  # for names of rows, in pixels
    top = 46 if above else 30  # for the title and names of columns
    whole = (max(left + width, room), height + top)
    figure = plt.figure(figsize=(whole[0] / _DPI, whole[1] / _DPI), dpi=_DPI)
    axes = figure.add_axes((left / whole[0], 0.0, width / whole[0], height / whole[1]))
    axes.imshow(grid, cmap="gray", vmin=0.0, vmax=1.0, interpolation="nearest", aspect="auto")
    axes.set_title(title, loc="left", fontsize=11, pad=18 if above else None)
    axes.axis("off")
    for number, name in enumerate(above):
        column = (number + 0.5) / len(above)
        axes.text(
            column, 1 + 2 / height, name, transform=axes.transAxes, ha="center", va="bottom", fontsize=9
        )
    for number, name in enumerate(rows):
        place = (number + 0.5) / len(rows)
        axes.text(-4 / width, 1 - place, name, transform=axes.transAxes, ha="right", va="center", fontsize=9)
    plt.close(figure)
    return figure


def tiled(images: torch.Tensor, columns: int) -> np.ndarray:
    """Return pictures side by side, as one picture of shape (height, width, 3), in [0, 1]."""
    shown = images.detach().cpu().float()
    shown = shown.unsqueeze(1) / 255 if images.dtype == torch.uint8 else shown.clamp(-1, 1) * 0.5 + 0.5
    grid = make_grid(shown, nrow=columns, padding=_GAP, pad_value=1.0)
    picture: np.ndarray = grid.permute(1, 2, 0).numpy()
    return picture
