"""What the documents say of files, commands, checks and counts is so."""

from __future__ import annotations

import importlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from autograder.__main__ import _TIME_LIMIT_S, _parser
from autograder.block import Block
from autograder.checks.base import Checks
from autograder.instructor.bank import load_bank
from autograder.instructor.cli import app
from autograder.instructor.settings import Course, load_course
from autograder.key import AnswerKey
from tests.conftest import LABS, ROOT

PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")]
PAGES += sorted((ROOT / "docs").glob("*.md"))
# What a check is made of, and no check.
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
FAMILIES = [kind for kind in type(Block.__new__(Block)).__mro__ if issubclass(kind, Checks)]
CHECKS = {
    name
    for kind in FAMILIES
    if kind is not Checks and kind.__name__ != "Block"
    for name in vars(kind)
    if not name.startswith("_")
}


@pytest.fixture(params=PAGES, ids=lambda path: str(path.name))
def page(request: pytest.FixtureRequest) -> Path:
    """Every document in turn."""
    return Path(request.param)


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def between(text: str, start: str, end: str) -> str:
    return text.split(start, 1)[1].split(end, 1)[0]


def rows(text: str) -> list[list[str]]:
    """Return the rows of all tables of a document, without their headers' rules."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not set(line) <= set("|-: ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


# --- files ------------------------------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    """Return what links may name after a # sign: the headings of a page, as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_every_link_leads_to_a_place_of_the_checkout(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        file, _, anchor = target.partition("#")
        if "://" not in target:
            path = page.parent / file if file else page
            assert path.exists(), target
            assert not anchor or anchor in anchors(path), target


def places(line: str) -> Iterator[list[Path]]:
    """Yield where each file named in a line may be: in the checkout, or beside what the line named before."""
    folders = [ROOT, ROOT / "autograder" / "instructor", ROOT / "source_notebooks" / LABS[0]]
    for name in re.findall(r"`([\w./-]+(?:\.(?:py|md|toml|json|txt)|/))`", line):
        found = [folder / name for folder in folders]
        yield found
        folders += [path.parent for path in found if path.exists()]


def test_every_file_that_contributors_are_sent_to_is_there() -> None:
    lines = text_of("CONTRIBUTING.md").splitlines()
    named = [paths for line in lines for paths in places(line)]
    assert len(named) > 30
    assert [str(paths[0]) for paths in named if not any(path.exists() for path in paths)] == []


# --- commands ---------------------------------------------------------------------------------------


def test_the_readme_lists_the_targets_of_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):.*##", text_of("Makefile"), re.MULTILINE))
    readme = text_of("README.md")
    listed = re.findall(r"`(\w+)`", between(readme, "`make help` lists the rest:", "\n"))
    assert {*listed, "help", *re.findall(r"^make (\w+)", readme, re.MULTILINE)} == targets


def test_every_target_that_is_named_is_one_of_the_makefile(page: Path) -> None:
    targets = re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE)
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", page.read_text(), re.MULTILINE)) <= set(targets)


def command_lines(text: str) -> list[str]:
    """Return what a document says to type that begins with `course`."""
    return re.findall(r"(?:^\$ |^|`)(course [a-z]+[^`#\n]*)", text, re.MULTILINE)


def typed(text: str) -> Iterator[tuple[str, set[str]]]:
    """Yield command and options of all `course` commands of a document."""
    for line in command_lines(text):
        name = line.split()[1]
        if name in COMMANDS or "--" in line:
            yield name, set(re.findall(r"--[a-z][a-z-]*", line))


def options_of(command: str) -> set[str]:
    found = {name for each in COMMANDS[command].params for name in each.opts if name.startswith("--")}
    # A lab has a title in each language of its course.
    titles = {f"--title-{language}" for language in load_course(ROOT).languages}
    return found | titles if command == "new" else found


def test_every_course_command_that_is_named_takes_the_options_it_is_given(page: Path) -> None:
    for command, options in typed(page.read_text(encoding="utf-8")):
        assert options <= options_of(command), command


def test_every_course_command_is_in_a_document() -> None:
    named = {command for each in PAGES for command, _ in typed(each.read_text(encoding="utf-8"))}
    assert named == set(COMMANDS)


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("grading.md", "grade"),
        ("grading.md", "report"),
        ("exports.md", "export"),
        ("collect.md", "collect"),
        ("feedback.md", "feedback"),
        ("times.md", "extend"),
    ],
)
def test_a_command_that_is_explained_is_shown_with_all_its_options(name: str, command: str) -> None:
    shown = max((options for c, options in typed(text_of(f"docs/{name}")) if c == command), key=len)
    assert shown == options_of(command)


