"""Python as students write it: parsed, or not Python at all."""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Iterator
from dataclasses import dataclass

# Names by which code reaches the notebook's namespace as a whole.
_REACHES_ALL = frozenset({"globals", "locals", "vars", "eval", "exec", "get_ipython"})
_MAIN_MODULE = re.compile(r"\b__main__\b")


def parsed(source: str) -> ast.Module | None:
    """Return the tree of a cell's code, None where it is no Python that can be read."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


@dataclass(frozen=True)
class Names:
    """The names of the notebook's namespace that a cell binds, and those that it uses.

    Attributes:
        bound: assigned, imported, defined or deleted; "*" for all of a module.
        used: read, also in functions that are called later.
        reaches_all: whether it may read and bind names that do not stand in it.
    """

    bound: frozenset[str]
    used: frozenset[str]
    reaches_all: bool

    @classmethod
    def of(cls, source: str) -> Names | None:
        """Return the names of a cell, None where it is not Python: IPython's own, or what stops at once."""
        tree = parsed(source)
        try:
            table = symtable.symtable(source, "<cell>", "exec")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        bound, used = set[str](), set[str]()
        for scope in _scopes(table):
            is_top = scope.get_type() == "module"
            for symbol in scope.get_symbols():
                if not is_top and not symbol.is_global():
                    continue
                if symbol.is_assigned() or symbol.is_imported():
                    bound.add(symbol.get_name())
                if symbol.is_referenced() or not is_top:
                    used.add(symbol.get_name())
        if tree is not None and any(isinstance(n, ast.alias) and n.name == "*" for n in ast.walk(tree)):
            bound.add("*")
        reaches_all = not used.isdisjoint(_REACHES_ALL) or _MAIN_MODULE.search(source) is not None
        return cls(frozenset(bound), frozenset(used), reaches_all)

    def binds(self, names: frozenset[str]) -> bool:
        """Tell whether it binds, or may bind, one of some names."""
        return not self.bound.isdisjoint(names) or "*" in self.bound


def _scopes(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    """Yield a table and all tables in it."""
    pending = [table]
    while pending:
        scope = pending.pop()
        yield scope
        pending += scope.get_children()
