"""What can change places and still mean the same: such an exchange makes no wrong answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

import libcst as cst
import libcst.matchers as m

from autograder.instructor.mutation.base import called_name

# What makes gradients, reads them or takes a step with them says so in its name.
_OF_GRADIENTS = re.compile("backward|grad|step")
# max(0, c x) = c max(0, x) for c >= 0, so a mask of zeros and of one scale can come before or after.
_MASKS = frozenset({"Dropout", "Dropout1d", "Dropout2d"})
_HOMOGENEOUS = frozenset({"ReLU", "LeakyReLU"})
# What treats each number by itself, and what only gives numbers another shape.
_POINTWISE = _HOMOGENEOUS | {"Tanh", "Sigmoid", "ELU", "GELU", "SiLU"}
_SHAPES = frozenset({"Flatten", "Unflatten"})


def clears_unseen(call: cst.CSTNode, passed: Sequence[cst.CSTNode]) -> bool:
    """Tell whether of a statement and those that it passes one clears gradients that no other makes or uses.

    Args:
        call: the statement that is moved.
        passed: the statements between its old place and its new one.
    """
    rest = [node for node in (call, *passed) if not _clears(node)]
    pairs = _clears(call) or all(_clears(node) for node in passed)
    return pairs and not any(_OF_GRADIENTS.search(cst.Module([]).code_for_node(node)) for node in rest)


def _clears(node: cst.CSTNode) -> bool:
    cleared = m.Call(func=m.Attribute(attr=m.Name("zero_grad")))
    return m.matches(node, m.SimpleStatementLine(body=[m.Expr(value=cleared)]))


def commute(one: cst.BaseExpression, other: cst.BaseExpression) -> bool:
    """Tell whether two neighbouring layers give the same in either order.

    They do if they are a dropout and a (leaky) ReLU, or an activation and a change of shape.
    """
    if not (isinstance(one, cst.Call) and isinstance(other, cst.Call)):
        return False
    names = {called_name(one), called_name(other)}
    pairs = ((_MASKS, _HOMOGENEOUS), (_POINTWISE, _SHAPES))
    return any(names & one and names & other for one, other in pairs)
