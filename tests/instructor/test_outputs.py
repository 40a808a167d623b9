"""Who marks sees what the student saw: the outputs that were handed in, not those of grading's short run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output

from autograder.instructor.grade.marked import OUTPUTS_CELL, show_handed_in, without_outputs
from autograder.instructor.intake import Templates, rebuild
from autograder.instructor.intake.outputs import (
    LEFT_OUT,
    MAX_OUTPUTS,
    MAX_OUTPUTS_OF_A_CELL,
    keep_within,
    outputs_of,
)
from autograder.instructor.source import grade_id, is_check_cell
from tests.conftest import LAB1
from tests.instructor.conftest import Classroom, MakeClassroom, picture, showing, with_code

FILM = picture("the film of 150 epochs")
PIXEL = FILM.data["image/png"]
SCRIPT = "<script>run()</script><b>bold</b>"


def cell_of(notebook: NotebookNode, name: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if name in (grade_id(cell), cell.get("id")))


def raw(*outputs: Any) -> dict[str, Any]:
    return {"cell_type": "code", "outputs": list(outputs)}


# --- what is taken from a file ------------------------------------------------------------------------


def test_texts_and_pictures_are_taken_in_the_form_of_the_format() -> None:
    kept, left_out = outputs_of(
        raw(
            {"output_type": "stream", "name": "stdout", "text": ["a\n", "b"]},
            {"output_type": "execute_result", "data": {"image/png": PIXEL, "text/plain": ["x", "y"]}},
            {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["t"]},
        )
    )
    assert [output.output_type for output in kept] == ["stream", "display_data", "error"]
    assert kept[0].text == "a\nb" and kept[1].data == {"image/png": PIXEL, "text/plain": "xy"}
    assert left_out == 0
    nbformat.validate(new_notebook(cells=[new_code_cell(outputs=list(kept))]))


def test_what_was_printed_piece_by_piece_is_one_output_and_progress_is_its_last_line() -> None:
    pieces = [{"output_type": "stream", "name": "stderr", "text": f"\r{n} %"} for n in range(1000)]
    kept, left_out = outputs_of(raw(*pieces))
    assert [output.text for output in kept] == ["999 %"] and left_out == 0


@pytest.mark.parametrize(
    "bad",
    [
        7, None, [], {}, {"output_type": "stream"}, {"output_type": "stream", "name": [], "text": "x"},
        {"output_type": "display_data", "data": 3}, {"output_type": "update_display_data", "data": {}},
        {"output_type": "display_data", "data": {"application/javascript": "run()"}},
        {"output_type": "display_data", "data": {"image/png": "<script>"}},
        {"output_type": {"a": 1}}, {"output_type": "stream", "name": "stdout", "text": [7]},
    ],
)  # fmt: skip
def test_what_is_no_output_is_left_out_and_counted(bad: Any) -> None:
    assert outputs_of(raw(bad)) == ((), 1)


@pytest.mark.parametrize("cell", [{}, {"cell_type": "code"}, {"cell_type": "code", "outputs": "x"},
                                  {"cell_type": "markdown", "outputs": [FILM]}])  # fmt: skip
def test_a_cell_without_outputs_has_none(cell: dict[str, Any]) -> None:
    assert outputs_of(cell) == ((), 0)


def test_outputs_without_number_and_without_end_are_left_out_and_counted() -> None:
    many = [{"output_type": "display_data", "data": {"text/plain": "x"}}] * 100_000
    kept, left_out = outputs_of(raw(*many))
    assert len(kept) == MAX_OUTPUTS_OF_A_CELL and len(kept) + left_out == 100_000
    large = {"output_type": "display_data", "data": {"image/png": "A" * (MAX_OUTPUTS + 4)}}
    assert outputs_of(raw(large)) == ((), 1)


def test_a_notebook_keeps_what_a_page_can_hold() -> None:
    large = new_output("display_data", data={"image/png": "A" * (MAX_OUTPUTS // 2 - 100)})
    notebook = new_notebook(cells=[new_code_cell(outputs=[large]) for _ in range(3)])
    keep_within(notebook)
    assert [len(cell.outputs) for cell in notebook.cells] == [1, 1, 0]
    assert [cell.metadata.get(LEFT_OUT, 0) for cell in notebook.cells] == [0, 0, 1]
    assert len(nbformat.writes(notebook)) < MAX_OUTPUTS + 10_000


def test_the_rebuilt_notebook_has_outputs_everywhere_but_in_check_cells(
    classroom: Classroom, templates: Templates
) -> None:
    notebook = classroom.notebook()
    notebook.cells.insert(5, new_code_cell("1 + 1"))
    everywhere = [str(grade_id(cell) or cell.get("id")) for cell in notebook.cells]
    folder = classroom.hand_in("ana", showing(notebook, everywhere, FILM)).parent
    rebuilt = rebuild(folder, LAB1, templates, "es").notebook
    for cell in rebuilt.cells:
        if cell.cell_type == "code":
            assert len(cell.outputs) == (0 if is_check_cell(cell) else 1), cell.get("id")
    assert "extra-5" in [cell.get("id") for cell in rebuilt.cells]


# --- what is shown ------------------------------------------------------------------------------------


def shown(
    handed_in: list[NotebookNode], of_run: list[NotebookNode], left_out: int = 0, code: str = ""
) -> list[NotebookNode]:
    """Return what is shown of a cell, given what it showed when it was handed in and while grading."""
    theirs = new_notebook(cells=[new_code_cell(code, outputs=handed_in, metadata={LEFT_OUT: left_out})])
    ran = new_notebook(cells=[new_code_cell(code, outputs=of_run)])
    show_handed_in(ran, theirs, "en")
    assert ran.cells[0].get("id") == OUTPUTS_CELL
    nbformat.validate(ran)
    return list(ran.cells[1].outputs)


SHORT = new_output("display_data", data={"image/png": PIXEL, "text/plain": "one epoch"})
ERROR = new_output("error", ename="NameError", evalue="x", traceback=["t"])


def test_the_short_run_is_never_shown_as_the_students() -> None:
    (output,) = shown([FILM], [SHORT])
    assert output.data["text/plain"] == "the film of 150 epochs"


def test_outputs_that_were_cleared_are_said_to_be_missing_where_the_cell_draws() -> None:
    (output,) = shown([], [SHORT])
    assert "handed in without outputs" in output.data["text/plain"] and "image/png" not in output.data
    assert shown([], []) == []
    assert shown([], [new_output("stream", text="a warning")]) == []


def test_an_error_while_grading_is_shown_under_a_line_that_says_so() -> None:
    output, label, error = shown([FILM], [SHORT, ERROR])
    assert "150" in output.data["text/plain"]
    assert label.data["text/plain"].startswith("While grading") and error.ename == "NameError"


def test_practice_marks_are_not_taken_for_the_marks() -> None:
    label, _ = shown([FILM], [SHORT], code="lab.summary()")
    assert "practice marks" in label.data["text/plain"]


def test_outputs_that_were_left_out_are_counted_in_a_line() -> None:
    _, line = shown([FILM], [SHORT], left_out=3)
    assert line.data["text/plain"].startswith("3 outputs of this cell were left out")


def test_outputs_that_were_handed_in_run_nowhere() -> None:
    (output,) = shown([new_output("display_data", data={"text/html": SCRIPT})], [])
    assert "<script" not in output.data["text/html"] and "<b>bold</b>" in output.data["text/html"]


def test_a_run_starts_without_outputs_so_that_none_is_taken_for_its_own() -> None:
    notebook = new_notebook(cells=[new_code_cell(outputs=[FILM], metadata={LEFT_OUT: 2})])
    bare = without_outputs(notebook)
    assert bare.cells[0].outputs == [] and not bare.cells[0].metadata and len(notebook.cells[0].outputs) == 1


# --- a class ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def graded(make_classroom: MakeClassroom, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Classroom]:
    """Students with outputs, without any, with forged marks, and one whose kernel dies."""
    room = make_classroom(tmp_path_factory.mktemp("class"))
    whole = room.notebook()
    room.hand_in("shows", showing(room.identified(whole, "shows"), ["film", "curves"], FILM))
    room.hand_in("cleared", room.identified(whole, "cleared"))
    forged = new_output("display_data", data={"text/html": "<b>forged: 70 / 70</b>"})
    checks = [str(grade_id(cell)) for cell in whole.cells if is_check_cell(cell)]
    fails = with_code(room.notebook("identity"), "train", "no_such_name")
    room.hand_in("forger", showing(fails, [*checks, "film"], forged))
    dies = with_code(room.identified(whole, "dies"), "generator", "import os; os._exit(1)")
    room.hand_in("dies", showing(dies, ["film"], FILM))
    room.grade()
    yield room


def marked(room: Classroom, student: str) -> NotebookNode:
    return nbformat.read(room.folder / "autograded" / student / LAB1 / f"{LAB1}.ipynb", as_version=4)


@pytest.mark.slow
@pytest.mark.parametrize("student", ["shows", "dies"])
def test_a_question_is_marked_beside_what_the_student_saw(graded: Classroom, student: str) -> None:
    (output,) = [
        o for o in cell_of(marked(graded, student), "film").outputs if o.output_type == "display_data"
    ]
    assert output.data["text/plain"] == "the film of 150 epochs"


@pytest.mark.slow
def test_of_a_notebook_without_outputs_no_picture_is_shown_and_why_is_said(graded: Classroom) -> None:
    for name in ("film", "curves"):
        (line,) = cell_of(marked(graded, "cleared"), name).outputs
        assert "se entregó sin salidas" in line.data["text/plain"]
    assert "image/" not in Path(graded.folder / "autograded" / "cleared" / LAB1 / f"{LAB1}.ipynb").read_text(
        encoding="utf-8"
    )


@pytest.mark.slow
def test_forged_outputs_change_no_mark_and_no_box_of_marks(graded: Classroom) -> None:
    assert graded.totals()["forger"] == 0 and graded.totals()["shows"] == 70
    notebook = marked(graded, "forger")
    for cell in notebook.cells:
        assert not is_check_cell(cell) or "forged" not in json.dumps(cell.outputs)
    assert "forged" in json.dumps(cell_of(notebook, "film").outputs)


@pytest.mark.slow
def test_an_answer_that_fails_while_grading_says_with_what(graded: Classroom) -> None:
    outputs = cell_of(marked(graded, "forger"), "train").outputs
    assert outputs[-2].data["text/plain"].startswith("Al calificar") and outputs[-1].output_type == "error"


@pytest.mark.slow
def test_every_marked_notebook_says_whose_outputs_it_shows(graded: Classroom) -> None:
    for student in ("shows", "cleared", "forger", "dies"):
        cells = marked(graded, student).cells
        assert OUTPUTS_CELL in [cell.get("id") for cell in cells[:2]]


def test_a_cell_that_grading_interrupted_is_said_to_have_been_so() -> None:
    cell = new_code_cell("while True: pass", id="a")
    stopped = new_notebook(cells=[cell])
    handed_in = new_notebook(cells=[new_code_cell("while True: pass", id="a")])
    stopped.cells[0].outputs = [new_output("error", ename="KeyboardInterrupt", evalue="", traceback=[])]
    show_handed_in(stopped, handed_in, "en")
    shown = cell_of(stopped, "a").outputs
    assert "did not end and was interrupted" in shown[0].data["text/plain"]
    assert all(output.output_type != "error" for output in shown)
