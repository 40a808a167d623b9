"""Warm kernels: forked from a process that has imported what notebooks import."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import reduction
from multiprocessing.connection import Connection
from socket import socket as Socket

from autograder.instructor.forkserver.client import ForkServer, ForkServerError, connect, shared
from autograder.instructor.kernels.sandbox import Sandbox, base_environment, bubblewrap_wall
from autograder.instructor.kernels.zygote import MODULES

# Ways of isolation whose kernels are forked from a process that has imported everything.
WARM = ("fork", "bwrap+fork")
_FORK_S = 60.0
_MAX_ANSWER = 2**20
# Variables that an import may need.
_OURS = ("HOME", "LD_LIBRARY_PATH", "PYTHONPATH", "TMPDIR")


class WarmKernelError(RuntimeError):
    """A warm kernel could not be had; the message says why."""


@dataclass
class WarmKernel:
    """A kernel's process, and the connection that keeps it alive.

    Attributes:
        process: a descriptor (pidfd) of the process.
        connection: its end is the kernel's end.
    """

    process: int
    connection: Connection

    def close(self) -> None:
        """End the kernel if it still runs, and all that it started."""
        self.connection.close()
        with contextlib.suppress(OSError):
            os.close(self.process)


def kernel_server(modules: Sequence[str], *, walled: bool) -> ForkServer:
    """Return this process's server of kernels that have imported `modules`.

    Args:
        modules: what to import.
        walled: whether bubblewrap keeps it from seeing more than its kernels may see.
    """

    def start() -> ForkServer:
        return ForkServer(
            "autograder.instructor.kernels.zygote:serve",
            [*(f"{name}?" for name in MODULES), *modules],
            _environment(modules),
            wrap=functools.partial(bubblewrap_wall, modules=modules) if walled else _unwalled,
            # Whoever starts it may stand in a folder that is gone before it has begun.
            cwd="/",
        )

    return shared(("kernels", walled, tuple(modules)), start)


def server_address(isolation: str, modules: Sequence[str]) -> str | None:
    """Return the address of this process's server of kernels, None where kernels are not forked.

    Waits until it is ready; one that has ended is replaced once.

    Raises:
        ForkServerError: if it does not start.
    """
    if isolation not in WARM:
        return None
    for last in (False, True):
        server = kernel_server(modules, walled=isolation == "bwrap+fork")
        try:
            server.wait()
        except ForkServerError:
            if last:
                raise
        else:
            break
    return server.address


def fork_kernel(
    address: str, box: Sandbox, arguments: Sequence[str], descriptors: Sequence[int] = ()
) -> WarmKernel:
    """Return a new kernel.

    Args:
        address: of a server of kernels.
        box: the kernel's sandbox.
        arguments: of IPython's kernel.
        descriptors: open files that the kernel inherits.

    Raises:
        WarmKernelError: if it cannot be had.
    """
    request = {
        "id": secrets.token_hex(8),
        "sandbox": box.as_json(),
        "arguments": list(arguments),
        "descriptors": len(descriptors),
    }
    try:
        connection = connect(address)
    except ForkServerError as error:
        raise WarmKernelError(str(error)) from None
    try:
        with Socket(fileno=os.dup(connection.fileno())) as channel:
            connection.send_bytes(json.dumps(request).encode())
            if descriptors:
                reduction.sendfds(channel, list(descriptors))
            if not connection.poll(_FORK_S):
                raise WarmKernelError(f"no warm kernel came within {_FORK_S:g} s")
            answer = json.loads(connection.recv_bytes(_MAX_ANSWER))
            if answer.get("id") != request["id"]:
                raise WarmKernelError("the process that forks warm kernels answered another request")
            if "error" in answer:
                raise WarmKernelError(f"the warm kernel could not be confined: {answer['error']}")
            return WarmKernel(reduction.recvfds(channel, 1)[0], connection)
    except (OSError, EOFError, ValueError) as error:
        connection.close()
        raise WarmKernelError(f"the process that forks warm kernels has ended: {error!r}") from None
    except WarmKernelError:
        connection.close()
        raise


def _unwalled(folder: str, command: list[str]) -> list[str]:
    return command


def _environment(modules: Sequence[str]) -> dict[str, str]:
    """Return the server's variables: its kernels can read them, so they hold nothing of the instructor's."""
    ours = {name: os.environ[name] for name in _OURS if name in os.environ}
    # The user's own list of fonts, which Matplotlib would otherwise make anew.
    wanted = {name: value for name, value in base_environment(modules).items() if name != "MPLCONFIGDIR"}
    paths = [found["PYTHONPATH"] for found in (wanted, ours) if "PYTHONPATH" in found]
    return {**wanted, **ours, **({"PYTHONPATH": os.pathsep.join(paths)} if paths else {})}
