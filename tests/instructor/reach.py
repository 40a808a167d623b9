"""Let tests run as users other than root where only root can reach this Python, as below a closed /root.

Everything happens in a mount namespace of the calling thread's own: nothing of the machine changes.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

from course.instructor.kernels.users import closed_folder

_NEWNS, _BIND, _REC, _PRIVATE = 0x20000, 4096, 16384, 1 << 18
# An ordinary user, who need not have an account.
ORDINARY = 1717


def make_python_reachable() -> None:
    """Put a readable folder over one that is closed, with all that was in it.

    Raises:
        OSError: if the system does not allow it.
    """
    while (closed := closed_folder(sys.executable)) is not None:
        libc = ctypes.CDLL(None, use_errno=True)

        def call(name: str, *arguments: object, libc: ctypes.CDLL = libc) -> None:
            if getattr(libc, name)(*arguments) != 0:
                raise OSError(ctypes.get_errno(), name)

        call("unshare", _NEWNS)
        call("mount", b"none", b"/", None, _REC | _PRIVATE, None)
        before = os.open(closed, os.O_PATH)
        entries = [(entry.name, entry.is_dir()) for entry in os.scandir(closed) if not entry.is_symlink()]
        call("mount", b"none", closed.encode(), b"tmpfs", 0, b"mode=755,size=64m")
        for name, is_folder in entries:
            target = Path(closed, name)
            target.mkdir() if is_folder else target.touch()
            source = f"/proc/self/fd/{before}/{name}".encode()
            call("mount", source, str(target).encode(), None, _BIND | _REC, None)
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
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
