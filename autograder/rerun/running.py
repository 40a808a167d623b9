"""Run a copy of a notebook, in a kernel and a folder of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode

from autograder.emission import SEED_VARIABLE
from autograder.execution.client import CellClient, Execution
from autograder.execution.clock import Clock
from autograder.execution.kernel import kernel_manager
from autograder.execution.loop import run_to_end
from autograder.execution.outputs import Allowance, OutputBounds
from autograder.rerun.reading import Notebook, is_code
from autograder.rerun.texts import RerunError, Text

# What the course shrinks exploration by, as while grading; and what it draws no bars by.
_SHORT = {"COURSE_MODE": "grading"}
_QUIET = {"COURSE_PROGRESS": "off"}
# More than anybody reads of what a cell prints; errors and marks are never cut.
_MAX_PRINTED = Allowance(bytes=4 * 2**20)
# Files beside the notebook are copied, so that a run leaves them as they are; larger ones are linked.
_MAX_COPIED = 32 * 2**20
_MAX_FILES = 500
_LEFT_OUT = {".git", ".venv", "__pycache__", "node_modules", ".ipynb_checkpoints", "marks.json"}

Progress = Callable[[int, int, str], None]


@dataclass
class Rerun(Execution):
    """A student's notebook that was run from a clean kernel.

    Attributes:
        stopped: what to say of cells that took too long or took the kernel with them, by index.
        notes: what else there is to say.
    """

    stopped: dict[int, Text] = field(default_factory=dict)
    notes: list[Text] = field(default_factory=list)


def rerun(
    notebook: Notebook, *, time_limit: float, full: bool = False, progress: Progress = lambda *_: None
) -> Rerun:
    """Run a copy of a notebook from its first cell to its last.

    Args:
        notebook: stays as it is, and so does its folder.
        time_limit: seconds for one cell.
        full: whether exploration is not shrunk.
        progress: called before each cell with its number, the number of cells and its name.

    Raises:
        RerunError: if no kernel starts.
    """
    run = Rerun(deepcopy(notebook.content))
    with _folder_like(notebook.path.resolve().parent, run.notes) as folder:
        manager = kernel_manager()
        clock = Clock(manager, time_limit)
        bounds = OutputBounds(_MAX_PRINTED, kinds=("stream",))
        client = CellClient(run, manager, clock, bounds, on_cell_start=_announce(notebook, progress))
        run_to_end(lambda: _run(client, folder, _environment(full)))
    run.stopped = _stopped(notebook, run, clock, time_limit)
    return run


async def _run(client: CellClient, folder: Path, environment: dict[str, str]) -> None:
    """Run the cells of a notebook, as far as its kernel lives.

    Raises:
        RerunError: if no kernel starts.
    """
    try:
        await client.start(cwd=str(folder), env=environment)
        await client.run_cells()
    except DeadKernelError:
        pass  # the execution knows in which cell
    except (RuntimeError, OSError) as error:
        raise RerunError("no_kernel", detail=str(error).partition("\n")[0]) from None
    finally:
        await client.close()


def _announce(notebook: Notebook, progress: Progress) -> Callable[..., None]:
    """Return what to call before each cell, as nbclient calls it."""
    code = [index for index, cell in enumerate(notebook.content.cells) if is_code(cell)]

    def announce(cell: NotebookNode, cell_index: int) -> None:
        if is_code(cell):
            progress(code.index(cell_index) + 1, len(code), notebook.name(cell_index))

    return announce


def _stopped(notebook: Notebook, run: Rerun, clock: Clock, time_limit: float) -> dict[int, Text]:
    """Return what to say of cells that took too long or took the kernel with them, by index."""
    stopped = {
        index: Text("too_long", {"cell": notebook.name(index), "limit": time_limit})
        for index in clock.stopped
    }
    if run.died_in is not None:
        key = "stuck" if run.died_in in clock.stopped else "died"
        stopped[run.died_in] = Text(key, {"cell": notebook.name(run.died_in)})
    return stopped


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
