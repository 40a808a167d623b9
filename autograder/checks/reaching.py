"""What a call lends to a student's function: the networks, tensors and other objects among its arguments."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from autograder.messages import Message


@dataclass(frozen=True)
class Lent:
    """Something that a call lends.

    Attributes:
        value: the object.
        label: what a student knows it by: the name of the parameter that takes it, or a word for it.
    """

    value: Any
    label: Message | str


def lent_objects(function: Any, args: tuple[Any, ...], named: dict[str, Any]) -> list[Lent]:
    """Return the networks, tensors, arrays, lists and other objects that a function can reach by a call.

    Args:
        function: a function, a method of a network, or a network.
        args: of the call, by position.
        named: of the call, by name.
    """
    found = [*_walk(_owner(function), Message("own_network"))] if _owner(function) is not None else []
    for name, value in zip(_parameter_names(function, len(args)), args, strict=True):
        found += _walk(value, name)
    for name, value in named.items():
        found += _walk(value, f"`{name}`")
    return list({id(lent.value): lent for lent in reversed(found)}.values())[::-1]


def namespace_of(function: Any) -> dict[str, Any] | None:
    """Return the names of the notebook that a function comes from, None for what is no notebook's."""
    parts = (function, getattr(function, "func", None), getattr(function, "__wrapped__", None))
    for part in (*parts, getattr(type(function), "forward", None), getattr(function, "__init__", None)):
        names = getattr(getattr(part, "__func__", part), "__globals__", None)
        if isinstance(names, dict) and names.get("__name__") == "__main__":
            return names
    return None


def _owner(function: Any) -> nn.Module | None:
    """Return the network that is called, or whose method is."""
    for part in (function, getattr(function, "__self__", None), getattr(function, "func", None)):
        if isinstance(part, nn.Module):
            return part
    return None


def _parameter_names(function: Any, count: int) -> list[Message | str]:
    """Return what a function calls its first arguments."""
    target = function.forward if isinstance(function, nn.Module) else function
    try:
        parameters = list(inspect.signature(target).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names: list[Message | str] = [f"`{p.name}`" for p in parameters if p.kind in kinds]
    return [*names[:count], *(Message("own_argument", {"number": n + 1}) for n in range(len(names), count))]


def _walk(value: Any, label: Message | str, depth: int = 3) -> Iterator[Lent]:
    """Yield an object, and those that it holds."""
    if isinstance(value, (nn.Module, torch.optim.Optimizer, torch.Tensor, np.ndarray)):
        yield Lent(value, label)
    elif isinstance(value, (list, tuple, dict)) and depth:
        if not isinstance(value, tuple):
            yield Lent(value, label)
        named = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in named:
            yield from _walk(item, f"`{key}`" if isinstance(key, str) else label, depth - 1)
    elif isinstance(value, functools.partial):
        for item in (*value.args, *value.keywords.values()):
            yield from _walk(item, label, depth - 1)
