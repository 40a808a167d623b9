"""Run many answers to a lab's student cells, each in a process of its own with a time limit."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, TimeoutError, as_completed
from dataclasses import dataclass, field

from nbformat import NotebookNode
from pebble import ProcessExpired, ProcessPool

from autograder.instructor.bank import Answer
from autograder.instructor.environment import environment
from autograder.instructor.observe import run_cells, script_environment
from autograder.instructor.presence import present
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.source import (
    grade_id,
    is_check_cell,
    is_student_cell,
    modules_of,
    read_lab,
)
from autograder.judge import record
from autograder.observation import Observation

Observations = dict[str, Observation]

TIME_LIMIT = 120.0
# The first optimiser imports it, which takes over a second.
_PRELOADED = ("torch._dynamo",)


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


def run_trials(
    course: Course,
    lab: str,
    answers: Sequence[Answer],
    seeds: Sequence[int],
    *,
    jobs: int | None = None,
    time_limit: float = TIME_LIMIT,
) -> Iterator[Trial]:
    """Run answers, and yield what each one's check cell observed as soon as it is known.

    A process that hangs, dies or eats its memory costs its own answer only.

    Args:
        course: the checkout.
        lab: the lab's id.
        answers: to student cells of the lab.
        seeds: each answer is run under all of them.
        jobs: processes at a time; default: one per core.
        time_limit: seconds for one answer.

    Raises:
        CourseError: if an answer is to a cell that the lab does not have.
    """
    notebook = read_lab(course, lab)
    parts = {cell: excerpt(notebook, cell, lab) for cell in {answer.cell for answer in answers}}
    # One thread per process, and no window: set before the processes import anything.
    settings = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    with (
        present(course),
        environment(**settings),
        _pool(jobs or os.cpu_count() or 1, modules_of(notebook)) as pool,
    ):
        try:
            futures = {
                pool.schedule(try_answer, args=(parts[a.cell], lab, a, tuple(seeds)), timeout=time_limit): a
                for a in answers
            }
            for future in as_completed(futures):
                yield _outcome(futures[future], future.result, time_limit)
        finally:
            # Also when the caller stops listening: what has not begun is not begun.
            pool.stop()


def _pool(jobs: int, modules: Sequence[str]) -> ProcessPool:
    """Return a pool whose every process serves one answer.

    Where the system can, they are forked from one that has imported what the lab's own cells import. There
    is one such process for all labs: those after the first import what else they need.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return ProcessPool(max_workers=jobs, max_tasks=1)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *_PRELOADED, *modules])
    return ProcessPool(max_workers=jobs, max_tasks=1, context=context)


def _outcome(answer: Answer, result: Callable[[], dict[int, Observations]], time_limit: float) -> Trial:
    """Return what became of an answer's process."""
    try:
        return Trial(answer, result())
    except TimeoutError:
        return Trial(answer, error=f"stopped after {time_limit:g} s")
    except ProcessExpired as error:
        return Trial(answer, error=f"its process died (exit code {error.exitcode})")
    except CancelledError:
        return Trial(answer, error="not run")
    except Exception as error:
        return Trial(answer, error=f"{type(error).__name__}: {error}")


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
    names = [grade_id(c) for c in notebook.cells]
    students = [grade_id(c) for c in notebook.cells if is_student_cell(c) and c.cell_type == "code"]
    if cell not in students:
        raise CourseError(f"{lab} has no student cell {cell!r}: it has {', '.join(map(str, students))}.")
    after = range(names.index(cell), len(names))
    check = next((index for index in after if is_check_cell(notebook.cells[index])), None)
    if check is None:
        raise CourseError(f"{lab} has no check cell after {cell!r}.")
    cells = [c for c in notebook.cells[:check] if not is_check_cell(c)]
    return NotebookNode({**notebook, "cells": [*cells, notebook.cells[check]]})


def try_answer(part: NotebookNode, lab: str, answer: Answer, seeds: Iterable[int]) -> dict[int, Observations]:
    """Run one answer under several seeds, in this process.

    Args:
        part: of the notebook; see `excerpt`.
        lab: the lab's id.
        answer: replaces the reference in its cell.
        seeds: of all replays.

    Returns:
        The observations of the check cell, by seed and name of the check.
    """
    found = {}
    for seed in seeds:
        with record(seed) as recording, script_environment("cpu"):
            run_cells(part, {answer.cell: answer.code}, strict=False, name=lab)
        found[seed] = recording.observations
    return found
