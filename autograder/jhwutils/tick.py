"""Marks of a notebook under the names of `jhwutils.tick`.

What differs from the original:

- running a cell again replaces its marks instead of counting them twice;
- a summary with nothing marked says so instead of dividing by zero;
- a failed check still ends its cell, as nbgrader expects, but with one sentence instead of a traceback;
- that sentence never holds the text of a library's own assertion, which may tell the expected value;
- `check_answer` compares only plain values and never runs what a pickled answer asks for.

A `with` statement is known by the cell that is executed, by its line, and by how often that line was reached
in one execution; it may stand in a function that several cells call. JupyterLab tells which cell is executed;
elsewhere a cell is known by its text, so two cells with the same text count once.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import math
import pickle
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import torch

from autograder import display, faults
from autograder.errors import GraderError
from autograder.labels import number
from autograder.language import current_language
from autograder.messages import say


class TickFailed(AssertionError):  # noqa: N818  (an outcome, not an error of the library)
    """A check of a notebook failed; shown as one sentence."""

    def _render_traceback_(self) -> list[str]:
        """Give IPython the lines to show instead of its traceback."""
        return [f"AssertionError: {self}"]


class UnsafePickleError(GraderError, pickle.UnpicklingError):
    """A pickled answer is damaged, or asks for more than plain values; no fault of a student."""


@dataclass
class _Entry:
    """The marks of one `with` statement."""

    label: str
    points: float
    earned: float = 0


_entries: dict[tuple[Any, ...], _Entry] = {}
_reached: dict[tuple[Any, ...], int] = {}
_execution: Any = None


def reset_marks() -> None:
    """Forget all marks."""
    _entries.clear()
    _reached.clear()


def init_marks() -> None:
    """Forget all marks: the other name of `reset_marks`."""
    reset_marks()


def __getattr__(name: str) -> float:
    """Return `total_marks` (earned) or `available_marks`, as they are now."""
    if name == "total_marks":
        return sum(entry.earned for entry in _entries.values())
    if name == "available_marks":
        return sum(entry.points for entry in _entries.values())
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@contextlib.contextmanager
def marks(marks: float) -> Iterator[None]:
    """Give marks if the body runs without an exception.

    Args:
        marks: the full marks.

    Raises:
        TickFailed: for any exception of the body.
    """
    with _marked(_place(3), "", marks):
        yield


@contextlib.contextmanager
def Marks(id: str, marks: float) -> Iterator[None]:  # noqa: N802  (the original's name)
    """Give marks under an id, such as "A.1", if the body runs without an exception."""
    with _marked(("id", id), id, marks):
        yield


@contextlib.contextmanager
def tick() -> Iterator[None]:
    """Show whether the body runs without an exception; no marks."""
    try:
        yield
    except Exception as error:
        _show(display.RED, f"✘ {say('tick_failed')}")
        raise _failure(error) from error
    _show(display.GREEN, f"✓ {say('ok')}")


@contextlib.contextmanager
def prestige_mark() -> Iterator[None]:
    """Show a trophy if the body runs without an exception; nothing otherwise."""
    try:
        yield
    except Exception:  # a prestige mark that is missed is no fault
        return
    _show(display.AMBER, f"🏆 {say('prestige')}")


def summarise_marks() -> None:
    """Show the sum of all marks, and a line for each `Marks`."""
    earned, available = __getattr__("total_marks"), __getattr__("available_marks")
    if available == 0:
        _show(display.GREY, say("no_marks_yet"))
        return
    colour = display.GREEN if earned == available else display.AMBER
    share = 100.0 * earned / available
    title = f"{number(earned)} / {number(available)} {say('marks')} ({share:.1f} %)"
    lines = [
        f"{entry.label}: {number(entry.earned)} / {number(entry.points)}"
        for entry in sorted(_entries.values(), key=lambda entry: entry.label)
        if entry.label
    ]
    _show(colour, title, lines)


def js_summarise_marks() -> None:
    """Show the sum of all marks; the original writes it into a button that notebooks no longer have."""
    summarise_marks()


def check_answer(val: Any, pxk: bytes) -> None:
    """Compare a value with a pickled one, which may only be built of numbers, texts and collections.

    Raises:
        TickFailed: if they differ.
        UnsafePickleError: if the pickled answer asks for anything else.
    """
    expected, val = _load(pxk), _plain(val)
    with tick():
        if not (type(val) is type(expected) or isinstance(val, (int, float))) or val != expected:
            raise TickFailed(say("answer_differs"))


def _get_check(val: Any) -> bytes:
    """Return the pickled form that `check_answer` takes.

    Raises:
        UnsafePickleError: if `check_answer` would refuse it.
    """
    pickled = pickle.dumps(_plain(val))
    _load(pickled)
    return pickled


def _plain(value: Any) -> Any:
    """Return what an array or tensor of one element holds; anything else as it is."""
    if isinstance(value, torch.Tensor):
        return value.item() if value.numel() == 1 else value
    return value.item() if isinstance(value, (np.generic, np.ndarray)) and value.size == 1 else value


def _load(pickled: bytes) -> Any:
    """Return a pickled plain value.

    Raises:
        UnsafePickleError: if it is none.
    """
    try:
        return _PlainUnpickler(io.BytesIO(pickled)).load()
    except UnsafePickleError:
        raise
    except Exception as error:  # a damaged pickle may raise nearly anything
        raise UnsafePickleError(f"the pickled answer is damaged ({type(error).__name__})") from None


class _PlainUnpickler(pickle.Unpickler):
    """Reads plain values; a pickle that names a class or function is refused, for it could run anything."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        """Refuse every global but the plain built-in collections."""
        if module_name == "builtins" and global_name in ("set", "frozenset", "complex"):
            return getattr(builtins, global_name)
        raise UnsafePickleError(
            f"the answer asks for {module_name}.{global_name}: only numbers, texts and collections "
            "are compared"
        )


@contextlib.contextmanager
def _marked(place: tuple[Any, ...], label: str, points: float) -> Iterator[None]:
    """Keep the marks of one place, and show them."""
    if not math.isfinite(points):
        raise GraderError(f"marks are a finite number, not {points}")
    entry = _entries[place] = _Entry(label, points)
    prefix = f"{label} " if label else ""
    full = number(points)
    try:
        yield
    except Exception as error:
        _show(display.RED, f"{prefix}✘ {say('tick_failed')} [0/{full} {say('marks')}]")
        raise _failure(error) from error
    entry.earned = points
    _show(display.GREEN, f"{prefix}✓ [{full} {say('marks')}]")


def _failure(error: Exception) -> TickFailed:
    """Return the error that ends a cell whose check failed."""
    if isinstance(error, NotImplementedError) or (isinstance(error, NameError) and error.name):
        return TickFailed(faults.explain(error).render(current_language()))
    detail = (str(error).strip().splitlines() or [""])[0]
    if not isinstance(error, AssertionError):
        return TickFailed(f"{type(error).__name__}: {detail or say('tick_failed')}")
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_foreign(frame)]
    deepest = traceback.extract_tb(error.__traceback__)[-1]
    if detail and (isinstance(error, TickFailed) or not _is_foreign(deepest)):
        return TickFailed(detail)
    return TickFailed(say("tick_failed_at", number=lines[-1].lineno) if lines else say("tick_failed"))


def _is_foreign(frame: traceback.FrameSummary) -> bool:
    """Tell whether a frame is of code that neither a student nor the notebook's author wrote."""
    return frame.filename.startswith(faults.foreign_folders())


