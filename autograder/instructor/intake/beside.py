"""Answers that are in no answer cell: beside it, under the question, in a cell that stays the lab's own.

Nobody gets an automatic 0 for an answer that stands somewhere else. Code is run where its check cell can see
it; what cannot be placed by itself waits for a person.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nbformat import NotebookNode

from autograder.instructor.intake.matching import Matching
from autograder.instructor.intake.notes import Note, Reason, note, reason
from autograder.instructor.intake.reading import Cell
from autograder.instructor.parsing import parsed
from autograder.instructor.source import is_check_cell, is_student_cell

# So many words in the comments and texts of a code cell may be an answer: beside its question, and elsewhere.
_WORDS_NEAR = 3
_WORDS_AFAR = 8
# The beginning of a line that numbers an answer: "2.", "Question 3:", "**P1**".
_NUMBERED = re.compile(
    r"[#*_>\s]{0,8}(?:question|pregunta|answer|respuesta|q|p)?[.\s]{0,2}(\d{1,2})(?!\d)", re.I
)
_NUMBERED_START = 40
_PROSE = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}


@dataclass(frozen=True)
class Piece:
    """Something that a student wrote outside the answer cell that it may belong to.

    Attributes:
        place: index of the lab's cell that it follows, or whose text was changed; -1 before all.
        name: what to call the cell.
        kind: "code", "markdown" or "raw".
        source: its text.
        lines: what the lab itself does not say anywhere.
        extra: index in the notebook that was handed in; None for a cell of the lab's.
        pictures: whether pictures were pasted into it.
        original: the lab's own text of the cell.
    """

    place: int
    name: str
    kind: str
    source: str
    lines: str
    extra: int | None = None
    pictures: bool = False
    original: str = ""

    @functools.cached_property
    def words(self) -> int:
        """Return how many words of prose it holds."""
        if self.kind == "code":
            return _words_in_code(self.source, self.lines)
        return len(self.lines.split()) + self.pictures

    @functools.cached_property
    def texts(self) -> int:
        """Return the same without the comments beside code that does something: these explain the code."""
        if self.kind == "code" and _does_something(self.source):
            return _words_in_code(self.source, self.lines, {*_PROSE} - {tokenize.COMMENT})
        return self.words

    @functools.cached_property
    def defined(self) -> dict[str, str]:
        """Return the source of what it defines, by name, but for what the lab's own cell defines."""
        if self.kind == "code":
            known = _segments(self.original)
            return {n: source for n, source in _segments(self.source).items() if known.get(n) != source}
        return dict.fromkeys(_named_in_text(self.source), "")

    def may_answer(self, *, near: bool, code: bool) -> bool:
        """Tell whether this may answer a question, beside it or elsewhere, in words or in code."""
        if self.kind != "code":
            return self.words > 0
        return (code and near) or (self.words >= _WORDS_NEAR if near else self.texts >= _WORDS_AFAR)


@dataclass
class Found:
    """What was found beside the answer cells.

    Attributes:
        waits: grade_ids of questions and check cells that a person must look at.
        notes: what there is to say.
        copies: code to run once more after a cell of the lab, by its index.
        moved: by index of the student's cell, the lab's cell after which it is run.
        shown: text to show after a cell of the lab that stays as it is, by its index.
    """

    waits: set[str] = field(default_factory=set)
    notes: list[Note] = field(default_factory=list)
    copies: defaultdict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    moved: dict[int, int] = field(default_factory=dict)
    shown: dict[int, str] = field(default_factory=dict)


