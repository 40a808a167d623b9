"""`course extend`: more time for single students, before or after they handed in."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nbgrader.api import Gradebook

from autograder.instructor.collect.people import People, class_of
from autograder.instructor.errors import CourseError
from autograder.instructor.export.results import students_of
from autograder.instructor.export.roster import Roster, class_roster, read_roster
from autograder.instructor.grade.store import Store
from autograder.instructor.grade.terms import Extension, read_extensions, write_extensions
from autograder.instructor.grade.times import TimeStampError, parse
from autograder.instructor.settings import Course

_LONGEST = timedelta(days=3650)


@dataclass(frozen=True)
class ExtendOptions:
    """How much more time, and for whom.

    Attributes:
        students: ids, logins or addresses; none: nothing is changed.
        days: days after the due date; may be a fraction.
        hours: hours, on top of the days.
        until: another due date, instead of both.
        remove: whether to take extensions away.
        reason: why.
        roster: a file with a column of days for students; see `Entry.extension_days`.
        folder: folder of the class; None: the checkout.
    """

    students: tuple[str, ...] = ()
    days: float = 0.0
    hours: float = 0.0
    until: str = ""
    remove: bool = False
    reason: str = ""
    roster: Path | None = None
    folder: Path | None = None


@dataclass(frozen=True)
class Extended:
    """What came of it.

    Attributes:
        extensions: all extensions of the lab, by student.
        names: names of students, by id.
        due: when the lab is due for the others, in UTC without a zone.
        penalties: students for whom something else is taken off now.
    """

    extensions: Mapping[str, Extension]
    names: Mapping[str, str]
    due: datetime | None
    penalties: Sequence[str] = ()


def extend(course: Course, lab: str, options: ExtendOptions) -> Extended:
    """Give or take extensions, and apply them to what has been handed in.

    Raises:
        CourseError: if somebody is unknown, or it is not said how long.
    """
    course.require_lab(lab)
    changes = bool(options.students or options.roster)
    with contextlib.closing(Store(course.root, folder=options.folder, must_exist=True)) as store:
        given = read_roster(options.roster) if options.roster else None
        roster = given or class_roster(course, options.folder)
        known = store.transact(students_of, write=False)
        people = People(class_of(known, roster))
        due = store.late_rule.terms.due(lab) or _due(store, lab)
        extensions = dict(read_extensions(store.root, lab))
        if given is not None:
            extensions |= _of_roster(people, given)
        longer = None if options.remove or not options.students else _longer(course, due, options)
        for student in _students(people, options.students):
            if longer is None:
                # Also one that was given in the gradebook alone.
                extensions[student] = Extension(timedelta())
            else:
                extensions[student] = Extension(longer, options.reason, _now())
        penalties: list[str] = []
        if changes:
            write_extensions(store.root, lab, extensions)
            store.late_rule.terms.forget()
            penalties = store.update_lateness(lab)
    there = {student: found for student, found in extensions.items() if found.longer}
    return Extended(there, people.names(), due, penalties)


def _due(store: Store, lab: str) -> datetime | None:
    """Return the gradebook's due date of a lab."""

    def read(gradebook: Gradebook) -> datetime | None:
        return next((a.duedate for a in gradebook.assignments if a.name == lab), None)

    return store.transact(read, write=False)


def _students(people: People, names: Sequence[str]) -> list[str]:
    """Return the students that are meant.

    Raises:
        CourseError: naming all who are nobody.
    """
    found = {name: people.find_key(name) for name in names}
    if unknown := [name for name, student in found.items() if student is None]:
        raise CourseError(
            f"Nobody of the class is {', '.join(unknown)}. Write ids, logins or addresses as the gradebook "
            "or the roster has them; nothing was changed."
        )
    return [student for student in found.values() if student is not None]


def _longer(course: Course, due: datetime | None, options: ExtendOptions) -> timedelta:
    """Return how much longer.

    Raises:
        CourseError: if that is not said, twice, or cannot be.
    """
    if bool(options.until) == bool(options.days or options.hours):
        raise CourseError(
            "Say how long: --days 2, --hours 12, or --until '2026-11-25 23:59'; or --remove takes it away."
        )
    if options.until:
        if due is None:
            raise CourseError(
                "--until needs a due date to count from: `due` of the lab in course.toml. Or use --days."
            )
        try:
            longer = parse(options.until, course.zone) - due
        except TimeStampError as error:
            raise CourseError(
                f"--until {error}: write it so that it can mean one time only, such as '2026-11-25 23:59'."
            ) from None
    elif not math.isfinite(options.days + options.hours):
        raise CourseError("--days and --hours must be numbers.")
    else:
        longer = timedelta(days=min(options.days, 10**6), hours=min(options.hours, 10**6))
    if not timedelta() < longer <= _LONGEST:
        raise CourseError(f"An extension must be longer than nothing and at most ten years, not {longer}.")
    return longer


def _of_roster(people: People, roster: Roster) -> dict[str, Extension]:
    """Return the extensions that a roster gives.

    Raises:
        CourseError: if it has no column of them, or something in it is no number of days.
    """
    found = {}
    for entry in roster.entries:
        text = entry.extension_days.replace(",", ".")
        if not text:
            continue
        try:
            days = float(text)
            longer = timedelta(days=days)
        except (ValueError, OverflowError):
            days, longer = -1.0, timedelta()
        if not 0 <= days <= _LONGEST.days:
            raise CourseError(
                f"The roster gives {entry} {entry.extension_days!r} as extension: write a number of days."
            )
        student = people.find_key(entry.number, entry.login, entry.email)
        if student and longer:
            found[student] = Extension(longer, "roster", _now())
    if not found:
        raise CourseError(
            "The roster gives nobody more time: a column called `extension days` says how many days each has."
        )
    return found


def _now() -> datetime:
    """Return the present time in UTC without a zone, in whole seconds."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)
