"""Grade one submission: run it in an isolated kernel, compare, and write the marked notebook.

This runs in a worker process, perhaps on another machine: what it needs comes in a `Job`, what it finds
goes back in an `Outcome`.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import entry_points
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from autograder.checks.family import GROUP, broken_families, known_errors
from autograder.faults import NO_DEVICE, asks_for_device
from autograder.instructor.grade.doubts import doubt
from autograder.instructor.grade.guard import begin_stage
from autograder.instructor.grade.hinting import Surroundings, find_hints
from autograder.instructor.grade.marked import (
    MarkedText,
    say_outputs_are_missing,
    show_handed_in,
    without_outputs,
)
from autograder.instructor.grade.trust import Hints, MarkedBlock, Reference, block_of, judge
from autograder.instructor.intake.notes import Note, Reason, note
from autograder.instructor.kernels.execution import Run
from autograder.instructor.limits import Limits
from autograder.instructor.neutral import clean_notebook, hide
from autograder.instructor.slicing import needed_cells
from autograder.instructor.source import grade_id, is_check_cell, is_graded, is_student_cell
from autograder.key import AnswerKey
from autograder.language import LANGUAGES
from autograder.marks import Result
from autograder.messages import Message

REPORT_CELL = "grading-notes"
# Of what a student's kernel says, so much is kept in a note.
_MAX_SAID = 300
# Why a kernel may have ended through no fault of the submission's: it is given another one.
_PERHAPS_CHANCE = {"kernel_died", "no_start"}
_TRIAL = """
import importlib
for name in {modules!r}:
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(f"{{name}} cannot be imported ({{error}})")
        break
else:
    import torch
    from importlib.metadata import entry_points
    from autograder.checks.family import broken_families
    missing = sorted(set({families!r}) - {{entry.name for entry in entry_points(group={group!r})}})
    if missing:
        print("The checks", ", ".join(missing), "are not found there: install the package that brings them.")
    elif broken := [error for error in broken_families() if error.entry in {families!r}]:
        print(broken[0])
    else:
        print(int(torch.ones(2).sum()))
