"""Run a notebook in an isolated kernel, cell by cell, and keep what finished whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq.asyncio
from jupyter_client import AsyncKernelClient, AsyncKernelManager
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from traitlets import Type

from course.instructor.intake.notes import Reason, reason
from course.instructor.kernels.limits import MB, Limits
from course.instructor.kernels.sandbox import Sandbox, sandbox
from course.instructor.kernels.warm import shared_zygote
from course.instructor.kernels.watchdog import Watchdog

# Ways of isolation whose kernels are forked from a process that has imported everything.
WARM = ("fork", "bwrap+fork")
# The greatest message that a kernel may send: a larger one ends its connection, and with it the cell.
_MAX_MESSAGE = 64 * MB
_START_S = 600
# A whole notebook may show as much as this many cells.
_CELLS_OF_OUTPUT = 8
# A name that jupyter_client takes for an IPython kernel, which has settings of its own.
_KERNEL = "python3"


@dataclass
class Run:
    """A notebook that was run, perhaps not to its end.

    Attributes:
        notebook: with the outputs of all cells that were run.
        finished: indices of the cells that were run to their end.
        stopped: why cells were interrupted, by index.
        cut: indices of cells whose output was cut.
        died: why the kernel ended before the notebook did, None if it did not.
        died_in: index of the cell that ran then.
        cpu_s: processor time that the kernel used.
        wall_s: time on the clock.
    """

    notebook: NotebookNode
    finished: set[int] = field(default_factory=set)
    stopped: dict[int, Reason] = field(default_factory=dict)
    cut: set[int] = field(default_factory=set)
    died: Reason | None = None
    died_in: int | None = None
    cpu_s: float = 0.0
    wall_s: float = 0.0


# Decides, after a notebook has run, which cells to run in the same kernel.
MoreCells = Callable[[Run], list[NotebookNode]]


def run_notebook(
    notebook: NotebookNode,
    *,
    isolation: str,
    limits: Limits,
    variables: Mapping[str, str] | None = None,
    files: Mapping[str, bytes] | None = None,
    modules: Sequence[str] = (),
    more: MoreCells | None = None,
) -> Run:
    """Run a notebook in a kernel of its own.

    Args:
        notebook: what to run; it is not changed.
        isolation: "bwrap", "bwrap+fork", "fork" or "none"; see `course.instructor.kernels.isolation`.
        limits: what the kernel may use.
        variables: environment variables of the kernel.
        files: what was handed in beside the notebook, by path.
        modules: what a warm kernel has imported.
        more: given the run so far, returns further cells to run; their outputs come back in them.

    Returns:
        The run; never raises on account of what the notebook does.
    """
    folder = Path(_new_folder(isolation, modules))
    try:
        return asyncio.run(
            _run(notebook, folder, isolation, limits, variables or {}, files or {}, modules, more)
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _new_folder(isolation: str, modules: Sequence[str]) -> str:
    """Return a folder for one kernel, with a path short enough for sockets, where its maker can see it."""
    if isolation in WARM:
        zygote = shared_zygote(modules, walled=isolation == "bwrap+fork")
        return tempfile.mkdtemp(prefix="k", dir=zygote.folder)
    return tempfile.mkdtemp(prefix="gk-", dir="/tmp")


async def _run(
    notebook: NotebookNode,
    folder: Path,
    isolation: str,
    limits: Limits,
    variables: Mapping[str, str],
    files: Mapping[str, bytes],
    modules: Sequence[str],
    more: MoreCells | None,
) -> Run:
    run = Run(deepcopy(notebook))
    start = time.monotonic()
    connection = folder / "k"
    connection.mkdir(mode=0o700)
    box = sandbox(str(connection), limits, variables, _stage(files, folder / "files"))
    manager = _manager(box, isolation, modules)
    watchdog = Watchdog(
        limits, str(connection), lambda: _pid(manager), lambda: _signal(manager, kill=False),
        lambda: _signal(manager, kill=True),
    )  # fmt: skip
    client = _Client(run, watchdog, limits, manager)
    watching: asyncio.Task[None] | None = None
    try:
        await manager.start_kernel(
            extra_arguments=["--HistoryManager.hist_file=:memory:"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        watching = asyncio.create_task(watchdog.watch())
        await client.run_cells(more)
    except DeadKernelError:
        run.died = watchdog.killed or reason("kernel_died")
    except Exception as error:  # a kernel in a student's hands may answer anything
        logging.getLogger(__name__).warning("%r", error)
        run.died = watchdog.killed or reason("no_start" if run.died_in is None else "kernel_died")
    finally:
        if watching is not None:
            watching.cancel()
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


class _Specs(KernelSpecManager):
    """Knows one kernel: this environment's, isolated."""

    def __init__(self, box: Sandbox, isolation: str, modules: Sequence[str]) -> None:
        super().__init__()
        config: dict[str, Any] = {"sandbox": box.as_json()}
        if isolation in WARM:
            config |= {"modules": list(modules), "walled": isolation == "bwrap+fork"}
        provisioner = "course-fork" if isolation in WARM else f"course-{isolation}"
        self._spec = KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Python",
            language="python",
            metadata={"kernel_provisioner": {"provisioner_name": provisioner, "config": config}},
        )

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the kernel."""
        return self._spec


class _Channel(AsyncZMQSocketChannel):
    """A channel that passes over what is no message: the other end is in a student's hands."""

    async def get_msg(  # type: ignore[override]  # as its base class has it
        self, timeout: float | None = None
    ) -> dict[str, Any]:
        """Return the next message.

        Raises:
            queue.Empty: if none comes in time.
        """
        while True:
            with contextlib.suppress(ValueError, TypeError, KeyError, IndexError, AttributeError):
                message: dict[str, Any] = await super().get_msg(timeout)
                parts = (message["content"], message["parent_header"], message["header"])
                if all(isinstance(part, dict) for part in parts) and isinstance(message["msg_type"], str):
                    return message


