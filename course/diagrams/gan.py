"""A GAN: its parts, the discriminator's step and the generator's; what they share stands in one place."""

from __future__ import annotations

import math

import torch

from course.diagrams.canvas import SMALL, Canvas
from course.diagrams.diagram import Diagram
from course.diagrams.palette import GENERATED, GRADIENT, JUDGE, PLAIN, REAL, Shade
from course.diagrams.texts import Words

# Of the rows of real and of generated samples, and of what stands between them.
_UPPER, _LOWER = 2.5, 1.15
_MIDDLE = (_UPPER + _LOWER) / 2
_LATENT, _GENERATOR, _SAMPLES, _DISCRIMINATOR, _ANSWER, _LOSS = 0.65, 1.9, 3.7, 5.65, 7.15, 8.4
_SAMPLES_WIDTH, _NETWORK_WIDTH, _ANSWER_WIDTH, _LOSS_WIDTH = 1.35, 1.4, 0.85, 0.8
_LATENT_SIDE = 0.17


def gan_architecture(language: str | None = None) -> Diagram:
    """Draw the parts of a GAN, from latent vectors to the discriminator's answers.

    Args:
        language: of the words; None: that of the notebook.
    """
    words = Words(language)
    canvas = Canvas(3.5, words("gan_architecture_title"))
    _generated_row(canvas, words, _LOWER, generator_still=False)
    _real_samples(canvas, words)
    _tall_discriminator(canvas, words)
    for row, answer, shade in ((_UPPER, "$D(x)$", REAL), (_LOWER, "$D(G(z))$", GENERATED)):
        _into_discriminator(canvas, row)
        _answer(canvas, row, answer, shade)
    _gauge(canvas, words)
    return Diagram(canvas.figure, words("gan_architecture_alt"))


def gan_discriminator_step(language: str | None = None) -> Diagram:
    """Draw the discriminator's step: both labels, and where the gradient stops.

    Args:
        language: of the words; None: that of the notebook.
    """
    words = Words(language)
    canvas = Canvas(3.5, words("discriminator_step_title"))
    _generated_row(canvas, words, _LOWER, generator_still=True)
    canvas.text(_GENERATOR, 0.32, words("stays"), size=SMALL)
    _real_samples(canvas, words)
    _tall_discriminator(canvas, words)
    canvas.text(_DISCRIMINATOR, 0.32, words("moves"), size=SMALL, colour=JUDGE.line)
    _loss(canvas, words, _MIDDLE)
    for row, answer, label, shade in ((_UPPER, "$D(x)$", 1, REAL), (_LOWER, "$D(G(z))$", 0, GENERATED)):
        _into_discriminator(canvas, row)
        _answer(canvas, row, answer, shade, words("label", label=label), below=label == 0)
        side = math.copysign(0.4, row - _MIDDLE)
        canvas.arrow((_ANSWER + _ANSWER_WIDTH / 2, row), (_LOSS, row), (_LOSS, _MIDDLE + side))
    _gradient_that_stops(canvas, words)
    return Diagram(canvas.figure, words("discriminator_step_alt"))


def gan_generator_step(language: str | None = None) -> Diagram:
    """Draw the generator's step: the label, and the gradient's way through the discriminator.

    Args:
        language: of the words; None: that of the notebook.
    """
    words = Words(language)
    canvas = Canvas(2.8, words("generator_step_title"))
    row = 1.45
    _generated_row(canvas, words, row, generator_still=False)
    canvas.network(_DISCRIMINATOR, row, _NETWORK_WIDTH, (1.3, 0.8), words("discriminator"), JUDGE, still=True)
    _into_discriminator(canvas, row)
    _answer(canvas, row, "$D(G(z))$", REAL, words("label", label=1))
    _loss(canvas, words, row)
    canvas.arrow((_ANSWER + _ANSWER_WIDTH / 2, row), (_LOSS - _LOSS_WIDTH / 2, row))
    canvas.text(_GENERATOR, 0.42, words("moves"), size=SMALL, colour=GENERATED.line)
    canvas.text(_DISCRIMINATOR, 0.42, words("stays"), size=SMALL)
    _gradient_that_passes(canvas, words, row)
    return Diagram(canvas.figure, words("generator_step_alt"))


# --- parts ----------------------------------------------------------------------------------------------


def _generated_row(canvas: Canvas, words: Words, row: float, *, generator_still: bool) -> None:
    """Draw latent vectors, generator and generated samples."""
    _latent_vectors(canvas, words, row)
    canvas.network(
        _GENERATOR, row, _NETWORK_WIDTH, (0.7, 1.2), words("generator"), GENERATED, still=generator_still
    )
    noise = 0.05 * torch.randn(60, 2, generator=torch.Generator().manual_seed(3))
    points = (0.05 + 0.9 * (_sine(60) + noise)).clamp(0.05, 0.95)
    canvas.cloud(_SAMPLES, row, _SAMPLES_WIDTH, 0.8, points, GENERATED)
    canvas.text(_SAMPLES, row - 0.58, words("generated_samples"), size=SMALL, colour=GENERATED.line)
    canvas.arrow((_LATENT + _LATENT_SIDE * 1.2, row), (_GENERATOR - _NETWORK_WIDTH / 2, row))
    canvas.arrow((_GENERATOR + _NETWORK_WIDTH / 2, row), (_SAMPLES - _SAMPLES_WIDTH / 2, row))


