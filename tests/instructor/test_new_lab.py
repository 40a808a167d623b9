"""`course new LAB`: a lab from the template, its table in course.toml, and the way back."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.catalogue import load
from autograder.instructor import cli
from autograder.instructor.bank import load_bank
from autograder.instructor.errors import CourseError
from autograder.instructor.new import new_lab, remove_lab
from autograder.instructor.new.entry import with_entry, without_entry
from autograder.instructor.settings import Course, load_course
from autograder.instructor.source import read_source, select_language
from autograder.language import LANGUAGES
from tests.conftest import ROOT

SETTINGS = """\
# Settings, with comments that matter.
[course]
language = "en"   # of solutions
languages = ["en", "es"]

[labs.lab1_first]
seed = 2023  # the public seed

# What one submission may use.
[grading]
cell_cpu_s = 60
"""


@pytest.fixture
def own(tmp_path: Path) -> Course:
    """A course of its own with one lab, whose files do not matter."""
    (tmp_path / "course.toml").write_text(SETTINGS, encoding="utf-8")
    return load_course(tmp_path)


def tree(folder: Path) -> dict[str, bytes | None]:
    """Return all files and folders, with what files hold."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


# --- making ------------------------------------------------------------------------------------------


def test_the_lab_stands_in_course_toml_with_a_seed_of_its_own_and_all_else_is_as_it_was(own: Course) -> None:
    new_lab(own, "lab2_next", {"en": 'The "next" one', "es": "El próximo"})
    text = (own.root / "course.toml").read_text(encoding="utf-8")
    assert text.startswith(SETTINGS)
    assert load_course(own.root).settings("lab2_next") == {
        "seed": 2024,
        "title": {"en": 'The "next" one', "es": "El próximo"},
    }


def test_line_ends_of_windows_are_kept(own: Course) -> None:
    settings = own.root / "course.toml"
    settings.write_bytes(SETTINGS.replace("\n", "\r\n").encode())
    before = settings.read_bytes()
    new_lab(own, "lab2_next")
    assert settings.read_bytes().startswith(before)
    remove_lab(load_course(own.root), "lab2_next")
    assert settings.read_bytes() == before


def test_a_title_that_is_not_given_is_made_of_the_id(own: Course) -> None:
    new_lab(own, "lab2_two_words", {"es": "Dos palabras"})
    expected = {"en": "Lab 2: two words", "es": "Dos palabras"}
    assert load_course(own.root).titles("lab2_two_words") == expected


def test_the_notebook_has_every_prose_cell_in_every_language(own: Course) -> None:
    new_lab(own, "lab2_next")
    source = read_source(own.source("lab2_next"))
    for start, other in (("# Lab 2: next", "es"), ("# Lab 2: next", "en")):
        cells = select_language(source, other, own.languages).cells
        assert cells[0].source.startswith(start)
        assert not any(c.source.startswith(("# es:", '"""')) for c in cells)
    assert len(select_language(source, "en").cells) == len(select_language(source, "es").cells)


def test_with_one_language_nothing_is_marked_with_it(own: Course) -> None:
    settings = own.root / "course.toml"
    settings.write_text(SETTINGS.replace('["en", "es"]', '["en"]'), encoding="utf-8")
    new_lab(load_course(own.root), "lab2_next")
    text = own.source("lab2_next").read_text(encoding="utf-8")
    assert "lang-" not in text and '"""en: ' not in text and "  # en" not in text


def test_a_language_without_texts_of_its_own_begins_in_english(own: Course) -> None:
    settings = own.root / "course.toml"
    settings.write_text(SETTINGS.replace('["en", "es"]', '["en", "pt-BR"]'), encoding="utf-8")
    course = load_course(own.root)
    new_lab(course, "lab2_next")
    text = course.source("lab2_next").read_text(encoding="utf-8")
    assert '"""pt-BR: The columns of x' in text
    assert {"en", "pt-BR"} == set(
        load_bank(course.bank("lab2_next"), course.languages)["standardise_whole"].hint
    )
    assert course.notes("lab2_next", "pt-BR").read_text() == "This lab needs no data.\n"


def test_the_bank_has_two_wrong_answers_with_hints_and_an_equivalent_one(own: Course) -> None:
    new_lab(own, "lab2_next")
    answers = load_bank(own.bank("lab2_next"), own.languages).values()
    assert [answer.kind for answer in answers] == ["wrong", "wrong", "equivalent"]
    assert all(set(answer.hint) == {"en", "es"} for answer in answers if answer.kind == "wrong")


