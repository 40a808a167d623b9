"""Run the cells of a notebook one by one, and keep what finished whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Protocol

from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode

from autograder.execution.kernel import close_kernel, start_kernel
from autograder.execution.outputs import OutputBounds, merged_streams, writable

_START_S = 60
# How long the last outputs of a cell may be on their way after its end.
_OUTPUTS_S = 10


@dataclass
class Execution:
    """What happened when a notebook was run, perhaps not to its end.

    Attributes:
        notebook: with the outputs of all cells that were run.
        finished: indices of the cells that were run to their end, with or without an error.
        cut: indices of cells whose output was cut, too many bytes.
        crowded: indices of cells whose output was cut, too many outputs.
        skipped: indices of the cells that were not to be run.
        died_in: index of the cell that ran when the kernel ended; None if it ended with the notebook, or
            never started.
    """

    notebook: NotebookNode
    finished: set[int] = field(default_factory=set)
    cut: set[int] = field(default_factory=set)
    crowded: set[int] = field(default_factory=set)
    skipped: frozenset[int] = frozenset()
    died_in: int | None = None


class Supervisor(Protocol):
    """Stops cells that go on for too long: by interrupting the kernel, and at last by killing it."""

    def begin(self, cell: int) -> None:
        """Note that a cell begins."""

    def end(self) -> None:
        """Note that the cell has ended."""


class CellClient(NotebookClient):
    """nbclient's client, with a supervisor, a bound on what cells may show, and nothing kept of widgets.

    What a cell has shown is final when it ends: marks hang on it, and a later cell knows more.

    Args:
        execution: of the notebook to run; it is filled in as the cells run.
        manager: of the kernel.
        supervisor: is told of each cell.
        bounds: on what cells may show.
        startup_s: seconds that the kernel may take to start.
        **options: of `NotebookClient`, such as `on_cell_start`.
    """

    def __init__(
        self,
        execution: Execution,
        manager: AsyncKernelManager,
        supervisor: Supervisor,
        bounds: OutputBounds,
        *,
        startup_s: int = _START_S,
        **options: Any,
    ) -> None:
        super().__init__(
            execution.notebook,
            km=manager,
            timeout=None,
            startup_timeout=startup_s,
            allow_errors=True,
            record_timing=False,
            store_widget_state=False,
            iopub_timeout=_OUTPUTS_S,
            log=_quiet_log(),
            **options,
        )
        self.execution = execution
        self._kernel = manager
        self._supervisor = supervisor
        self._bounds = bounds

    async def start(self, **options: Any) -> None:
        """Start the kernel.

        Args:
            **options: of its process, such as `cwd` and `env`.
        """
        await start_kernel(self._kernel, **options)

    async def run_cells(self, skipped: Collection[int] = ()) -> None:
        """Run the cells of the notebook in the kernel that was started.

        Args:
            skipped: indices of cells that are left as they are.

        Raises:
            DeadKernelError: if the kernel ends before.
        """
        self.execution.skipped = frozenset(skipped)
        await self.async_start_new_kernel_client()
        for index, cell in enumerate(self.nb.cells):
            if index in skipped:
                continue
            self.execution.died_in = index
            await self._run_cell(cell, index)
            self.execution.finished.add(index)
        self.execution.died_in = None

    async def close(self) -> None:
        """End the kernel at once, and all that it started."""
        await close_kernel(self._kernel)
        if self.kc is not None:
            with contextlib.suppress(Exception):  # a channel may be in any state
                self.kc.stop_channels()

    async def _run_cell(self, cell: NotebookNode, index: int) -> None:
        self._bounds.begin()
        self._supervisor.begin(index)
        try:
            await self.async_execute_cell(cell, index)
        except DeadKernelError:
            # nbclient takes whatever cancels it for the kernel's end.
            if _is_cancelled():
                raise asyncio.CancelledError from None
            raise
        finally:
            self._freeze(cell)
            self._supervisor.end()
            self._bounds.end()

    def _freeze(self, cell: NotebookNode) -> None:
        """Make what a cell has shown final: no later message finds the way to it."""
        self.reset_execution_trackers()
        if cell.cell_type == "code":
            cell.outputs = merged_streams(cell.outputs)

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        """Process a message of the kernel, unless the cell has shown too much."""
        if not self._bounds.admit(msg, cell):
            found = self.execution
            (found.cut if self._bounds.exceeded == "bytes" else found.crowded).add(cell_index)
            self.pass_over()
            return None
        try:
            msg["content"] = writable(msg["content"])
            if msg["msg_type"] == "stream" and not isinstance(msg["content"]["text"], str):
                return None
            return super().process_message(msg, cell, cell_index)
        except (KeyError, TypeError, AttributeError, ValueError, IndexError):
            return None  # a message that no honest kernel sends

    def pass_over(self) -> None:
        """Note that a message was passed over, because its cell has shown too much."""

    def handle_comm_msg(self, outs: Any, msg: Any, cell_index: int) -> None:
        """Keep nothing of widgets."""


def _is_cancelled() -> bool:
    """Tell whether the task that runs is being cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _quiet_log() -> logging.Logger:
    """Return a logger that keeps nbclient's complaints about students' kernels to itself."""
    return logging.Logger("nbclient", logging.CRITICAL + 1)
