"""Find which submitted cell stands for which cell of the lab.

By the ids that nbgrader and the notebook format keep; where an editor lost them (Colab, VS Code), by the
same text, by the names that a cell defines, and by similarity between neighbours that are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from rapidfuzz import fuzz

from autograder.instructor.intake.reading import Cell

# How alike (0 to 100) two cells must be to stand for each other, by their text alone.
_ALIKE = 60.0
# A student's code need not look like the empty cell: between known neighbours, little is enough.
_ALIKE_BETWEEN_NEIGHBOURS = 25.0


@dataclass
class Matching:
    """Which submitted cell stands for which cell of the lab, as indices.

    Attributes:
        pairs: submitted cell by cell of the lab.
        guessed: cells of the lab whose partner was found without an id.
        duplicates: further submitted cells with the same grade_id, by cell of the lab.
    """

    pairs: dict[int, int] = field(default_factory=dict)
    guessed: set[int] = field(default_factory=set)
    duplicates: dict[int, list[int]] = field(default_factory=dict)

    def add(self, wanted: int, found: int, *, guessed: bool) -> None:
        """Pair two cells."""
        self.pairs[wanted] = found
        if guessed:
            self.guessed.add(wanted)

    def free(self, template: Sequence[Cell], submitted: Sequence[Cell]) -> tuple[list[int], list[int]]:
        """Return the indices of cells on both sides that are not paired."""
        taken = set(self.pairs.values()) | {index for group in self.duplicates.values() for index in group}
        return (
            [index for index in range(len(template)) if index not in self.pairs],
            [index for index in range(len(submitted)) if index not in taken],
        )


def match(template: Sequence[Cell], submitted: Sequence[Cell]) -> Matching:
    """Pair the cells of a lab with those of a submission, the surest signs first."""
    matching = Matching()
    _by_grade_id(template, submitted, matching)
    _by_cell_id(template, submitted, matching)
    _by_text(template, submitted, matching)
    _by_names(template, submitted, matching)
    _by_neighbours(template, submitted, matching)
    return matching


def recognised(template: Sequence[Cell], submitted: Sequence[Cell]) -> float:
    """Return which share of a lab's graded cells is in a submission, by grade_id or by text."""
    ids = {cell.grade_id for cell in submitted if cell.grade_id}
    texts = {cell.text for cell in submitted}
    names = {name for cell in submitted for name in cell.names}
    graded = [cell for cell in template if cell.grade_id]
    known = [cell for cell in graded if cell.grade_id in ids or cell.text in texts or cell.names & names]
    return len(known) / max(len(graded), 1)


# --- the ways to find a partner --------------------------------------------------------------------


def _by_grade_id(template: Sequence[Cell], submitted: Sequence[Cell], matching: Matching) -> None:
    """Pair cells by nbgrader's id; of several with one id, take the one that a run would end with.

    That is the last before the cell that marks it, among those with something written.
    """
    for wanted, cell in enumerate(template):
        found = [i for i, other in enumerate(submitted) if cell.grade_id and other.grade_id == cell.grade_id]
        if not found:
            continue
        chosen = found[0] if len(found) == 1 else _effective(wanted, found, template, submitted)
        matching.add(wanted, chosen, guessed=False)
        if len(found) > 1:
            matching.duplicates[wanted] = [index for index in found if index != chosen]


def _effective(wanted: int, found: list[int], template: Sequence[Cell], submitted: Sequence[Cell]) -> int:
    """Return which of several cells with one grade_id counts."""
    written = [index for index in found if submitted[index].text not in ("", template[wanted].text)]
    candidates = written or found
    following = next((cell.grade_id for cell in template[wanted + 1 :] if cell.grade_id), None)
    marks = [i for i, cell in enumerate(submitted) if following and cell.grade_id == following]
    before = [index for index in candidates if marks and index < marks[-1]]
    return (before or candidates)[-1]


