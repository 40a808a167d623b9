"""What `course collect` says: who is new, changed, kept, unknown, missing; for people and as data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape

from autograder.instructor.collect.collecting import Collection, Result, State, Stranger
from autograder.instructor.collect.platforms import Platform

_SHOWN = 12
_WORDS = {
    State.NEW: "new",
    State.CHANGED: "changed",
    State.UNCHANGED: "unchanged",
    State.KEPT: "kept as corrected by hand",
    State.OLD: "an earlier attempt, left",
    State.FAILED: "failed",
}


def show_collection(console: Console, found: Collection) -> None:
    """Print what came of a run."""

    def say(line: str, mark: str = "[yellow]![/]") -> None:
        console.print(f"{mark} {escape(line)}", highlight=False, soft_wrap=True)

    counts = ", ".join(f"{len(found.of(state))} {_WORDS[state]}" for state in State if found.of(state))
    say(f"{found.lab}: {counts or 'no submission came'}", "[green]✓[/]")
    for state in (State.NEW, State.CHANGED):
        if results := found.of(state):
            say(f"{_WORDS[state]}: {_people(results)}", " ")
    if found.stamps:
        say(f"another time of handing in: {', '.join(found.stamps)}", " ")
    for result in found.of(State.KEPT):
        say(
            f"{_person(result)} was corrected by hand, and something else came in {result.source}: nothing "
            f"was changed. `--replace {result.student}` takes what came."
        )
    for result in found.of(State.FAILED):
        say(f"{_person(result)}: {'; '.join(result.notes) or 'nothing that could be taken'}.")
    for stranger in found.strangers:
        say(_stranger(stranger))
    for result in found.results:
        if result.state is not State.FAILED and result.notes:
            say(f"{_person(result)}: {'; '.join(result.notes[:_SHOWN])}.")
    if late := [r for r in found.results if r.late and r.when is None]:
        say(
            f"called late by the platform, and no time is known, so nothing is taken off: {_people(late)}. "
            "Give a list of times too, or write timestamp.txt."
        )
    for warning in found.warnings:
        say(warning)
    if found.absent:
        names = [f"{student} {name}".strip() for student, name in found.absent.items()]
        say(f"not handed in ({len(names)}): {_few(names)}", " ")


def as_json(found: Collection) -> dict[str, Any]:
    """Return what came of a run as data."""
    return {
        "lab": found.lab,
        "submissions": [
            {
                "student": r.student, "name": r.name, "state": str(r.state), "source": r.source,
                "handed_in": f"{r.when.isoformat()}Z" if r.when else None, "called_late": r.late,
                "notes": list(r.notes),
            }
            for r in found.results
        ],
        "unknown": [
            {
                "key": s.sender.label, "name": s.sender.name, "files": list(s.files), "why": s.why,
                "source": s.source,
            }
            for s in found.strangers
        ],
        "new_times": found.stamps,
        "warnings": found.warnings,
        "not_handed_in": list(found.absent),
    }  # fmt: skip


def _stranger(found: Stranger) -> str:
    sender = found.sender
    name = f" ({sender.name})" if sender.name and sender.name != sender.key else ""
    files = _few(found.files, 3)
    if not sender.key:
        return f"unknown, in {found.source}: {files}: {found.why}."
    if sender.platform is Platform.PLAIN:
        advice = f'`--match "{sender.label}=STUDENT"` says who it is'
    else:
        advice = f"`--match {sender.label}=STUDENT` says who it is"
    return f"unknown, in {found.source}: {sender.label}{name}, {files}: {found.why}; {advice}."


def _person(result: Result) -> str:
    return f"{result.student} {result.name}".strip()


def _people(results: Sequence[Result]) -> str:
    return _few([_person(result) for result in results])


def _few(names: Iterable[str], most: int = _SHOWN) -> str:
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
