"""Tensors, numbers, texts and data sets that a student's function returns."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch

from autograder.checks.base import BATCH_SIZES, Checks
from autograder.checks.calling import call, call_student
from autograder.checks.supplied import (
    SuppliedInteger,
    SuppliedNetwork,
    SuppliedPixels,
    SuppliedSamples,
    SuppliedTokens,
    Supplies,
    supplied_rows,
)
from autograder.messages import CheckFailed, Message, add_texts
from autograder.observation import DIGITS, all_finite, normalise_text
from autograder.replay import Replay

TEXTS = add_texts(__package__, "tensors")
_ROWS = "the rows that the function is given"


class TensorChecks(Checks):
    """Checks of tensors, numbers, texts and data sets."""

    def fingerprint(
        self,
        name: str,
        function: Callable[..., Any],
        *args: Any,
        shape: tuple[int, ...] | None = None,
        low: float | None = None,
        high: float | None = None,
        detached: bool = False,
        points: float,
        digits: int = DIGITS,
    ) -> bool:
        """Check shape, dtype, finiteness, range and all values of the tensor that a function returns.

        Args:
            name: the stable name of the check.
            function: the student's function.
            *args: what it is called with.
            shape: the expected shape, where it is no secret.
            low: the least value allowed, if any.
            high: the greatest value allowed, if any.
            detached: whether the tensor must not belong to a gradient graph.
            points: the marks that the check is worth.
            digits: significant digits compared.
        """

        def compute(running: Replay) -> torch.Tensor:
            result = call(function, args, running)
            tensor = require_tensor(result, shape=shape, low=low, high=high)
            if detached and tensor.requires_grad:
                raise CheckFailed("has_gradient")
            return tensor

        return self.run_array(name, points, compute, describe_wrong_values, digits=digits)

    def scalars(
        self,
        name: str,
        function: Callable[..., Any],
        cases: Sequence[tuple[Any, ...]],
        *,
        points: float,
        digits: int = DIGITS,
    ) -> bool:
        """Check the number that a function returns, for several arguments.

        One number is too easy to guess: give at least four cases.

        Args:
            name: the stable name of the check.
            function: the student's function.
            cases: the arguments of each call.
            points: the marks that the check is worth.
            digits: significant digits compared.
        """

        def compute(running: Replay) -> list[float]:
            return [require_scalar(call(function, case, running)) for case in cases]

        return self.run_numbers(name, points, compute, digits=digits)

    def text(self, name: str, answer: str, *, points: float) -> bool:
        """Check a text answer; Unicode form, case and white space do not matter."""
        return self.run_function(
            name, points, lambda: require_text(answer), lambda: describe_wrong_text(answer)
        )

    def dataset(
        self,
        name: str,
        function: Callable[..., Any],
        *,
        shape: tuple[int, ...],
        points: float,
    ) -> bool:
        """Check that a function turns a tensor of rows into a data set of (row, label) pairs.

        Args:
            name: the stable name of the check.
            function: the student's function; called with a tensor that the library supplies.
            shape: of that tensor.
            points: the marks that the check is worth.
        """

        def compute(running: Replay) -> torch.Tensor:
            rows = supplied_rows(shape, running)
            return require_pairs(call(function, (rows,), running), rows)

        return self.run_array(
            name,
            points,
            compute,
            Message("dataset_rows_differ"),
            follows_from=_ROWS,
        )


class TensorSupplies(Supplies):
    """Random tensors and integers, for functions that take some."""

    def supplied_samples(self, shape: tuple[int, ...], name: str = "samples") -> SuppliedSamples:
        """Return standard normal numbers; two names give two tensors."""
        return SuppliedSamples(shape, name)

    def supplied_tokens(
        self, shape: tuple[int, ...], vocabulary: int, *, first: int = 0, name: str = "tokens"
    ) -> SuppliedTokens:
        """Return token ids below `vocabulary` and not below `first`, int64; two names give two tensors."""
        return SuppliedTokens(shape, vocabulary, first, name)

    def supplied_network(self, input_shape: tuple[int, ...], outputs: int) -> SuppliedNetwork:
        """Return a small network (n, *input_shape) -> (n, outputs); it must be given back in train mode."""
        return SuppliedNetwork(input_shape, outputs)

    def supplied_pixels(self, shape: tuple[int, ...]) -> SuppliedPixels:
        """Return pictures of random pixels, uint8."""
        return SuppliedPixels(shape)

    def supplied_integers(self, count: int, **ranges: tuple[int, int]) -> list[tuple[SuppliedInteger, ...]]:
        """Return rows of random integers, arguments for as many calls of a function.

        Args:
            count: the number of rows.
            **ranges: per argument, the least integer and one more than the greatest.
        """
        return [
            tuple(SuppliedInteger(f"{name} {row}", *ends) for name, ends in ranges.items())
            for row in range(count)
        ]

    def supplied_batches(
        self, *names: str, sample_shape: tuple[int, ...]
    ) -> list[tuple[SuppliedSamples, ...]]:
        """Return batches of standard normal numbers, arguments for a call of a function per batch size.

        Args:
            *names: of the arguments; two names give two tensors.
            sample_shape: of one row of a batch.
        """
        return [
            tuple(SuppliedSamples((size, *sample_shape), f"{name} {size}") for name in names)
            for size in BATCH_SIZES
        ]


def column(function: Callable[..., torch.Tensor], index: int) -> Callable[..., torch.Tensor]:
    """Return a function that calls another and keeps one column of the matrix it returns.

    Args:
        function: returns a tensor of shape (rows, columns).
        index: of the column to keep.
    """
    if not callable(function):
        return function

    @functools.wraps(function)
    def call(*args: Any) -> torch.Tensor:
        result = require_tensor(call_student(function, *args))
        if result.ndim != 2 or result.shape[1] <= index:
            raise CheckFailed("wrong_shape", seen=tuple(result.shape), expected=f"(n, >{index})")
        return result[:, index]

    return call


def flat(numbers: Iterable[torch.Tensor]) -> torch.Tensor:
    """Return tensors one after the other as one vector: copied, and without gradients."""
    return torch.cat([values.detach().reshape(-1).clone() for values in numbers])


def require_tensor(
    value: Any,
    *,
    shape: tuple[int, ...] | None = None,
    low: float | None = None,
    high: float | None = None,
) -> torch.Tensor:
    """Return a value that is a finite floating tensor of the shape and within the range asked for.

    Raises:
        CheckFailed: with a message that names what is wrong.
    """
    if value is None:
        raise CheckFailed("returned_none")
    if not isinstance(value, torch.Tensor):
        advice = {
            list: "advice_from_list",
            tuple: "advice_from_list",
            np.ndarray: "advice_from_numpy",
        }
        raise CheckFailed(
            "not_tensor",
            seen=type(value).__name__,
            advice=Message(advice.get(type(value), "advice_none")),
        )
    if shape is not None and tuple(value.shape) != tuple(shape):
        raise CheckFailed("wrong_shape", seen=tuple(value.shape), expected=tuple(shape))
    if not value.dtype.is_floating_point:
        raise CheckFailed("not_floating", seen=str(value.dtype))
    if not all_finite(value):
        count = int((~torch.isfinite(value.detach())).sum())
        raise CheckFailed("not_finite", count=count)
    if value.numel():
        _require_range(value, low, high)
    return value


def _require_range(value: torch.Tensor, low: float | None, high: float | None) -> None:
    """Raise `CheckFailed` unless all values lie in [low, high]."""
    least, greatest = float(value.detach().min()), float(value.detach().max())
    expected_low = -math.inf if low is None else low
    expected_high = math.inf if high is None else high
    if least < expected_low or greatest > expected_high:
        raise CheckFailed(
            "out_of_range",
            low=least,
            high=greatest,
            expected_low=expected_low,
            expected_high=expected_high,
        )


def require_scalar(value: Any) -> float:
    """Return a number, or a tensor of one element, as a finite float.

    Raises:
        CheckFailed: for anything else.
    """
    if value is None:
        raise CheckFailed("returned_none")
    if isinstance(value, (torch.Tensor, np.ndarray)):
        if math.prod(value.shape) != 1:
            raise CheckFailed("not_scalar", seen=f"{type(value).__name__} {tuple(value.shape)}")
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise CheckFailed("not_scalar", seen=type(value).__name__)
    if not math.isfinite(value):
        raise CheckFailed("not_finite", count=1)
    return float(value)


def require_tuple(value: Any, names: Sequence[str]) -> dict[str, Any]:
    """Return the elements of a tuple by name.

    Raises:
        CheckFailed: if it is no tuple of that length.
    """
    if value is None:
        raise CheckFailed("returned_none")
    if not isinstance(value, (tuple, list)) or len(value) != len(names):
        size = f" ({len(value)})" if isinstance(value, (tuple, list)) else ""
        seen = f"{type(value).__name__}{size}"
        raise CheckFailed("wrong_tuple", seen=seen, count=len(names), names=", ".join(names))
    return dict(zip(names, value, strict=True))


def require_pairs(dataset: Any, rows: torch.Tensor) -> torch.Tensor:
    """Return the rows that a data set of (row, label) pairs holds, stacked.

    Args:
        dataset: anything with a length and integer indices: a list, a `TensorDataset`.
        rows: what the data set was made from, shape (length, features).

    Raises:
        CheckFailed: if it is no such data set, or its pairs or rows are not as they should be.
    """
    if dataset is None:
        raise CheckFailed("returned_none")
    if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")) or isinstance(
        dataset, (torch.Tensor, str, dict)
    ):
        raise CheckFailed("not_dataset", seen=type(dataset).__name__)
    if len(dataset) != len(rows):
        raise CheckFailed("dataset_length", seen=len(dataset), expected=len(rows))
    found = []
    for index in range(len(dataset)):
        item = dataset[index]
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            raise CheckFailed("dataset_item", index=index, seen=type(item).__name__)
        row = torch.as_tensor(item[0])
        if row.shape != rows[index].shape:
            raise CheckFailed(
                "dataset_row",
                index=index,
                seen=tuple(row.shape),
                expected=tuple(rows[index].shape),
            )
        found.append(row.detach().to(rows.device, rows.dtype))
    return torch.stack(found)


def describe_wrong_values(array: torch.Tensor) -> Message:
    """Return the message for an array with wrong values: it repeats what was seen only."""
    values = array.detach().to(torch.float64)
    return Message(
        "wrong_values",
        {"low": float(values.min()), "high": float(values.max()), "mean": float(values.mean())},
    )


def require_text(answer: object) -> str:
    """Return an answer in its normal form.

    Raises:
        CheckFailed: if it is no text, or empty.
    """
    if not isinstance(answer, str):
        raise CheckFailed("not_text", seen=type(answer).__name__)
    normal = normalise_text(answer)
    if not normal:
        raise CheckFailed("empty_text")
    return normal


def describe_wrong_text(answer: str) -> Message:
    """Return the message for a wrong answer: it repeats the student's own words only."""
    return Message("wrong_text", {"seen": answer.strip()[:60]})