"""


@dataclass(frozen=True)
class Job:
    """All that is needed to grade one submission.

    Attributes:
        student: whose folder it is.
        notebook: the rebuilt notebook, as JSON text.
        language: of the notebook.
        notes: what intake had to put right.
        usable: whether there is anything to run.
        files: what was handed in beside the notebook, by path.
        reference: what is right.
        key: the lab's answer key, as text: it knows the hints.
        isolation: how kernels are started; see `autograder.instructor.kernels.isolation`.
        limits: what the kernel may use.
        modules: what a warm kernel has imported.
        waits: grade_ids of cells whose marks a person has to give or to confirm.
        names: how check cells get what is the lab's; see `autograder.instructor.own_names`.
    """

    student: str
    notebook: str
    language: str
    notes: tuple[Note, ...]
    usable: bool
    files: Mapping[str, bytes]
    reference: Reference
    key: str
    isolation: str
    limits: Limits
    modules: tuple[str, ...]
    waits: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass
class CheckRecord:
    """One check of a graded submission.

    Attributes:
        name: of the check.
        points: its full marks.
        passed: whether it was accepted.
        hint: that was given, in English.
        error: key of what kept it from seeing a value, such as "not_written"; None for a wrong value, and in
            records of earlier versions.
    """

    name: str
    points: float
    passed: bool
    hint: str | None = None
    error: str | None = None


@dataclass
class Outcome:
    """A graded submission.

    Attributes:
        student: whose folder it is.
        status: "graded", "incomplete" (some check cells never finished) or "unusable".
        notebook: the marked notebook, as JSON text.
        marks: by check cell; None where no mark could be given. Of an unusable notebook, by every cell
            with marks.
        checks: of all check cells that were marked.
        language: of the notebook.
        students: who the identity cell names.
        recipients: who gets the marks; decided when they are stored.
        notes: what had to be put right, and what happened, in the notebook's language.
        note_keys: the same, as keys.
        cpu_s: processor time that the kernel used.
        wall_s: time on the clock.
        retry: whether the next run should try again: something failed that was not handed in.
        waits: grade_ids of cells whose marks a person has to give or to confirm.
        silence: what the kernel said in place of handing on anything at all; empty where it did, None where
            none ran.
    """

    student: str
    status: str
    notebook: str
    marks: dict[str, float | None]
    language: str = "es"
    checks: list[CheckRecord] = field(default_factory=list)
    students: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    note_keys: list[str] = field(default_factory=list)
    cpu_s: float = 0.0
    wall_s: float = 0.0
    retry: bool = False
    waits: tuple[str, ...] = ()
    silence: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return JSON data that `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Outcome:
        """Return the outcome that JSON data hold."""
        checks = [CheckRecord(**check) for check in data["checks"]]
        names = {name: tuple(data.get(name, ())) for name in ("students", "recipients", "waits")}
        return cls(**{**data, **names, "checks": checks})


def grade_submission(job: Job, kernel_server: str | None = None) -> Outcome:
    """Grade one submission; never raises on account of what was handed in.

    Args:
        job: the submission.
        kernel_server: address of the server that forks warm kernels; None: this process's own.
    """
    notebook = nbformat.reads(job.notebook, as_version=4)
    if not job.usable:
        return _ungraded(job, notebook, "unusable", list(job.notes))
    where = Surroundings(job.isolation, job.limits, job.files, job.modules, job.names, kernel_server)
    bare = without_outputs(notebook)
    begin_stage("run", job.student)
    looked_at = set(range(len(bare.cells))) - needed_cells(bare.cells)
    run = _run_fairly(bare, where, job.reference.seed, looked_at)
    begin_stage("judge", job.student)
    marked = judge_run(run, job.reference)
    moved = {found.details["cell"] for found in job.notes if found.key == "moved_answer"}
    doubts = [
        found
        for found in doubt(notebook, marked, job.reference)
        if found.key != "answer_elsewhere" or found.details["cell"] not in moved  # it was said already
    ]
    notes = [*job.notes, *_run_notes(run, marked, job), *doubts]
    # The marks are given, and the kernel that could have changed them is gone.
    hints, cpu_s = find_hints(bare, run, marked, AnswerKey.loads(job.key), where)
    run.cpu_s += cpu_s
    complete = len(marked) == sum(is_check_cell(cell) for cell in notebook.cells)
    begin_stage("mark", job.student)
    return _outcome(job, run, marked, hints, notes, "graded" if complete else "incomplete")


def add_notes(outcome: Outcome, notes: Sequence[Note]) -> None:
    """Add notes to an outcome and to the top of its notebook."""
    if not notes:
        return
    notebook = nbformat.reads(outcome.notebook, as_version=4)
    _prepend_notes(notebook, notes, outcome.language)
    outcome.notebook = nbformat.writes(notebook)
    outcome.notes += [found.render(outcome.language) for found in notes]
    outcome.note_keys += [found.key for found in notes]


def _run_fairly(notebook: NotebookNode, where: Surroundings, seed: int, skipped: Collection[int] = ()) -> Run:
    """Run a notebook; once more in another kernel where the first may have ended by chance."""
    run = where.run(notebook, seed, skipped)
    if run.died is not None and run.died.key in _PERHAPS_CHANCE:
        run = where.run(notebook, seed, skipped)
    return run


def try_kernel(
    isolation: str, limits: Limits, modules: tuple[str, ...], kernel_server: str | None = None
) -> str | None:
    """Return why no kernel works in this process, None if one does.

    It imports what the lab's own cells import, and the families of checks that can be used here: where it
    cannot, a whole class would get 0.
    """
    broken = {error.entry for error in broken_families()}
    families = [entry.name for entry in entry_points(group=GROUP) if entry.name not in broken]
    code = _TRIAL.format(modules=modules, families=families, group=GROUP)
    notebook = new_notebook(cells=[new_code_cell(code)])
    where = Surroundings(isolation, limits, {}, modules, {}, kernel_server)
    run = _run_fairly(notebook, where, seed=0)
    if run.died is not None:
        return run.died.render("en")
    outputs = run.notebook.cells[0].outputs
    said = "".join(o.get("text", "") or f"{o.get('ename')}: {o.get('evalue')}" for o in outputs)
    return None if said == "2\n" else said[:200]


def ungraded(job: Job, why: Reason) -> Outcome:
    """Return the outcome of a submission that could not be run at all."""
    # Perhaps it is its outputs that ended the process which cleaned them.
    notebook = without_outputs(nbformat.reads(job.notebook, as_version=4))
    say_outputs_are_missing(notebook, job.language)
    return _ungraded(job, notebook, "incomplete", [*job.notes, note("no_run", reason=why)])


def judge_run(run: Run, reference: Reference) -> dict[str, MarkedBlock]:
    """Mark all check cells that were run to their end, by block."""
    cells = [(i, cell) for i, cell in enumerate(run.notebook.cells) if is_check_cell(cell)]
    return {
        block_of(str(grade_id(cell))): judge(cell, str(grade_id(cell)), reference)
        for index, cell in cells
        if index in run.finished
    }


def _run_notes(run: Run, marked: Mapping[str, MarkedBlock], job: Job) -> list[Note]:
    """Return what there is to say of a run."""
    limits = job.limits
    cells = run.notebook.cells

    def name(index: int) -> str:
        return str(grade_id(cells[index]) or cells[index].get("id"))

    notes = [
        note("cell_stopped", cell=name(index), reason=why)
        for index, why in run.stopped.items()
        if index in run.finished
    ]
    notes += [note("output_cut", cell=name(index), limit=limits.output_mb) for index in sorted(run.cut)]
    notes += [note("outputs_cut", cell=name(index), limit=limits.outputs) for index in sorted(run.crowded)]
    if run.died is not None:
        if run.died_in is None:
            notes.append(note("no_run", reason=run.died))
        else:
            notes.append(note("died", cell=name(run.died_in), reason=run.died))
    notes += [block.problem for block in marked.values() if block.problem is not None]
    if asking := _without_device(run.notebook, marked):
        notes.append(note("no_device", cells=", ".join(f"`{name(i)}`" for i in asking)))
    identity = marked.get("identity")
    if identity is not None and not identity.students:
        notes.append(_unsigned(identity, str(job.reference.seed)))
    return notes


def _unsigned(identity: MarkedBlock, secret: str) -> Note:
    """Return what there is to say of an identity cell that names nobody: it is empty, or half filled in."""
    said = [str(result.message.details.get("hint", "")) for result in identity.failed]
    empty = Message("identity_id", {"name": "student_id_1", "seen": "''"})
    if not said or said[0] in [empty.render(language) for language in LANGUAGES]:
        return note("nobody")
    return note("identity_incomplete", why=hide(said[0][:_MAX_SAID], secret))


def _without_device(notebook: NotebookNode, marked: Mapping[str, MarkedBlock]) -> list[int]:
    """Return the indices of cells that stopped because they asked for a device that is not there."""

    def stopped(cell: NotebookNode) -> bool:
        if is_check_cell(cell):
            block = marked.get(block_of(str(grade_id(cell))))
            failed = block.failed if block is not None else []
            return any(r.observation is not None and r.observation.error == NO_DEVICE for r in failed)
        errors = (output for output in cell.get("outputs", []) if output["output_type"] == "error")
        return any(asks_for_device(str(e.get("ename")), _said_by(e)) for e in errors)

    return [index for index, cell in enumerate(notebook.cells) if stopped(cell)]


# --- the marked notebook ---------------------------------------------------------------------------


def _outcome(
    job: Job, run: Run, marked: Mapping[str, MarkedBlock], hints: Hints, notes: list[Note], status: str
) -> Outcome:
    """Return the outcome of a run."""
    notebook = run.notebook
    waits = _waits(job, notebook, marked)
    marks: dict[str, float | None] = {}
    clean_notebook(notebook)
    handed_in = nbformat.reads(job.notebook, as_version=4)
    show_handed_in(notebook, handed_in, job.language, run.skipped)
    called = AnswerKey.loads(job.key).headings
    for cell in notebook.cells:
        if is_check_cell(cell):
            name = str(grade_id(cell))
            block = marked.get(block_of(name))
            marks[name] = None if block is None else block.score
            cell.outputs = _marked_outputs(block, job.language, called)
        if cell.cell_type == "code":
            # A student may print the seed of this run, and feedback shows what was printed.
            cell.outputs = hide(cell.outputs, str(job.reference.seed))
    _prepend_notes(notebook, notes, job.language)
    identity = marked.get("identity")
    return Outcome(
        student=job.student,
        status=status,
        notebook=nbformat.writes(notebook),
        marks=marks,
        language=job.language,
        checks=[
            _check_record(result, hints)
            for block in marked.values()
            for result in block.results
            if result.points > 0
        ],
        # A student may be called what the seed is.
        students=tuple(hide(list(identity.students), str(job.reference.seed))) if identity else (),
        notes=[found.render(job.language) for found in notes],
        note_keys=[found.key for found in notes],
        cpu_s=round(run.cpu_s, 2),
        wall_s=round(run.wall_s, 2),
        retry=run.died is not None and run.died.key == "no_start",
        waits=waits,
        silence=hide(_silence(run, marked), str(job.reference.seed)),
    )


def _silence(run: Run, marked: Mapping[str, MarkedBlock]) -> str:
    """Return what a kernel said whose check cells handed on nothing, first the lab's own cells."""
    if any(block.heard for block in marked.values()):
        return ""
    found = [
        (
            is_student_cell(cell),
            f"{grade_id(cell) or cell.get('id')}: {error.get('ename')}: {_said_by(error)}",
        )
        for cell in run.notebook.cells
        for error in cell.get("outputs", [])
        if error["output_type"] == "error"
    ]
    if found:
        return min(found, key=lambda each: each[0])[1][:_MAX_SAID]
    return run.died.render("en") if run.died is not None else "nothing"


