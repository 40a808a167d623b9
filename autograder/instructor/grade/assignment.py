"""Enter a lab into a gradebook, or bring the version that it knows up to date: what was given stays.

nbgrader's generate_assignment refuses to add or remove cells once somebody has handed in, and deletes the
release before it finds that out. Here all is done in one transaction, from the notebook that students get.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.api import BaseCell, Comment, Grade, Gradebook, Notebook, SourceCell

from autograder.instructor.build import write_source
from autograder.instructor.grade.records import Records, write_json
from autograder.instructor.grade.store import Store
from autograder.instructor.releases import read_release
from autograder.instructor.settings import Course, CourseError

_GIVEN = ("auto_score", "manual_score", "extra_credit")


@dataclass(frozen=True)
class NotebookCells:
    """What nbgrader keeps of a lab's cells, by grade_id and kind.

    Attributes:
        grade: cells with marks: full marks, and whether they are code.
        solution: cells that students write in.
        task: cells of nbgrader's kind "task".
        source: cells of all kinds, as students get them.
    """

    grade: dict[str, dict[str, Any]] = field(default_factory=dict)
    solution: dict[str, dict[str, Any]] = field(default_factory=dict)
    task: dict[str, dict[str, Any]] = field(default_factory=dict)
    source: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, notebook: NotebookNode) -> NotebookCells:
        """Read them from a released notebook, as nbgrader's SaveCells does."""
        found = cls()
        for cell in notebook.cells:
            data = cell.metadata.get("nbgrader", {})
            name = data.get("grade_id")
            marks = {"max_score": float(data.get("points", 0)), "cell_type": cell.cell_type}
            if utils.is_grade(cell):
                found.grade[name] = marks
            if utils.is_solution(cell):
                found.solution[name] = {}
            if utils.is_task(cell):
                found.task[name] = marks
            if utils.is_grade(cell) or utils.is_solution(cell) or utils.is_locked(cell):
                found.source[name] = {
                    "cell_type": cell.cell_type,
                    "locked": utils.is_locked(cell),
                    "source": cell.source,
                    "checksum": data.get("checksum"),
                }
        return found


@dataclass(frozen=True)
class Update:
    """What became of a lab in a gradebook.

    Attributes:
        entered: whether the gradebook did not know it.
        added: cells that it did not have.
        removed: cells that it does not have any more.
        changed: cells with other full marks than before.
        kept: the file with what had been given for removed cells; None if nothing had.
        again: how many submissions have to be graded again; the next grading does it.
    """

    entered: bool = False
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    kept: Path | None = None
    again: int = 0


def enter_or_update(course: Course, lab: str, store: Store, *, update: bool = False) -> Update:
    """Make sure that a gradebook knows a lab as it is now.

    Args:
        course: the checkout.
        lab: the lab's id.
        store: with the gradebook.
        update: whether cells may change although somebody has handed in; marks for removed cells are then
            kept in a file, and whatever the change concerns is graded again.

    Raises:
        CourseError: if the lab is not built; or, without `update`, if the gradebook knows another version
            for which there are submissions. It says the command that enters the new one.
    """
    notebook = read_release(course, lab, course.language)
    cells = NotebookCells.of(notebook)
    full_marks = store.full_marks(lab)
    if full_marks is None:
        write_source(course, lab)
    points = {name: info["max_score"] for name, info in cells.grade.items()}
    if not update and full_marks == points:
        return Update()
    if not update and full_marks is not None and _submissions(store, lab):
        different = sorted(n for n in {*full_marks, *points} if full_marks.get(n) != points.get(n))
        where = f" --folder {shlex.quote(str(store.root))}" if store.root != course.root.resolve() else ""
        raise CourseError(
            f"The gradebook knows another version of {lab}: {', '.join(different)} differ. Run "
            f"`course release {lab}{where}` to enter the new one; marks stay."
        )
    records = Records(store.root, lab)
    again = 0
    if full_marks is not None and store.transact(lambda g: _differences(g, lab, cells), write=False):
        # First of all: if the rest fails, something is run in vain, and no mark is of another version.
        _outdate(records)
        again = _submissions(store, lab)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S")
    kept = records.folder / "removed" / f"{now}.json"
    found = store.transact(lambda gradebook: _write(gradebook, lab, notebook, cells, kept))
    return replace(found, entered=full_marks is None, again=again)


def _submissions(store: Store, lab: str) -> int:
    """Return how many submissions a gradebook has."""

    def count(gradebook: Gradebook) -> int:
        return len(gradebook.assignment_submissions(lab))

    return store.transact(count, write=False)


def _outdate(records: Records) -> None:
    """Let the next grading run all submissions again."""
    for student, record in records.read_all().items():
        records.write(student, replace(record, submission=""))


# --- within a transaction --------------------------------------------------------------------------


def _known(notebook: Notebook) -> dict[tuple[str, str], BaseCell]:
    """Return the cells that a gradebook knows, by kind and grade_id."""
    kinds = {
        "grade": notebook.grade_cells, "solution": notebook.solution_cells, "task": notebook.task_cells,
    }  # fmt: skip
    return {(kind, str(cell.name)): cell for kind, found in kinds.items() for cell in found}


