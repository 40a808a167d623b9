"""A convolution and a transposed one: the numbers of a small example, and the size of its output."""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F

from course.diagrams.canvas import LARGE, SMALL, Canvas, Cells
from course.diagrams.diagram import Diagram
from course.diagrams.grid import Grid
from course.diagrams.palette import GENERATED, GRADIENT, JUDGE, MUTED, PAPER, PLAIN, REAL, Shade
from course.diagrams.texts import Words

STRIDE, PADDING = 2, 1
# Of a side for which the kernel does not fit as a whole at the end: what is left over there does not count.
_PICTURE = torch.tensor(
    [
        [1, 2, 0, 1, 3, 1],
        [0, 1, 4, 2, 0, 2],
        [2, 0, 1, 3, 1, 0],
        [1, 3, 0, 2, 2, 1],
        [0, 1, 2, 0, 1, 3],
        [2, 0, 1, 1, 0, 2],
    ],
    dtype=torch.float32,
)
_MAP = torch.tensor([[3, 1], [2, 4]], dtype=torch.float32)
_KERNEL = torch.tensor([[1, 0, 1], [2, 1, 3], [0, 1, 0]], dtype=torch.float32)
# Two places of the kernel, beside each other, and the colours of their frames and outputs.
_FIRST, _SECOND = JUDGE, GRADIENT
_BLANK = Shade("#b6bec7", PAPER)
# Height of the middle of what stands in a row.
_ROW = 2.15


def strided_convolution(language: str | None = None) -> Diagram:
    """Draw a convolution with stride and padding.

    Args:
        language: of the words; None: that of the notebook.
    """
    words = Words(language)
    canvas = Canvas(3.7, words("convolution_title"))
    size, kernel = len(_PICTURE), len(_KERNEL)
    padded = F.pad(_PICTURE, [PADDING] * 4)
    output = F.conv2d(_PICTURE[None, None], _KERNEL[None, None], stride=STRIDE, padding=PADDING)[0, 0]
    grid = canvas.numbers(1.55, 1.75, padded, "padded", side=0.34, shade=partial(_inside, PADDING, size))
    canvas.text(grid.x, grid.bottom - 0.18, words("padded", padding=PADDING), size=SMALL)
    _two_places(canvas, grid)
    canvas.text(3.1, _ROW, r"$\ast$", size=18)
    _titled(canvas, 3.85, _KERNEL, "kernel", words, lambda row, column: GENERATED)
    canvas.text(4.6, _ROW, "$=$", size=18)
    _titled(canvas, 5.45, output, "output", words, _coloured)
    _symbols(canvas, words, 6.6, size)
    below = padded[:kernel, STRIDE : STRIDE + kernel]
    _sum(canvas, words("framed"), (3.1, 4.75, 1.08), below, _KERNEL, output[0, 1])
    filled = rf"\left\lfloor \frac{{{size} + 2 \cdot {PADDING} - {kernel}}}{{{STRIDE}}} \right\rfloor + 1"
    formula = rf"$\left\lfloor \frac{{n + 2p - k}}{{s}} \right\rfloor + 1 = {filled} = {len(output)}$"
    canvas.text(3.1, 0.45, words("side"), size=SMALL, ha="left")
    canvas.text(4.75, 0.45, formula, size=LARGE, ha="left", gid="size")
    return Diagram(canvas.figure, words("convolution_alt", **_details(size, len(output))))


def transposed_convolution(language: str | None = None) -> Diagram:
    """Draw a transposed convolution with stride and padding.

    Args:
        language: of the words; None: that of the notebook.
    """
    words = Words(language)
    canvas = Canvas(3.7, words("transposed_title"))
    size, kernel = len(_MAP), len(_KERNEL)
    painted = F.conv_transpose2d(_MAP[None, None], _KERNEL[None, None], stride=STRIDE)[0, 0]
    output = F.conv_transpose2d(_MAP[None, None], _KERNEL[None, None], stride=STRIDE, padding=PADDING)[0, 0]
    _titled(canvas, 0.68, _MAP, "input", words, _coloured)
    canvas.text(1.24, _ROW, r"$\times$", size=18)
    _titled(canvas, 1.95, _KERNEL, "kernel", words, lambda row, column: GENERATED)
    canvas.arrow((2.56, _ROW), (2.94, _ROW))
    _painted_sheet(canvas, words, painted, len(output))
    canvas.arrow((4.98, _ROW), (5.43, _ROW))
    result = _titled(canvas, 6.1, output, "output", words, lambda row, column: REAL)
    canvas.ring(*result.middle(1 - PADDING, STRIDE - PADDING), _SECOND.line)
    canvas.text(6.1, 1.34, words("cut", padding=PADDING), size=SMALL, colour=MUTED)
    _symbols(canvas, words, 7.0, size)
    overlapping = torch.stack([_KERNEL[1, STRIDE], _KERNEL[1, 0]])
    _sum(canvas, words("circled"), (0.3, 1.65, 0.8), _MAP[0], overlapping, painted[1, STRIDE])
    filled = rf"({size} - 1) \cdot {STRIDE} - 2 \cdot {PADDING} + {kernel} = {len(output)}"
    canvas.text(0.3, 0.37, words("side"), size=SMALL, ha="left")
    canvas.text(1.65, 0.37, rf"$(n - 1)\,s - 2p + k = {filled}$", ha="left", gid="size")
    return Diagram(canvas.figure, words("transposed_alt", **_details(size, len(output))))


