"""Errors that a student or an author reads: one clear sentence, never a long traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class GraderError(Exception):
    """An error of the grading library, shown in a notebook without a traceback."""

    def _render_traceback_(self) -> list[str]:
        """Give IPython the lines to show instead of its traceback."""
        return [f"{type(self).__name__}: {self}"]


class CheckUseError(GraderError):
    """A check cell uses a check as it cannot be used: its author's mistake, and nobody else's."""


class UnknownCheckError(CheckUseError, AttributeError):
    """A cell calls a check, or asks for something supplied, that nothing here has."""


class TextError(CheckUseError):
    """A message names a text that there is not, or whose gaps it does not fill."""


class UnknownLabError(GraderError):
    """`open_lab` was given the id of a lab that this installation does not know."""


class KeyFileError(GraderError):
    """The answer key of a lab cannot be used: unreadable, damaged or of another format."""


class ReplayError(GraderError):
    """Code in a replay used an operation that cannot be made reproducible."""


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return a question after the name that is most like one that is not there; empty if none is like it."""
    known = [each for each in names if not each.startswith("_")]
    close = difflib.get_close_matches(name, known, 1)
    return f" Did you mean {close[0]!r}?" if close else ""
