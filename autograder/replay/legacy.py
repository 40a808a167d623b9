"""`torch.FloatTensor`, as old tutorials have it, in a replay: what it makes of numbers is float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def wide_float_tensor(is_paused: Callable[[], bool]) -> type:
    """Return what stands in for `torch.FloatTensor`: it makes wide tensors, and knows all floating ones.

    Args:
        is_paused: tells whether the replay lets everything be as it is.
    """
    narrow = torch.FloatTensor

    class Kind(type):
        def __call__(cls, *args: Any) -> torch.Tensor:
            if is_paused():
                plain: torch.Tensor = narrow(*args)
                return plain
            if len(args) == 1 and isinstance(args[0], (list, tuple)):
                return torch.tensor(args[0], dtype=torch.float64)
            made: torch.Tensor = narrow(*args)
            return made.to(torch.float64)

        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, torch.Tensor) and value.is_floating_point()

    return Kind("FloatTensor", (), {})


def type_of_tensor(wide: type) -> Any:
    """Return what stands in for `tensor.type(…)`, which knows PyTorch's own kinds only."""
    plain = torch.Tensor.type

    def type_(self: torch.Tensor, dtype: Any = None, *args: Any, **named: Any) -> Any:
        return plain(self, torch.float64 if dtype is wide else dtype, *args, **named)

    return type_
