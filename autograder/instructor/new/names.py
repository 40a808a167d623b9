"""What labs and packages may be called."""

from __future__ import annotations

import keyword
import re
import sys
from importlib.util import find_spec

from autograder.instructor.errors import CourseError

# A lab's id names folders, files, a table of course.toml and an assignment of nbgrader.
_LAB = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_NUMBERED = re.compile(r"lab(\d+)[_-](.+)")
# What else lies in a course's folder.
_FOLDERS = {"build", "dist", "release", "solutions", "source_notebooks", "submitted", "tests"}


def require_lab_name(lab: str) -> str:
    """Return a name that a new lab may have.

    Raises:
        CourseError: if it may not.
    """
    if not _LAB.fullmatch(lab):
        raise CourseError(
            f"{lab!r} is no id for a lab: it takes a letter first, then letters, digits, _ and -, 64 in all "
            "at most, such as lab1_regression."
        )
    return lab


def spoken_name(lab: str) -> str:
    """Return a title for a lab that has none: "Lab 1: linear regression" for lab1_linear_regression."""
    words = re.sub(r"[_-]+", " ", lab).strip()
    numbered = _NUMBERED.fullmatch(lab)
    if numbered:
        return f"Lab {numbered[1]}: {re.sub(r'[_-]+', ' ', numbered[2]).strip()}"
    return words[:1].upper() + words[1:]


def require_package_name(package: str) -> str:
    """Return a name that the package of a new course may have.

    Raises:
        CourseError: if it may not.
    """
    advice = "Choose another with --package, such as --package rnncourse."
    if not re.fullmatch(r"[a-z][a-z0-9_]*", package) or keyword.iskeyword(package):
        raise CourseError(
            f"{package!r} is no name for a package: lower case letters, digits and _ only. {advice}"
        )
    if package in _FOLDERS:
        raise CourseError(f"A course has a folder {package}/ for something else. {advice}")
    if package in sys.stdlib_module_names or find_spec(package) is not None:
        raise CourseError(f"Python finds another package called {package!r} here. {advice}")
    return package
