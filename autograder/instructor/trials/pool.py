"""Trials where there is nothing to fork from: every answer runs the notebook in a process of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, TimeoutError, as_completed

from nbformat import NotebookNode
from pebble import ProcessExpired, ProcessPool

from autograder.instructor.bank import Answer
from autograder.instructor.observe import run_cells, script_environment
from autograder.instructor.source import modules_of
from autograder.instructor.trials.base import PRELOADED, Observations, Trial, died, excerpt, stopped
from autograder.judge import record


def run_in_pool(
    notebook: NotebookNode,
    lab: str,
    answers: Sequence[Answer],
    seeds: Sequence[int],
    *,
    jobs: int,
    time_limit: float,
) -> Iterator[Trial]:
    """Run answers, and yield what each one's check cell observed as soon as it is known.

    Args:
        notebook: of the lab, in the course's language.
        lab: the lab's id.
        answers: to student cells of the lab.
        seeds: each answer is run under all of them.
        jobs: processes at a time.
        time_limit: seconds for one answer under all seeds.

    Raises:
        CourseError: if an answer is to a cell that the lab does not have.
    """
    parts = {cell: excerpt(notebook, cell, lab) for cell in {answer.cell for answer in answers}}
    with _pool(jobs, modules_of(notebook)) as pool:
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
    context.set_forkserver_preload([__name__, *PRELOADED, *modules])
    return ProcessPool(max_workers=jobs, max_tasks=1, context=context)


def _outcome(answer: Answer, result: Callable[[], dict[int, Observations]], time_limit: float) -> Trial:
    """Return what became of an answer's process."""
    try:
        return Trial(answer, result())
    except TimeoutError:
        return Trial(answer, error=stopped(time_limit))
    except ProcessExpired as error:
        return Trial(answer, error=died(error.exitcode))
    except CancelledError:
        return Trial(answer, error="not run")
    except Exception as error:
        return Trial(answer, error=f"{type(error).__name__}: {error}")


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
