"""Source notebooks: one text file per lab, in all languages.

A source notebook is a jupytext py:percent file. Its prose cells are tagged with a language of the course,
such as `lang-es`; in code cells a language is chosen line by line (see `select_lines`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from copy import deepcopy
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from autograder.instructor.settings import Course, CourseError
from autograder.language import LANGUAGES

_TAG = "lang-"
# `# es: text` and `"""es: text`: the line stays in Spanish only, without the mark.
_MARKED_TEXT = re.compile(r'^(?P<start>\s*(?:#\s|"""))(?P<language>[\w-]+): (?P<text>.*)$')
# `es: text` in an answer of prose: the line stays in Spanish only, without the mark.
_MARKED_PROSE = re.compile(r"^(?P<start>)(?P<language>[\w-]+): (?P<text>.*)$")
# `code  # es`: the line stays in Spanish only, without the mark.
_MARKED_CODE = re.compile(r"^(?P<code>.*\S)\s{2,}# (?P<language>[\w-]+)$")
_IMPORT = re.compile(r"^(?:from|import)\s+([\w.]+)", re.MULTILINE)


def read_source(path: Path) -> NotebookNode:
    """Read a source notebook, with the cell ids that its headers give.

    Raises:
        CourseError: if the file is missing or a cell has no id, a bad one or that of another cell.
    """
    if not path.is_file():
        raise CourseError(
            f"The source notebook {path.name} is missing: expected at {path.parent.name}/{path.name}."
        )
    notebook = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent")
    seen: set[str] = set()
    for index, cell in enumerate(notebook.cells):
        cell_id = cell.metadata.pop("id", None)
        first_line = cell.source.splitlines()[0] if cell.source else "(empty)"
        if not isinstance(cell_id, str) or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", cell_id):
            raise CourseError(
                f'{path.name}, cell {index} ({first_line!r}): give it an id, such as `# %% id="intro-es"`.'
            )
        if cell_id in seen:
            raise CourseError(f"{path.name}, cell {index}: the id {cell_id!r} is used twice.")
        seen.add(cell_id)
        cell.id = cell_id
        if language_of(cell) and "nbgrader" in cell.metadata:
            raise CourseError(
                f"{path.name}, cell {cell_id!r}: a cell that nbgrader knows may have no language tag."
            )
    notebook.metadata.pop("jupytext", None)
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook.metadata["kernelspec"] = kernel
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def language_of(cell: NotebookNode) -> str | None:
    """Return the language that a cell is tagged with, if any."""
    for tag in cell.metadata.get("tags", []):
        if tag.startswith(_TAG):
            return str(tag.removeprefix(_TAG))
    return None


def require_languages(notebook: NotebookNode, languages: Collection[str]) -> None:
    """Raise unless cells are tagged with languages of the course only.

    Raises:
        CourseError: naming the cell.
    """
    for cell in notebook.cells:
        language = language_of(cell)
        if language is not None and language not in languages:
            raise CourseError(
                f"Cell {cell.id!r} is tagged {_TAG}{language}, and the course has no such language: it has "
                f"{', '.join(languages)}. Mend the tag, or add the language to course.toml."
            )


def select_lines(
    source: str, language: str, languages: Collection[str] = LANGUAGES, *, prose: bool = False
) -> str:
    """Keep the lines of a code cell, or of an answer in words, that belong to one language.

    Args:
        source: of the cell. `# es: text`, a docstring `\"\"\"es: text` and `code  # es` mark a line as
            Spanish; unmarked lines belong to all languages.
        language: to keep, such as "es".
        languages: that lines may be marked with; anything else is a comment like others.
        prose: whether this is an answer in words, in which `es: text` marks a line.

    Returns:
        The source without the other languages' lines and without marks.
    """
    lines = []
    for line in source.split("\n"):
        text = (_MARKED_PROSE if prose else _MARKED_TEXT).match(line)
        code = None if text or prose else _MARKED_CODE.match(line)
        match = text or code
        if match and match["language"] not in languages:
            text = code = match = None
        if match and match["language"] != language:
            continue
        if text:
            line = text["start"] + text["text"]
        elif code:
            line = code["code"]
        lines.append(line)
    return "\n".join(lines)


