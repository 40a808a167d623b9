"""Figures of a report: SVG, sharp on every screen and on paper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from autograder.instructor.figures import embed

BLUE, INK = "#0969da", "#1f2328"
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_MOST_BARS = 15


@dataclass(frozen=True)
class Picture:
    """A figure as a page holds it.

    Attributes:
        address: a data URL.
        alt: description of what it shows.
        caption: title of the figure.
    """

    address: str
    alt: str
    caption: str


def histogram(
    values: Sequence[float], full: float, caption: str, xlabel: str, counted: str
) -> Picture | None:
    """Draw how values are distributed.

    Args:
        values: one value per student or submission; without any there is no figure.
        full: the right end of the axis.
        caption: title of the figure.
        xlabel: label of the horizontal axis.
        counted: name of what each value belongs to, such as "students".
    """
    if not values:
        return None
    edges = _edges(max(full, *values))
    counts = _counts(values, edges)
    width = edges[1] - edges[0]
    # Narrow enough to be read on a phone without zooming.
    figure = Figure(figsize=(4.6, 2.5))
    axes = figure.subplots()
    bars = axes.bar(edges[:-1], counts, width=0.92 * width, align="edge", color=BLUE)
    axes.bar_label(bars, [str(count) if count else "" for count in counts], fontsize=8, color=INK)
    axes.set(xlabel=xlabel, ylabel=counted, xlim=(edges[0], edges[-1]))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    axes.margins(y=0.15)
    axes.spines[["top", "right"]].set_visible(False)
    parts = [f"{a:g} to {b:g}: {n}" for a, b, n in zip(edges, edges[1:], counts, strict=False) if n]
    alt = f"Histogram. {caption}, {counted} by {xlabel}: {'; '.join(parts)}."
    return Picture(embed(figure), alt, caption)


def _edges(high: float) -> list[float]:
    """Return the edges of bars of a round width."""
    step = next((step for step in _STEPS if high / step <= _MOST_BARS), high / _MOST_BARS)
    return [index * step for index in range(max(1, math.ceil(high / step - 1e-9)) + 1)]


def _counts(values: Sequence[float], edges: Sequence[float]) -> list[int]:
    """Return how many values lie in each bar; the last one includes its right end."""
    counts = [0] * (len(edges) - 1)
    width = edges[1] - edges[0]
    for value in values:
        counts[min(max(int((value - edges[0]) / width + 1e-9), 0), len(counts) - 1)] += 1
    return counts
