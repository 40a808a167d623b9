"""Figures of numbers with their intervals."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from course.plots.style import CURVE_COLOURS, FAKE_COLOUR, REAL_COLOUR, finished


def intervals(
    named: Mapping[str, tuple[float, float, float]],
    *,
    title: str,
    xlabel: str,
    points: Mapping[str, Sequence[float]] | None = None,
    line: float | None = None,
    log: bool = False,
) -> Figure:
    """Draw numbers with their intervals, below each other, and write them beside.

    Args:
        named: number, lower and upper end, by the label that each gets.
        title: of the figure.
        xlabel: name of the axis of numbers.
        points: single results to show above the intervals, by label.
        line: where to draw a vertical line to compare with; numbers are differences then, with a sign.
        log: whether the axis of numbers is logarithmic; all must be positive then.
    """
    sign = "" if line is None else "+"
    figure, axes = plt.subplots(figsize=(8.0, 1.1 + 0.38 * len(named)))
    for row, (label, (middle, low, high)) in enumerate(named.items()):
        single = (points or {}).get(label, ())
        axes.plot(single, [row - 0.22] * len(single), "o", color=FAKE_COLOUR, markersize=4, alpha=0.6)
        axes.plot([low, high], [row, row], color=REAL_COLOUR, linewidth=2.5)
        axes.plot([middle], [row], "s", color=REAL_COLOUR, markersize=6)
        said = f"{middle:{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"
        axes.annotate(said, (1.02, row), xycoords=axes.get_yaxis_transform(), va="center", fontsize=9)
    if line is not None:
        axes.axvline(line, color="black", linestyle="--", linewidth=1)
    axes.set(title=title, xlabel=xlabel, yticks=range(len(named)), yticklabels=list(named))
    axes.set_ylim(len(named) - 0.5, -0.5)
    if log:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(ScalarFormatter())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(6))
    return finished(figure)


def interval_panels(
    panels: Mapping[str, Mapping[str, Sequence[tuple[float, float, float]]]],
    *,
    title: str,
    xlabel: str,
    legend: Sequence[str],
    points: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
    line: float | None = None,
    marked: Mapping[str, Collection[str]] | None = None,
) -> Figure:
    """Draw numbers with several intervals each, in panels side by side that share both axes.

    Args:
        panels: by the title that each panel gets, and by the label of each row: number, lower and upper end,
            once for each kind of interval.
        title: of the figure.
        xlabel: name of the axes of numbers.
        legend: names of the kinds of intervals; the first is drawn above the others.
        points: single results to show above the intervals, by panel and label.
        line: where to draw a vertical line to compare with.
        marked: labels of the rows to shade, by panel.
    """
    colours = (REAL_COLOUR, "#6e7781", *CURVE_COLOURS[2:])
    labels = list(next(iter(panels.values())))
    figure = plt.figure(figsize=(9.6, 1.7 + 0.5 * len(labels)), layout="constrained")
    drawn = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
    for axes, (name, rows) in zip(drawn, panels.items(), strict=True):
        for row, label in enumerate(labels):
            if label in (marked or {}).get(name, ()):
                axes.axhspan(row - 0.5, row + 0.5, color="#dafbe1", zorder=0)
            single = (points or {}).get(name, {}).get(label, ())
            axes.plot(single, [row - 0.27] * len(single), "o", color=FAKE_COLOUR, markersize=3.5, alpha=0.6)
            for number, (middle, low, high) in enumerate(rows[label]):
                place, colour = row + 0.22 * number, colours[number]
                axes.plot([low, high], [place] * 2, color=colour, linewidth=2.5)
                axes.plot([middle], [place], "s", color=colour, markersize=5)
        if line is not None:
            axes.axvline(line, color="black", linestyle="--", linewidth=1)
        axes.set(xlabel=xlabel, yticks=range(len(labels)), yticklabels=labels)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.set_title(name, fontsize=11)
        axes.xaxis.set_major_locator(MaxNLocator(max(3, 10 // len(panels))))
    kinds = [Line2D([], [], color=colour, linewidth=2.5) for colour in colours[: len(legend)]]
    figure.legend(kinds, legend, loc="outside lower center", ncols=len(legend), frameon=False)
    figure.suptitle(title)
    plt.close(figure)
    return figure
