"""Rebuild a submission: the lab's own notebook with the student's cells grafted in."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from autograder.instructor.bundle.install_cell import is_install_code
from autograder.instructor.intake.beside import look_beside
from autograder.instructor.intake.choosing import choose, compare_version, identify
from autograder.instructor.intake.matching import Matching, match
from autograder.instructor.intake.meddling import meddling
from autograder.instructor.intake.notes import Note, note, reason
from autograder.instructor.intake.outputs import count_left_out, keep_within
from autograder.instructor.intake.pictures import MAX_PICTURES, attach
from autograder.instructor.intake.reading import (
    Cell,
    files_of,
    find_notebooks,
    has_conflict,
    is_backup,
    read_file,
    resolve_conflict,
)
from autograder.instructor.intake.templates import Templates
from autograder.instructor.own_names import imported, overwritten, own_names
from autograder.instructor.source import grade_id, is_check_cell, is_student_cell, is_students_own
from autograder.opening import calls_open_lab

# A person who puts so many notebooks into one folder has to say which one counts.
MAX_NOTEBOOKS = 40
_INSTALLERS = {"pip", "pip3", "conda", "mamba", "apt", "uv"}


@dataclass
class Rebuilt:
    """A submission that can be graded.

    Attributes:
        notebook: the lab's notebook with the student's cells; that of the lab alone if `usable` is False.
        language: of the notebook.
        notes: what had to be put right.
        usable: whether a notebook of this lab was handed in.
        file: the name of the graded file, None if there is none.
        waits: grade_ids of cells whose marks a person has to give or to confirm.
    """

    notebook: NotebookNode
    language: str
    notes: list[Note] = field(default_factory=list)
    usable: bool = True
    file: str | None = None
    waits: frozenset[str] = frozenset()


def rebuild(folder: Path, lab: str, templates: Templates, default_language: str) -> Rebuilt:
    """Rebuild what lies in a submission's folder; never raises on account of its content.

    Args:
        folder: submitted/<student>/<lab>.
        lab: the lab's id.
        templates: the notebooks of all labs.
        default_language: where the submission does not tell.
    """
    paths = find_notebooks(folder)
    if not paths:
        names = ", ".join(path.name for path in files_of(folder)[:5])
        missing = note("no_notebook", files=names) if names else note("empty_folder")
        return _unusable(lab, templates, default_language, [missing])
    # The lab's own name first: it is read whatever else lies there.
    paths.sort(key=lambda path: (is_backup(path.name), path.name != f"{lab}.ipynb"))
    files = [read_file(path, str(path.relative_to(folder))) for path in paths[:MAX_NOTEBOOKS]]
    choice = choose(files, lab, templates)
    file, notes = choice.file, choice.notes
    if len(paths) > MAX_NOTEBOOKS:
        notes.append(note("too_many_notebooks", count=len(paths), limit=MAX_NOTEBOOKS))
    if file.cells is None:
        return _unusable(lab, templates, default_language, notes, file.name)
    language, problem = identify(file.cells, lab, templates)
    if problem is not None:
        return _unusable(lab, templates, language or default_language, [*notes, problem], file.name)
    assert language is not None
    if file.name != f"{lab}.ipynb":
        notes.append(note("wrong_name", file=file.name, expected=f"{lab}.ipynb"))
    notebook, found, waits = _graft(
        file.cells, templates.notebooks[lab, language], templates.cells(lab, language)
    )
    version = compare_version(file.cells, lab, language, templates)
    marked = {
        answer.name: answer.name if answer.graded else answer.check for answer in templates.answers(lab)
    }
    waits |= version.waits | {name for answer in choice.differs if (name := marked.get(answer))}
    notes += [*version.notes, *found]
    return Rebuilt(notebook, language, notes, file=file.name, waits=frozenset(waits))


def _unusable(
    lab: str, templates: Templates, language: str, notes: list[Note], file: str | None = None
) -> Rebuilt:
    """Return the lab's notebook alone, with the reason why there is nothing to grade."""
    return Rebuilt(deepcopy(templates.notebooks[lab, language]), language, notes, usable=False, file=file)


# --- grafting --------------------------------------------------------------------------------------


