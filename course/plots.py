"""Pictures: samples, losses, and the film of a training."""

from __future__ import annotations

import base64
import io
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from html import escape
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import (
    FormatStrFormatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    PercentFormatter,
    ScalarFormatter,
)
from PIL import Image
from torchvision.utils import make_grid

from course.texts import error, localized
from course.training import LossHistory

if TYPE_CHECKING:
    from IPython.display import HTML

_DPI = 100
_GAP = 2  # between pictures of a grid, in their pixels
_FILM_WIDTH = 360  # at least, in pixels: frames are of one size, whatever their titles
REAL_COLOUR, FAKE_COLOUR = "#0969da", "#bc4c00"
_PALE_REAL = "#a5d6ff"
_DARK_FAKE = "#7a3300"
# The part of the plane around the sine curve that is always shown: limits of x1, then of x2.
_PLANE = ((-0.8, 7.1), (-1.6, 1.6))
_FILM_FRAME = ((-1.5, 7.8), (-2.2, 2.2))
_CURVE_COLOURS = (REAL_COLOUR, FAKE_COLOUR, "#1a7f37", "#8250df")


def _finished(figure: Figure) -> Figure:
    """Close a figure, so that a notebook shows it once: as the value of its cell."""
    figure.tight_layout()
    plt.close(figure)
    return figure


def _draw_points(axes: Axes, samples: torch.Tensor, colour: str, label: str | None) -> None:
    points = samples.detach().cpu()
    axes.plot(points[:, 0], points[:, 1], ".", color=colour, markersize=4, label=label)


def _draw_pale_points(axes: Axes, samples: torch.Tensor, label: str | None) -> None:
    """Draw points so that it shows where many of them lie."""
    points = samples.detach().cpu()
    axes.plot(points[:, 0], points[:, 1], ".", color=FAKE_COLOUR, markersize=2.5, alpha=0.35, label=label)


def _draw_line(axes: Axes, points: torch.Tensor, label: str | None) -> None:
    """Draw points of a curve as a thin black line, in the order of their x1."""
    ordered = points[points[:, 0].argsort()].detach().cpu()
    axes.plot(ordered[:, 0], ordered[:, 1], color="black", linewidth=0.8, label=label)


def _limits(*clouds: torch.Tensor) -> dict[str, tuple[float, float]]:
    """Return limits of axes that hold all points of these clouds, and the surroundings of the sine curve."""
    points = torch.cat([cloud.detach().cpu().double() for cloud in clouds])
    points = points[points.isfinite().all(dim=1)]
    limits = {}
    for name, (low, high), values in zip(("xlim", "ylim"), _PLANE, points.T, strict=True):
        margin = 0.04 * (high - low)
        reach = torch.tensor([low + margin, high - margin], dtype=torch.float64)
        values = torch.cat([values, reach])
        limits[name] = (float(values.min()) - margin, float(values.max()) + margin)
    return limits


def scatter(
    samples: torch.Tensor,
    *,
    title: str,
    reference: torch.Tensor | None = None,
    labels: tuple[str, str] | None = None,
) -> Figure:
    """Draw points in the plane, every one of them: the axes grow with the points.

    Args:
        samples: shape (n, 2).
        title: of the figure.
        reference: real points to draw below them, shape (m, 2).
        labels: names of samples and reference, for a legend.
    """
    figure, axes = plt.subplots(figsize=(5.5, 3.2))
    if reference is not None:
        _draw_points(axes, reference, REAL_COLOUR, labels[1] if labels else None)
    _draw_points(
        axes, samples, FAKE_COLOUR if reference is not None else REAL_COLOUR, labels[0] if labels else None
    )
    shown = [samples] if reference is None else [samples, reference]
    axes.set(title=title, xlabel="$x_1$", ylabel="$x_2$", **_limits(*shown))
    if labels:
        axes.legend(loc="upper right")
    return _finished(figure)


