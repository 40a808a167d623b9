"""What `course extend` says: who has how much more time, until when."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from autograder.instructor import clock
from autograder.instructor.extend import Extended
from autograder.instructor.settings import Course


def show_extensions(console: Console, course: Course, lab: str, found: Extended) -> None:
    """Print the extensions of a lab."""

    def shown(when: datetime | None) -> str:
        return "" if when is None else f"{when.replace(tzinfo=UTC).astimezone(course.zone):%Y-%m-%d %H:%M}"

    due = shown(found.due)
    console.print(f"{lab}: {f'due {due}, {course.timezone}' if due else 'no due date'}", highlight=False)
    if found.due is None and found.extensions:
        console.print("[yellow]![/] Nobody is late without a due date: `due` in course.toml gives one.")
    dates = [Column(name, no_wrap=True) for name in ("longer by", "due")]
    table = Table("student", "name", *dates, "reason", Column("granted", no_wrap=True))
    for student, extension in found.extensions.items():
        table.add_row(
            escape(student),
            escape(found.names.get(student, "")),
            clock.duration(extension.longer.total_seconds(), "en"),
            shown(found.due + extension.longer if found.due else None),
            escape(extension.reason),
            shown(extension.granted)[:10],
        )
    console.print(table if found.extensions else "no extensions")
    if found.penalties:
        changed = ", ".join(found.penalties)
        console.print(f"something else is taken off for lateness: {escape(changed)}", soft_wrap=True)