def look_beside(
    matching: Matching,
    wanted: Sequence[Cell],
    submitted: Sequence[Cell],
    template: Sequence[NotebookNode],
    extras: Mapping[int, Sequence[int]],
) -> Found:
    """Find the answers that are in no answer cell.

    Args:
        matching: which submitted cell stands for which of the lab's.
        wanted: the lab's cells.
        submitted: those that were handed in.
        template: the lab's cells, as its notebook has them.
        extras: the student's own cells, by the cell of the lab that they follow.
    """
    found = Found()
    pieces = list(_pieces(matching, wanted, submitted, template, extras))
    # Code that belongs to one of the lab's functions is no answer in words, whatever its comments say.
    code = {
        name
        for cell, node in zip(wanted, template, strict=True)
        if is_student_cell(node)
        for name in cell.names
    }
    prose = [piece for piece in pieces if piece.kind != "code" or code.isdisjoint(piece.defined)]
    marked = [index for index, cell in enumerate(template) if cell.metadata.get("nbgrader")]
    names = [_name(cell) for cell in wanted]
    for index, cell in enumerate(template):
        if not is_student_cell(cell):
            continue
        answer = submitted[matching.pairs[index]] if index in matching.pairs else None
        before = max((i for i in marked if i < index), default=-1)
        after = next((i for i in marked if i > index), len(template))
        if cell.metadata["nbgrader"].get("grade"):
            if _is_unwritten(answer, wanted[index]):
                written = pieces if cell.cell_type == "code" else prose
                near = [piece for piece in written if before <= piece.place < after]
                _question(wanted[index], answer, near, written, before, names, found)
        elif cell.cell_type == "code":
            check = after if after < len(template) and is_check_cell(template[after]) else None
            _code_answer(index, check, wanted, answer, pieces, found)
    return found


def _is_unwritten(answer: Cell | None, original: Cell) -> bool:
    return answer is None or answer.text in ("", original.text)


# --- what a student wrote elsewhere ----------------------------------------------------------------


def _pieces(
    matching: Matching,
    wanted: Sequence[Cell],
    submitted: Sequence[Cell],
    template: Sequence[NotebookNode],
    extras: Mapping[int, Sequence[int]],
) -> Iterator[Piece]:
    """Yield all that may answer something else than its place says, in the order of the notebook."""
    known = frozenset(line.strip() for cell in wanted for line in cell.text.split("\n"))
    for index in range(-1, len(template)):
        if index in matching.pairs:
            cell, original = submitted[matching.pairs[index]], wanted[index]
            node = template[index]
            if is_student_cell(node) and cell.kind != "code":
                if _numbers_several(cell.source):
                    yield Piece(index, _name(original), "markdown", cell.source, cell.source)
            elif cell.text != original.text or cell.pictures:
                yield Piece(
                    index, _name(original), cell.kind, cell.source, _new_lines(cell, known),
                    pictures=bool(cell.pictures), original=original.source,
                )  # fmt: skip
        for extra in extras.get(index, ()):
            cell = submitted[extra]
            lines = _new_lines(cell, known)
            yield Piece(index, f"extra-{extra}", cell.kind, cell.source, lines, extra, bool(cell.pictures))


def _name(cell: Cell) -> str:
    return cell.grade_id or cell.cell_id or "?"


def _new_lines(cell: Cell, known: Collection[str]) -> str:
    """Return the lines of a cell that the lab does not have."""
    return "\n".join(line for line in cell.text.split("\n") if line.strip() not in known)


def _numbers_several(source: str) -> bool:
    """Tell whether a text numbers its parts, as one that answers several questions does."""
    starts = (_NUMBERED.match(line[:_NUMBERED_START]) for line in source.split("\n"))
    return len({match[1] for match in starts if match}) > 1


def _does_something(source: str) -> bool:
    """Tell whether code is more than texts, alone, given a name or printed."""
    tree = parsed(source)
    return tree is not None and not all(
        isinstance(node, ast.Expr | ast.Assign | ast.Pass) and _is_text(node) for node in tree.body
    )


def _is_text(node: ast.Expr | ast.Assign | ast.Pass) -> bool:
    value = None if isinstance(node, ast.Pass) else node.value
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "print":
        return all(isinstance(argument, ast.Constant | ast.JoinedStr) for argument in value.args)
    return value is None or isinstance(value, ast.Constant | ast.JoinedStr)


def _words_in_code(source: str, lines: str, kinds: Collection[int] = frozenset(_PROSE)) -> int:
    """Return how many words the comments and texts of a code cell hold, where the lab has no such line."""
    code = "\n".join(line for line in source.split("\n") if not line.lstrip().startswith(("%", "!", "?")))
    if parsed(code) is None:
        return len(lines.split())  # prose in a code cell is seldom Python
    new = {line.strip() for line in lines.split("\n") if line.strip()}
    count = 0
    with contextlib.suppress(tokenize.TokenError, SyntaxError, ValueError):
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type in kinds and not new.isdisjoint(map(str.strip, token.line.split("\n"))):
                count += len(token.string.split())
    return count


# --- questions -------------------------------------------------------------------------------------


