"""Both kinds of models: one finds a border between classes, the other makes samples of chance."""

from __future__ import annotations

import torch

from course.diagrams.canvas import SMALL, Canvas
from course.diagrams.diagram import Diagram
from course.diagrams.palette import GENERATED, GRADIENT, INK, JUDGE, PLAIN, REAL
from course.diagrams.texts import Words

_ROW = 1.85
# The frame of the discriminative model, and what is asked about, within it.
_FRAME, _FRAME_WIDTH, _FRAME_HEIGHT = 1.6, 2.5, 1.5
_ASKED = torch.tensor([0.47, 0.78])


def both_kinds_of_models(language: str | None = None) -> Diagram:
    """Draw a discriminative and a generative model.

    Args:
        language: of the words; None: that of the notebook.
    """
    words = Words(language)
    canvas = Canvas(3.5, words("models_title"))
    canvas.line((4.5, 0.25), (4.5, 2.95), colour=PLAIN.line, weight=0.8)
    probability = _discriminative(canvas, words)
    _generative(canvas, words)
    return Diagram(canvas.figure, words("models_alt", probability=probability))


# --- left -----------------------------------------------------------------------------------------------


def _discriminative(canvas: Canvas, words: Words) -> float:
    """Draw two classes with the border between them, and return what the model says of a sample."""
    canvas.text(0.3, 2.85, words("discriminative"), ha="left", weight="bold", colour=JUDGE.line)
    canvas.text(4.3, 2.85, r"$P(y \mid x)$", ha="right", colour=JUDGE.line)
    circles, squares = _classes()
    weights, bias = border(circles, squares)
    canvas.box(_FRAME, _ROW, _FRAME_WIDTH, _FRAME_HEIGHT)
    for points, shade, marker in ((circles, JUDGE, "o"), (squares, GRADIENT, "s")):
        xs, ys = _placed(points)
        canvas.dots(xs, ys, shade, marker=marker, size=5)
    _border_line(canvas, weights, bias)
    probability = torch.sigmoid(_ASKED @ weights + bias).item()
    _question(canvas, words, probability)
    canvas.text(0.3, 0.74, words("discriminative_learns"), size=SMALL, ha="left")
    canvas.text(0.3, 0.4, words("discriminative_examples"), size=SMALL, ha="left", colour=PLAIN.line)
    return probability


def _classes() -> tuple[torch.Tensor, torch.Tensor]:
    """Return points of two classes in [0, 1] x [0, 1]."""
    chance = torch.Generator().manual_seed(5)
    spread = torch.tensor([0.11, 0.14])
    middles = torch.tensor([[0.3, 0.34], [0.7, 0.6]])
    first, second = (middle + spread * torch.randn(22, 2, generator=chance) for middle in middles)
    return first.clamp(0.06, 0.94), second.clamp(0.06, 0.94)


def border(first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a linear discriminant: weights and bias of the logit of the first class against the second."""
    middles = torch.stack([first.mean(dim=0), second.mean(dim=0)])
    covariance = (first.T.cov() + second.T.cov()) / 2
    weights = torch.linalg.solve(covariance, middles[0] - middles[1])
    return weights, -weights @ middles.mean(dim=0)


def _placed(points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return where points of [0, 1] x [0, 1] are in the frame."""
    corner = torch.tensor([_FRAME - _FRAME_WIDTH / 2, _ROW - _FRAME_HEIGHT / 2])
    xs, ys = (corner + points * torch.tensor([_FRAME_WIDTH, _FRAME_HEIGHT])).unbind(dim=-1)
    return xs, ys


def _border_line(canvas: Canvas, weights: torch.Tensor, bias: torch.Tensor) -> None:
    """Draw where both classes are as probable."""
    heights = torch.tensor([0.0, 1.0])
    ends = torch.stack([-(bias + weights[1] * heights) / weights[0], heights], dim=1)
    xs, ys = _placed(ends)
    (x0, x1), (y0, y1) = xs.tolist(), ys.tolist()
    canvas.line((x0, y0), (x1, y1), colour=INK, weight=2)


def _question(canvas: Canvas, words: Words, probability: float) -> None:
    """Draw a sample of unknown class, and the answer."""
    x, y = (place.item() for place in _placed(_ASKED))
    canvas.dots(torch.tensor([x]), torch.tensor([y]), PLAIN, marker="*", size=13)
    canvas.text(x - 0.02, y + 0.2, "$x$")
    edge = _FRAME + _FRAME_WIDTH / 2
    canvas.arrow((x + 0.1, y), (edge + 0.3, y))
    answers = (("circle", probability, JUDGE), ("square", 1 - probability, GRADIENT))
    for number, (name, share, shade) in enumerate(answers):
        said = f"{words(name)}: {share:.2f}"
        canvas.text(edge + 0.36, y + 0.12 - 0.24 * number, said, size=SMALL, ha="left", colour=shade.line)


# --- right ----------------------------------------------------------------------------------------------


def _generative(canvas: Canvas, words: Words) -> None:
    """Draw random numbers that become samples."""
    canvas.text(4.75, 2.85, words("generative"), ha="left", weight="bold", colour=GENERATED.line)
    canvas.text(8.75, 2.85, "$P(x)$", ha="right", colour=GENERATED.line)
    chance = torch.Generator().manual_seed(1)
    canvas.greys(4.95, _ROW, torch.rand(5, 2, generator=chance), side=0.17)
    canvas.text(4.95, _ROW + 0.65, "$z$")
    canvas.arrow((5.15, _ROW), (5.5, _ROW))
    canvas.network(6.1, _ROW, 1.2, (0.7, 1.2), words("model"), GENERATED, still=False)
    canvas.arrow((6.7, _ROW), (7.05, _ROW))
    canvas.box(7.9, _ROW, 1.7, _FRAME_HEIGHT)
    for shade, marker in ((REAL, "o"), (GENERATED, "D")):
        points = _ring(26, chance)
        canvas.dots(7.9 + 1.5 * points[:, 0], _ROW + 1.25 * points[:, 1], shade, marker=marker, size=4.5)
    canvas.text(4.75, 0.74, words("generative_learns"), size=SMALL, ha="left")
    canvas.text(4.75, 0.4, words("generative_examples"), size=SMALL, ha="left", colour=PLAIN.line)


def _ring(count: int, chance: torch.Generator) -> torch.Tensor:
    """Return random points around a circle, in [-0.5, 0.5] x [-0.5, 0.5]."""
    angles = 2 * torch.pi * torch.rand(count, generator=chance)
    radii = 0.38 + 0.04 * torch.randn(count, generator=chance)
    return radii[:, None] * torch.stack([angles.cos(), angles.sin()], dim=1)
