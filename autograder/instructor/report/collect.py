"""Collect what a report says: from the gradebook, the records of `course grade` and the course's folders."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from autograder.instructor import clock
from autograder.instructor.grade.records import Record, Records, digest_of_submission, noted
from autograder.instructor.grade.store import Store
from autograder.instructor.grade.work import Outcome
from autograder.instructor.gradebook import Mark, marks_of
from autograder.instructor.report.data import (
    ClassReport,
    StudentReport,
    blocks_of,
    check_stats,
    hint_stats,
    outcomes_by_student,
    times_of,
)
from autograder.instructor.report.review_reasons import review_reasons_of
from autograder.instructor.settings import Course, CourseError
from autograder.key import AnswerKey


class Collector:
    """Reads everything about the labs of a course; writes nothing."""

    def __init__(self, course: Course, folder: Path | None = None, target: Path | None = None) -> None:
        """Open the gradebook.

        Args:
            course: the checkout.
            folder: folder that holds submitted/, feedback/ and the gradebook; None: the checkout.
            target: folder in which the report will lie; links to feedback pages start there.

        Raises:
            CourseError: if there is no such folder, or no gradebook.
        """
        self.course = course
        self.root = folder or course.root
        self.target = target or self.root
        self.store = Store(course.root, folder=folder, must_exist=True)

    def close(self) -> None:
        """Close the gradebook."""
        self.store.close()

    def labs(self) -> list[str]:
        """Return the labs that somebody has handed in, in the order of the course."""
        graded = self.store.transact(
            lambda gradebook: {a.name for a in gradebook.assignments if a.num_submissions}, write=False
        )
        return [lab for lab in self.course.labs if lab in graded or self.store.submissions(lab)]

    def collect(self, lab: str, notes: Mapping[str, str] | None = None) -> ClassReport:
        """Return what there is to say about a lab.

        Args:
            lab: the lab's id.
            notes: a remark on each student, by id.

        Raises:
            CourseError: if there is no such lab, or nobody has handed it in.
        """
        self.course.require_lab(lab)
        rule, records = self.store.late_rule, Records(self.root, lab)
        read = records.read_all()
        stored = self.store.transact(lambda gradebook: marks_of(gradebook, lab), write=False)
        found = rule.doubted(rule.applied(stored), noted(read, "unreadable_time"))
        marks = {mark.student: mark for mark in found}
        known = self.store.students()
        submitted = set(self.store.submissions(lab))
        if not marks and not submitted:
            where = self.store.folder("submitted", "STUDENT", lab)
            raise CourseError(f"Nobody has handed in {lab}: submissions are expected in {where}.")
        outcomes = outcomes_by_student(read)
        key = AnswerKey.load(self.course.key(lab))
        students = sorted({*marks, *submitted})
        rows = [
            self._row(lab, student, marks.get(student), outcomes.get(student), read, student in submitted)
            for student in students
        ]
        if notes:
            rows = [replace(row, note=notes.get(row.student, "")) for row in rows]
        own = [record.outcome for record in read.values()]
        return ClassReport(
            lab=lab,
            title=self._title(lab),
            made=datetime.now(UTC),
            rows=rows,
            blocks=blocks_of(list(marks.values()), [*key.blocks, *key.manual]),
            checks=check_stats(own, {name: entry.block for name, entry in key.checks.items()}),
            hints=hint_stats(own),
            times=times_of(own, _walls(records)),
            absent=sorted(known - set(students)),
            headings=key.headings,
            due=self._due(lab, list(marks.values())),
            late_rule=rule.described(),
        )

    def _due(self, lab: str, marks: Sequence[Mark]) -> str:
        """Return when a lab was due, for people; empty if nobody said."""
        due = self.store.late_rule.terms.due(lab)
        due = due or next((mark.due - mark.extension for mark in marks if mark.due), None)
        return clock.shown(due, self.course.zone, "en") if due else ""

    def _title(self, lab: str) -> str:
        """Return the lab's title, in English where there is one, as the rest of the report."""
        titles = self.course.titles(lab)
        return str(titles.get("en") or titles.get(self.course.language) or lab)

    def _row(
        self,
        lab: str,
        student: str,
        mark: Mark | None,
        outcome: Outcome | None,
        records: Mapping[str, Record],
        submitted: bool,
    ) -> StudentReport:
        """Return the row of one student."""
        record = records.get(student)
        state = outcome.status if outcome else "not graded" if mark is None else "by nbgrader"
        partners = tuple(s for s in outcome.recipients if s != student) if outcome else ()
        row = StudentReport(student, state, mark, outcome, partners, feedback=self._feedback(lab, student))
        changed = False
        if record is not None and submitted:
            folder = self.store.folder("submitted", student, lab)
            changed = record.submission != digest_of_submission(folder)
        stored = mark is not None and (record is None or record.stored)
        return replace(row, review_reasons=review_reasons_of(row, changed=changed, stored=stored))

    def _feedback(self, lab: str, student: str) -> str | None:
        """Return the address of a feedback page, relative to the report."""
        path = self.store.folder("feedback", student, lab) / f"{lab}.html"
        if not path.is_file():
            return None
        return quote(Path(os.path.relpath(path, self.target)).as_posix())


def _walls(records: Records) -> list[float]:
    """Return the seconds of every run, from the run logs; one that cannot be read is left out."""
    found = []
    for path in sorted((records.folder / "runs").glob("*.json")):
        try:
            found.append(float(json.loads(path.read_text(encoding="utf-8"))["wall_s"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found