def _question(
    original: Cell,
    answer: Cell | None,
    near: Sequence[Piece],
    pieces: Sequence[Piece],
    start: int,
    names: Sequence[str],
    found: Found,
) -> None:
    """Let a question without an answer wait if there is text that may answer it."""
    name = _name(original)
    if answer is not None and answer.pictures:
        found.waits.add(name)
        found.notes.append(note("answer_beside", cell=name, place=reason("within", cell=name)))
        return
    code = original.kind == "code"
    candidates = [piece for piece in near if piece.may_answer(near=True, code=code)]
    candidates = candidates or [piece for piece in pieces if piece.may_answer(near=False, code=code)]
    if candidates:
        found.waits.add(name)
        # What stands behind the answer before may be that one's.
        own = [piece for piece in candidates if piece.place > start] or candidates
        found.notes.append(note("answer_beside", cell=name, place=_where(own[0], names)))
        for piece in candidates:
            _show(piece, found)


def _where(piece: Piece, names: Sequence[str]) -> Reason:
    """Return where a piece is, in words that lead there: cells of a student's own have no names."""
    if piece.extra is None:
        return reason("within", cell=piece.name)
    return reason("behind", cell=names[piece.place]) if piece.place >= 0 else reason("before_all")


def _show(piece: Piece, found: Found) -> None:
    """Show to whoever marks what stands in a cell that stays the lab's own."""
    if piece.extra is None and piece.place >= 0:
        found.shown[piece.place] = piece.source


# --- code ------------------------------------------------------------------------------------------


def _code_answer(
    index: int,
    check: int | None,
    wanted: Sequence[Cell],
    answer: Cell | None,
    pieces: Sequence[Piece],
    found: Found,
) -> None:
    """Run the parts of an answer that stand elsewhere after its cell, and before the cell that marks it."""
    original = wanted[index]
    missing = _unwritten_names(original, answer)
    if not missing:
        return
    end = check if check is not None else index + 1
    places = []
    for name in sorted(missing):
        piece = _where_defined(name, pieces, end)
        if piece is None or index <= piece.place < end:
            continue  # nowhere, or where it is run in time
        places.append(piece.name)
        if piece.kind != "code":
            _show(piece, found)
        elif piece.extra is not None and piece.place >= end and piece.extra not in found.moved:
            found.moved[piece.extra] = index
        elif piece.extra not in found.moved and piece.defined[name] not in found.copies[index]:
            found.copies[index].append(piece.defined[name])
    if places:
        found.notes.append(note("moved_answer", cell=_name(original), place=", ".join(dict.fromkeys(places))))
        if check is not None:
            found.waits.add(_name(wanted[check]))


def _where_defined(name: str, pieces: Sequence[Piece], end: int) -> Piece | None:
    """Return the last piece before the check cell that defines a name, else the last after it."""
    defining = [piece for piece in pieces if name in piece.defined]
    in_time = [piece for piece in defining if piece.place < end]
    return (in_time or defining or [None])[-1]  # type: ignore[list-item]


def _named_in_text(text: str) -> list[str]:
    """Return the names of functions and classes that are written down in a text."""
    lines = (line.split(maxsplit=2) for line in text.split("\n"))
    found = (
        line[1].split("(")[0].rstrip(":") for line in lines if len(line) > 1 and line[0] in ("def", "class")
    )
    return [name for name in found if name.isidentifier()]


def _unwritten_names(original: Cell, answer: Cell | None) -> set[str]:
    """Return the names that an answer should define, and does not, or as the lab's own cell does."""
    blank = _segments(original.source)
    written = _segments(answer.source) if answer is not None and answer.kind == "code" else {}
    if answer is not None and not written and answer.text not in ("", original.text):
        return set()  # code that cannot be read is an answer, though a wrong one
    return {name for name, source in blank.items() if written.get(name, source) == source}


def _segments(source: str) -> dict[str, str]:
    """Return the source of what the top level of a cell defines, by name."""
    tree = parsed(source)
    lines = source.split("\n")
    found: dict[str, str] = {}
    for node in tree.body if tree is not None else ():
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names, first = [node.name], min([node.lineno, *(d.lineno for d in node.decorator_list)])
        elif isinstance(node, ast.Assign):
            names, first = [t.id for t in node.targets if isinstance(t, ast.Name)], node.lineno
        else:
            continue
        text = "\n".join(line.rstrip() for line in lines[first - 1 : node.end_lineno])
        found |= dict.fromkeys(names, text)
    return found