@pytest.mark.parametrize("tree", ["new_lab", "new_course_lab", "new_course"])
def test_the_template_says_everything_in_all_languages_of_the_library(tree: str) -> None:
    texts = load("autograder.instructor", f"templates/{tree}/texts")
    assert texts and all(set(entry) == set(LANGUAGES) for entry in texts.values())


# --- what may go wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "1lab", "../lab", "lab one", "lab.1", "läb", "-x", "a" * 65])
def test_a_name_that_cannot_be_an_id_is_described_and_nothing_is_made(own: Course, name: str) -> None:
    before = tree(own.root)
    with pytest.raises(CourseError, match="is no id for a lab: it takes a letter first"):
        new_lab(own, name)
    assert tree(own.root) == before


def test_a_lab_that_there_is_is_left_alone(own: Course) -> None:
    with pytest.raises(CourseError, match=r"There is a lab 'lab1_first' already\. Choose another id"):
        new_lab(own, "lab1_first")


def test_a_folder_that_there_is_is_left_alone(own: Course) -> None:
    own.source("lab2_next").parent.mkdir(parents=True)
    with pytest.raises(CourseError, match="source_notebooks/lab2_next/ is there already"):
        new_lab(own, "lab2_next")
    assert (own.root / "course.toml").read_text() == SETTINGS


@pytest.mark.parametrize("title", [" ", "two\nlines"])
def test_a_title_that_is_no_line_of_text_is_described(own: Course, title: str) -> None:
    with pytest.raises(CourseError, match="The title in 'en' must be a text on one line"):
        new_lab(own, "lab2_next", {"en": title})


def test_nothing_is_left_where_course_toml_cannot_be_written(own: Course) -> None:
    # A folder has the name under which the new file would be written first.
    (own.root / ".course.toml.new").mkdir()
    before = tree(own.root)
    with pytest.raises(CourseError, match=r"course\.toml cannot be written"):
        new_lab(own, "lab2_next")
    left = tree(own.root)
    left.pop("source_notebooks", None)
    assert left == before


