"""Film reviews for and against: written by a grammar, or real ones where they are at hand."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from autograder.language import current_language, spoken
from course.data.acl_imdb import ChosenFiles, read_acl_imdb
from course.data.grammar import GrammarSettings, written_reviews
from course.data.unavailable import DataUnavailableError
from course.texts import error, localized, unknown_choice

SOURCES = ("auto", "imdb", "grammar")
COUNTS = (2500, 500, 1000)
# Words with what is within them (don't, well-known), and the marks that end a clause, each by itself.
_TOKEN = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*|[.,;:!?]")


@dataclass(frozen=True)
class Reviews:
    """Film reviews.

    Attributes:
        texts: as they were written.
        labels: int64 of shape (n,): 1 for the film, 0 against it.
        name: where they come from: "grammar" or "imdb".
        most_words: what comes after so many words of a review is left out of `words`.
    """

    texts: tuple[str, ...]
    labels: torch.Tensor
    name: str
    most_words: int | None = None

    def __len__(self) -> int:
        return len(self.texts)

    @functools.cached_property
    def words(self) -> list[list[str]]:
        """Return the words of each review, in order."""
        return [words_of(text)[: self.most_words] for text in self.texts]


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case; full stops, commas and the like are words of their own."""
    return _TOKEN.findall(text.lower())


def load_reviews(
    source: str = "auto",
    root: str | Path | None = None,
    *,
    language: str | None = None,
    counts: tuple[int, int, int] = COUNTS,
    most_words: int = 120,
    settings: GrammarSettings | None = None,
    report: Callable[[str], None] = print,
) -> tuple[Reviews, Reviews, Reviews]:
    """Return film reviews for training, validation and test: of a seeded grammar, or real ones.

    Args:
        source: "imdb": those of the Large Movie Review Dataset, in English; "grammar": written by the
            course, in the language asked for; "auto": real ones where they are.
        root: the folder of data sets, which holds `aclImdb/train` and `aclImdb/test`; by default the
            environment variable COURSE_DATA, or else `./data`.
        language: of written reviews, "es" or "en"; by default the notebook's.
        counts: how many for training, validation and test.
        most_words: real reviews are cut after so many words.
        settings: how hard written reviews are to read.
        report: called with one line that says which reviews these are, and why.

    Returns:
        The reviews. Whatever is wrong with real ones, written ones are returned, and the line says so.

    Raises:
        ValueError: for another source or language, or too small a count.
    """
    if source not in SOURCES:
        raise unknown_choice("source", source, SOURCES)
    if min(counts) < 2 or most_words < 1:
        raise error(ValueError, "review_counts", counts=counts, words=most_words)
    folder = Path(root or os.environ.get("COURSE_DATA") or "data").expanduser()
    why = ""
    if source != "grammar":
        try:
            return _real(folder, counts, most_words, report)
        except DataUnavailableError as unavailable:
            why = f" ({unavailable})"
    parts = _written(language or spoken(current_language()), counts, settings)
    report(localized("reviews_written") + _sizes(parts) + why)
    return parts


def _sizes(parts: tuple[Reviews, Reviews, Reviews]) -> str:
    training, validation, test = map(len, parts)
    return localized("review_sizes", training=training, validation=validation, test=test)


def _written(
    language: str, counts: tuple[int, int, int], settings: GrammarSettings | None
) -> tuple[Reviews, Reviews, Reviews]:
    """Return reviews that the grammar writes, one part after the other."""
    texts, labels = written_reviews(sum(counts), language, settings=settings)
    first, second = counts[0], counts[0] + counts[1]
    training, validation, test = (
        Reviews(tuple(texts[part]), torch.tensor(labels[part]), "grammar")
        for part in (slice(first), slice(first, second), slice(second, None))
    )
    return training, validation, test


def _real(
    root: Path, counts: tuple[int, int, int], most_words: int, report: Callable[[str], None]
) -> tuple[Reviews, Reviews, Reviews]:
    """Return real reviews; where there are fewer than asked for, validation gets its share of them.

    Raises:
        DataUnavailableError: if they cannot be used.
    """
    rest, tested = read_acl_imdb(root, counts[0] + counts[1], counts[2])
    share = counts[1] / (counts[0] + counts[1])
    held_out = [max(1, round(share * len(texts))) for texts in rest.texts]
    parts = (
        _labelled([texts[count:] for texts, count in zip(rest.texts, held_out, strict=True)], most_words),
        _labelled([texts[:count] for texts, count in zip(rest.texts, held_out, strict=True)], most_words),
        _labelled(tested.texts, most_words),
    )
    report(localized("reviews_imdb", folder=root) + _sizes(parts) + _left_out(rest, tested))
    return parts


def _labelled(texts: list[list[str]] | tuple[list[str], list[str]], most_words: int) -> Reviews:
    """Return reviews of both classes."""
    labels = [label for label, of_class in enumerate(texts) for _ in of_class]
    return Reviews(tuple(text for each in texts for text in each), torch.tensor(labels), "imdb", most_words)


def _left_out(*chosen: ChosenFiles) -> str:
    """Return what is said of files that were left out."""
    skipped = [name for each in chosen for name in each.skipped]
    copies = sum(each.copies for each in chosen)
    line = ""
    if skipped:
        names = ", ".join(skipped[:3]) + (" …" if len(skipped) > 3 else "")
        line += localized("skipped", count=len(skipped), names=names)
    return line + (localized("copies", count=copies) if copies else "")
