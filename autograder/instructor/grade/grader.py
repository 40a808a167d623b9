"""`course grade`: from the submissions of a class to marks in the gradebook."""

from __future__ import annotations

import contextlib
import functools
import logging
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat

from autograder.instructor.deciding import deciding_digest
from autograder.instructor.grade import children, engine
from autograder.instructor.grade.assignment import enter_or_update
from autograder.instructor.grade.guard import Guard, Trouble, trouble
from autograder.instructor.grade.pairs import share_marks_by_hand
from autograder.instructor.grade.people import is_storable, recipients, resolve
from autograder.instructor.grade.records import Record, Records, digest_of_submission, log_entries
from autograder.instructor.grade.review import needs_review
from autograder.instructor.grade.scheduler import Scheduler
from autograder.instructor.grade.silence import Silence
from autograder.instructor.grade.store import Folders, Store
from autograder.instructor.grade.trust import Reference, draw_seed
from autograder.instructor.grade.work import Job, Outcome
from autograder.instructor.gradebook import lateness
from autograder.instructor.intake import Templates
from autograder.instructor.intake.notes import Note, note
from autograder.instructor.kernels.isolation import Isolation, choose
from autograder.instructor.limits import Limits
from autograder.instructor.own_names import own_names
from autograder.instructor.releases import require_made
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.source import modules_of

Advance = Callable[[Outcome], None]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class GradeOptions:
    """How to grade.

    Attributes:
        students: shell pattern of student ids.
        workers: submissions at a time; None: one more than there are processors.
        isolation: "bwrap", "fork" or "none"; None: the best that works here.
        scheduler: address of a running dask scheduler; None: processes of our own.
        insecure: whether that scheduler may be on another machine without TLS.
        force: grade again what is graded already.
        folder: folder that holds submitted/, autograded/ and the gradebook; None: the checkout.
        db_url: another gradebook than the configuration's.
    """

    students: str = "*"
    workers: int | None = None
    isolation: str | None = None
    scheduler: str | None = None
    insecure: bool = False
    force: bool = False
    folder: Path | None = None
    db_url: str | None = None


@dataclass
class Plan:
    """What a run has to do.

    Attributes:
        grade: students whose submissions are to be run.
        refused: folders whose name can be no student's id.
        store: records of submissions that were run, and not stored before an earlier run ended.
        skip: students whose submissions are graded and have not changed.
        outdated: those of them that were graded with another version of the lab.
        to_review: those of them that a person should review.
        misplaced: sentences on folders and notebooks that nobody would find.
    """

    grade: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    store: list[Record] = field(default_factory=list)
    skip: list[str] = field(default_factory=list)
    outdated: list[str] = field(default_factory=list)
    to_review: list[str] = field(default_factory=list)
    misplaced: list[str] = field(default_factory=list)


@dataclass
class Grading:
    """A finished run.

    Attributes:
        plan: plan of the run.
        outcomes: outcomes of the submissions that were run or stored, in the order in which they finished.
        isolation: way in which students' code was isolated.
        unstored: students whose marks the gradebook did not take; the next run stores them.
        troubles: what went wrong with single submissions, by student; all others are graded.
        shared: students who got the marks by hand of those with whom they handed in.
        penalties: students for whom something else is taken off for lateness than before.
        wall_s: time on the clock.
        log: the run log.
        interrupted: whether it was stopped before the end.
    """

    plan: Plan
    outcomes: list[Outcome]
    isolation: Isolation
    unstored: list[str] = field(default_factory=list)
    troubles: dict[str, Trouble] = field(default_factory=dict)
    shared: list[str] = field(default_factory=list)
    penalties: list[str] = field(default_factory=list)
    wall_s: float = 0.0
    log: Path | None = None
    interrupted: bool = False


