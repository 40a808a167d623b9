"""What a cell has shown is final when it ends, and bounded in bytes and in number."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder.execution.outputs import merged_streams
from autograder.instructor.forkserver.client import close_servers
from autograder.instructor.kernels.execution import Run, run_notebook
from autograder.instructor.limits import Limits
from tests.instructor.conftest import usable_isolation

pytestmark = pytest.mark.slow
SMALL = Limits(cell_cpu_s=10, notebook_cpu_s=60, idle_s=10, memory_mb=2000, disk_mb=16, outputs=50)


@pytest.fixture(scope="module", autouse=True)
def kernels() -> Iterator[None]:
    yield
    close_servers()


def run(*cells: str, limits: Limits = SMALL) -> Run:
    """Run cells, and a harmless one after them."""
    notebook = new_notebook(cells=[new_code_cell(source) for source in [*cells, "print('after')"]])
    return run_notebook(notebook, isolation=usable_isolation(), limits=limits)


def shown(result: Run, index: int) -> list[str]:
    outputs = result.notebook.cells[index].outputs
    return [o.get("text") or o.get("data", {}).get("text/plain", "") for o in outputs]


def went_on(result: Run) -> bool:
    return result.died is None and shown(result, -1) == ["after\n"]


SHOW = "from IPython.display import display\nhandle = display('first', display_id='x')"


def test_a_later_cell_changes_nothing_that_was_shown() -> None:
    again = "handle = display('third', display_id='x')"
    result = run(SHOW, "handle.update('second')", again, "handle.update('fourth')")
    assert shown(result, 0) == ["'first'"] and shown(result, 2) == ["'third'"] and went_on(result)


def test_a_cell_changes_what_it_has_shown_itself() -> None:
    assert shown(run(f"{SHOW}\nhandle.update('second')"), 0) == ["'second'"]


def test_a_message_in_the_name_of_an_earlier_cell_is_passed_over() -> None:
    late = (
        "shell = get_ipython()\nnow = shell.display_pub.parent_header\n"
        "shell.display_pub.set_parent({'header': then})\ndisplay('late')\n"
        "shell.display_pub.set_parent({'header': now})"
    )
    first = f"{SHOW}\nthen = get_ipython().display_pub.parent_header"
    result = run(first, late)
    assert shown(result, 0) == ["'first'"] and shown(result, 1) == [] and went_on(result)


@pytest.mark.parametrize(
    "code",
    [
        "from IPython.display import display\nfor _ in range(3000): display(1)",
        "import sys\nfor _ in range(3000): print(1, flush=True); print(2, file=sys.stderr, flush=True)",
        "from IPython.display import display\nh = display(1, display_id=True)\n"
        "for _ in range(3000): h.update(2)",
    ],
    ids=["outputs", "alternating streams", "updates"],
)
def test_a_great_many_small_outputs_are_cut(code: str) -> None:
    result = run(code)
    assert result.crowded == {0} and not result.cut and went_on(result)
    assert len(result.notebook.cells[0].outputs) <= SMALL.outputs


def test_outputs_of_all_cells_together_are_bounded() -> None:
    cell = "from IPython.display import display\nfor _ in range(50): display(1)"
    result = run(*[cell] * 10)
    assert result.crowded == {8, 9, 10} and result.died is None
    assert sum(len(c.outputs) for c in result.notebook.cells) <= 8 * SMALL.outputs


def test_a_film_and_a_long_log_are_no_crowd() -> None:
    film = (
        "from IPython.display import clear_output, display\n"
        "for i in range(200): clear_output(wait=True); display(i)"
    )
    result = run(film, "for i in range(500): print(i, flush=True)")
    assert not result.crowded and shown(result, 0) == ["199"] and went_on(result)
    assert shown(result, 1) == ["".join(f"{i}\n" for i in range(500))]


def test_a_kernel_whose_messages_never_end_is_ended() -> None:
    few = replace(SMALL, outputs=5)
    result = run("done = 1", "from IPython.display import display\nwhile True: display(1)", limits=few)
    assert result.died is not None and result.died.key == "messages" and result.finished == {0}


def test_joining_what_was_printed_takes_time_in_proportion() -> None:
    start = time.process_time()
    pieces = [{"output_type": "stream", "name": "stdout", "text": "x" * 200} for _ in range(20_000)]
    assert len(merged_streams(pieces)[0]["text"]) == 4_000_000
    assert time.process_time() - start < 1
