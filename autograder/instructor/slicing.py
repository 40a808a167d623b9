"""The slice of a notebook that decides its marks: the cells that its checks may need.

Figures, films and long runs are looked at and not marked, and take most of a notebook's time. A cell of the
lab's own is needed if it binds a name that a needed cell uses as a global one. What students wrote is always
needed, and all of a notebook is where their code may read names that its text does not show.
(M. Weiser, Program slicing, IEEE Transactions on Software Engineering, 1984.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from nbformat import NotebookNode

from autograder.instructor.parsing import Names
from autograder.instructor.source import grade_id, is_check_cell, is_students_own

# IPython's own: what such a line reads and runs, its text does not tell.
_MAGIC = re.compile(r"^[ \t]*[%!]", re.MULTILINE)


def needed_cells(
    cells: Sequence[NotebookNode],
    is_wanted: Callable[[NotebookNode], bool] = lambda cell: True,
    answers: Iterable[str] = (),
) -> set[int]:
    """Return the indices of the cells that have to run so that checks observe what they would.

    Args:
        cells: of a notebook, Markdown cells included.
        is_wanted: tells whether a check cell is to run; what others alone need is not needed.
        answers: code that may stand in place of that of student cells.
    """
    code = {index: Names.of(cell.source) for index, cell in enumerate(cells) if cell.cell_type == "code"}
    candidates = {i for i in code if not is_check_cell(cells[i]) or is_wanted(cells[i])}
    needed = {i for i in candidates if _is_root(cells[i]) or code[i] is None}
    known = [names for i in needed if (names := code[i]) is not None]
    known += [names for answer in answers if (names := Names.of(answer)) is not None]
    has_magic = any(code[i] is None and _MAGIC.search(cells[i].source) for i in needed)
    if has_magic or any(names.reaches_all for names in known):
        return candidates
    used = frozenset[str]().union(*(names.used for names in known))
    while more := {i for i in candidates - needed if (names := code[i]) is None or names.binds(used)}:
        needed |= more
        used = used.union(*(names.used for i in more if (names := code[i]) is not None))
    return needed


def decisive_part(notebook: NotebookNode, answers: Iterable[str] = ()) -> NotebookNode:
    """Return a notebook with the needed code cells only; see `needed_cells`."""
    needed = needed_cells(notebook.cells, answers=answers)
    return NotebookNode({**notebook, "cells": [notebook.cells[index] for index in sorted(needed)]})


def _is_root(cell: NotebookNode) -> bool:
    """Tell whether a code cell is needed whatever others use: a check, an answer, a student's own."""
    return is_check_cell(cell) or grade_id(cell) is not None or is_students_own(cell)
