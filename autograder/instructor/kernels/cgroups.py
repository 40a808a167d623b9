"""Control groups: the only account that sees what no process maps.

Kernel memory (inodes, buffers of sockets, page tables, locks) is charged to the group of the process that
asked for it. Each kernel gets a group of its own where the system lets one be made, whether in the one
hierarchy of version 2 or in those of version 1.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.instructor.limits import MB, Limits

_PREFIX = "course-"
_CONTROLLERS = ("memory", "pids")
_KERNEL_PARTS = ("slab", "kernel_stack", "pagetables", "percpu", "vmalloc")
# How long a group may take to become empty once its processes were killed.
_END_S = 2.0
# Where a kernel may write: its folder, /tmp and /dev/shm. Their pages are charged to the group as well.
_FOLDERS = 3
# Adds itself to the groups whose files come before "--", then becomes the command that follows.
_ENTER = 'while [ "$1" != -- ]; do echo 0 >"$1" || exit 125; shift; done; shift; exec "$@"'
ADVICE = (
    "no control group: what the system holds for a kernel (inodes, buffers, locks) is estimated, not "
    "counted. Start with `systemd-run --user --scope course grade …`"
)
_turn = itertools.count()


@dataclass(frozen=True)
class Hierarchy:
    """Where groups can be made.

    Attributes:
        version: 1 or 2.
        parents: the folder below which groups are made, by controller; in version 2 one for both.
    """

    version: int
    parents: Mapping[str, Path]

    def new_group(self, limits: Limits) -> Group:
        """Make a group.

        Raises:
            OSError: if the system refuses.
        """
        name = f"{_PREFIX}{os.getpid()}-{next(_turn)}"
        group = Group(self.version, {part: parent / name for part, parent in self.parents.items()})
        try:
            for folder in group.all_folders():
                folder.mkdir()
            group.limit(limits)
        except OSError:
            group.remove()
            raise
        return group


@dataclass(frozen=True)
class Group:
    """The group of one kernel.

    Attributes:
        version: 1 or 2.
        folders: by controller; in version 2 one for both.
    """

    version: int
    folders: Mapping[str, Path]

    def all_folders(self) -> list[Path]:
        """Return its folders, each once."""
        return list(dict.fromkeys(self.folders.values()))

    @property
    def entries(self) -> list[Path]:
        """Return the files into which a process writes 0 to enter."""
        return [folder / "cgroup.procs" for folder in self.all_folders()]

    def limit(self, limits: Limits) -> None:
        """Set what the system itself enforces; the watchdog comes first, and gives the reason.

        Raises:
            OSError: if the system refuses.
        """
        most = str((limits.memory_mb + _FOLDERS * limits.disk_mb) * MB)
        memory, pids = self.folders["memory"], self.folders["pids"]
        # Threads count as well, as in the limit of the system for a user.
        (pids / "pids.max").write_text(str(limits.processes + 32))
        if self.version == 1:
            (memory / "memory.limit_in_bytes").write_text(most)
            _write_if_there(memory / "memory.memsw.limit_in_bytes", most)
            return
        (memory / "memory.max").write_text(most)
        _write_if_there(memory / "memory.swap.max", "0")
        _write_if_there(memory / "memory.oom.group", "1")

    def holds(self, pid: int | None) -> bool:
        """Tell whether a process is in all its folders."""
        return all(str(pid) in _words(path) for path in self.entries)

    def system_memory(self) -> int:
        """Return the bytes that the system holds for the group and that no process maps, files aside."""
        memory = self.folders["memory"]
        if self.version == 1:
            return _number(memory / "memory.kmem.usage_in_bytes") + _number(
                memory / "memory.kmem.tcp.usage_in_bytes"
            )
        found = _table(memory / "memory.stat")
        # Before Linux 5.18 the sum has no line of its own.
        parts = ("kernel",) if "kernel" in found else _KERNEL_PARTS
        return sum(found.get(part, 0) for part in (*parts, "sock"))

    def out_of_memory(self) -> bool:
        """Tell whether the system had to kill a process of the group for want of memory."""
        name = "memory.oom_control" if self.version == 1 else "memory.events"
        return _table(self.folders["memory"] / name).get("oom_kill", 0) > 0

    def kill(self) -> None:
        """Kill every process of the group, also those that have left their session or parent."""
        end = time.monotonic() + _END_S
        while (members := self._members()) and time.monotonic() < end:
            for folder in self.all_folders():
                _write_if_there(folder / "cgroup.kill", "1")
            for number in members:
                with contextlib.suppress(OSError):
                    os.kill(number, signal.SIGKILL)
            time.sleep(0.005)

    def remove(self) -> None:
        """Kill what is left in the group and remove it."""
        self.kill()
        end = time.monotonic() + _END_S
        for folder in self.all_folders():
            while not _removed(folder) and time.monotonic() < end:
                time.sleep(0.01)

    def _members(self) -> list[int]:
        found: set[int] = set()
        for path in self.entries:
            with contextlib.suppress(OSError):
                found.update(int(number) for number in path.read_text().split())
        return sorted(found - {0})


def entering(group: Group | None, command: Sequence[str]) -> list[str]:
    """Return a command line that enters a group before it becomes the command."""
    if group is None:
        return list(command)
    return ["sh", "-c", _ENTER, "sh", *map(str, group.entries), "--", *command]


@functools.cache
def hierarchy() -> Hierarchy | None:
    """Return where this process can make groups, None if nowhere; tries it."""
    for candidate in _candidates():
        _sweep(candidate)
        if _works(candidate):
            return candidate
    return None


def new_group(limits: Limits) -> Group | None:
    """Return a new group where the system allows one, None where it does not."""
    found = hierarchy()
    if found is None:
        return None
    with contextlib.suppress(OSError):
        return found.new_group(limits)
    return None


# --- where groups can be made ----------------------------------------------------------------------


def _candidates() -> Iterator[Hierarchy]:
    """Yield where groups might be made: in version 2 above one's own, in version 1 below it."""
    mounts = _mounts()
    own = {
        controller: path
        for line in _lines("/proc/self/cgroup")
        for _, controllers, path in [line.split(":", 2)]
        for controller in controllers.split(",")
    }
    for kind, _, root, point in mounts:
        inside = _below(own.get("", ""), root) if kind == "cgroup2" else None
        if inside is None:
            continue
        # A group that holds processes may have no groups with limits below it, but beside it.
        for folder in _upwards(Path(point), inside):
            if set(_CONTROLLERS) <= set(_words(folder / "cgroup.subtree_control")):
                yield Hierarchy(2, dict.fromkeys(_CONTROLLERS, folder))
    parents: dict[str, Path] = {}
    for kind, options, root, point in mounts:
        for controller in set(_CONTROLLERS) & set(options if kind == "cgroup" else ()):
            inside = _below(own.get(controller, ""), root)
            if inside is not None:
                parents.setdefault(controller, Path(point, inside))
    if len(parents) == len(_CONTROLLERS):
        yield Hierarchy(1, parents)


