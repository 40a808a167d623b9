"""Helpers of training loops: a progress bar and a history of losses."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

import torch
from tqdm.std import tqdm

from course.budget import mode

Item = TypeVar("Item")


def progress(iterable: Iterable[Item], description: str = "") -> Iterator[Item]:
    """Yield the items of an iterable and show how far the loop is.

    The bar goes to standard output: nbgrader takes anything on standard error for a failure. It stays
    away with COURSE_PROGRESS=off and while a class is graded.
    """
    hidden = os.environ.get("COURSE_PROGRESS") == "off" or mode() == "grading"
    yield from tqdm(iterable, desc=description, file=sys.stdout, disable=hidden, ncols=80)


class LossHistory:
    """The losses of both networks, one entry per training step.

    Attributes:
        discriminator: losses of the discriminator, as floats.
        generator: losses of the generator, as floats.
    """

    def __init__(self) -> None:
        self.discriminator: list[float] = []
        self.generator: list[float] = []

    def record(self, *, discriminator: torch.Tensor | float, generator: torch.Tensor | float) -> None:
        """Add the losses of one step: numbers, or tensors with one element.

        Raises:
            TypeError: if a loss is anything else.
        """
        losses = (_number("discriminator", discriminator), _number("generator", generator))
        self.discriminator.append(losses[0])
        self.generator.append(losses[1])

    def __len__(self) -> int:
        return len(self.discriminator)

    def __repr__(self) -> str:
        return f"LossHistory({len(self)} steps)"


def _number(name: str, loss: torch.Tensor | float) -> float:
    """Return a loss as a float that belongs to no gradient graph."""
    if isinstance(loss, torch.Tensor):
        if loss.numel() != 1:
            raise TypeError(f"the {name} loss must be one number, not a tensor of shape {tuple(loss.shape)}")
        return float(loss.detach())
    if isinstance(loss, bool) or not isinstance(loss, (int, float)):
        raise TypeError(
            f"the {name} loss must be one number, not a {type(loss).__name__}; does the step return it?"
        )
    return float(loss)