def _graft(
    submitted: Sequence[Cell], template: NotebookNode, wanted: Sequence[Cell]
) -> tuple[NotebookNode, list[Note], set[str]]:
    """Return the lab's notebook with the student's cells in it, what had to be put right, and what waits."""
    matching = match(wanted, submitted)
    notes = _matching_notes(matching, wanted, template, submitted)
    notebook = deepcopy(template)
    extras = _extras(matching, wanted, submitted, template)
    beside = look_beside(matching, wanted, submitted, template.cells, extras)
    notes += beside.notes
    names = own_names(template)
    needed = {name: text for name, text in imported(template).items() if name not in names}
    made = {
        i: _extra_cell(submitted[i], f"extra-{i}", names, notes)
        for i in sorted(i for found in extras.values() for i in found)
    }
    cells = [made[i] for i in extras.get(-1, []) if i not in beside.moved]
    for index, cell in enumerate(notebook.cells):
        partner = matching.pairs.get(index)
        if partner is not None:
            _fill(cell, submitted[partner], names, notes)
        cells.append(cell)
        if index in beside.shown and _stays_original(cell):
            shown = Cell("raw" if cell.cell_type == "code" else "markdown", beside.shown[index])
            cells.append(_extra_cell(shown, f"shown-{index}", names, notes))
        for number, source in enumerate(beside.copies.get(index, [])):
            cells.append(_extra_cell(Cell("code", source), f"copied-{index}-{number}", names, []))
        cells += [made[i] for i, after in beside.moved.items() if after == index]
        cells += [made[i] for i in extras.get(index, []) if i not in beside.moved]
    for cell in cells:
        own = is_student_cell(cell) or is_students_own(cell)
        if own and cell.cell_type == "code":
            lost = overwritten(cell.source, needed)
            notes += [note("import_lost", name=found, cell=_name(cell)) for found in lost]
    notebook.cells = cells
    keep_within(notebook)
    return notebook, notes, beside.waits


def _fill(cell: NotebookNode, submitted: Cell, names: Mapping[str, str], notes: list[Note]) -> None:
    """Put a student's text into a cell of the lab, unless the cell stays the lab's own."""
    name = _name(cell)
    if not is_check_cell(cell):
        _show_outputs(cell, submitted)
    original = Cell(cell.cell_type, cell.source)
    changed = original.text != submitted.text
    if _stays_original(cell):
        if changed:
            checks = cell.metadata.get("nbgrader", {}).get("grade")
            notes.append(note("edited_check" if checks else "restored_original", cell=name))
        return
    if submitted.kind != cell.cell_type:
        notes.append(note("cell_type", cell=name, kind=submitted.kind))
    # Outer white space and line ends are the editor's doing: nbgrader's checksum tells whether
    # anything was written, so an unchanged answer must stay the same to the letter.
    if changed:
        cell.source = _harmless(submitted.source, cell.cell_type, name, notes)
        if cell.cell_type == "code":
            notes += [note("overwritten", name=found, cell=name) for found in overwritten(cell.source, names)]
    if cell.cell_type == "markdown":
        _attach(cell, submitted, name, notes)


def _show_outputs(cell: NotebookNode, submitted: Cell) -> None:
    """Put what a student's cell showed when it was handed in under a cell."""
    if cell.cell_type == "code":
        cell.outputs = list(submitted.outputs)
        count_left_out(cell, submitted.outputs_left_out)


