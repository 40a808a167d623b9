"""One term per concept, in both languages, and no word of one language in the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from nbformat import NotebookNode

from autograder.instructor.settings import Course, CourseError
from autograder.instructor.source import read_source, select_lines
from course.authoring.glossary import (
    LISTING,
    Term,
    load_glossary,
    page,
    prose,
    running_text,
    said,
    shared_comments,
    without_other_words,
)

LANGUAGES = ("es", "en")


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    """Every language in turn."""
    return str(request.param)


@pytest.fixture(scope="module")
def terms(course: Course) -> list[Term]:
    return load_glossary(course)


def told(course: Course, lab: str, language: str) -> Iterator[tuple[str, str]]:
    """Yield id and text of the prose cells but for the references: titles are in the language they are in."""
    return ((name, text) for name, text in prose(course, lab, language) if not name.startswith("references"))


def exploration(course: Course, lab: str) -> list[NotebookNode]:
    """Return the code cells that are not graded."""
    cells = read_source(course.source(lab)).cells
    return [cell for cell in cells if cell.cell_type == "code" and "nbgrader" not in cell.metadata]


# --- the glossary -----------------------------------------------------------------------------------------


def test_every_term_has_a_name_and_a_definition_in_both_languages(terms: list[Term]) -> None:
    assert len(terms) > 60
    for term in terms:
        assert set(term.means) == set(LANGUAGES), term.en
        assert all(text.endswith(".") and "\n" not in text for text in term.means.values()), term.en


def test_the_page_is_current(course: Course, terms: list[Term]) -> None:
    written = LISTING.page(course).read_text(encoding="utf-8")
    assert written == page(terms), "run `python -m course.authoring.glossary`"


def test_terms_are_in_alphabetical_order(terms: list[Term]) -> None:
    names = [term.en.removeprefix("to ").lower() for term in terms]
    assert names == sorted(names)


# --- the labs ---------------------------------------------------------------------------------------------


def test_the_prose_uses_no_rejected_wording(
    course: Course, terms: list[Term], lab: str, language: str
) -> None:
    for name, text in told(course, lab, language):
        words = without_other_words(said(text))
        assert [word for term in terms for word in term.rejected_in(words, language)] == [], name


def test_what_exploration_says_uses_no_rejected_wording(
    course: Course, terms: list[Term], lab: str, language: str
) -> None:
    """Titles of plots and comments: the texts in the lines of one language."""
    for cell in exploration(course, lab):
        lines = set(select_lines(cell.source, language).splitlines()) - set(cell.source.splitlines())
        texts = " ".join(
            text for line in lines for text in re.findall(r'"([^"{}]*)"|# (.*)', line) for text in text
        )
        assert [word for term in terms for word in term.rejected_in(texts, language)] == [], cell.id


def test_a_lab_gives_the_other_languages_term_where_it_first_uses_one(
    course: Course, terms: list[Term], lab: str, language: str
) -> None:
    cells = [(name, running_text(text)) for name, text in told(course, lab, language)]
    other = "en" if language == "es" else "es"
    for term in terms:
        first = next(((n, m, t) for n, t in cells if (m := term.pattern(language).search(t))), None)
        if term.shown and first:
            name, match, text = first
            following = text[match.end() : match.end() + 60]
            assert re.match(rf"\**[ ,(]*\*{re.escape(term.name(other))}\*", following), (
                name,
                term.en,
                following,
            )


FORMAL = re.compile(
    r"\b(usted|ustedes|recuerde|observe|describa|explique|escriba|ejecute|note que|deberá)\b", re.I
)


def test_spanish_prose_addresses_the_student_as_tu(course: Course, lab: str) -> None:
    for name, text in told(course, lab, "es"):
        assert not FORMAL.search(said(text)), name


def test_a_comment_that_stands_in_both_languages_is_a_shape(course: Course, lab: str) -> None:
    for cell in exploration(course, lab):
        for comment in shared_comments(cell):
            assert not re.search(r"[A-Za-z]{2,} [a-z]{2,}", comment), f"{cell.id}: {comment}"


# --- what is wrong with the list is said -------------------------------------------------------------------

LIST = """
[[term]]
es = "lote"
en = "batch"
means.es = "Muestras de un paso."
means.en = "Samples of a step."
rejected.es = ["batch", "en rebanadas"]
form.es = 'lotes?'

[[term]]
es = "paso"
en = "step"
means.es = "Una actualización."
means.en = "One update."
"""


@pytest.fixture
def copy(course: Course, tmp_path: Path) -> Course:
    """Return a course with a short glossary."""
    (tmp_path / "docs").mkdir()
    copy = replace(course, root=tmp_path)
    LISTING.data(copy).write_text(LIST, encoding="utf-8")
    return copy


def test_a_term_is_found_in_its_forms_as_a_whole_word(copy: Course) -> None:
    batch, step = load_glossary(copy)
    assert batch.pattern("es").search("dos Lotes de 32") and not batch.pattern("es").search("pelotes")
    assert step.pattern("es").search("un paso") and not step.pattern("es").search("pasos")
    assert batch.rejected_in("El batch, en rebanadas.", "es") == ["batch", "en rebanadas"]
    assert batch.rejected_in("batches", "es") == [] == batch.rejected_in("a batch", "en")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace('en = "step"', 'en = "batch"'), "'batch' is there twice"),
        (lambda text: text.replace('"en rebanadas"', '"paso"'), "'paso' is a term, and rejected for 'lote'"),
        (lambda text: text.replace('es = "lote"', "es = 3"), "line 3.*a text in quotes"),
        (lambda text: text.replace("form.es", "shape.es"), "no key 'shape'"),
        (lambda text: f"page = 1\n{text}", r"only \[\[term\]\] entries"),
    ],
)
def test_a_list_that_does_not_fit_is_described(copy: Course, change: Callable[[str], str], said: str) -> None:
    LISTING.data(copy).write_text(change(LIST), encoding="utf-8")
    with pytest.raises(CourseError, match=said):
        load_glossary(copy)


def test_prose_is_read_without_code_formulas_and_words_of_the_other_language() -> None:
    text = "## El lote (*batch*)\n| a | b |\nUn `batch` de\n$n$ (*batch*) datos."
    assert said("Un `batch` de\n$n$ datos") == "Un … de … datos"
    assert without_other_words("Un lote (*batch*) y la base, *backbone*, aquí") == "Un lote y la base aquí"
    assert running_text(text) == "Un … de … (*batch*) datos."
