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
    detail = str(error).strip().splitlines()
    return Message(
        "raised",
        {
            "error": type(error).__name__,
            "line": _place(error),
            "detail": (detail[0] if detail else "")[:_MAX_DETAIL],
        },
    )


def _place(error: BaseException) -> Message:
    """Say at which line of the student's own code the exception was raised."""
    foreign = foreign_folders()
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not frame.filename.startswith(foreign):
            code = (frame.line or linecache.getline(frame.filename, frame.lineno or 0)).strip()
            return Message("at_line", {"number": frame.lineno, "code": code[:80]})
    return Message("no_line")


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
