"""Tensors, numbers, texts and data sets that a student's function returns."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch

from autograder.checks.base import Checks
from autograder.checks.calling import built, call, call_student
from autograder.checks.gradients import gradients
from autograder.checks.guard import May
from autograder.checks.sizes import (
    BATCHES,
    LEAST,
    MANY,
    TURN,
    Dimension,
    Sizes,
    drawn_sizes,
    names_of,
    resolved,
    rounds,
)
from autograder.checks.supplied import (
    SuppliedBatch,
    SuppliedImages,
    SuppliedInteger,
    SuppliedNetwork,
    SuppliedPixels,
    SuppliedSamples,
    SuppliedSize,
    SuppliedTokens,
    Supplies,
    supplied_rows,
)
from autograder.errors import CheckUseError
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
        shape: tuple[Dimension, ...] | None = None,
        low: float | None = None,
        high: float | None = None,
        detached: bool = False,
        on_cpu: bool = False,
        alone: bool = True,
        least: int = LEAST,
        rounded: bool = False,
        one_size: str = "",
        integers: bool = False,
        differentiable: bool = False,
        points: float,
        digits: int = DIGITS,
    ) -> bool:
        """Check shape, dtype, finiteness, range and all values of the tensor that a function returns.

        The function is called for several sizes: those that the shapes of its arguments name, as in
        `lab.supplied_samples(("n", 28, 28))` or `lab.supplied_size("n")`, are drawn from the seed.

        Args:
            name: the stable name of the check.
            function: the student's function.
            *args: what it is called with.
            shape: the expected shape, where it is no secret; it may use the names of sizes.
            low: the least value allowed, if any.
            high: the greatest value allowed, if any.
            detached: whether the tensor must not belong to a gradient graph.
            on_cpu: whether the tensor must be on the CPU, wherever its networks are.
            alone: whether 1 is a size too.
            least: of the other sizes.
            rounded: whether the values may have been float32 on the way, as those of NumPy often are.
            one_size: why there is one size only, where no size has a name.
            integers: whether the tensor must be of an integer type, such as ids and lengths; without it, of a
                floating one, and integers are refused.
            differentiable: whether gradients with respect to the tensors it is called with are looked at too.
            points: the marks that the check is worth.
            digits: significant digits compared.

        Raises:
            CheckUseError: if no size has a name and nothing says why.
        """
        names = names_of(args)
        if not names and not one_size:
            raise CheckUseError(f"{name}: name a size of its arguments, or say in one_size why there is none")

        seen: list[torch.Tensor] = []
        slopes: list[torch.Tensor] = []

        def compute(running: Replay) -> torch.Tensor:
            for sizes in rounds(running.seed, names, alone=alone, least=least):
                leaves = _leaves(args, running, sizes) if differentiable else args
                may = May(stay=not on_cpu, makes=shape is not None)
                result = call(function, leaves, running, may, sizes)
                expected = None if shape is None else resolved(shape, sizes)
                tensor = require_tensor(result, shape=expected, low=low, high=high, integers=integers)
                if detached and tensor.requires_grad:
                    raise CheckFailed("has_gradient")
                seen.append(tensor.detach())
                if differentiable:
                    wanted = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
                    slopes.append(gradients(tensor, wanted, running, cut="argument_cut"))
            return torch.cat([tensor.reshape(-1) for tensor in (*seen, *slopes)])

        def diagnose(_: torch.Tensor) -> Message:
            return describe_wrong_values(seen[0])

        return self.run_array(name, points, compute, diagnose, digits=digits, rounded=rounded)

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

        One number is too easy to guess: give at least four cases. A size that the arguments name is drawn for
        each case, and is more than a batch usually has in the last one.

        Args:
            name: the stable name of the check.
            function: the student's function.
            cases: the arguments of each call.
            points: the marks that the check is worth.
            digits: significant digits compared.
        """

        def compute(running: Replay) -> list[float]:
            names = names_of(argument for case in cases for argument in case)
            turns: list[dict[str, int]] = [{TURN: turn} for turn in range(len(cases))]
            if names:
                turns = rounds(running.seed, names, count=len(cases), alone=False)
            if len(set(names)) == 1:
                # Odd: no batch of 32, 64 or 100 divides it.
                turns[-1][names[0]] = drawn_sizes(running.seed, "many", 1, MANY)[0] | 1
            found = zip(cases, turns, strict=True)
            return [require_scalar(call(function, case, running, sizes=sizes)) for case, sizes in found]

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
        sample_shape: tuple[int, ...],
        points: float,
    ) -> bool:
        """Check that a function turns a tensor of rows into a data set of (row, label) pairs.

        Args:
            name: the stable name of the check.
            function: the student's function; called with tensors (rows, *sample_shape) of several sizes.
            sample_shape: of one row.
            points: the marks that the check is worth.
        """

        def compute(running: Replay) -> torch.Tensor:
            found = []
            for sizes in rounds(running.seed, ["rows"]):
                rows = supplied_rows((sizes["rows"], *sample_shape), running)
                found.append(require_pairs(call(function, (rows,), running), rows).reshape(-1))
            return torch.cat(found)

        return self.run_array(
            name,
            points,
            compute,
            Message("dataset_rows_differ"),
            follows_from=_ROWS,
        )


