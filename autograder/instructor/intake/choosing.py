"""Which file of a submission is graded, whether it is the lab's, and in which language."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field

from autograder.instructor.intake.matching import recognised
from autograder.instructor.intake.notes import Note, note
from autograder.instructor.intake.reading import Cell, File, is_backup
from autograder.instructor.intake.templates import Templates
from autograder.instructor.parsing import parsed
from autograder.instructor.source import is_check_cell

# Below this share of recognised cells, a notebook is not taken for one of the lab.
_RECOGNISED = 0.2
# Above this share of the cells that only another lab has, a notebook holds that lab too.
_HOLDS_ANOTHER = 0.3
# Below this share of the lab's ids, a notebook with ids that no lab has is another year's.
_SAME_VERSION = 0.5
_IDENTITY = "identity"
_SHOWN = 6


@dataclass(frozen=True)
class Candidate:
    """A file that may be graded.

    Attributes:
        file: as it was read.
        belongs: whether it is a notebook of the lab.
        written: texts of the answer cells in which something is written, by grade_id.
        beside: texts of the student's own that are in no cell of the lab's.
    """

    file: File
    belongs: bool
    written: Mapping[str, str] = field(default_factory=dict)
    beside: Collection[str] = ()

    def answered(self, questions: Set[str]) -> int:
        """Return about how many answers it holds; text beside its cell answers a question that is empty."""
        empty = questions - self.written.keys()
        return len(self.written.keys() - {_IDENTITY}) + min(len(self.beside), len(empty))


@dataclass(frozen=True)
class Choice:
    """The file to grade.

    Attributes:
        file: as it was read.
        notes: what there is to say of the choice and of the reading.
        differs: grade_ids of answers of which another file holds another version.
    """

    file: File
    notes: list[Note]
    differs: frozenset[str] = frozenset()


def choose(files: Sequence[File], lab: str, templates: Templates) -> Choice:
    """Choose the file to grade: of the lab's notebooks, the one that holds most answers.

    Of equals, the one with the lab's name, then the latest by the number in its name. Copies that an editor
    made by itself count only where the others hold no answer.
    """
    candidates = [_candidate(file, lab, templates) for file in files]
    questions = {answer.name for answer in templates.answers(lab) if answer.kind != "code"}

    def rank(candidate: Candidate) -> tuple[bool, bool, bool, int, bool, int, int]:
        name, by_itself = candidate.file.name, is_backup(candidate.file.name)
        answered = candidate.answered(questions)
        sure = answered > 0 and not by_itself
        readable = candidate.file.cells is not None
        return (
            candidate.belongs, readable, sure, answered, name == f"{lab}.ipynb", -by_itself, _number(name)
        )  # fmt: skip

    best = max(candidates, key=rank)
    notes = list(best.file.notes)
    shown = [file.name for file in files if file is not best.file and not is_backup(file.name)]
    if is_backup(best.file.name) or shown:
        others = shown or [file.name for file in files if file is not best.file]
        if others:
            notes.append(note("several_notebooks", file=best.file.name, others=_few(others)))
    differs, where = _differences(best, candidates, questions)
    if where:
        cells = _few(sorted(differs)) or "–"
        notes.append(note("copies_differ", file=best.file.name, others=_few(where), cells=cells))
    if best.belongs and not best.written and not best.beside:
        notes.append(note("nothing_written", file=best.file.name))
    return Choice(best.file, notes, differs)


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")


def _number(name: str) -> int:
    """Return the number that a browser or Jupyter gave to a copy: `lab (2).ipynb`, `lab-Copy3.ipynb`."""
    found = re.findall(r"(?:\(|-Copy|copy |copia )(\d{1,6})\b", name)
    return int(found[-1]) if found else 0


def _differences(
    best: Candidate, candidates: Sequence[Candidate], questions: Set[str]
) -> tuple[frozenset[str], list[str]]:
    """Return the answers of which another file holds another version, and which files those are."""
    differs: set[str] = set()
    where = []
    for other in candidates:
        if other is best or not other.belongs or is_backup(other.file.name):
            continue
        found = {name for name, text in other.written.items() if best.written.get(name) != text} - {_IDENTITY}
        if set(other.beside) - set(best.beside):
            found |= questions - best.written.keys()
        if found:
            differs |= found
            where.append(other.file.name)
    return frozenset(differs), where


def _candidate(file: File, lab: str, templates: Templates) -> Candidate:
    """Look at one file; in time that grows with its length."""
    if file.cells is None or identify(file.cells, lab, templates)[1] is not None:
        return Candidate(file, belongs=False)
    answers = {answer.name: answer for answer in templates.answers(lab)}
    by_name = {name: answer.name for answer in answers.values() for name in answer.names}
    texts = templates.texts(lab)
    written: dict[str, str] = {}
    beside = []
    for cell in file.cells:
        if not cell.text or cell.text in texts:
            continue
        known = (
            [cell.grade_id] if cell.grade_id in answers else [by_name[n] for n in cell.names if n in by_name]
        )
        if known:
            written |= {str(name): cell.text for name in known}
        elif cell.kind != "code" and not cell.grade_id:
            beside.append(cell.text)
    return Candidate(file, belongs=True, written=written, beside=beside)


# --- which lab, which language ---------------------------------------------------------------------


def identify(cells: Sequence[Cell], lab: str, templates: Templates) -> tuple[str | None, Note | None]:
    """Return the language of a notebook, and what is wrong if it is not one of the lab.

    Labs share cells and ids, so what only one of them has decides which one it is.
    """
    shares = {name: templates.share(name, cells) for name in templates.labs}
    own = shares.pop(lab)
    other = max(shares, key=lambda name: shares[name], default="")
    others = shares.get(other, 0.0)
    if min(own, others) >= _HOLDS_ANOTHER:
        return None, note("two_labs", lab=lab, other=other)
    if others > own:
        return None, note("another_lab", lab=other)
    known = max(recognised(templates.cells(lab, language), cells) for language in templates.languages(lab))
    if known < _RECOGNISED or own == 0:
        return None, note("unrecognised")
    ids = {cell.grade_id for cell in cells if cell.grade_id}
    wanted = {cell.grade_id for cell in templates.cells(lab, templates.languages(lab)[0]) if cell.grade_id}
    if ids - templates.grade_ids and len(ids & wanted) < _SAME_VERSION * len(wanted):
        return None, note("another_version", found=len(ids & wanted), count=len(wanted))
    texts = {cell.text for cell in cells}

    def familiar(language: str) -> int:
        return sum(cell.text in texts for cell in templates.cells(lab, language))

    return max(templates.languages(lab), key=familiar), None


@dataclass(frozen=True)
class Version:
    """How a notebook differs from the lab as it is now.

    Attributes:
        notes: what there is to say.
        waits: grade_ids of cells that a person has to look at.
    """

    notes: list[Note]
    waits: frozenset[str] = frozenset()


def compare_version(cells: Sequence[Cell], lab: str, language: str, templates: Templates) -> Version:
    """Find out whether a notebook is of an earlier version of the lab, or of another course.

    Its own marks cells tell: ids that no lab of this course has, or most of them with other code.
    """
    ids = {cell.grade_id for cell in cells if cell.grade_id}
    unknown = sorted(ids - templates.grade_ids)
    if unknown:
        missing = [a for a in templates.answers(lab) if a.name not in ids]
        waits = frozenset(a.name if a.graded else str(a.check) for a in missing if a.graded or a.check)
        return Version([note("unknown_cells", count=len(unknown), cells=_few(unknown))], waits)
    checks = {
        str(cell.grade_id): cell.source
        for cell, node in zip(
            templates.cells(lab, language), templates.notebooks[lab, language].cells, strict=True
        )
        if is_check_cell(node)
    }
    handed_in = {cell.grade_id: cell.source for cell in cells if cell.grade_id in checks}
    other = sorted(n for n, source in checks.items() if n in handed_in and not _same(source, handed_in[n]))
    if len(other) > 1 and len(other) >= len(checks) / 2:
        return Version([note("old_checks", count=len(other))], frozenset(checks))
    return Version([])


def _same(first: str, second: str) -> bool:
    """Tell whether two sources are the same code, however they are laid out."""
    if first.split() == second.split():
        return True
    one, other = parsed(first), parsed(second)
    return one is not None and other is not None and ast.dump(one) == ast.dump(other)
