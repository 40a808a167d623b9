"""The model answers of a lab, in the language of a page."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path

from nbformat import NotebookNode

from autograder.instructor.settings import load_course
from autograder.instructor.source import grade_id, is_student_cell, read_lab

_MARK = re.compile(r"^[ \t]*### (?:BEGIN|END) SOLUTION[^\n]*\n?", re.MULTILINE)
# Who somebody is has no model.
_NO_ANSWERS = {"identity"}


def model_answers(root: Path, lab: str, language: str) -> Mapping[str, NotebookNode]:
    """Return the reference's answers, by grade_id; in the course's language where it has no other.

    Args:
        root: folder of the course.
        lab: the lab's id.
        language: of the page.

    Raises:
        CourseError: if the lab's source cannot be read.
    """
    source = load_course(root).source(lab)
    changed = source.stat().st_mtime_ns if source.is_file() else 0
    return _read(root, lab, language, changed)


@functools.lru_cache(maxsize=16)
def _read(root: Path, lab: str, language: str, changed: int) -> Mapping[str, NotebookNode]:
    """Read a source notebook, once for each of its versions."""
    course = load_course(root)
    notebook = read_lab(course, lab, language if language in course.languages else course.language)
    found: dict[str, NotebookNode] = {}
    for cell in notebook.cells:
        name = grade_id(cell)
        if is_student_cell(cell) and name and name not in _NO_ANSWERS:
            cell.source = _MARK.sub("", cell.source).rstrip("\n")
            found[name] = cell
    return found
