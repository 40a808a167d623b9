"""Helpers of training loops: a progress bar and curves of what happened."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

import torch
from tqdm.std import tqdm

from course.budget import mode
from course.texts import error, localized

Item = TypeVar("Item")


def progress(iterable: Iterable[Item], description: str = "") -> Iterator[Item]:
    """Yield the items of an iterable and show how far the loop is.

    The bar goes to standard output: nbgrader takes anything on standard error for a failure. It stays
    away with COURSE_PROGRESS=off and while a class is graded.
    """
    hidden = os.environ.get("COURSE_PROGRESS") == "off" or mode() == "grading"
    yield from tqdm(iterable, desc=description, file=sys.stdout, disable=hidden, ncols=80)


class History:
    """Curves of a training run: named lists of numbers that grow by one entry per training step.

    Args:
        *names: of the curves; each is an attribute, a list of floats.
    """

    def __init__(self, *names: str) -> None:
        self._curves: dict[str, list[float]] = {name: [] for name in names}

    def record(self, **values: torch.Tensor | float) -> None:
        """Add one entry to every curve: numbers, or tensors with one element.

        Raises:
            TypeError: if a value is anything else, or the names are not those of the curves.
        """
        if set(values) != set(self._curves):
            raise error(TypeError, "curve_names", expected=", ".join(self._curves), seen=", ".join(values))
        numbers = {name: _number(name, value) for name, value in values.items()}
        for name, number in numbers.items():
            self._curves[name].append(number)

    def __getattr__(self, name: str) -> list[float]:
        curves: dict[str, list[float]] = self.__dict__.get("_curves", {})
        if name not in curves:
            raise error(AttributeError, "no_curve", seen=name, known=", ".join(curves))
        return curves[name]

    def __len__(self) -> int:
        return max((len(curve) for curve in self._curves.values()), default=0)

    def __repr__(self) -> str:
        return localized("history", name=type(self).__name__, steps=len(self))


class LossHistory(History):
    """The losses of both networks, one entry per training step.

    Attributes:
        discriminator: losses of the discriminator, as floats.
        generator: losses of the generator, as floats.
    """

    discriminator: list[float]
    generator: list[float]

    def __init__(self) -> None:
        super().__init__("discriminator", "generator")


def _number(name: str, value: torch.Tensor | float) -> float:
    """Return a value as a float that belongs to no gradient graph."""
    if isinstance(value, torch.Tensor):
        if value.numel() != 1:
            raise error(TypeError, "curve_shape", name=name, shape=tuple(value.shape))
        return float(value.detach())
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise error(TypeError, "curve_type", name=name, seen=type(value).__name__)
    return float(value)
