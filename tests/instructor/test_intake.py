"""Whatever is handed in becomes a notebook that can be graded, and the student is told what was put right."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from autograder.instructor.demo import answer
from autograder.instructor.intake import Rebuilt, Templates, rebuild
from autograder.instructor.intake.notes import a_few_of_each, note
from autograder.instructor.intake.reading import parse
from autograder.instructor.neutral import markdown_to_page
from autograder.instructor.settings import Course
from autograder.instructor.source import grade_id, is_check_cell, is_student_cell

LAB = "lab1_sine_gan"
# A PNG picture of one pixel.
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
Edit = Callable[[NotebookNode], Any]


@pytest.fixture(scope="module", params=["es", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def complete(templates: Templates, answers: dict[str, str], language: str) -> NotebookNode:
    return answer(templates.notebooks[LAB, language], answers)


@pytest.fixture
def hand_in(tmp_path: Path, templates: Templates) -> Callable[..., Rebuilt]:
    def rebuilt(content: NotebookNode | str | bytes, name: str = f"{LAB}.ipynb") -> Rebuilt:
        if isinstance(content, NotebookNode):
            content = nbformat.writes(content, version=nbformat.NO_CONVERT)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return rebuild(tmp_path, LAB, templates, "es")

    return rebuilt


def sources(notebook: NotebookNode) -> list[str]:
    return [cell.source.strip() for cell in notebook.cells]


def code(notebook: NotebookNode) -> list[str]:
    return [cell.source.strip() for cell in notebook.cells if cell.cell_type == "code"]


def keys(rebuilt: Rebuilt) -> list[str]:
    return [note.key for note in rebuilt.notes]


def stays_as_it_is(notebook: NotebookNode, hand_in: Callable[..., Rebuilt]) -> bool:
    """Tell whether a notebook is taken as it was handed in, without a word."""
    rebuilt = hand_in(notebook)
    return not rebuilt.notes and sources(rebuilt.notebook) == sources(notebook)


def cell_of(notebook: NotebookNode, name: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if grade_id(cell) == name)


def append(notebook: NotebookNode, code: str) -> None:
    cell_of(notebook, "identity").source += f"\n{code}"


def index_of(notebook: NotebookNode, name: str) -> int:
    return next(i for i, cell in enumerate(notebook.cells) if grade_id(cell) == name)


def edited(notebook: NotebookNode, edit: Edit) -> NotebookNode:
    changed = deepcopy(notebook)
    edit(changed)
    return changed


def without_metadata(notebook: NotebookNode, *, ids: bool = False) -> NotebookNode:
    """As Colab leaves a notebook: no nbgrader metadata, and perhaps no cell ids."""
    changed = deepcopy(notebook)
    changed.metadata = NotebookNode()
    for number, cell in enumerate(changed.cells):
        cell.metadata = NotebookNode()
        if not ids:
            cell["id"] = f"random{number}"
    return changed


# --- the notebook is as it should be ---------------------------------------------------------------


def test_an_untouched_notebook_comes_back_cell_by_cell(
    complete: NotebookNode, hand_in: Callable[..., Rebuilt], language: str
) -> None:
    rebuilt = hand_in(complete)
    assert rebuilt.usable and rebuilt.notes == [] and rebuilt.language == language
    assert sources(rebuilt.notebook) == sources(complete)
    assert [c.metadata for c in rebuilt.notebook.cells] == [c.metadata for c in complete.cells]


def test_outputs_are_kept_for_whoever_marks(complete: NotebookNode, hand_in: Callable[..., Rebuilt]) -> None:
    def show(notebook: NotebookNode) -> None:
        output = nbformat.v4.new_output("stream", name="stdout", text="x" * 1_000_000)
        cell_of(notebook, "generator").outputs = [output]
        cell_of(notebook, "generator_check").outputs = [output]

    rebuilt = hand_in(edited(complete, show))
    kept = {grade_id(c): len(c.outputs) for c in rebuilt.notebook.cells if c.get("outputs")}
    assert rebuilt.notes == [] and kept == {"generator": 1}


def test_the_rebuilt_notebook_is_valid(complete: NotebookNode, hand_in: Callable[..., Rebuilt]) -> None:
    extra = nbformat.v4.new_code_cell("print(1)")
    rebuilt = hand_in(edited(complete, lambda notebook: notebook.cells.insert(3, extra)))
    nbformat.validate(rebuilt.notebook)


def test_an_unwritten_answer_keeps_its_text_to_the_letter(
    templates: Templates, hand_in: Callable[..., Rebuilt], language: str
) -> None:
    blank = templates.notebooks[LAB, language]

    def other_line_ends(notebook: NotebookNode) -> None:
        for cell in notebook.cells:
            cell.source = cell.source.replace("\n", "\r\n") + "\n"

    rebuilt = hand_in(edited(blank, other_line_ends))
    assert [c.source for c in rebuilt.notebook.cells] == [c.source for c in blank.cells]


# --- cells that were changed -----------------------------------------------------------------------


def test_an_edited_check_cell_is_replaced_by_the_original(
    complete: NotebookNode, hand_in: Callable[..., Rebuilt]
) -> None:
    def cheat(notebook: NotebookNode) -> None:
        cell_of(notebook, "generator_check").source = "8.0"

    rebuilt = hand_in(edited(complete, cheat))
    assert keys(rebuilt) == ["edited_check"]
    assert sources(rebuilt.notebook) == sources(complete)


def test_deleted_check_cells_are_added(complete: NotebookNode, hand_in: Callable[..., Rebuilt]) -> None:
    def delete(notebook: NotebookNode) -> None:
        notebook.cells = [cell for cell in notebook.cells if not is_check_cell(cell)]

    rebuilt = hand_in(edited(complete, delete))
    assert set(keys(rebuilt)) == {"missing_check"}
    assert sources(rebuilt.notebook) == sources(complete)


def test_a_deleted_answer_counts_as_not_written(
    complete: NotebookNode, templates: Templates, hand_in: Callable[..., Rebuilt], language: str
) -> None:
    def delete(notebook: NotebookNode) -> None:
        del notebook.cells[index_of(notebook, "train")]

    rebuilt = hand_in(edited(complete, delete))
    assert keys(rebuilt) == ["missing_answer"]
    template = cell_of(templates.notebooks[LAB, language], "train")
    assert cell_of(rebuilt.notebook, "train").source == template.source


def test_of_two_cells_with_one_id_the_last_before_its_check_counts_and_the_other_is_run_too(
    complete: NotebookNode, hand_in: Callable[..., Rebuilt]
) -> None:
    def double(notebook: NotebookNode) -> None:
        index = index_of(notebook, "generator")
        first = deepcopy(notebook.cells[index])
        first["id"], first.source = "copy", "class Generator: pass"
        notebook.cells.insert(index, first)
        after = deepcopy(first)
        after["id"], after.source = "copy2", "class Generator: ...  # after the check"
        notebook.cells.insert(index_of(notebook, "generator_check") + 1, after)

    rebuilt = hand_in(edited(complete, double))
    assert keys(rebuilt) == ["duplicate_cell"]
    names = [grade_id(cell) for cell in rebuilt.notebook.cells if grade_id(cell)]
    assert len(names) == len(set(names))
    found = sources(rebuilt.notebook)
    answered = found.index(cell_of(complete, "generator").source.strip())
    assert found.index("class Generator: pass") < answered
    assert found.index("class Generator: ...  # after the check") > answered


def test_an_answer_split_into_two_cells_is_run_whole(
    complete: NotebookNode, hand_in: Callable[..., Rebuilt]
) -> None:
    def split(notebook: NotebookNode) -> None:
        index = index_of(notebook, "train_data")
        first, second = notebook.cells[index], deepcopy(notebook.cells[index])
        head, tail = first.source.split("def make_train_set")
        first.source, second.source, second["id"] = head, "def make_train_set" + tail, "second"
        notebook.cells.insert(index + 1, second)

    rebuilt = hand_in(edited(complete, split))
    text = "\n".join(code(rebuilt.notebook))
    first, second = text.index("def make_train_data"), text.index("def make_train_set")
    assert max(first, second) < text.index('lab.marks("train_data"')


def test_reordered_cells_are_put_in_the_labs_order(
    complete: NotebookNode, hand_in: Callable[..., Rebuilt]
) -> None:
    def shuffle(notebook: NotebookNode) -> None:
        notebook.cells.insert(5, notebook.cells.pop(index_of(notebook, "sample")))

    rebuilt = hand_in(edited(complete, shuffle))
    assert keys(rebuilt) == ["reordered"]
    assert sources(rebuilt.notebook) == sources(complete)


def test_extra_cells_are_kept_in_their_place_and_order(
    complete: NotebookNode, hand_in: Callable[..., Rebuilt]
) -> None:
    def insert(notebook: NotebookNode) -> None:
        index = index_of(notebook, "discriminator")
        notebook.cells.insert(index, nbformat.v4.new_code_cell("hidden = 256"))
        notebook.cells.insert(index + 1, nbformat.v4.new_markdown_cell("My **notes**"))

    assert stays_as_it_is(edited(complete, insert), hand_in)


def test_a_raw_cell_becomes_text_that_is_shown_as_it_is(
    complete: NotebookNode, hand_in: Callable[..., Rebuilt]
) -> None:
    extra = nbformat.v4.new_raw_cell("<b>\n*x*")
    rebuilt = hand_in(edited(complete, lambda notebook: notebook.cells.insert(3, extra)))
    assert rebuilt.notebook.cells[3].cell_type == "markdown"
    assert rebuilt.notebook.cells[3].source == "    <b>\n    *x*"


@pytest.mark.parametrize("ids", [True, False], ids=["metadata kept", "metadata lost"])
def test_a_picture_pasted_into_an_answer_reaches_whoever_marks_it(
    complete: NotebookNode, hand_in: Callable[..., Rebuilt], ids: bool
) -> None:
    def paste(notebook: NotebookNode) -> None:
        cell = cell_of(notebook, "question_models")
        cell.source = "My drawing:\n\n![](attachment:drawing.png)"
        cell.attachments = {"drawing.png": {"image/png": PICTURE}}

    notebook = edited(complete, paste)
    rebuilt = hand_in(notebook if ids else without_metadata(notebook))
    page = cell_of(rebuilt.notebook, "question_models")
    assert f'src="data:image/png;base64,{PICTURE}"' in markdown_to_page(page.source, page.attachments)
    nbformat.validate(rebuilt.notebook)


def test_a_picture_in_a_cell_of_the_students_own_is_kept(
    complete: NotebookNode, hand_in: Callable[..., Rebuilt]
) -> None:
    extra = new_markdown_cell("![](attachment:a.png)", attachments={"a.png": {"image/png": PICTURE}})
    rebuilt = hand_in(edited(complete, lambda notebook: notebook.cells.append(extra)))
    assert rebuilt.notebook.cells[-1].attachments == {"a.png": {"image/png": PICTURE}} and not rebuilt.notes


@pytest.mark.parametrize(
    "attachments",
    [
        {"drawing.svg": {"image/svg+xml": "<svg onload='alert(1)'/>"}},
        {"drawing.png": {"image/png": '"><script>alert(1)</script>'}},
        {"drawing.png": {"image/png": "A" * (8 * 2**20 + 1)}},
    ],
    ids=["another type", "no base64", "too large"],
)
def test_an_attachment_that_is_no_picture_is_left_out_and_mentioned(
    complete: NotebookNode, hand_in: Callable[..., Rebuilt], attachments: dict[str, Any]
) -> None:
    def paste(notebook: NotebookNode) -> None:
        cell_of(notebook, "question_models").attachments = attachments

    rebuilt = hand_in(edited(complete, paste))
    assert "attachments" not in cell_of(rebuilt.notebook, "question_models")
    assert keys(rebuilt) == ["pictures_left_out"]


def test_an_edited_cell_that_is_not_locked_is_the_students(
    complete: NotebookNode, hand_in: Callable[..., Rebuilt]
) -> None:
    def add_import(notebook: NotebookNode) -> None:
        setup = next(cell for cell in notebook.cells if cell["id"] == "setup")
        setup.source = "import numpy as np\n" + setup.source

    assert stays_as_it_is(edited(complete, add_import), hand_in)


def test_the_cell_that_opens_the_lab_stays_the_original(
    complete: NotebookNode, hand_in: Callable[..., Rebuilt]
) -> None:
    def other_key(notebook: NotebookNode) -> None:
        cell = next(cell for cell in notebook.cells if "open_lab(" in cell.source and "lab =" in cell.source)
        cell.source = 'lab = open_lab("lab1_sine_gan", key="mine.json")'

    rebuilt = hand_in(edited(complete, other_key))
    assert keys(rebuilt) == ["restored_original"]
    assert sources(rebuilt.notebook) == sources(complete)


def test_a_code_cell_turned_into_text_is_turned_back(
    complete: NotebookNode, hand_in: Callable[..., Rebuilt]
) -> None:
    def to_text(notebook: NotebookNode) -> None:
        index = index_of(notebook, "generator")
        old = notebook.cells[index]
        new = nbformat.v4.new_markdown_cell(old.source, metadata=old.metadata)
        new["id"] = old["id"]
        notebook.cells[index] = new

    rebuilt = hand_in(edited(complete, to_text))
    assert keys(rebuilt) == ["cell_type"] and sources(rebuilt.notebook) == sources(complete)


# --- metadata that were lost -----------------------------------------------------------------------


@pytest.mark.parametrize("ids", [True, False], ids=["cell ids kept", "cell ids lost"])
def test_cells_without_metadata_are_recognised(
    complete: NotebookNode, hand_in: Callable[..., Rebuilt], language: str, ids: bool
) -> None:
    rebuilt = hand_in(without_metadata(complete, ids=ids))
    assert set(keys(rebuilt)) <= {"lost_metadata"} and rebuilt.language == language
    assert sources(rebuilt.notebook) == sources(complete)
    assert [c.metadata for c in rebuilt.notebook.cells] == [c.metadata for c in complete.cells]


def test_metadata_lost_and_checks_deleted_at_once(
    complete: NotebookNode, hand_in: Callable[..., Rebuilt]
) -> None:
    bare = without_metadata(complete)
    bare.cells = [cell for cell in bare.cells if "lab.marks(" not in cell.source]
    assert sources(hand_in(bare).notebook) == sources(complete)


def test_only_code_cells_left(complete: NotebookNode, hand_in: Callable[..., Rebuilt]) -> None:
    bare = without_metadata(complete)
    bare.cells = [cell for cell in bare.cells if cell.cell_type == "code"]
    assert code(hand_in(bare).notebook) == code(complete)


def test_written_answers_without_metadata_reach_their_questions(
    complete: NotebookNode, hand_in: Callable[..., Rebuilt]
) -> None:
    changed = deepcopy(complete)
    written = [c for c in changed.cells if is_student_cell(c) and c.cell_type == "markdown"]
    for number, cell in enumerate(written):
        cell.source = f"Because the game has no fixed loss, number {number}."
    rebuilt = hand_in(without_metadata(changed))
    assert len(written) > 1 and sources(rebuilt.notebook) == sources(changed)


# --- code that cannot work while grading -----------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("!pip install torch", "not_run"),
        ("%pip install -q seaborn", "not_run"),
        ("    !python -m pip install x", "not_run"),
        ("exit()", "exit_not_run"),
        ("quit", "exit_not_run"),
    ],
)
def test_a_line_that_cannot_work_is_not_run(
    complete: NotebookNode, hand_in: Callable[..., Rebuilt], line: str, key: str
) -> None:
    extra = nbformat.v4.new_code_cell(f"if True:\n    x = 1\n{line}\ny = 2")
    rebuilt = hand_in(edited(complete, lambda notebook: notebook.cells.insert(4, extra)))
    assert keys(rebuilt) == [key]
    kept = rebuilt.notebook.cells[4].source.split("\n")
    assert kept[2].strip() == f"pass  # {line.strip()}" and kept[3] == "y = 2"


def test_a_call_of_input_is_pointed_out(complete: NotebookNode, hand_in: Callable[..., Rebuilt]) -> None:
    def ask(notebook: NotebookNode) -> None:
        cell_of(notebook, "identity").source = 'student_id_1 = input("Your id? ")'

    assert keys(hand_in(edited(complete, ask))) == ["calls_input"]


def test_one_kind_of_note_buries_no_other() -> None:
    notes = [
        *(note("not_run", cell="c", line=str(n)) for n in range(10**5)),
        note("meddles", cell="c", name="n"),
    ]
    kept = a_few_of_each(notes)
    assert len(kept) < 50 and kept[-1] is notes[-1]


@pytest.mark.parametrize(
    "code",
    [
        "import autograder.checks.checkpoints as c",
        "from autograder import session",
        "seed = os.environ['AUTOGRADER_SEED']",
        "sys._getframe(1).f_locals['expected']",
        "lab._recording.seed",
    ],
)
def test_code_that_looks_into_the_grader_is_pointed_out(
    complete: NotebookNode, hand_in: Callable[..., Rebuilt], code: str
) -> None:
    rebuilt = hand_in(edited(complete, lambda notebook: append(notebook, code)))
    assert keys(rebuilt) == ["meddles"] and code in cell_of(rebuilt.notebook, "identity").source


@pytest.mark.parametrize("code", ["from autograder import open_lab", "print(lab, 'autograder')"])
def test_code_that_uses_the_grader_as_everybody_does_is_not(
    complete: NotebookNode, hand_in: Callable[..., Rebuilt], code: str
) -> None:
    assert keys(hand_in(edited(complete, lambda notebook: append(notebook, code)))) == []


def test_the_word_input_alone_is_not(complete: NotebookNode, hand_in: Callable[..., Rebuilt]) -> None:
    extra = nbformat.v4.new_code_cell('# input()\ntext = "input()"\nmodel.input(3)')
    assert keys(hand_in(edited(complete, lambda notebook: notebook.cells.insert(4, extra)))) == []


def test_conflict_marks_in_a_cell_are_resolved(
    complete: NotebookNode, hand_in: Callable[..., Rebuilt]
) -> None:
    def conflict(notebook: NotebookNode) -> None:
        cell = cell_of(notebook, "generator")
        cell.source = f"<<<<<<< HEAD\n{cell.source}\n=======\nclass Generator: pass\n>>>>>>> other"

    rebuilt = hand_in(edited(complete, conflict))
    assert keys(rebuilt) == ["merge_conflict"] and sources(rebuilt.notebook) == sources(complete)


# --- files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "Copy of lab1.ipynb",
        "lab1_sine_gan (1).ipynb",
        "mine/lab1_sine_gan.ipynb",
        "lab1_sine_gan.ipynb.txt",
        "LAB1.IPYNB",
    ],
)
def test_a_notebook_with_another_name_is_graded(
    complete: NotebookNode, hand_in: Callable[..., Rebuilt], name: str
) -> None:
    rebuilt = hand_in(complete, name)
    assert keys(rebuilt) == ["wrong_name"] and sources(rebuilt.notebook) == sources(complete)


def test_of_several_notebooks_the_one_of_this_lab_is_graded(
    complete: NotebookNode, hand_in: Callable[..., Rebuilt]
) -> None:
    hand_in(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]), "notes.ipynb")
    hand_in("", "empty.ipynb")
    rebuilt = hand_in(complete)
    assert keys(rebuilt) == ["several_notebooks"] and sources(rebuilt.notebook) == sources(complete)


def test_the_right_name_wins_over_a_copy(
    complete: NotebookNode, templates: Templates, hand_in: Callable[..., Rebuilt], language: str
) -> None:
    hand_in(templates.notebooks[LAB, language], "lab1_sine_gan-Copy1.ipynb")
    rebuilt = hand_in(complete)
    assert rebuilt.file == "lab1_sine_gan.ipynb"


def test_checkpoints_are_no_submissions(complete: NotebookNode, hand_in: Callable[..., Rebuilt]) -> None:
    hand_in(complete)
    rebuilt = hand_in("", ".ipynb_checkpoints/lab1_sine_gan-checkpoint.ipynb")
    assert rebuilt.notes == []


def test_latin_1_is_read_and_mentioned(complete: NotebookNode, hand_in: Callable[..., Rebuilt]) -> None:
    text = nbformat.writes(complete, ensure_ascii=False)
    rebuilt = hand_in(text.encode("latin-1", "replace"))
    assert "not_utf8" in keys(rebuilt)
    for name in ("identity", "discriminator", "train"):
        assert cell_of(rebuilt.notebook, name).source == cell_of(complete, name).source


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_are_understood(
    complete: NotebookNode, hand_in: Callable[..., Rebuilt], encoding: str
) -> None:
    rebuilt = hand_in(nbformat.writes(complete, ensure_ascii=False).encode(encoding))
    assert sources(rebuilt.notebook) == sources(complete)


def test_format_3_is_converted(complete: NotebookNode, hand_in: Callable[..., Rebuilt]) -> None:
    old = nbformat.convert(deepcopy(complete), 3)
    rebuilt = hand_in(json.dumps(old))
    assert "old_format" in keys(rebuilt) and code(rebuilt.notebook) == code(complete)


def test_format_4_0_has_no_cell_ids(complete: NotebookNode, hand_in: Callable[..., Rebuilt]) -> None:
    old = deepcopy(complete)
    old.nbformat_minor = 0
    for cell in old.cells:
        del cell["id"]
    rebuilt = hand_in(json.dumps(old))
    assert rebuilt.notes == [] and sources(rebuilt.notebook) == sources(complete)


def test_conflict_marks_in_the_file_are_resolved(
    complete: NotebookNode, hand_in: Callable[..., Rebuilt]
) -> None:
    lines = nbformat.writes(complete, indent=1).split("\n")
    at = next(number for number, line in enumerate(lines) if '"execution_count"' in line)
    ours, theirs = lines[at], lines[at].replace("null", "7")
    conflict = ["<<<<<<< HEAD", ours, "=======", theirs, ">>>>>>> theirs"]
    rebuilt = hand_in("\n".join([*lines[:at], *conflict, *lines[at + 1 :]]))
    assert keys(rebuilt) == ["merge_conflict"] and sources(rebuilt.notebook) == sources(complete)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ("", "empty_file"),
        ("  \n", "empty_file"),
        ("hello", "not_json"),
        ('{"cells": [', "not_json"),
        ("[" * 100_000, "not_json"),
        ("[1, 2]", "not_a_notebook"),
        ('{"cells": 3}', "not_a_notebook"),
        ('{"nbformat": "x", "cells": []}', "not_a_notebook"),
        ('{"nbformat": 3}', "not_a_notebook"),
        ('{"nbformat": 4, "cells": []}', "unrecognised"),
        ('{"nbformat": 4, "cells": [3, {"cell_type": "code", "source": 7}]}', "unrecognised"),
        (json.dumps({"nbformat": 4, "cells": [{"cell_type": "code"}] * 3000}), "too_many_cells"),
        (json.dumps({"cells": [{"cell_type": "code", "source": "x" * 2**21}]}), "bad_cells"),
        (json.dumps({"cells": [{"cell_type": "code", "source": "x" * 2**19}] * 20}), "too_large"),
        (bytes(range(256)), "not_json"),
        (b"PK\x03\x04\x14\x00\x06\x00" + b"word/document.xml" + bytes(range(256)), "renamed_document"),
        (b"%PDF-1.7\n" + bytes(range(256)), "renamed_document"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "renamed_document"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><html>", "renamed_document"),
    ],
)
def test_what_cannot_be_graded_is_named(
    hand_in: Callable[..., Rebuilt], templates: Templates, content: str | bytes, key: str
) -> None:
    rebuilt = hand_in(content)
    assert not rebuilt.usable and key in keys(rebuilt)
    assert sources(rebuilt.notebook) == sources(templates.notebooks[LAB, "es"])
    assert all(note.render(x) for note in rebuilt.notes for x in ("es", "en"))
    # Nothing was graded, whatever the file was read as or called.
    assert not {"not_utf8", "wrong_name"} & set(keys(rebuilt))


def test_a_notebook_of_another_lab_is_named(
    complete: NotebookNode, templates: Templates, tmp_path: Path, language: str
) -> None:
    other = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1")])
    other.cells[0].metadata["nbgrader"] = {"grade_id": "other"}
    both = Templates({**templates.notebooks, ("lab9", language): other})
    (tmp_path / "lab9.ipynb").write_text(nbformat.writes(other))
    rebuilt = rebuild(tmp_path, LAB, both, "en")
    assert keys(rebuilt) == ["another_lab"] and "lab9" in rebuilt.notes[0].render("en")


def test_a_folder_without_a_notebook_names_what_is_there(tmp_path: Path, templates: Templates) -> None:
    (tmp_path / "lab1.pdf").write_bytes(b"%PDF")
    rebuilt = rebuild(tmp_path, LAB, templates, "en")
    assert not rebuilt.usable and "lab1.pdf" in rebuilt.notes[0].render("en")


def test_a_link_is_not_followed(tmp_path: Path, templates: Templates, course: Course) -> None:
    (tmp_path / f"{LAB}.ipynb").symlink_to(course.solution(LAB))
    assert keys(rebuild(tmp_path, LAB, templates, "en")) == ["skipped_file"]


@pytest.mark.slow
def test_values_that_would_fill_the_memory_are_not_read() -> None:
    data = b'{"cells": [], "metadata": [' + b"[]," * 2 * 10**7 + b"0]}"
    file = parse(data, "lab.ipynb")
    assert file.cells is None and [note.key for note in file.notes] == ["too_many_values"]


def test_200_mb_of_outputs_are_read(complete: NotebookNode, hand_in: Callable[..., Rebuilt]) -> None:
    def flood(notebook: NotebookNode) -> None:
        output = nbformat.v4.new_output("stream", name="stdout", text="0123456789" * 2_000_000)
        cell_of(notebook, "generator").outputs = [output] * 10

    rebuilt = hand_in(edited(complete, flood))
    assert rebuilt.notes == [] and sources(rebuilt.notebook) == sources(complete)


# --- anything at all -------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
cells = st.fixed_dictionaries(
    {},
    optional={
        "cell_type": st.sampled_from(["code", "markdown", "raw", "heading"]) | json_values,
        "source": st.text(max_size=20) | st.lists(st.text(max_size=5), max_size=3) | json_values,
        "metadata": st.fixed_dictionaries({"nbgrader": json_values}) | json_values,
        "id": json_values,
    },
)
notebooks = st.fixed_dictionaries(
    {"cells": st.lists(cells | json_values, max_size=4) | json_values},
    optional={"nbformat": st.integers(0, 9) | json_values, "worksheets": json_values},
)


@settings(deadline=None, max_examples=300)
@given(notebooks)
def test_no_content_of_a_notebook_breaks_the_reading(content: Any) -> None:
    found = parse(json.dumps(content).encode(), "x.ipynb")
    assert found.cells is not None or found.notes


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=300))
def test_no_bytes_break_the_reading(data: bytes) -> None:
    found = parse(data, "x.ipynb")
    assert found.cells is not None or found.notes


@settings(deadline=None, max_examples=15)
@given(st.data())
def test_any_loss_of_cells_and_metadata_leaves_every_check_in_place(
    templates: Templates, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    notebook = deepcopy(templates.notebooks[LAB, "en"])
    keep = data.draw(st.lists(st.integers(0, len(notebook.cells) - 1), min_size=12, unique=True))
    bare = data.draw(st.sets(st.sampled_from(keep)))
    notebook.cells = [
        without_metadata(nbformat.v4.new_notebook(cells=[notebook.cells[i]])).cells[0]
        if i in bare
        else notebook.cells[i]
        for i in keep
    ]
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"c{number}"
    folder = tmp_path_factory.mktemp("submission")
    (folder / f"{LAB}.ipynb").write_text(nbformat.writes(notebook))
    rebuilt = rebuild(folder, LAB, templates, "en")
    checks = [c.source for c in templates.notebooks[LAB, rebuilt.language].cells if is_check_cell(c)]
    assert [c.source for c in rebuilt.notebook.cells if is_check_cell(c)] == checks
