"""Which lab a cell opens, told from its code without running it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CALL = r"\bopen_lab\s*\("
_CALLS = re.compile(_CALL)
_OPENS = re.compile(
    rf"^[^#\n]*{_CALL}\s*[\"'](?P<lab>[^\"'/\\\s]+)[\"'](?P<rest>[^)]*)",
    re.MULTILINE,
)
_LANGUAGE = re.compile(r"language\s*=\s*[\"'](\w+)[\"']")


@dataclass(frozen=True)
class Opening:
    """What a cell with `lab = open_lab("lab1_regression", language="es")` opens.

    Attributes:
        lab: the lab's id.
        language: of the lab's messages; None where the call does not say.
    """

    lab: str
    language: str | None


def opening(source: str) -> Opening | None:
    """Return which lab the code of a cell opens, if any."""
    match = _OPENS.search(source)
    if match is None:
        return None
    language = _LANGUAGE.search(match["rest"])
    return Opening(match["lab"], language[1] if language else None)


def calls_open_lab(source: str) -> bool:
    """Tell whether a cell may open a lab, whichever it is: also where `opening` cannot tell."""
    return _CALLS.search(source) is not None
