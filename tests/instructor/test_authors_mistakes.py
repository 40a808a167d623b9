"""Whoever writes a lab, a bank or a family of checks is told which cell, entry or line is wrong, and how."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from autograder.checks.family import installed_families
from autograder.instructor import doctor, keys
from autograder.instructor import release as releasing
from autograder.instructor.build import _preparation
from autograder.instructor.deciding import _syntax
from autograder.instructor.families import unusable_families, wrong_texts
from autograder.instructor.keys import make_key
from autograder.instructor.new import new_lab
from autograder.instructor.settings import Course, CourseError, load_course
from autograder.judge import record
from autograder.key import AnswerKey
from autograder.messages import CheckFailed
from autograder.session import open_lab
from tests.conftest import ROOT

LAB = "lab0_mine"
SETTINGS = '[course]\nlanguage = "en"\nlanguages = ["en"]\npackage = "course"\n\n[labs]\n'


@pytest.fixture
def draft(tmp_path: Path) -> Course:
    """A course with one lab, as the template gives it."""
    (tmp_path / "course.toml").write_text(SETTINGS)
    new_lab(load_course(tmp_path), LAB)
    return load_course(tmp_path)


def edited(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


# --- check cells -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("checks.fingerprint(", "checks.fingerprnt(", "no check 'fingerprnt' here. Did you mean 'fingerpr"),
        ("alone=False", "alon=False", r"fingerprint\(\) got .*'alon'. Did you mean 'alone'\? It takes "),
        ("supplied_samples(", "supplied_sample(", "no 'supplied_sample' here. Did you mean 'supplied_s"),
        ("standardise, rows", "standardize, rows", "NameError: name 'standardize' is not defined"),
        ('shape=("n", 3)', 'shape=("m", 3)', "names a size 'm' that no argument has"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_check_cell_is_told_with_its_cell(
    draft: Course, old: str, new: str, said: str
) -> None:
    edited(draft.source(LAB), old, new)
    with pytest.raises(CourseError, match=f"{LAB}, cell 'standardise_check'.*: .*{said}"):
        make_key(draft, LAB, "")


def test_an_array_that_no_seed_changes_gives_no_marks(draft: Course) -> None:
    edited(draft.source(LAB), "standardise, rows", "lambda x: torch.ones(len(x), 3), rows")
    with pytest.raises(CourseError, match=r"of what standardise\.values looks at, fewer than 4"):
        make_key(draft, LAB, "")


# --- banks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('check = "standardise.values"', 'check = "standardise.value"', "check 'standardise.value'"),
        ('cell = "standardise"', 'cell = "standardize"', "student cell 'standardize'"),
    ],
)
def test_an_entry_that_names_what_the_lab_does_not_have_stops_the_build(
    draft: Course, old: str, new: str, said: str
) -> None:
    edited(draft.bank(LAB), old, new)
    with pytest.raises(CourseError, match=rf"answers.toml, \[\[answer\]\] \w+: the lab has no {said}. Did"):
        make_key(draft, LAB, "")


# --- packages ----------------------------------------------------------------------------------------


def test_a_misspelt_package_is_refused_and_the_right_one_named(draft: Course) -> None:
    (draft.root / "statistics_kit").mkdir()
    (draft.root / "statistics_kit" / "__init__.py").touch()
    # What an earlier build has left there is no package.
    (draft.root / "statistcs_kit" / "keys").mkdir(parents=True)
    replace(draft, packages=("statistics_kit", "torch")).require_packages()
    with pytest.raises(CourseError, match=r"no package 'statistcs_kit'.*Did you mean 'statistics_kit'\?"):
        replace(draft, packages=("statistics_kit", "statistcs_kit")).require_packages()


def test_a_syntax_error_in_a_courses_module_is_told_with_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "kit" / "data.py"
    path.parent.mkdir()
    path.write_text("x = 1\ndef f(:\n")
    with pytest.raises(CourseError, match=r"^kit/data.py, line 2: SyntaxError: .*Mend that file"):
        _syntax(path, "kit.data")


def test_a_preparation_that_cannot_be_imported_is_named(draft: Course) -> None:
    with pytest.raises(CourseError, match=rf"\[labs.{LAB}\]: prepare = 'kit.nothing:go' cannot be imported"):
        _preparation(draft, LAB, "kit.nothing:go")


# --- texts of families -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ('raise CheckFailed("wrong_shap")', "no text [wrong_shap]. Did you mean 'wrong_shape'?"),
        ('CheckFailed("wrong_shape", sen=1, expected=2)', "nothing fills {seen} of the text [wrong_shape]"),
        ('Message("wrong_shape", {"seen": 1})', "nothing fills {expected} of the text [wrong_shape]"),
        ('messages.Message("wrong_shape")', "nothing fills {expected}, {seen}"),
    ],
)  # fmt: skip
def test_a_message_that_could_not_be_said_is_found_in_the_code(code: str, said: str) -> None:
    ((line, found),) = wrong_texts(f"import x\n{code}\n")
    assert line == 2 and said in found


@pytest.mark.parametrize(
    "code", ['CheckFailed("wrong_shape", **seen)', 'Message("wrong_shape", details)', "Message(key, {})"]
)
def test_what_code_alone_does_not_tell_is_let_pass(code: str) -> None:
    assert list(wrong_texts(code)) == []


def test_every_message_of_the_library_and_of_this_course_can_be_said() -> None:
    assert installed_families()
    names = ("autograder.", "course.")
    own = {n: m for n, m in sys.modules.items() if n.startswith(names) and ".instructor" not in n}
    files = [Path(str(module.__file__)) for module in own.values()]
    assert len(files) > 30
    assert {path.name: found for path in files if (found := list(wrong_texts(path.read_text())))} == {}


def test_a_family_that_is_named_and_not_installed_is_told(draft: Course) -> None:
    (draft.root / "pyproject.toml").write_text(
        '[project]\nname = "x"\n'
        '[project.entry-points."autograder.checks"]\nclusters = "kit.clusters:FAMILY"\n'
    )
    (said,) = unusable_families(draft)
    assert "'clusters' (kit.clusters:FAMILY)" in said and "make setup" in said
    assert ("checks of its own", False, said) in doctor._packages(draft)


# --- keys that are older than their sources ----------------------------------------------------------


def test_doctor_says_that_a_key_is_stale(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    lab = next(iter(course.labs))
    key = AnswerKey(lab, 7, {"a": 2.0}, {}, {}, "")
    monkeypatch.setattr(AnswerKey, "load", lambda path: key)
    for stale in (True, False):
        monkeypatch.setattr(keys, "is_stale", lambda course, lab, answer=stale: answer)
        _, fine, said = next(found for found in doctor._labs(course) if found[0] == lab)
        assert fine is not stale and (f"course build {lab}" in said) is stale


def test_a_stale_lab_is_not_released_unless_it_must_be(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = next(iter(course.labs))
    monkeypatch.setattr(releasing, "is_stale", lambda course, lab: True)
    with pytest.raises(
        CourseError, match=rf"has changed since it was built: run `course build {lab}`.*--for"
    ):
        releasing.release_lab(course, lab)


def test_doctor_asks_for_nothing_that_a_course_does_not_need() -> None:
    needed = (ROOT / "pyproject.toml").read_text().partition("postgresql =")[0]
    assert [name for name in doctor.PACKAGES if f'"{name}>=' not in needed] == []


# --- where a check cannot say what it has to say -----------------------------------------------------


def refused(lines: Callable[[object], object]) -> tuple[list[str], list[BaseException], str]:
    """Return the errors of the observations of a block, what stopped, and what the first check says."""
    with record(1) as recording:
        lab = open_lab("any", language="en")
        with lab.marks("block", points=2) as checks:
            lines(checks)
    said = checks.results[0].message.render("en")
    return [o.error or "" for o in recording.observations.values()], list(recording.stopped.values()), said


def test_a_missing_text_is_the_familys_fault_and_costs_no_other_check() -> None:
    def misspelt(running: object) -> torch.Tensor:
        raise CheckFailed("residuals_corelated", feature=1)

    def run(checks: object) -> None:
        checks.run_array("block.first", 1, misspelt)  # type: ignore[attr-defined]
        checks.run_array("block.second", 1, lambda running: torch.ones(2))  # type: ignore[attr-defined]

    errors, stopped, said = refused(run)
    assert errors == ["no_text", ""]
    assert __name__ in said and "[residuals_corelated]" in said and "none of yours" in said
    assert len(stopped) == 1 and __name__ in str(stopped[0])
