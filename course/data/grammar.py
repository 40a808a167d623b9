"""Short film reviews that a seeded grammar writes, the same on every machine.

The order of the words matters, and so does negation: of "although the plot is dull, the acting is superb"
the second half counts, and "not at all boring" is praise. Counting words does not get far with them.
"""

from __future__ import annotations

import functools
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from course.data.drawing import Draws
from course.texts import error, unknown_choice

GRAMMAR_LANGUAGES = ("es", "en")
# More draws than the longest review takes.
_DRAWS = 64


@dataclass(frozen=True)
class GrammarSettings:
    """How hard reviews are to read.

    Attributes:
        noise: the share of reviews with the label of the other class, as in sets that people label; nobody
            who has not seen them can be right about these.
        contrast: the share of sentences that hold a clause for and one against.
        denied: the share of clauses that deny the opposite of what they mean.
    """

    noise: float = 0.10
    contrast: float = 0.40
    denied: float = 0.25


def written_reviews(
    count: int,
    language: str,
    *,
    first: int = 0,
    seed: int = 0,
    settings: GrammarSettings | None = None,
) -> tuple[list[str], list[int]]:
    """Write film reviews, half of them for and half against.

    Args:
        count: how many.
        language: "es" or "en".
        first: number of the first one; review k depends on language, seed and k alone.
        seed: another one gives other reviews.
        settings: how hard they are to read.

    Returns:
        The texts, and their labels: 1 for, 0 against.

    Raises:
        ValueError: for a negative count or another language.
    """
    if min(count, first) < 0:
        raise error(ValueError, "negative_count", count=min(count, first))
    if language not in GRAMMAR_LANGUAGES:
        raise unknown_choice("language", language, GRAMMAR_LANGUAGES)
    writer = _Writer(_grammar(language), settings or GrammarSettings())
    written = [
        writer.review(_Chance(language, seed, number), number % 2) for number in range(first, first + count)
    ]
    return [text for text, _ in written], [label for _, label in written]


@functools.cache
def _grammar(language: str) -> Mapping[str, Any]:
    text = resources.files("course.data").joinpath("grammar.toml").read_text(encoding="utf-8")
    grammar: Mapping[str, Any] = tomllib.loads(text)[language]
    return grammar


class _Chance:
    """What chance decides in one review: uniform numbers, taken one by one.

    Args:
        *key: decides them.
    """

    def __init__(self, *key: object) -> None:
        self._numbers: Iterator[float] = iter(Draws("review", *key).uniform(shape=(_DRAWS,)).tolist())

    def less_than(self, share: float) -> bool:
        """Return True in a share of all cases."""
        return next(self._numbers) < share

    def below(self, count: int) -> int:
        """Return one of 0 … count - 1."""
        return min(int(next(self._numbers) * count), count - 1)

    def of(self, items: Sequence[str]) -> str:
        """Return one of several, all equally often."""
        return items[self.below(len(items))]

    def early(self, items: Sequence[str]) -> str:
        """Return one of several, the first more often: how often falls along a line to 0."""
        place = int(len(items) * (1.0 - math.sqrt(1.0 - next(self._numbers))))
        return items[min(place, len(items) - 1)]


class _Writer:
    """Writes reviews by a grammar.

    Args:
        grammar: a table of grammar.toml.
        settings: how hard they are to read.
    """

    def __init__(self, grammar: Mapping[str, Any], settings: GrammarSettings) -> None:
        self._grammar = grammar
        self._settings = settings

    def review(self, chance: _Chance, verdict: int) -> tuple[str, int]:
        """Return a review of one or two sentences and up to two asides, and its label."""
        sentences = [self._sentence(chance, verdict == 1) for _ in range(1 + chance.less_than(0.5))]
        for _ in range(chance.below(3)):
            sentences.insert(chance.below(len(sentences) + 1), chance.of(self._grammar["asides"]))
        label = 1 - verdict if chance.less_than(self._settings.noise) else verdict
        return " ".join(f"{each[0].upper()}{each[1:]}." for each in sentences), label

    def _sentence(self, chance: _Chance, good: bool) -> str:
        """Return a sentence that says what counts: alone, or against something that does not."""
        aspects = self._grammar["aspects"]
        first = chance.below(len(aspects))
        other = (first + 1 + chance.below(len(aspects) - 1)) % len(aspects)
        counts = self._clause(chance, aspects[first], good)
        if chance.less_than(self._settings.contrast):
            against = self._clause(chance, aspects[other], not good)
            return chance.of(self._grammar["contrasts"]).format(A=against, B=counts)
        return chance.of(self._grammar["plain"]).format(B=counts)

    def _clause(self, chance: _Chance, aspect: str, good: bool) -> str:
        """Return what is said of one aspect, straight or by denying the opposite."""
        denies = chance.less_than(self._settings.denied)
        word = chance.early(self._grammar["good" if good != denies else "bad"])
        if aspect in self._grammar["feminine"]:
            word = _feminine(word)
        pattern = chance.of(self._grammar["denied" if denies else "stated"])
        verb, adverb = chance.of(self._grammar["verbs"]), chance.of(self._grammar["adverbs"])
        return " ".join(pattern.format(a=aspect, l=verb, v=adverb, w=word).split())


def _feminine(word: str) -> str:
    """Return the feminine of a Spanish adjective."""
    if word.endswith("o"):
        return f"{word[:-1]}a"
    return f"{word}a" if word.endswith("dor") else word