def _place(depth: int) -> tuple[Any, ...]:
    """Return what a `with` statement is known by.

    Args:
        depth: frames between this function and the notebook's code.
    """
    global _execution
    frame = sys._getframe(depth)
    cell, execution = _cell()
    cell = cell or frame.f_code.co_filename
    if execution != _execution:
        _execution = execution
        _reached.clear()
        # The cell runs again: what it gave before no longer counts, not even lines that have moved.
        for place in [place for place in _entries if place[0] == cell]:
            del _entries[place]
    line = (cell, frame.f_lineno)
    _reached[line] = _reached.get(line, 0) + 1
    return (*line, _reached[line])


def _cell() -> tuple[str | None, Any]:
    """Return what the cell that is executed is known by, None in a script, and which execution this is."""
    try:
        from IPython import get_ipython
    except ImportError:
        return None, None
    shell = get_ipython()
    if shell is None:
        return None, None
    request = getattr(shell, "parent_header", None) or {}
    header, metadata, content = (request.get(part) or {} for part in ("header", "metadata", "content"))
    cell = metadata.get("cellId") or content.get("code")
    if cell is None:  # IPython in a terminal gets no requests
        cell = (getattr(shell.history_manager, "input_hist_raw", None) or [None])[-1]
    # Executions without history do not count up, so the request's own id comes first.
    return cell, header.get("msg_id") or shell.execution_count


class _Box:
    """A line of marks: a coloured box in a notebook, text elsewhere."""

    def __init__(self, colour: str, title: str, lines: list[str]) -> None:
        self._colour, self._title, self._lines = colour, title, lines

    def __repr__(self) -> str:
        return "\n".join([self._title, *self._lines])

    def _repr_html_(self) -> str:
        body = "".join(f"<div>{escape(line)}</div>" for line in self._lines)
        return display.box(self._colour, escape(self._title), body)


def _show(colour: str, title: str, lines: list[str] | None = None) -> None:
    """Show a line of marks."""
    display.show(_Box(colour, title, lines or []))
