"""`course new LAB --remove`: take a lab back, with all that was built from it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from autograder.instructor.errors import CourseError
from autograder.instructor.files import write
from autograder.instructor.new.entry import without_entry
from autograder.instructor.new.lab import lab_sources
from autograder.instructor.new.rendering import LAB_TREE, Files, remove
from autograder.instructor.settings import Course

_SHOWN = 8
# What a lab may have been made of: `course new LAB`, or the example of `course new --course`.
TREES = (LAB_TREE, "new_course_lab")
# What editors and Python leave behind is nobody's work.
_LITTER = ("__pycache__", ".ipynb_checkpoints")


def remove_lab(course: Course, lab: str, *, force: bool = False) -> list[Path]:
    """Remove a lab's sources, all that was built from them, and its table in course.toml.

    Marks and submissions stay: `submitted/`, the gradebook and what grading left are not touched.

    Args:
        course: the checkout.
        lab: the lab's id.
        force: whether work of people may be lost: sources that are not as the template gave them.

    Returns:
        What was removed.

    Raises:
        CourseError: if there is no such lab; if work would be lost, naming it; or if something cannot be
            removed: the same command then goes on.
    """
    course.require_lab(lab)
    lost = _work(course, lab)
    if lost and not force:
        more = f"\n  … and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
        raise CourseError(
            f"{lab} is not as `course new` made it. With --force, this would be lost, unless git has it:\n  "
            + "\n  ".join(lost[:_SHOWN])
            + more
        )
    settings = course.root / "course.toml"
    text = without_entry(settings.read_bytes().decode("utf-8"), lab)
    removed = [path for path in _places(course, lab) if path.exists()]
    for path in removed:
        try:
            remove(path)
        except OSError as error:
            raise CourseError(
                f"{path} cannot be removed: {error.strerror or error}. Mend that, and give the command again."
            ) from None
        _remove_empty(path.parent, course.root)
    write(settings, text)  # last: what is half removed is still a lab that can be removed
    return removed


def _work(course: Course, lab: str) -> list[str]:
    """Return what people have done to a lab since it was made: a line for each file."""
    titles = _titles(course, lab)
    trees = (lab_sources(course.languages, course.language, lab, titles, tree) for tree in TREES)
    found = min((_changes(course, lab, made) for made in trees), key=len)
    if more := [key for key in course.labs[lab] if key not in ("seed", "title")]:
        found.append(f"course.toml, [labs.{lab}]: {', '.join(more)}")
    handed_in = sorted(course.root.glob(f"submitted/*/{lab}"))
    if handed_in:
        shown = [path.relative_to(course.root) for path in handed_in[:_SHOWN]]
        found.append(f"the way to grade what was handed in (it stays): {', '.join(map(str, shown))}")
    return found


def _changes(course: Course, lab: str, made: Files) -> list[str]:
    """Return how a lab's sources differ from what a template gave."""
    folder = course.source(lab).parent
    found = []
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        if path.is_dir() or set(inner.parts) & set(_LITTER):
            continue
        shown = path.relative_to(course.root)
        if inner not in made:
            found.append(f"{shown}: added")
        elif path.read_bytes() != made[inner].encode():
            found.append(f"{shown}: changed")
    return found


def _titles(course: Course, lab: str) -> dict[str, str]:
    """Return a lab's titles, one for every language; a lab whose table lacks some was not made here."""
    with contextlib.suppress(CourseError):
        return {**dict.fromkeys(course.languages, ""), **course.titles(lab)}
    return dict.fromkeys(course.languages, "")


def _places(course: Course, lab: str) -> Iterator[Path]:
    """Yield all that is a lab's: what is built first, its sources last."""
    yield course.key(lab)
    for language in course.languages:
        yield course.release(lab, language).parent
        yield course.build / "release" / f"{lab}-{language}.zip"
    yield course.solution(lab).parent
    for name in ("source", "demo"):
        yield course.build / name / lab
    yield course.build / "audit" / f"{lab}.json"
    yield course.build / "similarity" / f"{lab}.html"
    yield course.source(lab).parent


def _remove_empty(folder: Path, root: Path) -> None:
    """Remove a folder that has become empty, and those above it, up to the course's own."""
    while folder != root:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
