"""Batches cut from tensors in memory."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from course.texts import error


class Batches:
    """Iterates over shuffled batches of tensors that are in memory as a whole.

    It gives what `DataLoader(TensorDataset(...), batch_size, shuffle=True)` gives, but picks all rows of a
    batch at once: with images as small as digits, fetching and joining single samples would take longer
    than training on them.

    Args:
        *tensors: of equal length; each batch holds the same rows of all of them.
        batch_size: rows of a batch.
        drop_last: leave out a last batch that is shorter.

    Raises:
        ValueError: if the tensors differ in length, there is none, or the batch size is not positive.
    """

    def __init__(self, *tensors: torch.Tensor, batch_size: int, drop_last: bool = False) -> None:
        lengths = {len(tensor) for tensor in tensors}
        if len(lengths) != 1:
            raise error(ValueError, "unequal_lengths", seen=sorted(lengths))
        if batch_size < 1:
            raise error(ValueError, "batch_size", seen=batch_size)
        self._tensors = tensors
        self._length = lengths.pop()
        self._batch_size = batch_size
        self._drop_last = drop_last

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        batches = self._length / self._batch_size
        return math.floor(batches) if self._drop_last else math.ceil(batches)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, ...]]:
        """Yield the batches of one epoch, in a new order each time."""
        order = torch.randperm(self._length)
        for start in range(0, len(self) * self._batch_size, self._batch_size):
            rows = order[start : start + self._batch_size]
            yield tuple(tensor[rows.to(tensor.device)] for tensor in self._tensors)
