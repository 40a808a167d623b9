"""Rewrites of how an answer is put: names, order, helpers, type hints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import libcst as cst
import libcst.matchers as m

from autograder.instructor.mutation.base import Edit, Solution, parameters, statements


def rename_locals(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Give all names that a function binds other ones."""
    for function in solution.functions():
        names = _bound(function)
        edits: list[Edit] = [
            (node, cst.Name(f"my_{node.value}"))
            for node in m.findall(function.body, m.Name())
            if isinstance(node, cst.Name) and node.value in names and not _is_label(function, node)
        ]
        if edits:
            yield edits


def _bound(function: cst.FunctionDef) -> set[str]:
    """Return the names that a function binds itself, and nobody else does."""
    targets = m.AssignTarget() | m.For() | m.CompFor() | m.AsName()
    found: set[str] = set()
    for node in m.findall(function.body, targets):
        target = getattr(node, "target", None) or getattr(node, "name", None)
        found |= set(_names(target))
    others = m.findall(function.body, m.Param() | m.Global() | m.Nonlocal() | m.FunctionDef() | m.ClassDef())
    taken = {
        each.value for node in others for each in m.findall(node, m.Name()) if isinstance(each, cst.Name)
    }
    return found - taken - set(parameters(function)) - {"_"}


def _names(target: object) -> Iterator[str]:
    """Yield the names that an assignment binds: in `self.size, (a, b) = …` these are `a` and `b`."""
    if isinstance(target, cst.Name):
        yield target.value
    elif isinstance(target, (cst.Tuple, cst.List)):
        for element in target.elements:
            yield from _names(element.value)


def _is_label(function: cst.FunctionDef, name: cst.Name) -> bool:
    """Tell whether a name is that of an attribute or a keyword, and no variable."""
    attributes = m.findall(function, m.Attribute() | m.Arg())
    return any(
        getattr(node, "attr", None) is name or getattr(node, "keyword", None) is name for node in attributes
    )


def swap_assignments(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Exchange two neighbouring assignments that know nothing of each other."""
    for function in solution.functions():
        body = statements(function)
        for one, other in pairwise(body):
            if one in solution.written and _independent(one, other):
                yield [(one, other), (other, one)]


def _independent(one: cst.CSTNode, other: cst.CSTNode) -> bool:
    plain = m.SimpleStatementLine(body=[m.Assign(targets=[m.AssignTarget(target=m.Name())])])
    if not (m.matches(one, plain) and m.matches(other, plain)):
        return False
    names = [{n.value for n in m.findall(each, m.Name()) if isinstance(n, cst.Name)} for each in (one, other)]
    targets = [_target(each) for each in (one, other)]
    called = [bool(m.findall(each, m.Call())) for each in (one, other)]
    return targets[0] not in names[1] and targets[1] not in names[0] and not all(called)


def _target(statement: cst.CSTNode) -> str:
    assign = m.findall(statement, m.AssignTarget())[0]
    assert isinstance(assign, cst.AssignTarget) and isinstance(assign.target, cst.Name)
    return assign.target.value


def into_helper(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Let a function be one that calls another, which does it."""
    for function in solution.module.body:
        if isinstance(function, cst.FunctionDef) and function in tuple(solution.functions()):
            name = function.name.value
            helper = function.with_changes(name=cst.Name(f"_{name}"), leading_lines=[])
            arguments = [cst.Arg(cst.Name(each)) for each in parameters(function)]
            call = cst.Return(cst.Call(cst.Name(f"_{name}"), arguments))
            body = cst.IndentedBlock([cst.SimpleStatementLine([call])])
            yield [(function, cst.FlattenSentinel([helper, function.with_changes(body=body)]))]


def as_lambda(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Write a function of one `return` as a lambda with a name."""
    for function in solution.module.body:
        if not isinstance(function, cst.FunctionDef):
            continue
        body = statements(function)
        if len(body) == 1 and m.matches(body[0], m.SimpleStatementLine(body=[m.Return(value=m.DoNotCare())])):
            (back,) = (n for n in m.findall(body[0], m.Return()) if isinstance(n, cst.Return))
            if back.value is not None and body[0] in solution.written:
                made = cst.Lambda(
                    function.params, back.value, whitespace_after_lambda=cst.SimpleWhitespace(" ")
                )
                target = cst.AssignTarget(cst.Name(function.name.value))
                yield [(function, cst.SimpleStatementLine([cst.Assign([target], made)]))]


def hint_types(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Say of what type arguments and results are."""
    for function in solution.functions():
        anything = cst.Annotation(cst.Name("object"))
        hinted = [
            each.with_changes(annotation=anything) if each.name.value != "self" else each
            for each in function.params.params
        ]
        params = function.params.with_changes(params=hinted)
        yield [(function, function.with_changes(params=params, returns=anything))]
