"""Cells run one by one in a kernel of their own, and what happened is known as data, whatever happened."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from autograder.execution.client import CellClient, Execution
from autograder.execution.clock import Clock
from autograder.execution.kernel import kernel_manager
from autograder.execution.loop import run_to_end
from autograder.execution.outputs import UNBOUNDED, Allowance, OutputBounds, last_seen, writable
from tests.conftest import ROOT

# --- bounds ------------------------------------------------------------------------------------------


def printed(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"msg_type": "stream", "content": {"name": name, "text": text}}


DISPLAYED = {"msg_type": "display_data", "content": {"data": {"text/plain": "x"}}}
CLEARED = {"msg_type": "clear_output", "content": {}}
IDLE = {"msg_type": "status", "content": {"execution_state": "idle"}}
ERROR = {"msg_type": "error", "content": {"ename": "E", "evalue": "x" * 100}}


def admitted(bounds: OutputBounds, *messages: dict[str, Any], cell: NotebookNode | None = None) -> list[bool]:
    """Which messages one cell may show."""
    bounds.begin()
    found = [bounds.admit(message, cell or new_code_cell()) for message in messages]
    bounds.end()
    return found


def test_a_cell_that_has_shown_too_many_bytes_shows_nothing_more_and_still_ends() -> None:
    bounds = OutputBounds(Allowance(bytes=100))
    assert admitted(bounds, printed("x" * 60), printed("x" * 60), printed(""), IDLE) == [1, 0, 0, 1]
    assert bounds.exceeded == "bytes"


def test_a_cell_that_has_shown_too_many_outputs_shows_nothing_more() -> None:
    bounds = OutputBounds(Allowance(outputs=2))
    assert admitted(bounds, DISPLAYED, DISPLAYED, DISPLAYED, IDLE) == [1, 1, 0, 1]
    assert bounds.exceeded == "outputs"


def test_what_is_printed_in_pieces_is_one_output() -> None:
    cell = new_code_cell(outputs=[new_output("stream", name="stdout", text="a")])
    assert admitted(OutputBounds(Allowance(outputs=0)), printed("b"), cell=cell) == [1]
    assert admitted(OutputBounds(Allowance(outputs=0)), printed("b", "stderr"), cell=cell) == [0]


def test_what_was_cleared_is_no_output_any_more() -> None:
    assert admitted(OutputBounds(Allowance(outputs=1)), DISPLAYED, CLEARED, DISPLAYED) == [1, 1, 1]


def test_the_next_cell_begins_anew_within_what_all_cells_may_show() -> None:
    bounds = OutputBounds(Allowance(outputs=2), Allowance(outputs=2).times(2))
    assert admitted(bounds, DISPLAYED, DISPLAYED, DISPLAYED) == [1, 1, 0]
    assert admitted(bounds, DISPLAYED) == [1] and bounds.exceeded is None
    assert admitted(bounds, DISPLAYED, DISPLAYED) == [1, 0]


def test_kinds_that_do_not_count_are_shown_whatever_was_printed() -> None:
    bounds = OutputBounds(Allowance(bytes=10), kinds=("stream",))
    assert admitted(bounds, printed("x" * 50), ERROR, DISPLAYED, printed("")) == [0, 1, 1, 0]


def test_of_a_line_that_is_written_anew_the_last_version_is_seen() -> None:
    assert last_seen("1 %\r2 %\r\n3 %\r4 %") == "2 %\n4 %"


def test_a_lone_surrogate_becomes_what_a_file_can_hold() -> None:
    assert writable({"\ud800": ["a\ud800"]}) == {"?": ["a?"]}


# --- asynchronous code ---------------------------------------------------------------------------------


async def _three() -> int:
    await asyncio.sleep(0)
    return 3


async def _three_from_within() -> int:
    return run_to_end(_three)


def test_it_is_run_to_its_end_also_where_a_loop_runs_already() -> None:
    assert run_to_end(_three) == 3
    assert asyncio.run(_three_from_within()) == 3


# --- kernels -------------------------------------------------------------------------------------------

SHORT_S = 2.0
DEAF = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: time.sleep(0.1)"


class Ran:
    """A notebook of these cells, and a harmless one after them, run as it is for the tests below."""

    def __init__(self, *cells: str | NotebookNode, bounds: OutputBounds | None = None) -> None:
        nodes = [
            new_code_cell(cell) if isinstance(cell, str) else cell for cell in [*cells, "print('after')"]
        ]
        self.execution = Execution(new_notebook(cells=nodes))
        self.kernel = kernel_manager()
        self.clock = Clock(self.kernel, SHORT_S, grace_s=1.0)
        self.client = CellClient(self.execution, self.kernel, self.clock, bounds or OutputBounds(UNBOUNDED))
        self.died = False
        run_to_end(self._run)

    async def _run(self) -> None:
        try:
            await self.client.start()
            await self.client.run_cells()
        except DeadKernelError:
            self.died = True
        finally:
            await self.client.close()

    def shown(self, index: int) -> list[str]:
        outputs = self.execution.notebook.cells[index].get("outputs", [])
        return [o.get("text") or o.get("ename") or o.data["text/plain"] for o in outputs]


@pytest.mark.slow
def test_a_cell_that_takes_too_long_is_interrupted_and_the_next_one_runs() -> None:
    ran = Ran(new_markdown_cell("prose"), "while True: pass")
    assert ran.clock.stopped == {1} and ran.shown(1) == ["KeyboardInterrupt"]
    assert ran.execution.finished == {0, 1, 2} and ran.execution.died_in is None
    assert ran.shown(2) == ["after\n"] and not ran.died


@pytest.mark.slow
def test_a_kernel_that_does_not_heed_an_interrupt_is_ended_and_the_cell_is_known() -> None:
    ran = Ran("print('before')", DEAF)
    assert ran.died and ran.execution.died_in == 1 and ran.clock.stopped == {1}
    assert ran.execution.finished == {0} and ran.shown(0) == ["before\n"]


@pytest.mark.slow
def test_a_kernel_that_ends_by_itself_is_noticed() -> None:
    ran = Ran("import os; os._exit(1)")
    assert ran.died and ran.execution.died_in == 0 and ran.clock.stopped == set()
    assert ran.execution.finished == set()


@pytest.mark.slow
def test_what_was_printed_is_cut_and_the_error_after_it_is_kept() -> None:
    bounds = OutputBounds(Allowance(bytes=1000), kinds=("stream",))
    ran = Ran("for _ in range(100): print('x' * 100, flush=True)\n1 / 0", bounds=bounds)
    text, error = ran.shown(0)
    assert len(text) <= 1000 and error == "ZeroDivisionError" and ran.execution.cut == {0}
    assert ran.shown(1) == ["after\n"]


@pytest.mark.slow
def test_a_later_cell_changes_nothing_that_was_shown() -> None:
    show = "from IPython.display import display\nhandle = display('first', display_id='x')"
    ran = Ran(show, "handle.update('second')")
    assert ran.shown(0) == ["'first'"]


@pytest.mark.slow
def test_whoever_cancels_a_run_ends_its_kernel_and_is_not_told_that_it_died() -> None:
    execution = Execution(new_notebook(cells=[new_code_cell("while True: pass")]))
    kernel = kernel_manager()
    client = CellClient(execution, kernel, Clock(kernel, 60.0), OutputBounds(UNBOUNDED))

    async def run() -> None:
        try:
            await client.start()
            await client.run_cells()
        finally:
            await client.close()

    async def cancelled() -> bool:
        task = asyncio.create_task(run())
        while not execution.notebook.cells[0].get("execution_count"):
            await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled() and not await kernel.is_alive()

    assert asyncio.run(cancelled())


# --- what it does not cost -----------------------------------------------------------------------------


def test_the_library_is_imported_without_what_runs_notebooks() -> None:
    code = (
        "import sys\n"
        "for name in ('nbclient', 'nbformat', 'jupyter_client', 'ipykernel', 'traitlets.config'):\n"
        "    sys.modules[name] = None\n"
        "import autograder, autograder.__main__, autograder.opening"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
