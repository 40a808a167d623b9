"""What became of a notebook's cells: names that a failed cell would have defined, and their old values.

A cell that stops with an error leaves the names of its earlier run behind, and in a fresh kernel they would
not be there. So a check cell neither sees nor marks them: it is told that their cell failed, and where.
"""

from __future__ import annotations

import ast
import difflib
import re
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from autograder.messages import Message
from autograder.quoting import shortened

_MAX_CODE = 80
# Without ids from the frontend, a cell is taken for an edited other one from this likeness on.
_ALIKE = 0.6
# What a cell without a syntax would define, by lines that begin at its edge.
_DEFINES = re.compile(r"^(?:async +def|def|class) +(\w+)|^(\w+)(?: *,.*)? *(?::[^=\n]*)?=(?!=)", re.MULTILINE)


@dataclass(frozen=True)
class Failure:
    """A cell that stopped with an error.

    Attributes:
        error: the class of the error.
        line: where in the cell; None if that is not known.
        code: of that line.
        lost: names that it would have defined, had it not stopped.
        kept: names that it defined before it did.
    """

    error: str
    line: int | None
    code: str
    lost: frozenset[str]
    kept: frozenset[str]

    def said(self, key: str, **details: Any) -> Message:
        """Return a message about the cell, with its error and its line."""
        place = Message("at_line", {"number": self.line, "code": self.code})
        line = place if self.line else Message("no_line")
        return Message(key, {"error": self.error, "line": line, **details})


@dataclass
class _Run:
    """The last run of a cell that bound a name: the cell's id, if the frontend has ids, and its source."""

    cell_id: str | None
    source: str

    def is_of(self, cell_id: str | None, source: str) -> bool:
        """Tell whether this was a run of the cell that now has this source."""
        if cell_id is not None and self.cell_id is not None:
            return cell_id == self.cell_id
        return difflib.SequenceMatcher(None, self.source.split("\n"), source.split("\n")).ratio() >= _ALIKE


@dataclass
class Cells:
    """Follows the cells of a notebook as IPython runs them.

    Args:
        shell: IPython's.
        graded: whether nobody sits there: who interrupts a cell then is whoever limits its time.

    Attributes:
        failures: by the names that a failed cell lost or kept, until another run binds them.
    """

    shell: Any
    graded: bool = False
    failures: dict[str, Failure] = field(default_factory=dict)
    _runs: dict[str, _Run] = field(default_factory=dict)
    _before: dict[str, Any] | None = None
    _source: str = ""

    def begin(self, info: Any) -> None:
        """Take note of the names that are there before a cell; an event of IPython."""
        self._before = dict(self.shell.user_ns)
        self._source = str(info.raw_cell)

    def end(self, result: Any) -> None:
        """Take note of what a cell bound, or failed to; an event of IPython."""
        before, self._before = self._before, None
        error = result.error_before_exec or result.error_in_exec
        if before is None or (isinstance(error, KeyboardInterrupt) and not self.graded):
            return
        source, cell_id = str(result.info.raw_cell), getattr(result.info, "cell_id", None)
        changed = {n for n, value in self.shell.user_ns.items() if n not in before or before[n] is not value}
        line = _line_of(error, self.shell.user_ns) if error is not None else None
        end = float("inf") if error is None else line or 0
        done = [each for each in self._statements(source) if (each.end_lineno or 0) < end]
        bound = {name for each in done for name in _names(each)} | {n for n in changed if n[:1] != "_"}
        bound &= set(self.shell.user_ns)
        if error is not None:
            self._fail(error, line, cell_id, source, bound)
        for name in bound:
            if error is None:
                self.failures.pop(name, None)
            self._runs[name] = _Run(cell_id, source)

    def _fail(
        self, error: BaseException, line: int | None, cell_id: str | None, source: str, bound: set[str]
    ) -> None:
        """Take note of a cell that stopped."""
        asked = {name for each in self._statements(source) for name in _names(each)}
        asked |= {found[1] or found[2] for found in _DEFINES.finditer(source)} if not asked else set()
        asked |= {name for name, run in self._runs.items() if cell_id is not None and run.cell_id == cell_id}
        number = line or getattr(error, "lineno", None)
        lines = source.split("\n")
        code = lines[number - 1] if number and number <= len(lines) else ""
        quoted = shortened(code, _MAX_CODE).replace("`", "'")
        failure = Failure(type(error).__name__, number, quoted, frozenset(asked - bound), frozenset(bound))
        for name in asked | bound:
            run = self._runs.get(name)
            # What another cell defined would be there in a fresh kernel too.
            if name in bound or name not in self.shell.user_ns or (run and run.is_of(cell_id, source)):
                self.failures[name] = failure

    def hide(self) -> dict[str, Any]:
        """Take the names away that failed cells lost, and return them with their values."""
        names = self.shell.user_ns
        lost = [n for n, failure in self.failures.items() if n in failure.lost and n in names]
        return {n: names.pop(n) for n in lost if not isinstance(names[n], ModuleType)}

    def restore(self, hidden: Mapping[str, Any]) -> None:
        """Give hidden names back."""
        for name, value in hidden.items():
            self.shell.user_ns.setdefault(name, value)

    def stopped_after(self) -> Iterator[Failure]:
        """Yield cells that stopped after they had defined what the running cell names."""
        seen: list[Failure] = []
        for name in sorted(
            {each.id for each in ast.walk(_parsed(self._source)) if isinstance(each, ast.Name)}
        ):
            failure = self.failures.get(name)
            if failure is not None and name in failure.kept and failure not in seen:
                seen.append(failure)
                yield failure

    def _statements(self, source: str) -> list[ast.stmt]:
        try:
            source = self.shell.transform_cell(source)
        except (SyntaxError, ValueError):
            return []
        return _parsed(source).body


def _parsed(source: str) -> ast.Module:
    """Return the syntax of a cell, empty if it has none."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def _names(statement: ast.AST) -> Iterator[str]:
    """Yield the names that a statement binds, but for imports: what they bring is no answer."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield statement.name
    elif isinstance(statement, ast.Name) and isinstance(statement.ctx, ast.Store):
        yield statement.id
    elif not isinstance(statement, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        for child in ast.iter_child_nodes(statement):
            yield from _names(child)


def _line_of(error: BaseException, names: Mapping[str, Any]) -> int | None:
    """Return the line of a cell at which an error left it; None if it did not begin to run."""
    for frame, line in traceback.walk_tb(error.__traceback__):
        if frame.f_globals is names and frame.f_code.co_name == "<module>":
            return line
    return None


# Of the notebook that this process runs; outside a notebook there is none.
_followed: list[Cells] = []


def follow(*, graded: bool = False) -> None:
    """Follow the cells of the notebook in which this is called; outside a notebook there are none.

    Args:
        graded: see `Cells`.
    """
    try:
        from IPython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is None or any(cells.shell is shell for cells in _followed):
        return
    cells = Cells(shell, graded)
    _followed[:] = [cells]
    shell.events.register("pre_run_cell", cells.begin)
    shell.events.register("post_run_cell", cells.end)


def followed() -> Cells | None:
    """Return the cells that are followed, if any are."""
    return _followed[-1] if _followed else None


def failure_of(name: str) -> Failure | None:
    """Return the cell that would define a name, where it stopped before it did."""
    cells = followed()
    failure = cells.failures.get(name) if cells is not None else None
    return failure if failure is not None and name in failure.lost else None
