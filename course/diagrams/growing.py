"""A growing generator: the new block's output comes in little by little over the old one, enlarged."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from course.data.avatars import drawn_avatars
from course.diagrams.canvas import SMALL, Canvas
from course.diagrams.diagram import Diagram
from course.diagrams.palette import GENERATED, PLAIN
from course.diagrams.texts import Words

_OLD_SIDE, _NEW_SIDE = 8, 16
_ALPHAS = (0.0, 0.25, 0.5, 0.75, 1.0)
_UPPER, _LOWER = 2.95, 1.85
_MIDDLE = (_UPPER + _LOWER) / 2


def fade_in(language: str | None = None) -> Diagram:
    """Draw both ways to a picture of a growing generator, and their blend.

    Args:
        language: of the words; None: that of the notebook.
    """
    words = Words(language)
    canvas = Canvas(4.0, words("fade_title"))
    old, new = pictures()
    _before_the_fork(canvas, words)
    _way(canvas, _UPPER, [words("to_colour_old")], r"$\times\,(1 - \alpha)$", old)
    _way(canvas, _LOWER, [words("new_block"), words("to_colour_new")], r"$\times\,\alpha$", new)
    canvas.disc(7.75, _MIDDLE, "$+$")
    for row, side in ((_UPPER, 1), (_LOWER, -1)):
        canvas.arrow((7.45, row), (7.75, row), (7.75, _MIDDLE + side * 0.17))
    canvas.arrow((7.92, _MIDDLE), (8.2, _MIDDLE))
    canvas.text(8.5, _MIDDLE, words("picture"), size=SMALL)
    _strip(canvas, words, old, new)
    return Diagram(canvas.figure, words("fade_alt", old=_OLD_SIDE, new=_NEW_SIDE))


def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    """Return a face as the old way gives it, enlarged, and as the new one does: (3, 16, 16), from 0 to 1."""
    face = drawn_avatars(11).pixels[10:].float() / 255  # (1, 3, 64, 64)
    new = F.adaptive_avg_pool2d(face, _NEW_SIDE)
    old = F.interpolate(F.avg_pool2d(new, _NEW_SIDE // _OLD_SIDE), scale_factor=_NEW_SIDE // _OLD_SIDE)
    return old[0], new[0]


def blended(alpha: float, old: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
    """Return the blend of both pictures."""
    return torch.lerp(old, new, alpha)


def _before_the_fork(canvas: Canvas, words: Words) -> None:
    """Draw the map of the stage before, enlarged."""
    canvas.box(0.85, _MIDDLE, 1.1, 0.7, words("map_before", side=_OLD_SIDE), size=SMALL)
    canvas.arrow((1.4, _MIDDLE), (1.7, _MIDDLE))
    canvas.box(2.2, _MIDDLE, 1.0, 0.7, words("enlarge", side=_NEW_SIDE), size=SMALL)
    for row in (_UPPER, _LOWER):
        canvas.line((2.7, _MIDDLE), (2.95, _MIDDLE), (2.95, row), above=False)


def _way(canvas: Canvas, row: float, layers: list[str], weight: str, picture: torch.Tensor) -> None:
    """Draw one of the two ways, from the fork to its weight; both have their last layers in one place."""
    places = [4.9] if len(layers) == 1 else [3.6, 4.9]
    shade = PLAIN if len(layers) == 1 else GENERATED
    start = 2.95
    for place, width, layer in zip(places, (0.8, 1.2)[-len(layers) :], layers, strict=True):
        canvas.arrow((start, row), (place - width / 2, row))
        canvas.box(place, row, width, 0.6, layer, shade, size=SMALL)
        start = place + width / 2
    canvas.arrow((start, row), (5.72, row))
    canvas.picture(6.1, row, 0.76, picture)
    canvas.arrow((6.48, row), (6.7, row))
    canvas.box(7.08, row, 0.75, 0.4, weight, PLAIN)


def _strip(canvas: Canvas, words: Words, old: torch.Tensor, new: torch.Tensor) -> None:
    """Draw the blend for some values of alpha."""
    canvas.text(0.3, 0.78, words("blends"), size=SMALL, ha="left")
    for number, alpha in enumerate(_ALPHAS):
        x = 3.0 + 1.3 * number
        canvas.picture(x, 0.8, 0.86, blended(alpha, old, new))
        canvas.text(x, 0.19, rf"$\alpha = {alpha:g}$", size=SMALL)
