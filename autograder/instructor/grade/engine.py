"""Spread the grading of submissions over processes, with dask.distributed.

One code path: a LocalCluster of this machine's own by default, any running scheduler by its address. A
worker that is lost costs time only: dask runs its submissions again elsewhere.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from itertools import islice
from typing import Any, TypeVar

import dask
from distributed import Client, Future, LocalCluster, as_completed
from distributed.scheduler import KilledWorker

from autograder.instructor.forkserver.client import close_servers
from autograder.instructor.grade.children import grade_in_child, try_kernel_in_child
from autograder.instructor.grade.guard import Trouble, trouble
from autograder.instructor.grade.scheduler import Scheduler
from autograder.instructor.grade.work import Job, Outcome
from autograder.instructor.intake.notes import reason
from autograder.instructor.limits import Limits
from autograder.instructor.settings import CourseError

# How many submissions wait at each worker: enough to keep it busy, few enough to keep memory low.
_AHEAD = 2
Task = Callable[[Job], Outcome | Trouble]
_NOT_THERE = (
    " Notebooks import it: install it in this environment and in that of every worker (the course itself: "
    "`pip install -e .`), and name packages of the course in course.toml, [course]."
)
T = TypeVar("T")
U = TypeVar("U")


def default_workers() -> int:
    """Return how many submissions to run at a time: one more than there are processors for this process.

    A kernel that starts or ends waits more than it works; limits are processor time, so that sharing a
    processor changes no mark.
    """
    return len(os.sched_getaffinity(0)) + 1


@contextlib.contextmanager
def connect(scheduler: Scheduler | None, workers: int) -> Iterator[Client]:
    """Yield a client of a scheduler: of one that runs already, or of one of our own.

    Raises:
        CourseError: if the scheduler does not answer, has no workers, or may not be used.
    """
    # Workers keep one submission each in memory, and kernels have limits of their own.
    settings = {"distributed.worker.memory.terminate": False, "distributed.worker.memory.pause": False}
    logging.getLogger("distributed").setLevel(logging.ERROR)
    with dask.config.set(settings):
        if scheduler is None:
            with _local_cluster(workers) as cluster, Client(cluster) as client:
                try:
                    yield client
                finally:
                    close_servers()
            return
        with scheduler.client() as client:
            yield client


def _local_cluster(workers: int) -> LocalCluster:
    """Return a cluster of this machine's own.

    The work is done by kernels and trusted children, which are processes: threads of this process only
    wait for them.
    """
    return LocalCluster(
        n_workers=1,
        threads_per_worker=workers,
        processes=False,
        dashboard_address=None,
        # Its pages are not for us: any free port will do, and no warning where 8787 is taken.
        scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
        memory_limit=0,
        silence_logs=logging.ERROR,
    )


def begin_trials(
    client: Client, isolation: str, limits: Limits, modules: tuple[str, ...]
) -> list[Future[Any]]:
    """Let every worker start a kernel, which also warms it up; does not wait for them."""
    return [
        client.submit(try_kernel_in_child, isolation, limits, modules, workers=[address], pure=False)
        for address in client.scheduler_info()["workers"]
    ]


def require_kernels(trials: Sequence[Future[Any]], isolation: str) -> None:
    """Wait for the workers' first kernels.

    Raises:
        CourseError: if one did not start: no submission could be graded.
    """
    problems = sorted({problem for trial in trials if (problem := trial.result()) is not None})
    if problems:
        raise CourseError(
            f"Kernels do not work here with --isolation {isolation}: {'; '.join(problems)}. Try another one, "
            "and `course doctor`."
            + (_NOT_THERE if any("cannot be imported" in problem for problem in problems) else "")
        )


def ahead(function: Callable[[T], U], items: Iterable[T], workers: int) -> Generator[U, None, None]:
    """Yield what a function returns for each item, as it comes, with a few calls under way at a time.

    One that takes long holds up none of the others.
    """
    todo = iter(items)
    pool = ThreadPoolExecutor(workers, "intake")
    try:
        running = {pool.submit(function, item) for item in islice(todo, 2 * workers)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {pool.submit(function, item) for item in islice(todo, len(done))}
            yield from (future.result() for future in done)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def run_jobs(
    client: Client, jobs: Iterator[Job], task: Task = grade_in_child
) -> Generator[tuple[Job, Outcome | Trouble], None, None]:
    """Grade submissions and yield what became of each as soon as it is known.

    Args:
        client: client of a scheduler.
        jobs: the submissions; they are taken as workers become free.
        task: function to call with each.
    """
    waiting: dict[Future[Any], Job] = {}

    def submit(job: Job) -> Future[Any]:
        # A key of its own: the same submission graded again is other work.
        future = client.submit(task, job, pure=False, retries=1)
        waiting[future] = job
        return future

    threads = sum(worker["nthreads"] for worker in client.scheduler_info()["workers"].values())
    completed = as_completed([submit(job) for job in islice(jobs, _AHEAD * max(threads, 1))])
    for future in completed:
        job = waiting.pop(future)
        yield job, _result(future, job)
        for following in islice(jobs, 1):
            completed.add(submit(following))


def run_one(client: Client, job: Job, task: Task = grade_in_child) -> Outcome | Trouble:
    """Grade one submission, where the others are graded."""
    return _result(client.submit(task, job, pure=False, retries=1), job)


def _result(future: Future[Any], job: Job) -> Outcome | Trouble:
    """Return what became of a submission; whatever happens to one, the others are graded."""
    try:
        found: Outcome | Trouble = future.result()
    except KilledWorker:
        return Trouble(job.student, "run", reason("worker"), details="its worker ended several times")
    except Exception as error:  # an oversight of ours must not cost a class its marks
        return trouble(job.student, "run", error)
    finally:
        future.release()
    return found