def _wanted(cells: NotebookCells) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the cells that it should know, in the same way."""
    kinds = {"grade": cells.grade, "solution": cells.solution, "task": cells.task}
    return {(kind, name): info for kind, found in kinds.items() for name, info in found.items()}


def _same(cell: BaseCell, info: Mapping[str, Any]) -> bool:
    return all(getattr(cell, name) == value for name, value in info.items())


def _differences(gradebook: Gradebook, lab: str, cells: NotebookCells) -> set[str]:
    """Return the cells for which marks or comments would be given in another way than before."""
    known, wanted = _known(gradebook.find_notebook(lab, lab)), _wanted(cells)
    other = {name for kind, name in set(known) ^ set(wanted)}
    return other | {key[1] for key in set(known) & set(wanted) if not _same(known[key], wanted[key])}


def _write(
    gradebook: Gradebook, lab: str, notebook: NotebookNode, cells: NotebookCells, kept: Path
) -> Update:
    """Write a lab's cells into a gradebook; for submissions that are there, too."""
    gradebook.update_or_create_assignment(lab)
    kernel = json.dumps(notebook.metadata.get("kernelspec", {}))
    entry = gradebook.update_or_create_notebook(lab, lab, kernelspec=kernel)
    known, wanted = _known(entry), _wanted(cells)
    gone = {key: cell for key, cell in known.items() if key not in wanted}
    changed = {key for key in set(known) & set(wanted) if not _same(known[key], wanted[key])}
    for key in changed:
        _ask_again(gradebook, known[key])
    given = _remove(gradebook, gone.values())
    if given:
        write_json(kept, given)
    _write_cells(gradebook, lab, entry, cells)
    _complete(gradebook, lab)
    return Update(
        added=_names(set(wanted) - set(known)),
        removed=_names(gone),
        changed=_names(changed),
        kept=kept if given else None,
    )


def _names(keys: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(sorted({name for _, name in keys}))


def _ask_again(gradebook: Gradebook, cell: BaseCell) -> None:
    """Let a cell wait: its marks are out of another number than before. A person's mark stays to be seen."""
    for grade in gradebook.db.query(Grade).filter(Grade.cell_id == cell.id):
        grade.auto_score, grade.needs_manual_grade = None, True


def _remove(gradebook: Gradebook, cells: Iterable[BaseCell]) -> list[dict[str, Any]]:
    """Remove cells with all that was given for them; return that."""
    given = []
    for cell in cells:
        for grade in gradebook.db.query(Grade).filter(Grade.cell_id == cell.id).all():
            marks = {name: getattr(grade, name) for name in _GIVEN}
            if any(value is not None for value in marks.values()):
                full = float(cell.max_score)
                given.append({"student": grade.student.id, "cell": cell.name, "max_score": full, **marks})
            gradebook.db.delete(grade)
        for comment in gradebook.db.query(Comment).filter(Comment.cell_id == cell.id).all():
            if comment.manual_comment:
                text = comment.manual_comment
                given.append({"student": comment.student.id, "cell": cell.name, "comment": text})
            gradebook.db.delete(comment)
        gradebook.db.flush()
        gradebook.db.delete(cell)
    gradebook.db.flush()
    return given


def _write_cells(gradebook: Gradebook, lab: str, entry: Notebook, cells: NotebookCells) -> None:
    """Write the cells themselves."""
    for source in gradebook.db.query(SourceCell).filter(SourceCell.notebook_id == entry.id).all():
        if source.name not in cells.source:
            gradebook.db.delete(source)
    gradebook.db.flush()
    gradebook.db.expire(entry)
    for name, info in cells.grade.items():
        gradebook.update_or_create_grade_cell(name, lab, lab, **info)
    for name, info in cells.solution.items():
        gradebook.update_or_create_solution_cell(name, lab, lab, **info)
    for name, info in cells.task.items():
        gradebook.update_or_create_task_cell(name, lab, lab, **info)
    for name, info in cells.source.items():
        gradebook.update_or_create_source_cell(name, lab, lab, **info)
    gradebook.db.flush()
    gradebook.db.expire(entry)


def _complete(gradebook: Gradebook, lab: str) -> None:
    """Give every submission a place for the marks and comments of every cell, as add_submission does."""
    entry = gradebook.find_notebook(lab, lab)
    graded = [*entry.grade_cells, *entry.task_cells]
    commented = [*entry.solution_cells, *entry.task_cells]
    for submission in entry.submissions:
        with_grade = {grade.cell_id for grade in submission.grades}
        with_comment = {comment.cell_id for comment in submission.comments}
        for cell in graded:
            if cell.id not in with_grade:
                gradebook.db.add(Grade(cell_id=cell.id, notebook=submission))
        for cell in commented:
            if cell.id not in with_comment:
                gradebook.db.add(Comment(cell_id=cell.id, notebook=submission))
    gradebook.db.flush()
