"""Run a copy of a notebook, in a kernel and a folder of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from autograder.emission import SEED_VARIABLE
from autograder.rerun.reading import Notebook, is_code
from autograder.rerun.texts import RerunError, Text

# What the course shrinks exploration by, as while grading; and what it draws no bars by.
_SHORT = {"COURSE_MODE": "grading"}
_QUIET = {"COURSE_PROGRESS": "off"}
_IDENTITY = ".identity("
_IDENTITIES = "import json\nprint(json.dumps(list(lab.identities)))"
_AFTER_INTERRUPT_S = 10
_MAX_OUTPUT = 4 * 2**20
# Files beside the notebook are copied, so that a run leaves them as they are; larger ones are linked.
_MAX_COPIED = 32 * 2**20
_MAX_FILES = 500
_LEFT_OUT = {".git", ".venv", "__pycache__", "node_modules", ".ipynb_checkpoints", "marks.json"}

Progress = Callable[[int, int, str], None]


@dataclass
class Run:
    """A notebook that was run.

    Attributes:
        content: its cells, with their outputs.
        finished: indices of the code cells that were run to their end, with or without an error.
        stopped: what to say of cells that took too long or took the kernel with them, by index.
        identities: the ids in the identity cell.
        notes: what else there is to say.
    """

    content: NotebookNode
    finished: set[int] = field(default_factory=set)
    stopped: dict[int, Text] = field(default_factory=dict)
    identities: tuple[str, ...] = ()
    notes: list[Text] = field(default_factory=list)


def run_notebook(
    notebook: Notebook, *, time_limit: float, full: bool = False, progress: Progress = lambda *_: None
) -> Run:
    """Run a copy of a notebook from its first cell to its last.

    Args:
        notebook: stays as it is, and so does its folder.
        time_limit: seconds for one cell.
        full: whether exploration is not shrunk.
        progress: called before each cell with its number, the number of cells and its name.

    Raises:
        RerunError: if no kernel starts.
    """
    run = Run(deepcopy(notebook.content))
    with _folder_like(notebook.path.resolve().parent, run.notes) as folder:
        manager = _kernel_manager()
        client = _Client(
            run.content,
            km=manager,
            timeout=max(1, round(time_limit)),
            allow_errors=True,
            interrupt_on_timeout=True,
            record_timing=False,
            shutdown_kernel="immediate",
            resources={"metadata": {"path": str(folder)}},
        )
        client.log.setLevel(logging.CRITICAL)
        try:
            # The kernel's own log is no output of the notebook.
            with client.setup_kernel(env=_environment(full), stderr=subprocess.DEVNULL):
                _run_cells(notebook, run, client, manager, time_limit, progress)
        except (RuntimeError, OSError) as error:
            raise RerunError("no_kernel", detail=str(error).splitlines()[0]) from None
    return run


def _run_cells(
    notebook: Notebook, run: Run, client: _Client, manager: _Manager, time_limit: float, progress: Progress
) -> None:
    """Run the cells one by one; one that takes too long is interrupted and the next one runs."""
    code = [index for index, cell in enumerate(run.content.cells) if is_code(cell)]
    for number, index in enumerate(code, start=1):
        progress(number, len(code), notebook.name(index))
        cell = run.content.cells[index]
        manager.begin_cell()
        try:
            if cell.source.strip():
                client.execute_cell(cell, index)
            run.finished.add(index)
        except DeadKernelError:
            key = "stuck" if manager.interrupted else "died"
            run.stopped[index] = Text(key, {"cell": notebook.name(index)})
            return
        if manager.interrupted:
            details = {"cell": notebook.name(index), "limit": time_limit}
            run.stopped[index] = Text("too_long", details)
        elif _IDENTITY in cell.source:
            # At once: a later cell may end the kernel.
            run.identities = client.identities()


class _Manager(AsyncKernelManager):
    """A manager that ends a kernel which does not heed an interrupt.

    Attributes:
        interrupted: whether the cell that runs was interrupted.
    """

    def begin_cell(self) -> None:
        """Note that another cell begins."""
        self.interrupted = False
        self._cell = object()

    async def _async_interrupt_kernel(self) -> None:
        self.interrupted = True
        self._end = asyncio.ensure_future(self._end_later(self._cell))
        await super()._async_interrupt_kernel()

    # As jupyter_client itself ties the two names: nbclient calls this when a cell takes too long.
    interrupt_kernel = _async_interrupt_kernel

    async def _end_later(self, cell: object) -> None:
        await asyncio.sleep(_AFTER_INTERRUPT_S)
        if cell is self._cell:
            await self.shutdown_kernel(now=True)


class _Client(NotebookClient):
    """nbclient's client, with a bound on what a cell may write."""

    def output(self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str, cell_index: int) -> Any:
        """Keep an output, unless the cell has written more than anybody reads."""
        written = sum(len(o.get("text", "")) for o in outs)
        if msg["msg_type"] == "stream" and written > _MAX_OUTPUT:
            return None
        return super().output(outs, msg, display_id, cell_index)

    def identities(self) -> tuple[str, ...]:
        """Return the ids that the notebook's session has been given."""
        try:
            return tuple(str(name) for name in json.loads(self._ask(_IDENTITIES)))
        except (DeadKernelError, ValueError, TypeError):
            return ()

    def _ask(self, code: str) -> str:
        """Run code that is no cell of the notebook's and return what it prints."""
        cell = new_code_cell(code)
        self.nb.cells.append(cell)
        try:
            self.execute_cell(cell, len(self.nb.cells) - 1)
        finally:
            self.nb.cells.pop()
        return "".join(output.get("text", "") for output in cell.outputs)


def _kernel_manager() -> _Manager:
    """Return a manager of kernels of this very Python, whatever kernels are installed by name."""
    manager = _Manager()
    manager.begin_cell()
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager._kernel_spec = KernelSpec(argv=argv, display_name="Python 3", language="python")
    return manager


def _environment(full: bool) -> dict[str, str]:
    """Return the kernel's environment variables."""
    variables = {**os.environ, **_QUIET, **({} if full else _SHORT)}
    variables.pop(SEED_VARIABLE, None)
    data = variables.get("COURSE_DATA")
    if data:
        variables["COURSE_DATA"] = str(Path(data).resolve())
    return variables


@contextlib.contextmanager
def _folder_like(original: Path, notes: list[Text]) -> Iterator[Path]:
    """Yield a folder with what lies beside the notebook; what a run writes there is gone afterwards."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for path in sorted(original.iterdir())[:_MAX_FILES]:
            if path.name in _LEFT_OUT or path.suffix == ".ipynb":
                continue
            try:
                _lend(path, folder / path.name)
            except OSError as error:
                why = error.strerror or type(error).__name__
                notes.append(Text("file_left_out", {"file": path.name, "error": why}))
        yield folder


def _lend(path: Path, target: Path) -> None:
    """Copy what is small and link what is not."""
    if not _is_small(path):
        target.symlink_to(path, target_is_directory=path.is_dir())
    elif path.is_dir():
        shutil.copytree(path, target, symlinks=True)
    else:
        shutil.copy2(path, target)


def _is_small(path: Path) -> bool:
    """Tell whether a file, or all of a folder, is quickly copied."""
    left = _MAX_COPIED
    for count, file in enumerate([path] if path.is_file() else path.rglob("*")):
        left -= file.lstat().st_size
        if left < 0 or count >= _MAX_FILES:
            return False
    return True
