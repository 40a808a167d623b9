"""What a child of the kernels' fork server does: it forks one warm, confined kernel, and looks after it.

The server has imported what notebooks import. Its child leaves the system's namespaces and forks the
kernel, which confines itself; then it waits until either the kernel ends or the connection does, and in
the latter case kills the kernel: none outlives whoever asked for it. See `autograder.instructor.forkserver`.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import select
import signal
import sys
import tempfile
from multiprocessing import reduction
from multiprocessing.connection import Connection
from socket import socket as Socket
from typing import Any, NoReturn

from jupyter_client.connect import port_names

from autograder.instructor.kernels.confine import run_confined
from autograder.instructor.kernels.sandbox import Sandbox

# What a kernel imports by itself when it starts or when a first cell trains something.
MODULES = (
    "autograder.instructor.kernels.app",
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "ipykernel.ipkernel",
    "IPython.core.history",
    "IPython.core.completer",
    "torch",
    "torch._dynamo",
    "torch.utils.data",
    "numpy.random",
)
# The kernel's own status, where it was ended by a signal.
_KILLED = 128


def prepare() -> None:
    """Load what is loaded at first use, in the server, so that every kernel has it."""
    import torch

    # Threads do not survive a fork.
    torch.set_num_threads(1)
    _draw()


def _draw() -> None:
    """Draw a picture: what Matplotlib loads for its first one."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    axes.plot([0, 1], label="$x$")
    axes.set(title="$x$", xlabel="x", ylabel="y")
    axes.legend()
    figure.savefig(io.BytesIO(), format="png")


def serve(connection: Connection) -> None:
    """Start the kernel that a request describes, answer, and see to its end.

    The request is JSON: "id", "sandbox", "arguments" of IPython's kernel, and the number of "descriptors"
    that follow it: the kernel's bound sockets, then files that take it into its control groups. The
    answer is JSON with the same id, and "error", or a descriptor (pidfd) of the kernel follows.
    """
    request = json.loads(connection.recv_bytes())
    inherited = _receive(connection, request.get("descriptors", 0))
    reader, writer = os.pipe()

    def report(line: str) -> None:
        with contextlib.suppress(OSError):
            os.write(writer, f"{line}\n".encode())
        if line == "ready" or line.startswith(("pid", "error")):
            os.close(writer)

    def start() -> None:
        os.close(reader)
        connection.close()
        _silence()
        _start_kernel(request["arguments"], inherited[: len(port_names)])

    def look_after(kernel: int) -> int:
        for number in inherited:
            os.close(number)
        return _look_after(kernel, reader, connection, request["id"])

    os.setsid()
    groups = inherited[len(port_names) :]
    run_confined(Sandbox.from_json(request["sandbox"]), start, report, look_after, groups)


def _receive(connection: Connection, count: int) -> list[int]:
    """Return the descriptors that came with a request."""
    if not count:
        return []
    with Socket(fileno=os.dup(connection.fileno())) as channel:
        return list(reduction.recvfds(channel, count))


def _look_after(kernel: int, reports: int, connection: Connection, request: Any) -> int:
    """Answer the request, and wait for the end of the kernel or of the connection.

    Returns:
        The kernel's exit status.
    """
    # A number means another process outside this one's namespace; a descriptor does not.
    process = os.pidfd_open(kernel)
    with os.fdopen(reports) as lines:
        said = [line.strip() for line in lines]
    if "ready" in said:
        connection.send_bytes(json.dumps({"id": request}).encode())
        with Socket(fileno=os.dup(connection.fileno())) as channel:
            reduction.sendfds(channel, [process])
        poll = select.poll()
        poll.register(process, select.POLLIN)
        poll.register(connection, select.POLLIN)
        poll.poll()
    else:
        errors = [line.removeprefix("error ") for line in said if line.startswith("error ")]
        error = errors[0] if errors else "the process ended before it was ready"
        connection.send_bytes(json.dumps({"id": request, "error": error}).encode())
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(process, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(kernel, 0)[1])
    return status if status >= 0 else _KILLED - status


def _silence() -> None:
    """Read from nowhere, write to nowhere: a kernel speaks through its sockets alone.

    Other descriptors stay as they are: what the server opened and still holds are fonts, and whoever holds
    one would later close whatever had got its number.
    """
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nowhere, number)
    os.close(nowhere)


def _start_kernel(arguments: list[str], sockets: list[int]) -> NoReturn:
    """Run IPython's kernel in this process, with nothing left of the process it was forked from."""
    import numpy as np

    from autograder.instructor.kernels.app import run_kernel

    tempfile.tempdir = None
    random.seed()
    np.random.seed()
    sys.argv = ["ipykernel_launcher", *arguments]
    sys.path[:] = ["", *(path for path in sys.path if path and path != os.getcwd())]
    run_kernel(arguments, sockets)
    os._exit(0)
