"""What the re-run of a notebook says; the texts lie in texts.toml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograder.catalogue import load
from autograder.errors import GraderError
from autograder.language import current_language
from autograder.messages import Message

_TEXTS = load(__package__, "texts")


class Text(Message):
    """One thing that a re-run says."""

    @staticmethod
    def texts() -> Mapping[str, Mapping[str, str]]:
        """Return the texts by key and language."""
        return _TEXTS


class RerunError(GraderError):
    """Why a notebook cannot be run."""

    def __init__(self, key: str, **details: Any) -> None:
        super().__init__(Text(key, details).render(current_language()))


def say(key: str, language: str, **details: Any) -> str:
    """Return one text in a language."""
    return Text(key, details).render(language)
