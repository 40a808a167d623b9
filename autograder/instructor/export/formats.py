"""How Canvas, Moodle and a spreadsheet want the marks of a class; docs/exports.md cites where that stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from autograder.instructor.export.lines import Line
from autograder.instructor.export.results import Results
from autograder.instructor.files import Row
from autograder.instructor.gradebook import Mark
from autograder.instructor.options import Format


def rows_for(
    to: Format, lines: Sequence[Line], results: Results, headers: dict[str, str], *, partial: bool
) -> list[Row]:
    """Return all rows of a file, the header first.

    Args:
        to: the system.
        lines: the students.
        results: marks of all labs to export.
        headers: what the other system calls a lab, by id; the id itself where it is not there.
        partial: whether marks that are not complete are given as they are so far.
    """
    layout = {Format.CSV: _csv, Format.CANVAS: _canvas, Format.MOODLE: _moodle}[to]
    return layout(lines, results, headers, partial)


def _mark(mark: Mark | None, partial: bool) -> float | None:
    """Return the mark to export: nothing where nothing was handed in or a person has still to mark."""
    if mark is None:
        return None
    return mark.so_far if partial else mark.total


def _local(when: datetime | None, zone: tzinfo) -> str | None:
    """Return a time by the course's clock, as spreadsheets read it."""
    return f"{when.replace(tzinfo=UTC).astimezone(zone):%Y-%m-%d %H:%M}" if when else None


def _canvas(lines: Sequence[Line], results: Results, headers: dict[str, str], partial: bool) -> list[Row]:
    names: Row = [headers.get(lab, lab) for lab in results.labs]
    rows: list[Row] = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *names],
        ["    Points Possible", None, None, None, None, *results.labs.values()],
    ]
    for line in lines:
        entry = line.entry
        who: Row = [entry.sortable_name, entry.canvas_id, entry.number, entry.login, entry.section]
        rows.append([*who, *(_mark(line.marks.get(lab), partial) for lab in results.labs)])
    return rows


def _moodle(lines: Sequence[Line], results: Results, headers: dict[str, str], partial: bool) -> list[Row]:
    names: Row = [headers.get(lab, lab) for lab in results.labs]
    rows: list[Row] = [["First name", "Last name", "ID number", "Username", "Email address", *names]]
    for line in lines:
        # Moodle refuses a whole file for one user whom it does not know.
        if not line.matched:
            continue
        entry = line.entry
        who: Row = [entry.first_name or entry.name, entry.last_name, entry.number, entry.login, entry.email]
        rows.append([*who, *(_mark(line.marks.get(lab), partial) for lab in results.labs)])
    return rows


def _csv(lines: Sequence[Line], results: Results, headers: dict[str, str], partial: bool) -> list[Row]:
    figures = ("total", "max", "automatic", "by hand", "late penalty", "state", "handed in", "late hours")
    header: Row = ["student", "name", "email", "section"]
    header += [f"{lab} {figure}" for lab in results.labs for figure in figures]
    rows = [header]
    for line in lines:
        row: Row = [line.student, line.entry.sortable_name, line.entry.email, line.entry.section]
        for lab, full in results.labs.items():
            mark = line.marks.get(lab)
            row += [_mark(mark, partial), full]
            if mark is None:
                row += [None, None, None, "nothing handed in", None, None]
                continue
            state = "waiting for a person" if mark.waiting else "complete"
            row += [mark.automatic, mark.by_hand, mark.late_penalty, state]
            row += [_local(mark.timestamp, results.zone), round(mark.late_s / 3600, 2)]
        rows.append(row)
    return rows
