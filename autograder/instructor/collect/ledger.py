"""What came from a platform, and what was made of it: grading/<lab>/collected.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from autograder.instructor.collect.platforms import Platform, Sender
from autograder.instructor.errors import CourseError
from autograder.instructor.grade.records import write_json

_FORMAT = 1
NAME = "collected.json"


@dataclass(frozen=True)
class Collected:
    """What is known of one student's submission.

    Attributes:
        sender: who handed it in, as the platform says.
        seen: digests of all that came, the latest last.
        files: SHA-256 of each file that was written, by path.
        stamp: what was written to timestamp.txt; None if nothing was.
    """

    sender: Sender
    seen: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    stamp: str | None = None


@dataclass
class Ledger:
    """What is remembered of a lab's collecting.

    Attributes:
        path: the file.
        students: by id.
        matches: student by what a platform knows them by; see `Sender.label`.
        times: when each student handed in, in UTC without a zone.
    """

    path: Path
    students: dict[str, Collected] = field(default_factory=dict)
    matches: dict[str, str] = field(default_factory=dict)
    times: dict[str, datetime] = field(default_factory=dict)

    def write(self) -> None:
        """Write it, whole or not at all.

        Raises:
            CourseError: if that is not possible.
        """
        data = {
            "format": _FORMAT,
            "students": {student: asdict(found) for student, found in sorted(self.students.items())},
            "matches": dict(sorted(self.matches.items())),
            "times": {student: when.isoformat() for student, when in sorted(self.times.items())},
        }
        try:
            write_json(self.path, data)
        except OSError as error:
            raise CourseError(f"{self.path} cannot be written: {error.strerror or error}.") from None


def read_ledger(root: Path, lab: str) -> Ledger:
    """Read what is remembered; nothing if nothing was collected yet.

    Args:
        root: folder of the class.
        lab: the lab's id.

    Raises:
        CourseError: if the file cannot be read: without it, nobody knows what was corrected by hand.
    """
    ledger = Ledger(root / "grading" / lab / NAME)
    try:
        data = json.loads(ledger.path.read_text(encoding="utf-8"))
        if data["format"] != _FORMAT:
            raise ValueError(f"format {data['format']!r}")
        ledger.students = {student: _collected(found) for student, found in data["students"].items()}
        ledger.matches = dict(data["matches"])
        ledger.times = {student: datetime.fromisoformat(when) for student, when in data["times"].items()}
    except FileNotFoundError:
        return ledger
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CourseError(
            f"{ledger.path}, which says what was collected, cannot be read ({type(error).__name__}: "
            f"{error}). Put it back from a backup; or move it away: then all that lies in submitted/ counts "
            "as corrected by hand, and is kept."
        ) from None
    return ledger


def _collected(data: Mapping[str, Any]) -> Collected:
    sender = Sender(**{**data["sender"], "platform": Platform(data["sender"]["platform"])})
    return replace(Collected(sender), seen=tuple(data["seen"]), files=data["files"], stamp=data["stamp"])
