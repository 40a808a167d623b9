"""What an operator gets, and what it yields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import libcst as cst
import libcst.matchers as m

# A node of the module and what stands in its place; one change after the other makes one variant.
Edit = tuple[cst.CSTNode, "cst.CSTNode | cst.FlattenSentinel[Any] | cst.RemovalSentinel"]
Function = Callable[["Solution"], Iterator[Sequence[Edit]]]


@dataclass(frozen=True)
class Solution:
    """A student cell as its solution has it.

    Attributes:
        module: the cell's code.
        written: the nodes that students write: what is given to them is not changed.
        imported: names that the lab's own cells import.
        sizes: whole numbers of the check cell, for answers that know nothing else.
    """

    module: cst.Module
    written: frozenset[cst.CSTNode]
    imported: frozenset[str] = frozenset()
    sizes: tuple[int, ...] = ()

    def find(self, matcher: Any) -> Iterator[Any]:
        """Yield the nodes that students write and that match, in their order."""
        return (node for node in m.findall(self.module, matcher) if node in self.written)

    def functions(self) -> Iterator[cst.FunctionDef]:
        """Yield the functions with something in them that students write."""
        for node in m.findall(self.module, m.FunctionDef()):
            if isinstance(node, cst.FunctionDef) and any(s in self.written for s in statements(node)):
                yield node


@dataclass(frozen=True)
class Operator:
    """One way to change an answer.

    Attributes:
        name: of the way.
        edits: yields the edits of each variant.
    """

    name: str
    edits: Function = field(repr=False)


def statements(function: cst.FunctionDef) -> tuple[cst.BaseStatement, ...]:
    """Return the statements of a function's body, without a docstring."""
    if not isinstance(function.body, cst.IndentedBlock):
        return ()
    return tuple(s for s in function.body.body if not is_docstring(s))


def is_docstring(node: cst.CSTNode) -> bool:
    """Tell whether a statement is a text by itself."""
    return m.matches(
        node, m.SimpleStatementLine(body=[m.Expr(value=m.SimpleString() | m.ConcatenatedString())])
    )


def parameters(function: cst.FunctionDef) -> tuple[str, ...]:
    """Return the names of a function's parameters, without `self`."""
    found = [each.name.value for each in (*function.params.params, *function.params.kwonly_params)]
    return tuple(name for name in found if name != "self")


def before_first(function: cst.FunctionDef, code: str) -> Edit:
    """Return the edit that puts a statement before all others of a function's body."""
    first = statements(function)[0]
    return first, cst.FlattenSentinel([cst.parse_statement(code), first])


def root_name(node: cst.CSTNode) -> str | None:
    """Return the name that a dotted name begins with; None for anything else."""
    while isinstance(node, cst.Attribute):
        node = node.value
    return node.value if isinstance(node, cst.Name) else None


def called_name(call: cst.Call) -> str:
    """Return the last part of the name of what is called; empty if it has none."""
    function = call.func
    if isinstance(function, cst.Attribute):
        return function.attr.value
    return function.value if isinstance(function, cst.Name) else ""


def renamed_call(call: cst.Call, name: str) -> cst.Call:
    """Return a call of something else with the same arguments; the last part of its name is exchanged."""
    new = cst.Name(name)
    if isinstance(call.func, cst.Attribute):
        return call.with_changes(func=call.func.with_changes(attr=new))
    return call.with_changes(func=new)


def with_arguments(call: cst.Call, arguments: Sequence[cst.Arg]) -> cst.Call:
    """Return a call with other arguments, and commas as usual."""
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    plain = [a.with_changes(comma=comma, whitespace_after_arg=cst.SimpleWhitespace("")) for a in arguments]
    if plain:
        plain[-1] = plain[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    return call.with_changes(args=plain, whitespace_before_args=cst.SimpleWhitespace(""))


def keyword(name: str, value: cst.BaseExpression) -> cst.Arg:
    """Return `name=value` as an argument."""
    equal = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    return cst.Arg(value=value, keyword=cst.Name(name), equal=equal)
