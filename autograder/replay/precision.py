"""Which tensors a replay takes for narrow: those of less than float64."""

from __future__ import annotations

from typing import Any

import torch

# Who converts to one of these loses digits that show; float32, in which notebooks compute, is widened unseen.
HALF_PRECISION = frozenset({torch.float16, torch.bfloat16})
LOW_PRECISION = HALF_PRECISION | {torch.float32}


def widen_dtype(dtype: torch.dtype | None) -> torch.dtype | None:
    """Return float64 for a floating dtype of lower precision, any other dtype unchanged."""
    return torch.float64 if dtype in LOW_PRECISION else dtype


def is_narrow(value: Any) -> bool:
    """Tell whether a value is a tensor of lower precision than float64, or a list with one."""
    if isinstance(value, torch.Tensor):
        return value.dtype in LOW_PRECISION
    return type(value) is list and any(
        isinstance(item, torch.Tensor) and item.dtype in LOW_PRECISION for item in value
    )


def widen(value: Any) -> Any:
    """Widen a tensor, or the tensors in a list, to float64 where they are of lower precision."""
    if isinstance(value, torch.Tensor):
        return value.to(torch.float64) if value.dtype in LOW_PRECISION else value
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], torch.Tensor):
        return [widen(item) for item in value]
    return value
