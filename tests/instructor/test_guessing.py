"""The page tells what the weakest check of each lab costs to search, and no other number."""

from __future__ import annotations

import pytest

from autograder.instructor.settings import Course, load_course
from autograder.observation import Observation
from course.authoring.guessing import Search, search_of, weakest
from tests.conftest import ROOT

LABS = list(load_course(ROOT).labs)


@pytest.mark.slow
@pytest.mark.parametrize("lab", LABS)
def test_the_weakest_check_of_a_lab_is_on_the_page(course: Course, lab: str) -> None:
    assert weakest(course, lab).row(lab) in (ROOT / "docs" / "grading.md").read_text(encoding="utf-8")


def test_whole_numbers_hide_nothing_and_each_digit_its_share() -> None:
    values = (2.0, 32.0, 1.0, 0.1234567, -0.25)
    assert search_of(Observation("a", "b", 1.0, values)).bits == pytest.approx(2 * 7 * 3.3219, abs=0.01)


def test_numbers_of_which_few_are_likely_are_counted_as_such() -> None:
    twelve = tuple(0.1234567 + number for number in range(12))
    assert search_of(Observation("scores.ranking", "scores", 1.0, twelve)).bits < 60


def test_time_is_that_of_half_the_digests() -> None:
    assert Search("a", 31, "").core_years == pytest.approx(2**30 * 0.044 / 31_557_600)
