"""Run many answers to a lab's student cells, each in a process of its own with a time limit."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from autograder.instructor.bank import Answer
from autograder.instructor.environment import environment
from autograder.instructor.limits import Limits
from autograder.instructor.options import TIME_LIMIT_S
from autograder.instructor.presence import present
from autograder.instructor.settings import Course
from autograder.instructor.slicing import decisive_part
from autograder.instructor.source import read_lab
from autograder.instructor.trials.base import SETTINGS, Observations, Trial, excerpt
from autograder.instructor.trials.forks import Forking, possible, run_by_forks
from autograder.instructor.trials.pool import run_in_pool

__all__ = ["Observations", "Trial", "excerpt", "run_trials"]


def run_trials(
    course: Course,
    lab: str,
    answers: Sequence[Answer],
    seeds: Sequence[int],
    *,
    jobs: int | None = None,
    time_limit: float = TIME_LIMIT_S,
    forks: bool | None = None,
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
        forks: whether the reference's cells are run once per seed, and answers forked from there; default:
            where the system can.

    Raises:
        CourseError: if an answer is to a cell that the lab does not have.
    """
    notebook = decisive_part(read_lab(course, lab), (answer.code for answer in answers))
    jobs = jobs or os.cpu_count() or 1
    with present(course), environment(**SETTINGS):
        left = list(answers)
        if possible() if forks is None else forks:
            left = []
            memory_mb = Limits.from_settings(course.grading).memory_mb
            forking = Forking(notebook, lab, course.root, jobs, time_limit, memory_mb)
            yield from run_by_forks(forking, answers, seeds, left)
        if left:
            yield from run_in_pool(notebook, lab, left, seeds, jobs=jobs, time_limit=time_limit)
