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
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import astuple, dataclass, field, replace
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

from autograder.instructor.intake.notes import Reason, reason
from autograder.instructor.intake.outputs import last_seen
from autograder.instructor.kernels.cgroups import Group
from autograder.instructor.kernels.limits import MB, Limits
from autograder.instructor.kernels.sandbox import Sandbox, sandbox
from autograder.instructor.kernels.warm import WARM, server_address
from autograder.instructor.kernels.watchdog import Watchdog

# The greatest message that a kernel may send: a larger one ends its connection, and with it the cell.
_MAX_MESSAGE = 64 * MB
_START_S = 600
# A whole notebook may show as much as this many cells.
_CELLS_OF_OUTPUT = 8
# Messages per output: what is printed piece by piece makes one output, and a film clears what it has shown.
_MESSAGES_PER_OUTPUT = 20
# After this many times what a cell may send was passed over, the kernel is ended: even that takes time.
_FLOOD = 10
# A name that jupyter_client takes for an IPython kernel, which has settings of its own.
_KERNEL = "python3"


@dataclass
class Run:
    """A notebook that was run, perhaps not to its end.

    Attributes:
        notebook: with the outputs of all cells that were run.
        finished: indices of the cells that were run to their end.
        stopped: why cells were interrupted, by index.
        cut: indices of cells whose output was cut, too many bytes.
        crowded: indices of cells whose output was cut, too many outputs.
        died: why the kernel ended before the notebook did, None if it did not.
        died_in: index of the cell that ran then.
        cpu_s: processor time that the kernel used.
        wall_s: time on the clock.
    """

    notebook: NotebookNode
    finished: set[int] = field(default_factory=set)
    stopped: dict[int, Reason] = field(default_factory=dict)
    cut: set[int] = field(default_factory=set)
    crowded: set[int] = field(default_factory=set)
    died: Reason | None = None
    died_in: int | None = None
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

    Returns:
        The run; never raises on account of what the notebook does.
    """
    kernel_server = kernel_server or server_address(isolation, modules)
    folder = Path(_new_folder(kernel_server))
    try:
        return asyncio.run(
            _run(notebook, folder, isolation, limits, variables or {}, files or {}, modules, kernel_server)
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
) -> Run:
    run = Run(deepcopy(notebook))
    start = time.monotonic()
    connection = folder / "k"
    connection.mkdir(mode=0o700)
    box = sandbox(str(connection), limits, variables, _stage(files, folder / "files"), modules)
    manager = _manager(box, isolation, kernel_server)
    watchdog = Watchdog(
        limits, str(connection), lambda: _pid(manager), lambda: _signal(manager, kill=False),
        lambda: _signal(manager, kill=True), lambda: _group(manager),
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
        await client.run_cells()
    except DeadKernelError:
        run.died = watchdog.cause() or client.flooded or reason("kernel_died")
    except Exception as error:  # a kernel in a student's hands may answer anything
        logging.getLogger(__name__).warning("%r", error)
        run.died = watchdog.cause() or reason("no_start" if run.died_in is None else "kernel_died")
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

    def __init__(self, box: Sandbox, isolation: str, kernel_server: str | None) -> None:
        super().__init__()
        config: dict[str, Any] = {"sandbox": box.as_json()}
        if kernel_server is not None:
            config["address"] = kernel_server
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


def _manager(box: Sandbox, isolation: str, kernel_server: str | None) -> AsyncKernelManager:
    """Return the manager of a kernel that is reached through sockets in a folder, without a network."""
    context = zmq.asyncio.Context()
    context.setsockopt(zmq.MAXMSGSIZE, _MAX_MESSAGE)
    context.setsockopt(zmq.LINGER, 0)
    return AsyncKernelManager(
        kernel_name=_KERNEL,
        kernel_spec_manager=_Specs(box, isolation, kernel_server),
        transport="ipc",
        connection_file=box.connection_file,
        context=context,
        client_factory=_KernelClient,
    )


def _pid(manager: AsyncKernelManager) -> int | None:
    """Return the number of the kernel's process."""
    provisioner = manager.provisioner
    return provisioner.kernel_pid if provisioner is not None else None


def _group(manager: AsyncKernelManager) -> Group | None:
    """Return the kernel's control group, if it has one."""
    return getattr(manager.provisioner, "group", None)


async def _signal(manager: AsyncKernelManager, *, kill: bool) -> None:
    """Interrupt or kill a kernel."""
    with contextlib.suppress(RuntimeError, OSError):
        if kill and manager.provisioner is not None:
            await manager.provisioner.kill()
        else:
            await manager.interrupt_kernel()


