"""The same data as tables for other programs: CSV for spreadsheets, JSON for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from autograder.instructor.files import Cell, Row, as_csv, write
from autograder.instructor.report.data import ClassReport, StudentReport
from autograder.instructor.report.review_reasons import REASON_BY_KEY


def write_table(report: ClassReport, path: Path) -> Path:
    """Write a CSV file with one row per student; a mark that nobody has given yet is blank, not 0."""
    header: Row = [
        "student", "lab", "state", "automatic", "by_hand", "late_penalty", "total", "max_score",
        "partners", "late_hours", "extension_hours", "seconds", "review_reasons",
        *(block.cell for block in report.blocks), *(check.name for check in report.checks),
    ]  # fmt: skip
    return write(path, as_csv([header, *(list(_columns(report, row)) for row in report.rows)]))


def _columns(report: ClassReport, row: StudentReport) -> Iterator[Cell]:
    """Yield the values of one student."""
    yield from (row.student, report.lab, row.state, row.automatic, row.by_hand)
    yield row.mark.late_penalty if row.mark else None
    yield from (row.total, row.mark.max_score if row.mark else None)
    yield " ".join(row.partners)
    yield round(row.late_s / 3600, 2) if row.late_s else None
    longer = row.mark.extension.total_seconds() if row.mark else 0.0
    yield round(longer / 3600, 2) if longer else None
    yield row.outcome.wall_s if row.outcome else None
    yield "; ".join(REASON_BY_KEY[key].title for key in row.review_reasons)
    for block in report.blocks:
        yield row.mark.given.get(block.cell) if row.mark else None
    passed = {check.name: int(check.passed) for check in row.outcome.checks} if row.outcome else {}
    yield from (passed.get(check.name) for check in report.checks)


def write_data(report: ClassReport, path: Path) -> Path:
    """Write everything that the page shows as JSON."""
    times = report.times
    data = {
        "lab": report.lab,
        "title": report.title,
        "made": report.made.isoformat(timespec="seconds"),
        "max_automatic": report.max_automatic,
        "max_by_hand": report.max_by_hand,
        "students": [_student(row) for row in report.rows],
        "not_handed_in": report.absent,
        "blocks": [asdict(block) for block in report.blocks],
        "checks": [asdict(check) for check in report.checks],
        "hints": [asdict(hint) for hint in report.hints],
        "times": None if times is None else {
            "submissions": len(times.seconds), "mean_s": round(times.mean_s, 2),
            "cpu_s": round(times.cpu_s, 2), "wall_s": round(times.wall_s, 1), "runs": times.runs,
        },
    }  # fmt: skip
    return write(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def _utc(when: datetime | None) -> str | None:
    """Return a time of the gradebook as ISO 8601."""
    return f"{when.isoformat(timespec='seconds')}Z" if when else None


def _student(row: StudentReport) -> dict[str, Any]:
    """Return one student as JSON data; marks that are missing are null."""
    mark, outcome = row.mark, row.outcome
    return {
        "student": row.student,
        "state": row.state,
        "automatic": row.automatic,
        "by_hand": row.by_hand,
        "late_penalty": mark.late_penalty if mark else None,
        "total": row.total,
        "marks": mark.given if mark else {},
        "partners": list(row.partners),
        "late_s": row.late_s,
        "handed_in": _utc(mark.timestamp if mark else None),
        "due": _utc(mark.due if mark else None),
        "extension_s": mark.extension.total_seconds() if mark else 0.0,
        "review_reasons": list(row.review_reasons),
        "notes": outcome.notes if outcome else [],
        "seconds": outcome.wall_s if outcome else None,
        "checks": [asdict(check) for check in outcome.checks] if outcome else [],
        "feedback": row.feedback,
    }
