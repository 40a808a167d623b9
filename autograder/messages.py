"""What is said to a student: a key, what fills its gaps, and the text in the student's language.

A message names what was seen, what was expected where that is no secret, and a next step. The texts lie in
files beside the modules that say them (`autograder.catalogue`); a module adds its own with `add_texts`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from autograder.catalogue import CatalogueError, Table, load
from autograder.errors import TextError, did_you_mean
from autograder.language import FALLBACK, current_language

Error = TypeVar("Error", bound=Exception)
# Details that differ from one layout of the code, or one build of PyTorch, to the next.
_NOT_EVIDENCE = ("line", "said", "told")


# All texts that were added, by key and language: those of boxes and tables, and of the families of checks.
TEXTS: dict[str, dict[str, str]] = {}


def add_texts(package: str, name: str) -> Table:
    """Add a file of texts to those that messages find by key.

    Texts of several files for one key make one entry, in as many languages: so a course can bring those of
    the library in a language of its own.

    Args:
        package: that holds the file.
        name: of the file, without `.toml`.

    Returns:
        The texts of the file.

    Raises:
        CatalogueError: if another file has another text for the same key and language.
    """
    table = load(package, name)
    for key, texts in table.items():
        for language, text in texts.items():
            if TEXTS.setdefault(key, {}).setdefault(language, text) != text:
                raise CatalogueError(
                    f"[{key}] in {name}.toml of {package} is the key of another text already: choose another."
                )
    return table


@dataclass(frozen=True)
class Translated:
    """A text that comes with its translations, such as a hint of an answer key."""

    texts: Mapping[str, str]

    def render(self, language: str) -> str:
        """Return the text in a language, or in English, or in any."""
        texts = self.texts
        return texts.get(language) or texts.get(FALLBACK) or next(iter(texts.values()), "")


@dataclass(frozen=True)
class Message:
    """One thing to say: the key of its text, and what fills the gaps (perhaps messages)."""

    key: str
    details: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def texts() -> Mapping[str, Mapping[str, str]]:
        """Return the texts by key and language; another table makes another kind of message."""
        return TEXTS

    def render(self, language: str) -> str:
        """Return the text in a language; in English where there is none.

        Raises:
            TextError: if there is no such text, or its gaps are not filled.
        """
        details = {
            name: value.render(language) if isinstance(value, (Message, Translated)) else value
            for name, value in self.details.items()
        }
        try:
            return self._template(language).format(**details)
        except (LookupError, ValueError, TypeError, AttributeError) as error:
            given = ", ".join(details) or "nothing"
            raise TextError(
                f"the gaps of the text [{self.key}] cannot be filled with {given}: "
                f"{type(error).__name__}: {error}."
            ) from None

    def _template(self, language: str) -> str:
        """Return the text with its gaps, in a language or in English.

        Raises:
            TextError: if there is none.
        """
        table = self.texts()
        if self.key not in table:
            raise TextError(f"there is no text [{self.key}].{did_you_mean(self.key, table)}")
        texts = table[self.key]
        if language not in texts and FALLBACK not in texts:
            raise TextError(f"the text [{self.key}] is there neither in {language!r} nor in {FALLBACK!r}.")
        return texts[language] if language in texts else texts[FALLBACK]

    def evidence(self) -> str:
        """Return what the message is about, the same on every machine and for every layout of the code."""
        details = {
            name: value.evidence() if isinstance(value, Message) else _rounded(value)
            for name, value in self.details.items()
            if name not in _NOT_EVIDENCE
        }
        return json.dumps([self.key, details], sort_keys=True, ensure_ascii=False)


def _rounded(value: Any) -> str:
    """Return a detail as text; the last digits of a float differ from machine to machine."""
    return f"{value:.5g}" if isinstance(value, float) else str(value)


class CheckFailed(Exception):  # noqa: N818  (an outcome, not an error of the library)
    """Raised inside a check to end it with a message for the student."""

    def __init__(self, key: str, **details: Any) -> None:
        super().__init__(key)
        self.message = Message(key, details)


def text(key: str, language: str, **details: Any) -> str:
    """Return one text in the given language, with its gaps filled."""
    return Message(key, details).render(language)


def say(key: str, **details: Any) -> str:
    """Return a text in the language of this process, for code that has no session."""
    return text(key, current_language(), **details)


def error_saying(kind: type[Error], message: Message) -> Error:
    """Return an exception whose text is a message in the language of this process.

    Where it leaves a student's code within a check, `faults.explain` says it in the lab's language.
    """
    error = kind(message.render(current_language()))
    error.__dict__["message"] = message
    return error


add_texts("autograder", "messages")
