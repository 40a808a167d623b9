"""A stage: the process that has run the reference's cells up to a student cell, and forks a child per answer.

It is a child of a fork server (`autograder.instructor.forkserver`), one for each seed. What an answer does,
it does in its own child, in a folder of its own: the stage itself runs nothing but the reference.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from autograder.instructor.forkserver.processes import die_with_parent, hand_over_oneself
from autograder.instructor.forkserver.tasks import ChildLimits, limit_oneself
from autograder.instructor.observe import run_cell, script_environment
from autograder.instructor.settings import CourseError
from autograder.instructor.source import is_check_cell
from autograder.instructor.trials.base import died, span, stopped
from autograder.judge import Recording, record

# What is sent when nothing was observed, but another way of running the answer may do.
NO_FORK = "its notebook leaves threads behind, which no fork takes along"
_MAX_ANSWER = 256 * 2**20
_FOREVER_S = 10.0**6
# How long a process may take to end that has said all it had to say.
_LAST_BREATH_S = 2.0


@dataclass(frozen=True)
class Order:
    """What a stage is for.

    Attributes:
        notebook: of the lab, in the course's language.
        lab: the lab's id.
        seed: of all replays.
        time_limit: seconds for one answer.
        memory_mb: private memory of one answer, beyond what the stage holds.
        folder: an empty one; whoever asked removes it.
        path: where modules are found.
    """

    notebook: NotebookNode
    lab: str
    seed: int
    time_limit: float
    memory_mb: int
    folder: str
    path: tuple[str, ...]


@dataclass(frozen=True)
class TrialTask:
    """One answer to run.

    Attributes:
        number: that the answer is known by.
        cell: grade_id of its student cell, at or after that of the task before.
        code: what replaces the reference there.
    """

    number: int
    cell: str
    code: str


@dataclass(frozen=True)
class Report:
    """What became of a task.

    Attributes:
        number: of the task.
        observations: of the check cell, by name of the check; None if there is an error.
        error: why there are none.
    """

    number: int
    observations: dict[str, Any] | None = None
    error: str | None = None


def serve(connection: Connection) -> None:
    """Run the tasks that come, until the other end is closed; see `forkserver.server`."""
    hand_over_oneself(connection)
    # The terminal's: whoever asked closes the connection.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    order: Order = pickle.loads(connection.recv_bytes())
    sys.path[:] = order.path
    tempfile.tempdir = order.folder
    stage = _Stage(order, connection)
    try:
        with record(order.seed) as recording, script_environment("cpu"):
            stage.run(recording)
    finally:
        stage.close()


@dataclass
class _Child:
    """A child that runs an answer."""

    pid: int
    results: Connection
    folder: Path
    task: TrialTask
    end: float


class _Stage:
    """The state of a stage: how far the reference has run, and which children there are."""

    def __init__(self, order: Order, connection: Connection) -> None:
        self._order = order
        self._connection = connection
        self._namespace: dict[str, Any] = {"__name__": "__main__"}
        self._position = 0
        self._broken: str | None = None
        self._children: list[_Child] = []

    def run(self, recording: Recording) -> None:
        """Serve tasks until the connection's other end is closed."""
        while True:
            ready = wait([self._connection, *(c.results for c in self._children)], self._patience())
            for child in [c for c in self._children if c.results in ready or time.monotonic() > c.end]:
                self._collect(child)
            if self._connection in ready:
                try:
                    task: TrialTask = self._connection.recv()
                except (EOFError, OSError):
                    return
                self._begin(task, recording)

    def close(self) -> None:
        """End all children."""
        for child in list(self._children):
            self._end(child, patience_s=0.0)

    def _patience(self) -> float | None:
        """Return how long to wait at most."""
        if not self._children:
            return None
        return min(_FOREVER_S, max(0.0, min(c.end for c in self._children) - time.monotonic()))

    def _begin(self, task: TrialTask, recording: Recording) -> None:
        """Fork a child that runs a task, once the reference has run so far."""
        cells = span(self._order.notebook, task.cell, self._order.lab)
        self._advance(cells.start)
        if self._broken is not None:
            self._connection.send(Report(task.number, error=self._broken))
        elif len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208  (names are enough)
            self._connection.send(Report(task.number, error=NO_FORK))
        else:
            self._fork(task, self._order.notebook.cells[cells.start : cells.stop], recording)

    def _advance(self, position: int) -> None:
        """Run the reference's cells up to a position, without check cells."""
        for cell in self._order.notebook.cells[self._position : position]:
            if cell.cell_type != "code" or is_check_cell(cell) or self._broken is not None:
                continue
            try:
                run_cell(cell, cell.source, self._namespace, strict=False, name=self._order.lab)
            except CourseError as error:
                self._broken = f"{type(error).__name__}: {error}"
            _stop_monitor()
        self._position = max(self._position, position)

    def _fork(self, task: TrialTask, cells: Sequence[NotebookNode], recording: Recording) -> None:
        """Start a child."""
        folder = Path(tempfile.mkdtemp())
        results, theirs = Pipe(duplex=False)
        stage = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._be_child(stage, theirs, folder, task, cells, recording)
        theirs.close()
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)  # as the child does itself: whoever comes first
        end = time.monotonic() + min(self._order.time_limit, _FOREVER_S)
        self._children.append(_Child(pid, results, folder, task, end))

    def _be_child(
        self,
        stage: int,
        results: Connection,
        folder: Path,
        task: TrialTask,
        cells: Sequence[NotebookNode],
        recording: Recording,
    ) -> None:
        """Run an answer and send what its check cell observed; never returns."""
        try:
            die_with_parent()
            os.setpgid(0, 0)
            for other in (self._connection, *(child.results for child in self._children)):
                other.close()
            if os.getppid() == stage:
                limit_oneself(ChildLimits(min(self._order.time_limit, _FOREVER_S), self._order.memory_mb))
                with _own_folder(folder):
                    results.send_bytes(pickle.dumps(self._observed(task, cells, recording)))
        finally:
            os._exit(1)

    def _observed(self, task: TrialTask, cells: Sequence[NotebookNode], recording: Recording) -> Report:
        """Run an answer and what follows up to its check cell."""
        try:
            for index, cell in enumerate(c for c in cells if c.cell_type == "code"):
                source = cell.source if index else task.code
                run_cell(cell, source, self._namespace, strict=False, name=self._order.lab)
        except Exception as error:
            return Report(task.number, error=f"{type(error).__name__}: {error}")
        return Report(task.number, recording.observations)

    def _collect(self, child: _Child) -> None:
        """Hand on what a child sent; one that sent nothing has died, or is ended."""
        report = None
        late = not child.results.poll()
        if not late:
            with contextlib.suppress(EOFError, OSError, pickle.UnpicklingError):
                report = pickle.loads(child.results.recv_bytes(_MAX_ANSWER))
        status = self._end(child, patience_s=0.0 if late else _LAST_BREATH_S)
        if report is None:
            said = stopped(self._order.time_limit) if late else died(status)
            report = Report(child.task.number, error=said)
        self._connection.send(report)

    def _end(self, child: _Child, *, patience_s: float) -> int:
        """End a child and all that it started; return its exit status.

        Args:
            child: one that runs, or has ended.
            patience_s: how long to wait for its own end, which alone has a status that says something.
        """
        self._children.remove(child)
        end = time.monotonic() + patience_s
        pid, status = os.waitpid(child.pid, os.WNOHANG)
        while not pid and time.monotonic() < end:
            time.sleep(0.001)
            pid, status = os.waitpid(child.pid, os.WNOHANG)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        if not pid:
            status = os.waitpid(child.pid, 0)[1]
        child.results.close()
        shutil.rmtree(child.folder, ignore_errors=True)
        return os.waitstatus_to_exitcode(status)


def _stop_monitor() -> None:
    """End the thread with which tqdm watches progress bars: a process with a second thread is not forked."""
    tqdm = getattr(sys.modules.get("tqdm"), "tqdm", None)
    if tqdm is not None:
        tqdm.monitor_interval = 0
        if tqdm.monitor is not None:
            tqdm.monitor.exit()
            tqdm.monitor = None


@contextlib.contextmanager
def _own_folder(folder: Path) -> Iterator[None]:
    """Work in a folder that holds what the cells before have written."""
    shutil.copytree(".", folder / "work", symlinks=True)
    tempfile.tempdir = str(folder)
    with contextlib.chdir(folder / "work"):
        yield
