"""The marks of a class as a table in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autograder.instructor.report.data import ClassReport


def show_table(console: Console, report: ClassReport) -> None:
    """Print the marks of a class."""
    noted = any(row.note for row in report.rows)
    table = Table("student", "lab", "automatic", "so far", "by hand", *["submission"] * noted, title="Marks")
    for row in report.rows:
        score = row.automatic
        colour = "red" if not score else "green" if score == report.max_automatic else "yellow"
        cells = [
            escape(row.student),
            report.lab,
            f"[{colour}]{'–' if score is None else f'{score:g}'}[/] / {report.max_automatic:g}",
            f"{row.so_far or 0.0:g} / {report.max_automatic + report.max_by_hand:g}",
            "waiting" if row.mark is None or row.mark.waiting else "done",
        ]
        table.add_row(*cells, *[escape(row.note)] * noted)
    console.print(table)
