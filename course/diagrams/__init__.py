"""Diagrams that the labs explain things with, drawn by code in the language of the notebook."""

from __future__ import annotations

from course.diagrams.convolutions import strided_convolution, transposed_convolution
from course.diagrams.gan import gan_architecture, gan_discriminator_step, gan_generator_step
from course.diagrams.growing import fade_in
from course.diagrams.minibatch import minibatch_deviation
from course.diagrams.models import both_kinds_of_models
from course.diagrams.penalty import gradient_penalty
from course.diagrams.sequences import padded_batch
from course.diagrams.weights import equalised_convolution

__all__ = [
    "both_kinds_of_models",
    "equalised_convolution",
    "fade_in",
    "gan_architecture",
    "gan_discriminator_step",
    "gan_generator_step",
    "gradient_penalty",
    "minibatch_deviation",
    "padded_batch",
    "strided_convolution",
    "transposed_convolution",
]