def test_students_are_told_the_options_of_the_check_command() -> None:
    for part in text_of("docs/students.md").split("\n# "):
        said = set(re.findall(r"`(--[a-z-]+)`", part))
        assert said == {"--full", "--time-limit"}
        _parser().parse_args(["check", "x.ipynb", "--full", "--time-limit", "5"])
        assert f"{_TIME_LIMIT_S:g} se" in part


def test_the_plugins_for_stock_nbgrader_are_there() -> None:
    plugins = re.findall(r"--exporter=([\w.]+)", text_of("docs/exports.md"))
    assert len(plugins) == 3
    for plugin in plugins:
        module, name = plugin.rsplit(".", 1)
        assert hasattr(importlib.import_module(module), name)


# --- names ------------------------------------------------------------------------------------------


def test_authors_are_told_every_check() -> None:
    sentence = between(text_of("docs/authoring.md"), "`checks` offers", "; `lab.supplied_")
    assert set(re.findall(r"`(\w+)`", sentence)) == CHECKS


def test_what_every_check_observes_is_said() -> None:
    first = [row[0] for row in rows(between(text_of("docs/grading.md"), "| check |", "\n\n"))]
    said = {name for cell in first for name in re.findall(r"`(\w+)", cell)}
    # Who hands in is no observation.
    assert said == CHECKS - {"identity"}


def test_the_names_of_jhwutils_and_lautils_are_there() -> None:
    table = rows(between(text_of("docs/drop-in.md"), "| module | names |", "\n\n"))
    assert len(table) == 4
    for module, names in table:
        found = importlib.import_module(f"autograder.{module.strip('`')}")
        assert [name for name in re.findall(r"`(\w+)`", names) if not hasattr(found, name)] == []


# --- counts -----------------------------------------------------------------------------------------


def test_the_readme_lists_the_labs_with_their_marks(course: Course) -> None:
    listed = {row[0].strip("`"): row[2] for row in rows(text_of("README.md")) if row[0].startswith("`lab")}
    assert list(listed) == list(LABS)
    for lab, marks in listed.items():
        key = AnswerKey.load(course.key(lab))
        automatic, by_hand = sum(key.blocks.values()), sum(key.manual.values())
        assert re.findall(r"\d+", marks) == [f"{automatic:g}", f"{by_hand:g}"]


def test_the_measured_audit_is_of_all_answers_of_the_banks(course: Course) -> None:
    text = text_of("docs/grading.md").partition("\n## Measured\n")[2].partition("\n## ")[0]
    audited = {row[0].strip("`"): row[1:] for row in rows(text) if row[0].startswith("`lab")}
    assert list(audited) == list(LABS)
    for lab, cells in audited.items():
        answers = load_bank(course.bank(lab)).values()
        wrong = [answer for answer in answers if answer.kind == "wrong"]
        hinted = [answer for answer in wrong if answer.hint]
        totals = [int(cell.split(" of ")[1]) for cell in cells[:4]]
        expected = [wrong, wrong, hinted, [a for a in answers if a.kind == "equivalent"]]
        assert totals == [len(each) for each in expected], lab


def test_the_measured_agreement_is_of_all_observations(course: Course) -> None:
    text = text_of("docs/reproducibility.md")
    measured = {row[0][1:].split("`")[0]: int(row[1]) for row in rows(text) if row[0].startswith("`lab")}
    (first,) = re.findall(r"All (\d+) observations of lab 1", text)
    measured[LABS[0]] = int(first)
    assert measured == {lab: len(AnswerKey.load(course.key(lab)).checks) for lab in LABS}


def test_the_licence_of_the_readme_is_that_of_the_package() -> None:
    assert "Licence: MIT" in text_of("README.md") and 'license = "MIT"' in text_of("pyproject.toml")


def test_nothing_that_must_not_be_published_is_committed() -> None:
    """What docs/instructors.md says that git ignores."""
    section = between(text_of("docs/instructors.md"), "**Never publish**", "\n\n")
    private = re.findall(r"`([\w.]+/?)`", section.split("`source_notebooks/`")[0])
    assert len(private) >= 5
    for name in private:
        command = ["git", "check-ignore", "--quiet", "--no-index", f"{name}x" if name.endswith("/") else name]
        assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0, name