class Grader:
    """Grades the submissions of one lab."""

    def __init__(self, course: Course, lab: str, options: GradeOptions) -> None:
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
        self.templates = Templates.load(course, lab)
        require_made(course, lab)
        self.isolation = choose(options.isolation)
        self.scheduler = (
            Scheduler.at(options.scheduler, course, insecure=options.insecure) if options.scheduler else None
        )
        folders = Folders(course.root, folder=options.folder, db_url=options.db_url)
        self.submitted = folders.submissions(lab)
        chosen = folders.submissions(lab, options.students)
        if not chosen:
            # Before there is a gradebook: in the wrong folder, nothing is made.
            raise CourseError(self._nothing_to_grade(folders))
        self.store = Store(course.root, folder=options.folder, db_url=options.db_url)
        self.records = Records(options.folder or course.root, lab)
        self.lab_digest = deciding_digest(course, lab)
        template = self.templates.notebooks[lab, course.language]
        self._modules, self._names = (*modules_of(template), *course.importable), own_names(template)
        self._template = nbformat.writes(template)
        self._known = self.store.students()
        enter_or_update(course, lab, self.store)
        self.guard = Guard()
        self.plan = self._plan(chosen)

    def run(self, advance: Advance = lambda outcome: None) -> Grading:
        """Grade, and keep every result as soon as it is there.

        Args:
            advance: function that is called with each outcome after it was stored.
        """
        started, begin = datetime.now(UTC), time.monotonic()
        grading = Grading(self.plan, [], self.isolation, troubles=self.guard.troubles)
        seed = draw_seed()
        try:
            with contextlib.closing(self._records(seed)) as records:
                for record in records:
                    self._keep(record, grading)
                    advance(record.outcome)
            self._settle_class(grading)
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

    def _plan(self, students: list[str]) -> Plan:
        """Find out what has to be done."""
        plan = Plan(misplaced=self.store.misplaced(self.lab, self.course.labs))
        for student in students:
            looked_at = False
            with self.guard.over(student) as enter:
                enter("plan")
                self._plan_one(student, plan)
                looked_at = True
            if not looked_at:
                plan.grade.append(student)  # taking it in will say what is the matter, or find nothing
        return plan

    def _plan_one(self, student: str, plan: Plan) -> None:
        """Find out what has to be done about one submission."""
        if not is_storable(student):
            plan.refused.append(student)
            return
        record = self.records.read(student)
        folder = self.store.folder("submitted", student, self.lab)
        if (
            self.options.force
            or record is None
            or record.outcome.retry
            or self._partner_appeared(record.outcome)
            or record.submission != digest_of_submission(folder)
        ):
            plan.grade.append(student)
        elif not record.stored or not self.store.has(student, self.lab):
            plan.store.append(record)
        else:
            plan.skip.append(student)
            plan.to_review += [student] if needs_review(record.outcome) else []
            if record.lab != self.lab_digest:
                plan.outdated.append(student)

    def _partner_appeared(self, outcome: Outcome) -> bool:
        """Tell whether somebody whom nobody knew when this was graded is a student now."""
        return "partner_unknown" in outcome.note_keys and any(
            resolve(name, self._known) not in (None, outcome.student) for name in outcome.students
        )

    # --- the run -------------------------------------------------------------------------------------

    def _records(self, seed: int) -> Generator[Record, None, None]:
        """Yield what is to be stored: what an earlier run left behind, then what this one finds."""
        yield from self.plan.store
        for student in self.plan.refused:
            yield self._refuse(student, seed)
        if not self.plan.grade:
            return
        workers = min(self.options.workers or engine.default_workers(), len(self.plan.grade))
        children.begin()
        with engine.connect(self.scheduler, workers) as client:
            trials = engine.begin_trials(client, self.isolation.kind, self.limits, self._modules)
            self._blank = self._blank_job(children.reference_in_child(self.course, self.lab, seed))
            engine.require_kernels(trials, self.isolation.way)
            self._digests: dict[str, str] = {}
            self._not_taken_in: list[Outcome] = []
            silence = Silence(
                self.lab, replace(self._blank, usable=True), functools.partial(engine.run_one, client)
            )
            jobs = self._jobs(workers)
            with contextlib.closing(engine.run_jobs(client, jobs)) as results:
                for job, found in results:
                    yield from self._as_records(seed)
                    yield from silence.let_through(self._as_record(self._outcome(job, found), seed))
            yield from silence.end()
            yield from self._as_records(seed)

    def _blank_job(self, reference: Reference) -> Job:
        """Return a job with all that submissions have in common."""
        return Job(
            student="",
            notebook=self._template,
            language=self.course.language,
            notes=(),
            usable=False,
            files={},
            reference=reference,
            key=self.course.key(self.lab).read_text(encoding="utf-8"),
            isolation=self.isolation.kind,
            limits=self.limits,
            modules=self._modules,
            names=self._names,
        )

    def _jobs(self, workers: int) -> Iterator[Job]:
        """Yield the work, as submissions are taken in: a class may not fit into memory."""
        intake = children.intake_of(self.lab, self.course.language, self.templates, self._blank)

        def take_in(student: str) -> tuple[Job, str] | Trouble:
            folder = self.store.folder("submitted", student, self.lab)
            try:
                return children.take_in(intake, student, folder)
            except Exception as error:  # whatever it is, the others are graded
                return trouble(student, "intake", error)

        with contextlib.closing(engine.ahead(take_in, self.plan.grade, workers)) as taken_in:
            for found in taken_in:
                if isinstance(found, Trouble):
                    self.guard.note(found)
                    blank = replace(self._blank, student=found.student)
                    self._not_taken_in.append(children.not_taken_in(blank, found, self._template))
                else:
                    job, self._digests[job.student] = found
                    yield job

    def _outcome(self, job: Job, found: Outcome | Trouble) -> Outcome:
        """Return the outcome of a submission that was run, or why it has none."""
        if isinstance(found, Outcome):
            return found
        self.guard.note(found)
        return children.failed(job, found, self._template)

    def _as_records(self, seed: int) -> Iterator[Record]:
        """Yield the records of what could not be taken in."""
        while self._not_taken_in:
            yield self._as_record(self._not_taken_in.pop(), seed)

    def _as_record(self, outcome: Outcome, seed: int) -> Record:
        digest = self._digests.pop(outcome.student, "")
        return Record(outcome, digest, self.lab_digest, seed)

    def _refuse(self, student: str, seed: int) -> Record:
        """Return the record of a folder whose name can be no student's id: the gradebook never sees it."""
        said = note("bad_folder_name", folder=repr(student)[:60])
        outcome = Outcome(student, "unusable", self._template, {}, self.course.language)
        outcome.notes, outcome.note_keys = [said.render(self.course.language)], [said.key]
        return Record(outcome, "", self.lab_digest, seed)

    def _keep(self, record: Record, grading: Grading) -> None:
        """Keep a result: first where no run is lost, then in the gradebook."""
        student, stored = record.outcome.student, False
        with self.guard.over(student) as enter:
            enter("settle")
            record = self._settle(record)
            enter("record")
            self.records.write(student, record)
            enter("store")
            self._store(record)
            stored = True
        if not stored:
            grading.unstored.append(student)
        # The notebooks of a large class would not fit into memory.
        grading.outcomes.append(replace(record.outcome, notebook=""))

    def _settle(self, record: Record) -> Record:
        """Decide who gets the marks, if that was not decided before."""
        outcome = record.outcome
        if not outcome.recipients and is_storable(outcome.student):
            taken = self._taken(outcome.student)
            students, notes = recipients(
                outcome.student,
                outcome.students,
                self.submitted,
                self._known,
                taken,
                lambda partner: self._gains(partner, outcome),
            )
            notes += self._stamp_notes(outcome.student)
            outcome = replace(children.with_notes(outcome, notes), recipients=tuple(students))
            for student in set(students) & taken.keys():
                self._give_up(student, taken[student], notes)
        self._groups[outcome.student] = outcome.recipients
        return replace(record, outcome=outcome)

    def _store(self, record: Record) -> None:
        """Enter a result into the gradebook."""
        outcome = record.outcome
        # A partner who has handed in alone since then keeps the marks of that.
        students = [s for s in outcome.recipients if s == outcome.student or s not in self.submitted]
        if students:
            self.store.save(
                students,
                self.lab,
                outcome.notebook,
                outcome.marks,
                owner=outcome.student,
                waits=outcome.waits,
            )
        self.records.write(outcome.student, record.as_stored())

    def _taken(self, owner: str) -> dict[str, str]:
        """Return who has the marks of another's submission as a partner, and whose it is."""
        others = (name for name in self.submitted if name != owner)
        return {s: other for other in others for s in self._groups.get(other, ()) if s != other}

    def _gains(self, partner: str, outcome: Outcome) -> bool:
        """Tell whether a student who has marks as a partner would surely have more from this submission.

        Not if a person has marked anything, nor if this one is late or may be: anybody can name anybody.
        """
        held = self.store.mark(partner, self.lab)
        if held is None:
            return True
        stamp = self.store.stamp(outcome.student, self.lab)
        punctual = not stamp.unreadable and not lateness(stamp.when, held.due)
        return punctual and not held.marked_by_hand and _total(outcome) > (held.so_far or 0.0)

    def _give_up(self, student: str, other: str, notes: Sequence[Note]) -> None:
        """Take a student out of those who have the marks of another's submission, and say so there."""
        record = self.records.read(other)
        if record is None:
            return
        left = tuple(name for name in record.outcome.recipients if name != student)
        said = [found for found in notes if found.key == "partner_twice"]
        outcome = replace(children.with_notes(record.outcome, said), recipients=left)
        self._groups[other] = left
        self.records.write(other, replace(record, outcome=outcome))

    @functools.cached_property
    def _groups(self) -> dict[str, tuple[str, ...]]:
        """Return who has the marks of each submission, by whose folder it lies in."""
        return {name: record.outcome.recipients for name, record in self.records.read_all().items()}

    def _stamp_notes(self, student: str) -> list[Note]:
        """Return what there is to say of when a submission was handed in."""
        unreadable = self.store.stamp(student, self.lab).unreadable
        return [note("unreadable_time", found=unreadable)] if unreadable else []

    def _settle_class(self, grading: Grading) -> None:
        """Do what marks by hand, due dates and extensions ask for that came since submissions were stored."""
        try:
            grading.shared = self._share()
            grading.penalties = self.store.update_lateness(self.lab)
        except Exception as error:  # the class is graded
            log.warning("%s: marks by hand and late penalties are not settled, the next run does it", error)

    def _share(self) -> list[str]:
        """Give marks by hand to everybody who handed in the same notebook; return who got some."""
        outcomes = [record.outcome for record in self.records.read_all().values()]
        # A partner who has handed in alone since then has marks of their own.
        groups = [[s for s in o.recipients if s == o.student or s not in self.submitted] for o in outcomes]
        pairs = [group for group in groups if len(group) > 1]
        return self.store.transact(lambda gradebook: share_marks_by_hand(gradebook, self.lab, pairs))

    def _write_log(self, grading: Grading, started: datetime, seed: int) -> Path | None:
        """Write what happened as JSON; None if no disk takes it."""
        data: dict[str, Any] = {
            "lab": self.lab,
            "started": started.isoformat(timespec="seconds"),
            "wall_s": round(grading.wall_s, 1),
            "interrupted": grading.interrupted,
            "isolation": self.isolation.kind,
            "weaknesses": list(self.isolation.weaknesses),
            "insecure": self.options.insecure,
            "limits": vars(self.limits),
            "seed": seed,
            "lab_digest": self.lab_digest,
            "skipped": self.plan.skip,
            "outdated": self.plan.outdated,
            "unstored": grading.unstored,
            "troubles": {
                student: {"stage": found.stage, "why": found.why.render("en"), "details": found.details}
                for student, found in grading.troubles.items()
            },
            "shared": grading.shared,
            "penalties": grading.penalties,
            "submissions": log_entries(grading.outcomes),
        }
        try:
            return self.records.write_log(data)
        except OSError as error:
            log.warning("the log of this run could not be written: %s", error)
            return None


def _total(outcome: Outcome) -> float:
    return sum(mark or 0.0 for mark in outcome.marks.values())
