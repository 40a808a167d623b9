"""Let tests run as users other than root where only root can reach this Python, as below a closed /root.

Everything happens in a mount namespace of the calling thread's own: nothing of the machine changes.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

from autograder.instructor.kernels.users import closed_folder

_libc = ctypes.CDLL(None, use_errno=True)
_NEWNS, _BIND, _REC, _PRIVATE, _SET_DUMPABLE = 0x20000, 4096, 16384, 1 << 18, 4
# An ordinary user, who need not have an account.
ORDINARY = 1717


def make_python_reachable() -> None:
    """Open the folders on the way to this Python.

    Raises:
        OSError: if the system does not allow it.
    """
    for path in (sys.executable, sys.prefix, sys.base_prefix):
        while (closed := closed_folder(path)) is not None:
            cover(closed, 755)


def cover(folder: str, mode: int) -> None:
    """Put a folder of another mode over one, with all that was in it.

    Raises:
        OSError: if the system does not allow it.
    """
    _call("unshare", _NEWNS)
    _call("mount", b"none", b"/", None, _REC | _PRIVATE, None)
    before = os.open(folder, os.O_PATH)
    entries = [(entry.name, entry.is_dir()) for entry in os.scandir(folder) if not entry.is_symlink()]
    _call("mount", b"none", folder.encode(), b"tmpfs", 0, f"mode={mode},size=64m".encode())
    for name, is_folder in entries:
        target = Path(folder, name)
        if is_folder:
            target.mkdir()
        else:
            target.touch()
        _call("mount", f"/proc/self/fd/{before}/{name}".encode(), bytes(target), None, _BIND | _REC, None)
    os.close(before)


def become_ordinary() -> None:
    """Become an ordinary user, for good.

    Raises:
        OSError: if the system does not allow it.
    """
    make_python_reachable()
    os.setgroups([])
    os.setresgid(ORDINARY, ORDINARY, ORDINARY)
    os.setresuid(ORDINARY, ORDINARY, ORDINARY)
    # A change of user closes the files of /proc to the user itself.
    _libc.prctl(_SET_DUMPABLE, 1, 0, 0, 0)


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), name)
