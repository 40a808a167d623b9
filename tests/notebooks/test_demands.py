"""Each sentence of a lab's text is an explanation, or a demand that a check looks at."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from autograder.instructor.demands import begin, load_demands
from autograder.instructor.demands_page import page
from autograder.instructor.sentences import split, told
from autograder.instructor.settings import Course, CourseError, load_course
from autograder.instructor.source import read_lab
from autograder.key import AnswerKey
from tests.conftest import LAB1, LABS, ROOT

# --- this course ----------------------------------------------------------------------------------------


def test_every_lab_says_what_its_text_demands(course: Course) -> None:
    assert [lab for lab in LABS if not course.demands(lab).exists()] == [], "course demands LAB --begin"


@pytest.fixture(params=[lab for lab in LABS if load_course(ROOT).demands(lab).exists()])
def listed(request: pytest.FixtureRequest) -> str:
    """Every lab that lists its demands, in turn."""
    return str(request.param)


def test_every_sentence_is_listed_and_every_demand_has_a_check(course: Course, listed: str) -> None:
    demands = load_demands(course, listed)
    assert sum(part.kind == "demand" for part in demands.parts) > 20
    assert all(demands.checks_of(part) for part in demands.parts if part.kind == "demand")


def test_the_page_of_demands_is_current(course: Course, listed: str) -> None:
    written = course.demands_page(listed).read_text(encoding="utf-8")
    assert written == page(course, listed, load_demands(course, listed)), f"run `course demands {listed}`"


def test_every_check_with_marks_is_named_by_a_demand(course: Course, listed: str) -> None:
    demands = load_demands(course, listed)
    named = {check for part in demands.parts for check in demands.checks_of(part)}
    checks = AnswerKey.load(course.key(listed)).checks
    assert [name for name in checks if name not in named and name != "identity"] == []


# --- what is wrong with a list is said -------------------------------------------------------------------


@pytest.fixture
def copy(course: Course, tmp_path: Path) -> Course:
    """Return a copy of lab 1 as far as its demands need it."""
    shutil.copytree(course.source(LAB1).parent, tmp_path / "source_notebooks" / LAB1)
    return replace(course, root=tmp_path)


def changed(course: Course, change: Callable[[str], str]) -> Course:
    path = course.demands(LAB1)
    text = path.read_text(encoding="utf-8")
    assert change(text) != text
    path.write_text(change(text), encoding="utf-8")
    return course


def without_the_last_part(text: str) -> str:
    return text[: text.rindex("[[part]]")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without_the_last_part, "is not listed from here on"),
        (lambda text: text.replace("Column 1 is their sine.", "Column 1 is their cosine."), "listed is"),
        (lambda text: text.replace('cell = "sample"', 'cell = "samples"', 1), "no student cell with marks"),
        (lambda text: text.replace('"train_data_cosine"', '"no_such_answer"'), "no wrong answer"),
        (lambda text: text.replace('"train_data_cosine"', '"generator_tanh"'), "no wrong answer"),
        (lambda text: text.replace('"train_data_cosine"', '"train_set_own_dataset"'), "no wrong answer"),
        (lambda text: text.replace('kind = "explanation"', 'kind = "demand"', 1), "nothing looks at"),
        (lambda text: text.replace('kind = "demand"', 'kind = "explanation"', 1), "cannot be broken"),
        (lambda text: text.replace('kind = "demand"', 'kind = "wish"', 1), "kind must be"),
        (lambda text: text.replace("text.es = 'Pistas", "text.fr = 'Pistas", 1), "give text.es, text.en"),
        (lambda text: f"page = 1\n{text}", r"only \[\[part\]\] entries"),
    ],
)
def test_a_list_that_does_not_fit_is_described(copy: Course, change: Callable[[str], str], said: str) -> None:
    with pytest.raises(CourseError, match=said):
        load_demands(changed(copy, change), LAB1)


def test_a_sentence_that_is_added_to_the_notebook_has_to_be_listed(copy: Course) -> None:
    path = copy.source(LAB1)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("Column 1 is their sine.", "Column 1 is their sine. Sort the rows."))
    with pytest.raises(CourseError, match="Sort the rows"):
        load_demands(copy, LAB1)


def test_two_sentences_are_two_parts(copy: Course) -> None:
    first, second = "Dos. Y tres.", "Two. And three."
    source = copy.source(LAB1)
    text = source.read_text(encoding="utf-8")
    text = text.replace("La columna 1 es su seno.", first).replace("Column 1 is their sine.", second)
    source.write_text(text, encoding="utf-8")
    changed(
        copy,
        lambda text: text.replace("La columna 1 es su seno.", first).replace(
            "Column 1 is their sine.", second
        ),
    )
    with pytest.raises(CourseError, match="several sentences"):
        load_demands(copy, LAB1)


def test_a_check_that_is_gone_is_missed(copy: Course) -> None:
    source = copy.source(LAB1)
    source.write_text(source.read_text(encoding="utf-8").replace('"sample.points"', '"sample.values"'))
    with pytest.raises(CourseError, match=r"sample\.points"):
        load_demands(copy, LAB1)


def test_a_list_can_be_begun(copy: Course) -> None:
    copy.demands(LAB1).write_text(begin(copy, LAB1), encoding="utf-8")
    demands = load_demands(copy, LAB1)
    assert {part.kind for part in demands.parts} == {"explanation"} and len(demands.parts) > 50


# --- sentences ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two.", ["One.", "Two."]),
        ("`a. B` is one. **Two** too.", ["`a. B` is one.", "**Two** too."]),
        ("As they do (Radford et al., 2016), e.g. here.", ["As they do (Radford et al., 2016), e.g. here."]),
        ("¿Por qué? Porque sí. ¡Ya!", ["¿Por qué?", "Porque sí.", "¡Ya!"]),
        ("It is 0.5. `x` is more.", ["It is 0.5.", "`x` is more."]),
    ],
)
def test_a_text_is_split_into_sentences(text: str, sentences: list[str]) -> None:
    assert split(text) == sentences


def test_what_is_told_of_a_cell_stands_before_and_in_it() -> None:
    student = '''def f(x):
    """Return x. Do not change it."""
    # A comment.
    ### BEGIN SOLUTION
    # not this one
    return x
    ### END SOLUTION


class Network:
    def forward(self, x):
        ### BEGIN SOLUTION
        """Nor this."""
        ### END SOLUTION
'''
    prose = "# Heading\nA text\nof two lines.\n\n- an item;\n- another.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("Of something else."),
            nbformat.v4.new_code_cell("x = 1"),
            nbformat.v4.new_markdown_cell(prose),
            nbformat.v4.new_code_cell(student, metadata={"nbgrader": {"grade_id": "f", "solution": True}}),
            nbformat.v4.new_code_cell("", metadata={"nbgrader": {"grade": True, "points": 1}}),
            nbformat.v4.new_markdown_cell("Later."),
        ]
    )
    assert told(notebook) == {
        "f": [
            "A text of two lines.", "an item;", "another.", "1 | 2",
            "Return x.", "Do not change it.", "A comment.",
        ]
    }  # fmt: skip


def test_cells_without_marks_demand_nothing(course: Course) -> None:
    assert "identity" not in told(read_lab(course, LAB1))
