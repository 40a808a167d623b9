"""Run a function in a trusted child: on what a student wrote, with limits, and beside nobody else.

Whatever a submission's text does to a parser costs its own child: processor time, memory and time on the
clock are limited, and a child that dies, however it does, is an answer like any other.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import resource
import signal
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

import psutil

from autograder.instructor.forkserver.client import ForkServer, ForkServerError, connect, shared
from autograder.instructor.forkserver.processes import (
    hand_over_oneself,
    number_of,
    private_memory,
    take_over,
)

T = TypeVar("T")
_MB = 2**20
# How often a child that has not answered is looked at.
_INTERVAL_S = 0.5
_MAX_ANSWER = 1024 * _MB
# What a child may write: it writes nothing but kernels' connection files and attachments.
_MAX_FILE = 1024 * _MB
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


@dataclass(frozen=True)
class ChildLimits:
    """What a trusted child may use.

    Attributes:
        cpu_s: its own processor time; that of kernels is not counted.
        memory_mb: private memory beyond what the fork server holds.
        wall_s: time on the clock.
    """

    cpu_s: float = 60.0
    memory_mb: int = 4096
    wall_s: float = 600.0


class ChildError(Exception):
    """A child gave no answer.

    Attributes:
        cause: "cpu", "memory", "wall", "died" or "error".
        details: for people who mend programs: a traceback, or how the process ended.
    """

    def __init__(self, cause: str, details: str) -> None:
        super().__init__(f"{cause}: {details.strip().splitlines()[-1] if details.strip() else ''}")
        self.cause = cause
        self.details = details

    @property
    def lasting(self) -> bool:
        """Tell whether the same work would fail again: it used more than a child may."""
        return self.cause in ("cpu", "memory", "wall")


def trusted_server(modules: Sequence[str]) -> ForkServer:
    """Return this process's server of trusted children, which have imported `modules`."""
    return shared(
        ("trusted", tuple(modules)), lambda: ForkServer(f"{__name__}:serve", modules, _environment())
    )


def run_in_child(
    server: ForkServer, function: Callable[..., T], *args: Any, limits: ChildLimits, **options: Any
) -> T:
    """Return what a function returns, called in a child of its own.

    Args:
        server: of trusted children.
        function: importable by name; it, its arguments and its result are pickled.
        *args: of the function.
        limits: what the child may use.
        **options: of the function, by name.

    Raises:
        ChildError: if it gives no answer; the reason is said.
        ForkServerError: if there is no child to be had.
    """
    request = pickle.dumps((function, args, options, limits))
    server.wait()
    with contextlib.closing(connect(server.address)) as connection:
        try:
            connection.send_bytes(request)
            process = take_over(connection)
        except (OSError, EOFError) as error:
            raise ForkServerError(f"a child could not be had: {error!r}") from None
        try:
            answer: T = _answer(connection, process, limits)
            return answer
        finally:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(process, signal.SIGKILL)
            os.close(process)


def _answer(connection: Connection, process: int, limits: ChildLimits) -> Any:
    """Wait for the answer of a child.

    Raises:
        ChildError: if there is none.
    """
    end = time.monotonic() + limits.wall_s
    try:
        while not connection.poll(_INTERVAL_S):
            if time.monotonic() > end:
                raise ChildError("wall", f"no answer within {limits.wall_s:g} s")
            if _cpu_s(process) > limits.cpu_s:
                raise ChildError("cpu", f"more than {limits.cpu_s:g} s of processor time")
        cause, value = pickle.loads(connection.recv_bytes(_MAX_ANSWER))
    except (EOFError, OSError, pickle.UnpicklingError) as error:
        raise ChildError("died", f"the process ended without an answer: {error!r}") from None
    if cause != "done":
        raise ChildError(cause, value)
    return value


def _cpu_s(process: int) -> float:
    """Return the processor time of a child, 0 if it has ended."""
    with contextlib.suppress(OSError, psutil.Error):
        number = number_of(process)
        if number is not None:
            times = psutil.Process(number).cpu_times()
            return float(times.user + times.system)
    return 0.0


# --- in the child ----------------------------------------------------------------------------------


def serve(connection: Connection) -> None:
    """Call one function and send what it returns; see `autograder.instructor.forkserver.server`."""
    data = connection.recv_bytes()
    hand_over_oneself(connection)
    function, args, options, limits = pickle.loads(data)
    del data
    limit_oneself(limits)
    connection.send_bytes(_call(function, args, options))


def _call(function: Callable[..., Any], args: Sequence[Any], options: Mapping[str, Any]) -> bytes:
    """Return the answer, pickled."""
    try:
        return pickle.dumps(("done", function(*args, **options)))
    except MemoryError:
        return pickle.dumps(("memory", traceback.format_exc(limit=20)))
    except BaseException:  # whatever it is, the parent is told
        return pickle.dumps(("error", traceback.format_exc(limit=-20)))


def limit_oneself(limits: ChildLimits) -> None:
    """Set the limits of the calling process."""
    with contextlib.suppress(OSError):
        # If the machine runs out of memory all the same, this process goes first.
        Path("/proc/self/oom_score_adj").write_text("1000")
    values = {
        # The parent ends it before, and can say why.
        resource.RLIMIT_CPU: int(limits.cpu_s) + 10,
        resource.RLIMIT_DATA: private_memory() + limits.memory_mb * _MB,
        resource.RLIMIT_FSIZE: _MAX_FILE,
        resource.RLIMIT_CORE: 0,
    }
    for number, value in values.items():
        # The hard limit stays: kernels that are started from here have limits of their own, and could not
        # raise it again.
        hard = resource.getrlimit(number)[1]
        resource.setrlimit(number, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def _environment() -> dict[str, str]:
    """Return the variables of trusted children: ours, since they run none of a student's code."""
    return {**os.environ, **ONE_THREAD}
