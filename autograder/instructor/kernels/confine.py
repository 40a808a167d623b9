"""Put the calling process into a sandbox: namespaces, a root of its own, no rights, limits.

The same sandbox that bubblewrap makes, for a process that is already warm. Everything goes through the C
library; the process must have a single thread.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
import resource
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from autograder.instructor.forkserver.processes import die_with_parent, private_memory
from autograder.instructor.kernels import seccomp
from autograder.instructor.kernels.sandbox import HOME, Sandbox, hidden_in_proc, resource_limits
from autograder.instructor.kernels.users import kernel_user
from autograder.instructor.limits import MB

_libc = ctypes.CDLL(None, use_errno=True)
# From <sched.h>, <sys/mount.h> and <sys/prctl.h>.
_NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
_NEWUSER, _NEWPID, _NEWNET = 0x10000000, 0x20000000, 0x40000000
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT, _BIND, _REC, _PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
_DETACH = 2
_SET_DUMPABLE, _SET_SECCOMP, _CAPBSET_DROP, _SET_NO_NEW_PRIVS = 4, 22, 24, 38
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION = 0x20080522
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_DEVICES = ("null", "zero", "full", "random", "urandom")
# mount_setattr has the same number everywhere (Linux 5.12).
_MOUNT_SETATTR, _AT_RECURSIVE, _AT_FDCWD = 442, 0x8000, -100
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV = 1, 2, 4


class ConfinementError(OSError):
    """The system did not let a process be confined; the message says at which step."""


def new_namespaces() -> None:
    """Leave the system's namespaces; the next child is the first process of a world of its own.

    Raises:
        ConfinementError: if the system does not allow it.
    """
    user, group = os.getuid(), os.getgid()
    flags = _NEWNS | _NEWPID | _NEWNET | _NEWIPC | _NEWUTS | _NEWCGROUP
    _call("unshare", _libc.unshare(flags if user == 0 else flags | _NEWUSER))
    if user != 0:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def confine(box: Sandbox, as_user: int | None) -> None:
    """Confine the calling process, the first of its process namespace.

    Args:
        box: the sandbox.
        as_user: the user to become, None to stay who one is.

    Raises:
        ConfinementError: if a step fails; the process must then end.
    """
    _make_root(box, as_user)
    socket.sethostname("sandbox")
    for name, value in resource_limits(box.limits).items():
        # What the process had before it became a kernel is not the student's.
        value += private_memory() if name == "DATA" else 0
        number = getattr(resource, f"RLIMIT_{name}")
        with contextlib.suppress(ValueError):  # a lower limit that stands already is as good
            resource.setrlimit(number, (value, value))
    _drop_rights(as_user)
    os.environ.clear()
    os.environ.update(box.environment)
    os.chdir(HOME)


# --- the file system -------------------------------------------------------------------------------


def _make_root(box: Sandbox, owner: int | None) -> None:
    """Make a root of what may be seen, and go there."""
    base = f"{box.folder}/root"
    os.makedirs(base, exist_ok=True)
    _mount("none", "/", None, _REC | _PRIVATE)
    _tmpfs(base, 4 * MB, 8192)
    size, files = box.limits.disk_mb * MB, box.limits.files
    # First the folders to write in: this environment may lie in one of them.
    for path in ("/tmp", HOME):
        os.makedirs(base + path, exist_ok=True)
        _tmpfs(base + path, size, files, mode=1777)
    for path in box.read_only:
        _show(path, base)
    for path in box.masked:
        if os.path.isdir(base + path):
            _hide(base + path)
    _make_devices(base, size, files)
    for name, path in box.files.items():
        _copy(path, f"{base}{HOME}/{name}", owner)
    _copy(box.connection_file, base + box.connection_file, owner)
    _make_proc(base)
    _enter(base)


def _make_proc(base: str) -> None:
    """Make a /proc that shows the kernel's own processes, and in which nothing can be written.

    Whose files those of /proc/sys are, the system decides by the user's number, not by rights; so all of
    them are read-only, whoever asks.
    """
    os.makedirs(f"{base}/proc", exist_ok=True)
    _mount("proc", f"{base}/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
    for name, is_folder in hidden_in_proc():
        if is_folder:
            _hide(f"{base}/proc/{name}")
        else:
            _mount(f"{base}/dev/null", f"{base}/proc/{name}", None, _BIND)
            protect(f"{base}/proc/{name}")
    _mount("none", f"{base}/proc", None, _BIND | _REMOUNT | _RDONLY | _NOSUID | _NODEV | _NOEXEC)


def _tmpfs(target: str, size: int, files: int, *, mode: int = 755) -> None:
    """Mount an empty file system that holds so many bytes and files at most."""
    options = f"size={size},nr_inodes={files},mode={mode}"
    _mount("tmpfs", target, "tmpfs", _NOSUID | _NODEV, options)


def _hide(target: str) -> None:
    """Mount an empty folder over one."""
    _mount("tmpfs", target, "tmpfs", _NOSUID | _NODEV | _RDONLY, "size=4k,nr_inodes=2,mode=755")


def _show(path: str, base: str) -> None:
    """Make a file or folder readable in the new root."""
    target = base + path
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(path):
        with contextlib.suppress(FileExistsError):
            os.symlink(os.readlink(path), target)
        return
    if os.path.isdir(path):
        os.makedirs(target, exist_ok=True)
    else:
        Path(target).touch()
    _mount(path, target, None, _BIND | _REC)
    protect(target)


class _Attributes(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "namespace"))


def protect(target: str) -> None:
    """Make a mount read-only, with all that is mounted below it.

    Raises:
        ConfinementError: if the system refuses.
    """
    wanted = _Attributes(_ATTR_RDONLY | _ATTR_NOSUID | _ATTR_NODEV)
    path, reference = ctypes.c_char_p(target.encode()), ctypes.byref(wanted)
    result = _libc.syscall(
        _MOUNT_SETATTR, _AT_FDCWD, path, _AT_RECURSIVE, reference, ctypes.c_size_t(ctypes.sizeof(wanted))
    )
    if result != 0 and ctypes.get_errno() not in (errno.ENOSYS, errno.EPERM):
        _call(f"mount_setattr {target}", result)
    if result != 0:
        protect_each(target)


def protect_each(target: str) -> None:
    """Do as `protect` does, mount by mount, where the system has no call for all of them.

    Raises:
        ConfinementError: if the system refuses.
    """
    for path in mounts_below(target):
        # A mount that comes from outside keeps its restrictions; leaving them out would be refused.
        kept = _NOEXEC if os.statvfs(path).f_flag & os.ST_NOEXEC else 0
        _mount("none", path, None, _BIND | _REMOUNT | _RDONLY | _NOSUID | _NODEV | kept)


def mounts_below(target: str) -> list[str]:
    """Return a mount point and those below it, as this process sees them."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    # Spaces and the like are written in octal.
    paths = dict.fromkeys(re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), point) for point in points)
    return [path for path in paths if path == target or path.startswith(f"{target.rstrip('/')}/")]


