"""Say what came out of a run: marks by block and check, totals, open questions, and what to look at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict

from nbformat import NotebookNode

from autograder.labels import heading_of, points_of
from autograder.quoting import shortened
from autograder.rerun.marks import ShownMarks, shown_marks
from autograder.rerun.reading import Notebook, grade_id, is_code, is_unchanged
from autograder.rerun.running import Rerun
from autograder.rerun.texts import Text, say
from autograder.summary import Section, Summary
from autograder.usual_errors import usual_text

_MAX_DETAIL = 200
_CELL_FILE = re.compile(r"\(\d+\.py, (line \d+)\)")


def report(notebook: Notebook, run: Rerun) -> str:
    """Return all there is to say of a run, in the notebook's language."""
    cells = run.notebook.cells
    found = {block: shown_marks(cells[index], block) for index, block in notebook.blocks().items()}
    shown = {block: marks for block, marks in found.items() if marks is not None}
    parts = [marks.text for marks in shown.values()]
    parts.append(repr(_summary(notebook, shown)))
    parts += [part for part in (_open_questions(notebook), _to_look_at(notebook, run, shown)) if part]
    parts.append(say("closing", notebook.language))
    return "\n\n".join(parts)


def _summary(notebook: Notebook, shown: Mapping[str, ShownMarks]) -> Summary:
    """Return the summary that the notebook itself would show."""
    sections = tuple(
        _section(block, points, shown.get(block)) for block, points in notebook.key.blocks.items()
    )
    # The last block that knows: an identity that is given twice is the last one.
    students = next((marks.students for marks in reversed([*shown.values()]) if marks.students), ())
    key = notebook.key
    return Summary(notebook.lab, notebook.language, sections, key.manual, students, headings=key.headings)


def _section(block: str, points: float, marks: ShownMarks | None) -> Section:
    """Return the line of one block."""
    if marks is None:
        return Section(block, None, points)
    checks = tuple(asdict(check) for check in marks.checks)
    return Section(block, min(marks.score, points), points, checks)


def _open_questions(notebook: Notebook) -> str:
    """Return a line for each cell that a person marks."""
    language = notebook.language
    cells = {grade_id(cell): cell for cell in notebook.content.cells}
    lines = []
    for name, points in notebook.key.manual.items():
        unchanged = is_unchanged(cells[name]) if name in cells else None
        state = {True: "unanswered", False: "answered", None: "question_unknown"}[unchanged]
        if name not in cells and not _lost_metadata(notebook):
            state = "question_missing"
        called = heading_of(name, notebook.key.headings, language)
        lines.append(f"  {called} ({points_of(points, language)}): {say(state, language)}")
    return "\n".join([say("open_questions", language), *lines]) if lines else ""


def _to_look_at(notebook: Notebook, run: Rerun, shown: Mapping[str, ShownMarks]) -> str:
    """Return what went wrong, a line each."""
    found = [*run.notes, *_of_the_file(notebook), *_of_the_run(notebook, run, shown)]
    if not found:
        return say("nothing_to_look_at", notebook.language)
    lines = [f"  - {text.render(notebook.language)}" for text in found]
    return "\n".join([say("to_look_at", notebook.language), *lines])


def _lost_metadata(notebook: Notebook) -> bool:
    """Tell whether an editor has dropped what nbgrader keeps in cells."""
    return not any(grade_id(cell) for cell in notebook.content.cells)


def _of_the_file(notebook: Notebook) -> Iterator[Text]:
    """Yield what is wrong with the notebook before it is run."""
    if _lost_metadata(notebook):
        yield Text("lost_metadata")
    blocks = notebook.blocks()
    for index in blocks:
        if is_unchanged(notebook.content.cells[index]) is False:
            yield Text("edited_check", {"cell": notebook.name(index)})
    for block in notebook.key.blocks:
        if block not in blocks.values():
            yield Text("missing_check", {"cell": notebook.called(block)})


def _of_the_run(notebook: Notebook, run: Rerun, shown: Mapping[str, ShownMarks]) -> Iterator[Text]:
    """Yield which cells did not run as they should."""
    blocks = notebook.blocks()
    for index, cell in enumerate(run.notebook.cells):
        if not is_code(cell):
            continue
        if index in run.stopped:
            yield run.stopped[index]
        elif index in run.finished:
            error = next((o for o in cell.outputs if o.output_type == "error"), None)
            if error is not None:
                yield _error(notebook.name(index), error, cell, notebook.language)
            elif index in blocks and blocks[index] not in shown:
                yield Text("check_silent", {"cell": notebook.name(index)})
    left = [
        notebook.name(i)
        for i, cell in enumerate(run.notebook.cells)
        if is_code(cell) and i not in run.finished and i not in run.stopped
    ]
    if left:
        yield Text("not_run", {"cells": ", ".join(left)})


def error_text(output: NotebookNode) -> str:
    """Return what an exception says, without the file names that kernels make up for cells."""
    return _CELL_FILE.sub(r"(\1)", str(output.get("evalue", ""))).strip()


def _error(name: str, output: NotebookNode, cell: NotebookNode, language: str) -> Text:
    """Return what to say of a cell that ended with an exception."""
    if output.ename == "NotImplementedError" and not output.evalue:
        # Cells that are not for students to write in call what is.
        return Text("not_written" if grade_id(cell) else "calls_unwritten", {"cell": name})
    said = usual_text(output.ename, error_text(output))
    first = (error_text(output).splitlines() or [""])[0]
    detail = said.render(language) if said else shortened(first, _MAX_DETAIL)
    return Text("raised", {"cell": name, "error": output.ename, "detail": detail})
