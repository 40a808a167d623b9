"""Turn an exception of a student's code into one sentence that helps."""

from __future__ import annotations

import linecache
import sysconfig
import traceback
from pathlib import Path

import torch

from autograder.messages import Message

_MAX_DETAIL = 240


def explain(error: BaseException) -> Message:
    """Return the message for an exception that left a student's code.

    Args:
        error: the exception, with its traceback.
    """
    if isinstance(error, NotImplementedError):
        return Message("not_written")
    if isinstance(error, NameError) and error.name:
        return Message("name_missing", {"name": error.name})
    details = {"error": type(error).__name__, "line": _place(error), "detail": _detail(error)}
    return Message("raised", details)


def _detail(error: BaseException) -> Message | str:
    """Return what the exception says: the message it was made of, else its first line."""
    message = getattr(error, "message", None)
    if isinstance(message, Message):
        return message
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else "")[:_MAX_DETAIL]


def _place(error: BaseException) -> Message:
    """Say at which line of the student's own code the exception was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    modules = [frame.f_globals.get("__name__") for frame, _ in traceback.walk_tb(error.__traceback__)]
    foreign = foreign_folders()
    # A notebook's code is the main module. Only where none of it is involved do folders decide.
    own = [frame for frame, module in zip(frames, modules, strict=True) if module == "__main__"]
    own = own or [frame for frame in frames if not frame.filename.startswith(foreign)]
    if not own:
        return Message("no_line")
    code = (own[-1].line or linecache.getline(own[-1].filename, own[-1].lineno or 0)).strip()
    return Message("at_line", {"number": own[-1].lineno, "code": code[:80]})


def foreign_folders() -> tuple[str, ...]:
    """Return the folders whose code no student wrote."""
    paths = sysconfig.get_paths()
    own = Path(__file__).parent
    torch_folder = Path(torch.__file__).parent
    return (
        paths["stdlib"],
        paths["purelib"],
        paths["platlib"],
        str(own),
        str(torch_folder),
        "<frozen",
    )
