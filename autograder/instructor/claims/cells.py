"""Claims as they stand in a source notebook.

A claim is a cell tagged `active-py` and `claim`: code in the source notebook, and no code for all that runs,
marks or shows the lab (jupytext reads it as a raw cell). It begins with the sentences that it backs, in the
languages of the prose, in full or with `…` for a part of them:

    # es: En el primer paso, … la pérdida ya está cerca de 0.69.
    # en: In the first step, … the loss is close to 0.69 already.
    assert abs(losses[0] - 0.69) < 0.1

The sentences stand in the nearest prose above; a line `# of: title` before them names other prose above, by
the id of its cells without the language. A tag `seed-dependent` says that the claim holds under some
seeds only.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import takewhile

from nbformat import NotebookNode

from autograder.errors import did_you_mean
from autograder.instructor.claims.words import speaks_of_one_run, speaks_of_seeds
from autograder.instructor.parsing import parsed
from autograder.instructor.sentences import sentences_of
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.source import language_of, read_source, versions
from autograder.instructor.twins import shared_name

TAG = "claim"
SEED_DEPENDENT = "seed-dependent"
_ACTIVE = "active-py"
_HEADER = re.compile(r"^# (?P<key>[\w-]+): (?P<text>.+)$")
_OF = "of"


@dataclass(frozen=True)
class Backed:
    """A sentence that a claim backs.

    Attributes:
        prose: id of the cell in which it stands, by language.
        quoted: the sentence as the claim writes it, by language.
        text: the sentence, by language.
    """

    prose: Mapping[str, str]
    quoted: Mapping[str, str]
    text: Mapping[str, str]


@dataclass(frozen=True)
class Claim:
    """What a lab's prose says of its outputs, as code.

    Attributes:
        id: of its cell.
        code: of its cell.
        sentences: that it backs.
        seed_dependent: whether it holds under some seeds only.
    """

    id: str
    code: str
    sentences: tuple[Backed, ...]
    seed_dependent: bool


def is_claim(cell: NotebookNode) -> bool:
    """Tell whether a cell of a source notebook is a claim."""
    return TAG in cell.metadata.get("tags", [])


def without_claims(notebook: NotebookNode) -> NotebookNode:
    """Return a notebook without its claims: what everybody but its author gets. Cells are shared."""
    rest = copy(notebook)
    rest.cells = [cell for cell in notebook.cells if not is_claim(cell)]
    return rest


def read_claims(course: Course, lab: str) -> tuple[Claim, ...]:
    """Return the claims of a lab, in order.

    Raises:
        CourseError: naming the claim, if it is not as it must be, or a sentence is not in the prose.
    """
    cells = read_source(course.source(course.require_lab(lab))).cells
    found = []
    for index, cell in enumerate(cells):
        if not is_claim(cell):
            continue
        name = f"{lab}, claim {cell.id!r}"
        _require_form(cell, name)
        sentences = tuple(_backed(cell, cells[:index], course, name))
        dependent = SEED_DEPENDENT in cell.metadata["tags"]
        if dependent:
            _require_to_speak_of_seeds(sentences, name)
        found.append(Claim(cell.id, cell.source, sentences, dependent))
    return tuple(found)


def _require_form(cell: NotebookNode, name: str) -> None:
    """Raise unless a claim is Python that asserts something, and no code of the lab's."""
    if _ACTIVE not in cell.metadata["tags"] or cell.cell_type != "raw":
        raise CourseError(f'{name}: write `# %% id="{cell.id}" tags=["{_ACTIVE}", "{TAG}"]`, and code below.')
    tree = parsed(cell.source)
    if tree is None:
        raise CourseError(f"{name}: this is no Python. Write `assert` statements.")
    if not any(isinstance(node, ast.Assert) for node in ast.walk(tree)):
        raise CourseError(f"{name} asserts nothing: write `assert` statements with names of the notebook.")


def _require_to_speak_of_seeds(sentences: Iterable[Backed], name: str) -> None:
    """Raise unless each sentence tells its reader that what it says depends on the seed.

    What it says of one seed it says of one machine: on another, the same seed ends elsewhere.
    """
    for language, text in ((x, text) for sentence in sentences for x, text in sentence.text.items()):
        if not speaks_of_seeds(text, language):
            raise CourseError(
                f"{name} is {SEED_DEPENDENT}, and its sentence does not say so: {text!r} ({language}). "
                "Say that it is so with some seeds, and how far others are from it."
            )
        if speaks_of_one_run(text, language):
            raise CourseError(
                f"{name} is {SEED_DEPENDENT}, and its sentence speaks of one run: {text!r} ({language}). "
                "On another machine the same seed gives other numbers. Say that it is so with some seeds, "
                "and let a cell print how it is here."
            )


