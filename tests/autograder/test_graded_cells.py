"""Where a class is graded, a check says what became of the cell that would have defined what it needs."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from autograder import cells, faults
from autograder.cells import Cells

SYNTAX = "def collate(rows):\n    return rows +"
ENDLESS = "n = 0\nraise KeyboardInterrupt\ndef collate(rows):\n    return rows"
FAILS = "1 / 0\ndef collate(rows):\n    return rows"


@pytest.fixture(params=[True, False], ids=["graded", "practice"])
def notebook(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Cells:
    """A notebook that is followed, as grading follows it or as practice does."""
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    followed = Cells(shell, request.param)
    shell.events.register("pre_run_cell", followed.begin)
    shell.events.register("post_run_cell", followed.end)
    monkeypatch.setattr(cells, "_followed", [followed])
    return followed


def missing(notebook: Cells, answer: str) -> str:
    """Return what is said of a name that a cell would have defined."""
    notebook.shell.run_cell(answer)
    with pytest.raises(NameError) as caught:
        eval("collate", {})
    return faults.explain(caught.value).render("en")


@pytest.mark.parametrize(("answer", "error"), [(SYNTAX, "SyntaxError at line"), (FAILS, "ZeroDivision")])
def test_a_cell_that_failed_is_named_by_its_error(notebook: Cells, answer: str, error: str) -> None:
    said = missing(notebook, answer)
    assert "The cell that defines `collate` did not run" in said and error in said


def test_a_cell_that_grading_interrupted_did_not_end(notebook: Cells) -> None:
    said = missing(notebook, ENDLESS)
    assert ("did not end: it was interrupted" in said) is notebook.graded
    assert "KeyboardInterrupt" not in said.partition("(")[0]