# --- what both have -------------------------------------------------------------------------------------


def _titled(canvas: Canvas, x: float, values: torch.Tensor, name: str, words: Words, shade: Cells) -> Grid:
    """Draw a matrix below its name."""
    grid = canvas.numbers(x, _ROW, values, name, side=0.36, shade=shade)
    canvas.text(x, grid.top + 0.2, words(name), size=SMALL)
    return grid


def _details(size: int, output: int) -> dict[str, int]:
    """Return the numbers that are said in words."""
    return {"size": size, "kernel": len(_KERNEL), "stride": STRIDE, "padding": PADDING, "output": output}


def _inside(margin: int, size: int, row: int, column: int) -> Shade:
    """Return the colour of a cell: another one for those of the margin."""
    inside = margin <= row < margin + size and margin <= column < margin + size
    return REAL if inside else _BLANK


def _coloured(row: int, column: int) -> Shade:
    """Return the colour of a cell: those that belong to the two places of the kernel have theirs."""
    return {(0, 0): _FIRST, (0, 1): _SECOND}.get((row, column), PLAIN)


def _two_places(canvas: Canvas, grid: Grid) -> None:
    """Draw the kernel in two places, and how far apart they are."""
    canvas.window(grid, 0, 0, len(_KERNEL), _FIRST.line, dashed=True)
    canvas.window(grid, 0, STRIDE, len(_KERNEL), _SECOND.line)
    above = grid.top + 0.1
    canvas.arrow((grid.middle(0, 1)[0], above), (grid.middle(0, 1 + STRIDE)[0], above))
    canvas.text(grid.middle(0, 4)[0], above + 0.02, f"$s = {STRIDE}$", ha="left", size=SMALL)


def _painted_sheet(canvas: Canvas, words: Words, painted: torch.Tensor, kept: int) -> None:
    """Draw what all numbers of the input paint together, with a ring around one that two of them make."""
    shade = partial(_inside, PADDING, kept)
    grid = canvas.numbers(3.95, 1.95, painted, "painted", side=0.38, shade=shade)
    _two_places(canvas, grid)
    canvas.ring(*grid.middle(1, STRIDE), _SECOND.line)
    canvas.text(grid.x, grid.bottom - 0.18, words("painted"), size=SMALL)


def _symbols(canvas: Canvas, words: Words, x: float, size: int) -> None:
    """Write what each letter of the formula is."""
    values = {"n": size, "k": len(_KERNEL), "s": STRIDE, "p": PADDING}
    for number, (letter, value) in enumerate(values.items()):
        row = _ROW + 0.4 - 0.27 * number
        canvas.text(x, row, f"${letter} = {value}$", ha="left", size=SMALL)
        canvas.text(x + 0.5, row, words(f"letter_{letter}"), size=SMALL, ha="left", colour=MUTED)


def _sum(
    canvas: Canvas,
    what: str,
    places: tuple[float, float, float],
    values: torch.Tensor,
    weights: torch.Tensor,
    total: torch.Tensor,
) -> None:
    """Write how one number of the output comes about; products with a weight of zero are left out.

    Args:
        canvas: to write on.
        what: number it is.
        places: where the words and the formula begin, and their height.
        values: of the input.
        weights: of the kernel.
        total: the number.
    """
    pairs = zip(values.flatten().tolist(), weights.flatten().tolist(), strict=True)
    products = " + ".join(rf"{value:.0f} \cdot {weight:.0f}" for value, weight in pairs if weight)
    words_x, formula_x, y = places
    canvas.text(words_x, y, what, size=SMALL, ha="left", colour=_SECOND.line)
    canvas.text(formula_x, y, f"${products} = {total.item():.0f}$", ha="left", gid="sum", colour=_SECOND.line)
