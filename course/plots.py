"""Pictures: samples, losses, the parts of a GAN, and the film of a training."""

from __future__ import annotations

import base64
import io
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from PIL import Image
from torchvision.utils import make_grid

from course.texts import error
from course.training import LossHistory

if TYPE_CHECKING:
    from IPython.display import HTML

REAL_COLOUR, FAKE_COLOUR = "#0969da", "#bc4c00"
_CURVE_COLOURS = (REAL_COLOUR, FAKE_COLOUR, "#1a7f37", "#8250df")


def _finished(figure: Figure) -> Figure:
    """Close a figure, so that a notebook shows it once: as the value of its cell."""
    figure.tight_layout()
    plt.close(figure)
    return figure


def _draw_points(axes: Axes, samples: torch.Tensor, colour: str, label: str | None) -> None:
    points = samples.detach().cpu()
    axes.plot(points[:, 0], points[:, 1], ".", color=colour, markersize=4, label=label)


def scatter(
    samples: torch.Tensor,
    *,
    title: str,
    reference: torch.Tensor | None = None,
    labels: tuple[str, str] | None = None,
) -> Figure:
    """Draw points in the plane.

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
    axes.set(title=title, xlabel="$x_1$", ylabel="$x_2$", xlim=(-0.8, 7.1), ylim=(-1.6, 1.6))
    if labels:
        axes.legend(loc="upper right")
    return _finished(figure)


def loss_curves(history: LossHistory, *, title: str, xlabel: str, ylabel: str) -> Figure:
    """Draw both losses over the steps, with a line at ln 2: the loss of a coin toss.

    Args:
        history: of a training run.
        title: of the figure.
        xlabel: name of the axis of steps.
        ylabel: name of the axis of losses.
    """
    figure, axes = plt.subplots(figsize=(6.5, 3.2))
    axes.plot(history.discriminator, color=REAL_COLOUR, linewidth=0.7, label="$D$")
    axes.plot(history.generator, color=FAKE_COLOUR, linewidth=0.7, label="$G$")
    axes.axhline(math.log(2), color="black", linestyle="--", linewidth=1, label=r"$\ln 2$")
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    axes.legend(loc="upper right")
    return _finished(figure)


def curves(
    named: Mapping[str, Sequence[float]],
    *,
    title: str,
    xlabel: str,
    ylabel: str,
    smooth: int = 1,
    start: int = 0,
    mark: tuple[int, str] | None = None,
) -> Figure:
    """Draw several curves over the steps.

    Args:
        named: the curves, by the label that each gets.
        title: of the figure.
        xlabel: name of the axis of steps.
        ylabel: name of the other axis.
        smooth: how many steps to average over; what is averaged away stays visible, pale.
        start: number of the first step.
        mark: a step to mark, and what to call it.
    """
    figure, axes = plt.subplots(figsize=(6.5, 3.2))
    for (label, values), colour in zip(named.items(), _CURVE_COLOURS, strict=False):
        places = range(start, start + len(values))
        axes.plot(places, values, color=colour, linewidth=0.7, alpha=1.0 if smooth == 1 else 0.25)
        window = min(smooth, max(len(values), 1))
        mean = np.convolve(values, np.ones(window) / window, mode="valid") if len(values) else np.zeros(0)
        axes.plot(places[window - 1 :], mean, color=colour, linewidth=1.2, label=label)
    if mark is not None:
        axes.axvline(mark[0], color="black", linestyle="--", linewidth=1, label=mark[1])
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    axes.legend(loc="best")
    return _finished(figure)


def image_grid(images: torch.Tensor, *, title: str, columns: int = 8) -> Figure:
    """Draw pictures in rows.

    Args:
        images: shape (n, 1, height, width) or (n, 3, height, width), in [-1, 1]; or uint8 of shape
            (n, height, width), from 0 to 255.
        title: of the figure.
        columns: pictures of a row.
    """
    grid = _tiled(images, columns)
    rows = math.ceil(len(images) / columns)
    figure, axes = plt.subplots(figsize=(0.7 * columns, 0.7 * rows + 0.4))
    axes.imshow(grid, cmap="gray", vmin=0.0, vmax=1.0)
    axes.set_title(title)
    axes.axis("off")
    return _finished(figure)


def _tiled(images: torch.Tensor, columns: int) -> np.ndarray:
    """Return pictures side by side, as one picture of shape (height, width, 3), in [0, 1]."""
    shown = images.detach().cpu().float()
    shown = shown.unsqueeze(1) / 255 if images.dtype == torch.uint8 else shown.clamp(-1, 1) * 0.5 + 0.5
    grid = make_grid(shown, nrow=columns, padding=2, pad_value=1.0)
    picture: np.ndarray = grid.permute(1, 2, 0).numpy()
    return picture


def histograms(named: Mapping[str, torch.Tensor], *, xlabel: str, ylabel: str, bins: int = 60) -> Figure:
    """Draw histograms side by side, each with a scale of its own.

    Args:
        named: the numbers, by the title that each histogram gets.
        xlabel: name of the axes of values.
        ylabel: name of the axis of counts.
        bins: of each histogram.
    """
    figure, panels = plt.subplots(1, len(named), figsize=(3.4 * len(named), 2.6), squeeze=False)
    for axes, (title, values), colour in zip(panels[0], named.items(), _CURVE_COLOURS, strict=False):
        axes.hist(values.detach().cpu().flatten().numpy(), bins=bins, color=colour)
        axes.set(title=title, xlabel=xlabel)
    panels[0][0].set_ylabel(ylabel)
    return _finished(figure)


def class_bars(shares: Mapping[str, Sequence[float]], *, title: str, xlabel: str, ylabel: str) -> Figure:
    """Draw how often each digit occurs, as bars side by side.

    Args:
        shares: of the ten digits, by the label that each set of pictures gets.
        title: of the figure.
        xlabel: name of the axis of digits.
        ylabel: name of the axis of shares.
    """
    figure, axes = plt.subplots(figsize=(6.5, 2.8))
    width = 0.8 / max(len(shares), 1)
    for number, ((label, values), colour) in enumerate(zip(shares.items(), _CURVE_COLOURS, strict=False)):
        places = [digit + (number - (len(shares) - 1) / 2) * width for digit in range(len(values))]
        axes.bar(places, values, width=width, color=colour, label=label)
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel, xticks=range(10))
    axes.legend(loc="best")
    return _finished(figure)


def confusion_matrices(
    named: Mapping[str, tuple[np.ndarray, np.ndarray]], *, classes: Sequence[str], xlabel: str, ylabel: str
) -> Figure:
    """Draw how often each class is taken for each, one matrix beside the other, by scikit-learn.

    Args:
        named: true and predicted labels, by the title that each matrix gets.
        classes: names of the labels 0, 1, ….
        xlabel: name of the axes of predictions.
        ylabel: name of the axis of true labels.
    """
    from sklearn.metrics import ConfusionMatrixDisplay  # only here: it is slow to import

    figure, panels = plt.subplots(1, len(named), figsize=(3.0 * len(named), 2.9), squeeze=False)
    for axes, (title, (labels, predicted)) in zip(panels[0], named.items(), strict=True):
        ConfusionMatrixDisplay.from_predictions(
            labels,
            predicted,
            labels=range(len(classes)),
            display_labels=classes,
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
) -> Figure:
    """Draw numbers with their intervals, below each other.

    Args:
        named: number, lower and upper end, by the label that each gets.
        title: of the figure.
        xlabel: name of the axis of numbers.
        points: single results to show above the intervals, by label.
        line: where to draw a vertical line to compare with.
    """
    figure, axes = plt.subplots(figsize=(6.5, 1.1 + 0.38 * len(named)))
    for row, (label, (middle, low, high)) in enumerate(named.items()):
        single = (points or {}).get(label, ())
        axes.plot(single, [row - 0.22] * len(single), "o", color=FAKE_COLOUR, markersize=4, alpha=0.6)
        axes.plot([low, high], [row, row], color=REAL_COLOUR, linewidth=2.5)
        axes.plot([middle], [row], "s", color=REAL_COLOUR, markersize=6)
    if line is not None:
        axes.axvline(line, color="black", linestyle="--", linewidth=1)
    axes.set(title=title, xlabel=xlabel, yticks=range(len(named)), yticklabels=list(named))
    axes.set_ylim(len(named) - 0.5, -0.5)
    return _finished(figure)


def gan_diagram(labels: tuple[str, str, str, str, str]) -> Figure:
    """Draw how the parts of a GAN are connected.

    Args:
        labels: names of latent samples, generator, real data, discriminator and its answer.
    """
    figure, axes = plt.subplots(figsize=(8, 2.6))
    places = [(0.9, 1.0), (3.1, 1.0), (3.1, 2.3), (5.6, 1.65), (8.0, 1.65)]
    colours = ["#f6f8fa", "#fff1e5", "#ddf4ff", "#dafbe1", "#f6f8fa"]
    for (x, y), label, colour in zip(places, labels, colours, strict=True):
        axes.add_patch(
            FancyBboxPatch((x - 0.8, y - 0.35), 1.6, 0.7, boxstyle="round,pad=0.05", fc=colour, ec="#57606a")
        )
        axes.text(x, y, label, ha="center", va="center", fontsize=9)
    for start, end in [((1.78, 1.0), (2.22, 1.0)), ((3.98, 1.05), (4.72, 1.5)), ((3.98, 2.25), (4.72, 1.8))]:
        axes.annotate("", xy=end, xytext=start, arrowprops={"arrowstyle": "->", "color": "#57606a"})
    axes.annotate(
        "", xy=(7.12, 1.65), xytext=(6.48, 1.65), arrowprops={"arrowstyle": "->", "color": "#57606a"}
    )
    axes.set(xlim=(0, 9), ylim=(0.4, 2.9))
    axes.axis("off")
    return _finished(figure)


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
        figure.tight_layout()
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        plt.close(figure)
        self._frames.append(Image.open(buffer).convert("RGB").quantize(colors=32))

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
    """A film of points in the plane.

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
        _draw_points(axes, self._reference, "#a5d6ff", None)
        _draw_points(axes, samples, FAKE_COLOUR, None)
        axes.set(title=title, xlim=(-0.8, 7.1), ylim=(-1.8, 1.8), **self._names)
        return figure


class ImageGifRecorder(_Film):
    """A film of pictures in rows: samples of shape (n, channels, height, width), in [-1, 1].

    Args:
        columns: pictures of a row.
    """

    def __init__(self, columns: int = 8) -> None:
        super().__init__()
        self._columns = columns

    def _draw(self, samples: torch.Tensor, title: str) -> Figure:
        figure, axes = plt.subplots(figsize=(4.2, 2.6), dpi=80)
        axes.imshow(_tiled(samples, self._columns), cmap="gray")
        axes.set_title(title)
        axes.axis("off")
        return figure
