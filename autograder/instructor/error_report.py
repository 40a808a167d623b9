"""How a command ends that failed: one line for people, and where it came from for whoever asks."""

from __future__ import annotations

import os
import shlex
import traceback
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from autograder.errors import GraderError
from autograder.instructor.settings import CourseError

FAILED = 1
# Windows knows the number, and no name for it.
EX_SOFTWARE = getattr(os, "EX_SOFTWARE", 70)
_MOST = 500


def report_error(error: Exception, arguments: Sequence[str], *, debug: bool) -> int:
    """Say on standard error what kept a command from its end.

    Args:
        error: exception that the command raised. Messages for people are `CourseError` and `GraderError`;
            anything else is a fault of the program.
        arguments: arguments of `course`, without its own name.
        debug: whether to show the full traceback too.

    Returns:
        The exit status: 1, or `os.EX_SOFTWARE` for a fault of the program.
    """
    console = Console(stderr=True)
    if debug:
        trace = "".join(traceback.format_exception(error))
        console.print(trace, markup=False, highlight=False, soft_wrap=True)
    expected = isinstance(error, (CourseError, GraderError))
    line = str(error) if expected else _fault(error, arguments, debug)
    console.print(f"[red]✗[/] {escape(line)}", highlight=False, soft_wrap=True)
    return FAILED if expected else EX_SOFTWARE


def _fault(error: Exception, arguments: Sequence[str], debug: bool) -> str:
    """Return one line on a fault of the program."""
    said = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
    said = said if len(said) <= _MOST else f"{said[:_MOST]} …"
    line = f"{said}. This is an error of the program, not of yours; nothing that was finished is lost."
    if debug:
        return line
    command = shlex.join(["course", "--debug", *arguments])
    return f"{line} To see where it came from: {command}"
