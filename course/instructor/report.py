"""Reports on a graded class: a table for the terminal, a self-contained HTML page."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path

import matplotlib
from jinja2 import Environment, PackageLoader, select_autoescape
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from course.instructor.gradebook import Mark
from course.instructor.settings import Course

BLUE, GREY = "#0969da", "#d0d7de"


def show_table(console: Console, marks: list[Mark], notes: Mapping[str, str]) -> None:
    """Print the marks of a class."""
    table = Table("student", "lab", "automatic", "total", "by hand", "submission", title="Marks")
    for mark in marks:
        colour = "green" if mark.auto_score == mark.max_auto_score else "yellow" if mark.auto_score else "red"
        table.add_row(
            mark.student,
            mark.lab,
            f"[{colour}]{mark.auto_score:g}[/] / {mark.max_auto_score:g}",
            f"{mark.score:g} / {mark.max_score:g}",
            "waiting" if mark.needs_manual_grade else "done",
            notes.get(mark.student, ""),
        )
    console.print(table)


def write_report(course: Course, marks: list[Mark], path: Path, notes: Mapping[str, str]) -> Path:
    """Write an HTML page with tables and plots that needs no other file."""
    environment = Environment(loader=PackageLoader("course.instructor"), autoescape=select_autoescape())
    template = environment.get_template("report.html.j2")
    blocks = list(marks[0].blocks) if marks else []
    html = template.render(
        lab=marks[0].lab if marks else "",
        marks=marks,
        notes=notes,
        blocks=[name for name in blocks if marks[0].blocks[name][1] > 0],
        mean=sum(m.auto_score for m in marks) / len(marks) if marks else 0.0,
        waiting=sum(m.needs_manual_grade for m in marks),
        students_plot=_embedded(_students_plot(marks)),
        blocks_plot=_embedded(_blocks_plot(marks)),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, encoding="utf-8")
    return path


def _students_plot(marks: list[Mark]) -> Figure:
    """Draw the automatic marks of every student."""
    figure = Figure(figsize=(7, 0.4 + 0.3 * max(len(marks), 1)))
    axes = figure.subplots()
    names = [mark.student for mark in marks]
    axes.barh(names, [mark.max_auto_score for mark in marks], color=GREY)
    axes.barh(names, [mark.auto_score for mark in marks], color=BLUE)
    axes.invert_yaxis()
    axes.set(title="Automatic marks by student", xlabel="marks")
    return figure


def _blocks_plot(marks: list[Mark]) -> Figure:
    """Draw the mean share of marks earned in every block: the hard parts of the lab."""
    figure = Figure(figsize=(7, 3))
    axes = figure.subplots()
    names = [name for name, (_, points) in marks[0].blocks.items() if points > 0] if marks else []
    shares = [
        100 * sum(mark.blocks[name][0] for mark in marks) / sum(mark.blocks[name][1] for mark in marks)
        for name in names
    ]
    axes.bar([name.removesuffix("_check") for name in names], shares, color=BLUE)
    axes.set(title="Mean share of marks by section", ylabel="%", ylim=(0, 100))
    axes.tick_params(axis="x", rotation=20)
    return figure


def _embedded(figure: Figure) -> str:
    """Return a figure as the address of a picture that holds its own data."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"font.size": 9}):
        figure.tight_layout()
        figure.savefig(buffer, format="png", dpi=110)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
