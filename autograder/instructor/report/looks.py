"""Which submissions need a look, why, and what to type."""

from __future__ import annotations

import glob
import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.instructor.grade.looks import LOOK_KEYS
from autograder.instructor.grade.work import Outcome
from autograder.instructor.report.data import Row

_IDENTITY = {
    "folder_id", "identity_incomplete", "other_identity", "partner_bad_id", "partner_own", "partner_taken",
    "partner_twice",
}  # fmt: skip
_STRANGER = {"partner_unknown"}
_ELSEWHERE = {"answer_beside", "moved_answer"}
_DEVICE = {"no_device"}
_BROKEN_OFF = {"died", "no_run", "cell_stopped", "output_cut", "outputs_cut", "bad_bundle"}
# Marks that may be nobody's work, though the run ended well.
_DOUBTFUL = {"hidden_code", "meddles", "meddles_file", "startup_file", "untouched_answer", "weak_only"}
_TIME = {"unreadable_time"}
# Notes that have a look of their own, whatever else there is.
_OF_THEIR_OWN = {
    "stranger": _STRANGER, "elsewhere": _ELSEWHERE, "device": _DEVICE, "doubtful": _DOUBTFUL,
    "unreadable_time": _TIME,
}  # fmt: skip
# Notes that put nothing right.
_FINE = {"partner", "nobody"}


@dataclass(frozen=True)
class Look:
    """A reason to look at submissions.

    Attributes:
        key: its name.
        title: what is the matter.
        advice: what to do.
        command: what to type; {student} stands for the student, {lab} and {folder} for the others. Empty
            where nothing is to be typed.
        urgent: whether marks are wrong or missing until somebody does something.
    """

    key: str
    title: str
    advice: str
    command: str = ""
    urgent: bool = True


_GRADE = "course grade {lab} --students {student}{folder}"
_GRADE_ALL = "course grade {lab}{folder}"
_FORMGRADER = "Give the marks in Formgrader: `jupyter lab`, Formgrader, Manual Grading."
LOOKS = (
    Look(
        "failed",
        "Grading failed, through no fault of what was handed in",
        "Read why. The same command tries again, and leaves alone what is graded already.",
        _GRADE_ALL,
    ),
    Look(
        "unusable",
        "Cannot be read: no marks",
        "Ask for the notebook again, put it into the folder of the submission, and grade it. Until then "
        "there are no marks, not even 0.",
        _GRADE,
    ),
    Look(
        "ungraded",
        "Handed in, not graded yet",
        "Grade the class: what is graded already is left alone.",
        _GRADE_ALL,
    ),
    Look(
        "changed",
        "Handed in again since it was graded, or the lab's cells changed",
        "Grade the class: only what changed is run.",
        _GRADE_ALL,
    ),
    Look(
        "unstored",
        "Graded, and not in the gradebook",
        "Another program held the gradebook. The same command stores the marks; nothing is run again.",
        _GRADE_ALL,
    ),
    Look(
        "incomplete",
        "Ended before its end: some cells have no marks",
        f"Read why, and run it again if it was chance. {_FORMGRADER}",
        _GRADE + " --force",
    ),
    Look("unmarked", "Cells without automatic marks", f"No cell may stay without marks. {_FORMGRADER}"),
    Look(
        "stranger",
        "A partner whom nobody knows",
        "Only the one whose folder it is has the marks. If the id is right, add the student to the gradebook "
        "(`nbgrader db student add ID`, or `import` for a whole list); if not, correct the identity cell of "
        "the notebook that was handed in. Then grade it again.",
        _GRADE + " --force",
    ),
    Look(
        "elsewhere",
        "Answers beside their cell",
        f"The note says where. The cells wait for marks, and have no automatic 0. {_FORMGRADER}",
    ),
    Look(
        "device",
        "Asks for a device that is not here",
        "Cells that lost marks by it wait for a person: code that is right but for that may have them. "
        f"{_FORMGRADER}",
    ),
    Look(
        "identity",
        "Who hands in is unclear",
        "The marks went to the student whose folder it is. Where that is wrong, correct the identity cell of "
        "the notebook that was handed in, and grade it again.",
        _GRADE,
    ),
    Look(
        "stopped",
        "A cell was stopped or said too much",
        "The other cells have their marks. Read why; limits stand in course.toml, `[grading]`.",
        _GRADE + " --force",
    ),
    Look(
        "doubtful",
        "Marks that may be nobody's work",
        "Code touches the grader's inner parts, or right observations stand beside wrong answers. Read the "
        "note and the code; where there is no answer, take the marks away in Formgrader.",
    ),
    Look(
        "unreadable_time",
        "Unreadable time stamp: whether it was late is not known",
        "Write the time into timestamp.txt of the submission, such as 2026-11-20 23:59 -0600, or remove the "
        "file, and grade it again. Until then nothing is taken off for lateness.",
        _GRADE,
    ),
    Look("odd", "Perhaps not what was meant to be handed in", "Read the note, and ask the student.", _GRADE),
    Look(
        "late",
        "Late",
        "`AssignLatePenalties` in nbgrader_config.py decides what is taken off; nbgrader's "
        "`Gradebook.grant_extension` gives a student more time. The report counts it at once; `course grade` "
        "writes it into the gradebook.",
        urgent=False,
    ),
    Look(
        "unsigned",
        "The identity cell is not complete",
        "The marks went to the student whose folder it is. If two worked together, the other one has none: "
        "complete the identity cell of the notebook that was handed in, and grade it again.",
        _GRADE,
        urgent=False,
    ),
    Look(
        "repaired",
        "Put right before it was run",
        "Nothing to do: the note says what was put right.",
        urgent=False,
    ),
    Look("by_hand", "Waiting for marks by hand", _FORMGRADER, urgent=False),
)
BY_KEY = {look.key: look for look in LOOKS}


