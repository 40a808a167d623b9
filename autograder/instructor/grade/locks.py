"""Errors of a gradebook that another program holds, or that cannot be reached for a while."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from autograder.instructor.settings import CourseError

# PostgreSQL: connection, transaction rollback, resources, intervention of an operator; locks, time limits.
_CLASSES = ("08", "40", "53", "57")
_STATES = ("55P03", "25P03")


class GradebookBusy(CourseError):  # noqa: N818 - a state, which passes
    """The gradebook did not take what it was given; nothing of it is in there.

    Attributes:
        passing: whether it may take it a little later.
    """

    def __init__(self, message: str, *, passing: bool = True) -> None:
        super().__init__(message)
        self.passing = passing


def as_busy(error: BaseException) -> GradebookBusy | None:
    """Return what an error says of the gradebook's state, None if it is about something else.

    nbgrader's API raises InvalidEntry while it handles an error of the database's, which is then found
    in its context only.
    """
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        if isinstance(found, GradebookBusy):
            return found
        if isinstance(found, DBAPIError) and _is_state(found):
            said = (str(found.orig).strip() or type(found.orig).__name__).splitlines()[0]
            return GradebookBusy(f"The gradebook cannot be used now: {said}.", passing=_passes(found))
        found = found.__cause__ or found.__context__
    return None


def _is_state(error: DBAPIError) -> bool:
    """Tell whether an error is about the database and not about what it was asked."""
    is_of_use = isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated
    return is_of_use or _sqlstate(error).startswith(_CLASSES) or _sqlstate(error) in _STATES


def _passes(error: DBAPIError) -> bool:
    """Tell whether it may be better a little later: not so a full disk."""
    name = getattr(error.orig, "sqlite_errorname", None)
    if name is not None:
        return str(name).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
    return "sqlite" not in type(error.orig).__module__ or "locked" in str(error.orig)


def _sqlstate(error: DBAPIError) -> str:
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    return str(state or "")


@contextlib.contextmanager
def quiet_nbgrader() -> Iterator[None]:
    """Keep nbgrader from printing a traceback of each error of the database before it raises it."""
    logger = logging.getLogger("tornado.application")
    before = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = before
