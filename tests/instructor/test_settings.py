"""course.toml and banks are read strictly; what is wrong is said with file, line, table and key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autograder.instructor import doctor
from autograder.instructor.bank import load_bank
from autograder.instructor.build import write_source
from autograder.instructor.settings import Course, CourseError, load_course
from autograder.instructor.tables import line_of
from tests.conftest import LAB1, ROOT

COURSE = '[course]\nlanguage = "en"\nlanguages = ["en"]\n'


def read(folder: Path, text: str) -> Course:
    (folder / "course.toml").write_text(text)
    return load_course(folder)


# --- what concerns all labs ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[course]\nlanguage = "es"\nlanguages = "es"\n[labs]',
            r"line 3, \[course\]: languages must be",
        ),
        (
            COURSE + 'langauge = "en"\n[labs]',
            r"line 4, .* no key 'langauge'. Did you mean language\?",
        ),
        (COURSE.replace('"en"]', '"en", "English"]') + "[labs]", "'English' is no code of a language"),
        (COURSE + 'package = "my-course"\n[labs]', r"line 4, .*'my-course' is no name of a package"),
        (COURSE + "package = 3\n[labs]", r"package must be a text, such as package = \"course\", not 3"),
        (COURSE + 'package = "a"\npackages = ["b"]\n[labs]', "give package or packages, not both"),
        (
            COURSE + "[labs]\n[grading]\nidle = 3",
            r"line 6, .* no key 'idle'. Did you mean idle_s",
        ),
        (COURSE + "[labs]\n[grading]\nfiles = 2.5", r"line 6, \[grading\]: files must be a positive number"),
        (COURSE + "[labs]\n[grading]\nidle_s = inf", r"\[grading\]: idle_s must be a positive number"),
        (
            COURSE + '[labs]\n[grading.tls]\nca = "x"',
            r"line 5, \[grading\.tls\]: cert must be",
        ),
        (COURSE + "[labs]\n[gradign]", "takes the tables course, grading, labs and late, not gradign"),
        (COURSE, r"needs a table \[labs\]"),
        (COURSE + "labs = ]", "course.toml cannot be read: .*line 4"),
    ],
)
def test_what_is_wrong_with_a_course_is_said_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        read(tmp_path, text)


def test_a_course_says_which_packages_are_its_own(tmp_path: Path) -> None:
    course = read(tmp_path, COURSE + 'packages = ["rnn.labs", "helpers"]\n[labs]')
    assert course.packages == ("rnn.labs", "helpers")
    assert course.key("lab1") == tmp_path / "rnn" / "labs" / "keys" / "lab1.json"


def test_keys_lie_in_src_where_the_package_does(tmp_path: Path) -> None:
    (tmp_path / "src" / "rnn").mkdir(parents=True)
    course = read(tmp_path, COURSE + 'package = "rnn"\n[labs]')
    assert course.key("lab1") == tmp_path / "src" / "rnn" / "keys" / "lab1.json"


def test_doctor_says_whether_notebooks_find_the_packages(course: Course) -> None:
    assert [fine for _, fine, _ in doctor._packages(course)] == [True]
    [(what, fine, said)] = doctor._packages(replace(course, packages=("rnnmissing",)))
    assert what == "package rnnmissing" and fine is False and "pip install -e ." in said


# --- what concerns one lab -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            'seed = "2023"',
            r"line 6, \[labs\.a\]: seed must be a whole number.*, not '2023'",
        ),
        ("sed = 1", r"line 6, \[labs\.a\] has no key 'sed'. Did you mean seed\?"),
        ("", r"line 5, \[labs\.a\]: seed must be a whole number.*; it is missing"),
        ('seed = 1\ntitle = "GAN"', r"line 7, \[labs\.a\]: title must be a text by language, .*not 'GAN'"),
        ("seed = 1\ntitle.en = 1", r"line 7, \[labs\.a\]: title\.en must be a text by language"),
        ('seed = 1\nprepare = "x"', r"line 7, \[labs\.a\]: prepare must be a function"),
    ],
)
def test_what_is_wrong_with_a_lab_is_said_with_its_line(tmp_path: Path, table: str, message: str) -> None:
    course = read(tmp_path, f"{COURSE}\n[labs.a]\n{table}\n[labs.b]\nseed = 7\n")
    with pytest.raises(CourseError, match=message):
        course.settings("a")
    assert course.seed("b") == 7


def test_a_bad_title_is_no_matter_where_a_seed_is_wanted(tmp_path: Path) -> None:
    course = read(tmp_path, f'{COURSE}[labs.a]\nseed = 1\ntitle = "GAN"\n')
    assert course.seed("a") == 1


def test_no_line_is_said_of_a_file_that_says_something_else_by_now(tmp_path: Path) -> None:
    course = read(tmp_path, f'{COURSE}[labs.a]\nseed = "x"\n')
    read(tmp_path, f"{COURSE}[labs.a]\nseed = 1\n")
    with pytest.raises(CourseError, match=r"^course\.toml, \[labs\.a\]: seed must be"):
        course.seed("a")


def test_a_cell_in_a_language_that_the_course_does_not_have_is_named(course: Course, tmp_path: Path) -> None:
    spanish = replace(course, languages=("es",))
    with pytest.raises(CourseError, match=r"Cell '.*' is tagged lang-en.* no such language"):
        write_source(spanish, LAB1)


# --- banks -----------------------------------------------------------------------------------------

ENTRY = '[[answer]]\nid = "a"\ncell = "c"\nkind = "wrong"\ncode = """\nx = 1\n[y]\n"""\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("answer = [1]", "answers.toml, line 1: entry 1 must be a table, with id, cell, kind, code"),
        (ENTRY + 'chek = "x"', "answers.toml, line 9, a has no key 'chek'. Did you mean check?"),
        (
            ENTRY.replace('"wrong"', '"worng"'),
            "line 4, a: kind must be one of .*, not 'worng'",
        ),
        ('[[answer]]\nid = "a"\n', "line 1, a: cell must be a text in quotes .*; it is missing"),
        (ENTRY.replace('"a"', "3"), "line 2, entry 1: id must be a text in quotes"),
        (
            ENTRY + 'hint.en = "x"\nhint.fr = "y"',
            "line 10, a: give the hint .* no language 'fr'",
        ),
        (ENTRY + 'hint = "x"', r"line 9, a: hint must be a text by language, such as hint\.en = .*, not 'x'"),
        (ENTRY + ENTRY, "line 10: the id 'a' is used twice"),
    ],
)
def test_what_is_wrong_with_a_bank_is_said_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(text)
    with pytest.raises(CourseError, match=message):
        load_bank(path, ["en"])


def test_hints_are_in_the_languages_of_the_course(tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(f'{ENTRY}hint.fr = "non"\nhint.de = "nein"\n')
    assert load_bank(path, ["fr", "de"])["a"].hint == {"fr": "non", "de": "nein"}


# --- lines -----------------------------------------------------------------------------------------


def test_the_line_of_every_key_of_a_real_file_is_found() -> None:
    text = (ROOT / "course.toml").read_text(encoding="utf-8")
    lines = text.splitlines()
    for lab in load_course(ROOT).labs:
        number = line_of(text, ["labs", lab, "seed"])
        assert number is not None and lines[number - 1].startswith("seed = ")
        header = line_of(text, ["labs", lab])
        assert header is not None and lines[header - 1] == f"[labs.{lab}]"


def test_what_looks_like_a_key_within_a_text_is_none() -> None:
    assert line_of('a = """\nb = 1\n"""\nb = 2\n', ["b"]) == 4
    assert line_of('a = """\nb = 1\n"""\n', ["b"]) is None
