"""What the diagrams say, in the language of the notebook or in another one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograder.catalogue import load
from autograder.language import current_language
from autograder.messages import Message

_TEXTS = load("course.diagrams", "texts")


class DiagramText(Message):
    """One thing that a diagram says."""

    @staticmethod
    def texts() -> Mapping[str, Mapping[str, str]]:
        """Return the texts by key and language."""
        return _TEXTS


class Words:
    """The texts of a diagram, in one language.

    Args:
        language: to speak; None: that of the notebook.
    """

    def __init__(self, language: str | None) -> None:
        self._language = language or current_language()

    def __call__(self, key: str, **details: Any) -> str:
        """Return a text with its gaps filled."""
        return DiagramText(key, details).render(self._language)
