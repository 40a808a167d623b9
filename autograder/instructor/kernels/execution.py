"""Run a notebook in an isolated kernel, cell by cell, and keep what finished whatever happens."""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq.asyncio
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode

from autograder.execution.client import CellClient, Execution
from autograder.execution.kernel import interrupt, kernel_manager, kill
from autograder.execution.loop import run_to_end
from autograder.execution.outputs import Allowance, OutputBounds
from autograder.instructor.intake.notes import Reason, reason
from autograder.instructor.kernels.cgroups import Group
from autograder.instructor.kernels.sandbox import Sandbox, sandbox
from autograder.instructor.kernels.warm import WARM, server_address
from autograder.instructor.kernels.watchdog import Watchdog
from autograder.instructor.limits import MB, Limits

# The greatest message that a kernel may send: a larger one ends its connection, and with it the cell.
_MAX_MESSAGE = 64 * MB
_START_S = 600
# A whole notebook may show as much as this many cells.
_CELLS_OF_OUTPUT = 8
# Messages per output: what is printed piece by piece makes one output, and a film clears what it has shown.
_MESSAGES_PER_OUTPUT = 20
# After this many times what a cell may send was passed over, the kernel is ended: even that takes time.
_FLOOD = 10


@dataclass
class Run(Execution):
    """A notebook that was run in an isolated kernel, perhaps not to its end.

    Attributes:
        stopped: why cells were interrupted, by index.
        died: why the kernel ended before the notebook did, None if it did not.
        cpu_s: processor time that the kernel used.
        wall_s: time on the clock.
    """

    stopped: dict[int, Reason] = field(default_factory=dict)
    died: Reason | None = None
    cpu_s: float = 0.0
    wall_s: float = 0.0


