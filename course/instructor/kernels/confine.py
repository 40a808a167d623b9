"""Put the calling process into a sandbox: namespaces, a root of its own, no rights, limits.

The same sandbox that bubblewrap makes, for a process that is already warm. Everything goes through the C
library; the process must have a single thread.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from course.instructor.kernels import seccomp
from course.instructor.kernels.sandbox import HOME, Sandbox, resource_limits

_libc = ctypes.CDLL(None, use_errno=True)
# From <sched.h>, <sys/mount.h> and <sys/prctl.h>.
_NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
_NEWUSER, _NEWPID, _NEWNET = 0x10000000, 0x20000000, 0x40000000
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT, _BIND, _REC, _PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
_DETACH = 2
_SET_PDEATHSIG, _SET_DUMPABLE, _SET_SECCOMP, _CAPBSET_DROP, _SET_NO_NEW_PRIVS = 1, 4, 22, 24, 38
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION = 0x20080522
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_DEVICES = ("null", "zero", "full", "random", "urandom")
# Real root is exempt from limits on processes: its kernels run as users that nobody else is.
_FIRST_USER, _USERS = 61184, 4000


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
        value += _private_memory() if name == "DATA" else 0
        number = getattr(resource, f"RLIMIT_{name}")
        with contextlib.suppress(ValueError):  # a lower limit that stands already is as good
            resource.setrlimit(number, (value, value))
    _drop_rights(as_user)
    os.environ.clear()
    os.environ.update(box.environment)
    os.chdir(HOME)


def _private_memory() -> int:
    """Return what counts towards RLIMIT_DATA, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmData:"))


def die_with_parent() -> None:
    """Let the system kill the calling process when its parent ends."""
    _call("prctl", _libc.prctl(_SET_PDEATHSIG, 9, 0, 0, 0))


# --- the file system -------------------------------------------------------------------------------


def _make_root(box: Sandbox, owner: int | None) -> None:
    """Make a root of what may be seen, and go there."""
    base = f"{box.folder}/root"
    os.makedirs(base, exist_ok=True)
    _mount("none", "/", None, _REC | _PRIVATE)
    _mount("tmpfs", base, "tmpfs", _NOSUID | _NODEV, "size=4m,mode=755")
    size = f"size={box.limits.disk_mb}m,mode=1777"
    # First the folders to write in: this environment may lie in one of them.
    for path in ("/tmp", HOME):
        os.makedirs(base + path, exist_ok=True)
        _mount("tmpfs", base + path, "tmpfs", _NOSUID | _NODEV, size)
    for path in box.read_only:
        _show(path, base)
    for path in box.masked:
        if os.path.isdir(base + path):
            _mount("tmpfs", base + path, "tmpfs", _NOSUID | _NODEV | _RDONLY, "size=4k,mode=755")
    _make_devices(base, size)
    for name, path in box.files.items():
        _copy(path, f"{base}{HOME}/{name}", owner)
    os.makedirs(f"{base}/proc", exist_ok=True)
    _mount("proc", f"{base}/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
    os.makedirs(base + box.folder, exist_ok=True)
    if owner is not None:
        _give(box.folder, owner)
    _mount(box.folder, base + box.folder, None, _BIND)
    _enter(base)


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
    # A mount that comes from outside keeps its restrictions; leaving them out would be refused.
    kept = os.statvfs(path).f_flag & _NOEXEC
    _mount("none", target, None, _BIND | _REMOUNT | _RDONLY | _NOSUID | _NODEV | kept)


def _make_devices(base: str, size: str) -> None:
    """Make a /dev with nothing but harmless devices and shared memory of limited size."""
    os.makedirs(f"{base}/dev", exist_ok=True)
    _mount("tmpfs", f"{base}/dev", "tmpfs", _NOSUID, "size=64k,mode=755")
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
    _mount("tmpfs", f"{base}/dev/shm", "tmpfs", _NOSUID | _NODEV, size)
    _mount("none", f"{base}/dev", None, _BIND | _REMOUNT | _RDONLY | _NOSUID)


def _copy(source: str, target: str, owner: int | None) -> None:
    """Copy a file that was handed in."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    Path(target).write_bytes(Path(source).read_bytes())
    if owner is not None:
        os.chown(target, owner, owner)


def _give(folder: str, owner: int) -> None:
    """Give the folder of the sockets to the user who will make them."""
    os.chown(folder, owner, owner)
    for entry in os.scandir(folder):
        if entry.is_file(follow_symlinks=False):
            os.chown(entry.path, owner, owner)


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
) -> NoReturn:
    """Run a function as the first process of a new sandbox; for a child that was just forked.

    Args:
        box: the sandbox.
        body: what to run inside.
        report: called with "pid <number>" as the system outside sees the process, then with "ready", or
            with "error <reason>".
        look_after: called outside, with the number of the process; returns its exit status when it ends.
    """
    as_user = _FIRST_USER + os.getpid() % _USERS if os.getuid() == 0 else None
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
