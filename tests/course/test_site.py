"""The site's pages before Sphinx: labs without solutions, figures with words, links that stay within."""

from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from PIL import Image

from autograder.instructor.releases import read_release
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.source import is_check_cell, is_student_cell
from course.authoring.site.documents import documents, part_in, shared_documents, within
from course.authoring.site.lab_page import LabPage, anchor, cell_name, is_exploration, lab_page
from course.authoring.site.links import problems
from course.authoring.site.modules import packages
from course.authoring.site.titles import figure_title, last_heading
from tests.conftest import LAB1, ROOT

LANGUAGES = ("es", "en")


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    """Every language in turn."""
    return str(request.param)


@pytest.fixture
def page(course: Course, lab: str, language: str) -> LabPage:
    return lab_page(course, lab, language, film="Film: {title}")


def solution(course: Course, lab: str) -> NotebookNode:
    return nbformat.read(course.solution(lab), as_version=4)


# --- labs -------------------------------------------------------------------------------------------


def test_text_and_code_of_a_page_are_those_that_students_get(
    course: Course, lab: str, language: str, page: LabPage
) -> None:
    release = read_release(course, lab, language)
    shown = [cell for cell in page.notebook.cells if not cell.id.startswith("at-")]
    assert [(cell.id, cell.cell_type, cell.source) for cell in shown] == [
        (cell.id, cell.cell_type, cell.source) for cell in release.cells
    ]


def test_no_line_that_only_a_solution_has_is_on_a_page(
    course: Course, lab: str, language: str, page: LabPage
) -> None:
    """Short lines such as `return x` stand in many places: they tell nothing."""
    given = {
        line.strip()
        for cell in read_release(course, lab, language).cells
        for line in cell.source.splitlines()
    }
    answers = {
        line.strip()
        for cell in solution(course, lab).cells
        if is_student_cell(cell)
        for line in cell.source.splitlines()
    }
    secret = [line for line in answers - given if len(line) > 25]
    assert len(secret) > 20
    cells = page.notebook.cells
    shown = {line.strip() for cell in cells for line in cell.source.splitlines()}
    assert shown.isdisjoint(secret)
    printed = "".join(
        str(output.get("text", output.get("data"))) for c in cells for output in c.get("outputs", ())
    )
    assert [line for line in secret if line in printed] == []


def test_a_page_shows_what_the_solution_showed_and_no_marks(
    course: Course, lab: str, language: str, page: LabPage
) -> None:
    solved = {cell_name(cell, course.language): cell for cell in solution(course, lab).cells}
    for cell in page.notebook.cells:
        if cell.cell_type == "code":
            expected = (
                len(solved[cell_name(cell, language)].outputs)
                if is_exploration(cell) and not marked(cell)
                else 0
            )
            assert len(cell.outputs) == expected, cell.id
    assert "autograder.marks" not in nbformat.writes(page.notebook)


def marked(cell: NotebookNode) -> bool:
    """Tell whether a cell of a page belonged to nbgrader: a student's, or one with marks."""
    return (
        cell.id.endswith("_check") or "WRITE YOUR CODE" in cell.source or "ESCRIBE TU CÓDIGO" in cell.source
    )


def test_marks_cells_are_folded(course: Course, lab: str, language: str, page: LabPage) -> None:
    checks = {cell.id for cell in read_release(course, lab, language).cells if is_check_cell(cell)}
    folded = {cell.id for cell in page.notebook.cells if "hide-input" in cell.metadata.get("tags", [])}
    assert folded == checks != set()


def test_every_figure_has_words_and_a_place(page: LabPage) -> None:
    assert len(page.figures) > 5
    sources = [cell.source for cell in page.notebook.cells]
    for figure in page.figures:
        assert len(figure.alt) > 3 and "$" not in figure.alt, figure.cell
        assert f'<span id="{anchor(figure.cell)}"></span>' in sources
        with Image.open(io.BytesIO(figure.png)) as picture:
            picture.verify()
    assert max(Counter(figure.cell for figure in page.figures).values()) == 1


def test_a_film_moves_only_when_a_reader_asks(lab: str, page: LabPage) -> None:
    text = nbformat.writes(page.notebook)
    assert "image/gif" not in text
    for name, film in page.films.items():
        assert film.startswith(b"GIF8") and f"../films/{name}" in text
    assert text.count("<details") == len(page.films)


def test_diagrams_speak_the_language_of_the_page(course: Course) -> None:
    words = {x: lab_page(course, LAB1, x, film="").figures[0].alt for x in LANGUAGES}
    assert words["es"].startswith("Dos clases de modelos") and words["en"].startswith("Two kinds of models")


