"""The notebooks that students get, as they are built; a lab that is half made disturbs no other."""

from __future__ import annotations

import nbformat
from nbformat import NotebookNode

from autograder.instructor.settings import Course, CourseError
from autograder.key import AnswerKey


def require_made(course: Course, lab: str) -> None:
    """Raise unless a lab has all that grading it needs, but for its notebooks.

    Raises:
        CourseError: if its seed is none, or its source is missing.
        KeyFileError: if its answer key cannot be read.
    """
    course.seed(lab)
    source = course.source(lab)
    if not source.is_file():
        raise CourseError(f"{lab} has no source: {source.relative_to(course.root)} is missing.")
    AnswerKey.load(course.key(lab))


def read_release(course: Course, lab: str, language: str) -> NotebookNode:
    """Return a lab's student notebook.

    Raises:
        CourseError: if it is not there, or cannot be read.
    """
    path = course.release(lab, language)
    if not path.is_file():
        raise CourseError(f"{lab} has no release in {language}: run `course build {lab}` first.")
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises whatever the content makes it meet
        shown, why = path.relative_to(course.root), type(error).__name__
        raise CourseError(f"{shown} cannot be read ({why}): run `course build {lab}`.") from None


def read_releases(course: Course, lab: str | None = None) -> dict[tuple[str, str], NotebookNode]:
    """Return the student notebooks of all labs, by lab and language.

    Args:
        course: the checkout.
        lab: the one that must be there in all languages; of the others, what cannot be read is left out.
            None: the same for all.

    Raises:
        CourseError: if a notebook of that lab cannot be read.
    """
    found = {}
    for name in course.labs:
        for language in course.languages:
            try:
                found[name, language] = read_release(course, name, language)
            except CourseError:
                if name == lab:
                    raise
    return found
