"""How an audit is shown: a progress bar, a table per lab, JSON."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from autograder.instructor.audit import Audit
from autograder.instructor.files import write
from autograder.instructor.mutation.scoring import Scores
from autograder.instructor.verdicts import AnswerVerdict

Begin = Callable[[int, int], None]
Advance = Callable[[AnswerVerdict], None]


@contextlib.contextmanager
def audit_progress(console: Console, lab: str) -> Iterator[tuple[Begin, Advance]]:
    """Show a progress bar while a lab is audited.

    Yields:
        The functions to call with the number of answers and how many are known, and with each verdict.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("[red]{task.fields[missed]}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(lab, total=None, missed="")
        missed: list[str] = []

        def begin(total: int, known: int) -> None:
            bar.update(task, total=total, completed=known)

        def advance(verdict: AnswerVerdict) -> None:
            if verdict.faults:
                missed.append(verdict.id)
            bar.update(task, advance=1, missed=f"{len(missed)} missed" if missed else "")

        try:
            yield begin, advance
        except KeyboardInterrupt:
            console.print("Interrupted. What was judged is kept: run the same command to go on.")
            raise


def show_audits(console: Console, audits: Sequence[Audit]) -> None:
    """Print a table with a row per lab, and a line for everything that is amiss."""
    table = Table(title="Audit of the grader")
    table.add_column("lab")
    for title in ("wrong\nrejected", "by the\nnamed check", "with\nits hint", "equivalent\naccepted"):
        table.add_column(title, justify="right")
    table.add_column("seeds")
    table.add_column("seconds", justify="right")
    for audit in audits:
        shares = (
            audit.share("wrong", "right"),
            audit.share("wrong", "by_check"),
            audit.share("wrong", "hinted"),
            audit.share("equivalent", "right"),
        )
        seeds = ", ".join(str(seed) for seed in audit.seeds)
        table.add_row(audit.lab, *(_share(*share) for share in shares), seeds, f"{audit.seconds:.0f}")
    console.print(table)
    if mistaken := [audit for audit in audits if audit.marks_lost]:
        console.print(_costs(mistaken))
    for audit in audits:
        for verdict in audit.verdicts:
            for fault in verdict.faults:
                console.print(
                    f"[red]✗[/] {audit.lab}, {verdict.kind} [bold]{escape(verdict.id)}[/]: {escape(fault)}"
                )
        for check in audit.forgeable:
            console.print(
                f"[red]✗[/] {audit.lab}, check [bold]{check}[/]: of what it looks at, fewer than four "
                "numbers depend on the seed, so it could be written down without an answer"
            )
    show_scores(console, [(audit.lab, audit.scores) for audit in audits if audit.scores])


def _costs(audits: Sequence[Audit]) -> Table:
    """Return a table of what wrong answers cost: a row per lab."""
    table = Table(title="What a mistake costs")
    table.add_column("lab")
    for title in ("own marks\nonly", "of its cell's\nmarks", "own marks\nalone"):
        table.add_column(title, justify="right")
    for audit in audits:
        own, of = audit.own_marks_only
        lost, least = audit.mean_loss
        table.add_row(audit.lab, f"{own}/{of}", f"{lost:.0%}", f"{least:.0%}")
    return table


def show_scores(console: Console, scores: Sequence[tuple[str, Scores]]) -> None:
    """Print what became of mutants and rewrites: a row per lab, and a line for everything that is amiss."""
    if not scores:
        return
    table = Table(title="Answers made out of the solutions")
    table.add_column("lab")
    for title in ("mutants\nkilled", "declared\nequivalent", "rewrites\naccepted"):
        table.add_column(title, justify="right")
    for lab, found in scores:
        table.add_row(lab, _share(*found.killed), str(found.equivalent), _share(*found.accepted))
    console.print(table)
    for lab, found in scores:
        kinds = {
            "mutant accepted": found.survivors,
            "a hint that nobody judged true of": found.unjudged,
            "rewrite refused": found.refused,
        }
        for kind, findings in kinds.items():
            for each in findings:
                said = f"  [{each.said}]" if each.said else ""
                line = f"{each.variant.cell}, {each.variant.operator}: {each.variant.change}{said}"
                console.print(f"[red]✗[/] {lab}, {kind}: {escape(line)}", soft_wrap=True, highlight=False)


def _share(count: int, total: int) -> str:
    """Return "n/m", coloured."""
    if total == 0:
        return "–"
    return f"[{'green' if count == total else 'red'}]{count}/{total}[/]"


def write_audits(path: Path, audits: Sequence[Audit]) -> None:
    """Write audits as JSON."""
    data = {"passed": all(audit.passed for audit in audits), "labs": [audit.as_json() for audit in audits]}
    write(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")
