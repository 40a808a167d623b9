"""Where things are, and what `course.toml` says."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class CourseError(Exception):
    """Something an instructor can put right; the message says what and how."""


@dataclass(frozen=True)
class Course:
    """A checkout of the course.

    Attributes:
        root: the folder that holds course.toml.
        language: of solutions and of the release that the gradebook knows.
        languages: of all releases.
        labs: settings of every lab, by id, in order.
        grading: what one submission may use; see `autograder.instructor.kernels.limits`.
        tls: certificates for other machines that grade; see `autograder.instructor.grade.certificates`.
    """

    root: Path
    language: str
    languages: tuple[str, ...]
    labs: dict[str, dict[str, Any]]
    grading: dict[str, Any] = field(default_factory=dict)
    tls: dict[str, Any] = field(default_factory=dict)

    @property
    def packages(self) -> tuple[str, ...]:
        """Return the names of the packages that notebooks import."""
        return ("course",)

    @property
    def build(self) -> Path:
        """Return the folder for what can be made again and is not committed."""
        return self.root / "build"

    def source(self, lab: str) -> Path:
        """Return the path of a lab's source notebook."""
        return self.root / "source_notebooks" / lab / f"{lab}.py"

    def bank(self, lab: str) -> Path:
        """Return the path of a lab's bank of answers."""
        return self.root / "source_notebooks" / lab / "answers.toml"

    def notes(self, lab: str, language: str) -> Path:
        """Return the path of the notes on a lab's data, which students get with it."""
        return self.root / "source_notebooks" / lab / f"notes.{language}.md"

    def key(self, lab: str) -> Path:
        """Return the path of a lab's answer key."""
        return self.root / "course" / "keys" / f"{lab}.json"

    def release(self, lab: str, language: str) -> Path:
        """Return the path of a lab's student notebook."""
        return self.root / "release" / language / lab / f"{lab}.ipynb"

    def solution(self, lab: str) -> Path:
        """Return the path of a lab's executed solution."""
        return self.root / "solutions" / lab / f"{lab}.ipynb"

    def settings(self, lab: str) -> dict[str, Any]:
        """Return what course.toml says of a lab.

        Raises:
            CourseError: if that is no table.
        """
        found: Any = self.labs[lab]
        if not isinstance(found, dict):
            raise CourseError(f"course.toml: [labs.{lab}] must be a table, with seed and title.")
        return found

    def titles(self, lab: str) -> dict[str, str]:
        """Return a lab's titles, by language; there may be none.

        Raises:
            CourseError: if course.toml gives something else.
        """
        titles = self.settings(lab).get("title", {})
        if not isinstance(titles, dict) or not all(isinstance(title, str) for title in titles.values()):
            raise CourseError(
                f'course.toml, [labs.{lab}]: title must be a text by language, such as {{ es = "GAN" }}.'
            )
        return titles

    def seed(self, lab: str) -> int:
        """Return a lab's public seed.

        Raises:
            CourseError: if course.toml gives none.
        """
        seed = self.settings(lab).get("seed")
        if not isinstance(seed, int) or isinstance(seed, bool):
            raise CourseError(f"course.toml, [labs.{lab}]: seed must be a whole number, such as seed = 2023.")
        return seed

    def require_lab(self, lab: str) -> str:
        """Return the id if there is such a lab.

        Raises:
            CourseError: if there is not.
        """
        if lab not in self.labs:
            raise CourseError(
                f"There is no lab {lab!r}. Labs in course.toml: {', '.join(self.labs) or 'none'}."
            )
        return lab


def load_course(start: Path | None = None) -> Course:
    """Read course.toml of the folder `start` (default: the working folder) or the nearest one above it.

    Raises:
        CourseError: if there is none, or it is not valid.
    """
    folder = (start or Path.cwd()).resolve()
    for root in (folder, *folder.parents):
        path = root / "course.toml"
        if path.is_file():
            break
    else:
        raise CourseError(
            f"No course.toml in {folder} or above it. Run `course` inside a checkout of the course; a class "
            "that lies elsewhere is named there, with --folder."
        )
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        course = data["course"]
        grading = dict(data.get("grading", {}))
        tls = grading.pop("tls", {})
        language, languages = course["language"], course["languages"]
        if not isinstance(languages, list) or language not in languages:
            raise ValueError(f"[course]: languages must be a list with {language!r} in it")
        return Course(root, language, tuple(languages), dict(data["labs"]), grading, tls)
    except (KeyError, TypeError, ValueError) as error:
        raise CourseError(f"{path.name} is not valid: {error}") from None