Command = Callable[..., int]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, run in this process; it returns its exit status."""

    def command(folder: Path, *arguments: str) -> int:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["course", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0)

    return command


def test_a_folder_without_a_course_is_described(
    run: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "new", "lab1_first") == 1
    assert "No course.toml in" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Name a lab, `course new LAB`, or a folder"),
        (["lab2_next", "--course", "there"], "Name a lab, `course new LAB`, or a folder"),
        (["lab2_next", "--languages", "en"], "are for a whole course: add --course FOLDER"),
        (["lab2_next", "--force"], "--force is for --remove"),
        (["--course", "there", "--remove"], "are for one lab"),
        (["lab2_next", "--remove", "--title-en", "x"], "needs no title"),
        (["lab2_next", "--title-en"], "--title-en needs a text"),
        (["lab2_next", "--titel", "x"], "There is no option --titel: see `course new --help`"),
        (["lab2_next", "--title-en", "Two", "words"], "One lab at a time, not lab2_next, words"),
    ],
)
def test_options_that_do_not_fit_together_are_described(
    run: Command, own: Course, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    before = tree(own.root)
    assert run(own.root, "new", *arguments) == 1
    assert said in " ".join(capsys.readouterr().err.split())
    assert tree(own.root) == before


def test_a_title_is_given_for_each_language_of_the_course_and_no_other(
    run: Command, own: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(own.root, "new", "--title-en", "Next", "lab2_next", "--title-es=Próximo") == 0
    assert load_course(own.root).titles("lab2_next") == {"en": "Next", "es": "Próximo"}
    assert run(own.root, "new", "lab3_next", "--title-fr", "Suivant") == 1
    assert "The course has no language 'fr' for a title: it has en, es" in capsys.readouterr().err


# --- the entry of course.toml ------------------------------------------------------------------------

LABS_LAST = '[course]\nlanguage = "en"\nlanguages = ["en"]\n\n[labs]\n'
FORMS = {
    "as in this course": (ROOT / "course.toml").read_text(encoding="utf-8"),
    "another table last": SETTINGS,
    "no lab yet": LABS_LAST,
    "without a last line end": SETTINGS.rstrip("\n"),
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS.keys())
def test_an_entry_that_is_put_in_and_cut_out_leaves_the_text_as_it_was(text: str) -> None:
    added = with_entry(text, "zz", {"seed": 3, "title": {"en": "[x] # ünï"}})
    assert added.startswith(text)
    assert without_entry(added, "zz").rstrip("\n") == text.rstrip("\n")


def test_comments_of_the_next_table_stay_when_an_entry_is_cut_out() -> None:
    text = without_entry(with_entry(SETTINGS, "lab2_next", {"seed": 3}), "lab1_first")
    assert "lab1_first" not in text
    assert "# What one submission may use.\n[grading]\n" in text and "[labs.lab2_next]" in text


def test_a_table_within_an_entry_goes_with_it() -> None:
    text = (
        SETTINGS + "\n[labs.b]\nseed = 1\n\n[labs.b.options]\nrows = [\n[1],\n]\n\n# c\n[labs.c]\nseed = 2\n"
    )
    assert without_entry(text, "b") == SETTINGS + "\n# c\n[labs.c]\nseed = 2\n"


def test_a_course_without_its_last_lab_is_still_a_course(own: Course) -> None:
    (own.root / "course.toml").write_text(without_entry(SETTINGS, "lab1_first"), encoding="utf-8")
    assert load_course(own.root).labs == {}


def test_labs_in_another_form_are_described() -> None:
    with pytest.raises(CourseError, match=r"write each as a table \[labs\.LAB\]"):
        with_entry("labs = { a = { seed = 1 } }\n", "b", {"seed": 2})


# --- the way back ------------------------------------------------------------------------------------


def build_by_hand(course: Course, lab: str) -> None:
    """Put something where each thing would be that is built from a lab."""
    built = [course.key(lab), course.solution(lab), course.build / "audit" / f"{lab}.json"]
    built += [course.release(lab, language) for language in course.languages]
    built += [course.build / "release" / f"{lab}-en.zip", course.build / "demo" / lab / "report.html"]
    for path in built:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_a_lab_is_taken_back_with_all_that_was_built_from_it(own: Course) -> None:
    before = tree(own.root)
    new_lab(own, "lab2_next")
    course = load_course(own.root)
    build_by_hand(course, "lab2_next")
    remove_lab(course, "lab2_next")
    assert tree(own.root) == before


def test_what_belongs_to_another_lab_or_to_students_stays(own: Course) -> None:
    new_lab(own, "lab2_next")
    course = load_course(own.root)
    build_by_hand(course, "lab1_first")
    (course.root / "gradebook.db").touch()
    before = tree(course.root)
    build_by_hand(course, "lab2_next")
    remove_lab(course, "lab2_next")
    left = tree(course.root)
    gone = {name for name in before if name not in left}
    assert gone and all("lab2_next" in name or name == "source_notebooks" for name in gone)


def changed(course: Course) -> str:
    path = course.source("lab2_next")
    path.write_text(path.read_text() + '\n# %% [markdown] id="more"\n# More.\n')
    return "source_notebooks/lab2_next/lab2_next.py: changed"


def added(course: Course) -> str:
    (course.source("lab2_next").parent / "picture.svg").touch()
    return "source_notebooks/lab2_next/picture.svg: added"


def set_by_hand(course: Course) -> str:
    with (course.root / "course.toml").open("a") as file:
        file.write('prepare = "mine:prepare"\n')
    return "course.toml, [labs.lab2_next]: prepare"


def handed_in(course: Course) -> str:
    (course.root / "submitted" / "ana" / "lab2_next").mkdir(parents=True)
    return "the way to grade what was handed in (it stays): submitted/ana/lab2_next"


@pytest.mark.parametrize("work", [changed, added, set_by_hand, handed_in])
def test_work_is_not_thrown_away_unless_that_is_asked_for(own: Course, work: Callable[[Course], str]) -> None:
    new_lab(own, "lab2_next")
    said = work(own)
    before = tree(own.root)
    with pytest.raises(CourseError, match="With --force, this would be lost") as refused:
        remove_lab(load_course(own.root), "lab2_next")
    assert said in str(refused.value) and tree(own.root) == before
    remove_lab(load_course(own.root), "lab2_next", force=True)
    assert "lab2_next" not in load_course(own.root).labs and not own.source("lab2_next").exists()


def test_a_lab_that_is_half_removed_can_be_removed(own: Course) -> None:
    new_lab(own, "lab2_next")
    shutil.rmtree(own.source("lab2_next").parent)
    remove_lab(load_course(own.root), "lab2_next")
    assert (own.root / "course.toml").read_text() == SETTINGS


def test_a_lab_that_there_is_not_cannot_be_removed(own: Course) -> None:
    with pytest.raises(CourseError, match="There is no lab 'lab2_next'"):
        remove_lab(own, "lab2_next")


def test_nothing_is_written_that_is_for_the_templates_alone(own: Course) -> None:
    folder = own.source("lab2_mine").parent
    written = {path.name for path in new_lab(own, "lab2_mine") if path.parent == folder}
    assert written == {path.name for path in folder.iterdir()}
    assert written == {"lab2_mine.py", "answers.toml", "notes.en.md", "notes.es.md"}