# --- cells -----------------------------------------------------------------------------------------


@dataclass
class _Allowance:
    """How much a cell, or a whole notebook, may still show; below 0 where it has shown too much."""

    bytes: int
    outputs: int
    messages: int

    def times(self, factor: int) -> _Allowance:
        """Return as much for several."""
        return _Allowance(factor * self.bytes, factor * self.outputs, factor * self.messages)

    def within(self, other: _Allowance) -> _Allowance:
        """Return what is in both."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return _Allowance(*(max(0, min(pair)) for pair in pairs))

    def after(self, granted: _Allowance, left: _Allowance) -> _Allowance:
        """Return what is left of all when a cell has ended."""
        parts = zip(astuple(self), astuple(granted), astuple(left), strict=True)
        return _Allowance(*(whole - (given - max(rest, 0)) for whole, given, rest in parts))


class _Client(NotebookClient):
    """nbclient's client, with a bound on what a cell may show, and nothing kept of widgets.

    What a cell has shown is final when it ends: marks hang on it, and a later cell knows more.

    Attributes:
        flooded: why the kernel was ended, if it sent messages without end.
    """

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
        self._one_cell = _Allowance(
            limits.output_mb * MB, limits.outputs, _MESSAGES_PER_OUTPUT * limits.outputs
        )
        self._all_left = self._one_cell.times(_CELLS_OF_OUTPUT)
        self._granted = self._left = self._one_cell
        self._ignored = 0
        self.flooded: Reason | None = None

    async def run_cells(self) -> None:
        """Run all cells of the notebook.

        Raises:
            DeadKernelError: if the kernel ends before.
        """
        await self.async_start_new_kernel_client()
        for index, cell in enumerate(self.nb.cells):
            self._run.died_in = index
            await self._run_cell(cell, index)
            self._run.finished.add(index)
        self._run.died_in = None

    async def _run_cell(self, cell: NotebookNode, index: int) -> None:
        self._granted = self._one_cell.within(self._all_left)
        self._left = replace(self._granted)
        self._watchdog.begin(index)
        try:
            await self.async_execute_cell(cell, index)
        finally:
            self._freeze(cell)
            self._watchdog.end()
            self._all_left = self._all_left.after(self._granted, self._left)

    def _freeze(self, cell: NotebookNode) -> None:
        """Make what a cell has shown final: no later message finds the way to it."""
        self._display_id_map.clear()
        if cell.cell_type == "code":
            cell.outputs = merged_streams(cell.outputs)

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        """Process a message of the kernel, unless the cell has shown too much."""
        if msg["msg_type"] not in ("status", "execute_input") and not self._may_show(msg, cell, cell_index):
            self._end_floods()
            return None
        try:
            msg["content"] = _writable(msg["content"])
            if msg["msg_type"] == "stream" and not isinstance(msg["content"]["text"], str):
                return None
            return super().process_message(msg, cell, cell_index)
        except (KeyError, TypeError, AttributeError, ValueError, IndexError):
            return None  # a message that no honest kernel sends

    def _may_show(self, msg: dict[str, Any], cell: NotebookNode, index: int) -> bool:
        """Tell whether the cell may still show a message; one that it may not costs next to nothing."""
        run, left = self._run, self._left
        if index in run.cut or index in run.crowded:
            return False
        left.messages -= 1
        left.outputs -= _adds_output(msg, cell)
        if msg["msg_type"] == "clear_output":
            left.outputs = self._granted.outputs
        if left.messages < 0 or left.outputs < 0:
            run.crowded.add(index)
            return False
        left.bytes -= _size(msg["content"])
        if left.bytes < 0:
            run.cut.add(index)
            return False
        return True

    def _end_floods(self) -> None:
        """End a kernel whose messages never end."""
        self._ignored += 1
        most = _FLOOD * self._one_cell.messages
        if self._ignored > most and self.flooded is None:
            self.flooded = reason("messages", limit=most)
            self._ending = asyncio.ensure_future(_signal(self.km, kill=True))

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


def _adds_output(msg: Mapping[str, Any], cell: NotebookNode) -> bool:
    """Tell whether a message makes one more output; what is printed in pieces makes one."""
    kind, last = msg["msg_type"], cell.outputs[-1] if cell.outputs else None
    if kind == "stream":
        return last is None or (last["output_type"], last.get("name")) != (kind, msg["content"].get("name"))
    return kind in ("display_data", "execute_result", "error")


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
        if output["output_type"] == "stream":
            output["text"] = last_seen(output["text"])
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
    log = logging.getLogger("autograder.instructor.kernels.nbclient")
    log.setLevel(logging.CRITICAL)
    return log
