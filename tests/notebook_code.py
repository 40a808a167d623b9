"""Code as a notebook holds it: functions look names up in the main module, and their lines can be quoted."""

from __future__ import annotations

import itertools
import linecache
from typing import Any

_cells = itertools.count(1)


def run_cell(code: str, names: dict[str, Any] | None = None) -> dict[str, Any]:
    """Execute a cell; return the names of its notebook.

    Args:
        code: of the cell.
        names: of the notebook so far.
    """
    names = {"__name__": "__main__"} if names is None else names
    file_name = f"<cell {next(_cells)}>"
    linecache.cache[file_name] = (len(code), None, code.splitlines(True), file_name)
    exec(compile(code, file_name, "exec"), names)
    return names
