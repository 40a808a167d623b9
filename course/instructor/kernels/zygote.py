"""The zygote: a process that has imported what notebooks import, and forks a warm kernel on request.

It runs no student's code itself: each kernel is a confined child. It serves one process, over the socket
whose number is its first argument, and ends with it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import random
import signal
import socket
import sys
import tempfile
from types import FrameType
from typing import Any

from course.instructor.kernels.confine import die_with_parent, run_confined
from course.instructor.kernels.sandbox import Sandbox

# What a kernel imports by itself when it starts or when a first cell trains something.
_KERNEL_MODULES = (
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
MAX_MESSAGE = 2**20


def main(arguments: list[str]) -> None:
    """Import, say so, and serve until the other end closes.

    Args:
        arguments: the number of the socket, then names of modules to import.
    """
    connection = socket.socket(fileno=int(arguments[0]))
    _import([*_KERNEL_MODULES, *arguments[1:]])
    # What is in memory now belongs to all kernels: none of them needs to look through it for garbage.
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, _reap)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection.send(json.dumps({"ready": os.getpid()}).encode())
    while request := connection.recv(MAX_MESSAGE):
        answer = _serve(json.loads(request), connection)
        if "pid" not in answer:
            connection.send(json.dumps(answer).encode())
            continue
        # A number means another process outside this one's namespace; a descriptor does not.
        kernel = os.pidfd_open(answer["pid"])
        socket.send_fds(connection, [json.dumps(answer).encode()], [kernel])
        os.close(kernel)


def _import(modules: list[str]) -> None:
    """Import modules; one that is missing is missed by the notebook that wants it."""
    for name in modules:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    import torch

    # Threads do not survive a fork.
    torch.set_num_threads(1)
    _draw()


def _draw() -> None:
    """Draw a picture: what Matplotlib loads for its first one, every kernel has then."""
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    axes.plot([0, 1], label="$x$")
    axes.set(title="$x$", xlabel="x", ylabel="y")
    axes.legend()
    figure.savefig(io.BytesIO(), format="png")


def _reap(number: int, frame: FrameType | None) -> None:
    """Collect children that have ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _serve(request: dict[str, Any], connection: socket.socket) -> dict[str, Any]:
    """Fork a kernel; return its process number as seen from here, or what went wrong."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        connection.close()
        os.close(reader)
        _be_kernel(request, writer)
    os.close(writer)
    with os.fdopen(reader) as lines:
        answer: dict[str, Any] = {}
        for line in lines:
            word, _, rest = line.strip().partition(" ")
            answer[word] = rest
    if "ready" in answer and "pid" in answer:
        return {"pid": int(answer["pid"])}
    return {"error": answer.get("error", "the process ended before it was ready")}


def _be_kernel(request: dict[str, Any], writer: int) -> None:
    """Become a kernel; never returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def report(line: str) -> None:
        os.write(writer, f"{line}\n".encode())
        if line == "ready" or line.startswith(("pid", "error")):
            os.close(writer)

    def start() -> None:
        _silence()
        _start_kernel(request["arguments"])

    try:
        die_with_parent()
        os.setsid()
        run_confined(Sandbox.from_json(request["sandbox"]), start, report)
    finally:
        os._exit(1)


def _silence() -> None:
    """Read from nowhere, write to nowhere: a kernel speaks through its sockets alone.

    Other descriptors stay as they are: what the zygote opened and still holds are fonts, and whoever holds
    one would later close whatever had got its number.
    """
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nowhere, number)
    os.close(nowhere)


def _start_kernel(arguments: list[str]) -> None:
    """Run IPython's kernel in this process, with nothing left of the process it was forked from."""
    import numpy as np
    from ipykernel.kernelapp import IPKernelApp

    tempfile.tempdir = None
    random.seed()
    np.random.seed()
    sys.argv = ["ipykernel_launcher", *arguments]
    sys.path[:] = ["", *(path for path in sys.path if path and path != os.getcwd())]
    app = IPKernelApp.instance()
    app.initialize(arguments)
    app.start()


if __name__ == "__main__":
    main(sys.argv[1:])
