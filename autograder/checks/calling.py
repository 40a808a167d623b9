"""The one place that calls a student's code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograder.checks.supplied import Supplied
from autograder.messages import CheckFailed
from autograder.replay import Replay


def require_callable(function: object) -> None:
    """Raise `CheckFailed` unless this is a function or a class."""
    if not callable(function):
        raise CheckFailed("not_callable", seen=type(function).__name__)


def call_student(function: Any, *args: Any, **named: Any) -> Any:
    """Call a student's function, class, network or method, and return what it returns.

    Raises:
        CheckFailed: if this cannot be called.
    """
    require_callable(function)
    return function(*args, **named)


def built(arguments: Sequence[Any], running: Replay) -> list[Any]:
    """Return the arguments of a call, with what the library supplies among them built in the replay."""
    return [a.build(running) if isinstance(a, Supplied) else a for a in arguments]


def call(function: Any, args: Sequence[Any], running: Replay) -> Any:
    """Call a student's function, building first what the library supplies for its arguments.

    Raises:
        CheckFailed: if this cannot be called, or leaves a supplied argument as it must not be.
    """
    require_callable(function)
    given = built(args, running)
    result = call_student(function, *given)
    for argument, value in zip(args, given, strict=True):
        if isinstance(argument, Supplied):
            argument.give_back(value)
    return result
