"""Watch a kernel from outside and stop what no limit of the system stops.

Time is processor time, so that a busy machine changes no mark. Memory is the resident memory of all
processes of the kernel together, which also counts shared memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from course.instructor.intake.notes import Reason, reason
from course.instructor.kernels.limits import MB, Limits

_INTERVAL_S = 0.2
# How long a cell may take to end after it was interrupted: processor time, or waiting.
_GRACE_S = 5.0
# How many cells' worth a whole notebook may wait.
_WAITING_CELLS = 5
# How many times its processor time a notebook may take on the clock, however busy the machine is. Time of
# processes that nobody collects is in no account, so this ends what hides behind them.
_CLOCK = 10
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Usage:
    """What the processes of a kernel use.

    Attributes:
        cpu_s: processor seconds.
        memory: resident bytes; what several processes share is counted for each.
        processes: their number.
        running: whether any of them runs.
    """

    cpu_s: float = 0.0
    memory: int = 0
    processes: int = 0
    running: bool = False


class Watchdog:
    """Watches one kernel while its notebook runs.

    Attributes:
        stopped: why a cell was interrupted, by its index.
        killed: why the kernel was killed, None if it was not.
    """

    def __init__(
        self,
        limits: Limits,
        folder: str,
        pid: Callable[[], int | None],
        interrupt: Callable[[], Awaitable[None]],
        kill: Callable[[], Awaitable[None]],
    ) -> None:
        self._limits = limits
        self._folder = folder
        self._pid = pid
        self._interrupt = interrupt
        self._kill = kill
        self._cell: int | None = None
        self._cell_start_s = 0.0
        self._idle_s = 0.0
        self._interrupted_s: float | None = None
        self._waited_s = 0.0
        self._waited_in_all_s = 0.0
        self._spent_s = 0.0
        self.stopped: dict[int, Reason] = {}
        self.killed: Reason | None = None

    @property
    def cpu_s(self) -> float:
        """Return the processor time that the kernel has used."""
        return self._spent_s

    def begin(self, cell: int) -> None:
        """Note that a cell begins."""
        self._measure()
        self._cell, self._cell_start_s = cell, self._spent_s
        self._idle_s, self._interrupted_s, self._waited_s = 0.0, None, 0.0

    def end(self) -> None:
        """Note that no cell runs."""
        self._measure()
        self._cell = None

    async def watch(self) -> None:
        """Watch until cancelled, or until the kernel had to be killed."""
        loop = asyncio.get_running_loop()
        before = start = loop.time()
        while self.killed is None:
            await asyncio.sleep(_INTERVAL_S)
            # If this process itself had to wait for the processor, that is not the cell's waiting.
            elapsed, before = min(loop.time() - before, 5 * _INTERVAL_S), loop.time()
            spent = self._spent_s
            usage = self._measure()
            found = self._too_much(usage, before - start)
            if found is None and self._cell is not None:
                found = await self._watch_cell(usage, elapsed, self._spent_s - spent)
            if found is not None:
                self.killed = found
                await self._kill()

    def _measure(self) -> Usage:
        """Return what the kernel uses now."""
        pid = self._pid()
        usage = usage_of(pid) if pid is not None else Usage()
        # Processes that have ended and were not collected would otherwise give time back.
        self._spent_s = max(self._spent_s, usage.cpu_s)
        return usage

    def _memory(self) -> int:
        """Return the bytes that the kernel's processes use, what they share counted once."""
        pid = self._pid()
        return sum(proportional_memory(number) for number in _tree(pid)) if pid is not None else 0

    def _too_much(self, usage: Usage, elapsed_s: float) -> Reason | None:
        """Return which limit of the whole notebook is passed, if any."""
        limits = self._limits
        if usage.processes > limits.processes:
            return reason("processes", limit=limits.processes)
        if usage.memory > limits.memory_mb * MB and self._memory() > limits.memory_mb * MB:
            return reason("memory", limit=limits.memory_mb)
        if self._spent_s > limits.notebook_cpu_s:
            return reason("notebook_cpu", limit=limits.notebook_cpu_s)
        if self._waited_in_all_s > _WAITING_CELLS * limits.idle_s:
            return reason("notebook_idle", limit=_WAITING_CELLS * limits.idle_s)
        if elapsed_s > _CLOCK * limits.notebook_cpu_s:
            return reason("notebook_wall", limit=_CLOCK * limits.notebook_cpu_s)
        if folder_bytes(self._folder) > limits.disk_mb * MB:
            return reason("disk", limit=limits.disk_mb)
        return None

    async def _watch_cell(self, usage: Usage, elapsed_s: float, spent_s: float) -> Reason | None:
        """Interrupt a cell that takes too long; return why to kill one that does not end then."""
        assert self._cell is not None
        # All of it counts, also between short pieces of work: a cell could go on like that for days.
        waited_s = 0.0 if usage.running else max(0.0, elapsed_s - spent_s)
        self._waited_in_all_s += waited_s
        if self._interrupted_s is not None:
            self._waited_s += waited_s
            if self._spent_s - self._interrupted_s + self._waited_s > _GRACE_S:
                return self.stopped[self._cell]
            return None
        self._idle_s += waited_s
        if self._spent_s - self._cell_start_s > self._limits.cell_cpu_s:
            self.stopped[self._cell] = reason("cell_cpu", limit=self._limits.cell_cpu_s)
        elif self._idle_s > self._limits.idle_s:
            self.stopped[self._cell] = reason("idle", limit=self._limits.idle_s)
        if self._cell in self.stopped:
            self._interrupted_s = self._spent_s
            await self._interrupt()
        return None


def usage_of(pid: int) -> Usage:
    """Return what a process and all that it started use."""
    cpu_s, memory, processes, running = 0.0, 0, 0, False
    for number in _tree(pid):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The name of a process, in parentheses, may hold anything.
            stat = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
            resident = int(Path(f"/proc/{number}/statm").read_text().split()[1])
            cpu_s += sum(int(field) for field in stat[11:15]) / _TICKS
            memory += resident * _PAGE
            processes += 1
            running = running or _runs(number)
    return Usage(cpu_s, memory, processes, running)


def proportional_memory(pid: int) -> int:
    """Return the bytes that a process uses, with its share of what several use."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return 1024 * int(next(line.split()[1] for line in lines if line.startswith("Pss:")))
    with contextlib.suppress(OSError, IndexError):
        return _PAGE * int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return 0


def _tree(pid: int, most: int = 10_000) -> Iterator[int]:
    """Yield a process and its descendants."""
    waiting, seen = [pid], 0
    while waiting and seen < most:
        number = waiting.pop()
        seen += 1
        yield number
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{number}/task"):
                children = Path(f"/proc/{number}/task/{task}/children").read_text()
                waiting.extend(int(child) for child in children.split())


def _runs(pid: int) -> bool:
    """Tell whether any thread of a process runs, waits for a processor or for the disk."""
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(OSError, IndexError):
            stat = Path(f"/proc/{pid}/task/{task}/stat").read_text().rpartition(")")[2].split()
            if stat[0] in "RD":
                return True
    return False


def folder_bytes(folder: str) -> int:
    """Return how many bytes the files of a folder take; what is bound or mounted there does not count."""
    total = 0
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != "root"]
        for name in files:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(path, name)).st_size
    return total