class TensorSupplies(Supplies):
    """Random tensors and integers, for functions that take some."""

    def supplied_size(self, name: str) -> SuppliedSize:
        """Return a number of rows, pictures or steps that the check draws; shapes may use its name."""
        return SuppliedSize(name)

    def supplied_samples(self, shape: tuple[Dimension, ...], name: str = "samples") -> SuppliedSamples:
        """Return standard normal numbers; two names give two tensors. The shape may name its sizes."""
        return SuppliedSamples(shape, name)

    def supplied_images(self, shape: tuple[Dimension, ...], name: str = "images") -> SuppliedImages:
        """Return pictures with values in [-1, 1]; two names give two. The shape may name its sizes."""
        return SuppliedImages(shape, name)

    def supplied_tokens(
        self, shape: tuple[Dimension, ...], vocabulary: int, *, first: int = 0, name: str = "tokens"
    ) -> SuppliedTokens:
        """Return token ids below `vocabulary` and not below `first`, int64; two names give two tensors."""
        return SuppliedTokens(shape, vocabulary, first, name)

    def supplied_network(self, input_shape: tuple[int, ...], outputs: int) -> SuppliedNetwork:
        """Return a small network (n, *input_shape) -> (n, outputs)."""
        return SuppliedNetwork(input_shape, outputs)

    def supplied_pixels(self, shape: tuple[Dimension, ...]) -> SuppliedPixels:
        """Return pictures of random pixels, uint8; the first axis counts pictures, perhaps by a name."""
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

    def supplied_batches(self, *names: str, sample_shape: tuple[int, ...]) -> list[tuple[SuppliedBatch, ...]]:
        """Return batches of standard normal numbers, arguments for a call of a function per batch size.

        Args:
            *names: of the arguments; two names give two tensors.
            sample_shape: of one row of a batch.
        """
        return [
            tuple(SuppliedBatch(sample_shape, f"{name} {place}", place) for name in names)
            for place in range(BATCHES)
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


def _leaves(arguments: Sequence[Any], running: Replay, sizes: Sizes) -> list[Any]:
    """Return the arguments of a call, with floating tensors among them that gradients are asked for."""

    def leaf(value: Any) -> Any:
        floating = isinstance(value, torch.Tensor) and value.is_floating_point()
        return value.detach().requires_grad_() if floating else value

    return [leaf(value) for value in built(arguments, running, sizes)]


def flat(numbers: Iterable[torch.Tensor]) -> torch.Tensor:
    """Return tensors one after the other as one vector: copied, and without gradients."""
    return torch.cat([values.detach().reshape(-1).clone() for values in numbers])


def require_tensor(
    value: Any,
    *,
    shape: tuple[int, ...] | None = None,
    low: float | None = None,
    high: float | None = None,
    integers: bool = False,
) -> torch.Tensor:
    """Return a value that is a finite tensor of the type and shape and within the range asked for.

    Args:
        value: what a student's function returned.
        shape: that it must have, if any.
        low: the least value allowed, if any.
        high: the greatest value allowed, if any.
        integers: whether it must be of an integer type; else it must be of a floating one.

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
    # A subclass of Tensor would have its own code run by what looks at it.
    tensor: torch.Tensor = value if type(value) is torch.Tensor else value.as_subclass(torch.Tensor)
    if integers and (tensor.dtype.is_floating_point or tensor.dtype.is_complex or tensor.dtype == torch.bool):
        raise CheckFailed("not_integers", seen=str(tensor.dtype))
    if not integers and not tensor.dtype.is_floating_point:
        raise CheckFailed("not_floating", seen=str(tensor.dtype))
    if not all_finite(tensor):
        count = int((~torch.isfinite(tensor.detach())).sum())
        raise CheckFailed("not_finite", count=count)
    if tensor.numel():
        _require_range(tensor, low, high)
    return tensor


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
    length = call_student(len, dataset)
    if length != len(rows):
        raise CheckFailed("dataset_length", seen=length, expected=len(rows))
    found = []
    for index in range(length):
        item = call_student(operator.getitem, dataset, index)
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
        {
            "shape": tuple(values.shape),
            "low": float(values.min()),
            "high": float(values.max()),
            "mean": float(values.mean()),
        },
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
