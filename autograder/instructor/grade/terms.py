"""When a lab is due, and for whom later: course.toml and `course extend`, before what the gradebook says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from traitlets import Dict
from traitlets.config import Config, Configurable

from autograder.instructor.errors import CourseError
from autograder.instructor.grade.records import write_json
from autograder.instructor.gradebook import Mark, lateness

_FORMAT = 1


class DueDates(Configurable):
    """What nbgrader_config.py says of due dates; course.toml's are set by `configure`."""

    due = Dict(help="when each lab is due, by id, as ISO 8601 in UTC").tag(config=True)


@dataclass(frozen=True)
class Extension:
    """How much later a lab is due for one student.

    Attributes:
        longer: than for others.
        reason: why; may be empty.
        granted: when that was said, in UTC without a zone.
    """

    longer: timedelta
    reason: str = ""
    granted: datetime | None = None


class Terms:
    """When the labs of a class are due."""

    def __init__(self, config: Config, root: Path) -> None:
        """Read the due dates.

        Args:
            config: nbgrader's configuration.
            root: folder of the class.

        Raises:
            CourseError: if a due date is none.
        """
        self._root = root
        self._dues = {str(lab): _moment(lab, text) for lab, text in DueDates(config=config).due.items()}
        self._extensions: dict[str, dict[str, Extension]] = {}

    def due(self, lab: str) -> datetime | None:
        """Return when a lab is due, in UTC without a zone; None where only the gradebook may say so."""
        return self._dues.get(lab)

    def extensions(self, lab: str) -> Mapping[str, Extension]:
        """Return the extensions that `course extend` gave, by student.

        Raises:
            CourseError: if they cannot be read.
        """
        if lab not in self._extensions:
            self._extensions[lab] = read_extensions(self._root, lab)
        return self._extensions[lab]

    def forget(self) -> None:
        """Read the extensions again when they are asked for."""
        self._extensions.clear()

    def applied(self, mark: Mark) -> Mark:
        """Return a mark with the due date and the extension that count, whatever the gradebook holds."""
        base = mark.due - mark.extension if mark.due else None
        base = self._dues.get(mark.lab, base)
        given = self.extensions(mark.lab).get(mark.student)
        longer = given.longer if given else mark.extension
        due = base + longer if base else None
        return replace(mark, due=due, extension=longer, late_s=lateness(mark.timestamp, due))


def _moment(lab: str, text: Any) -> datetime:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        raise CourseError(f"DueDates.due in nbgrader_config.py: {text!r}, of {lab}, is no time.") from None
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found


def _path(root: Path, lab: str) -> Path:
    return root / "grading" / lab / "extensions.json"


def read_extensions(root: Path, lab: str) -> dict[str, Extension]:
    """Return the extensions of a lab, by student.

    Args:
        root: folder of the class.
        lab: the lab's id.

    Raises:
        CourseError: if they cannot be read: who has one would be taken for late.
    """
    path = _path(root, lab)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != _FORMAT:
            raise ValueError(f"format {data['format']!r}")
        return {student: _extension(found) for student, found in data["students"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise CourseError(
            f"{path}, which holds the extensions, cannot be read ({type(error).__name__}: {error}). Put it "
            "back from a backup; or move it away, and give the extensions again."
        ) from None


def _extension(data: Mapping[str, Any]) -> Extension:
    granted = data.get("granted")
    when = datetime.fromisoformat(granted) if granted else None
    return Extension(timedelta(seconds=float(data["seconds"])), str(data.get("reason", "")), when)


def write_extensions(root: Path, lab: str, extensions: Mapping[str, Extension]) -> Path:
    """Write the extensions of a lab; return the file.

    Raises:
        CourseError: if that is not possible.
    """
    students = {
        student: {
            "seconds": found.longer.total_seconds(),
            "reason": found.reason,
            "granted": found.granted.isoformat(timespec="seconds") if found.granted else None,
        }
        for student, found in sorted(extensions.items())
    }
    path = _path(root, lab)
    try:
        return write_json(path, {"format": _FORMAT, "students": students})
    except OSError as error:
        raise CourseError(f"{path} cannot be written: {error.strerror or error}.") from None