def test_a_release_and_a_solution_of_two_sources_are_refused(course: Course, tmp_path: Path) -> None:
    other = replace(course, root=tmp_path)
    for path in (course.solution(LAB1), course.release(LAB1, "en")):
        copy = tmp_path / path.relative_to(course.root)
        copy.parent.mkdir(parents=True)
        copy.write_bytes(path.read_bytes())
    notebook = nbformat.read(other.solution(LAB1), as_version=4)
    del notebook.cells[3]
    nbformat.write(notebook, other.solution(LAB1))
    with pytest.raises(CourseError, match=f"course build {LAB1}"):
        lab_page(other, LAB1, "en", film="")
    other.solution(LAB1).unlink()
    with pytest.raises(CourseError, match="cannot be read"):
        lab_page(other, LAB1, "en", film="")


@pytest.mark.parametrize(
    ("code", "explores"),
    [
        ("plot(x)", True),
        ("lab.summary()", False),
        ('lab = open_lab("x")', False),
        ("%matplotlib inline", True),
    ],
)
def test_what_the_session_says_of_itself_is_no_exploration(code: str, explores: bool) -> None:
    assert is_exploration(nbformat.v4.new_code_cell(code)) is explores


# --- words for figures ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "title"),
    [
        ('x = 1\nplot(x, title="A curve")', "A curve"),
        ('plot(x, title=f"After {n} steps of $D$")', "After … steps of D"),
        ('title, names = "Two", ["a"]\nplot(x, title=title)', "Two"),
        ('names = {"title": "A dictionary", "xlabel": "x"}\nplot(x, **names)', "A dictionary"),
        ('names = dict(title="A call")\nplot(x, **names)', "A call"),
        ("plot(x, title=make())", ""),
        ("plot(x)", ""),
        ("x = 1", ""),
        ("%magic", ""),
        ("", ""),
    ],
)
def test_the_title_of_a_figure_is_read_from_the_code(code: str, title: str) -> None:
    assert figure_title(code) == title


def test_the_last_heading_of_a_cell_is_found_without_its_marks() -> None:
    assert last_heading("## 1. The game\n\ntext\n\n### The loss of `D`, $x$") == "The loss of D, x"
    assert last_heading("#hashtag and text") == ""


# --- documents --------------------------------------------------------------------------------------


def test_all_documents_are_pages(course: Course) -> None:
    pages = {*documents(course), *shared_documents(course, "en", ())}
    files = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "docs").rglob("*.md")
        if not path.is_relative_to(ROOT / "docs" / "site")
    }
    assert files - pages == {"docs/glossary.md"}
    assert {"CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"} <= pages


def test_a_link_that_leads_out_of_the_site_keeps_its_words_only() -> None:
    stays = "[c](https://x.org) [d](#e) `f[0](g)` ![h](marked-notebook.png)"
    text = f"[a](../CONTRIBUTING.md#habits) [b](example_lab/) {stays}"
    found = within(text, ROOT / "docs" / "authoring.md", ROOT, {"CONTRIBUTING.md"})
    assert found == f"[a](../CONTRIBUTING.md#habits) b {stays}"


def test_documents_in_both_languages_are_split(course: Course) -> None:
    parts = {language: shared_documents(course, language, ()) for language in LANGUAGES}
    assert parts["es"]["docs/students.md"].startswith("# Para estudiantes")
    assert parts["en"]["docs/students.md"].startswith("# For students")
    assert parts["es"]["SECURITY.md"].startswith("# Seguridad")
    assert parts["en"]["SECURITY.md"].startswith("# Security\n")
    assert part_in("# A\na\n# B\nb\n", "en", ("es", "en")) == "# B\nb\n"


def test_the_reference_holds_every_module_of_the_library() -> None:
    named = {name for modules in packages().values() for name in modules}
    files = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "autograder").rglob("*.py")
        if path.name != "__main__.py"
    }
    assert named == files


# --- links ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "why"),
    [
        ('<a href="b.html#there">', None),
        ('<a href="b.html#gone">', "no such place"),
        ('<a href="c.html">', "no such file"),
        ('<a href="#here"><p id="here">', None),
        ('<a href="https://example.org">', None),
        ('<img src="https://example.org/x.png">', "from the network"),
        ('<script src="//cdn.example.org/x.js"></script>', "from the network"),
        ('<link rel="stylesheet" href="https://example.org/x.css">', "from the network"),
        ('<img src="data:image/png;base64,AA==">', None),
        ('<link rel="next" href="b.html">', None),
    ],
)
def test_what_is_wrong_with_a_link_is_said(html: str, why: str | None, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(html)
    (tmp_path / "b.html").write_text('<h1 id="there">')
    found = problems(tmp_path)
    assert (found == []) if why is None else (len(found) == 1 and re.search(why, found[0]))


def test_a_style_that_loads_a_font_from_the_network_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text(
        '@font-face { src: url("https://example.org/f.woff2") } b { background: url(x.png) }'
    )
    assert problems(tmp_path) == ["a.css: https://example.org/f.woff2: it is loaded from the network"]