def _make_devices(base: str, size: int, files: int) -> None:
    """Make a /dev with nothing but harmless devices and shared memory of limited size."""
    os.makedirs(f"{base}/dev", exist_ok=True)
    _mount("tmpfs", f"{base}/dev", "tmpfs", _NOSUID, "size=64k,nr_inodes=64,mode=755")
    for name in _DEVICES:
        Path(f"{base}/dev/{name}").touch()
        _mount(f"/dev/{name}", f"{base}/dev/{name}", None, _BIND)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.symlink(f"/proc/self/fd/{number}", f"{base}/dev/{name}")
    os.symlink("/proc/self/fd", f"{base}/dev/fd")
    os.makedirs(f"{base}/dev/pts")
    _mount("devpts", f"{base}/dev/pts", "devpts", _NOSUID | _NOEXEC, "newinstance,ptmxmode=0666,mode=620")
    os.symlink("pts/ptmx", f"{base}/dev/ptmx")
    os.makedirs(f"{base}/dev/shm")
    _tmpfs(f"{base}/dev/shm", size, files, mode=1777)
    _mount("none", f"{base}/dev", None, _BIND | _REMOUNT | _RDONLY | _NOSUID)


def _copy(source: str, target: str, owner: int | None) -> None:
    """Copy a file of the outside."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    Path(target).write_bytes(Path(source).read_bytes())
    if owner is not None:
        os.chown(target, owner, owner)


def _enter(base: str) -> None:
    """Make a folder the root, and forget the old one."""
    os.chdir(base)
    number = _PIVOT_ROOT[os.uname().machine]
    _call("pivot_root", _libc.syscall(number, b".", b"."))
    _call("umount2", _libc.umount2(b".", _DETACH))
    os.chdir("/")
    _mount("none", "/", None, _BIND | _REMOUNT | _RDONLY | _NOSUID | _NODEV)


# --- rights ----------------------------------------------------------------------------------------


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))


def _drop_rights(as_user: int | None) -> None:
    """Become nobody in particular, without any right to become more."""
    for capability in range(64):
        if _libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break
    if as_user is not None:
        os.setgroups([])
        os.setresgid(as_user, as_user, as_user)
        os.setresuid(as_user, as_user, as_user)
    header, nothing = _Header(_CAPABILITY_VERSION, 0), (ctypes.c_uint32 * 6)()
    _call("capset", _libc.capset(ctypes.byref(header), nothing))
    _call("no_new_privs", _libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    # A change of user clears these two.
    _call("dumpable", _libc.prctl(_SET_DUMPABLE, 1, 0, 0, 0))
    die_with_parent()
    if seccomp.supported():
        code = seccomp.program()
        buffer = ctypes.create_string_buffer(code, len(code))
        structure = _Filter(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
        _call("seccomp", _libc.prctl(_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(structure), 0, 0))


# --- calls -----------------------------------------------------------------------------------------


def _call(step: str, result: int) -> None:
    """Raise `ConfinementError` if a call of the C library failed."""
    if result != 0:
        number = ctypes.get_errno()
        raise ConfinementError(number, f"{step}: {os.strerror(number)}")


def _mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    result = _libc.mount(
        source.encode(),
        target.encode(),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        options.encode() if options else None,
    )
    _call(f"mount {target}", result)


def _wait(process: int) -> int:
    """Wait for the end of a child; return its exit status."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def run_confined(
    box: Sandbox,
    body: Callable[[], None],
    report: Callable[[str], None],
    look_after: Callable[[int], int] = _wait,
    groups: Sequence[int] = (),
) -> NoReturn:
    """Run a function as the first process of a new sandbox; for a child that was just forked.

    Args:
        box: the sandbox.
        body: what to run inside.
        report: called with "pid <number>" as the system outside sees the process, then with "ready", or
            with "error <reason>".
        look_after: called outside, with the number of the process; returns its exit status when it ends.
        groups: open files into which a process writes 0 to enter its control groups.
    """
    as_user = kernel_user()
    try:
        die_with_parent()
        new_namespaces()
        inside = os.fork()
    except OSError as error:
        report(f"error {error}")
        os._exit(1)
    if inside:
        report(f"pid {inside}")
        os._exit(look_after(inside) & 0xFF)
    try:
        for number in groups:
            with contextlib.suppress(OSError):  # whoever asked for this kernel looks whether it is there
                os.write(number, b"0")
            os.close(number)
        confine(box, as_user)
    except OSError as error:
        report(f"error {error}")
        os._exit(1)
    report("ready")
    try:
        body()
    finally:
        sys.stderr.flush()
        os._exit(0)
