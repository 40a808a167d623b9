"""A weight-scaled convolution: weights of deviation 1 are kept, and scaled whenever they are used."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from course.diagrams.canvas import SMALL, Canvas
from course.diagrams.diagram import Diagram
from course.diagrams.palette import GENERATED, JUDGE, MUTED, PLAIN, Shade
from course.diagrams.texts import Words

GAIN, KERNEL = 2, 3
# Channels that go into each of the two layers shown.
CHANNELS = (3, 16)
_STORED, _SCALE, _USED, _OUTPUT = 2.3, 4.1, 5.9, 7.85
_HEADINGS = {
    "equalised_stored": r"$W \sim \mathcal{N}(0, 1)$",
    "equalised_scale": r"$c = \sqrt{g\,/\,(n_\mathrm{in}\,k^2)}$",
    "equalised_used": r"$c\,W$",
    "equalised_output": r"$(c\,W) \ast x$",
}
_REACH = 3


@dataclass(frozen=True)
class Layer:
    """A layer with random weights, and what comes out of it for random pictures.

    Attributes:
        stored: its weights, as the optimiser moves them.
        scale: what they are multiplied by.
        output: deviation of the output.
        unscaled: deviation of the output if they were not scaled.
    """

    stored: torch.Tensor
    scale: float
    output: float
    unscaled: float


def layer(channels: int) -> Layer:
    """Return a layer that so many channels go into, and that 256 come out of."""
    chance = torch.Generator().manual_seed(0)
    stored = torch.randn(256, channels, KERNEL, KERNEL, generator=chance)
    pictures = torch.randn(16, channels, 12, 12, generator=chance)
    scale = math.sqrt(GAIN / (channels * KERNEL**2))
    output, unscaled = (F.conv2d(pictures, w).std().item() for w in (scale * stored, stored))
    return Layer(stored, scale, output, unscaled)


def equalised_convolution(language: str | None = None) -> Diagram:
    """Draw stored weights, their scale and what is used, of a narrow layer and of a wide one.

    Args:
        language: of the words; None: that of the notebook.
    """
    words = Words(language)
    canvas = Canvas(3.75, words("equalised_title"))
    for x, (heading, formula) in zip((_STORED, _SCALE, _USED, _OUTPUT), _HEADINGS.items(), strict=True):
        canvas.text(x, 3.2, words(heading), size=SMALL)
        canvas.text(x, 2.9, formula, size=SMALL)
    layers = [layer(channels) for channels in CHANNELS]
    for row, channels, each in zip((1.83, 0.67), CHANNELS, layers, strict=True):
        _row(canvas, words, row, channels, each)
    canvas.text(_STORED, 0.25, words("equalised_moved"), size=SMALL, colour=JUDGE.line)
    canvas.text(_USED, 0.25, words("equalised_step"), size=SMALL, colour=GENERATED.line)
    details = {
        f"{name}_{number}": getattr(each, name)
        for number, each in enumerate(layers, start=1)
        for name in ("scale", "output", "unscaled")
    }
    return Diagram(canvas.figure, words("equalised_alt", **details))


def _row(canvas: Canvas, words: Words, foot: float, channels: int, shown: Layer) -> None:
    """Draw one layer, from its weights to the deviation of its output."""
    middle = foot + 0.35
    canvas.text(0.3, middle + 0.13, rf"$n_\mathrm{{in}} = {channels}$", size=SMALL, ha="left")
    canvas.text(0.3, middle - 0.13, f"$k = {KERNEL}, g = {GAIN}$", size=SMALL, ha="left")
    _histogram(canvas, _STORED, foot, shown.stored, JUDGE)
    canvas.arrow((_STORED + 0.75, middle), (_SCALE - 0.62, middle))
    canvas.box(_SCALE, middle, 1.2, 0.62, rf"$c = {shown.scale:.3f}$", PLAIN)
    canvas.arrow((_SCALE + 0.62, middle), (_USED - 0.75, middle))
    _histogram(canvas, _USED, foot, shown.scale * shown.stored, GENERATED)
    canvas.arrow((_USED + 0.75, middle), (_OUTPUT - 0.8, middle))
    canvas.text(_OUTPUT, middle + 0.13, f"{shown.output:.2f}", weight="bold", gid="output")
    canvas.text(
        _OUTPUT,
        middle - 0.15,
        words("equalised_unscaled", deviation=shown.unscaled),
        size=SMALL,
        colour=MUTED,
    )


def _histogram(canvas: Canvas, x: float, foot: float, weights: torch.Tensor, shade: Shade) -> None:
    """Draw how often which weight occurs, from -3 to 3."""
    counts = torch.histc(weights, bins=96, min=-_REACH, max=_REACH)
    canvas.bars(x, foot, 1.4, 0.75, (counts / counts.max()).tolist(), shade)
    for place in (-_REACH, 0, _REACH):
        canvas.text(x + 0.7 * place / _REACH, foot - 0.13, f"${place}$", size=SMALL)
