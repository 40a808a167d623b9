"""A list in docs/, and the page that is made of it: docs/NAME.toml and docs/NAME.md."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autograder.instructor.settings import Course


@dataclass(frozen=True)
class Listing:
    """The paths of a list and its page.

    Attributes:
        name: of both, such as "glossary".
    """

    name: str

    def data(self, course: Course) -> Path:
        """Return the path of the list."""
        return course.root / "docs" / f"{self.name}.toml"

    def page(self, course: Course) -> Path:
        """Return the path of the page."""
        return course.root / "docs" / f"{self.name}.md"


def row(texts: Iterable[str]) -> str:
    """Return a line of a table; nothing is a dash."""
    return "| " + " | ".join(text.replace("|", "\\|") or "–" for text in texts) + " |"
