"""Figures of points in the plane, and of probabilities over it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from course.plots.style import FAKE_COLOUR, PALE_REAL, REAL_COLOUR, finished

_DARK_FAKE = "#7a3300"
# The part of the plane around the sine curve that is always shown: limits of x1, then of x2.
_PLANE = ((-0.8, 7.1), (-1.6, 1.6))


def draw_points(axes: Axes, samples: torch.Tensor, colour: str, label: str | None) -> None:
    """Draw points of shape (n, 2) as dots."""
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
        draw_points(axes, reference, REAL_COLOUR, labels[1] if labels else None)
    draw_points(
        axes, samples, FAKE_COLOUR if reference is not None else REAL_COLOUR, labels[0] if labels else None
    )
    shown = [samples] if reference is None else [samples, reference]
    axes.set(title=title, xlabel="$x_1$", ylabel="$x_2$", **_limits(*shown))
    if labels:
        axes.legend(loc="upper right")
    return finished(figure)


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
            draw_points(axes, reference, PALE_REAL, None)
            draw_points(axes, samples, FAKE_COLOUR, None)
        axes.set_title(name, fontsize=8.5)
        axes.set(**limits)
    for axes in panels[-1]:
        axes.set_xlabel("$x_1$")
    for axes in panels[:, 0]:
        axes.set_ylabel("$x_2$")
    figure.suptitle(title)
    return finished(figure)


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
