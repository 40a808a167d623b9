"""`course grade`: from the submissions of a class to marks in the gradebook."""

from __future__ import annotations

import contextlib
import functools
import logging
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
from sqlalchemy.exc import OperationalError

from course.instructor.build import run_nbgrader, write_source
from course.instructor.grade import engine
from course.instructor.grade.pairs import share_marks_by_hand
from course.instructor.grade.people import recipients
from course.instructor.grade.records import Record, Records, digest_of_submission, summarise
from course.instructor.grade.store import Folders, Store
from course.instructor.grade.trust import Reference, draw_seed, make_reference
from course.instructor.grade.work import Job, Outcome, add_notes, grade_submission, modules_of
from course.instructor.intake import Note, Rebuilt, Templates, rebuild
from course.instructor.intake.attachments import attachments
from course.instructor.intake.notes import a_few_of_each, note
from course.instructor.kernels.isolation import Isolation, choose
from course.instructor.kernels.limits import Limits
from course.instructor.keys import source_digest
from course.instructor.own_names import own_names
from course.instructor.settings import Course, CourseError
from course.instructor.source import grade_id

Advance = Callable[[Outcome], None]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """How to grade.

    Attributes:
        students: shell pattern of student ids.
        workers: submissions at a time; None: one more than there are processors.
        isolation: "bwrap", "fork" or "none"; None: the best that works here.
        scheduler: address of a running dask scheduler; None: processes of our own.
        force: grade again what is graded already.
        folder: holds submitted/, autograded/ and the gradebook; None: the checkout.
        db_url: another gradebook than the configuration's.
    """

    students: str = "*"
    workers: int | None = None
    isolation: str | None = None
    scheduler: str | None = None
    force: bool = False
    folder: Path | None = None
    db_url: str | None = None


@dataclass
class Plan:
    """What a run has to do.

    Attributes:
        grade: students whose submissions are to be run.
        store: records of submissions that were run, and not stored before an earlier run ended.
        skip: students whose submissions are graded and have not changed.
        outdated: those of them that were graded with another version of the lab.
    """

    grade: list[str] = field(default_factory=list)
    store: list[Record] = field(default_factory=list)
    skip: list[str] = field(default_factory=list)
    outdated: list[str] = field(default_factory=list)


@dataclass
class Grading:
    """A finished run.

    Attributes:
        plan: what was to be done.
        outcomes: of the submissions that were run or stored, in the order in which they finished.
        isolation: how students' code was isolated.
        unstored: students whose marks the gradebook did not take; the next run stores them.
        shared: students who got the marks by hand of those with whom they handed in.
        wall_s: time on the clock.
        log: the run log.
        interrupted: whether it was stopped before the end.
    """

    plan: Plan
    outcomes: list[Outcome]
    isolation: Isolation
    unstored: list[str] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)
    wall_s: float = 0.0
    log: Path | None = None
    interrupted: bool = False


