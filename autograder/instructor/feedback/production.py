"""`course feedback`: write the pages of a class, and pack them for a platform."""

from __future__ import annotations

import contextlib
import fnmatch
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from nbgrader.converters import GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import capture_log

from autograder.instructor.collect.ledger import read_ledger
from autograder.instructor.collect.people import People, class_of
from autograder.instructor.environment import environment, path_with_programs
from autograder.instructor.errors import CourseError
from autograder.instructor.export.results import students_of
from autograder.instructor.export.roster import class_roster
from autograder.instructor.feedback.archive import Packed, pack
from autograder.instructor.feedback.circumstances import LEAST_OF_A_CLASS
from autograder.instructor.grade.records import Records, noted
from autograder.instructor.grade.store import Store
from autograder.instructor.gradebook import Mark, marks_of
from autograder.instructor.options import Target
from autograder.instructor.settings import Course


@dataclass(frozen=True)
class FeedbackOptions:
    """Which pages, and for whom.

    Attributes:
        target: what the archive is for; None: no archive.
        students: shell pattern of student ids.
        class_figures: whether pages say how the class did.
        roster: a file that says who is in the class; None: that of course.toml, if there is one.
        output: the archive; None: in build/export, or export/ of the folder.
        folder: folder of the class; None: the checkout.
    """

    target: Target | None = None
    students: str = "*"
    class_figures: bool = False
    roster: Path | None = None
    output: Path | None = None
    folder: Path | None = None


@dataclass
class Feedback:
    """What was written.

    Attributes:
        pages: the page of each student, by id.
        folder: that they lie in, each in a folder of its own.
        packed: the archive; None if none was asked for.
        warnings: what the instructor should know, a sentence each.
    """

    pages: dict[str, Path]
    folder: Path
    packed: Packed | None = None
    warnings: list[str] = field(default_factory=list)


def give_feedback(course: Course, lab: str, options: FeedbackOptions) -> Feedback:
    """Write the pages of all graded submissions of a lab.

    Raises:
        CourseError: if there is nothing to write, or something cannot be written.
    """
    course.require_lab(lab)
    with contextlib.closing(Store(course.root, folder=options.folder, must_exist=True)) as store:
        store.update_lateness(lab)
        marks = _marks(store, lab, options)
        ledger = read_ledger(store.root, lab)
        known = store.transact(students_of, write=False)
        roster = class_roster(course, options.folder, options.roster)
        names = People(class_of(known, roster)).names()
        found = Feedback({}, store.folder("feedback", "X", lab).parent.parent)
        totals = [mark.total for mark in marks.values() if mark.total is not None]
        if options.class_figures and len(totals) < LEAST_OF_A_CLASS:
            found.warnings.append(
                f"{len(totals)} have all their marks: with fewer than {LEAST_OF_A_CLASS}, figures of the "
                "class would say what single students have, so pages have none."
            )
        chosen = [student for student in marks if fnmatch.fnmatchcase(student, options.students)]
        if not chosen:
            raise CourseError(f"No student with marks for {lab} matches --students {options.students!r}.")
        said = _generate(store, lab, chosen, names, totals if options.class_figures else [])
        found.pages = {s: path for s in chosen if (path := _page(store, s, lab)).is_file()}
        if missing := sorted(set(chosen) - set(found.pages)):
            raise CourseError(f"No page could be written for {', '.join(missing)}:\n{said}")
        if waiting := [student for student in chosen if marks[student].waiting]:
            found.warnings.append(
                f"{len(waiting)} still wait for marks, and their pages say so: {', '.join(waiting[:12])}"
                f"{' …' if len(waiting) > 12 else ''}."
            )
    if options.target is not None:
        name = f"{lab}-feedback-{options.target}.zip"
        path = options.output or (options.folder or course.build) / "export" / name
        found.packed = pack(path, lab, options.target, found.pages, names, ledger)
    return found


def _marks(store: Store, lab: str, options: FeedbackOptions) -> dict[str, Mark]:
    """Return the marks of all who have a graded notebook.

    Raises:
        CourseError: if nobody has.
    """
    stored = store.transact(lambda gradebook: marks_of(gradebook, lab), write=False)
    unreadable = noted(Records(store.root, lab).read_all(), "unreadable_time")
    marks = {m.student: m for m in store.late_rule.doubted(store.late_rule.applied(stored), unreadable)}
    graded = {s: m for s, m in marks.items() if _graded(store, s, lab).is_file()}
    if not graded:
        raise CourseError(f"Nobody has marks for {lab} yet: `course grade {lab}` gives them.")
    return graded


def _graded(store: Store, student: str, lab: str) -> Path:
    return store.folder("autograded", student, lab) / f"{lab}.ipynb"


def _page(store: Store, student: str, lab: str) -> Path:
    return store.folder("feedback", student, lab) / f"{lab}.html"


def _generate(
    store: Store, lab: str, students: list[str], names: Mapping[str, str], totals: list[float]
) -> str:
    """Let nbgrader write the pages; return what it said.

    Pages that were there before are taken away first: none of an earlier state is handed out.
    """
    config = deepcopy(store.config)
    config.OutlineFeedback.names = dict(names)
    config.OutlineFeedback.totals = list(totals)
    said = []
    with environment(PATH=path_with_programs()):
        for student in students:
            _page(store, student, lab).unlink(missing_ok=True)
            config.CourseDirectory.student_id = student
            config.CourseDirectory.assignment_id = lab
            converter = GenerateFeedback(coursedir=CourseDirectory(config=config), config=config)
            converter.force = True
            result = capture_log(converter)
            if not result["success"]:
                said.append(str(result.get("error") or result.get("log") or "").strip()[-600:])
    return "\n".join(said)