class _KernelClient(AsyncKernelClient):
    """A client whose channels bear with anything."""

    shell_channel_class = Type(_Channel)
    iopub_channel_class = Type(_Channel)
    control_channel_class = Type(_Channel)


def _manager(box: Sandbox, isolation: str, modules: Sequence[str]) -> AsyncKernelManager:
    """Return the manager of a kernel that is reached through sockets in a folder, without a network."""
    context = zmq.asyncio.Context()
    context.setsockopt(zmq.MAXMSGSIZE, _MAX_MESSAGE)
    context.setsockopt(zmq.LINGER, 0)
    return AsyncKernelManager(
        kernel_name=_KERNEL,
        kernel_spec_manager=_Specs(box, isolation, modules),
        transport="ipc",
        connection_file=f"{box.folder}/c.json",
        context=context,
        client_factory=_KernelClient,
    )


def _pid(manager: AsyncKernelManager) -> int | None:
    """Return the number of the kernel's process."""
    provisioner = manager.provisioner
    return provisioner.kernel_pid if provisioner is not None else None


async def _signal(manager: AsyncKernelManager, *, kill: bool) -> None:
    """Interrupt or kill a kernel."""
    with contextlib.suppress(RuntimeError, OSError):
        if kill and manager.provisioner is not None:
            await manager.provisioner.kill()
        else:
            await manager.interrupt_kernel()


# --- cells -----------------------------------------------------------------------------------------


