"""The process itself: imports, says so, and forks a child for every connection until its parent ends.

It is started with the numbers of two inherited sockets, the name of what its children do
("package.module:function", called with the connection) and the modules to import. It runs nothing itself,
so what a child does cannot reach the next one.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from types import FrameType

from autograder.instructor.forkserver.processes import die_with_parent

Handler = Callable[[Connection], None]


def main(arguments: Sequence[str]) -> None:
    """Import, say so, and serve until the other end of the control socket is closed.

    Args:
        arguments: the numbers of the listening and of the control socket, the handler, then modules.
    """
    listener = socket.socket(fileno=int(arguments[0]))
    control = socket.socket(fileno=int(arguments[1]))
    import_all(arguments[3:])
    module, _, name = arguments[2].partition(":")
    handler: Handler = getattr(importlib.import_module(module), name)
    prepare = getattr(sys.modules[module], "prepare", None)
    if prepare is not None:
        prepare()
    # What is in memory now belongs to all children: none of them needs to look through it for garbage.
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, _reap)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control.sendall(b"ready")
    _serve(listener, control, handler)


def import_all(modules: Sequence[str]) -> None:
    """Import modules.

    Args:
        modules: by name; one that ends in "?" only saves time, so whoever needs it may miss it.

    Raises:
        SystemExit: if another one cannot be imported; it says which.
    """
    for name in modules:
        try:
            importlib.import_module(name.removesuffix("?"))
        except ImportError as error:
            said = f"{name.removesuffix('?')} cannot be imported ({error})"
            if not name.endswith("?"):
                sys.exit(said)
            print(said, file=sys.stderr)


def _serve(listener: socket.socket, control: socket.socket, handler: Handler) -> None:
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    poll.register(control, select.POLLIN)
    server = os.getpid()
    while True:
        ready = [number for number, _ in poll.poll()]
        if control.fileno() in ready:
            return  # nothing is ever sent: this is its end
        connection, _ = listener.accept()
        if os.fork() == 0:
            _be_child(connection, (listener, control), handler, server)
        connection.close()


def _be_child(
    connection: socket.socket, others: Sequence[socket.socket], handler: Handler, server: int
) -> None:
    """Serve one connection; never returns."""
    status = 1
    try:
        die_with_parent()
        if os.getppid() != server:
            os._exit(1)  # it ended before the system was told
        for other in others:
            other.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        handler(Connection(connection.detach()))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stderr.flush()
        os._exit(status)


def _reap(number: int, frame: FrameType | None) -> None:
    """Collect children that have ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


if __name__ == "__main__":
    main(sys.argv[1:])
