"""Bring together the students of the gradebook and those of a roster."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from autograder.instructor.export.results import GradebookStudent, Results
from autograder.instructor.export.roster import Entry, Roster
from autograder.instructor.gradebook import Mark
from autograder.instructor.settings import CourseError


@dataclass(frozen=True)
class Line:
    """One student of an export.

    Attributes:
        student: id in the gradebook, or in the roster if the gradebook does not know the student.
        entry: the student's data in the other system.
        marks: marks by lab; a lab that the student did not hand in is not there.
        matched: whether the roster has this student; True where there is no roster.
    """

    student: str
    entry: Entry
    marks: Mapping[str, Mark]
    matched: bool = True


def lines_without_roster(results: Results) -> list[Line]:
    """Return a line for every student of the gradebook: ids serve as what the other system knows."""
    return [
        Line(student.id, _entry_of(student), _marks_of(results, [student.id]))
        for student in sorted(results.students.values(), key=lambda s: s.id)
    ]


def lines_with_roster(results: Results, roster: Roster) -> list[Line]:
    """Return a line for every student of the roster, then for those with marks whom it does not have.

    Raises:
        CourseError: if a student could be several of the roster's, or two students with marks for the
            same lab are one of the roster's.
    """
    index = RosterIndex(roster.entries)
    students: defaultdict[int, list[str]] = defaultdict(list)
    strangers = []
    for student in sorted(results.students.values(), key=lambda s: s.id):
        place = index.find(student)
        if place is not None:
            students[place].append(student.id)
        else:
            strangers.append(student)
    lines = [
        _line(results, entry, students.get(place, []), str(entry))
        for place, entry in enumerate(roster.entries)
    ]
    with_marks = {student for student, _ in results.marks}
    lines += [
        Line(s.id, _entry_of(s), _marks_of(results, [s.id]), matched=False)
        for s in strangers
        if s.id in with_marks
    ]
    return lines


def _line(results: Results, entry: Entry, students: Sequence[str], name: str) -> Line:
    """Return the line of a student of the roster."""
    for lab in results.labs:
        owners = [student for student in students if (student, lab) in results.marks]
        if len(owners) > 1:
            raise CourseError(
                f"{' and '.join(owners)} both have marks for {lab}, and both are {name} in the roster. "
                "Remove one of them from the gradebook (nbgrader db student remove), or from the roster."
            )
    own_id = entry.number or entry.login or entry.email or entry.canvas_id
    return Line(students[0] if students else own_id, entry, _marks_of(results, students))


def _marks_of(results: Results, students: Sequence[str]) -> dict[str, Mark]:
    """Return the marks of the student whom the gradebook knows by these ids."""
    return {
        lab: results.marks[student, lab]
        for student in students
        for lab in results.labs
        if (student, lab) in results.marks
    }


def _entry_of(student: GradebookStudent) -> Entry:
    """Return what another system is told of a student whom only the gradebook knows."""
    return Entry(
        canvas_id=student.lms_id,
        number=student.id,
        login=student.id,
        email=student.email or (student.id if "@" in student.id else ""),
        first_name=student.first_name,
        last_name=student.last_name,
    )


class RosterIndex:
    """Finds the students of a roster by what a gradebook may call them."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        # In this order: the first that finds anybody decides.
        self._maps: dict[str, defaultdict[str, list[int]]] = {}
        for field in ("number", "login", "email", "mailbox", "canvas_id"):
            self._maps[field] = defaultdict(list)
            for place, entry in enumerate(entries):
                value = entry.email.split("@")[0] if field == "mailbox" else getattr(entry, field)
                if value.strip():
                    self._maps[field][value.strip().casefold()].append(place)

    def find(self, student: GradebookStudent) -> int | None:
        """Return the place of a student in the roster, None if they are not in it.

        Raises:
            CourseError: if there are several whom it could be.
        """
        for field, value in self._names(student):
            places = self._maps[field].get(value.strip().casefold(), [])
            if len(places) > 1:
                who = " or ".join(str(self._entries[place]) for place in places)
                raise CourseError(
                    f"The student {student.id!r} could be {who}: the roster has {value!r} twice. Give each "
                    "of its students one row with an id of their own."
                )
            if places:
                return places[0]
        return None

    @staticmethod
    def _names(student: GradebookStudent) -> Iterator[tuple[str, str]]:
        """Yield what to look for, and where, the surest first."""
        for field in ("number", "login", "email", "mailbox", "canvas_id"):
            yield field, student.id
        yield "canvas_id", student.lms_id
        yield "email", student.email