def _mounts() -> list[tuple[str, list[str], str, str]]:
    """Return kind, options, root and mount point of the hierarchies."""
    found = []
    for line in _lines("/proc/self/mountinfo"):
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            root, point = before.split()[3:5]
            found.append((kind, options.split(","), root, point))
    return found


def _below(path: str, root: str) -> str | None:
    """Return a group's path below the root that is mounted, None if it lies elsewhere."""
    if not path.startswith("/") or not Path(path).is_relative_to(root):
        return None
    return str(Path(path).relative_to(root))


def _upwards(point: Path, inside: str) -> Iterator[Path]:
    """Yield a group and those above it, up to the mount point."""
    folder = point / inside
    yield folder
    while folder != point:
        folder = folder.parent
        yield folder


def _works(candidate: Hierarchy) -> bool:
    """Make a group, put a process into it, and remove both."""
    try:
        group = candidate.new_group(Limits())
    except OSError:
        return False
    try:
        command = entering(group, ["cat"])
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            members: list[int] = []
            end = time.monotonic() + _END_S
            while process.poll() is None and not members and time.monotonic() < end:
                time.sleep(0.005)
                members = [int(word) for word in _words(group.entries[-1])]
            group.kill()
        return process.pid in members and process.returncode == -signal.SIGKILL
    except OSError:
        return False
    finally:
        group.remove()


def _sweep(candidate: Hierarchy) -> None:
    """Remove empty groups whose maker has ended before it could."""
    for parent in set(candidate.parents.values()):
        with contextlib.suppress(OSError):
            for folder in parent.glob(f"{_PREFIX}*"):
                maker = folder.name.removeprefix(_PREFIX).partition("-")[0]
                if maker.isdigit() and not Path("/proc", maker).exists():
                    _removed(folder)


# --- files -----------------------------------------------------------------------------------------


def _write_if_there(path: Path, text: str) -> None:
    with contextlib.suppress(OSError):
        path.write_text(text)


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _lines(path: str | Path) -> list[str]:
    with contextlib.suppress(OSError):
        return Path(path).read_text().splitlines()
    return []


def _words(path: Path) -> list[str]:
    return [word for line in _lines(path) for word in line.split()]


def _number(path: Path) -> int:
    return next((int(word) for word in _words(path) if word.isdigit()), 0)


def _table(path: Path) -> dict[str, int]:
    """Return the numbers of a file that holds a name and a number in each line."""
    pairs = (line.split() for line in _lines(path))
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}
