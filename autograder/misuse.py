"""Mistakes of a check cell's author: a check that there is not, or that does not take such arguments."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

from autograder.checks.family import broken_families
from autograder.errors import CheckUseError, UnknownCheckError, did_you_mean

_SAID = {
    "check": "there is no check {name!r} here.",
    "lab": "a lab has no {name!r} here.",
}
_REMEDY = (
    " Checks beyond the library's own come with packages: install the course's package again (`make setup` "
    "in its checkout), and restart the kernel."
)
_KEYWORD = re.compile(r"unexpected keyword argument '(\w+)'")


def unknown(what: str, name: str, kind: type) -> AttributeError:
    """Return the error for a name that a block or a lab does not have.

    Args:
        what: "check", or "lab" for what is supplied.
        name: that was asked for.
        kind: the class that does not have it.
    """
    if name.startswith("_"):  # Python and IPython ask for such names to see whether they are there
        return AttributeError(name)
    broken = "".join(f" {error}" for error in broken_families())
    return UnknownCheckError(
        _SAID[what].format(name=name) + did_you_mean(name, dir(kind)) + (broken or _REMEDY)
    )


def misuse(error: BaseException | None, kinds: Iterable[type]) -> CheckUseError | None:
    """Return what is wrong with how a cell calls a check, None where an error is of another kind.

    Args:
        error: that left the cell.
        kinds: classes whose methods cells call; groups of checks that these prepare are found beside them.
    """
    if not isinstance(error, TypeError) or _innermost_is_called(error):
        return None
    # As Python says that a method cannot be called so; the suggestion of newer ones is left out.
    call, _, said = str(error).partition("() ")
    owner, _, name = call.partition(".")
    said = said.partition(". Did you mean ")[0]
    method = _method(owner, name, kinds)
    if method is None:
        return None
    parameters = [each for each in inspect.signature(method).parameters.values() if each.name != "self"]
    keyword = _KEYWORD.search(said)
    near = did_you_mean(keyword[1], [each.name for each in parameters]) if keyword else ""
    takes = ", ".join(str(each.replace(annotation=each.empty)) for each in parameters)
    return CheckUseError(f"{name}() {said}.{near} It takes ({takes}).")


def _innermost_is_called(error: BaseException) -> bool:
    """Tell whether an error arose in a function that the cell called, and not in the call itself."""
    trace = error.__traceback__
    return trace is not None and trace.tb_next is not None


def _method(owner: str, method: str, kinds: Iterable[type]) -> Callable[..., Any] | None:
    """Return a method by the name of its class, which stands in a module of one of some classes."""
    for kind in (each for composed in kinds for each in composed.__mro__):
        found = kind if kind.__name__ == owner else getattr(sys.modules.get(kind.__module__), owner, None)
        function = getattr(found, method, None)
        if inspect.isfunction(function):
            return function
    return None
