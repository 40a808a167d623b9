"""Tensors and numbers that a student's function returns."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch

from autograder import randomness
from autograder.checks.supplied import Supplied, SuppliedSamples
from autograder.messages import CheckFailed, Message
from autograder.observation import all_finite
from autograder.replay import Replay


def seed_of(seed: int, name: str) -> int:
    """Return the seed of the replay of one check, so that checks do not share random numbers."""
    return randomness.derive_key(seed, "check", name) % 2**62


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
        result = function(*args)
        require_tensor(result)
        if result.ndim != 2 or result.shape[1] <= index:
            raise CheckFailed("wrong_shape", seen=tuple(result.shape), expected=f"(n, >{index})")
        return result[:, index]

    return call


def require_callable(function: object) -> None:
    """Raise `CheckFailed` unless this is a function or a class."""
    if not callable(function):
        raise CheckFailed("not_callable", seen=type(function).__name__)


def built(arguments: Sequence[Any], running: Replay) -> list[Any]:
    """Return the arguments of a call, with what the library supplies among them built in the replay."""
    return [a.build(running) if isinstance(a, Supplied) else a for a in arguments]


def call(function: Any, args: Sequence[Any], running: Replay) -> Any:
    """Call a student's function, building first what the library supplies for its arguments."""
    require_callable(function)
    given = built(args, running)
    result = function(*given)
    for argument, value in zip(args, given, strict=True):
        if isinstance(argument, Supplied):
            argument.give_back(value)
    return result


def changed_parameters(function: Any, arguments: Sequence[Any], running: Replay) -> torch.Tensor:
    """Return the parameters of a supplied network after a function changed them in place.

    Args:
        function: the student's.
        arguments: what it is called with; the first one is the network.
        running: the replay.

    Raises:
        CheckFailed: if they stayed as they were, or cannot be trained any more.
    """
    require_callable(function)
    network, *others = built(arguments, running)
    before = [parameter.detach().clone() for parameter in network.parameters()]
    function(network, *others)
    after = list(network.parameters())
    if len(after) != len(before) or not all(parameter.requires_grad for parameter in after):
        raise CheckFailed("parameters_lost")
    if all(torch.equal(new, old) for new, old in zip(after, before, strict=True)):
        raise CheckFailed("parameters_unchanged")
    return flat(after)


def flat(numbers: Iterable[torch.Tensor]) -> torch.Tensor:
    """Return tensors one after the other as one vector: copied, and without gradients."""
    return torch.cat([values.detach().reshape(-1).clone() for values in numbers])


def supplied_rows(shape: tuple[int, ...], running: Replay, name: str = "rows") -> torch.Tensor:
    """Return standard normal data that the library supplies, float64 of `shape`."""
    return SuppliedSamples(shape, name).build(running)


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
