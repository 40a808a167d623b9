"""Mutants that change numbers, arguments and signs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import libcst as cst
import libcst.matchers as m

from autograder.instructor.mutation.base import (
    Edit,
    Solution,
    called_name,
    renamed_call,
    root_name,
    with_arguments,
)
from autograder.instructor.mutation.commuting import commute
from autograder.instructor.mutation.families import FAMILIES
from autograder.instructor.mutation.signatures import is_default, is_next

_SIGNS: dict[type[cst.CSTNode], type[cst.CSTNode]] = {
    cst.Add: cst.Subtract,
    cst.Subtract: cst.Add,
    cst.Multiply: cst.Divide,
    cst.Divide: cst.Multiply,
    cst.LessThan: cst.LessThanEqual,
    cst.LessThanEqual: cst.LessThan,
    cst.GreaterThan: cst.GreaterThanEqual,
    cst.GreaterThanEqual: cst.GreaterThan,
    cst.Equal: cst.NotEqual,
    cst.NotEqual: cst.Equal,
    cst.And: cst.Or,
    cst.Or: cst.And,
    cst.AddAssign: cst.SubtractAssign,
    cst.SubtractAssign: cst.AddAssign,
}
_SIGNED = m.BinaryOperation() | m.BooleanOperation() | m.ComparisonTarget() | m.AugAssign()


def change_number(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Write another number: one more, or twice as much."""
    for node in solution.find(m.Integer()):
        yield [(node, cst.Integer(str(node.evaluated_value + 1)))]
    for node in solution.find(m.Float()):
        yield [(node, cst.Float(repr(2.0 * node.evaluated_value or 1.0)))]


def change_word(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Write True for False and the other way round, and another text for a text."""
    for node in solution.find(m.Name("True") | m.Name("False")):
        yield [(node, cst.Name("False" if node.value == "True" else "True"))]
    for node in solution.find(m.SimpleString()):
        text = node.evaluated_value
        if isinstance(text, str) and '"""' not in node.value:
            yield [(node, cst.SimpleString(repr(text + "x")))]


def change_sign(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Write another sign: minus for plus, "less or equal" for "less"."""
    for node in solution.find(_SIGNED):
        new = _SIGNS.get(type(node.operator))
        if new is not None:
            yield [(node, node.with_changes(operator=new()))]
    for node in solution.find(m.UnaryOperation(operator=m.Minus() | m.Not())):
        yield [(node, node.expression)]


def drop_argument(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Leave out one argument of a call."""
    for call in solution.find(m.Call()):
        for argument in (each for each in call.args if not is_default(call, each)):
            yield [(call, with_arguments(call, [a for a in call.args if a is not argument]))]


def swap_arguments(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Exchange two neighbours among the arguments without a keyword."""
    for call in solution.find(m.Call()):
        plain = [a for a in call.args if a.keyword is None and not a.star]
        rest = [a for a in call.args if a not in plain]
        for index in range(len(plain) - 1):
            if commute(plain[index].value, plain[index + 1].value):
                continue
            swapped = [*plain[:index], plain[index + 1], plain[index], *plain[index + 2 :]]
            yield [(call, with_arguments(call, [*swapped, *rest]))]


def forget_keyword(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Give the first argument that has a keyword without it, as if it were the next one."""
    for call in solution.find(m.Call()):
        index = next((i for i, argument in enumerate(call.args) if argument.keyword is not None), None)
        if index is not None and not is_next(call, index):
            bare = call.args[index].with_changes(keyword=None, equal=cst.MaybeSentinel.DEFAULT)
            yield [(call, with_arguments(call, [*call.args[:index], bare, *call.args[index + 1 :]]))]


def exchange_call(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Call another function of the same family."""
    for call in solution.find(m.Call()):
        for name in FAMILIES.get(called_name(call), ()):
            yield [(call, renamed_call(call, name))]


def remove_method(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Leave out a call of a method, and go on with what it was called on."""
    for call in solution.find(m.Call(func=m.Attribute())):
        if root_name(call.func) not in solution.imported:
            yield [(call, call.func.value)]


def pin_size(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Write a number of the check cell where the argument's own size belongs."""
    shape = m.Subscript(value=m.Attribute(attr=m.Name("shape")))
    for node in solution.find(
        m.Call(func=m.Name("len")) | m.Call(func=m.Attribute(attr=m.Name("size"))) | shape
    ):
        for size in solution.sizes:
            yield [(node, cst.Integer(str(size)))]


def pin_device(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Write the CPU where a device is named."""
    cpu = cst.SimpleString('"cpu"')
    for node in solution.find(m.Arg(keyword=m.Name("device"))):
        yield [(node.value, cpu)]
    for call in solution.find(m.Call(func=m.Attribute(attr=m.Name("to")), args=[m.Arg()])):
        yield [(call.args[0].value, cpu)]


def pin_precision(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Turn new tensors into those of one precision, whatever is asked for elsewhere."""
    makers = ("rand", "randn", "zeros", "ones", "full", "empty", "linspace", "tensor")
    for call in solution.find(m.Call(func=m.Attribute(value=m.Name("torch")))):
        if called_name(call) in makers:
            for precision in ("double", "half"):
                yield [(call, cst.Call(cst.Attribute(call, cst.Name(precision))))]
