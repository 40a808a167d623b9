"""Read who is in a class: Canvas's gradebook export, Moodle's lists, nbgrader's, or any CSV like them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.instructor.settings import Course, CourseError

# Names of columns, folded, by what they hold. Beside Canvas's other columns, "id" is Canvas's own number.
_COLUMNS = {
    "name": ("student", "estudiante", "name", "full name", "nombre completo"),
    "canvas_id": ("canvas id", "lms_user_id"),
    "number": ("sis user id", "id number", "número de id", "numero de id", "student id", "student_id", "id"),
    "login": ("sis login id", "username", "nombre de usuario", "login"),
    "email": ("email address", "email", "dirección de correo", "dirección email", "correo electrónico"),
    "first_name": ("first name", "firstname", "first_name", "nombre"),
    "last_name": ("last name", "lastname", "last_name", "surname", "apellido(s)", "apellidos", "apellido"),
    "section": ("section", "sección", "group", "grupo"),
    "extension_days": ("extension days", "extension_days", "extension", "prórroga", "días de prórroga"),
}  # fmt: skip
_IDENTIFYING = ("number", "login", "canvas_id", "email")
_CANVAS_MARKS = ({"sis user id"}, {"sis login id"}, {"student", "section"})
_ASSIGNMENT = re.compile(r"(?P<title>.*\S)\s+\((?P<id>\d+)\)")


@dataclass(frozen=True)
class Entry:
    """One student of a roster; what the file does not say is empty.

    `extension_days`: how many days later than others they hand in; `course extend` reads it.
    """

    name: str = ""
    canvas_id: str = ""
    number: str = ""
    login: str = ""
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    section: str = ""
    extension_days: str = ""

    @property
    def sortable_name(self) -> str:
        """Return the name, last name first."""
        parts = [part for part in (self.last_name, self.first_name) if part]
        return self.name or ", ".join(parts)

    def __str__(self) -> str:
        return self.sortable_name or self.number or self.login or self.email or self.canvas_id


@dataclass(frozen=True)
class Roster:
    """A class.

    Attributes:
        entries: students of the class, in the file's order.
        assignments: headers of a Canvas export that name an assignment, by the assignment's title, folded.
    """

    entries: tuple[Entry, ...]
    assignments: dict[str, str]


def read_roster(path: Path) -> Roster:
    """Read a roster.

    Raises:
        CourseError: if it cannot be read, or no column says who is who.
    """
    rows = rows_of(path)
    header = [fold(name) for name in rows[0]] if rows else []
    columns = _columns(header)
    if not any(field in columns for field in _IDENTIFYING):
        names = ", ".join(repr(name) for name in rows[0][:8]) if rows else "none"
        raise CourseError(
            f"{path.name}: no column says who is who. Its first row must name at least one of SIS User ID, "
            f"SIS Login ID, ID number, Username, Email address, ID; it has {names}."
        )
    entries = [_entry(row, columns) for row in rows[1:]]
    found = tuple(entry for entry in entries if any(getattr(entry, field) for field in _IDENTIFYING))
    if not found:
        raise CourseError(f"{path.name}: there are no students below its first row.")
    return Roster(found, _assignments(rows[0]) if "canvas_id" in columns else {})


def class_roster(course: Course, folder: Path | None, given: Path | None = None) -> Roster | None:
    """Return who is in a class, if a file says so.

    Args:
        course: the checkout; `roster` in its course.toml names a file.
        folder: folder of the class, which may have a file of that name itself; None: the checkout.
        given: another file, which counts alone.

    Raises:
        CourseError: if the file is not there, or cannot be used.
    """
    if given is not None:
        return read_roster(given)
    if not course.roster:
        return None
    places = [root / course.roster for root in (folder, course.root) if root is not None]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise CourseError(
            f"course.toml, [course]: there is no file {course.roster}, which roster names. It says who is in "
            "the class; take the line out if nothing does."
        )
    return read_roster(path)


def _columns(header: Sequence[str]) -> dict[str, int]:
    """Return the index of each known column."""
    columns: dict[str, int] = {}
    for field, names in _COLUMNS.items():
        found = next((header.index(name) for name in names if name in header), None)
        if found is not None:
            columns[field] = found
    if "id" in header and any(marks <= set(header) for marks in _CANVAS_MARKS):
        columns["canvas_id"] = header.index("id")
        if columns.get("number") == columns["canvas_id"]:
            del columns["number"]
    return columns


def _entry(row: Sequence[str], columns: dict[str, int]) -> Entry:
    """Return one student; a row that ends early has empty columns."""
    fields = {name: row[index].strip() for name, index in columns.items() if index < len(row)}
    if "points possible" in fields.get("name", "").casefold():
        return Entry()
    return Entry(**fields)


def _assignments(header: Sequence[str]) -> dict[str, str]:
    """Return the headers that name an assignment of Canvas's, such as `Lab 1 (4711)`."""
    found = [(match, name) for name in header if (match := _ASSIGNMENT.fullmatch(name.strip()))]
    return {fold(match["title"]): name for match, name in found}


def fold(name: str) -> str:
    """Return a column's name as it is compared."""
    return " ".join(name.split()).casefold()


# --- the file --------------------------------------------------------------------------------------


def rows_of(path: Path) -> list[list[str]]:
    """Return the rows of a CSV file, whatever program wrote it.

    Raises:
        CourseError: if it is not one.
    """
    try:
        text = _decode(path.read_bytes())
    except OSError as error:
        raise CourseError(f"The roster {path} cannot be read: {error.strerror or error}.") from None
    if "\0" in text:
        raise CourseError(
            f"{path.name} is no CSV file. From a spreadsheet, save the sheet as CSV (UTF-8) first."
        )
    lines = [line for line in text.splitlines() if line.strip()]
    first = lines[0] if lines else ""
    delimiter = max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise CourseError(f"{path.name} is no CSV file: {error}.") from None
    return [row for row in rows if any(cell.strip() for cell in row)]


def _decode(data: bytes) -> str:
    """Return the text of a file; spreadsheets write UTF-16 or Windows' own encoding too."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
