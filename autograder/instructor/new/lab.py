"""`course new LAB`: a lab from the template, which is built and audited at once."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autograder.instructor.errors import CourseError
from autograder.instructor.files import write
from autograder.instructor.new.entry import with_entry
from autograder.instructor.new.names import require_lab_name, spoken_name
from autograder.instructor.new.rendering import LAB_TREE, Files, filled, write_folder
from autograder.instructor.settings import Course

# The first public seed of a course; each further lab gets the next one.
FIRST_SEED = 2001


def new_lab(course: Course, lab: str, titles: Mapping[str, str] | None = None) -> list[Path]:
    """Write the sources of a new lab, and its table in course.toml.

    Args:
        course: the checkout.
        lab: the new lab's id.
        titles: by language; a language without one gets a title made of the id.

    Returns:
        The files written, course.toml last.

    Raises:
        CourseError: if the name cannot be used or is taken, or something cannot be written; nothing is then.
    """
    require_lab_name(lab)
    folder = course.source(lab).parent
    if lab in course.labs:
        raise CourseError(
            f"There is a lab {lab!r} already. Choose another id, or take that one back: "
            f"`course new {lab} --remove`."
        )
    if folder.exists():
        raise CourseError(
            f"{folder.relative_to(course.root)}/ is there already, and course.toml has no lab {lab!r}: move "
            "the folder away, or choose another id."
        )
    named = _titles(course, lab, titles or {})
    settings = course.root / "course.toml"
    entry = {"seed": _next_seed(course), "title": named}
    text = with_entry(settings.read_bytes().decode("utf-8"), lab, entry)
    files = write_folder(lab_sources(course.languages, course.language, lab, named), folder)
    try:
        write(settings, text)
    except BaseException:
        shutil.rmtree(folder)
        raise
    return [*files, settings]


def lab_sources(
    languages: Sequence[str], language: str, lab: str, titles: Mapping[str, str], tree: str = LAB_TREE
) -> Files:
    """Return the sources of a lab as a template gives them, relative to the lab's folder.

    Args:
        languages: of the course.
        language: of its solutions.
        lab: the lab's id.
        titles: by language.
        tree: folder of the template.
    """
    values: dict[str, Any] = {
        "lab": lab,
        "titles": titles,
        "languages": list(languages),
        "main": language,
    }
    return filled(tree, values, {"LAB": lab})


def _next_seed(course: Course) -> int:
    """Return a public seed that no other lab has: an answer that is written down there is wrong here."""
    seeds = [table.get("seed") for table in course.labs.values() if isinstance(table, Mapping)]
    return max([FIRST_SEED - 1, *(seed for seed in seeds if isinstance(seed, int))]) + 1


def _titles(course: Course, lab: str, titles: Mapping[str, str]) -> dict[str, str]:
    """Return a title for every language of the course.

    Raises:
        CourseError: if one is given for another language, or is empty.
    """
    for language, title in titles.items():
        if language not in course.languages:
            raise CourseError(
                f"The course has no language {language!r} for a title: it has {', '.join(course.languages)}."
            )
        if not title.strip() or not title.isprintable():
            raise CourseError(f"The title in {language!r} must be a text on one line.")
    return {each: titles.get(each) or spoken_name(lab) for each in course.languages}
