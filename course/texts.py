"""What the course's helpers say to a student, in the language of the notebook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from autograder.catalogue import load
from autograder.language import LANGUAGES, current_language
from autograder.messages import Message, error_saying

Error = TypeVar("Error", bound=Exception)

_TEXTS = load("course", "texts")


class CourseText(Message):
    """One thing that the course says."""

    @staticmethod
    def texts() -> Mapping[str, Mapping[str, str]]:
        """Return the texts by key and language."""
        return _TEXTS


def localized(key: str, **details: Any) -> str:
    """Return a text in the language of the notebook."""
    return CourseText(key, details).render(current_language())


def in_all_languages(key: str, **details: Any) -> str:
    """Return a text in all languages, for code that runs before a lab is opened."""
    return " / ".join(CourseText(key, details).render(language) for language in LANGUAGES)


def error(kind: type[Error], key: str, **details: Any) -> Error:
    """Return an exception that speaks the language of the notebook."""
    return error_saying(kind, CourseText(key, details))


def unknown_choice(name: str, seen: object, known: tuple[str, ...]) -> ValueError:
    """Return what to raise for an argument that is none of a few words."""
    return error(ValueError, "unknown_choice", name=name, seen=seen, known=", ".join(known))
