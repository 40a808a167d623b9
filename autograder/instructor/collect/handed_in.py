"""Read when things were handed in: Moodle's grading worksheet, Canvas's list, any CSV with times.

No bulk download says so by itself: what an archive gives as a file's time is when it was packed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from autograder.instructor.collect.people import People
from autograder.instructor.collect.platforms import Platform
from autograder.instructor.errors import CourseError
from autograder.instructor.export.roster import fold, rows_of
from autograder.instructor.grade.times import TimeStampError, read_time

SUFFIXES = (".csv", ".json", ".tsv", ".txt")
_MAX_BYTES = 64 * 2**20
_TIME = (
    "last modified (submission)", "última modificación (entrega)", "última modificación (envío)",
    "última modificación (envios)", "submitted at", "submitted_at", "submission time", "submission date",
    "handed in", "timestamp", "time", "entregado", "fecha de entrega", "hora de entrega",
)  # fmt: skip
_PARTICIPANT = ("identifier", "identificador")
_KEYS = (
    "id number", "número de id", "sis user id", "student id", "student_id", "student", "id", "username",
    "nombre de usuario", "sis login id", "login", "email address", "email", "dirección de correo",
    "correo electrónico", "dirección email",
)  # fmt: skip
_NAMES = ("full name", "nombre completo", "name", "nombre")
_NOTHING = ("", "-", "–")


@dataclass
class HandedIn:
    """What a list says.

    Attributes:
        times: when each student handed in, in UTC without a zone.
        matches: student by what a platform knows them by, see `Sender.label`.
        unreadable: students whose time cannot be read, with the text.
        unknown: whom it names and nobody knows.
    """

    times: dict[str, datetime] = field(default_factory=dict)
    matches: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


def read_handed_in(path: Path, people: People, zone: tzinfo) -> HandedIn:
    """Read a list.

    Args:
        path: a CSV file, or the JSON that Canvas's API gives.
        people: the class.
        zone: of times that name none.

    Raises:
        CourseError: if it is no such list.
    """
    try:
        large = path.stat().st_size > _MAX_BYTES
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror or error}.") from None
    if large:
        raise CourseError(f"{path} has more than {_MAX_BYTES // 2**20} MB: it is no list of times.")
    return _canvas(path, people, zone) if path.suffix.lower() == ".json" else _table(path, people, zone)


def _canvas(path: Path, people: People, zone: tzinfo) -> HandedIn:
    """Read what `/api/v1/courses/…/assignments/…/submissions` of Canvas says."""
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise CourseError(f"{path} is no JSON: {str(error)[:100]}.") from None
    if not isinstance(data, list) or not all(isinstance(row, dict) and "user_id" in row for row in data):
        raise CourseError(f"{path} is no list of submissions of Canvas: each needs user_id and submitted_at.")
    found = HandedIn()
    for row in data:
        user = str(row["user_id"])
        label = f"{Platform.CANVAS}:{user}"
        student = people.matches.get(label) or people.find_canvas(user)
        _note(found, student, f"Canvas's user {user}", row.get("submitted_at"), zone)
    return found


def _table(path: Path, people: People, zone: tzinfo) -> HandedIn:
    """Read a CSV file."""
    header, *rows = rows_of(path) or [[]]
    columns = [fold(name) for name in header]
    times = _column(columns, _TIME)
    if times is None:
        shown = ", ".join(repr(name) for name in header[:8]) or "none"
        raise CourseError(
            f"{path.name}: no column says when something was handed in. Its first row must name one of Last "
            f"modified (submission), submitted at, timestamp, time; it has {shown}. A list of the class goes "
            "to --roster."
        )
    found = HandedIn()
    for row in rows:
        cells = dict(zip(columns, (cell.strip() for cell in row), strict=False))
        keys = [cells.get(name, "") for name in _KEYS]
        name = next((cells[column] for column in _NAMES if cells.get(column)), "")
        participant = _participant(cells)
        label = f"{Platform.MOODLE}:{participant}"
        student = people.find_key(*keys) or people.matches.get(label) or people.find_name(name)
        if student and participant:
            found.matches[label] = student
        shown = name or next((key for key in keys if key), "?")
        _note(found, student, shown, row[times] if times < len(row) else "", zone)
    return found


def _participant(cells: Mapping[str, str]) -> str:
    """Return Moodle's number of a participant, which it writes after a word; empty if there is none."""
    text = next((cells[column] for column in _PARTICIPANT if column in cells), "")
    numbers = re.findall(r"\d+", text)
    return numbers[-1] if numbers else ""


def _column(columns: Sequence[str], names: Sequence[str]) -> int | None:
    return next((columns.index(name) for name in names if name in columns), None)


def _note(found: HandedIn, student: str | None, name: str, when: Any, zone: tzinfo) -> None:
    """Note one row."""
    text = "" if when is None else str(when).strip()
    if text in _NOTHING:
        return
    if student is None:
        found.unknown.append(name)
        return
    try:
        found.times[student] = read_time(text.encode(), zone=zone)
    except TimeStampError as error:
        found.unreadable[student] = str(error)
