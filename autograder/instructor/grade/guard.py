"""The one place that guards a submission: whatever happens to it, the others are graded, and it is listed.

A submission goes through stages: "plan", "intake", "run", "judge" and "mark" (these four in children of
its own), "settle" (who gets the marks), "record" and "store". `begin_stage` is called at the beginning of
each, in whatever process it is. What goes wrong becomes a `Trouble`, here and nowhere else.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from autograder.instructor.forkserver.tasks import ChildError
from autograder.instructor.grade.locks import as_busy
from autograder.instructor.intake.notes import Reason, reason

log = logging.getLogger(__name__)
# The system's words for a disk that takes no more.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Trouble:
    """What went wrong with one submission, through no fault of the others.

    Attributes:
        student: id of the student whose folder it lies in.
        stage: stage of grading at which it went wrong.
        why: reason, for people.
        lasting: whether the same would happen again: then what was handed in is to blame. Else the next
            run tries again.
        details: traceback or the like, for people who mend programs.
    """

    student: str
    stage: str
    why: Reason
    lasting: bool = False
    details: str = ""


@dataclass
class Guard:
    """Watches over all submissions of a run.

    Attributes:
        troubles: the last thing that went wrong, by student.
    """

    troubles: dict[str, Trouble] = field(default_factory=dict)

    @contextlib.contextmanager
    def over(self, student: str) -> Iterator[Callable[[str], None]]:
        """Guard the body, which calls what it is given at each stage: an error is noted, and ends there."""
        stage = ""

        def enter(name: str) -> None:
            nonlocal stage
            stage = name
            begin_stage(stage, student)

        try:
            yield enter
        except Exception as error:  # anything at all: the others are graded
            self.note(trouble(student, stage, error))

    def note(self, found: Trouble) -> None:
        """Remember what went wrong."""
        log.debug("%s, %s: %s", shown(found.student), found.stage, found.details)
        self.troubles[found.student] = found


def begin_stage(stage: str, student: str) -> None:
    """Say that a stage begins."""
    log.debug("%s: %s", shown(student), stage)


def trouble(student: str, stage: str, error: BaseException) -> Trouble:
    """Return what an error means for a submission."""
    details = error.details if isinstance(error, ChildError) else "".join(traceback.format_exception(error))
    lasting = isinstance(error, ChildError) and error.lasting
    return Trouble(student, stage, _reason(error), lasting, details)


def _reason(error: BaseException) -> Reason:
    if isinstance(error, ChildError):
        if error.cause == "error":
            last = error.details.strip().splitlines()[-1:] or [""]
            return reason("internal", error=last[0][:200])
        return reason(f"child_{error.cause}")
    if (busy := as_busy(error)) is not None:
        return reason("gradebook_busy") if busy.passing else reason("gradebook_error", error=str(busy))
    if isinstance(error, OSError) and error.errno in _FULL:
        return reason("disk_full")
    if isinstance(error, MemoryError):
        return reason("child_memory")
    return reason("internal", error=f"{type(error).__name__}: {error}"[:200])


def shown(name: str) -> str:
    """Return the name of a folder as a terminal can show it: it may hold anything but a slash."""
    text = name.encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
