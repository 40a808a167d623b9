"""Figures of counts: histograms, shares of classes, confusion matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from course.plots.style import CURVE_COLOURS, finished
from course.texts import localized


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
    for axes, (name, values), colour in zip(panels[0], numbers.items(), CURVE_COLOURS, strict=False):
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
    return finished(figure)


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
    for number, ((label, values), colour) in enumerate(zip(shares.items(), CURVE_COLOURS, strict=False)):
        places = [digit + (number - (len(shares) - 1) / 2) * width for digit in range(len(values))]
        axes.bar(places, values, width=width, color=colour, label=label)
    names = {"xlabel": xlabel or localized("axis_digit"), "ylabel": ylabel or localized("axis_share")}
    axes.set(title=title, xticks=range(10), **names)
    if line is not None:
        axes.axhline(line, color="black", linestyle="--", linewidth=1)
        axes.yaxis.set_major_formatter(PercentFormatter(xmax=1.0, decimals=0, symbol="\N{NO-BREAK SPACE}%"))
    axes.legend(loc="best")
    return finished(figure)


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
    return finished(figure)
