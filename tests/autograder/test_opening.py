"""Which lab a cell opens is told from its code."""

from __future__ import annotations

import pytest

from autograder.opening import Opening, calls_open_lab, opening


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('lab = open_lab("lab1", language="en")', Opening("lab1", "en")),
        ("lab = open_lab('lab1')", Opening("lab1", None)),
        ('import os\nlab = autograder.open_lab (\n    "lab1",\n    language = "es")', Opening("lab1", "es")),
        ('# open_lab("lab1")\nlab = open_lab("lab2")', Opening("lab2", None)),
        ('# open_lab("lab1")', None),
        ('reopen_lab("lab1")', None),
        ("open_lab(name)", None),
        ('open_lab("../lab1")', None),
    ],
)
def test_the_lab_and_its_language_are_found(source: str, found: Opening | None) -> None:
    assert opening(source) == found


@pytest.mark.parametrize("source", ["open_lab(name)", "lab = open_lab ('lab1')", "print(open_lab(*args))"])
def test_a_call_is_noticed_also_where_the_lab_is_not_told(source: str) -> None:
    assert calls_open_lab(source)


@pytest.mark.parametrize("source", ["from autograder import open_lab", "reopen_lab('lab1')", ""])
def test_what_is_no_call_is_none(source: str) -> None:
    assert not calls_open_lab(source)
