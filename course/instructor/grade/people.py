"""Who gets the marks of a submission: two students may hand in one notebook together."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from course.instructor.intake.notes import Note, note

# What can be a student's id: it names folders and rows of the gradebook. nbgrader forbids "+".
_ID = re.compile(r"[\w@.-]{1,64}")


# nbgrader's column.
_LONGEST = 128


def is_storable(student: str) -> bool:
    """Tell whether the name of a folder can be a student's id in a gradebook."""
    try:
        student.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return len(student) <= _LONGEST and student.isprintable() and bool(student.strip())


def recipients(
    owner: str,
    named: Sequence[str],
    submitted: Collection[str],
    known: Collection[str],
    taken: Mapping[str, str],
) -> tuple[list[str], list[Note]]:
    """Return who gets the marks, and what there is to say about it.

    Args:
        owner: whose folder the submission lies in; always gets the marks.
        named: the ids in the identity cell.
        submitted: who has a submission of their own.
        known: the students that the gradebook knows.
        taken: who has the marks of another submission as a partner, and whose it is. Anybody can name
            anybody: a second claim takes nothing away.
    """
    ids = [name.strip() for name in named if name.strip()]
    if not ids:
        return [owner], []
    if not any(_same(name, owner) for name in ids):
        return [owner], [note("other_identity", students=", ".join(ids), owner=owner)]
    students, notes = [owner], []
    for name in ids:
        if _same(name, owner):
            continue
        partner = next((student for student in [*submitted, *known, *taken] if _same(student, name)), name)
        if not _ID.fullmatch(partner) or partner in (".", ".."):
            notes.append(note("partner_bad_id", student=repr(name), owner=owner))
        elif partner in submitted:
            notes.append(note("partner_own", student=partner))
        elif partner in taken:
            notes.append(note("partner_taken", student=partner, other=taken[partner], owner=owner))
        else:
            students.append(partner)
            notes.append(note("partner", students=f"{owner}, {partner}"))
    return students, notes


def _same(first: str, second: str) -> bool:
    """Tell whether two ids are the same, as a student types them."""
    return first.strip().casefold() == second.strip().casefold()
