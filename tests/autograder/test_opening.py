"""Which lab a cell opens is told from its code."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from autograder import key, open_lab
from autograder.errors import UnknownLabError
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


def test_a_folder_that_python_takes_for_the_package_of_the_keys_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "statkit" / "statkit" / "keys").mkdir(parents=True)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = [EntryPoint("stat-kit", "statkit", key.KEYS)]
    monkeypatch.setattr(key, "entry_points", lambda group: found)
    with pytest.raises(UnknownLabError, match=r"folder \S*statkit for the package 'statkit': start it"):
        open_lab("lab1_statistics")
