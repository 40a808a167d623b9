"""Every subject, exercise, figure and question of the documents behind the course has a place or a reason."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.instructor.settings import Course, CourseError
from autograder.instructor.source import manual_points, read_source
from course.authoring.coverage import KINDS, LISTING, Subject, load_coverage, page
from tests.conftest import LAB1, LABS

# --- this course ----------------------------------------------------------------------------------------


def test_every_cell_named_is_there_and_every_figure_has_one_place(course: Course) -> None:
    documents = load_coverage(course)
    assert len(documents) == 5
    assert {subject.kind for document in documents for subject in document.subjects} == set(KINDS)


def test_the_page_is_current(course: Course) -> None:
    written = LISTING.page(course).read_text(encoding="utf-8")
    assert written == page(load_coverage(course)), "run `python -m course.authoring.coverage`"


def test_only_labs_that_are_not_built_are_planned(course: Course) -> None:
    planned = {subject.planned for each in load_coverage(course) for subject in each.subjects} - {""}
    assert planned and all(int(lab.removeprefix("lab ")) > len(LABS) for lab in planned)


def test_a_subject_is_either_planned_or_in_a_lab(course: Course) -> None:
    for document in load_coverage(course):
        assert not [subject.what for subject in document.subjects if subject.planned and subject.cells]


def test_every_open_question_of_labs_1_and_2_comes_from_a_document(course: Course) -> None:
    named = {cell for each in load_coverage(course) for subject in each.subjects for cell in subject.cells}
    asked = {f"{lab}/{name}" for lab in LABS[:2] for name in manual_points(read_source(course.source(lab)))}
    assert len(asked) == 8 and asked <= named


# --- what is wrong with the list is said -----------------------------------------------------------------

LIST = f"""
[[document]]
id = "sine"
title = "Sine"
about = "A notebook."
figures = 3

[[document.subject]]
section = "Data"
kind = "figure"
what = "The points"
figures = "1-3"
cells = ["{LAB1}/plot-real", "{LAB1}/ideas-models"]
"""


@pytest.fixture
def copy(course: Course, tmp_path: Path) -> Course:
    """Return a course with lab 1 and a short list."""
    shutil.copytree(course.source(LAB1).parent, tmp_path / "source_notebooks" / LAB1)
    (tmp_path / "docs").mkdir()
    copy = replace(course, root=tmp_path, labs={LAB1: course.labs[LAB1]})
    LISTING.data(copy).write_text(LIST, encoding="utf-8")
    return copy


def test_a_cell_and_twins_in_two_languages_are_found(copy: Course) -> None:
    (document,) = load_coverage(copy)
    assert "| figure; figures 1–3 | The points |" in page([document])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda text: text.replace("/plot-real", "/plot_real"),
            "line 13.* no cell 'lab1_sine_gan/plot_r",
        ),
        (lambda text: text.replace("/ideas-models", "/ideas-models-es"), "no cell"),
        (lambda text: text.replace("cells = ", "# "), "give cells, planned, missing or left_out"),
        (lambda text: text.replace('"1-3"', '"1-2"'), "figure 3 must belong to exactly one"),
        (lambda text: text.replace('"1-3"', '"1-4"'), "figure 4 must belong to exactly one"),
        (lambda text: text.replace('"1-3"', '"some"'), "numbers of figures"),
        (lambda text: text.replace('"figure"', '"picture"'), "subject or exercise or figure or question"),
        (lambda text: f"page = 1\n{text}", r"only \[\[document\]\] entries"),
    ],
)
def test_a_list_that_does_not_fit_is_described(copy: Course, change: Callable[[str], str], said: str) -> None:
    assert change(LIST) != LIST
    LISTING.data(copy).write_text(change(LIST), encoding="utf-8")
    with pytest.raises(CourseError, match=said):
        load_coverage(copy)


@pytest.mark.parametrize(("figures", "numbers"), [("", []), ("4", [4]), ("4-6", [4, 5, 6])])
def test_numbers_of_figures_are_one_or_a_range(figures: str, numbers: list[int]) -> None:
    assert list(Subject("Data", "figure", "It", figures=figures).figure_numbers) == numbers
