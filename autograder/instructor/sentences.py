"""What a notebook says to students of each cell that they write, sentence by sentence."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from nbformat import NotebookNode

from autograder.instructor.parsing import parsed
from autograder.instructor.source import grade_id, is_check_cell, is_student_cell

_SOLUTION = re.compile(
    r"^([ \t]*)### BEGIN SOLUTION\n.*?^[ \t]*### END SOLUTION[^\n]*$", re.MULTILINE | re.DOTALL
)
_MARKER = re.compile(r"^(?:[-*+]|\d+[.)])\s+")
_HEADING = re.compile(r"^#{1,6}\s")
_RULE = re.compile(r"^\|[\s|:-]+$")
# A full stop within code or a formula ends no sentence.
_LITERAL = re.compile(r"\$\$.*?\$\$|\$[^$]*\$|`[^`]*`", re.DOTALL)
_END = re.compile(r"[.!?…][\"”»)*_]*\s+(?=[\"“«(*_¿¡]*[A-ZÁÉÍÑÓÚÜ\0])")


def told(notebook: NotebookNode) -> dict[str, list[str]]:
    """Return the sentences that students read of each cell that they write and a check marks.

    These are the prose directly before the cell, and the docstrings and comments that stand in it; cells that
    only show figures may stand in between. Headings, and the first rows of tables, are no sentences; an item
    of a list and a row of a table begin one.

    Args:
        notebook: in one language.

    Returns:
        Sentences in order, by the cell's grade_id.
    """
    found: dict[str, list[str]] = {}
    prose: list[str] = []
    cells = [cell for cell in notebook.cells if cell.cell_type != "raw"]
    for index, cell in enumerate(cells):
        if cell.cell_type == "markdown" and not is_student_cell(cell):
            prose.append(cell.source)
            continue
        if cell.cell_type == "code" and is_student_cell(cell) and _has_marks(cells[index + 1 :]):
            parts = [part for text in prose for part in _blocks(text)] + list(_remarks(cell.source))
            found[str(grade_id(cell))] = [sentence for part in parts for sentence in split(part)]
        after = next((each for each in cells[index:] if not _only_shows(each)), None)
        if after is cell or after is None or not is_student_cell(after):
            prose = []
    return found


def sentences_of(cell: NotebookNode) -> list[str]:
    """Return the sentences of a cell of prose; headings, and the first rows of tables, are none."""
    return [sentence for block in _blocks(cell.source) for sentence in split(block)]


def _only_shows(cell: NotebookNode) -> bool:
    """Tell whether a cell is made of expressions: what it shows belongs to the text before it."""
    if cell.cell_type != "code" or is_student_cell(cell) or is_check_cell(cell):
        return False
    try:
        statements = ast.parse(cell.source).body
    except SyntaxError:
        return False
    return bool(statements) and all(isinstance(statement, ast.Expr) for statement in statements)


def _has_marks(following: list[NotebookNode]) -> bool:
    """Tell whether the next check cell gives marks."""
    check = next(filter(is_check_cell, following), None)
    return check is not None and float(check.metadata["nbgrader"].get("points", 0)) > 0


def _blocks(markdown: str) -> list[str]:
    """Return paragraphs, items of lists and rows of tables, each on one line and without its mark."""
    blocks: list[str] = []
    open_block = False
    for line in map(str.strip, markdown.splitlines()):
        if _RULE.match(line) and blocks:
            blocks.pop()  # what stands above the rule is the head of the table
        elif line.startswith("|"):
            blocks.append(line.strip("|").strip())
            open_block = False
        elif not line or _HEADING.match(line):
            open_block = False
        elif _MARKER.match(line) or not open_block:
            blocks.append(_MARKER.sub("", line))
            open_block = True
        else:
            blocks[-1] += f" {line}"
    return [" ".join(block.split()) for block in blocks]


def _remarks(source: str) -> Iterator[str]:
    """Yield the docstrings and comments of a cell as students get it, in the order of its lines."""
    stub = _SOLUTION.sub(lambda found: f"{found[1]}...", source)
    tree = parsed(stub)
    remarks: list[tuple[int, str]] = []
    for node in ast.walk(tree) if tree else ():
        kinds = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        if isinstance(node, kinds) and (text := ast.get_docstring(node)):
            remarks.append((node.body[0].lineno, text))
    for token in tokenize.generate_tokens(io.StringIO(stub).readline) if tree else ():
        if token.type == tokenize.COMMENT:
            remarks.append((token.start[0], token.string.lstrip("# ")))
    return (" ".join(text.split()) for _, text in sorted(remarks) if text.strip())


def split(text: str) -> list[str]:
    """Return the sentences of a text that stands on one line."""
    hidden = _LITERAL.sub(lambda found: "\0" * len(found[0]), text)
    ends = [found.end() for found in _END.finditer(hidden)]
    starts = [0, *ends]
    return [text[a:b].strip() for a, b in zip(starts, [*ends, len(text)], strict=True) if text[a:b].strip()]
