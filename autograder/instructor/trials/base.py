"""What a trial is, and which part of a notebook decides it."""

from __future__ import annotations

from dataclasses import dataclass, field

from nbformat import NotebookNode

from autograder.instructor.bank import Answer
from autograder.instructor.settings import CourseError
from autograder.instructor.source import grade_id, is_check_cell, is_student_cell
from autograder.observation import Observation

Observations = dict[str, Observation]

# The first optimiser imports it, which takes over a second.
PRELOADED = ("torch._dynamo",)
# One thread per process, and no window: set before the processes import anything.
SETTINGS = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MPLBACKEND": "Agg"}


@dataclass(frozen=True)
class Trial:
    """What the check cell of an answer observed.

    Attributes:
        answer: the answer tried.
        observations: of the check cell that follows the answer, by seed and name of the check.
        error: why there are none; None when the process ended as it should.
    """

    answer: Answer
    observations: dict[int, Observations] = field(default_factory=dict)
    error: str | None = None


def stopped(time_limit: float) -> str:
    """Return what is said of an answer that took too long."""
    return f"stopped after {time_limit:g} s"


def died(exit_code: int | None) -> str:
    """Return what is said of an answer whose process ended by itself."""
    return f"its process died (exit code {exit_code})"


def span(notebook: NotebookNode, cell: str, lab: str) -> range:
    """Return the indices of the cells from a student cell to its check cell.

    Args:
        notebook: in one language.
        cell: grade_id of a student cell.
        lab: the lab's id, for errors.

    Raises:
        CourseError: if there is no such student cell, or no check cell after it.
    """
    names = [grade_id(c) for c in notebook.cells]
    students = [grade_id(c) for c in notebook.cells if is_student_cell(c) and c.cell_type == "code"]
    if cell not in students:
        raise CourseError(f"{lab} has no student cell {cell!r}: it has {', '.join(map(str, students))}.")
    start = names.index(cell)
    after = range(start, len(names))
    check = next((index for index in after if is_check_cell(notebook.cells[index])), None)
    if check is None:
        raise CourseError(f"{lab} has no check cell after {cell!r}.")
    return range(start, check + 1)


def excerpt(notebook: NotebookNode, cell: str, lab: str) -> NotebookNode:
    """Return the part of a notebook that decides what one student cell is worth.

    That is everything up to the cell's check cell, without the check cells of others.

    Args:
        notebook: in one language.
        cell: grade_id of a student cell.
        lab: the lab's id, for errors.

    Raises:
        CourseError: if there is no such student cell, or no check cell after it.
    """
    check = span(notebook, cell, lab)[-1]
    cells = [c for c in notebook.cells[:check] if not is_check_cell(c)]
    return NotebookNode({**notebook, "cells": [*cells, notebook.cells[check]]})
