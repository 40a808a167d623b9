"""Mutants that do something more, and leave traces of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import libcst as cst
import libcst.matchers as m

from autograder.instructor.mutation.base import Edit, Solution, before_first, parameters, statements

_FLAGS = (
    "torch.set_grad_enabled(False)",
    "torch.set_default_dtype(torch.float16)",
    "torch.use_deterministic_algorithms(True)",
    "torch.set_num_threads(2)",
)


def set_seed(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Set a seed where none belongs."""
    for function in solution.functions():
        yield [before_first(function, "torch.manual_seed(0)")]


def freeze_parameter(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Take a number of the check cell for an argument, whatever it is."""
    for function in solution.functions():
        for name in parameters(function):
            if _is_number(function, name):
                for size in solution.sizes:
                    yield [before_first(function, f"{name} = {size}")]


def leave_flag(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Leave a flag of PyTorch behind, set at the end."""
    for function in solution.functions():
        last = _last(function)
        for flag in _FLAGS:
            yield [(last, _with(flag, last))]


def leave_network(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Leave a network that was lent in another state: its mode, or gradients that it may have."""
    for function in solution.functions():
        last = _last(function)
        for name in parameters(function):
            # A network takes one batch; a loss has no state to leave behind.
            if "loss" not in name and m.findall(function, m.Call(func=m.Name(name), args=[m.Arg()])):
                for state in ("eval()", "requires_grad_(False)"):
                    yield [(last, _with(f"{name}.{state}", last))]


def _last(function: cst.FunctionDef) -> cst.BaseStatement:
    """Return the statement that a function ends with, also within a `with`."""
    last = statements(function)[-1]
    while isinstance(last, cst.With) and isinstance(last.body, cst.IndentedBlock):
        last = last.body.body[-1]
    return last


def _with(code: str, last: cst.BaseStatement) -> cst.FlattenSentinel[cst.BaseStatement]:
    """Return a statement before the last one where that returns, else after it."""
    new = cst.parse_statement(code)
    returns = m.matches(last, m.SimpleStatementLine(body=[m.Return()]))
    if not returns or not isinstance(last, cst.SimpleStatementLine):
        return cst.FlattenSentinel([last, new])
    (back,) = (each for each in last.body if isinstance(each, cst.Return))
    if back.value is None or isinstance(back.value, cst.Name):
        return cst.FlattenSentinel([new, last])
    # What is returned is made before the flag is set.
    kept = cst.SimpleStatementLine([cst.Assign([cst.AssignTarget(cst.Name("made"))], back.value)])
    return cst.FlattenSentinel([kept, new, cst.parse_statement("return made")])


def _is_number(function: cst.FunctionDef, name: str) -> bool:
    """Tell whether a parameter may be a number: it is used, and neither called nor looked into."""
    used = m.findall(function.body, m.Name(name))
    looked_into = (
        m.Call(func=m.Name(name)) | m.Attribute(value=m.Name(name)) | m.Subscript(value=m.Name(name))
    )
    walked = (
        m.For(iter=m.Name(name))
        | m.CompFor(iter=m.Name(name))
        | m.Call(func=m.Name("len"), args=[m.Arg(m.Name(name))])
    )
    return bool(used) and not m.findall(function.body, looked_into | walked)
