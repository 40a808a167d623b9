"""The names of lautils: the public behaviour, without its faults."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autograder.lautils import (
    calculate_coincidences_percentage,
    compare_lists_by_percentage,
    compare_numbers,
    hex_to_float,
    new_representation,
)

OPERATORS = {
    "3c": operator.lt,
    "3e": operator.gt,
    "3c3d": operator.le,
    "3e3d": operator.ge,
    "3d3d": operator.eq,
    "213d": operator.ne,
}


@pytest.fixture(autouse=True, scope="module")
def english() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_LANGUAGE", "en")
        yield


finite = st.floats(allow_nan=False, allow_infinity=False)
words = st.lists(st.sampled_from("abc"), max_size=8)


def test_number_becomes_hexadecimal_text() -> None:
    assert new_representation(0.7) == "0x1.6666666666666p-1"
    assert new_representation("2.5") == "0x1.4000000000000p+1"
    assert new_representation(torch.tensor([0.5], requires_grad=True)) == "0x1.0000000000000p-1"
    assert new_representation(np.array([[0.5]])) == "0x1.0000000000000p-1"


@given(finite)
def test_hexadecimal_text_keeps_the_number(number: float) -> None:
    assert hex_to_float(new_representation(number)) == number


@pytest.mark.parametrize("bad", [None, "seven", [1.0], torch.zeros(2), np.zeros(2), 10**400])
def test_what_is_no_number_is_described(bad: object) -> None:
    with pytest.raises(ValueError, match="one number was expected"):
        new_representation(bad)


@pytest.mark.parametrize("bad", ["", "0xg", None, 3])
def test_what_is_no_hexadecimal_text_is_described(bad: object) -> None:
    with pytest.raises(ValueError, match="hexadecimal text was expected"):
        hex_to_float(bad)  # type: ignore[arg-type]


def test_thresholds_of_existing_notebooks_are_understood() -> None:
    assert compare_numbers(new_representation(0.66), "3c3d", "0x1.6666666666666p-1")
    assert not compare_numbers(new_representation(0.71), "3c3d", "0x1.6666666666666p-1")


@given(finite, finite, st.sampled_from(sorted(OPERATORS)))
def test_comparison_is_that_of_python(first: float, second: float, code: str) -> None:
    expected = OPERATORS[code](first, second)
    assert compare_numbers(new_representation(first), code, new_representation(second)) is expected


@pytest.mark.parametrize("code", sorted(OPERATORS))
def test_no_comparison_with_nan_holds(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare_numbers(new_representation(math.nan), code, new_representation(0.5)) is False
    assert "NaN" in capsys.readouterr().out


def test_infinity_is_compared() -> None:
    assert compare_numbers("inf", "3e", "0x1p+0") and not compare_numbers("inf", "3c3d", "0x1p+0")


@pytest.mark.parametrize("code", ["", "2b", "<", "3c3d3d", None])
def test_unknown_operator_is_described(code: str) -> None:
    with pytest.raises(ValueError, match="there is no operator"):
        compare_numbers("0x1p+0", code, "0x1p+0")


def test_numbers_are_never_evaluated_as_code() -> None:
    with pytest.raises(ValueError, match="hexadecimal text"):
        compare_numbers("__import__('os').getcwd()", "3d3d", "0x1p+0")


@pytest.mark.parametrize(
    ("first", "second", "percentage"),
    [
        (["a", "b"], ["a", "b"], 100.0),
        (["a", "b"], ["b", "a"], 0.0),
        (["a", "b", "c", "d"], ["a", "x", "c", "d"], 75.0),
        ([1, 2, 3, 4], [1, 2], 50.0),
        ([], [], 100.0),
    ],
)
def test_percentage_counts_equal_positions(first: list, second: list, percentage: float) -> None:
    assert calculate_coincidences_percentage(first, second) == percentage


def test_position_that_one_list_lacks_never_coincides() -> None:
    assert calculate_coincidences_percentage([1, None], [1]) == 50.0


def test_lists_of_other_length_are_mentioned_but_not_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    assert compare_lists_by_percentage([1, 2], [1], 50.0)
    said = capfd.readouterr()
    assert "2 and 1 elements" in said.out and said.err == ""


def test_refusals_speak_spanish_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COURSE_LANGUAGE")
    with pytest.raises(ValueError, match="se esperaba un número"):
        new_representation(None)
    with pytest.raises(ValueError, match="no existe el operador"):
        compare_numbers("0x1p+0", "2b", "0x1p+0")


@given(words, words)
def test_percentage_is_symmetric_and_bounded(first: list[str], second: list[str]) -> None:
    percentage = calculate_coincidences_percentage(first, second)
    assert percentage == calculate_coincidences_percentage(second, first)
    assert 0.0 <= percentage <= 100.0
    assert compare_lists_by_percentage(first, second, percentage)
    assert not compare_lists_by_percentage(first, second, percentage + 1.0)
