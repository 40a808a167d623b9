"""What the system says of processes, and what it can be told to do with them."""

from __future__ import annotations

import ctypes
import os
import signal
from multiprocessing import reduction
from multiprocessing.connection import Connection
from pathlib import Path
from socket import socket as Socket

_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Let the system kill the calling process when its parent ends; for a child of a fork.

    Raises:
        OSError: if the system refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl: {os.strerror(number)}")


def hand_over_oneself(connection: Connection) -> None:
    """Send a descriptor of the calling process (pidfd) through a connection that is a socket."""
    with Socket(fileno=os.dup(connection.fileno())) as channel:
        myself = os.pidfd_open(os.getpid())
        reduction.sendfds(channel, [myself])
        os.close(myself)


def take_over(connection: Connection) -> int:
    """Receive the descriptor that the other end's process has sent of itself.

    Raises:
        OSError: if there is none; EOFError likewise.
    """
    with Socket(fileno=os.dup(connection.fileno())) as channel:
        return int(reduction.recvfds(channel, 1)[0])


def private_memory() -> int:
    """Return what of the calling process counts towards RLIMIT_DATA, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmData:"))


def number_of(process: int) -> int | None:
    """Return the number of a process, as this namespace sees it; None if it has ended.

    Args:
        process: a descriptor of it (pidfd).
    """
    lines = Path(f"/proc/self/fdinfo/{process}").read_text().splitlines()
    number = next(int(line.split()[1]) for line in lines if line.startswith("Pid:"))
    return number if number > 0 else None
