"""Figures of curves: losses and other numbers over the steps of a training."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import cycle
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from course.plots.style import CURVE_COLOURS, FAKE_COLOUR, REAL_COLOUR, finished
from course.texts import localized
from course.training import LossHistory


def loss_curves(
    history: LossHistory,
    *,
    title: str,
    xlabel: str | None = None,
    ylabel: str | None = None,
    smooth: int = 1,
    top: float | None = None,
) -> Figure:
    """Draw both losses over the steps, with a line at ln 2: the loss of a coin toss.

    Args:
        history: of a training run.
        title: of the figure.
        xlabel: name of the axis of steps; by default in the notebook's language.
        ylabel: name of the axis of losses; by default in the notebook's language.
        smooth: how many steps to average over; what is averaged away stays visible, pale.
        top: upper end of the axis of losses; by default as high as the losses reach.
    """
    figure, axes = plt.subplots(figsize=(6.5, 3.2))
    window = max(1, min(smooth, len(history)))
    named = (("$D$", history.discriminator, REAL_COLOUR), ("$G$", history.generator, FAKE_COLOUR))
    for label, losses, colour in named:
        if window > 1:
            axes.plot(losses, color=colour, linewidth=0.7, alpha=0.25)
            losses = np.convolve(losses, np.ones(window) / window, mode="valid").tolist()
        places = range(window - 1, window - 1 + len(losses))
        axes.plot(places, losses, color=colour, linewidth=0.7 if window == 1 else 1.6, label=label)
    axes.axhline(math.log(2), color="black", linestyle="--", linewidth=1, label=r"$\ln 2$", zorder=3)
    axes.set(title=title, xlabel=xlabel or localized("axis_step"), ylabel=ylabel or localized("axis_loss"))
    if top is not None:
        axes.set_ylim(top=top)
    axes.legend(loc="upper right")
    return finished(figure)


def loss_panels(
    named: Mapping[str, LossHistory], *, title: str, xlabel: str | None = None, ylabel: str | None = None
) -> Figure:
    """Draw the losses of several runs side by side, on the same logarithmic axis, with a line at ln 2.

    Args:
        named: the runs, by the title that each panel gets.
        title: of the figure.
        xlabel: name of the axes of steps; by default in the notebook's language.
        ylabel: name of the axis of losses; by default in the notebook's language.
    """
    size = (max(6.5, 4.4 * len(named)), 3.4)
    figure, panels = plt.subplots(1, len(named), figsize=size, sharex=True, sharey=True, squeeze=False)
    for axes, (name, history) in zip(panels[0], named.items(), strict=True):
        axes.plot(history.discriminator, color=REAL_COLOUR, linewidth=0.7, label="$D$")
        axes.plot(history.generator, color=FAKE_COLOUR, linewidth=0.7, label="$G$")
        axes.axhline(math.log(2), color="black", linestyle="--", linewidth=1, label=r"$\ln 2$")
        axes.set_yscale("log")
        axes.set_title(name, fontsize=10)
        axes.set_xlabel(xlabel or localized("axis_step"))
    panels[0][0].set_ylabel(ylabel or localized("axis_loss"))
    panels[0][-1].legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    figure.suptitle(title)
    return finished(figure)


def _draw_curve(
    axes: Axes,
    places: Sequence[int],
    values: Sequence[float],
    colour: str,
    smooth: int,
    label: str | None = None,
) -> None:
    """Draw a curve and, where asked to, the mean of some of its steps above it."""
    axes.plot(places, values, color=colour, linewidth=0.7, alpha=1.0 if smooth == 1 else 0.25)
    window = min(smooth, max(len(values), 1))
    mean = np.convolve(values, np.ones(window) / window, mode="valid") if len(values) else np.zeros(0)
    axes.plot(places[window - 1 :], mean, color=colour, linewidth=1.2, label=label)


def curves(
    named: Mapping[str, Sequence[float]],
    *,
    title: str,
    xlabel: str | None = None,
    ylabel: str | None = None,
    smooth: int = 1,
    start: int = 0,
    step: int = 1,
    mark: tuple[int, str] | None = None,
    level: tuple[float, str] | None = None,
    ylim: tuple[float, float] | None = None,
    dots: Collection[str] = (),
    log: bool = False,
) -> Figure:
    """Draw several curves over the steps.

    Args:
        named: the curves, by the label that each gets.
        title: of the figure.
        xlabel: name of the axis of steps; by default in the notebook's language.
        ylabel: name of the other axis; by default that of losses, in the notebook's language.
        smooth: how many steps to average over; what is averaged away stays visible, pale.
        start: number of the first step.
        step: how far the next value stands from one.
        mark: a step to mark, and what to call it.
        level: a value to compare with, drawn as a horizontal line, and what to call it.
        ylim: lower and upper end of the axis of values; what lies outside is cut off.
        dots: labels of curves to draw as dots: a line below them stays visible.
        log: whether the other axis is logarithmic.
    """
    figure, axes = plt.subplots(figsize=(6.5, 3.2))
    for (label, values), colour in zip(named.items(), CURVE_COLOURS, strict=False):
        places = range(start, start + step * len(values), step)
        if label in dots:
            axes.plot(places, values, "o", color=colour, markersize=4, label=label)
        else:
            _draw_curve(axes, places, values, colour, smooth, label)
    if log:
        axes.set_yscale("log")
        axes.yaxis.set(
            major_locator=LogLocator(subs=(1.0, 2.0, 5.0)), major_formatter=FormatStrFormatter("%g")
        )
        axes.yaxis.set_minor_formatter(NullFormatter())
    if mark is not None:
        axes.axvline(mark[0], color="black", linestyle="--", linewidth=1, label=mark[1])
    if level is not None:
        axes.axhline(level[0], color="black", linestyle=":", linewidth=1, label=level[1])
    axes.set(title=title, xlabel=xlabel or localized("axis_step"), ylabel=ylabel or localized("axis_loss"))
    if ylim is not None:
        axes.set_ylim(ylim)
    axes.legend(loc="best")
    return finished(figure)


def stacked_curves(
    named: Mapping[str, Sequence[float]],
    *,
    title: str,
    xlabel: str | None = None,
    start: int = 0,
    step: int = 1,
    marks: Mapping[int, str] | None = None,
    smooth: Mapping[str, int] | None = None,
) -> Figure:
    """Draw curves below each other over the same steps, each with an axis of its own.

    Args:
        named: the curves, by the name that each one's axis gets.
        title: of the figure.
        xlabel: name of the axis of steps; by default in the notebook's language.
        start: where the first value stands.
        step: how far the next value stands from one.
        marks: what begins where: vertical lines in every panel, with their names above.
        smooth: how many values to average over, by the name of a curve; what is averaged away stays, pale.
    """
    figure, panels = plt.subplots(
        len(named), 1, figsize=(6.5, 1.9 * len(named) + 0.4), sharex=True, squeeze=False
    )
    for axes, (name, values), colour in zip(panels[:, 0], named.items(), CURVE_COLOURS, strict=False):
        places = [start + step * place for place in range(len(values))]
        window = min((smooth or {}).get(name, 1), max(len(values), 1))
        if window > 1:
            axes.plot(places, values, color=colour, linewidth=0.7, alpha=0.25)
            values = np.convolve(values, np.ones(window) / window, mode="valid").tolist()
        axes.plot(places[window - 1 :], values, color=colour, linewidth=1.4)
        axes.set(ylabel=name)
        for place in marks or {}:
            axes.axvline(place, color="black", linestyle="--", linewidth=0.8)
    for place, name in (marks or {}).items():
        at: dict[str, Any] = {"xycoords": panels[0, 0].get_xaxis_transform(), "textcoords": "offset points"}
        panels[0, 0].annotate(name, (place, 1.0), xytext=(3, 3), fontsize=8.5, **at)
    panels[0, 0].set_title(title, pad=18 if marks else None)
    panels[-1, 0].set_xlabel(xlabel or localized("axis_step"))
    return finished(figure)


def curve_panels(
    named: Mapping[str, Sequence[float]],
    *,
    title: str,
    xlabel: str | None = None,
    columns: int = 2,
    smooth: int = 1,
    last: int,
    log: Collection[str] = (),
) -> Figure:
    """Draw curves in panels of rows and columns over the same steps, each with an axis of its own.

    Args:
        named: the curves, by the title that each panel gets. All end at the last step: a shorter one lacks
            its beginning.
        title: of the figure.
        xlabel: name of the axes of steps; by default in the notebook's language.
        columns: panels of a row.
        smooth: how many steps to average over; what is averaged away stays visible, pale.
        last: number of the last step.
        log: which curves have a logarithmic axis.
    """
    rows = math.ceil(len(named) / columns)
    size = (3.5 * columns, 2.2 * rows + 0.4)
    figure, panels = plt.subplots(rows, columns, figsize=size, sharex=True, squeeze=False)
    for axes, (name, values), colour in zip(panels.flat, named.items(), cycle(CURVE_COLOURS), strict=False):
        _draw_curve(axes, range(last + 1 - len(values), last + 1), values, colour, smooth)
        axes.set_title(name, fontsize=10)
        if name in log:
            axes.set_yscale("log")
    for axes in panels.flat[len(named) :]:
        axes.axis("off")
    for axes in panels[-1]:
        axes.set_xlabel(xlabel or localized("axis_step"))
    figure.suptitle(title)
    return finished(figure)
