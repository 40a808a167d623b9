"""Headings: what the parts of a notebook are called where a person reads of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from nbformat import NotebookNode

from autograder.instructor.source import grade_id, is_check_cell, is_student_cell, select_language

_BOLD = re.compile(r"^\*\*(.+?)\*\*", re.MULTILINE)
_MAX_TITLE = 200


def headings_of(lab: str, notebook: NotebookNode, languages: Iterable[str]) -> dict[str, Mapping[str, str]]:
    """Return what a lab and its cells are called, by language.

    Args:
        lab: the lab's id: what its title is found by.
        notebook: the lab's, in all languages.
        languages: of the course.

    Returns:
        The title of the lab, and for every block and every other cell that nbgrader knows its heading, by
        language. What has none is not there.
    """
    found: dict[str, dict[str, str]] = {}
    for language in languages:
        cells = select_language(notebook, language, tuple(languages)).cells
        text: list[NotebookNode] = []
        title = next(iter(headings([cell for cell in cells if not is_student_cell(cell)])), "")
        found.setdefault(lab, {})[language] = title
        for cell in cells:
            name = grade_id(cell)
            if name is not None:
                by_hand = not is_check_cell(cell) and bool(cell.metadata["nbgrader"].get("grade"))
                heading = (question_title(text) if by_hand else "") or next(iter(headings(text)[-1:]), "")
                key = name.removesuffix("_check") if is_check_cell(cell) else name
                found.setdefault(key, {})[language] = heading
            if not is_student_cell(cell) and cell.cell_type != "raw":
                text.append(cell)
    return {name: texts for name, texts in found.items() if all(texts.values())}


def question_title(cells: Sequence[NotebookNode]) -> str:
    """Return what the text before an open question calls it, in bold: nothing if it does not."""
    if not cells or cells[-1].cell_type != "markdown":
        return ""
    bold = _BOLD.findall(cells[-1].source)
    return plain_title(bold[-1]) if bold else ""


def headings(cells: Iterable[NotebookNode]) -> list[str]:
    """Return the headings of Markdown cells, without marks."""
    lines = [line for cell in cells if cell.cell_type == "markdown" for line in cell.source.split("\n")]
    return [plain_title(heading) for line in lines if (heading := _heading(line))]


def _heading(line: str) -> str:
    """Return the text of a line of Markdown that is a heading; nothing if it is none."""
    text = line.lstrip("#")
    is_heading = 1 <= len(line) - len(text) <= 6 and text[:1].isspace()
    return text.strip().rstrip("#").rstrip() if is_heading else ""


def plain_title(text: str) -> str:
    """Return a line of Markdown as plain text, without the marks in parentheses: they are said elsewhere."""
    # Students write headings too; the next pattern takes time that grows with the square of the line.
    text = text if len(text) <= _MAX_TITLE else f"{text[:_MAX_TITLE]} …"
    text = re.sub(r"\s*\([^()]*\d+ (?:puntos|marks|points)\)", "", text)
    return re.sub(r"[*`$]", "", text).strip(" .")
