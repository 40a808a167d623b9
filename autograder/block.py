"""A block of checks: what one check cell runs, and the marks it gives."""

from __future__ import annotations

import functools
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from autograder import faults
from autograder.cells import followed
from autograder.checks.base import Session
from autograder.checks.family import compose, installed_families
from autograder.checks.identity import IdentityChecks
from autograder.checks.networks import NetworkChecks
from autograder.checks.tensors import TensorChecks
from autograder.checks.training import TrainingChecks
from autograder.errors import CheckUseError
from autograder.marks import Result, Score, Verdict, earned
from autograder.misuse import misuse, unknown


class Block(IdentityChecks, TensorChecks, NetworkChecks, TrainingChecks):
    """The checks of one check cell; used as a context manager.

    It has the library's own checks, and those of all installed families: see `autograder.checks.family`. Its
    checks never raise on account of a student's code, and its output never goes to stderr: nbgrader takes any
    stderr for a failed cell.

    Args:
        session: the lab that was opened.
        name: the block's stable name.
        points: full marks.
    """

    def __new__(cls, *args: Any, **named: Any) -> Block:
        """Return a block with the checks of all installed families."""
        return super().__new__(_block_class() if cls is Block else cls)

    def __init__(self, session: Session, name: str, points: float) -> None:
        super().__init__(session, name, points)
        self._hidden: dict[str, Any] = {}

    @property
    def score(self) -> Score:
        """Return the marks earned, between 0 and the block's full marks."""
        return earned(self.results, self.points)

    def __enter__(self) -> Block:
        self.results = []
        cells = followed() if self.session.judge.gives_marks else None
        if cells is not None:
            # What is left of a cell that failed would not be there in a fresh kernel: no marks for it.
            self._hidden = cells.hide()
            self.notices = tuple(failure.said("cell_stopped") for failure in cells.stopped_after())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """Hand the cell to the judge; swallow every error of a student's code.

        An interrupt is none, nor is a check that its author uses wrongly: there is none of that name, or it
        does not take such arguments.
        """
        try:
            if (wrong := misuse(error, (type(self), type(self.session)))) is not None:
                raise wrong from None
            if isinstance(error, CheckUseError):
                return False
            if error is not None:
                self.session.judge.stopped(self.name, error)
                self.results.append(Result(self.name, 0.0, Verdict.WRONG, faults.explain(error)))
        finally:
            if (cells := followed()) is not None:
                cells.restore(self._hidden)
        self.conclude()
        self.session.close(self)
        return error is None or isinstance(error, (Exception, SystemExit))

    if not TYPE_CHECKING:  # to a type checker, a name that no family has is an error

        def __getattr__(self, name: str) -> NoReturn:
            raise unknown("check", name, type(self))


@functools.cache
def _block_class() -> type[Block]:
    """Return the class of blocks with the checks of all installed families."""
    return compose(Block, [family.checks for family in installed_families()])