def _said_by(error: NotebookNode) -> str:
    """Return what an error says; of an assertion that says nothing, its code."""
    if error.get("evalue") or error.get("ename") != "AssertionError":
        return str(error.get("evalue"))
    lines = "\n".join(str(part) for part in error.get("traceback", [])).split("\n")
    return next((line for line in reversed(lines) if "->" in line), "")


def _waits(job: Job, notebook: NotebookNode, marked: Mapping[str, MarkedBlock]) -> tuple[str, ...]:
    """Return the cells whose marks a person has to give or to confirm; full marks need nobody."""
    waits = set(job.waits)
    for index in _without_device(notebook, marked):
        following = (str(grade_id(cell)) for cell in notebook.cells[index:] if is_check_cell(cell))
        waits |= set(itertools.islice(following, 1))
    full = {f"{name}_check" for name, block in marked.items() if not block.failed and block.problem is None}
    return tuple(sorted(waits - full))


def _check_record(result: Result, hints: Hints) -> CheckRecord:
    """Return what is remembered of a check; what a kernel calls an error is one that the library knows."""
    error = result.observation.error if result.observation is not None else "not_observed"
    known = error == "not_observed" or error in known_errors()
    return CheckRecord(
        result.name,
        result.points,
        bool(result.passed),
        hints.found.get(result.name),
        error if known and not result.passed else None,
    )


