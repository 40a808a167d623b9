"""Functions whose results are looked at more closely before a check takes them.

A check takes a number in any form and a data set with any labels. Where a text asks for more, a check cell
wraps the student's function: `checks.scalars("mean.value", plain_number(mean), cases)`.
"""

from __future__ import annotations

import functools
import numbers
from collections.abc import Callable
from typing import Any

from torch.utils.data import default_collate

from autograder.checks.calling import call_student
from autograder.messages import CheckFailed, add_texts

TEXTS = add_texts(__package__, "results")


def plain_number(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that calls another and lets numbers of Python pass, and no tensors or arrays."""

    def look(result: Any) -> None:
        if isinstance(result, bool) or not isinstance(result, (int, float)):
            raise CheckFailed("no_plain_number", seen=_name(result))

    return _looked_at(function, look)


def whole_number(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that calls another and lets integers pass, those of NumPy too."""

    def look(result: Any) -> None:
        if isinstance(result, bool) or not isinstance(result, numbers.Integral):
            raise CheckFailed("no_whole_number", seen=_name(result))

    return _looked_at(function, look)


def loadable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that calls another and lets a data set pass that `DataLoader` can make batches of."""

    def look(result: Any) -> None:
        try:
            items = [result[index] for index in range(min(2, len(result)))]
        except (TypeError, IndexError, KeyError):
            return  # what is no data set is said by the check
        if not items or not all(isinstance(item, (tuple, list)) and len(item) == 2 for item in items):
            return
        try:
            default_collate(items)
        except (TypeError, RuntimeError):
            raise CheckFailed("not_loadable", seen=_name(items[0][1])) from None

    return _looked_at(function, look)


def _looked_at(function: Callable[..., Any], look: Callable[[Any], None]) -> Callable[..., Any]:
    if not callable(function):
        return function  # a check says so

    @functools.wraps(function)
    def call(*args: Any, **named: Any) -> Any:
        result = call_student(function, *args, **named)
        if result is not None:  # a check says what is missing
            look(result)
        return result

    return call


def _name(value: Any) -> str:
    return type(value).__name__
