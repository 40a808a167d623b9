"""What a figure shows, in the words of the code that draws it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

_HEADING = re.compile(r"^#+ +(.+?)\s*$", re.MULTILINE)
_MARKS = re.compile(r"[*`$]")


def figure_title(source: str) -> str:
    """Return the title that a cell's last expression gives its figure; "" if it names none.

    It is taken from the call's `title`: a text, a text with fields (each an ellipsis), a name that the cell
    binds to one, or an entry of a dictionary that is handed on as `**names`.
    """
    try:
        statements = ast.parse(source).body
    except SyntaxError:  # a line for the notebook's own commands
        return ""
    if not statements or not isinstance(statements[-1], ast.Expr):
        return ""
    bound = dict(_bound(statements))
    call = statements[-1].value
    for keyword in call.keywords if isinstance(call, ast.Call) else ():
        if keyword.arg == "title":
            return _text(keyword.value, bound)
        if keyword.arg is None and (title := _entry(keyword.value, bound)) is not None:
            return _text(title, bound)
    return ""


def last_heading(markdown: str) -> str:
    """Return the last heading of a cell of prose, without its marks; "" if it has none."""
    headings = _HEADING.findall(markdown)
    return _MARKS.sub("", headings[-1]) if headings else ""


def plain(title: str) -> str:
    """Return a title without the dollar signs of formulas."""
    return _MARKS.sub("", title)


def _bound(statements: list[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names that the cell's own statements bind, each with its value."""
    for statement in statements:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    yield target.id, statement.value
                elif isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple):
                    pairs = zip(target.elts, statement.value.elts, strict=False)
                    yield from ((name.id, value) for name, value in pairs if isinstance(name, ast.Name))


def _entry(value: ast.expr, bound: Mapping[str, ast.expr]) -> ast.expr | None:
    """Return what a dictionary, or the name of one, holds as its title."""
    value = bound.get(value.id, value) if isinstance(value, ast.Name) else value
    if isinstance(value, ast.Dict):
        pairs = zip(value.keys, value.values, strict=True)
        return next(
            (item for key, item in pairs if isinstance(key, ast.Constant) and key.value == "title"), None
        )
    if isinstance(value, ast.Call):
        return next((each.value for each in value.keywords if each.arg == "title"), None)
    return None


def _text(value: ast.expr, bound: Mapping[str, ast.expr]) -> str:
    """Return a text, an ellipsis where it is computed."""
    if isinstance(value, ast.Name) and value.id in bound:
        value = bound[value.id]
    parts = value.values if isinstance(value, ast.JoinedStr) else [value]
    known = [str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts]
    return "" if known == ["…"] else plain("".join(known))
