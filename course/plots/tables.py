"""Tables for display in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from course.texts import error

if TYPE_CHECKING:
    from IPython.display import HTML


def table(headings: Sequence[str], rows: Sequence[Sequence[object]], *, names: Sequence[str] = ()) -> HTML:
    """Return a table for display in a notebook.

    Args:
        headings: of the columns.
        rows: what stands in each row, as many entries as headings.
        names: what to write before each row, in bold.

    Raises:
        ValueError: if there are names of rows, but not one for each.
    """
    from IPython.display import HTML

    if names and len(names) != len(rows):
        raise error(ValueError, "row_names", names=len(names), rows=len(rows))
    first = "<th></th>" if names else ""
    lines = [first + "".join(f"<th>{escape(heading)}</th>" for heading in headings)]
    for number, row in enumerate(rows):
        name = f'<th style="text-align: left">{escape(names[number])}</th>' if names else ""
        lines.append(name + "".join(f"<td>{escape(str(entry))}</td>" for entry in row))
    return HTML("<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>")
