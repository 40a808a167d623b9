"""What diagrams are drawn with: boxes, networks, arrows, grids of numbers and clouds of points, in inches."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Polygon, Rectangle
from matplotlib.path import Path
from matplotlib.text import Text

from course.diagrams.grid import Grid, Point
from course.diagrams.palette import INK, MUTED, PAPER, PLAIN, Shade

# Colour of a cell of a grid, by its row and column.
Cells = Callable[[int, int], Shade]

WIDTH = 9.0
SMALL, NORMAL, LARGE = 9.0, 10.0, 12.0
_LINE = 1.3


class Canvas:
    """A sheet to draw on, in inches from its lower left corner; (x, y) is the middle of what is drawn.

    Args:
        height: of the sheet.
        title: stands above the drawing.
    """

    def __init__(self, height: float, title: str) -> None:
        self.figure = Figure(figsize=(WIDTH, height), facecolor=PAPER)
        self._axes = self.figure.add_axes((0, 0, 1, 1))
        self._axes.set(xlim=(0, WIDTH), ylim=(0, height))
        self._axes.axis("off")
        self.text(0.3, height - 0.24, title, size=LARGE, ha="left", weight="bold")

    # --- words ------------------------------------------------------------------------------------------

    def text(
        self, x: float, y: float, said: str, *, colour: str = INK, size: float = NORMAL, **how: Any
    ) -> Text:
        """Write a text; formulas stand between dollar signs.

        Args:
            x: of its middle, unless `ha` says otherwise.
            y: of its middle, unless `va` says otherwise.
            said: the text.
            colour: of the letters.
            size: of the letters, in points.
            how: what else matplotlib can be told of a text.
        """
        formula = said[:1] == said[-1:] == "$" and said.count("$") == 2
        if formula:
            size *= 1.2  # the letters of formulas are smaller
        family = "cm" if formula else "dejavuserif"
        style = {"ha": "center", "va": "center", "linespacing": 1.35, "zorder": 6, "math_fontfamily": family}
        return self._axes.text(x, y, said, color=colour, fontsize=size, **{**style, **how})

    # --- shapes -----------------------------------------------------------------------------------------

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        said: str = "",
        shade: Shade = PLAIN,
        **how: Any,
    ) -> None:
        """Draw a box with rounded corners around a text; `how` is said of the text."""
        corner = (x - width / 2, y - height / 2)
        style = f"round,pad=0,rounding_size={min(0.09, height / 3)}"
        self._axes.add_patch(
            FancyBboxPatch(
                corner, width, height, boxstyle=style, fc=shade.area, ec=shade.line, lw=_LINE, zorder=3
            )
        )
        if said:
            self.text(x, y, said, **how)

    def network(
        self,
        x: float,
        y: float,
        width: float,
        sides: tuple[float, float],
        said: str,
        shade: Shade,
        *,
        still: bool,
    ) -> None:
        """Draw a network as a trapezium.

        Args:
            x: of its middle.
            y: of its middle.
            width: from left to right.
            sides: lengths of its left and of its right side.
            said: its name.
            shade: its colour.
            still: whether its parameters stay as they are; the outline is dashed then.
        """
        left, right = sides[0] / 2, sides[1] / 2
        corners = [(-1, -left), (-1, left), (1, right), (1, -right)]
        points = [(x + side * width / 2, y + up) for side, up in corners]
        style, weight = ((0, (4, 2.5)), _LINE) if still else ("solid", 2.4)
        self._axes.add_patch(
            Polygon(points, fc=shade.area, ec=shade.line, lw=weight, ls=style, joinstyle="round", zorder=3)
        )
        self.text(x, y, said, weight="bold")

    def outline(
        self, x: float, y: float, width: float, height: float, colour: str, *, dashed: bool = False
    ) -> None:
        """Draw a frame around something that is there already."""
        corner = (x - width / 2, y - height / 2)
        style = (0, (3, 2)) if dashed else "solid"
        self._axes.add_patch(
            Rectangle(corner, width, height, fill=False, ec=colour, lw=2.4, ls=style, zorder=5)
        )

    def ring(self, x: float, y: float, colour: str) -> None:
        """Draw a circle around a number."""
        self._axes.add_patch(Circle((x, y), 0.15, fill=False, ec=colour, lw=1.8, zorder=5))

    def disc(self, x: float, y: float, said: str, *, shade: Shade = PLAIN, radius: float = 0.17) -> None:
        """Draw a sign of arithmetic in a circle."""
        self._axes.add_patch(Circle((x, y), radius, fc=shade.area, ec=shade.line, lw=_LINE, zorder=4))
        self.text(x, y, said, size=LARGE)

    # --- lines ------------------------------------------------------------------------------------------

    def arrow(
        self, *points: Point, shade: Shade | None = None, weight: float = 1.5, dashed: bool = False
    ) -> None:
        """Draw an arrow along points.

        Args:
            points: where it begins, bends and ends.
            shade: its colour; one with a colour lies above all shapes.
            weight: of its line.
            dashed: whether its line is.
        """
        colour = shade.line if shade else MUTED
        head = Path(points)
        if dashed:
            # The head of a dashed arrow would be dashed too: the line is one thing, the head another.
            self.line(*points, colour=colour, dashed=True, weight=weight)
            head = Path([_before(*points[-2:]), points[-1]])
        style = "-|>,head_length=5,head_width=2.6"
        self._axes.add_patch(
            FancyArrowPatch(
                path=head,
                arrowstyle=style,
                color=colour,
                lw=weight,
                joinstyle="round",
                zorder=5 if shade else 2,
            )
        )

    def line(
        self,
        *points: Point,
        colour: str = MUTED,
        dashed: bool = False,
        weight: float = 1.5,
        above: bool = True,
    ) -> None:
        """Draw a line along points."""
        style = (0, (3.2, 2)) if dashed else "solid"
        xs, ys = zip(*points, strict=True)
        self._axes.plot(xs, ys, color=colour, lw=weight, ls=style, zorder=5 if above else 2)

    # --- what is shown ----------------------------------------------------------------------------------

    def numbers(
        self,
        x: float,
        y: float,
        values: torch.Tensor,
        name: str,
        *,
        side: float = 0.36,
        shade: Cells | None = None,
        form: str = "{:.0f}",
    ) -> Grid:
        """Draw a matrix of numbers.

        Args:
            x: of its middle.
            y: of its middle.
            values: the matrix.
            name: what its texts are called in the figure.
            side: of a cell.
            shade: colours of the cells.
            form: how a number is written.
        """
        rows, columns = values.shape
        grid = Grid(x, y, rows, columns, side)
        for row in range(rows):
            for column in range(columns):
                self._cell(grid, row, column, shade(row, column) if shade else PLAIN)
                place = grid.middle(row, column)
                self.text(*place, form.format(values[row, column].item()), size=SMALL, gid=name)
        return grid

    def greys(self, x: float, y: float, values: torch.Tensor, *, side: float) -> None:
        """Draw a matrix of numbers from 0 to 1 as greys."""
        rows, columns = values.shape
        grid = Grid(x, y, rows, columns, side)
        for row, greys in enumerate(values.tolist()):
            for column, grey in enumerate(greys):
                self._cell(grid, row, column, Shade(MUTED, f"{0.3 + 0.65 * grey:.2f}"))

    def _cell(self, grid: Grid, row: int, column: int, shade: Shade) -> None:
        """Draw a cell without its number."""
        x, y = grid.middle(row, column)
        corner = (x - grid.side / 2, y - grid.side / 2)
        self._axes.add_patch(
            Rectangle(corner, grid.side, grid.side, fc=shade.area, ec=shade.line, lw=0.7, zorder=3)
        )

    def window(
        self, grid: Grid, row: int, column: int, size: int, colour: str, *, dashed: bool = False
    ) -> None:
        """Draw a frame around some cells of a grid: `size` by `size`, from a row and a column on."""
        x0, y0 = grid.middle(row, column)
        reach = (size - 1) * grid.side / 2
        self.outline(x0 + reach, y0 - reach, size * grid.side, size * grid.side, colour, dashed=dashed)

    def cloud(
        self, x: float, y: float, width: float, height: float, points: torch.Tensor, shade: Shade
    ) -> None:
        """Draw points of [0, 1] x [0, 1] in a frame."""
        self.box(x, y, width, height, shade=shade)
        self.dots(x - width / 2 + points[:, 0] * width, y - height / 2 + points[:, 1] * height, shade)

    def dots(
        self, xs: torch.Tensor, ys: torch.Tensor, shade: Shade, *, marker: str = "o", size: float = 3.0
    ) -> None:
        """Draw points."""
        edge = {"markeredgecolor": PAPER, "markeredgewidth": 0.5} if size > 4 else {"markeredgewidth": 0}
        self._axes.plot(xs, ys, marker, color=shade.line, markersize=size, zorder=6, **edge)

    def picture(self, x: float, y: float, side: float, pixels: torch.Tensor) -> None:
        """Draw a square picture: shape (height, width) from 0 to 1, or (3, height, width)."""
        shown = pixels.permute(1, 2, 0) if pixels.dim() == 3 else pixels
        place = (x - side / 2, x + side / 2, y - side / 2, y + side / 2)
        limits = self._axes.axis()
        self._axes.imshow(
            shown.numpy(),
            cmap="gray",
            vmin=0,
            vmax=1,
            extent=place,
            aspect="auto",
            interpolation="nearest",
            zorder=3,
        )
        self._axes.axis(limits)
        self._axes.add_patch(
            Rectangle((place[0], place[2]), side, side, fill=False, ec=MUTED, lw=0.8, zorder=4)
        )

    def bars(
        self, x: float, y: float, width: float, height: float, values: Sequence[float], shade: Shade
    ) -> None:
        """Draw bars side by side, the highest of which is 1; y is their foot."""
        edges = [x - width / 2 + width * number / len(values) for number in range(len(values) + 1)]
        tops = [y + height * value for value in values]
        self._axes.stairs(tops, edges, baseline=y, fill=True, color=shade.line, zorder=3)
        self.line((x - width / 2, y), (x + width / 2, y), weight=1.0)


def _before(start: Point, end: Point) -> Point:
    """Return a point a little before the end of a line."""
    (x0, y0), (x1, y1) = start, end
    part = 0.02 / math.hypot(x1 - x0, y1 - y0)
    return x1 - part * (x1 - x0), y1 - part * (y1 - y0)
