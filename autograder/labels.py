"""What checks and marks are called where a person reads of them; in data they have their stable names."""

from __future__ import annotations

from collections.abc import Mapping

from autograder.messages import TEXTS, Translated, add_texts, text

add_texts("autograder", "labels")


def heading_of(name: str, headings: Mapping[str, Mapping[str, str]], language: str) -> str:
    """Return what a block or a cell is called, its name if it has no heading."""
    return Translated(headings.get(name, {})).render(language) or name


def label_of(check: str, language: str) -> str:
    """Return what a check is called: by its name, or by what stands behind the point; nothing if by neither.

    Args:
        check: its stable name, such as "generator_step.loss".
        language: of the label.
    """
    for key in (f"label_{check}", f"label_{check.rpartition('.')[2]}"):
        if key in TEXTS:
            return text(key, language)
    return ""


def points_of(points: float, language: str) -> str:
    """Return marks in words: "2 marks"."""
    return text("one_mark" if points == 1 else "some_marks", language, number=number(points))


def number(value: float) -> str:
    """Return a number of marks without needless zeros."""
    return f"{value:g}"
