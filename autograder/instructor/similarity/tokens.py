"""Code as a list of tokens without what is easily changed: one's own names, comments, white space, texts."""

from __future__ import annotations

import builtins
import functools
import keyword
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Keyword, Literal, Name, String, Whitespace

_COMMON = frozenset(dir(builtins)) | frozenset(keyword.kwlist) | {"self"}
_WORD = re.compile(r"\w+")
# Of one cell, far beyond what anybody writes: the lexer takes time that grows with the square of some texts.
_MAX_CODE = 20_000


@dataclass(frozen=True)
class Token:
    """A token, and where it stands.

    Attributes:
        text: text of the token, as it is compared.
        start: index of its first character in the source.
        end: index after its last character.
    """

    text: str
    start: int
    end: int


def code_parts(source: str, known: Collection[str]) -> list[Token]:
    """Return the tokens of code, also of code with a syntax error.

    Args:
        source: code of a cell.
        known: names that every student has been given; all others are a student's own choice, and alike.
    """
    parts: list[Token] = []
    for start, kind, value in _lexer().get_tokens_unprocessed(source[:_MAX_CODE]):
        if kind in Comment or kind in Whitespace or kind in String.Doc or not value.strip():
            continue
        before = parts[-1].text if parts else ""
        owner = parts[-2].text if len(parts) > 1 else ""
        text = _compared(kind, value, before, owner, known)
        if text == "S" and before == "S":  # a text of several pieces is one text
            parts[-1] = Token("S", parts[-1].start, start + len(value))
        else:
            parts.append(Token(text, start, start + len(value)))
    return parts


def _compared(kind: tuple[str, ...], value: str, before: str, owner: str, known: Collection[str]) -> str:
    """Return what is compared of a token."""
    if kind in String:
        return "S"
    if kind in Literal.Number:
        return value.lower()
    if kind in Name or kind in Keyword:
        if before == ".":
            return "A" if owner == "self" else value
        return value if value in known or value in _COMMON else "N"
    return value


def names_in(sources: Iterable[str]) -> frozenset[str]:
    """Return all names that stand in pieces of code."""
    return frozenset(
        value
        for source in sources
        for _, kind, value in _lexer().get_tokens_unprocessed(source[:_MAX_CODE])
        if kind in Name
    )


def word_parts(text: str) -> list[Token]:
    """Return the words of a text, in lower case."""
    return [Token(match[0].casefold(), match.start(), match.end()) for match in _WORD.finditer(text)]


def shingles(parts: list[Token], length: int) -> Iterator[tuple[str, int, int]]:
    """Yield every run of `length` tokens, with the places where it begins and ends in the source."""
    for first in range(len(parts) - length + 1):
        run = parts[first : first + length]
        yield " ".join(part.text for part in run), run[0].start, run[-1].end


@functools.cache
def _lexer() -> PythonLexer:
    return PythonLexer(stripnl=False, ensurenl=False)
