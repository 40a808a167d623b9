"""Words and numbers by which a sentence is taken for one about outputs; the words stand in `words.toml`."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files

# What stands in these is a name or an address.
_LITERAL = re.compile(r"`[^`]*`|\[[^\]]*\]\([^)]*\)")
_NUMBER = r"\d\s?\\?%|\d[.,]\d"


def says_something(sentence: str, language: str) -> bool:
    """Tell whether a sentence, but no question, has words or numbers that outputs are spoken of with."""
    if sentence.endswith("?"):
        return False
    return _statement(language).search(_LITERAL.sub("", sentence)) is not None


def speaks_of_seeds(sentence: str, language: str) -> bool:
    """Tell whether a sentence speaks of the seed; True in a language whose word for it is not known."""
    known = _words().get(language)
    return known is None or re.search(_any_of(known["seed"]), sentence, re.IGNORECASE) is not None


def speaks_of_one_run(sentence: str, language: str) -> bool:
    """Tell whether a sentence speaks of what one seed gives, or one run of the notebook."""
    known = _words().get(language)
    return known is not None and re.search(_any_of(known["one_run"]), sentence, re.IGNORECASE) is not None


@functools.cache
def _words() -> Mapping[str, Mapping[str, list[str]]]:
    """Return the words by which sentences are recognised, by language."""
    text = files(__package__).joinpath("words.toml").read_text(encoding="utf-8")
    found: dict[str, dict[str, list[str]]] = tomllib.loads(text)
    return found


@functools.cache
def _statement(language: str) -> re.Pattern[str]:
    """Return what finds a statement in a language; in one whose words are not known, numbers only."""
    kinds = [_NUMBER]
    if known := _words().get(language):
        kinds += [rf"\d\s{_any_of(known['units'])}", _any_of(known["words"])]
    return re.compile("|".join(kinds), re.IGNORECASE)


def _any_of(words: Sequence[str]) -> str:
    """Return a pattern for any of some words; a star stands for the rest of one."""
    alternatives = "|".join(re.escape(word).replace(r"\*", r"\w*") for word in words)
    return rf"\b(?:{alternatives})\b"