class _Client(NotebookClient):
    """nbclient's client, with a bound on what a cell may show, and nothing kept of widgets."""

    def __init__(self, run: Run, watchdog: Watchdog, limits: Limits, manager: AsyncKernelManager) -> None:
        super().__init__(
            run.notebook,
            km=manager,
            timeout=None,
            startup_timeout=_START_S,
            allow_errors=True,
            record_timing=False,
            store_widget_state=False,
            iopub_timeout=10,
            log=_quiet_log(),
        )
        self._run = run
        self._watchdog = watchdog
        self._budget = self._left = limits.output_mb * MB
        self._total_left = _CELLS_OF_OUTPUT * self._budget

    async def run_cells(self, more: MoreCells | None) -> None:
        """Run all cells of the notebook, then those that `more` asks for.

        Raises:
            DeadKernelError: if the kernel ends before.
        """
        await self.async_start_new_kernel_client()
        for index, cell in enumerate(self.nb.cells):
            self._run.died_in = index
            await self._run_cell(cell, index)
            self._run.finished.add(index)
        self._run.died_in = None
        for cell in more(self._run) if more else []:
            # Further cells take a place that no cell of the notebook has.
            self.nb.cells.append(cell)
            try:
                await self._run_cell(cell, len(self.nb.cells) - 1)
            finally:
                self.nb.cells.pop()

    async def _run_cell(self, cell: NotebookNode, index: int) -> None:
        self._left = granted = min(self._budget, self._total_left)
        self._watchdog.begin(index)
        try:
            await self.async_execute_cell(cell, index)
        finally:
            if cell.cell_type == "code":
                cell.outputs = merged_streams(cell.outputs)
            self._watchdog.end()
            self._total_left -= granted - max(self._left, 0)

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        """Process a message of the kernel, unless the cell has shown too much."""
        if msg["msg_type"] not in ("status", "execute_input"):
            self._left -= _size(msg["content"])
            if self._left < 0:
                self._run.cut.add(cell_index)
                return None
        try:
            msg["content"] = _writable(msg["content"])
            return super().process_message(msg, cell, cell_index)
        except (KeyError, TypeError, AttributeError, ValueError, IndexError):
            return None  # a message that no honest kernel sends

    def handle_comm_msg(self, outs: Any, msg: Any, cell_index: int) -> None:
        """Keep nothing of widgets."""

    async def close(self) -> None:
        """End the kernel at once, and all that it started."""
        self.shutdown_kernel = "immediate"
        if self.km is None:
            return
        context = self.km.context
        with contextlib.suppress(Exception):  # the kernel may be in any state, and is on its way out
            await self._async_cleanup_kernel()
        context.destroy(linger=0)


def merged_streams(outputs: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Join what a cell printed piece by piece, and drop what carriage returns have overwritten.

    nbclient can do so too, in a time that grows with the square of the longest line.
    """
    merged: list[NotebookNode] = []
    pieces: list[list[str]] = []
    for output in outputs:
        last = merged[-1] if merged else None
        if last and "name" in output and last.get("name") == output["name"]:
            pieces[-1].append(output["text"])
        else:
            merged.append(output)
            pieces.append([output.get("text", "")])
    for output, texts in zip(merged, pieces, strict=True):
        if len(texts) > 1:
            output["text"] = "".join(texts)
        if output["output_type"] == "stream" and "\r" in output["text"]:
            lines = output["text"].replace("\r\n", "\n").split("\n")
            output["text"] = "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines)
    return merged


def _size(content: Any) -> int:
    """Return about how many bytes a message's content has."""
    if isinstance(content, str):
        return len(content)
    if isinstance(content, dict):
        return 8 + sum(len(str(key)) + _size(value) for key, value in content.items())
    if isinstance(content, (list, tuple)):
        return 8 + sum(_size(value) for value in content)
    return 8


def _writable(content: Any) -> Any:
    """Return a message's content without lone surrogates, which JSON can spell and no file can hold."""
    if isinstance(content, str):
        return content.encode("utf-8", "replace").decode()
    if isinstance(content, dict):
        return {_writable(key): _writable(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_writable(value) for value in content]
    return content


def _quiet_log() -> logging.Logger:
    """Return a logger that keeps nbclient's complaints about students' kernels to itself."""
    log = logging.getLogger("course.instructor.kernels.nbclient")
    log.setLevel(logging.CRITICAL)
    return log
