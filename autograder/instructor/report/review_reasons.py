"""Which submissions a person should review, why, and what to type."""

from __future__ import annotations

import glob
import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.catalogue import load
from autograder.instructor.grade.review import REVIEW_NOTES
from autograder.instructor.grade.work import Outcome
from autograder.instructor.report.data import StudentReport

_IDENTITY = {
    "folder_id", "identity_incomplete", "other_identity", "partner_bad_id", "partner_own", "partner_taken",
    "partner_twice",
}  # fmt: skip
_UNKNOWN_PARTNER = {"partner_unknown"}
_MISPLACED = {"answer_beside", "moved_answer"}
_DEVICE = {"no_device"}
_BROKEN_OFF = {"died", "no_run", "cell_stopped", "output_cut", "outputs_cut", "bad_bundle"}
# Marks that may be nobody's work, though the run ended well.
_DOUBTFUL = {"hidden_code", "meddles", "meddles_file", "startup_file", "untouched_answer", "weak_only"}
_TIME = {"unreadable_time"}
# Notes that are a reason of their own, whatever else there is.
_SEPARATE_REASONS = {
    "unknown_partner": _UNKNOWN_PARTNER,
    "misplaced_answer": _MISPLACED,
    "device": _DEVICE,
    "doubtful": _DOUBTFUL,
    "unreadable_time": _TIME,
}
# Notes that put nothing right.
_NOTHING_REPAIRED = {"partner", "nobody"}


@dataclass(frozen=True)
class ReviewReason:
    """Why a person should review submissions.

    Attributes:
        key: name of the reason, also of its texts.
        command: command to type; {student} stands for the student, {lab} and {folder} for the others. Empty
            where nothing is to be typed.
        urgent: whether marks are wrong or missing until somebody does something.
    """

    key: str
    command: str = ""
    urgent: bool = True

    @property
    def title(self) -> str:
        """Return what is the matter."""
        return _TEXTS[self.key]["en"]

    @property
    def advice(self) -> str:
        """Return what to do."""
        return _TEXTS[f"{self.key}_advice"]["en"].format(formgrader=_TEXTS["formgrader"]["en"])


_TEXTS = load(__package__, "review_reasons")
_GRADE = "course grade {lab} --students {student}{folder}"
_GRADE_AGAIN = f"{_GRADE} --force"
_GRADE_ALL = "course grade {lab}{folder}"
# Most urgent first.
REASONS = (
    ReviewReason("failed", _GRADE_ALL),
    ReviewReason("unusable", _GRADE),
    ReviewReason("ungraded", _GRADE_ALL),
    ReviewReason("changed", _GRADE_ALL),
    ReviewReason("unstored", _GRADE_ALL),
    ReviewReason("incomplete", _GRADE_AGAIN),
    ReviewReason("unmarked"),
    ReviewReason("unknown_partner", _GRADE_AGAIN),
    ReviewReason("misplaced_answer"),
    ReviewReason("device"),
    ReviewReason("identity", _GRADE),
    ReviewReason("stopped", _GRADE_AGAIN),
    ReviewReason("doubtful"),
    ReviewReason("unreadable_time", _GRADE),
    ReviewReason("unexpected", _GRADE),
    ReviewReason("late", "course extend {lab} {student} --days 1{folder}", urgent=False),
    ReviewReason("unsigned", _GRADE, urgent=False),
    ReviewReason("repaired", urgent=False),
    ReviewReason("by_hand", urgent=False),
)
REASON_BY_KEY = {reason.key: reason for reason in REASONS}


def review_reasons_of(row: StudentReport, *, changed: bool, stored: bool) -> tuple[str, ...]:
    """Return the keys of the reasons to reason at a row, most urgent first.

    Args:
        row: what there is to say of one student.
        changed: whether something else was handed in since it was graded.
        stored: whether the gradebook has taken the marks.
    """
    found = set()
    if row.state == "not graded":
        found.add("ungraded")
    elif row.outcome is not None:
        found |= _of_outcome(row.outcome)
        found |= {"unstored"} if not stored else set()
    found |= {"changed"} if changed else set()
    if row.unmarked and not found & {"failed", "unusable", "incomplete"}:
        found.add("unmarked")
    if row.late_s > 0:
        found.add("late")
    if row.waits_for_hand and not found & {"failed", "unusable"}:
        found.add("by_hand")
    return tuple(reason.key for reason in REASONS if reason.key in found)


def _of_outcome(outcome: Outcome) -> set[str]:
    """Return what the notes of a grading ask for."""
    keys = set(outcome.note_keys)
    found = {"failed" if outcome.retry else outcome.status} & {"failed", "unusable", "incomplete"}
    if keys & _IDENTITY:
        found.add("identity")
    found |= {reason for reason, of_reason in _SEPARATE_REASONS.items() if keys & of_reason}
    if keys & _BROKEN_OFF and not found & {"failed", "unusable", "incomplete"}:
        found.add("stopped")
    others = REVIEW_NOTES - _IDENTITY - _BROKEN_OFF - set().union(*_SEPARATE_REASONS.values())
    if keys & others and outcome.status == "graded":
        found.add("unexpected")
    if "nobody" in keys and outcome.status == "graded":
        found.add("unsigned")
    if keys - REVIEW_NOTES - _NOTHING_REPAIRED and outcome.status != "unusable":
        found.add("repaired")
    return found


def command_for(reason: ReviewReason, lab: str, student: str, folder: Path | None) -> str:
    """Return what to type about one student; empty if nothing is to be typed."""
    where = f" --folder {shlex.quote(str(folder))}" if folder else ""
    return reason.command.format(lab=lab, student=shlex.quote(glob.escape(student)), folder=where)


def urgent(keys: Collection[str]) -> bool:
    """Tell whether one of these reasons is urgent."""
    return any(REASON_BY_KEY[key].urgent for key in keys)


def grouped(rows: Sequence[StudentReport]) -> list[tuple[ReviewReason, list[StudentReport]]]:
    """Return the reasons that there are, each with its rows; a pair's notebook once."""
    groups = []
    for reason in REASONS:
        found = [
            row for row in rows if reason.key in row.review_reasons and (row.owns or reason.key == "by_hand")
        ]
        if found:
            groups.append((reason, found))
    return groups