def looks_of(row: Row, *, changed: bool, stored: bool) -> tuple[str, ...]:
    """Return the keys of the reasons to look at a row, most urgent first.

    Args:
        row: a student's.
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
    return tuple(look.key for look in LOOKS if look.key in found)


def _of_outcome(outcome: Outcome) -> set[str]:
    """Return what the notes of a grading ask for."""
    keys = set(outcome.note_keys)
    found = {"failed" if outcome.retry else outcome.status} & {"failed", "unusable", "incomplete"}
    if keys & _IDENTITY:
        found.add("identity")
    found |= {look for look, of_look in _OF_THEIR_OWN.items() if keys & of_look}
    if keys & _BROKEN_OFF and not found & {"failed", "unusable", "incomplete"}:
        found.add("stopped")
    others = LOOK_KEYS - _IDENTITY - _BROKEN_OFF - set().union(*_OF_THEIR_OWN.values())
    if keys & others and outcome.status == "graded":
        found.add("odd")
    if "nobody" in keys and outcome.status == "graded":
        found.add("unsigned")
    if keys - LOOK_KEYS - _FINE and outcome.status != "unusable":
        found.add("repaired")
    return found


def command_for(look: Look, lab: str, student: str, folder: Path | None) -> str:
    """Return what to type about one student; empty if nothing is to be typed."""
    where = f" --folder {shlex.quote(str(folder))}" if folder else ""
    return look.command.format(lab=lab, student=shlex.quote(glob.escape(student)), folder=where)


def urgent(keys: Collection[str]) -> bool:
    """Tell whether one of these reasons is urgent."""
    return any(BY_KEY[key].urgent for key in keys)


def grouped(rows: Sequence[Row]) -> list[tuple[Look, list[Row]]]:
    """Return the reasons that there are, each with its rows; a pair's notebook once."""
    groups = []
    for look in LOOKS:
        found = [row for row in rows if look.key in row.looks and (row.owns or look.key == "by_hand")]
        if found:
            groups.append((look, found))
    return groups
