"""Faults for `test_faults.py`: Python imports this file at its start where PYTHONPATH names its folder.

A student called "exception-judge" meets an exception in the stage "judge", and so on: "kill", "full" (no
disk takes anything) and "locked" (another program holds the gradebook). Each fault happens once: the next
run of the same command finds everything as it should be.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

STATE = Path(os.environ["FAULTS"]) if "FAULTS" in os.environ else None
CHILDREN = ("intake", "run", "judge", "mark")
# Undoes the fault, once it was noticed.
undo: list[Callable[[], object]] = []


def strike(stage: str, student: str) -> None:
    """Let a fault happen, once."""
    assert STATE is not None
    kind, _, where = student.partition("-")
    if where != stage or kind not in FAULTS:
        return
    with contextlib.suppress(FileExistsError):
        (STATE / f"{kind}-{stage}").touch(exist_ok=False)
        FAULTS[kind](stage)


def exception(stage: str) -> None:
    raise RuntimeError(f"injected into {stage}")


def kill(stage: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def full(stage: str) -> None:
    """Fill the disk: in a child, of this process alone; else the small disk that the class lies on."""
    if stage in CHILDREN:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        return
    assert STATE is not None
    filler = STATE / "filler"
    undo.append(filler.unlink)
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 4096)


def locked(stage: str) -> None:
    """Hold the gradebook as another program would, longer than anybody waits."""
    from autograder.instructor.grade import store

    store._LOCKED_S = 1.0
    assert STATE is not None
    other = sqlite3.connect(STATE.parent / "gradebook.db")
    undo.append(other.close)
    other.execute("BEGIN EXCLUSIVE")


FAULTS: dict[str, Callable[[str], None]] = {
    "exception": exception, "kill": kill, "full": full, "locked": locked,
}  # fmt: skip
if STATE is not None:
    from autograder.instructor.grade import guard

    note = guard.Guard.note

    def note_and_undo(self: guard.Guard, found: guard.Trouble) -> None:
        note(self, found)
        while undo:
            undo.pop()()

    guard.begin_stage = strike
    guard.Guard.note = note_and_undo  # type: ignore[method-assign]
