"""The one place that calls a student's code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograder.checks.guard import NOTHING, May, guarded
from autograder.checks.reaching import namespace_of
from autograder.checks.rehearsal import rehearsed, rehearsing
from autograder.checks.sizes import Sizes, parts
from autograder.checks.supplied import Supplied
from autograder.messages import CheckFailed
from autograder.replay import Replay, active_replay


def require_callable(function: object) -> None:
    """Raise `CheckFailed` unless this is a function or a class."""
    if not callable(function):
        raise CheckFailed("not_callable", seen=type(function).__name__)


def call_student(function: Any, *args: Any, may: May = NOTHING, **named: Any) -> Any:
    """Call a student's function, class, network or method, and return what it returns.

    Args:
        function: what to call.
        *args: its arguments by position.
        may: what the call may change of the world that it finds; see `guard`.
        **named: its arguments by name.

    Raises:
        CheckFailed: if this cannot be called.
    """
    require_callable(function)
    running = active_replay()
    if rehearsing():
        return function(*args, **named)
    if running is None:
        with guarded(function, args, named, may) as apart:
            return apart(function(*args, **named))
    with running.replacing(namespace_of(function)):
        rehearsed(function, args, named, stay=may.stay, data=may.data, makes=may.makes)
        with guarded(function, args, named, may) as apart:
            return apart(function(*args, **named))


def built(arguments: Sequence[Any], running: Replay, sizes: Sizes | None = None) -> list[Any]:
    """Return the arguments of a call, with what the library supplies among them built in the replay.

    Args:
        arguments: of the call.
        running: the replay.
        sizes: by name, those that the arguments' shapes name.
    """
    return [_built(argument, running, sizes or {}) for argument in arguments]


def _built(argument: Any, running: Replay, sizes: Sizes) -> Any:
    """Return an argument, built where the library supplies it or something in it."""
    if isinstance(argument, Supplied):
        return argument.at(sizes).build(running)
    if not any(isinstance(part, Supplied) for part in parts(argument)):
        return argument  # the object itself: whoever gave it may look at what a call does to it
    if isinstance(argument, dict):
        return {key: _built(value, running, sizes) for key, value in argument.items()}
    values = [_built(value, running, sizes) for value in argument]
    if isinstance(argument, list):
        return values
    # A named tuple takes its values one by one.
    return type(argument)(*values) if hasattr(argument, "_fields") else tuple(values)


def call(
    function: Any, args: Sequence[Any], running: Replay, may: May = NOTHING, sizes: Sizes | None = None
) -> Any:
    """Call a student's function, building first what the library supplies for its arguments.

    Args:
        function: the student's.
        args: of the call.
        running: the replay.
        may: what the call may change.
        sizes: by name, those that the arguments' shapes name.

    Raises:
        CheckFailed: if this cannot be called.
    """
    require_callable(function)
    return call_student(function, *built(args, running, sizes), may=may)
