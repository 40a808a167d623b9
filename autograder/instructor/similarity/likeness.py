"""How alike submissions are: the share of what they have in common, each part weighed by how rare it is.

Code is cut into overlapping runs of tokens, and runs that the empty lab has are dropped. A run weighs
ln((n + 2) / m) if m of n submissions (and the reference solution, which counts as one more) have it: what
everybody writes weighs next to nothing. The likeness of two submissions is the weight of what they share,
divided by the geometric mean of what each has: the cosine of scikit-learn's TF-IDF, with weights of our own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from autograder.instructor.similarity.submissions import Work
from autograder.instructor.similarity.tokens import Token, code_parts, names_in, shingles, word_parts

if TYPE_CHECKING:
    from scipy import sparse

CODE_RUN = 7
TEXT_RUN = 4
# Below this share of the median submission's weight there is too little to tell two of them apart.
_LEAST_WEIGHT = 0.3


@dataclass(frozen=True)
class Match:
    """A piece of a cell that both submissions of a pair have.

    Attributes:
        start: index of its first character.
        end: index after its last.
        rare: whether few others of the class have it.
    """

    start: int
    end: int
    rare: bool


class Comparison:
    """The likeness of all submissions of a class in one kind of cell.

    Attributes:
        likeness: square, from 0 to 1; of a submission without anything of its own, 0.
        sizes: number of runs of tokens that each submission has of its own.
    """

    def __init__(
        self,
        documents: Sequence[Iterable[str]],
        cut: Callable[[str], list[Token]],
        length: int,
        *,
        given: Iterable[str],
        reference: Iterable[str] = (),
    ) -> None:
        """Compare.

        Args:
            documents: the cells of each submission.
            cut: makes tokens of a cell.
            length: number of tokens in a run.
            given: cells that everybody was given.
            reference: cells of the reference solution.
        """
        self._cut, self._length = cut, length
        self._given = self._runs(given)
        from sklearn.feature_extraction.text import CountVectorizer  # only here: it is slow to import

        vectorizer = CountVectorizer(analyzer=lambda runs: runs, binary=True, dtype=np.float64)
        runs = [self._runs(cells) - self._given for cells in [*documents, reference]]
        if not any(runs):
            runs[-1] = {""}  # a vocabulary must not be empty
        counts = vectorizer.fit_transform(runs)
        self._index: Mapping[str, int] = vectorizer.vocabulary_
        self._holders = np.asarray(counts.sum(axis=0)).ravel()
        self._own = counts[:-1]
        self.sizes = np.asarray(self._own.sum(axis=1)).ravel().astype(int)
        self.likeness = self._likeness(self._own)

    def _likeness(self, own: sparse.csr_matrix) -> np.ndarray:
        weights = np.log((own.shape[0] + 2) / self._holders)
        shared = np.asarray((own.multiply(weights) @ own.T).todense())
        totals = shared.diagonal()
        least = _LEAST_WEIGHT * float(np.median(totals)) if len(totals) else 0.0
        scale = np.sqrt(np.maximum(totals, max(least, 1e-9)))
        return np.clip(shared / np.outer(scale, scale), 0.0, 1.0)

    def matches(self, first: int, second: int, cell: str) -> list[Match]:
        """Return what a cell of the one submission has in common with any cell of the other."""
        of_both = set(self._own[first].indices) & set(self._own[second].indices)
        few = max(2.0, 0.05 * self._own.shape[0])
        return [
            Match(start, end, bool(self._holders[place] <= few))
            for run, start, end in shingles(self._cut(cell), self._length)
            if (place := self._index.get(run)) in of_both and place is not None
        ]

    def _runs(self, cells: Iterable[str]) -> set[str]:
        return {run for cell in cells for run, _, _ in shingles(self._cut(cell), self._length)}


def compare_code(works: Sequence[Work], given: Sequence[str], reference: Work) -> Comparison:
    """Compare the code of all submissions.

    Args:
        works: the submissions.
        given: all code cells of the empty lab.
        reference: the reference solution.
    """
    known: Collection[str] = names_in(given)
    documents = [work.code.values() for work in works]
    return Comparison(
        documents,
        lambda cell: code_parts(cell, known),
        CODE_RUN,
        given=given,
        reference=reference.code.values(),
    )


def compare_texts(works: Sequence[Work], given: Sequence[str]) -> Comparison:
    """Compare the answers to open questions, word by word.

    Args:
        works: the submissions.
        given: all text cells of the empty lab.
    """
    return Comparison([work.texts.values() for work in works], word_parts, TEXT_RUN, given=given)
