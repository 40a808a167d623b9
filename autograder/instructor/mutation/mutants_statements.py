"""Mutants that leave out, move or unwrap statements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import libcst as cst
import libcst.matchers as m

from autograder.instructor.mutation.base import Edit, Solution, is_docstring
from autograder.instructor.mutation.commuting import clears_unseen

_CALL = m.SimpleStatementLine(body=[m.Expr(value=m.Call())])


def remove_statement(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Leave out one statement."""
    for node in solution.find(m.SimpleStatementLine()):
        if not is_docstring(node) and not m.matches(node, m.SimpleStatementLine(body=[m.Pass()])):
            yield [(node, cst.parse_statement("pass"))]


def unwrap_block(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Do what stands in a `with` or `if` without it."""
    for node in solution.find(m.With() | m.If()):
        if isinstance(node.body, cst.IndentedBlock):
            yield [(node, cst.FlattenSentinel(node.body.body))]


def negate_condition(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Do the one where the other is meant."""
    for node in solution.find(m.If() | m.IfExp()):
        test = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        yield [(node.test, cst.UnaryOperation(cst.Not(), test))]


def stop_loop(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Leave a loop after its first round."""
    for node in solution.find(m.For() | m.While()):
        if isinstance(node.body, cst.IndentedBlock):
            body = [*node.body.body, cst.parse_statement("break")]
            yield [(node.body, node.body.with_changes(body=body))]


def move_call(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Move a statement that is done for its effect: one up, one down, to the end of its block."""
    for block in (
        b for b in m.findall(solution.module, m.IndentedBlock()) if isinstance(b, cst.IndentedBlock)
    ):
        body = [s for s in block.body if not is_docstring(s)]
        ours = [s for s in body if s in solution.written]
        for index, node in enumerate(ours):
            if not m.matches(node, _CALL):
                continue
            others = [s for s in ours if s is not node]
            last = (
                len(others) - m.matches(others[-1], m.SimpleStatementLine(body=[m.Return()])) if others else 0
            )
            for place in sorted({index - 1, index + 1, last} - {index, -1}):
                if place <= len(others) and not clears_unseen(node, _passed(others, index, place)):
                    given = [s for s in block.body if s not in ours]
                    moved = [*given, *others[:place], node, *others[place:]]
                    yield [(block, block.with_changes(body=moved))]


def _passed(others: Sequence[cst.CSTNode], old: int, new: int) -> Sequence[cst.CSTNode]:
    """Return what a statement passes that stood at one place among the others and moves to another."""
    return others[min(old, new) : max(old, new)]