# --- the sentences that a claim backs ------------------------------------------------------------------


def _backed(cell: NotebookNode, above: Sequence[NotebookNode], course: Course, name: str) -> Iterator[Backed]:
    """Yield the sentences that a claim's first lines name.

    Raises:
        CourseError: if there are none, or one is not in the prose.
    """
    lines = [found for found in takewhile(bool, map(_HEADER.match, cell.source.splitlines())) if found]
    prose, quoted = _nearest(above), dict[str, str]()
    for line in lines:
        if line["key"] == _OF:
            _require_languages(quoted, {}, name)
            prose = _named(above, line["text"].strip(), name)
            continue
        quoted[line["key"]] = line["text"].strip()
        texts = _by_language(prose, course)
        if set(quoted) == set(texts):
            yield _found(quoted, texts, course, name)
            quoted = {}
        elif not set(quoted) <= set(texts):
            _require_languages(quoted, texts, name)
    if quoted or not lines:
        _require_languages(quoted, _by_language(prose, course), name)


def _require_languages(quoted: Mapping[str, str], wanted: Mapping[str, NotebookNode], name: str) -> None:
    """Raise unless a sentence is named in every language of its prose."""
    if set(quoted) != set(wanted):
        lines = " and ".join(f"`# {language}: …`" for language in wanted) or "the languages of its prose"
        raise CourseError(
            f"{name}: its first lines name the sentence that it backs, one line for each language of its "
            f"prose: {lines}, not {', '.join(quoted) or 'none'}."
        )


def _nearest(above: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Return the last cells of prose, with nothing but prose between them, in all languages."""
    rest = list(reversed(above))
    while rest and rest[0].cell_type != "markdown":
        rest.pop(0)
    prose = list(takewhile(lambda cell: cell.cell_type == "markdown", rest))
    last: list[NotebookNode] = []
    for cell in prose:
        if language_of(cell) in map(language_of, last) or (last and _one_text(cell, last[0])):
            break
        last.insert(0, cell)
    return last


def _one_text(cell: NotebookNode, other: NotebookNode) -> bool:
    """Tell whether one of two cells is in no language of its own, so that they are no twins."""
    return None in (language_of(cell), language_of(other))


def _named(above: Sequence[NotebookNode], prose: str, name: str) -> list[NotebookNode]:
    """Return the cells of prose with an id, or with one for each language."""
    texts = [cell for cell in above if cell.cell_type == "markdown"]
    ids = {shared_name(cell): None for cell in texts}
    if prose not in ids:
        raise CourseError(f"{name}: no prose above is called {prose!r}.{did_you_mean(prose, list(ids))}")
    return [cell for cell in texts if shared_name(cell) == prose]


def _by_language(prose: Sequence[NotebookNode], course: Course) -> dict[str, NotebookNode]:
    """Return cells by their language; one that has no tag, and no lines with marks, is in the course's."""
    each = (versions(cell, course.language, course.languages) for cell in prose)
    return {language: version for found in each for language, version in found.items()}


def _found(quoted: Mapping[str, str], prose: Mapping[str, NotebookNode], course: Course, name: str) -> Backed:
    """Return the sentence that is quoted, as it stands in the prose.

    Raises:
        CourseError: if it is not there, or more than one fits.
    """
    texts = {}
    for language, quotation in quoted.items():
        there = sentences_of(prose[language])
        fitting = [sentence for sentence in there if fits(quotation, sentence)]
        if len(fitting) != 1:
            said = "is in no sentence of" if not fitting else "fits more than one sentence of"
            raise CourseError(
                f"{name}: {quotation!r} {said} {prose[language].id!r}, which says: {' '.join(there)!r}. "
                "Look whether the claim backs what stands there now, and write the sentence; … stands for a "
                "part of it."
            )
        texts[language] = fitting[0]
    return Backed({language: prose[language].id for language in quoted}, dict(quoted), texts)


def fits(quotation: str, sentence: str) -> bool:
    """Tell whether a quotation, in which … stands for anything, is that of a sentence."""
    return (
        re.fullmatch(".*".join(re.escape(part.strip()) for part in quotation.split("…")), sentence)
        is not None
    )