def scatter_panels(
    named: Mapping[str, torch.Tensor],
    *,
    title: str,
    reference: torch.Tensor,
    columns: int | None = None,
    size: tuple[float, float] = (3.4, 3.2),
    line: bool = False,
) -> Figure:
    """Draw several sets of points side by side, on the same axes: one panel for each seed, say.

    Args:
        named: points of shape (n, 2), by the title that each panel gets.
        title: of the figure.
        reference: real points to draw below them in every panel, shape (m, 2).
        columns: panels of a row; all of them if left out.
        size: of a panel, in inches.
        line: whether the reference is drawn as a thin black line over the points, in the order of its x1.
    """
    columns = columns or len(named)
    rows = math.ceil(len(named) / columns)
    shape: dict[str, Any] = {"figsize": (size[0] * columns, size[1] * rows), "squeeze": False}
    figure, panels = plt.subplots(rows, columns, sharex=True, sharey=True, **shape)
    limits = _limits(reference, *named.values())
    for axes, (name, samples) in zip(panels.flat, named.items(), strict=False):
        if line:
            _draw_pale_points(axes, samples, None)
            _draw_line(axes, reference, None)
        else:
            _draw_points(axes, reference, _PALE_REAL, None)
            _draw_points(axes, samples, FAKE_COLOUR, None)
        axes.set_title(name, fontsize=8.5)
        axes.set(**limits)
    for axes in panels[-1]:
        axes.set_xlabel("$x_1$")
    for axes in panels[:, 0]:
        axes.set_ylabel("$x_2$")
    figure.suptitle(title)
    return _finished(figure)


def probability_maps(
    rows: Mapping[str, tuple[torch.Tensor, Sequence[Callable[[torch.Tensor], torch.Tensor]]]],
    *,
    columns: Sequence[str],
    real: torch.Tensor,
    title: str,
    legend: tuple[str, str],
    xlim: tuple[float, float] | None = None,
    side: int = 200,
) -> Figure:
    """Draw probabilities over the plane as colours: blue near 1, white at 1/2, orange near 0.

    Args:
        rows: by the name that stands beside each row: generated points to draw in it, of shape (m, 2), and a
            function for each column, from points of shape (n, 2) to probabilities of shape (n,) or (n, 1).
            Where a function gives no number, its panel stays grey.
        columns: titles of the columns.
        real: real points to draw in every panel, as a line, shape (k, 2).
        title: of the figure.
        legend: names of the real and of the generated points.
        xlim: part of the horizontal axis to show; by default as much as holds all points.
        side: how many points are asked for along each axis.
    """
    shape = (len(rows), len(columns))
    figure = plt.figure(figsize=(4.3 * shape[1] + 0.8, 2.1 * shape[0] + 1.1), layout="constrained")
    panels = figure.subplots(*shape, sharex=True, sharey=True, squeeze=False)
    limits = _limits(real, *(generated for generated, _ in rows.values()))
    limits["xlim"] = xlim or limits["xlim"]
    x1, x2 = (torch.linspace(low, high, side) for low, high in (limits["xlim"], limits["ylim"]))
    plane = torch.cartesian_prod(x1, x2)  # (side * side, 2)
    colours = LinearSegmentedColormap.from_list(
        "fake_to_real", ["#ffb77d", "#ffffff", "#80bfff"]
    ).with_extremes(bad="#d0d7de")
    for (name, (generated, functions)), row in zip(rows.items(), panels, strict=True):
        for function, axes in zip(functions, row, strict=True):
            with torch.no_grad():
                values = function(plane).detach().cpu().reshape(side, side).T
            extent = (*limits["xlim"], *limits["ylim"])
            picture = axes.imshow(
                values.numpy(), origin="lower", extent=extent, aspect="auto", cmap=colours, vmin=0, vmax=1
            )
            _draw_line(axes, real, legend[0])
            shown = generated.detach().cpu()
            axes.plot(shown[:, 0], shown[:, 1], ".", color=_DARK_FAKE, markersize=1.2, label=legend[1])
            axes.set(**limits)
        row[0].set_ylabel(f"{name}\n$x_2$")
    for axes, head in zip(panels[0], columns, strict=True):
        axes.set_title(head, fontsize=10)
    for axes in panels[-1]:
        axes.set_xlabel("$x_1$")
    handles, names = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2, fontsize=9, markerscale=6)
    figure.colorbar(picture, ax=panels, ticks=[0, 0.5, 1])
    figure.suptitle(title)
    plt.close(figure)
    return figure


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
    return _finished(figure)


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
    return _finished(figure)


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
    for (label, values), colour in zip(named.items(), _CURVE_COLOURS, strict=False):
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
    return _finished(figure)


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
    for axes, (name, values), colour in zip(panels[:, 0], named.items(), _CURVE_COLOURS, strict=False):
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
    return _finished(figure)


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
    for axes, (name, values), colour in zip(panels.flat, named.items(), cycle(_CURVE_COLOURS), strict=False):
        _draw_curve(axes, range(last + 1 - len(values), last + 1), values, colour, smooth)
        axes.set_title(name, fontsize=10)
        if name in log:
            axes.set_yscale("log")
    for axes in panels.flat[len(named) :]:
        axes.axis("off")
    for axes in panels[-1]:
        axes.set_xlabel(xlabel or localized("axis_step"))
    figure.suptitle(title)
    return _finished(figure)


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
    grid = _tiled(images, columns)
    figure = _grid_figure(grid, title, scale, rows=rows, room=9 * len(title), above=above)
    height, width = (length + _GAP for length in images.shape[-2:])
    for place, caption in enumerate(captions):
        row, column = divmod(place, columns)
        left, bottom = 2 * _GAP + column * width, (row + 1) * height
        said: dict[str, Any] = {"color": "white", "ha": "left", "va": "bottom", "fontsize": 8}
        figure.axes[0].text(left, bottom, caption, **said)
    return figure


