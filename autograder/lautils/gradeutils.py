"""Comparisons of numbers and lists under the names of `lautils.gradeutils`.

What differs from the original:

- numbers are compared by Python's operators and not by evaluating a text, so infinity works, and NaN is
  refused with a sentence instead of a NameError;
- positions that only one of two lists has never count as a coincidence;
- two empty lists coincide completely instead of dividing by zero;
- that lists differ in length is printed and not warned of: nbgrader takes any stderr for a failed cell.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from autograder.messages import say

# The original names an operator by the hexadecimal codes of its characters.
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "3c": operator.lt,
    "3e": operator.gt,
    "3c3d": operator.le,
    "3e3d": operator.ge,
    "3d3d": operator.eq,
    "213d": operator.ne,
}


def new_representation(num: Any) -> str:
    """Return a number as hexadecimal text, exactly.

    Args:
        num: anything that `float` takes: a number, a text; an array or tensor of one element.

    Raises:
        ValueError: if it is no number.
    """
    try:
        return float(num.item() if isinstance(num, (torch.Tensor, np.ndarray)) else num).hex()
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise ValueError(say("not_a_number", seen=_describe(num))) from None


def hex_to_float(hex_str: str) -> float:
    """Return the number that a hexadecimal text such as "0x1.8p+0" stands for.

    Raises:
        ValueError: if it stands for none.
    """
    try:
        return float.fromhex(hex_str)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(say("not_hexadecimal", seen=_describe(hex_str))) from None


def compare_numbers(num1_hex: str, operator_hex: str, num2_hex: str) -> bool:
    """Compare two numbers, such as a loss and its threshold.

    Args:
        num1_hex: the first number, as `new_representation` gives it.
        operator_hex: "3c" <, "3e" >, "3c3d" <=, "3e3d" >=, "3d3d" ==, "213d" !=.
        num2_hex: the second number.

    Returns:
        The result; False if a number is NaN, whatever the operator, and a line says so.

    Raises:
        ValueError: if a number or the operator is none.
    """
    first, second = hex_to_float(num1_hex), hex_to_float(num2_hex)
    compare = _OPERATORS.get(operator_hex)
    if compare is None:
        known = ", ".join(f"{code} ({bytes.fromhex(code).decode()})" for code in _OPERATORS)
        raise ValueError(say("no_operator", seen=repr(operator_hex), known=known))
    if math.isnan(first) or math.isnan(second):
        print(say("number_is_nan"))
        return False
    return compare(first, second)


def calculate_coincidences_percentage(list1: Sequence[Any], list2: Sequence[Any]) -> float:
    """Return at how many of 100 positions two lists hold the same, counted on the longer one."""
    if len(list1) != len(list2):
        print(say("lengths_differ", first=len(list1), second=len(list2)))
    length = max(len(list1), len(list2))
    if length == 0:
        return 100.0
    equal = sum(bool(first == second) for first, second in zip(list1, list2, strict=False))
    return 100.0 * equal / length


def compare_lists_by_percentage(list1: Sequence[Any], list2: Sequence[Any], min_percentage: float) -> bool:
    """Tell whether two lists coincide at `min_percentage` of 100 positions at least."""
    return calculate_coincidences_percentage(list1, list2) >= min_percentage


def _describe(value: Any) -> str:
    """Return a value shortly, for an error."""
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 40 else text[:37] + '...'}"
