"""The gradient penalty: points between real and generated samples, and the critic's slope at each of them."""

from __future__ import annotations

import torch

from course.diagrams.canvas import SMALL, Canvas
from course.diagrams.diagram import Diagram
from course.diagrams.palette import GENERATED, GRADIENT, INK, MUTED, REAL
from course.diagrams.texts import Words

_REAL = torch.tensor([[1.15, 2.55], [0.8, 1.95], [1.35, 1.45], [0.75, 0.9]])
_GENERATED = torch.tensor([[3.95, 2.75], [4.35, 2.15], [4.05, 1.35], [4.4, 0.62]])
_WEIGHTS = torch.tensor([0.3, 0.62, 0.45, 0.75])
# Inches of an arrow for a gradient of norm 1.
_LENGTH = 0.42
# The plot of the penalty: where its corner is, and inches for 1 on each axis.
_CORNER, _ACROSS, _UP = (5.9, 0.75), 1.25, 1.6


def gradient_penalty(language: str | None = None) -> Diagram:
    """Draw the interpolation between real and generated samples, and the gradient penalty.

    Args:
        language: of the words; None: that of the notebook.
    """
    words = Words(language)
    canvas = Canvas(3.7, words("penalty_title"))
    points, gradients = interpolated()
    norms = gradients.norm(dim=1)
    penalties = (norms - 1) ** 2
    _segments(canvas, words, points, gradients)
    canvas.text(2.6, 0.28, r"$\hat{x} = x + a\,(\tilde{x} - x), \quad a \sim U[0, 1]$")
    canvas.line((5.1, 0.25), (5.1, 3.2), colour=MUTED, weight=0.8)
    _parabola(canvas, words, norms, penalties)
    mean = penalties.mean().item()
    return Diagram(canvas.figure, words("penalty_alt", mean=mean))


def critic(sample: torch.Tensor) -> torch.Tensor:
    """Return a score that rises to the left, and the steeper the higher a sample lies."""
    x, y = sample.unbind()
    return -(0.1 + 0.62 * y) * (x - 3)


def interpolated() -> tuple[torch.Tensor, torch.Tensor]:
    """Return the points between the samples, and the gradients of the critic's scores there."""
    points = torch.lerp(_REAL, _GENERATED, _WEIGHTS[:, None])
    return points, torch.func.vmap(torch.func.grad(critic))(points)


def _segments(canvas: Canvas, words: Words, points: torch.Tensor, gradients: torch.Tensor) -> None:
    """Draw samples, the segments between them, and a point with its gradient on each."""
    for real, generated in zip(_REAL.tolist(), _GENERATED.tolist(), strict=True):
        canvas.line((real[0], real[1]), (generated[0], generated[1]), weight=1.0, above=False)
    for samples, shade in ((_REAL, REAL), (_GENERATED, GENERATED)):
        canvas.dots(samples[:, 0], samples[:, 1], shade, size=9)
    for number, (point, gradient) in enumerate(zip(points, gradients, strict=True), start=1):
        end = (point + _LENGTH * gradient).tolist()
        canvas.arrow((point[0].item(), point[1].item()), (end[0], end[1]), shade=GRADIENT)
        canvas.text(point[0].item() + 0.05, point[1].item() + 0.21, rf"$\hat{{x}}_{number}$", colour=INK)
    canvas.dots(points[:, 0], points[:, 1], GRADIENT, marker="D", size=7)
    canvas.text(0.3, 3.1, words("penalty_real"), size=SMALL, ha="left", colour=REAL.line)
    canvas.text(4.95, 3.1, words("penalty_generated"), size=SMALL, ha="right", colour=GENERATED.line)
    canvas.text(2.6, 3.1, words("penalty_gradients"), size=SMALL, colour=GRADIENT.line)


def _parabola(canvas: Canvas, words: Words, norms: torch.Tensor, penalties: torch.Tensor) -> None:
    """Draw how each norm is punished."""
    (left, low), (across, up) = _CORNER, (_ACROSS, _UP)
    canvas.arrow((left, low), (left + 2.1 * across, low))
    canvas.arrow((left, low), (left, low + 1.25 * up))
    curve = torch.linspace(0, 2, 81)
    places = [(left + across * norm, low + up * (norm - 1) ** 2) for norm in curve.tolist()]
    canvas.line(*places, colour=MUTED, weight=1.6, above=False)
    canvas.dots(left + across * norms, low + up * penalties, GRADIENT, marker="D", size=7)
    for number, (norm, penalty) in enumerate(zip(norms.tolist(), penalties.tolist(), strict=True), start=1):
        aside = max(-1.0, min(1.0, 4 * (1 - norm)))  # within the curve
        place = (left + across * norm + 0.22 * aside, low + up * penalty + 0.24 - 0.16 * abs(aside))
        canvas.text(*place, rf"$\hat{{x}}_{number}$")
    for norm in (0, 1, 2):
        canvas.text(left + across * norm, low - 0.16, str(norm), size=SMALL)
    canvas.text(left + across, low - 0.42, words("penalty_norm"), size=SMALL)
    canvas.text(left + across, 3.1, r"$(\Vert \nabla D(\hat{x}) \Vert - 1)^2$")
    said = words("penalty_mean", mean=penalties.mean().item())
    canvas.text(left + across, 2.75, said, size=SMALL, gid="mean", colour=GRADIENT.line)