def select_language(notebook: NotebookNode, language: str, languages: Collection[str] = ()) -> NotebookNode:
    """Return a copy of a notebook in one language.

    Args:
        notebook: in all languages.
        language: to keep.
        languages: of the course; those that cells are tagged with are known without being named.
    """
    selected = deepcopy(notebook)
    known = {language, *languages, *filter(None, map(language_of, notebook.cells))}
    selected.cells = [c for c in selected.cells if language_of(c) in (None, language)]
    for cell in selected.cells:
        if cell.cell_type == "code" or is_student_cell(cell):
            prose = cell.cell_type == "markdown"
            cell.source = select_lines(cell.source, language, known, prose=prose)
    return selected


def versions(cell: NotebookNode, usual: str, languages: Collection[str]) -> dict[str, NotebookNode]:
    """Return a cell of prose in each language that it is in.

    Args:
        cell: with a tag of its language; or a student's answer, whose lines are marked; or neither.
        usual: the language of cells that say nothing of it.
        languages: that lines may be marked with.
    """
    if (tagged := language_of(cell)) is not None:
        return {tagged: cell}
    marks = filter(None, map(_MARKED_PROSE.match, cell.source.split("\n") if is_student_cell(cell) else ()))
    found = {mark["language"]: deepcopy(cell) for mark in marks if mark["language"] in languages}
    for language, version in found.items():
        version.source = select_lines(cell.source, language, languages, prose=True)
    return found or {usual: cell}


def read_lab(course: Course, lab: str, language: str | None = None) -> NotebookNode:
    """Return a lab's source notebook in one language, by default that of the course.

    Raises:
        CourseError: if there is no such lab, or its source cannot be read.
    """
    notebook = read_source(course.source(course.require_lab(lab)))
    return select_language(notebook, language or course.language, course.languages)


def grade_id(cell: NotebookNode) -> str | None:
    """Return the nbgrader id of a cell, if it has one."""
    nbgrader_metadata = cell.metadata.get("nbgrader", {})
    name: str | None = nbgrader_metadata.get("grade_id")
    return name


def is_student_cell(cell: NotebookNode) -> bool:
    """Tell whether students write in this cell."""
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def is_students_own(cell: NotebookNode) -> bool:
    """Tell whether intake put this cell in: a student's own, or an answer's code run where it counts."""
    return str(cell.get("id", "")).startswith(("extra-", "copied-"))


def is_check_cell(cell: NotebookNode) -> bool:
    """Tell whether this cell is marked automatically."""
    data = cell.metadata.get("nbgrader", {})
    return bool(data.get("grade")) and not data.get("solution")


def fold(cell: NotebookNode) -> None:
    """Fold a cell's code, so that its output is seen at once: in Jupyter and VS Code, and in Colab."""
    cell.metadata["jupyter"] = {"source_hidden": True}
    cell.metadata["cellView"] = "form"


def is_graded(cell: NotebookNode) -> bool:
    """Tell whether this cell has marks, whoever gives them."""
    return bool(cell.metadata.get("nbgrader", {}).get("grade"))


def manual_points(notebook: NotebookNode) -> dict[str, float]:
    """Return the full marks of the cells that a person marks, by grade_id."""
    cells = [c for c in notebook.cells if is_student_cell(c) and c.metadata["nbgrader"].get("grade")]
    return {str(grade_id(c)): float(c.metadata["nbgrader"]["points"]) for c in cells}


def modules_of(notebook: NotebookNode) -> tuple[str, ...]:
    """Return the modules that a lab's own cells import: whoever runs many notebooks has them already."""
    found: list[str] = []
    for cell in code_cells(notebook):
        if not grade_id(cell):
            found += _IMPORT.findall(cell.source)
    return tuple(dict.fromkeys(found))


def code_cells(notebook: NotebookNode) -> Iterator[NotebookNode]:
    """Yield the code cells of a notebook in order."""
    return (cell for cell in notebook.cells if cell.cell_type == "code")


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook as nbformat 4.5, always with the same bytes for the same content."""
    nbformat.validate(notebook)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = nbformat.writes(notebook, indent=1, sort_keys=True, ensure_ascii=False)
    path.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
