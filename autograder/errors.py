"""Errors that a student or an author reads: one clear sentence, never a long traceback."""

from __future__ import annotations


class GraderError(Exception):
    """An error of the grading library, shown in a notebook without a traceback."""

    def _render_traceback_(self) -> list[str]:
        """Give IPython the lines to show instead of its traceback."""
        return [f"{type(self).__name__}: {self}"]


class UnknownLabError(GraderError):
    """`open_lab` was given the id of a lab that this installation does not know."""


class KeyFileError(GraderError):
    """The answer key of a lab cannot be used: unreadable, damaged or of another format."""


class ReplayError(GraderError):
    """Code in a replay used an operation that cannot be made reproducible."""
