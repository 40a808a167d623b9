"""Children of a fork server: each answers for itself, within its limits, and ends with its connection."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder.instructor.forkserver.client import ForkServer, ForkServerError, close_servers, connect
from autograder.instructor.forkserver.tasks import ChildError, ChildLimits, run_in_child, trusted_server
from autograder.instructor.kernels import isolation as ways
from autograder.instructor.kernels import warm
from autograder.instructor.kernels.execution import run_notebook
from autograder.instructor.limits import Limits

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="grading needs Linux"),
]
LIMITS = ChildLimits(cpu_s=2, memory_mb=200, wall_s=20)


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    yield trusted_server(("re",))
    close_servers()


# --- trusted children ------------------------------------------------------------------------------


def test_a_child_returns_what_the_function_returns(server: ForkServer) -> None:
    assert run_in_child(server, sorted, [3, 1, 2], reverse=True, limits=LIMITS) == [3, 2, 1]


def test_every_call_has_a_process_of_its_own(server: ForkServer) -> None:
    with ThreadPoolExecutor(4) as threads:
        calls = [threads.submit(run_in_child, server, os.getpid, limits=LIMITS) for _ in range(8)]
        assert len({call.result() for call in calls} | {os.getpid(), server.pid}) == 10


def test_an_error_comes_back_with_its_traceback(server: ForkServer) -> None:
    with pytest.raises(ChildError, match="ZeroDivisionError") as caught:
        run_in_child(server, divmod, 1, 0, limits=LIMITS)
    assert (caught.value.cause, caught.value.lasting) == ("error", False)
    assert "Traceback" in caught.value.details


def test_a_child_that_is_killed_is_an_answer_like_any_other(server: ForkServer) -> None:
    with pytest.raises(ChildError) as caught:
        run_in_child(server, os.abort, limits=LIMITS)
    assert (caught.value.cause, caught.value.lasting) == ("died", False)
    assert run_in_child(server, abs, -1, limits=LIMITS) == 1


@pytest.mark.parametrize(
    ("cause", "function", "arguments"),
    [
        # Deep within one call of the C library's, where no handler of Python's is called.
        ("cpu", pow, (7, 10**9)),
        ("cpu", re.search, (r"(a*)*b", "a" * 40)),
        ("memory", bytearray, (10**9,)),
        ("wall", time.sleep, (60,)),
    ],
)
def test_a_child_that_uses_too_much_is_ended_and_says_of_what(
    server: ForkServer, cause: str, function: object, arguments: tuple[object, ...]
) -> None:
    with pytest.raises(ChildError) as caught:
        run_in_child(server, function, *arguments, limits=ChildLimits(1, 200, 5))  # type: ignore[arg-type]
    assert (caught.value.cause, caught.value.lasting) == (cause, True)


def test_a_child_ends_when_nobody_waits_for_it_any_longer(server: ForkServer, tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    with pytest.raises(ChildError):
        run_in_child(server, subprocess.run, _write_and_wait(marker), limits=ChildLimits(5, 200, 3))
    assert _ends(int(marker.read_text()))


def test_children_end_with_the_server(tmp_path: Path) -> None:
    server = trusted_server(("json",))
    marker = tmp_path / "pid"
    with ThreadPoolExecutor() as threads:
        command = _write_and_wait(marker)
        call = threads.submit(run_in_child, server, subprocess.run, command, limits=ChildLimits(5, 200, 60))
        while not marker.exists():
            time.sleep(0.05)
        os.kill(server.pid, signal.SIGKILL)
        with pytest.raises(ChildError):
            call.result()
    assert _ends(int(marker.read_text()))
    assert trusted_server(("json",)) is not server


def test_how_a_server_ended_is_said() -> None:
    server = ForkServer("no.such.module:serve", (), dict(os.environ))
    with pytest.raises(ForkServerError, match=r"exit status 1, ModuleNotFoundError"):
        server.wait()
    server.close()
    with pytest.raises(ForkServerError):
        connect(server.address)


def _write_and_wait(marker: Path) -> list[str]:
    """Return a command that writes the number of the child that runs it, and waits."""
    return ["sh", "-c", f"echo $PPID > {marker}.new; mv {marker}.new {marker}; sleep 30"]


def _ends(pid: int, patience_s: float = 10) -> bool:
    """Tell whether a process ends soon."""
    with contextlib.suppress(ProcessLookupError):
        process = os.pidfd_open(pid)
        with os.fdopen(process):
            return bool(select.select([process], [], [], patience_s)[0])
    return True


# --- kernels ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kernels() -> Iterator[str]:
    """The address of a server of kernels."""
    if problem := ways.examine("fork").problem:
        pytest.skip(f"--isolation fork: {problem}")
    address = warm.server_address("fork", ())
    assert address is not None
    yield address
    close_servers()


def test_an_answer_that_comes_too_late_is_nobody_elses(kernels: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by running: after one timeout, every later notebook got the kernel of the one before."""
    with monkeypatch.context() as patched:
        patched.setattr(warm, "_FORK_S", 0.0)
        late = run_notebook(_notebook("late"), isolation="fork", limits=Limits(), kernel_server=kernels)
    assert late.died is not None and late.died.key == "no_start"
    for name in ("first", "second"):
        run = run_notebook(_notebook(name), isolation="fork", limits=Limits(), kernel_server=kernels)
        assert run.notebook.cells[0].outputs[0]["text"] == f"{name}\n"


def test_a_kernel_ends_with_the_connection_of_whoever_asked_for_it(
    kernels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[warm.WarmKernel] = []
    fork = warm.fork_kernel

    def fork_and_keep(*arguments: object) -> warm.WarmKernel:
        found.append(fork(*arguments))  # type: ignore[arg-type]
        found.append(warm.WarmKernel(os.dup(found[0].process), found[0].connection))
        found[0].connection.close()
        return found[0]

    monkeypatch.setattr("autograder.instructor.kernels.provisioners.fork_kernel", fork_and_keep)
    run = run_notebook(_notebook("alone"), isolation="fork", limits=Limits(), kernel_server=kernels)
    assert run.died is not None
    assert select.select([found[1].process], [], [], 10)[0], "the kernel lives on"
    os.close(found[1].process)


def _notebook(name: str) -> object:
    return new_notebook(cells=[new_code_cell(f"print({name!r})")])
