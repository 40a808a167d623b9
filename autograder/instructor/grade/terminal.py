"""What `course grade` shows in the terminal: how far it is, and what a person should review."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from autograder.instructor.grade.grader import Grading, Plan
from autograder.instructor.grade.guard import shown
from autograder.instructor.grade.review import needs_review
from autograder.instructor.grade.work import Outcome
from autograder.instructor.kernels.isolation import Isolation

_COLOURS = {"graded": "green", "incomplete": "yellow", "unusable": "red"}
_URGENCY = ("unusable", "incomplete", "graded")
_SHOWN = 30


def show_start(console: Console, lab: str, plan: Plan, isolation: Isolation) -> None:
    """Say what is going to happen, and what is weaker than it could be."""
    parts = [f"{len(plan.grade)} to run"]
    parts += [f"{len(plan.store)} to store"] if plan.store else []
    parts += [f"{len(plan.skip)} unchanged since they were graded"] if plan.skip else []
    console.print(f"{lab}: {', '.join(parts)}; isolation: {isolation.way}")
    for line in plan.misplaced[:_SHOWN]:
        console.print(f"[yellow]![/] {escape(line)}", highlight=False, soft_wrap=True)
    if plan.outdated:
        console.print(
            f"[yellow]![/] {len(plan.outdated)} were graded with another version of the lab; --force grades "
            "them again."
        )
    for weakness in isolation.weaknesses:
        console.print(f"[yellow]![/] {weakness}", highlight=False)


@contextlib.contextmanager
def grading_progress(console: Console, total: int) -> Iterator[Callable[[Outcome], None]]:
    """Show how far the run is; yield what to call after each submission."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, speed_estimate_period=600) as bars:
        bar = bars.add_task("grading", total=total)

        def advance(outcome: Outcome) -> None:
            bars.update(bar, advance=1, description=f"grading [dim]{escape(shown(outcome.student))}[/]")

        yield advance


def show_end(console: Console, grading: Grading) -> None:
    """Say what happened, and list the submissions that a person should review."""
    outcomes = sorted(grading.outcomes, key=lambda outcome: outcome.student)
    counts = {status: sum(o.status == status for o in outcomes) for status in _COLOURS}
    said = ", ".join(f"[{_COLOURS[name]}]{count} {name}[/]" for name, count in counts.items() if count)
    skipped = f", {len(grading.plan.skip)} unchanged" if grading.plan.skip else ""
    nothing = "nothing was finished" if grading.interrupted else "nothing to run"
    console.print(f"{said or nothing}{skipped} in {grading.wall_s:.0f} s")
    worth = sorted(filter(needs_review, outcomes), key=lambda outcome: _URGENCY.index(outcome.status))
    if worth:
        table = Table("student", "state", "automatic", Column("why", overflow="fold"), title="To review")
        for outcome in worth[:_SHOWN]:
            table.add_row(
                escape(shown(outcome.student)),
                f"[{_COLOURS[outcome.status]}]{outcome.status}[/]",
                marks_text(outcome),
                escape("\n".join(outcome.notes)),
            )
        console.print(table)
        if len(worth) > _SHOWN:
            console.print(f"and {len(worth) - _SHOWN} more: `course report` lists them by reason.")
    if grading.plan.to_review:
        console.print(
            f"{len(grading.plan.to_review)} of those graded before are still to be reviewed: `course report` "
            "lists them."
        )
    if grading.shared:
        console.print(f"marks by hand given to partners too: {escape(', '.join(grading.shared))}")
    if grading.penalties:
        console.print(f"late penalties changed: {escape(', '.join(grading.penalties))}")
    _show_unstored(console, grading)
    if grading.interrupted:
        left = len(grading.plan.grade) + len(grading.plan.store) - len(outcomes)
        console.print(f"[yellow]stopped[/]: {left} are left; the same command goes on with them.")


def _show_unstored(console: Console, grading: Grading) -> None:
    """List, in a line each, submissions that are not in the gradebook."""
    if not grading.unstored:
        return
    console.print(
        f"[red]✗[/] the gradebook did not take {len(grading.unstored)} of them. The same command goes on "
        "with them:"
    )
    for student in grading.unstored[:_SHOWN]:
        found = grading.troubles.get(student)
        why = f"{found.stage}: {found.why.render('en')}" if found else "another program was writing to it"
        console.print(f"  {escape(shown(student))}: {escape(why)}", highlight=False, soft_wrap=True)
    if len(grading.unstored) > _SHOWN:
        console.print(f"  and {len(grading.unstored) - _SHOWN} more, in the log of this run")


def marks_text(outcome: Outcome) -> str:
    """Return the marks of a submission as text: blank where there are none, never a silent 0."""
    given = [mark for mark in outcome.marks.values() if mark is not None]
    if not given:
        return "–"
    missing = len(outcome.marks) - len(given)
    return f"{sum(given):g}" + (f" ({missing} cells without marks)" if missing else "")