def _attach(cell: NotebookNode, submitted: Cell, name: str, notes: list[Note]) -> None:
    """Put the pictures of a student's text into a cell."""
    attach(cell, submitted.pictures)
    if submitted.left_out:
        notes.append(
            note("pictures_left_out", cell=name, count=submitted.left_out, limit=MAX_PICTURES // 2**20)
        )


def _stays_original(cell: NotebookNode) -> bool:
    """Tell whether a student's version of this cell is never used."""
    data = cell.metadata.get("nbgrader", {})
    if data:
        return not is_student_cell(cell)
    # Cells that decide where marks come from stay the lab's own.
    return cell.cell_type == "code" and calls_open_lab(cell.source)


def _extras(
    matching: Matching, wanted: Sequence[Cell], submitted: Sequence[Cell], template: NotebookNode
) -> dict[int, list[int]]:
    """Return the student's own cells to keep, by the cell of the lab that they follow (-1: none)."""
    lab_cell = {found: index for index, found in matching.pairs.items()}
    locked = {cell.grade_id for cell, node in zip(wanted, template.cells, strict=True)
              if cell.grade_id and _stays_original(node)}  # fmt: skip
    known = {cell.text for cell in wanted}
    extras: dict[int, list[int]] = {}
    place = -1
    for index, cell in enumerate(submitted):
        if index in lab_cell:
            place = lab_cell[index]
        elif _is_own(cell, locked, known):
            extras.setdefault(place, []).append(index)
    return extras


def _is_own(cell: Cell, locked: Collection[str | None], known: Collection[str]) -> bool:
    """Tell whether a cell is the student's own: none of the lab's, nor of the bundle that it came in."""
    foreign = cell.grade_id in locked or cell.text in known or is_install_code(cell.text)
    return bool(cell.text) and not foreign


def _extra_cell(cell: Cell, name: str, names: Mapping[str, str], notes: list[Note]) -> NotebookNode:
    """Return a cell of the student's own, without anything that nbgrader could take for one of the lab."""
    source = _harmless(cell.source, cell.kind, name, notes)
    made: NotebookNode
    if cell.kind == "code":
        made = new_code_cell(source)
        _show_outputs(made, cell)
        notes += [note("overwritten", name=found, cell=name) for found in overwritten(source, names)]
    elif cell.kind == "markdown":
        made = new_markdown_cell(source)
        _attach(made, cell, name, notes)
    else:  # nbconvert would copy a raw cell into a page as it is
        lines = source.split("\n")
        made = new_markdown_cell("\n".join(f"    {line}" for line in lines))
    made["id"] = name
    return made


def _name(cell: NotebookNode) -> str:
    """Return what to call a cell of the lab."""
    return str(grade_id(cell) or cell.get("id") or "?")


def _matching_notes(
    matching: Matching, wanted: Sequence[Cell], template: NotebookNode, submitted: Sequence[Cell]
) -> list[Note]:
    """Return what there is to say of cells that are missing, double, moved or without their ids."""
    notes = []
    guessed = [i for i in matching.guessed if wanted[i].grade_id]
    if guessed:
        notes.append(note("lost_metadata", count=len(guessed)))
    for index, double in matching.duplicates.items():
        if not _stays_original(template.cells[index]):
            notes.append(note("duplicate_cell", cell=wanted[index].grade_id, count=len(double) + 1))
    for index, cell in enumerate(template.cells):
        if index in matching.pairs or (cell.cell_type != "code" and not grade_id(cell)):
            continue
        if is_student_cell(cell):
            notes.append(note("missing_answer", cell=_name(cell)))
        else:
            key = "missing_check" if grade_id(cell) else "restored_cell"
            notes.append(note(key, cell=_name(cell)))
    order = [matching.pairs[i] for i in sorted(matching.pairs)]
    if order != sorted(order):
        notes.append(note("reordered"))
    return notes


# --- what is not run -------------------------------------------------------------------------------


def _harmless(source: str, kind: str, name: str, notes: list[Note]) -> str:
    """Return a cell's text without what cannot work while grading: installations, exits, conflict marks."""
    if has_conflict(source):
        notes.append(note("merge_conflict", side=reason("above")))
        source = resolve_conflict(source, "above")
    if kind != "code":
        return source
    source = _without(installs, "not_run", source, name, notes)
    source = _without(leaves, "exit_not_run", source, name, notes)
    if found := meddling(source):
        notes.append(note("meddles", cell=name, name=found))
    if _calls_input(source):
        notes.append(note("calls_input", cell=name))
    return source


def installs(line: str) -> bool:
    """Tell whether a line of code installs something, as `!pip`, `%conda` and `!python -m pip` do."""
    line = line.lstrip()
    words = line[1:].split(maxsplit=3) if line[:1] in ("!", "%") else []
    if words[1:2] == ["-m"]:
        words = words[2:]
    # `apt-get`, `pip;` and `pip>log` are these programs too.
    return bool(words) and re.split(r"\W", words[0], maxsplit=1)[0] in _INSTALLERS


def leaves(line: str) -> bool:
    """Tell whether a line of code is nothing but a call of `exit` or `quit`, or their name."""
    # No pattern: three runs of white space side by side take time that grows with the cube of the line.
    call = line.strip().removesuffix(";").rstrip()
    rest = call[4:].lstrip()
    return call.startswith(("exit", "quit")) and (not rest or (rest[0] == "(" and rest[-1] == ")"))


def _without(unwanted: Callable[[str], bool], key: str, source: str, name: str, notes: list[Note]) -> str:
    """Turn the lines that nobody wants to run into comments that say so."""
    lines = source.split("\n")
    for number, line in enumerate(lines):
        if unwanted(line):
            indent = line[: len(line) - len(line.lstrip())]
            lines[number] = f"{indent}pass  # {line.strip()}"
            notes.append(note(key, cell=name, line=line.strip()[:60]))
    return "\n".join(lines)


def _calls_input(source: str) -> bool:
    """Tell whether code calls `input`, outside strings and comments."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    calls = zip([None, *tokens], tokens, tokens[1:], strict=False)
    return any(
        name.type == tokenize.NAME
        and (name.string, after.string) == ("input", "(")
        and (before is None or before.string not in (".", "def"))
        for before, name, after in calls
    )
