"""Whose outputs a marked notebook shows: the student's, and of the run of grading what the student must know.

Grading runs what decides marks, and no exploration. A question about the film of 150 epochs is marked beside
that film, as it was handed in.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from html import escape

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_output

from autograder.catalogue import load
from autograder.instructor.intake.outputs import LEFT_OUT
from autograder.instructor.neutral import clean_notebook
from autograder.instructor.parsing import parsed
from autograder.instructor.source import is_check_cell
from autograder.messages import Message

OUTPUTS_CELL = "whose-outputs"
_TEXTS = load(__package__, "marked")
# Dark on light in both: notebooks have light pages.
_BOX = (
    "border-left: 6px solid {colour}; background: #f6f8fa; color: #1f2328; padding: 4px 12px; margin: 4px 0"
)
_COLOURS = dict.fromkeys(("while_grading", "interrupted"), "#cf222e")
_QUIET = "#57606a"
# A call of the library's that shows marks: those that the public seed gave on the student's machine.
_SUMS_UP = ".summary("


class MarkedText(Message):
    """What a marked notebook says about itself and its outputs."""

    @staticmethod
    def texts() -> Mapping[str, Mapping[str, str]]:
        """Return the texts by key and language."""
        return _TEXTS


def without_outputs(notebook: NotebookNode) -> NotebookNode:
    """Return a copy of a notebook without outputs: what a run leaves in it is the run's own."""
    bare = deepcopy(notebook)
    for cell in bare.cells:
        if cell.cell_type == "code":
            cell.outputs = []
            cell.metadata.pop(LEFT_OUT, None)
    return bare


def show_handed_in(
    ran: NotebookNode, handed_in: NotebookNode, language: str, skipped: Collection[int] = ()
) -> None:
    """Put the student's outputs in place of those of a run, and say whose they are.

    Check cells are left alone.

    Args:
        ran: the notebook that was run, cleaned; it is changed.
        handed_in: the same cells with the outputs that were handed in, as they came.
        language: of the notebook.
        skipped: indices of cells that were not run.
    """
    clean_notebook(handed_in)
    for index, (cell, theirs) in enumerate(zip(ran.cells, handed_in.cells, strict=True)):
        if cell.cell_type == "code" and not is_check_cell(cell):
            cell.outputs = _shown(cell, theirs, language, was_run=index not in skipped)
    _put_first(ran, "whose_outputs", language)


def say_outputs_are_missing(notebook: NotebookNode, language: str) -> None:
    """Say at the top of a notebook that never ran to its end why it shows no outputs."""
    _put_first(notebook, "outputs_not_shown", language)


def _put_first(notebook: NotebookNode, key: str, language: str) -> None:
    cell = new_markdown_cell(MarkedText(key).render(language))
    cell["id"] = OUTPUTS_CELL
    notebook.cells.insert(0, cell)


def _shown(ran: NotebookNode, theirs: NotebookNode, language: str, *, was_run: bool) -> list[NotebookNode]:
    """Return the outputs to show of a cell."""
    shown, of_run = list(theirs.outputs), ran.outputs
    if shown and _SUMS_UP in ran.source:
        shown.insert(0, _says("practice_marks", language))
    left_out = theirs.metadata.get(LEFT_OUT, 0)
    if left_out:
        shown.append(_says("left_out", language, count=left_out))
    elif not shown and (_draws(of_run) if was_run else _calls(ran.source)):
        shown.append(_says("cleared", language))
    errors = [output for output in of_run if output.output_type == "error"]
    if any(error.get("ename") == "KeyboardInterrupt" for error in errors):
        return [*shown, _says("interrupted", language)]  # by grading: the error would be none of theirs
    return [*shown, *([_says("while_grading", language)] if errors else []), *errors]


def _draws(outputs: Sequence[NotebookNode]) -> bool:
    return any(output.get("data") for output in outputs)


def _calls(source: str) -> bool:
    """Tell whether a cell of the lab's own would show something: it calls what gives nothing to a name."""
    tree = parsed(source)
    return tree is not None and any(
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call) for statement in tree.body
    )


def _says(key: str, language: str, **details: object) -> NotebookNode:
    """Return an output that says something."""
    text = MarkedText(key, details).render(language)
    style = _BOX.format(colour=_COLOURS.get(key, _QUIET))
    html = f'<p style="{style}">{escape(text, quote=False)}</p>'
    return new_output("display_data", data={"text/html": html, "text/plain": text})
