"""A check gives no marks for code that did not run in this form, and says which cell stopped, and where.

The cells run in a kernel of their own, as in a notebook; what a fresh kernel gives is the yardstick.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from autograder.display import MARKS_MIME

pytestmark = pytest.mark.slow

SETUP = """
from autograder.judge import record
from autograder.key import AnswerKey, enrol
from autograder.session import open_lab
import torch

def check(lab, function):
    with lab.marks("data", points=2) as checks:
        checks.fingerprint("data.values", function, lab.supplied_size("n"), points=2)

with record(1) as recording:
    check(open_lab("test"), lambda n: torch.ones(n) * 3)
checks = {name: enrol(seen, "test") for name, seen in recording.observations.items()}
key = AnswerKey("test", 1, recording.blocks, {}, checks)
"""
OPEN = "lab = open_lab('test', language={!r}, key=key)"
CHECK = """with lab.marks("data", points=2) as checks:
    checks.fingerprint("data.values", ones, lab.supplied_size("n"), points=2)
checks.score"""
SCALE = "scale = 3"
RIGHT = "def ones(n):\n    # as many as are asked for\n    return torch.ones(n) * scale"
BROKEN = "def ones(n):\n    # as many as are asked for\n    return torch.ones(n) * scale +"
STOPS_BEFORE = "print(1 / 0)\ndef ones(n):\n    # as many as are asked for\n    return torch.ones(n) * scale"
STOPS_AFTER = RIGHT + "\n\nones(3).nothing()"
Cell = tuple[str, str]


class Kernel:
    """A kernel that runs cells as a frontend does: with the id of each, or without ids."""

    def __init__(self, client: BlockingKernelClient, ids: bool) -> None:
        self._client = client
        self._ids = ids

    def run(self, cell_id: str, code: str) -> dict[str, Any]:
        """Return the marks that a cell showed, with their text, if it showed any."""
        session = self._client.session
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {},
                   "allow_stdin": False, "stop_on_error": False}  # fmt: skip
        metadata = {"cellId": cell_id} if self._ids else {}
        message = session.msg("execute_request", content, metadata=metadata)
        self._client.shell_channel.send(message)
        shown: dict[str, Any] = {}
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            reply = self._client.get_iopub_msg(timeout=60)
            if reply["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            data = reply["content"].get("data", {})
            if MARKS_MIME in data:
                shown = {**data[MARKS_MIME], "text": data["text/plain"], "html": data["text/html"]}
            if reply["content"].get("execution_state") == "idle":
                return shown
        raise AssertionError("the cell did not end")


@pytest.fixture(scope="module")
def client() -> Iterator[BlockingKernelClient]:
    manager, client = start_new_kernel(kernel_name="python3")
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def marks(
    client: BlockingKernelClient, cells: Sequence[Cell], *, ids: bool = True, language: str = "en"
) -> dict[str, Any]:
    """Return what the last of some cells shows, run after all names and events of earlier ones are gone."""
    kernel = Kernel(client, ids)
    reset = "import autograder.cells as _c\n_shell = get_ipython()\n"
    reset += "for _each in _c._followed:\n"
    reset += "    _shell.events.unregister('pre_run_cell', _each.begin)\n"
    reset += "    _shell.events.unregister('post_run_cell', _each.end)\n"
    reset += "_c._followed.clear()\n_shell.user_ns = _shell.user_ns\n_shell.run_line_magic('reset', '-f')"
    found: dict[str, Any] = {}
    for cell_id, code in [("reset", reset), ("setup", SETUP), ("open", OPEN.format(language)), *cells]:
        found = kernel.run(cell_id, code)
    return found


@pytest.mark.parametrize("ids", [True, False], ids=["with ids", "without ids"])
@pytest.mark.parametrize(
    "last", [BROKEN, STOPS_BEFORE, STOPS_AFTER, RIGHT], ids=["broken", "before", "after", "right"]
)
def test_a_cell_that_failed_gets_the_marks_of_a_fresh_kernel(
    client: BlockingKernelClient, last: str, ids: bool
) -> None:
    answer, check = ("answer", last), ("check", CHECK)
    practised = marks(client, [("scale", SCALE), ("answer", RIGHT), check, answer, check], ids=ids)
    fresh = marks(client, [("scale", SCALE), answer, check], ids=ids)
    assert practised["score"] == fresh["score"] == (2.0 if last in (RIGHT, STOPS_AFTER) else 0.0)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "es",
            "✗ La celda que define `ones` no se ejecutó: se detuvo con SyntaxError en la línea 3 (`",
        ),
        (
            "en",
            "✗ The cell that defines `ones` did not run: it stopped with SyntaxError at line 3 (`",
        ),
    ],
)
def test_a_cell_that_cannot_be_read_is_told_at_the_top_with_its_line(
    client: BlockingKernelClient, language: str, said: str
) -> None:
    cells = [("scale", SCALE), ("answer", RIGHT), ("answer", BROKEN), ("check", CHECK)]
    shown = marks(client, cells, language=language)
    assert shown["text"].splitlines()[1].strip().startswith(said), shown["text"]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("es", "! La celda de arriba se detuvo con AttributeError en la línea 5 (`ones(3).nothing()`)."),
        ("en", "! The cell above stopped with AttributeError at line 5 (`ones(3).nothing()`)."),
    ],
)
def test_a_cell_that_stopped_after_its_answer_is_told_and_marked(
    client: BlockingKernelClient, language: str, said: str
) -> None:
    shown = marks(client, [("scale", SCALE), ("answer", STOPS_AFTER), ("check", CHECK)], language=language)
    assert shown["score"] == 2.0 and shown["text"].splitlines()[1].strip().startswith(said), shown["text"]


def test_what_an_answer_calls_is_not_marked_either_if_its_cell_failed(client: BlockingKernelClient) -> None:
    cells = [("scale", SCALE), ("answer", RIGHT), ("scale", SCALE + " 3"), ("check", CHECK)]
    shown = marks(client, cells)
    assert shown["score"] == 0.0 and "The cell that defines `scale` did not run" in shown["text"]


def test_a_cell_that_was_mended_is_marked_again(client: BlockingKernelClient) -> None:
    cells = [
        ("scale", SCALE),
        ("answer", RIGHT),
        ("answer", BROKEN),
        ("check", CHECK),
        ("answer", RIGHT),
        ("check", CHECK),
    ]
    shown = marks(client, cells)
    assert shown["score"] == 2.0 and "stopped" not in shown["text"]


def test_what_another_cell_defined_stays(client: BlockingKernelClient) -> None:
    cells = [
        ("scale", SCALE),
        ("answer", RIGHT),
        ("other", "scale = 3\nprint(1 / 0)"),
        ("later", "scale = 1 / 0"),
        ("check", CHECK),
    ]
    assert marks(client, cells)["score"] == 2.0


def test_names_that_a_check_does_not_see_are_there_after_it(client: BlockingKernelClient) -> None:
    cells = [("scale", SCALE), ("answer", RIGHT), ("answer", BROKEN), ("check", CHECK),
             ("see", "lab.seen = ones(2)"),
             ("answer", RIGHT), ("more", "assert lab.seen is not None"), ("check", CHECK)]  # fmt: skip
    assert marks(client, cells)["score"] == 2.0


def test_an_interrupt_is_no_failure(client: BlockingKernelClient) -> None:
    cells = [
        ("scale", SCALE),
        ("answer", RIGHT),
        ("answer", RIGHT + "\nraise KeyboardInterrupt"),
        ("check", CHECK),
    ]
    shown = marks(client, cells)
    assert shown["score"] == 2.0 and "stopped" not in shown["text"]
