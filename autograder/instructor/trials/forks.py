"""Trials by forks: asks one stage per seed, and lets so many children run at a time."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path

from nbformat import NotebookNode

from autograder.instructor.bank import Answer
from autograder.instructor.forkserver.client import ForkServer, connect, shared
from autograder.instructor.forkserver.processes import take_over
from autograder.instructor.forkserver.tasks import ONE_THREAD
from autograder.instructor.source import modules_of
from autograder.instructor.trials import stage
from autograder.instructor.trials.base import PRELOADED, Observations, Trial, died, span

# How long a stage has for ending its children.
_END_S = 5.0


@dataclass(frozen=True)
class Forking:
    """How answers are run.

    Attributes:
        notebook: of the lab, in the course's language.
        lab: the lab's id.
        root: the checkout's folder: what it imports, no other course may find imported.
        jobs: processes at a time.
        time_limit: seconds for one answer under one seed.
        memory_mb: private memory of one answer.
    """

    notebook: NotebookNode
    lab: str
    root: Path
    jobs: int
    time_limit: float
    memory_mb: int


def possible() -> bool:
    """Tell whether this system has what forking takes."""
    return sys.platform.startswith("linux") and hasattr(os, "pidfd_open")


def run_by_forks(
    forking: Forking, answers: Sequence[Answer], seeds: Sequence[int], left: list[Answer]
) -> Iterator[Trial]:
    """Run answers, and yield what each one's check cell observed as soon as it is known.

    Args:
        forking: how to run them.
        answers: to student cells of the lab.
        seeds: each answer is run under all of them.
        left: is extended by the answers that cannot be run so.

    Raises:
        CourseError: if an answer is to a cell that the lab does not have.
    """
    starts = {cell: span(forking.notebook, cell, forking.lab).start for cell in {a.cell for a in answers}}
    ordered = sorted(answers, key=lambda answer: starts[answer.cell])
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        stages = {seed: _StageProcess(forking, seed, Path(folder) / str(seed)) for seed in seeds}
        try:
            yield from _Dispatch(ordered, stages, forking.jobs, left).trials()
        finally:
            # Also when the caller stops listening.
            for each in stages.values():
                each.close()


class _StageProcess:
    """The stage of one seed, as seen from outside: started when it is needed, and again if it died."""

    def __init__(self, forking: Forking, seed: int, folder: Path) -> None:
        self._forking = forking
        self._seed = seed
        self._folder = folder
        self._process = -1
        self.connection: Connection | None = None
        self.running: set[int] = set()

    def send(self, task: stage.TrialTask) -> None:
        """Let a task be run.

        Raises:
            ForkServerError: if there is no process to be had.
        """
        if self.connection is None:
            self._start()
        self.running.add(task.number)
        with contextlib.suppress(OSError):  # it has died: `receive` finds out
            assert self.connection is not None
            self.connection.send(task)

    def _start(self) -> None:
        forking = self._forking
        server = _server(forking)
        server.wait()
        self.connection = connect(server.address)
        self._process = take_over(self.connection)
        self._folder.mkdir(exist_ok=True)
        order = stage.Order(
            notebook=forking.notebook,
            lab=forking.lab,
            seed=self._seed,
            time_limit=forking.time_limit,
            memory_mb=forking.memory_mb,
            folder=str(self._folder),
            path=tuple(sys.path),
        )
        self.connection.send_bytes(pickle.dumps(order))

    def receive(self) -> list[stage.Report]:
        """Return what became of a task, or of all if the stage has died."""
        assert self.connection is not None
        try:
            report: stage.Report = self.connection.recv()
        except (EOFError, OSError, pickle.UnpicklingError):
            lost = [stage.Report(number, error=died(None)) for number in sorted(self.running)]
            self.close()
            return lost
        self.running.discard(report.number)
        return [report]

    def close(self) -> None:
        """End the process, and with it its children."""
        self.running.clear()
        if self.connection is None:
            return
        self.connection.close()
        self.connection = None
        # It ends its children, and what these have started, if it is not in the midst of a cell.
        wait([self._process], _END_S)
        with contextlib.suppress(OSError):
            signal.pidfd_send_signal(self._process, signal.SIGKILL)
        os.close(self._process)


def _server(forking: Forking) -> ForkServer:
    """Return the server whose children are the stages of a course."""
    modules = [*PRELOADED, *(f"{name}?" for name in modules_of(forking.notebook))]
    # Without a device: PyTorch's threads for it would let no child compute a gradient.
    environment = {**os.environ, **ONE_THREAD, "CUDA_VISIBLE_DEVICES": ""}
    handler = f"{stage.__name__}:serve"
    return shared(("stages", forking.root), lambda: ForkServer(handler, modules, environment))


@dataclass
class _Pending:
    """What is known of an answer so far."""

    answer: Answer
    reports: dict[int, stage.Report] = field(default_factory=dict)
    sent: int = 0

    def trial(self, seeds: Sequence[int]) -> Trial | None:
        """Return the trial when all is known that was asked for; else None."""
        errors = [report.error for seed in seeds if (report := self.reports.get(seed)) and report.error]
        if len(self.reports) < (self.sent if errors else len(seeds)):
            return None
        if errors:
            return Trial(self.answer, error=errors[0])
        found: dict[int, Observations] = {seed: self.reports[seed].observations or {} for seed in seeds}
        return Trial(self.answer, found)

    @property
    def failed(self) -> bool:
        """Tell whether there will be an error, whatever comes."""
        return any(report.error for report in self.reports.values())


class _Dispatch:
    """Sends answers to the stages of all seeds, in the notebook's order, and gathers what comes back."""

    def __init__(
        self, answers: Sequence[Answer], stages: dict[int, _StageProcess], jobs: int, left: list[Answer]
    ) -> None:
        self._answers = answers
        self._stages = stages
        self._seeds = tuple(stages)
        self._jobs = jobs
        self._left = left
        self._pending: dict[int, _Pending] = {}
        self._todo = deque((number, seed) for number in range(len(answers)) for seed in stages)

    def trials(self) -> Iterator[Trial]:
        """Yield trials until all are known."""
        while self._todo or any(each.running for each in self._stages.values()):
            while self._todo and sum(len(each.running) for each in self._stages.values()) < self._jobs:
                self._send(*self._todo.popleft())
            open_ones = {each.connection: seed for seed, each in self._stages.items() if each.running}
            for connection in wait(list(filter(None, open_ones))):
                seed = next(seed for known, seed in open_ones.items() if known is connection)
                for report in self._stages[seed].receive():
                    yield from self._gather(seed, report)

    def _send(self, number: int, seed: int) -> None:
        answer = self._answers[number]
        pending = self._pending.setdefault(number, _Pending(answer))
        if not pending.failed:
            pending.sent += 1
            self._stages[seed].send(stage.TrialTask(number, answer.cell, answer.code))

    def _gather(self, seed: int, report: stage.Report) -> Iterator[Trial]:
        pending = self._pending[report.number]
        pending.reports[seed] = report
        trial = pending.trial(self._seeds)
        if trial is None:
            return
        del self._pending[report.number]
        # What has not been sent of it needs not be.
        self._todo = deque(task for task in self._todo if task[0] != report.number)
        if trial.error == stage.NO_FORK:
            self._left.append(trial.answer)
        else:
            yield trial
