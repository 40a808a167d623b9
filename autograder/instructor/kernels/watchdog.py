"""Watch a kernel from outside and stop what no limit of the system stops.

Time is processor time, so that a busy machine changes no mark. Memory is the resident memory of all
processes of the kernel together, which also counts shared memory, and what the system holds for them: by the
kernel's control group, or estimated where there is none. The disk is counted in blocks and inodes of the file
systems that the kernel can write to, not by names: a file that has none takes room as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import stat
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.instructor.intake.notes import Reason, reason
from autograder.instructor.kernels.cgroups import Group
from autograder.instructor.limits import MB, Limits

_INTERVAL_S = 0.2
# How long a cell may take to end after it was interrupted: processor time, or waiting.
_GRACE_S = 5.0
# How many cells' worth a whole notebook may wait.
_WAITING_CELLS = 5
# How many times its processor time a notebook may take on the clock, however busy the machine is. Time of
# processes that nobody collects is in no account, so this ends what hides behind them.
_CLOCK = 10
# What one socket or pipe may hold at most: its buffers for both directions.
_BUFFERS = 2 * 212_992
_TICKS = os.sysconf("SC_CLK_TCK")
# The unit of st_blocks, whatever a file system's own blocks are.
_BLOCK = 512
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Usage:
    """What the processes of a kernel use.

    Attributes:
        cpu_s: processor seconds.
        memory: resident bytes, those of page tables included; what several processes share is counted for
            each.
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
        group: Callable[[], Group | None] = lambda: None,
    ) -> None:
        self._limits = limits
        self._folder = folder
        self._pid = pid
        self._interrupt = interrupt
        self._kill = kill
        self._group = group
        self._cell: int | None = None
        self._begun = False
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

    def cause(self) -> Reason | None:
        """Return why the kernel ended, if that was on account of a limit."""
        group = self._group()
        if self.killed is None and group is not None and group.out_of_memory():
            return reason("memory", limit=self._limits.memory_mb)
        return self.killed

    def begin(self, cell: int) -> None:
        """Note that a cell begins."""
        self._measure()
        self._cell, self._cell_start_s, self._begun = cell, self._spent_s, True
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

    def _system_memory(self) -> int:
        """Return the bytes that the system holds for the kernel's processes."""
        pid, group = self._pid(), self._group()
        if group is not None:
            return group.system_memory()
        return _BUFFERS * buffers(pid) if pid is not None else 0

    def _memory(self) -> int:
        """Return the bytes that the kernel's processes use, what they share counted once."""
        pid = self._pid()
        if pid is None:
            return 0
        tables = 0 if self._group() is not None else 1  # the group counts them
        return sum(proportional_memory(n) + tables * page_tables(n) for n in _tree(pid))

    def _too_much(self, usage: Usage, elapsed_s: float) -> Reason | None:
        """Return which limit of the whole notebook is passed, if any."""
        limits = self._limits
        if usage.processes > limits.processes:
            return reason("processes", limit=limits.processes)
        most, held = limits.memory_mb * MB, self._system_memory()
        if usage.memory + held > most and self._memory() + held > most:
            return reason("memory", limit=limits.memory_mb)
        if self._spent_s > limits.notebook_cpu_s:
            return reason("notebook_cpu", limit=limits.notebook_cpu_s)
        if self._waited_in_all_s > _WAITING_CELLS * limits.idle_s:
            return reason("notebook_idle", limit=_WAITING_CELLS * limits.idle_s)
        if elapsed_s > _CLOCK * limits.notebook_cpu_s:
            return reason("notebook_wall", limit=_CLOCK * limits.notebook_cpu_s)
        for taken, files in self._disk():
            if taken > limits.disk_mb * MB:
                return reason("disk", limit=limits.disk_mb)
            if files > limits.files:
                return reason("files", limit=limits.files)
        return None

    def _disk(self) -> list[tuple[int, int]]:
        """Return the bytes and files of each place where the kernel can write."""
        pid = self._pid()
        # Until its first cell, the kernel may still be on its way into its sandbox.
        if pid is None or not self._begun:
            return []
        if _sees_what_we_see(pid):
            return [_add(folder_usage(self._folder), unlinked_usage(pid))]
        return mounts_usage(pid)

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
            fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
            resident = int(Path(f"/proc/{number}/statm").read_text().split()[1])
            cpu_s += sum(int(field) for field in fields[11:15]) / _TICKS
            memory += resident * _PAGE + page_tables(number)
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


def page_tables(pid: int) -> int:
    """Return the bytes of the tables that say where a process's memory lies."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmPTE:"))
    return 0


def buffers(pid: int) -> int:
    """Return how many sockets and pipes a process and all that it started hold, each once."""
    links = (link for number in _tree(pid) for link in _descriptors(number))
    return len({link for link in links if link.startswith(("socket:", "pipe:"))})


def _descriptors(pid: int) -> Iterator[str]:
    """Yield what the open descriptors of a process are, as the system names it."""
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                yield os.readlink(f"/proc/{pid}/fd/{name}")


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
            state = Path(f"/proc/{pid}/task/{task}/stat").read_text().rpartition(")")[2].split()[0]
            if state in "RD":
                return True
    return False


# --- disk ------------------------------------------------------------------------------------------


def _sees_what_we_see(pid: int) -> bool:
    """Tell whether a process has no file systems of its own."""
    with contextlib.suppress(OSError):
        return os.stat(f"/proc/{pid}/ns/mnt").st_ino == os.stat("/proc/self/ns/mnt").st_ino
    return False


def mounts_usage(pid: int) -> list[tuple[int, int]]:
    """Return bytes and files of each file system that a process may write to, in its own view."""
    found: dict[str, tuple[int, int]] = {}
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines():
            _, _, device, _, point, options = line.split()[:6]
            path = f"/proc/{pid}/root{_unescaped(point)}"
            # What is mounted over a file is a device, and lies with those of the system.
            if "rw" in options.split(",") and device not in found and os.path.isdir(path):
                with contextlib.suppress(OSError):
                    state = os.statvfs(path)
                    taken = (state.f_blocks - state.f_bfree) * state.f_frsize
                    found[device] = taken, state.f_files - state.f_ffree
    return list(found.values())


def _unescaped(point: str) -> str:
    """Return a mount point as a path: spaces and the like are written in octal."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), point)


def folder_usage(folder: str) -> tuple[int, int]:
    """Return how many bytes a folder takes on disk, and how many files and folders it holds."""
    total, number = 0, 0
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(path, name)).st_blocks * _BLOCK
            number += 1
    return total, number


def unlinked_usage(pid: int) -> tuple[int, int]:
    """Return bytes and number of the files without a name that a process and its children hold open."""
    found: dict[tuple[int, int], int] = {}
    for number in _tree(pid):
        with contextlib.suppress(OSError):
            for name in os.listdir(f"/proc/{number}/fd"):
                with contextlib.suppress(OSError):
                    state = os.stat(f"/proc/{number}/fd/{name}")
                    if stat.S_ISREG(state.st_mode) and state.st_nlink == 0:
                        found[state.st_dev, state.st_ino] = state.st_blocks * _BLOCK
    return sum(found.values()), len(found)


def _add(first: tuple[int, int], second: tuple[int, int]) -> tuple[int, int]:
    return first[0] + second[0], first[1] + second[1]
