"""The table of one lab in course.toml: put in, and cut out, with all else as it was."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

import tomlkit

from autograder.instructor.errors import CourseError
from autograder.instructor.tables import line_of


def with_entry(text: str, lab: str, values: Mapping[str, Any]) -> str:
    """Return the text of course.toml with the table of another lab at its end.

    Args:
        text: of course.toml.
        lab: the new lab's id.
        values: of its table.

    Raises:
        CourseError: if the file has a form in which that is not possible.
    """
    document = tomlkit.document()
    table = tomlkit.table()
    for key, value in values.items():
        table[key] = _inline(value)
    document["labs"] = tomlkit.table(is_super_table=True).append(lab, table)
    added = text + ("" if text.endswith("\n") or not text else "\n") + "\n" + tomlkit.dumps(document)
    expected = tomllib.loads(text)
    expected.setdefault("labs", {})[lab] = dict(values)
    if _parsed(added) != expected:
        raise CourseError(
            "course.toml gives its labs in a form that cannot be extended: write each as a table [labs.LAB]."
        )
    return added


def without_entry(text: str, lab: str) -> str:
    """Return the text of course.toml without the table of a lab; comments before the next table stay.

    Raises:
        CourseError: if the file has a form in which that is not possible.
    """
    expected = tomllib.loads(text)
    del expected["labs"][lab]
    if not expected["labs"]:
        text, expected = _with_labs(text, lab), {**expected, "labs": {}}
    lines = text.splitlines(keepends=True)
    first = line_of(text, ("labs", lab)) or 0
    start = first - 1
    if start > 0 and not lines[start - 1].strip():
        start -= 1  # the empty line that sets the table apart
    for end in range(first + 1, len(lines) + 1):
        if end < len(lines) and not lines[end].startswith("["):
            continue
        shorter = "".join(lines[:start] + lines[_own_end(lines, first, end) :])
        if _parsed(shorter) == expected:
            return shorter
    raise CourseError(
        f"course.toml gives {lab} in a form that cannot be cut out: remove it there yourself, then try again."
    )


def _with_labs(text: str, lab: str) -> str:
    """Return the text with a header [labs] before the only lab, if there is none: a course has that table."""
    if re.search(r"^\s*\[\s*labs\s*\]", text, re.MULTILINE):
        return text
    number = (line_of(text, ("labs", lab)) or 1) - 1
    lines = text.splitlines(keepends=True)
    return "".join([*lines[:number], "[labs]\n", "\n", *lines[number:]])


def _own_end(lines: list[str], first: int, end: int) -> int:
    """Return the end of a table without the comments and empty lines before the next one."""
    if end == len(lines):
        return end
    while end > first and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
        end -= 1
    return end


def _inline(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    table = tomlkit.inline_table()
    table.update(value)
    return table


def _parsed(text: str) -> Any:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