def _latent_vectors(canvas: Canvas, words: Words, row: float) -> None:
    """Draw some random numbers as greys, and what they are."""
    values = torch.rand(5, 2, generator=torch.Generator().manual_seed(0))
    canvas.greys(_LATENT, row, values, side=_LATENT_SIDE)
    canvas.text(_LATENT, row - 0.72, words("latent"), size=SMALL)


def _real_samples(canvas: Canvas, words: Words) -> None:
    canvas.cloud(_SAMPLES, _UPPER, _SAMPLES_WIDTH, 0.8, _sine(60), REAL)
    canvas.text(_SAMPLES, _UPPER - 0.56, words("real_samples"), size=SMALL, colour=REAL.line)


def _sine(count: int) -> torch.Tensor:
    """Return points of the sine curve within [0, 1] x [0, 1]."""
    turn = torch.linspace(0, 1, count)
    return torch.stack([0.08 + 0.84 * turn, 0.5 + 0.36 * torch.sin(2 * math.pi * turn)], dim=1)


def _tall_discriminator(canvas: Canvas, words: Words) -> None:
    """Draw a discriminator that both rows go through."""
    sides = (2.35, 1.9)
    canvas.network(_DISCRIMINATOR, _MIDDLE, _NETWORK_WIDTH, sides, words("discriminator"), JUDGE, still=False)


def _into_discriminator(canvas: Canvas, row: float) -> None:
    canvas.arrow((_SAMPLES + _SAMPLES_WIDTH / 2, row), (_DISCRIMINATOR - _NETWORK_WIDTH / 2, row))


def _answer(
    canvas: Canvas, row: float, said: str, shade: Shade, label: str = "", *, below: bool = False
) -> None:
    """Draw what the discriminator says of a sample, perhaps beside the label that it is compared with."""
    canvas.arrow((_DISCRIMINATOR + _NETWORK_WIDTH / 2, row), (_ANSWER - _ANSWER_WIDTH / 2, row))
    canvas.box(_ANSWER, row, _ANSWER_WIDTH, 0.42, said, PLAIN)
    if label:
        place = row - 0.38 if below else row + 0.38
        style = {"size": SMALL, "colour": shade.line, "weight": "bold"}
        canvas.box(_ANSWER, place, _ANSWER_WIDTH, 0.28, label, shade, **style)


def _gauge(canvas: Canvas, words: Words) -> None:
    """Draw the scale of the discriminator's answers."""
    x, low, high = 8.2, _LOWER - 0.12, _UPPER + 0.12
    for row in (_UPPER, _LOWER):
        canvas.arrow((_ANSWER + _ANSWER_WIDTH / 2, row), (x - 0.03, row))
    canvas.line((x, low), (x, high), weight=4, colour=JUDGE.line)
    for end in (low, high):
        canvas.line((x - 0.1, end), (x + 0.1, end), weight=2.5, colour=JUDGE.line)
    canvas.text(x, high + 0.2, words("surely_real"), colour=REAL.line)
    canvas.text(x, low - 0.2, words("surely_generated"), colour=GENERATED.line)
    canvas.text(_ANSWER, _MIDDLE, words("probability"), size=SMALL)
    canvas.text(x + 0.1, _MIDDLE, words("goal"), size=SMALL, ha="left", colour=JUDGE.line)


def _loss(canvas: Canvas, words: Words, row: float) -> None:
    canvas.box(_LOSS, row, _LOSS_WIDTH, 0.8, words("loss"), weight="bold")


# --- gradients ------------------------------------------------------------------------------------------


def _gradient_that_stops(canvas: Canvas, words: Words) -> None:
    """Draw the gradient from the loss into the discriminator, and the end of its way to the generator."""
    right, left = _DISCRIMINATOR + _NETWORK_WIDTH / 2, _DISCRIMINATOR - _NETWORK_WIDTH / 2
    canvas.arrow(
        (_LOSS - _LOSS_WIDTH / 2, _MIDDLE), (right - 0.1, _MIDDLE), shade=GRADIENT, weight=1.8, dashed=True
    )
    canvas.text(
        (_LOSS - _LOSS_WIDTH / 2 + right) / 2, _MIDDLE + 0.15, words("gradient"), colour=GRADIENT.line
    )
    wall = left - 0.3
    canvas.arrow((left + 0.15, _LOWER - 0.22), (wall, _LOWER - 0.22), shade=GRADIENT, weight=1.8, dashed=True)
    canvas.line((wall, 0.42), (wall, _LOWER + 0.22), colour=GRADIENT.line, weight=4)
    canvas.text(wall + 0.03, 0.23, words("stops"), size=SMALL, colour=GRADIENT.line, ha="right")


def _gradient_that_passes(canvas: Canvas, words: Words, row: float) -> None:
    """Draw the gradient from the loss through the discriminator to the generator."""
    below = row - 0.3
    start, end = (_LOSS - _LOSS_WIDTH / 2, below), (_GENERATOR + 0.3, below)
    canvas.arrow(start, end, shade=GRADIENT, weight=1.8, dashed=True)
    canvas.text(7.65, row - 0.65, words("gradient_passes"), size=SMALL, colour=GRADIENT.line)