def _ungraded(job: Job, notebook: NotebookNode, status: str, notes: list[Note]) -> Outcome:
    """Return the outcome of a submission without a run."""
    # Open questions of a notebook that nobody could read have no marks either; nbgrader would give them 0.
    has_no_mark = is_check_cell if status != "unusable" else is_graded
    names = [str(grade_id(cell)) for cell in notebook.cells if has_no_mark(cell)]
    _prepend_notes(notebook, notes, job.language)
    return Outcome(
        student=job.student,
        status=status,
        notebook=nbformat.writes(notebook),
        marks=dict.fromkeys(names),
        waits=tuple(sorted(job.waits)),
        language=job.language,
        notes=[found.render(job.language) for found in notes],
        note_keys=[found.key for found in notes],
    )


def _marked_outputs(
    block: MarkedBlock | None, language: str, headings: Mapping[str, Mapping[str, str]]
) -> list[NotebookNode]:
    """Return the outputs of a check cell: ours, whatever the student's kernel showed."""
    if block is None:
        return []
    view = block.view(language, headings)
    data = {"text/html": view._repr_html_(), "text/plain": repr(view)}
    return [
        new_output("display_data", data=data),
        new_output("execute_result", data={"text/plain": repr(block.score)}, execution_count=None),
    ]


def _prepend_notes(notebook: NotebookNode, notes: Sequence[Note], language: str) -> None:
    """Put what there is to say to the student at the top of the notebook."""
    if not notes:
        return
    lines = "\n".join(f"- {found.render(language)}" for found in notes)
    if notebook.cells and notebook.cells[0].get("id") == REPORT_CELL:
        notebook.cells[0].source += f"\n{lines}"
        return
    cell = new_markdown_cell(f"**{MarkedText('notes_title').render(language)}**\n\n{lines}")
    cell["id"] = REPORT_CELL
    notebook.cells.insert(0, cell)
