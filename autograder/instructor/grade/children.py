"""What `course grade` lets trusted children do: all work on what a student wrote.

One child takes a submission in, another one looks after its kernel, judges and writes the marked
notebook. Both have limits, and neither shares a process with another submission. A third kind runs the
reference solution, whose training belongs beside no threads.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat

from autograder.instructor.forkserver.client import ForkServer, ForkServerError
from autograder.instructor.forkserver.tasks import ChildError, ChildLimits, run_in_child, trusted_server
from autograder.instructor.grade.guard import Trouble, begin_stage, trouble
from autograder.instructor.grade.records import digest_of_submission
from autograder.instructor.grade.trust import Reference, make_reference
from autograder.instructor.grade.work import Job, Outcome, add_notes, grade_submission, try_kernel, ungraded
from autograder.instructor.intake import Note, Templates, rebuild
from autograder.instructor.intake.attachments import attachments
from autograder.instructor.intake.choosing import identify
from autograder.instructor.intake.notes import a_few_of_each, note
from autograder.instructor.kernels.warm import server_address
from autograder.instructor.limits import Limits
from autograder.instructor.settings import Course

# What children have imported: all that grading a submission needs.
_MODULES = (__name__, "nbclient", "jupyter_client.asynchronous", "zmq.asyncio", "nbconvert")
INTAKE = ChildLimits(cpu_s=30, memory_mb=4096, wall_s=150)
_REFERENCE = ChildLimits(cpu_s=1800, memory_mb=16384, wall_s=3600)
# Reading messages, judging and cleaning; what the kernel uses is not counted here.
_GRADING_CPU_S = 120.0
_GRADING_MB = 4096
# A kernel is ended after ten times its processor time on the clock, and may run twice.
_CLOCK = 25


def begin() -> ForkServer:
    """Return this process's server of trusted children; the first call starts it and does not wait."""
    return trusted_server(_MODULES)


def reference_in_child(course: Course, lab: str, seed: int) -> Reference:
    """Run the reference solution under a seed.

    Raises:
        CourseError: if the reference fails its own checks.
        ChildError: if its process does not answer.
    """
    found = run_in_child(begin(), _reference, course, lab, seed, limits=_REFERENCE)
    if isinstance(found, Exception):
        raise found
    return found


def _reference(course: Course, lab: str, seed: int) -> Reference | Exception:
    from autograder.instructor.settings import CourseError

    try:
        return make_reference(course, lab, seed)
    except CourseError as error:
        return error


# --- intake ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Intake:
    """How submissions of a class are taken in.

    Attributes:
        lab: the lab's id.
        language: of the course, where a submission does not tell.
        templates: the notebooks of all labs, pickled once for all children.
        blank: a job with all that submissions have in common.
    """

    lab: str
    language: str
    templates: bytes
    blank: Job


def intake_of(lab: str, language: str, templates: Templates, blank: Job) -> Intake:
    """Return how a class is taken in."""
    # What tells labs apart is found once, here, and not in every child.
    identify(templates.cells(lab, language), lab, templates)
    return Intake(lab, language, pickle.dumps(templates), blank)


def take_in(intake: Intake, student: str, folder: Path) -> tuple[Job, str]:
    """Make of what a student handed in what can be graded, in a child.

    Returns:
        The job, and the digest of what was handed in.

    Raises:
        ChildError: if the child gives no answer.
    """
    return run_in_child(begin(), _take_in, intake, student, folder, limits=INTAKE)


def _take_in(intake: Intake, student: str, folder: Path) -> tuple[Job, str]:
    begin_stage("intake", student)
    digest = digest_of_submission(folder)
    templates: Templates = pickle.loads(intake.templates)
    rebuilt = rebuild(folder, intake.lab, templates, intake.language)
    files, notes = attachments(folder)
    job = replace(
        intake.blank,
        student=student,
        notebook=nbformat.writes(rebuilt.notebook),
        language=rebuilt.language,
        notes=tuple(a_few_of_each([*rebuilt.notes, *notes])),
        usable=rebuilt.usable,
        files=files,
        waits=rebuilt.waits,
    )
    return job, digest


# --- the run ---------------------------------------------------------------------------------------


def grade_in_child(job: Job) -> Outcome | Trouble:
    """Grade one submission; what a worker does.

    What may have failed by chance is tried once more.

    Returns:
        The outcome, or why there is none.
    """
    found = _grade_once(job)
    if isinstance(found, Trouble) and not found.lasting:
        found = _grade_once(job)
    return found


def _grade_once(job: Job) -> Outcome | Trouble:
    limits = ChildLimits(_GRADING_CPU_S, _GRADING_MB, 600 + _CLOCK * job.limits.notebook_cpu_s)
    try:
        address = server_address(job.isolation, job.modules)
        outcome = run_in_child(begin(), grade_submission, job, kernel_server=address, limits=limits)
        if outcome.retry:
            raise ForkServerError("no kernel started")
        if outcome.status == "incomplete" and address != server_address(job.isolation, job.modules):
            raise ForkServerError("the process that forks kernels ended meanwhile")
    except Exception as error:  # an oversight of ours must not cost a class its marks
        return trouble(job.student, "run", error)
    return outcome


def try_kernel_in_child(isolation: str, limits: Limits, modules: tuple[str, ...]) -> str | None:
    """Return why no kernel works for this process, None if one does."""
    try:
        address = server_address(isolation, modules)
        return run_in_child(
            begin(), try_kernel, isolation, limits, modules, kernel_server=address, limits=INTAKE
        )
    except (ChildError, ForkServerError) as error:
        return str(error)


# --- what is left to say ---------------------------------------------------------------------------


def failed(job: Job, found: Trouble, template: str) -> Outcome:
    """Return the outcome of a submission that could not be graded: it has no marks, and says why.

    Args:
        job: the submission.
        found: what went wrong.
        template: the lab's own notebook, for one that cannot even be shown.
    """
    try:
        outcome = run_in_child(begin(), ungraded, job, found.why, limits=INTAKE)
    except (ChildError, ForkServerError):
        outcome = not_taken_in(job, found, template)
    return replace(outcome, retry=not found.lasting)


def not_taken_in(job: Job, found: Trouble, template: str) -> Outcome:
    """Return the outcome of a submission of which nothing can be shown."""
    refused = replace(
        job, notebook=template, usable=False, files={}, notes=(note("no_run", reason=found.why),)
    )
    return replace(grade_submission(refused), retry=not found.lasting)


def with_notes(outcome: Outcome, notes: list[Note]) -> Outcome:
    """Return an outcome with more notes."""
    return run_in_child(begin(), _with_notes, outcome, notes, limits=INTAKE) if notes else outcome


def _with_notes(outcome: Outcome, notes: list[Note]) -> Outcome:
    add_notes(outcome, notes)
    return outcome
