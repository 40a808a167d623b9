"""Which user of the system a kernel runs as: never root.

Real root is exempt from limits, and files of the system's own, such as those of /proc/sys, are root's
whatever a user namespace calls it. Where root grades, kernels therefore become a user that nobody else is,
before any namespace is made.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path

# Numbers that no account has: service managers take them for services without an account.
_FIRST, _COUNT = 61184, 4000
_turn = itertools.count()


def kernel_user() -> int | None:
    """Return the number of the user and group that the next kernel becomes; None: it stays who one is."""
    return _FIRST + (os.getpid() + next(_turn)) % _COUNT if os.getuid() == 0 else None


def run_as(user: int | None) -> list[str]:
    """Return what a command line begins with so that it runs as a user."""
    if user is None:
        return []
    return ["setpriv", "--reuid", str(user), "--regid", str(user), "--clear-groups", "--"]


def give(path: str | Path, user: int | None) -> None:
    """Give a file, or a folder with all that is in it, to the user of a kernel."""
    if user is None:
        return
    os.chown(path, user, user, follow_symlinks=False)
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            os.chown(os.path.join(folder, name), user, user, follow_symlinks=False)


def closed_folder(path: str | Path) -> str | None:
    """Return the first file or folder on a path that is closed to users other than its owner, if any."""
    resolved = Path(path).resolve()
    for part in (*reversed(resolved.parents), resolved):
        wanted = 0o005 if part.is_dir() and part == resolved else 0o001 if part.is_dir() else 0o004
        if part.stat().st_mode & wanted != wanted:
            return str(part)
    return None
