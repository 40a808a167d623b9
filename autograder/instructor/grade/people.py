"""Who gets the marks of a submission: two students may hand in one notebook together."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from autograder.instructor.intake.notes import Note, note

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
    gains: Callable[[str], bool] = lambda partner: False,
) -> tuple[list[str], list[Note]]:
    """Return who gets the marks, and what there is to say about it.

    Args:
        owner: id of the student whose folder the submission lies in; always gets the marks.
        named: the ids in the identity cell.
        submitted: ids of the students who have a submission of their own.
        known: the students that the gradebook knows. Whoever is in neither gets no marks until somebody says
            who that is: a mistyped id would make a student of its own, and the partner would have nothing.
        taken: students who have the marks of another submission as a partner, and whose it is. Anybody can
            name anybody: a second claim takes nothing away.
        gains: tells of one of these whether this submission would surely give them more. Then they get its
            marks: whoever is named by a stranger loses nothing by it.
    """
    ids = [name.strip() for name in named if name.strip()]
    notes = [note("folder_id", owner=owner, student=twin) for twin in _twins(owner, known)]
    if not ids:
        return [owner], notes
    people = {owner, *submitted, *known, *taken}
    found = {name: resolve(name, people) for name in ids}
    if owner not in found.values():
        return [owner], [*notes, note("other_identity", students=", ".join(ids), owner=owner)]
    students = [owner]
    for name, partner in found.items():
        if partner == owner:
            continue
        if not _is_id(partner or name):
            notes.append(note("partner_bad_id", student=repr(name), owner=owner))
        elif partner is None:
            notes.append(note("partner_unknown", student=name, owner=owner))
        elif partner in submitted:
            notes.append(note("partner_own", student=partner))
        elif partner in taken and not gains(partner):
            notes.append(note("partner_taken", student=partner, other=taken[partner], owner=owner))
        else:
            students.append(partner)
            other = taken.get(partner)
            together = note("partner", students=f"{owner}, {partner}")
            notes.append(
                note("partner_twice", student=partner, other=other, owner=owner) if other else together
            )
    return students, notes


def resolve(name: str, people: Iterable[str]) -> str | None:
    """Return which of some students is meant by an id, as a student types it; None if nobody or several.

    Exact ids come first; then case, white space and the width of digits do not matter; then leading zeros.
    """
    people = list(people)
    for folded in (str, _folded, _without_zeros):
        same = {student for student in people if folded(student) == folded(name)}
        if same:
            return next(iter(same)) if len(same) == 1 else None
    return None


def _twins(owner: str, known: Iterable[str]) -> list[str]:
    """Return the students whose ids differ from a folder's name by case, white space or width alone."""
    return sorted(name for name in known if name != owner and _folded(name) == _folded(owner))


def _folded(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _without_zeros(name: str) -> str:
    folded = _folded(name)
    return folded.lstrip("0") or folded


def _is_id(name: str) -> bool:
    """Tell whether a name can be an id."""
    return _ID.fullmatch(name) is not None and name not in (".", "..")