class Grader:
    """Grades the submissions of one lab."""

    def __init__(self, course: Course, lab: str, options: Options) -> None:
        """Look at everything that must be right before any submission is run.

        Raises:
            CourseError: if something is not; it says what, and what to do.
        """
        self.course = course
        self.lab = course.require_lab(lab)
        self.options = options
        if options.workers is not None and options.workers < 1:
            raise CourseError(f"--workers must be at least 1, not {options.workers}.")
        self.limits = Limits.from_settings(course.grading)
        self.templates = Templates.load(course)
        self.isolation = choose(options.isolation)
        folders = Folders(course.root, folder=options.folder, db_url=options.db_url)
        self.submitted = folders.submissions(lab)
        chosen = folders.submissions(lab, options.students)
        if not chosen:
            # Before there is a gradebook: in the wrong folder, nothing is made.
            raise CourseError(self._nothing_to_grade(folders))
        self.store = Store(course.root, folder=options.folder, db_url=options.db_url)
        self.records = Records(options.folder or course.root, lab)
        self.lab_digest = source_digest(course, lab)
        template = self.templates.notebooks[lab, course.language]
        self._modules, self._names = modules_of(template), own_names(template)
        self._known = self.store.students()
        self._enter_lab()
        self.plan = self._plan(chosen)

    def run(self, advance: Advance = lambda outcome: None) -> Grading:
        """Grade, and keep every result as soon as it is there.

        Args:
            advance: called with each outcome after it was stored.
        """
        started, begin = datetime.now(UTC), time.monotonic()
        grading = Grading(self.plan, [], self.isolation)
        seed = draw_seed()
        try:
            for record in self._records(seed):
                try:
                    self._store(record)
                except OperationalError as error:
                    log.warning("%s: %s", record.outcome.student, error)
                    grading.unstored.append(record.outcome.student)
                # The notebooks of a large class would not fit into memory.
                grading.outcomes.append(replace(record.outcome, notebook=""))
                advance(record.outcome)
            grading.shared = self._share()
        except KeyboardInterrupt:
            grading.interrupted = True
        finally:
            grading.wall_s = time.monotonic() - begin
            grading.log = self._write_log(grading, started, seed)
        return grading

    def close(self) -> None:
        """Close the gradebook."""
        self.store.close()

    # --- before --------------------------------------------------------------------------------------

    def _nothing_to_grade(self, folders: Folders) -> str:
        folder = folders.folder("submitted", "STUDENT", self.lab)
        if self.submitted:
            return (
                f"No student matches --students {self.options.students!r}; {len(self.submitted)} have handed "
                f"in {self.lab}, the first is {self.submitted[0]!r}."
            )
        return f"Nobody has handed in {self.lab}: submissions are expected in {folder}."

    def _enter_lab(self) -> None:
        """Make sure that the gradebook knows the lab as it is now."""
        template = self.templates.notebooks[self.lab, self.course.language]
        graded = {
            str(grade_id(cell)): float(cell.metadata["nbgrader"]["points"])
            for cell in template.cells
            if grade_id(cell) and cell.metadata["nbgrader"].get("grade")
        }
        known = self.store.full_marks(self.lab)
        if known is None:
            enter_lab(self.course, self.lab, self.store)
        elif known != graded:
            different = sorted(name for name in {*known, *graded} if known.get(name) != graded.get(name))
            raise CourseError(
                f"The gradebook knows another version of {self.lab}: {', '.join(different)} differ. Run "
                f"`course release {self.lab}` to enter the new one."
            )

    def _plan(self, students: list[str]) -> Plan:
        """Find out what has to be done."""
        plan = Plan()
        for student in students:
            record = self.records.read(student)
            folder = self.store.folder("submitted", student, self.lab)
            unchanged = record is not None and record.submission == digest_of_submission(folder)
            if self.options.force or record is None or not unchanged:
                plan.grade.append(student)
            elif not record.stored or not self.store.has(student, self.lab):
                plan.store.append(record)
            else:
                plan.skip.append(student)
                if record.lab != self.lab_digest:
                    plan.outdated.append(student)
        return plan

    # --- the run -------------------------------------------------------------------------------------

    def _records(self, seed: int) -> Iterator[Record]:
        """Yield what is to be stored: what an earlier run left behind, then what this one finds."""
        yield from self.plan.store
        if not self.plan.grade:
            return
        workers = self.options.workers or engine.default_workers()
        with engine.connect(self.options.scheduler, min(workers, len(self.plan.grade))) as client:
            trials = engine.begin_trials(client, self.isolation.kind, self.limits, self._modules)
            reference = make_reference(self.course, self.lab, seed)
            engine.require_kernels(trials, self.isolation.way)
            jobs = self._jobs(reference)
            with contextlib.closing(engine.run_jobs(client, jobs, grade_submission)) as outcomes:
                for outcome in outcomes:
                    folder = self.store.folder("submitted", outcome.student, self.lab)
                    digest = self._digests.pop(outcome.student, None) or digest_of_submission(folder)
                    yield Record(outcome, digest, self.lab_digest, seed)

    def _jobs(self, reference: Reference) -> Iterator[Job]:
        """Yield the work, one submission after the other: a class may not fit into memory."""
        self._digests: dict[str, str] = {}
        key = self.course.key(self.lab).read_text(encoding="utf-8")
        for student in self.plan.grade:
            folder = self.store.folder("submitted", student, self.lab)
            self._digests[student] = digest_of_submission(folder)
            rebuilt, files, notes = self._take_in(folder)
            yield Job(
                student=student,
                notebook=nbformat.writes(rebuilt.notebook),
                language=rebuilt.language,
                notes=tuple(a_few_of_each([*rebuilt.notes, *notes])),
                usable=rebuilt.usable,
                files=files,
                reference=reference,
                key=key,
                isolation=self.isolation.kind,
                limits=self.limits,
                modules=self._modules,
                waits=rebuilt.waits,
                names=self._names,
            )

    def _take_in(self, folder: Path) -> tuple[Rebuilt, dict[str, bytes], list[Note]]:
        """Rebuild a submission; whatever happens, the others are graded."""
        try:
            rebuilt = rebuild(folder, self.lab, self.templates, self.course.language)
            return rebuilt, *attachments(folder)
        except Exception as error:  # an oversight of ours must not cost a class its marks
            log.exception("%s", folder)
            template = deepcopy(self.templates.notebooks[self.lab, self.course.language])
            failed = note("unreadable_file", file=folder.name, error=type(error).__name__)
            return Rebuilt(template, self.course.language, [failed], usable=False), {}, []

    def _store(self, record: Record) -> None:
        """Keep a result: first where no run is lost, then in the gradebook."""
        outcome = record.outcome
        if not outcome.recipients:
            taken = self._taken(outcome.student)
            outdone = {other for other in taken.values() if self._has_fewer_marks(other, outcome)}
            students, notes = recipients(
                outcome.student, outcome.students, self.submitted, self._known, taken, outdone
            )
            add_notes(outcome, notes)
            outcome.recipients = tuple(students)
            for student in set(students) & taken.keys():
                self._give_up(student, taken[student], notes)
        self._groups[outcome.student] = outcome.recipients
        self.records.write(outcome.student, record)
        # A partner who has handed in alone since then keeps the marks of that.
        students = [s for s in outcome.recipients if s == outcome.student or s not in self.submitted]
        self.store.save(
            students, self.lab, outcome.notebook, outcome.marks, owner=outcome.student, waits=outcome.waits
        )
        self.records.write(outcome.student, record.as_stored())

    def _taken(self, owner: str) -> dict[str, str]:
        """Return who has the marks of another's submission as a partner, and whose it is."""
        others = (name for name in self.submitted if name != owner)
        return {s: other for other in others for s in self._groups.get(other, ()) if s != other}

    def _has_fewer_marks(self, other: str, outcome: Outcome) -> bool:
        """Tell whether another submission has fewer automatic marks than this one."""
        record = self.records.read(other)
        return record is not None and _total(record.outcome) < _total(outcome)

    def _give_up(self, student: str, other: str, notes: Sequence[Note]) -> None:
        """Take a student out of those who have the marks of another's submission, and say so there."""
        record = self.records.read(other)
        if record is None:
            return
        record.outcome.recipients = tuple(name for name in record.outcome.recipients if name != student)
        add_notes(record.outcome, [found for found in notes if found.key == "partner_twice"])
        self._groups[other] = record.outcome.recipients
        self.records.write(other, record)

    @functools.cached_property
    def _groups(self) -> dict[str, tuple[str, ...]]:
        """Return who has the marks of each submission, by whose folder it lies in."""
        return {name: record.outcome.recipients for name, record in self.records.read_all().items()}

    def _share(self) -> list[str]:
        """Give marks by hand to everybody who handed in the same notebook; return who got some."""
        outcomes = [record.outcome for record in self.records.read_all().values()]
        # A partner who has handed in alone since then has marks of their own.
        groups = [[s for s in o.recipients if s == o.student or s not in self.submitted] for o in outcomes]
        try:
            with self.store.transaction() as gradebook:
                return share_marks_by_hand(gradebook, self.lab, [group for group in groups if len(group) > 1])
        except OperationalError as error:
            log.warning("marks by hand were not shared, the next run does it: %s", error)
            return []

    def _write_log(self, grading: Grading, started: datetime, seed: int) -> Path:
        """Write what happened as JSON."""
        data: dict[str, Any] = {
            "lab": self.lab,
            "started": started.isoformat(timespec="seconds"),
            "wall_s": round(grading.wall_s, 1),
            "interrupted": grading.interrupted,
            "isolation": self.isolation.kind,
            "weaknesses": list(self.isolation.weaknesses),
            "limits": vars(self.limits),
            "seed": seed,
            "lab_digest": self.lab_digest,
            "skipped": self.plan.skip,
            "outdated": self.plan.outdated,
            "unstored": grading.unstored,
            "shared": grading.shared,
            "submissions": summarise(grading.outcomes),
        }
        return self.records.write_log(data)


def _total(outcome: Outcome) -> float:
    return sum(mark or 0.0 for mark in outcome.marks.values())


def enter_lab(course: Course, lab: str, store: Store) -> None:
    """Enter a lab into a gradebook, through nbgrader's generate_assignment."""
    write_source(course, lab)
    with tempfile.TemporaryDirectory() as release:
        run_nbgrader(
            course,
            "generate_assignment",
            lab,
            "--force",
            f"--CourseDirectory.db_url={store.db_url}",
            f"--CourseDirectory.source_directory={course.build / 'source'}",
            f"--CourseDirectory.release_directory={release}",
            course_folder=store.root,
        )