def _grid_figure(
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


def _tiled(images: torch.Tensor, columns: int) -> np.ndarray:
    """Return pictures side by side, as one picture of shape (height, width, 3), in [0, 1]."""
    shown = images.detach().cpu().float()
    shown = shown.unsqueeze(1) / 255 if images.dtype == torch.uint8 else shown.clamp(-1, 1) * 0.5 + 0.5
    grid = make_grid(shown, nrow=columns, padding=_GAP, pad_value=1.0)
    picture: np.ndarray = grid.permute(1, 2, 0).numpy()
    return picture


def histograms(
    named: Mapping[str, torch.Tensor],
    *,
    xlabel: str,
    ylabel: str,
    bins: int = 60,
    shared: bool = False,
    below: bool = False,
    log_counts: bool = False,
    log_values: bool = False,
    line: tuple[float, str] | None = None,
    title: str | None = None,
) -> Figure:
    """Draw histograms side by side, each with a scale of its own.

    Args:
        named: the numbers, by the title that each histogram gets.
        xlabel: name of the axes of values.
        ylabel: name of the axis of counts.
        bins: of each histogram.
        shared: whether the bins are the same in all, to compare where numbers lie.
        below: whether they stand below each other, on one axis of values with the same bins.
        log_counts: whether the axes of counts are logarithmic: low bars can be seen beside high ones.
        log_values: whether shared bins and their axis are logarithmic; numbers are positive then.
        line: where to draw a vertical line to compare with, and what to call it.
        title: of the figure.
    """
    shared = shared or below
    if below:
        figure, grid = plt.subplots(
            len(named), 1, figsize=(6.5, 1.15 * len(named) + 0.9), squeeze=False, sharex=True
        )
        panels = grid.T
    else:
        figure, panels = plt.subplots(
            1, len(named), figsize=(3.4 * len(named), 2.6), squeeze=False, sharex=shared, sharey=shared
        )
    numbers = {title: values.detach().cpu().flatten().numpy() for title, values in named.items()}
    every = np.concatenate(list(numbers.values()))
    edges: np.ndarray | int = np.histogram_bin_edges(every, bins) if shared else bins
    if shared and log_values:
        edges = np.geomspace(every.min(), every.max(), bins + 1)
    for axes, (name, values), colour in zip(panels[0], numbers.items(), _CURVE_COLOURS, strict=False):
        axes.hist(values, bins=edges, color=colour, log=log_counts)
        if line is not None:
            axes.axvline(line[0], color="black", linestyle="--", linewidth=1, label=line[1])
        if log_values:
            axes.set_xscale("log")
        axes.set_title(name, fontsize=10 if below else None)
        if below:
            axes.set_ylabel(ylabel)
        else:
            axes.set_xlabel(xlabel)
    panels[0][-1 if below else 0].set(**({"xlabel": xlabel} if below else {"ylabel": ylabel}))
    if line is not None:
        panels[0][0].legend(loc="best")
    if title is not None:
        figure.suptitle(title)
    return _finished(figure)


def class_bars(
    shares: Mapping[str, Sequence[float]],
    *,
    title: str,
    xlabel: str | None = None,
    ylabel: str | None = None,
    line: float | None = None,
) -> Figure:
    """Draw how often each digit occurs, as bars side by side.

    Args:
        shares: of the ten digits, by the label that each set of pictures gets.
        title: of the figure.
        xlabel: name of the axis of digits; by default in the notebook's language.
        ylabel: name of the axis of shares; by default in the notebook's language.
        line: a share to draw a horizontal line at; shares are written in per cent then.
    """
    figure, axes = plt.subplots(figsize=(6.5, 2.8))
    width = 0.8 / max(len(shares), 1)
    for number, ((label, values), colour) in enumerate(zip(shares.items(), _CURVE_COLOURS, strict=False)):
        places = [digit + (number - (len(shares) - 1) / 2) * width for digit in range(len(values))]
        axes.bar(places, values, width=width, color=colour, label=label)
    names = {"xlabel": xlabel or localized("axis_digit"), "ylabel": ylabel or localized("axis_share")}
    axes.set(title=title, xticks=range(10), **names)
    if line is not None:
        axes.axhline(line, color="black", linestyle="--", linewidth=1)
        axes.yaxis.set_major_formatter(PercentFormatter(xmax=1.0, decimals=0, symbol="\N{NO-BREAK SPACE}%"))
    axes.legend(loc="best")
    return _finished(figure)


def confusion_matrices(
    named: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    classes: Sequence[str],
    xlabel: str,
    ylabel: str,
    shares: bool = False,
) -> Figure:
    """Draw how often each class is taken for each, one matrix beside the other, by scikit-learn.

    Args:
        named: true and predicted labels, by the title that each matrix gets.
        classes: names of the labels 0, 1, ….
        xlabel: name of the axes of predictions.
        ylabel: name of the axis of true labels.
        shares: whether to show shares of each true class instead of counts.
    """
    from sklearn.metrics import ConfusionMatrixDisplay  # only here: it is slow to import

    figure, panels = plt.subplots(1, len(named), figsize=(3.0 * len(named), 2.9), squeeze=False)
    for axes, (title, (labels, predicted)) in zip(panels[0], named.items(), strict=True):
        ConfusionMatrixDisplay.from_predictions(
            labels,
            predicted,
            labels=range(len(classes)),
            display_labels=classes,
            normalize="true" if shares else None,
            values_format=".1%" if shares else None,
            cmap="Blues",
            colorbar=False,
            ax=axes,
        )
        axes.set(title=title, xlabel=xlabel, ylabel="")
    panels[0][0].set_ylabel(ylabel)
    return _finished(figure)


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
    return _finished(figure)


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
    colours = (REAL_COLOUR, "#6e7781", *_CURVE_COLOURS[2:])
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


def table(headings: Sequence[str], rows: Sequence[Sequence[object]], *, names: Sequence[str] = ()) -> HTML:
    """Return a table for display in a notebook.

    Args:
        headings: of the columns.
        rows: what stands in each row, as many entries as headings.
        names: what to write before each row, in bold.

    Raises:
        ValueError: if there are names of rows, but not one for each.
    """
    from IPython.display import HTML

    if names and len(names) != len(rows):
        raise error(ValueError, "row_names", names=len(names), rows=len(rows))
    first = "<th></th>" if names else ""
    lines = [first + "".join(f"<th>{escape(heading)}</th>" for heading in headings)]
    for number, row in enumerate(rows):
        name = f'<th style="text-align: left">{escape(names[number])}</th>' if names else ""
        lines.append(name + "".join(f"<td>{escape(str(entry))}</td>" for entry in row))
    return HTML("<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>")


class _Film(ABC):
    """Makes a film of a training: one frame whenever `add` is called."""

    def __init__(self) -> None:
        self._frames: list[Image.Image] = []

    def __len__(self) -> int:
        return len(self._frames)

    @abstractmethod
    def _draw(self, samples: torch.Tensor, title: str) -> Figure:
        """Return the figure of one frame."""

    def add(self, samples: torch.Tensor, title: str) -> None:
        """Add a frame that shows the samples under a title."""
        figure = self._draw(samples, title)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        plt.close(figure)
        self._frames.append(Image.open(buffer).convert("RGB").quantize(colors=256))

    def save(self, path: str | Path, milliseconds: int = 200) -> HTML:
        """Write the film as a GIF and return it for display in a notebook.

        Args:
            path: of the file.
            milliseconds: each frame is shown; the last one stays longer.

        Raises:
            ValueError: if there are no frames.
        """
        from IPython.display import HTML

        if not self._frames:
            raise error(ValueError, "no_frames")
        durations = [milliseconds] * (len(self._frames) - 1) + [2000]
        options: dict[str, Any] = {"save_all": True, "append_images": self._frames[1:], "loop": 0}
        self._frames[0].save(path, duration=durations, optimize=True, **options)
        data = base64.b64encode(Path(path).read_bytes()).decode()
        # As HTML, and not as IPython's Image: nbconvert's pages, nbgrader's feedback too, show no GIF output.
        return HTML(f'<img alt="{Path(path).stem}" src="data:image/gif;base64,{data}">')


class GifRecorder(_Film):
    """A film of points in the plane, in a frame that stays; what lies outside it is counted in a corner.

    Args:
        reference: real points to show in every frame, shape (m, 2).
        xlabel: name of the horizontal axis.
        ylabel: name of the vertical axis.
    """

    def __init__(self, reference: torch.Tensor, *, xlabel: str = "$x_1$", ylabel: str = "$x_2$") -> None:
        super().__init__()
        self._reference = reference
        self._names = {"xlabel": xlabel, "ylabel": ylabel}

    def _draw(self, samples: torch.Tensor, title: str) -> Figure:
        figure, axes = plt.subplots(figsize=(4.2, 2.8), dpi=80)
        _draw_points(axes, self._reference, _PALE_REAL, None)
        _draw_points(axes, samples, FAKE_COLOUR, None)
        (left, right), (bottom, top) = _FILM_FRAME
        axes.set(title=title, xlim=(left, right), ylim=(bottom, top), **self._names)
        x1, x2 = samples.detach().cpu().unbind(dim=1)
        count = len(samples) - int(((x1 >= left) & (x1 <= right) & (x2 >= bottom) & (x2 <= top)).sum())
        if count:
            corner: dict[str, Any] = {"ha": "right", "va": "top", "fontsize": 8}
            said = localized("outside_frame", count=count)
            axes.text(0.98, 0.95, said, transform=axes.transAxes, **corner)
        figure.tight_layout()
        return figure


class ImageGifRecorder(_Film):
    """A film of pictures in rows: samples of shape (n, channels, height, width), in [-1, 1].

    Args:
        columns: pictures of a row.
        side: how large a picture is shown, about, in pixels of the screen.
    """

    def __init__(self, columns: int = 8, side: int = 56) -> None:
        super().__init__()
        self._columns, self._side = columns, side

    def _draw(self, samples: torch.Tensor, title: str) -> Figure:
        scale = max(1, round(self._side / samples.shape[-1]))
        return _grid_figure(_tiled(samples, self._columns), title, scale, room=_FILM_WIDTH)