def run_notebook(
    notebook: NotebookNode,
    *,
    isolation: str,
    limits: Limits,
    variables: Mapping[str, str] | None = None,
    files: Mapping[str, bytes] | None = None,
    modules: Sequence[str] = (),
    kernel_server: str | None = None,
    skipped: Collection[int] = (),
) -> Run:
    """Run a notebook in a kernel of its own.

    Args:
        notebook: what to run; it is not changed.
        isolation: "bwrap", "bwrap+fork", "fork" or "none"; see `autograder.instructor.kernels.isolation`.
        limits: what the kernel may use.
        variables: environment variables of the kernel.
        files: what was handed in beside the notebook, by path.
        modules: what the notebook imports of its own: a warm kernel has it, and any kernel can see it.
        kernel_server: address of the server that forks warm kernels; None: this process's own.
        skipped: indices of cells that are not run.

    Returns:
        The run; never raises on account of what the notebook does.
    """
    kernel_server = kernel_server or server_address(isolation, modules)
    folder = Path(_new_folder(kernel_server))
    try:
        return run_to_end(
            lambda: _run(
                notebook,
                folder,
                isolation,
                limits,
                variables or {},
                files or {},
                modules,
                kernel_server,
                skipped,
            )
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _new_folder(kernel_server: str | None) -> str:
    """Return a folder for one kernel, with a path short enough for sockets, where its maker can see it."""
    if kernel_server is not None:
        return tempfile.mkdtemp(prefix="k", dir=Path(kernel_server).parent)
    return tempfile.mkdtemp(prefix="gk-", dir="/tmp")


async def _run(
    notebook: NotebookNode,
    folder: Path,
    isolation: str,
    limits: Limits,
    variables: Mapping[str, str],
    files: Mapping[str, bytes],
    modules: Sequence[str],
    kernel_server: str | None,
    skipped: Collection[int],
) -> Run:
    run = Run(deepcopy(notebook))
    start = time.monotonic()
    connection = folder / "k"
    connection.mkdir(mode=0o700)
    box = sandbox(str(connection), limits, variables, _stage(files, folder / "files"), modules)
    manager = _manager(box, isolation, kernel_server)
    watchdog = Watchdog(
        limits, str(connection), lambda: _pid(manager), lambda: interrupt(manager),
        lambda: kill(manager), lambda: _group(manager),
    )  # fmt: skip
    client = _IsolatedClient(run, watchdog, limits, manager)
    try:
        await client.start()
        await client.run_cells(skipped)
    except DeadKernelError:
        run.died = watchdog.cause() or client.flooded or reason("kernel_died")
    except Exception as error:  # a kernel in a student's hands may answer anything
        logging.getLogger(__name__).warning("%r", error)
        run.died = watchdog.cause() or reason("no_start" if run.died_in is None else "kernel_died")
    finally:
        await client.close()
    run.stopped = watchdog.stopped
    run.cpu_s, run.wall_s = watchdog.cpu_s, time.monotonic() - start
    return run


def _stage(files: Mapping[str, bytes], folder: Path) -> dict[str, str]:
    """Write what was handed in beside the notebook; return where each file lies."""
    staged = {}
    for number, (name, data) in enumerate(files.items()):
        folder.mkdir(mode=0o755, exist_ok=True)
        path = folder / str(number)
        path.write_bytes(data)
        path.chmod(0o644)
        staged[name] = str(path)
    return staged


# --- kernels ---------------------------------------------------------------------------------------


def _manager(box: Sandbox, isolation: str, kernel_server: str | None) -> AsyncKernelManager:
    """Return the manager of a kernel that is reached through sockets in a folder, without a network."""
    context = zmq.asyncio.Context()
    context.setsockopt(zmq.MAXMSGSIZE, _MAX_MESSAGE)
    context.setsockopt(zmq.LINGER, 0)
    config: dict[str, Any] = {"sandbox": box.as_json()}
    if kernel_server is not None:
        config["address"] = kernel_server
    provisioner = "course-fork" if isolation in WARM else f"course-{isolation}"
    return kernel_manager(
        {"kernel_provisioner": {"provisioner_name": provisioner, "config": config}},
        transport="ipc",
        connection_file=box.connection_file,
        context=context,
    )


def _pid(manager: AsyncKernelManager) -> int | None:
    """Return the number of the kernel's process."""
    provisioner = manager.provisioner
    return provisioner.kernel_pid if provisioner is not None else None


def _group(manager: AsyncKernelManager) -> Group | None:
    """Return the kernel's control group, if it has one."""
    return getattr(manager.provisioner, "group", None)


# --- cells -----------------------------------------------------------------------------------------


class _IsolatedClient(CellClient):
    """Runs cells under a watchdog, and ends a kernel whose messages never end.

    Attributes:
        flooded: why the kernel was ended, if it sent messages without end.
    """

    def __init__(self, run: Run, watchdog: Watchdog, limits: Limits, manager: AsyncKernelManager) -> None:
        one_cell = Allowance(limits.output_mb * MB, limits.outputs, _MESSAGES_PER_OUTPUT * limits.outputs)
        bounds = OutputBounds(one_cell, one_cell.times(_CELLS_OF_OUTPUT))
        super().__init__(run, manager, watchdog, bounds, startup_s=_START_S)
        self._watchdog = watchdog
        self._watching: asyncio.Task[None] | None = None
        self._passed_over = 0
        self._most_passed_over = _FLOOD * one_cell.messages
        self.flooded: Reason | None = None

    async def start(self, **options: Any) -> None:
        """Start the kernel and watch it."""
        await super().start(**options)
        self._watching = asyncio.create_task(self._watchdog.watch())

    def pass_over(self) -> None:
        """End a kernel whose messages never end."""
        self._passed_over += 1
        if self._passed_over > self._most_passed_over and self.flooded is None:
            self.flooded = reason("messages", limit=self._most_passed_over)
            self._ending = asyncio.ensure_future(kill(self._kernel))

    async def close(self) -> None:
        """End the kernel at once, and all that it started."""
        if self._watching is not None:
            self._watching.cancel()
        await super().close()
        self._kernel.context.destroy(linger=0)
