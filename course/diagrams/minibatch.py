"""The deviation of a batch as one more channel: of pictures that differ, and of one that is repeated."""

from __future__ import annotations

import torch

from course.diagrams.canvas import SMALL, Canvas, Cells
from course.diagrams.diagram import Diagram
from course.diagrams.palette import GENERATED, GRADIENT, JUDGE, Shade
from course.diagrams.texts import Words

_VARIED = torch.tensor([[[1, 5], [0, 2]], [[3, 1], [6, 4]], [[8, 0], [3, 0]]], dtype=torch.float32)
_REPEATED = _VARIED[1].expand(3, 2, 2)
_SIDE = 0.34
_DEVIATION, _MEAN = 4.05, 5.45


def minibatch_deviation(language: str | None = None) -> Diagram:
    """Draw the way from a batch to its deviation, their mean, and the channel made of it.

    Args:
        language: of the words; None: that of the notebook.
    """
    words = Words(language)
    canvas = Canvas(4.0, words("minibatch_title"))
    places = {"batch": 2.1, "deviation": _DEVIATION, "mean": _MEAN, "channel": 7.55}
    for name, x in places.items():
        canvas.text(x, 3.33, words(f"minibatch_{name}"), size=SMALL)
    for name, row, batch in (("varied", 2.33, _VARIED), ("repeated", 0.83, _REPEATED)):
        canvas.text(0.3, row, words(f"minibatch_{name}"), size=SMALL, ha="left")
        _row(canvas, row, batch)
    canvas.line((0.3, 1.58), (8.7, 1.58), colour="#d0d7de", weight=0.8)
    varied, repeated = (mean_deviation(batch)[1].item() for batch in (_VARIED, _REPEATED))
    return Diagram(canvas.figure, words("minibatch_alt", varied=varied, repeated=repeated))


def mean_deviation(batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the deviation of each number over the batch, and the mean of them all."""
    deviations = batch.std(dim=0, correction=0)
    return deviations, deviations.mean()


def _row(canvas: Canvas, row: float, batch: torch.Tensor) -> None:
    """Draw one batch, and what becomes of it."""
    deviations, mean = mean_deviation(batch)
    for number, picture in enumerate(batch):
        canvas.numbers(1.4 + 0.8 * number, row, picture, "batch", side=_SIDE, shade=_plain(GENERATED))
    canvas.arrow((3.4, row), (3.6, row))
    canvas.numbers(_DEVIATION, row, deviations, "deviation", side=0.42, shade=_plain(JUDGE), form="{:.2f}")
    canvas.arrow((4.55, row), (5.0, row))
    canvas.box(_MEAN, row, 0.8, 0.46, f"{mean.item():.2f}", GRADIENT, weight="bold", gid="mean")
    canvas.arrow((5.9, row), (6.3, row))
    for number, picture in enumerate(batch):
        _with_channel(canvas, 6.8 + 0.85 * number, row, picture, mean)


def _with_channel(canvas: Canvas, x: float, row: float, picture: torch.Tensor, mean: torch.Tensor) -> None:
    """Draw a picture with the constant channel below it."""
    canvas.numbers(x, row + 0.33, picture, "kept", side=0.3, shade=_plain(GENERATED))
    channel = mean.expand(*picture.shape)
    canvas.numbers(x, row - 0.33, channel, "channel", side=0.3, shade=_plain(GRADIENT), form="{:.1f}")


def _plain(shade: Shade) -> Cells:
    return lambda row, column: shade
