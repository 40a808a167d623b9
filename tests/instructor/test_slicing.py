"""What decides marks runs while grading, and nothing else does."""

from __future__ import annotations

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from autograder.instructor.settings import Course
from autograder.instructor.slicing import decisive_part, needed_cells
from autograder.instructor.source import grade_id, is_check_cell, is_student_cell, read_lab


def given(name: str, code: str) -> NotebookNode:
    """Return a cell of the lab's own."""
    cell = new_code_cell(code)
    cell["id"] = name
    return cell


def asked(name: str, code: str) -> NotebookNode:
    """Return a student's cell."""
    nbgrader = {"grade_id": name, "solution": True, "grade": False}
    return new_code_cell(code, id=name, metadata={"nbgrader": nbgrader})


def check(name: str, code: str) -> NotebookNode:
    nbgrader = {"grade_id": name, "solution": False, "grade": True}
    return new_code_cell(code, id=name, metadata={"nbgrader": nbgrader})


def cells_with(answer: str = "def double(x):\n    return 2 * x", *more: NotebookNode) -> list[NotebookNode]:
    return [
        new_markdown_cell("text"),
        given("setup", "import math\ndef helper():\n    return math.pi"),
        given("data", "data = list(range(9))\nlimit = 3"),
        *more,
        asked("double", answer),
        check("double_check", "check(double, helper)"),
        given("run", "result = [double(x) for x in data]"),
        given("plot", "plot(result)"),
    ]


def needed(cells: list[NotebookNode]) -> set[str]:
    return {cells[index].id for index in needed_cells(cells)}


def test_answers_checks_and_what_these_use_are_needed_and_what_is_looked_at_is_not() -> None:
    assert needed(cells_with()) == {"setup", "double", "double_check"}


@pytest.mark.parametrize(
    "answer",
    [
        "def double(x):\n    return x + data[0]",
        "class Double:\n    first = data[0]",
        "double = lambda x: [x for _ in data]",
        "def double(x):\n    global data\n    data = x",
        "print(f'{data}')",
    ],
)
def test_what_an_answer_uses_of_the_notebook_is_needed(answer: str) -> None:
    assert "data" in needed(cells_with(answer))


@pytest.mark.parametrize(
    "answer",
    [
        "def double(data):\n    return 2 * data",
        "def double(x):\n    data = 2 * x\n    return data",
        "def double(x):\n    return x.data",
        "double = lambda result: [data for data in result]",
    ],
)
def test_a_name_of_an_answers_own_needs_no_cell_that_has_the_same(answer: str) -> None:
    assert "data" not in needed(cells_with(answer))


def test_what_a_needed_cell_uses_is_needed_wherever_it_stands() -> None:
    cells = cells_with("def double(x):\n    return result", given("deep", "data = widen(limit)"))
    assert {"data", "run", "deep"} <= needed(cells)


@pytest.mark.parametrize(
    "answer",
    [
        "double = globals()['x']",
        "exec('double = data')",
        "import __main__",
        "get_ipython().run_cell('x')",
        "%time double = data",
        "%%capture\ndouble = data",
        "!ls",
    ],
)
def test_an_answer_that_may_read_any_name_needs_all(answer: str) -> None:
    assert needed(cells_with(answer)) == {cell.id for cell in cells_with() if cell.cell_type == "code"}


def test_an_answer_that_is_no_python_needs_nothing() -> None:
    assert needed(cells_with("def double(x:\n    return data")) == {"setup", "double", "double_check"}


def test_switching_a_network_to_evaluation_reads_no_names() -> None:
    assert "data" not in needed(cells_with("def double(x):\n    x.eval()\n    return x"))


@pytest.mark.parametrize("code", ["%matplotlib inline", "from lab_tools import *", "await x"])
def test_a_cell_of_which_nobody_can_tell_what_it_binds_is_needed(code: str) -> None:
    assert ("strange" in needed(cells_with("double = 3", given("strange", code)))) == (code != "await x")


def test_a_cell_that_a_student_added_is_needed() -> None:
    assert "extra-3" in needed(cells_with("double = 3", given("extra-3", "anything = 1")))


def test_checks_that_are_not_wanted_are_not_needed_nor_what_they_alone_use() -> None:
    cells = [*cells_with(), given("more", "other = 3"), check("other_check", "check(other)")]
    wanted = {cells[i].id for i in needed_cells(cells, lambda cell: cell.id == "double_check")}
    assert wanted == {"setup", "double", "double_check"}


def test_answers_that_may_stand_in_place_of_the_reference_count() -> None:
    notebook = NotebookNode({"cells": cells_with(), "metadata": {}})
    assert "data" in {cell.id for cell in decisive_part(notebook, ["double = data"]).cells}


def test_of_every_lab_no_exploration_decides_a_mark(course: Course, lab: str) -> None:
    cells = read_lab(course, lab).cells
    found = needed_cells(cells)
    code = {index for index, cell in enumerate(cells) if cell.cell_type == "code"}
    decides = {index for index in code if is_student_cell(cells[index]) or is_check_cell(cells[index])}
    explored = {i for i in code if "raises-exception" in cells[i].metadata.get("tags", [])}
    assert decides <= found and not explored & found
    assert all(grade_id(cells[index]) is None for index in explored)