def _by_cell_id(template: Sequence[Cell], submitted: Sequence[Cell], matching: Matching) -> None:
    """Pair cells by the notebook format's own ids, where neither is nbgrader's with another name."""
    wanted, found = matching.free(template, submitted)
    by_id = {submitted[index].cell_id: index for index in reversed(found) if submitted[index].cell_id}
    for index in wanted:
        partner = by_id.get(template[index].cell_id) if template[index].cell_id else None
        if partner is not None and submitted[partner].grade_id in (None, template[index].grade_id):
            matching.add(index, partner, guessed=False)


def _by_text(template: Sequence[Cell], submitted: Sequence[Cell], matching: Matching) -> None:
    """Pair cells with the same text, in order first, then wherever they are."""
    wanted, found = matching.free(template, submitted)
    ours = [(template[i].kind, template[i].text) for i in wanted]
    theirs = [(submitted[i].kind, submitted[i].text) for i in found]
    blocks = SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
    for block in blocks:
        for step in range(block.size):
            matching.add(wanted[block.a + step], found[block.b + step], guessed=True)
    wanted, found = matching.free(template, submitted)
    for index in wanted:
        text = (template[index].kind, template[index].text)
        partner = next((i for i in found if (submitted[i].kind, submitted[i].text) == text), None)
        if partner is not None:
            matching.add(index, partner, guessed=True)
            found.remove(partner)


def _by_names(template: Sequence[Cell], submitted: Sequence[Cell], matching: Matching) -> None:
    """Pair code cells that define the same functions, classes or variables."""
    wanted, found = matching.free(template, submitted)
    for index in wanted:
        shared = {i: len(template[index].names & submitted[i].names) for i in found}
        if shared and max(shared.values()) > 0:
            # Of several, the last: it is the one that a run would end with.
            partner = max(shared, key=lambda i: (shared[i], i))
            matching.add(index, partner, guessed=True)
            found.remove(partner)


def _by_neighbours(template: Sequence[Cell], submitted: Sequence[Cell], matching: Matching) -> None:
    """Pair what is left between neighbours that are paired: the only candidate, or the most alike."""
    for index in matching.free(template, submitted)[0]:
        _, found = matching.free(template, submitted)
        low = max((matching.pairs[i] for i in matching.pairs if i < index), default=-1)
        high = min(
            (matching.pairs[i] for i in matching.pairs if i > index and matching.pairs[i] > low),
            default=len(submitted),
        )
        kind = template[index].kind
        between = [i for i in found if low < i < high and submitted[i].kind == kind]
        rivals = [i for i in _gap(index, matching, len(template)) if template[i].kind == kind]
        if len(between) == 1 and len(rivals) == 1 and template[index].grade_id:
            matching.add(index, between[0], guessed=True)
            continue
        partner = _most_alike(template[index], between, submitted, _ALIKE_BETWEEN_NEIGHBOURS)
        if partner is None:
            partner = _most_alike(template[index], found, submitted, _ALIKE)
        if partner is not None:
            matching.add(index, partner, guessed=True)


def _gap(index: int, matching: Matching, length: int) -> list[int]:
    """Return the cells of the lab without a partner around `index`, itself included."""
    start, end = index, index
    while start > 0 and start - 1 not in matching.pairs:
        start -= 1
    while end + 1 < length and end + 1 not in matching.pairs:
        end += 1
    return list(range(start, end + 1))


def _most_alike(
    wanted: Cell, candidates: Iterable[int], submitted: Sequence[Cell], least: float
) -> int | None:
    """Return the candidate of the same kind whose text is most like that of a cell, if alike enough."""
    scores = {
        i: fuzz.ratio(wanted.text, submitted[i].text, score_cutoff=least)
        for i in candidates
        if submitted[i].kind == wanted.kind
    }
    best = max(scores, key=lambda i: scores[i], default=None)
    return best if best is not None and scores[best] >= least else None
