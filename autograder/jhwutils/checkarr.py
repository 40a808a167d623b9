"""Hashes of arrays, numbers and texts under the names of `jhwutils.checkarr`.

The hashes are those of the original, so that notebooks keep the strings and tuples they contain. What
differs:

- NaN and infinity are refused by name; the original leaves NaN out of every sum, so that an array of
  NaN equals one of zeros. `array_hash` still computes the public number;
- a refusal says what was seen and never the expected hash;
- `check_moment` compares (the original's never does), `check_anagram` and `check_list` take a hash.

What stays, because the hash strings fix it: one sum stands for an array, and crc32 of a number of 5
digits is found by trying all of them within seconds. New notebooks should use the checks of `Block`.
"""

from __future__ import annotations

import contextlib
import warnings
from binascii import crc32
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from autograder.messages import say

ArrayHash = tuple[tuple[int, ...], float]


def array_hash(arr: Any) -> ArrayHash:
    """Return the shape of an array, and the sum of seven statistics of its elements; NaN is left out."""
    array = _array(arr)
    flat = array.ravel()
    index = np.arange(flat.size)
    with _quiet():
        weighted = np.nansum(flat * index)
        return array.shape, float(np.nansum([*_statistics(flat), weighted]))


def strict_array_hash(arr: Any) -> ArrayHash:
    """Return the hash of an array whose elements are weighted by their place along every axis."""
    array = _array(arr)
    grids = np.meshgrid(*(np.arange(size) for size in array.shape), indexing="ij")
    with _quiet():
        return array_hash(np.mean([grid * array for grid in grids], axis=0))


def check_hash(arr: Any, test: ArrayHash, strict: bool = False) -> bool:
    """Tell whether an array is finite and has the hash that a notebook contains.

    Args:
        arr: an array, a tensor, or what NumPy makes one of.
        test: what `array_hash` gave, or `strict_array_hash` if `strict`.
        strict: see `test`.
    """
    array = _array(arr)
    if not _finite(array):
        return False
    shape, number = strict_array_hash(array) if strict else array_hash(array)
    if shape != tuple(test[0]):
        print(say("array_shape_differs", seen=shape))
        return False
    # Small types overflow in their sums: an infinite hash would be that of every such array.
    if not np.isfinite(number) or not np.allclose(number, test[1], rtol=1e-5, atol=1e-5):
        print(say("array_hash_differs", shape=shape))
        return False
    return True


def moment_hash(arr: Any) -> str:
    """Return one text for the shape of an array and its first three moments along its elements."""
    array = _array(arr)
    flat = array.ravel()
    index = np.arange(flat.size)
    with _quiet():
        total = float(np.nansum([_statistics(flat * index**power) for power in range(3)]))
    return f"{_crc(str(array.shape))[2:]}{_check_scalar(total)[2:]}"


def check_moment(arr: Any, hash: str) -> bool:
    """Tell whether an array is finite and has the `moment_hash` that a notebook contains."""
    array = _array(arr)
    if not _finite(array):
        return False
    if moment_hash(array) != hash:
        print(say("array_hash_differs", shape=array.shape))
        return False
    return True


def _check_scalar(x: Any, tol: int = 5) -> str:
    """Return the hash of a number rounded to `tol` digits after the first."""
    return _crc(f"{float(_array(x).item()):1.{tol}e}")


def check_scalar(x: Any, h: str, tol: int = 5) -> bool:
    """Tell whether a number is finite and has the hash that a notebook contains.

    Args:
        x: a number, or a tensor or array of one element.
        h: what `_check_scalar` gave; a tenth of the last digit more or less is accepted.
        tol: digits after the first.
    """
    array = _array(x)
    if not _finite(array):
        return False
    if array.size != 1:
        print(say("not_scalar", seen=f"{type(x).__name__} {array.shape}"))
        return False
    value = float(array.item())
    margin = 10**-tol * value * 0.1
    if h not in {_check_scalar(value + offset, tol) for offset in (0.0, margin, -margin)}:
        print(say("scalar_hash_differs", seen=f"{value:1.5e}"))
        return False
    return True


def check_string(s: Any, h: str) -> bool:
    """Tell whether a text has the hash that a notebook contains, whatever its case."""
    if _crc(str(s).lower()) != h:
        print(say("wrong_text", seen=str(s).strip()[:60]))
        return False
    return True


def check_anagram(l: Sequence[str], h: str) -> bool:  # noqa: E741  (the original's name)
    """Tell whether letters, sorted and joined, have the hash that a notebook contains."""
    return check_string("".join(sorted(l)), h)


def check_list(l: Sequence[str], h: str) -> bool:  # noqa: E741  (the original's name)
    """Tell whether texts, joined, have the hash that a notebook contains."""
    return check_string("".join(l), h)


def _array(value: Any) -> NDArray[Any]:
    """Return an array of what a notebook passes: also of a tensor, on any device, with gradients."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        # NumPy has no bfloat16; float32 holds all of its numbers.
        return np.array((value.float() if value.dtype == torch.bfloat16 else value).numpy())
    if isinstance(value, (list, tuple)) and any(isinstance(item, torch.Tensor) for item in value):
        value = [_array(item) for item in value]
    try:
        return np.array(value)
    except ValueError:  # rows of different lengths are no array of numbers
        return np.array(None)


def _statistics(flat: NDArray[Any]) -> list[float]:
    """Return greatest, least, mean, median, deviation and sum of numbers, NaN left out."""
    functions = (np.nanmax, np.nanmin, np.nanmean, np.nanmedian, np.nanstd, np.nansum)
    return [float(function(flat)) for function in functions]


def _finite(array: NDArray[Any]) -> bool:
    """Tell whether an array has elements and all of them are finite real numbers; say so if not."""
    if array.size == 0:
        print(say("array_empty"))
        return False
    if array.dtype.kind not in "biuf":
        print(say("not_numbers", seen=array.dtype))
        return False
    bad = int(array.size - np.isfinite(array).sum())
    if bad:
        print(say("not_finite", count=bad))
    return bad == 0


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep NumPy's warnings off stderr: nbgrader takes any stderr for a failed cell."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def _crc(text: str) -> str:
    """Return the crc32 of a text as the original writes it."""
    return hex(crc32(text.encode("utf-8")))
