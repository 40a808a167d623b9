"""What intake and execution say about a submission, in Spanish and in English."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from autograder.catalogue import load
from autograder.messages import Message

_MOST_OF_A_KIND = 20
_NOTES = load(__package__, "notes")
_REASONS = load(__package__, "reasons")


class Reason(Message):
    """Why something was stopped or left out."""

    @staticmethod
    def texts() -> Mapping[str, Mapping[str, str]]:
        """Return the reasons by key and language."""
        return _REASONS


class Note(Message):
    """One line of a student's report; reasons may fill its gaps."""

    @staticmethod
    def texts() -> Mapping[str, Mapping[str, str]]:
        """Return the lines by key and language."""
        return _NOTES

    def render(self, language: str) -> str:
        """Return the line in one of `LANGUAGES`, of characters that can be shown and nothing else.

        Names of files and ids may hold line ends, commands to a terminal, or what no file can hold.
        """
        line = super().render(language)
        return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)


def note(key: str, **details: Any) -> Note:
    """Return a note."""
    return Note(key, details)


def reason(key: str, **details: Any) -> Reason:
    """Return a reason."""
    return Reason(key, details)


def a_few_of_each(notes: Iterable[Note]) -> list[Note]:
    """Return the notes without those that repeat one key endlessly, which would bury the others."""
    seen: Counter[str] = Counter()
    kept = []
    for found in notes:
        seen[found.key] += 1
        if seen[found.key] <= _MOST_OF_A_KIND:
            kept.append(found)
    return kept
