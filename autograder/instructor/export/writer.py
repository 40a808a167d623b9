"""`course export`: marks of a class as a file for another system."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nbgrader.api import Gradebook

from autograder.instructor import files
from autograder.instructor.export.formats import rows_for
from autograder.instructor.export.lines import Line, lines_with_roster, lines_without_roster
from autograder.instructor.export.results import Results, known_labs, read_results
from autograder.instructor.export.roster import Roster, class_roster
from autograder.instructor.grade.late import LateRule
from autograder.instructor.grade.records import Records, noted
from autograder.instructor.grade.store import Store
from autograder.instructor.options import Format
from autograder.instructor.settings import Course, CourseError

_SHOWN = 8


@dataclass(frozen=True)
class ExportOptions:
    """What to export, and how.

    Attributes:
        to: the system that the file is for.
        lab: one lab's id; None: all labs.
        roster: a file that says who is in the class; None: that of course.toml, if there is one.
        partial: whether marks that are not complete are given as they are so far.
        output: the file to write; None: build/export/<lab or "marks">-<system>.csv.
        folder: folder that holds the gradebook; None: the checkout.
    """

    to: Format
    lab: str | None = None
    roster: Path | None = None
    partial: bool = False
    output: Path | None = None
    folder: Path | None = None


@dataclass(frozen=True)
class Export:
    """A written file.

    Attributes:
        path: path of the file.
        students: number of students that it lists.
        labs: ids of the labs that it has.
        warnings: sentences that the instructor should read.
    """

    path: Path
    students: int
    labs: tuple[str, ...]
    warnings: tuple[str, ...]


def export_marks(course: Course, options: ExportOptions) -> Export:
    """Write the marks of a class.

    Raises:
        CourseError: if there is no gradebook, no such lab in it, or the roster cannot be used.
    """
    wanted = [course.require_lab(options.lab)] if options.lab else list(course.labs)
    roster = class_roster(course, options.folder, options.roster)
    store = Store(course.root, folder=options.folder, must_exist=True)
    with contextlib.closing(store):
        found = store.transact(lambda gradebook: results_of(gradebook, wanted, store.late_rule), write=False)
    results = _with_doubts(replace(found, zone=course.zone), store)
    name = f"{options.lab or 'marks'}-{options.to}.csv"
    path = options.output or (options.folder or course.build) / "export" / name
    headers = assignment_headers(course, roster, results)
    export = write_export(path, options.to, results, roster, headers, partial=options.partial)
    return replace(export, warnings=(*export.warnings, *_unreadable_times(results)))


def _with_doubts(results: Results, store: Store) -> Results:
    """Return results in which marks are open that depend on a time that cannot be read."""
    marks = dict(results.marks)
    for lab in results.labs:
        unreadable = noted(Records(store.root, lab).read_all(), "unreadable_time")
        of_lab = [mark for (_, name), mark in marks.items() if name == lab]
        marks |= {(m.student, lab): m for m in store.late_rule.doubted(of_lab, unreadable)}
    return replace(results, marks=marks)


def _unreadable_times(results: Results) -> list[str]:
    return [
        f"{lab}: whether {_count(students, 'submission')} came late cannot be read in timestamp.txt: "
        f"{_names(students)}."
        for lab in results.labs
        if (students := sorted(s for (s, name), m in results.marks.items() if name == lab and m.late_unknown))
    ]


def results_of(gradebook: Gradebook, labs: Sequence[str], rule: LateRule) -> Results:
    """Read the marks of some labs, less what the rule takes off for lateness.

    Raises:
        CourseError: if the gradebook knows none of them.
    """
    results = read_results(gradebook, labs, rule)
    if not results.labs:
        known = ", ".join(known_labs(gradebook)) or "none yet"
        raise CourseError(
            f"The gradebook has no marks for {', '.join(labs)}. Labs that it knows: {known}. "
            "`course grade LAB` enters and grades a lab."
        )
    return results


def assignment_headers(course: Course, roster: Roster | None, results: Results) -> dict[str, str]:
    """Return what Canvas calls the labs, where its own export says so, by lab id.

    A column of Canvas's that is titled as a lab, in any language or by its id, is taken for the lab.
    """
    if roster is None:
        return {}
    headers = {}
    for lab in results.labs:
        titles = [lab, *_titles(course, lab)]
        found = [roster.assignments[t.casefold()] for t in titles if t.casefold() in roster.assignments]
        if found:
            headers[lab] = found[0]
    return headers


def _titles(course: Course, lab: str) -> list[str]:
    """Return the titles of a lab; none where course.toml has none, or nothing that is one."""
    try:
        return list(course.titles(lab).values()) if lab in course.labs else []
    except CourseError:
        return []


def write_export(
    path: Path,
    to: Format,
    results: Results,
    roster: Roster | None,
    headers: dict[str, str],
    *,
    partial: bool,
) -> Export:
    """Lay out and write a file.

    Raises:
        CourseError: if the roster does not fit the gradebook, or the file cannot be written.
    """
    lines = lines_with_roster(results, roster) if roster else lines_without_roster(results)
    rows = rows_for(to, lines, results, headers, partial=partial)
    files.write(path, files.as_csv(rows), to.encoding)
    listed = [line for line in lines if line.matched or to is not Format.MOODLE]
    warnings = [*_waiting(results, partial), *_strangers(lines, to), *_changed_ids(listed, to)]
    if to is Format.CANVAS and roster is not None:
        warnings += _unknown_assignments(roster, results, headers)
    return Export(path, len(listed), tuple(results.labs), tuple(warnings))


# --- what the instructor should know ---------------------------------------------------------------


def _waiting(results: Results, partial: bool) -> list[str]:
    said = "given as they are so far" if partial else "left blank (--partial gives what is there)"
    return [
        f"{lab}: {_count(waiting, 'submission')} still to be marked by a person, {said}: {_names(waiting)}."
        for lab in results.labs
        if (waiting := results.waiting(lab))
    ]


def _strangers(lines: Sequence[Line], to: Format) -> list[str]:
    strangers = [line.student for line in lines if not line.matched]
    if not strangers:
        return []
    fate = "left out, since Moodle would refuse the whole file" if to is Format.MOODLE else "at the end"
    return [f"{_count(strangers, 'student')} with marks not in the roster, {fate}: {_names(strangers)}."]


def _changed_ids(lines: Sequence[Line], to: Format) -> list[str]:
    """Say whose id had to be written so that no spreadsheet takes it for a formula."""
    if to is Format.CSV:
        return []
    ids = [x for line in lines for x in (line.entry.number, line.entry.login) if files.safe(x) != x]
    changed = list(dict.fromkeys(ids))
    return [
        f"{_count(changed, 'id')} written with an apostrophe, or a spreadsheet would compute it; "
        f"match these students by another column: {_names(changed)}."
    ] * bool(changed)


def _unknown_assignments(roster: Roster, results: Results, headers: Mapping[str, str]) -> list[str]:
    missing = [lab for lab in results.labs if lab not in headers]
    if not roster.assignments or not missing:
        return []
    known = ", ".join(repr(name) for name in list(roster.assignments.values())[:_SHOWN])
    return [
        f"Canvas has no assignment titled as {', '.join(missing)} and will ask what to do with it; "
        f"it has {known}."
    ]


def _count(things: Sequence[str], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
