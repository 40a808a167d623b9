"""Run a claim in the kernel of its notebook, and say what each of its assertions compared."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import sys
import traceback
from dataclasses import asdict, dataclass
from typing import Any

from autograder.replay import preserved_state

_LONGEST = 70
# No identifiers: nothing in a claim can be called so.
_JUDGE, _WATCH = "<judge>", "<watch>"


@dataclass(frozen=True)
class Finding:
    """What one assertion of a claim was found to be.

    Attributes:
        line: of the claim's cell.
        text: what is asserted.
        holds: whether it is so.
        compared: what was compared, and its value, in words.
        error: what stopped the claim here, if anything did.
    """

    line: int
    text: str
    holds: bool
    compared: dict[str, str]
    error: str | None = None


def examine(name: str, code: str) -> None:
    """Run a claim with the notebook's names, and print what was found as one line of JSON.

    What it binds, draws and prints is gone afterwards: the notebook goes on as without it.

    Args:
        name: of the claim.
        code: of the claim.
    """
    names = dict(vars(sys.modules["__main__"]))
    with preserved_state(), contextlib.redirect_stdout(io.StringIO()):
        findings = findings_of(name, code, names)
    print(json.dumps([asdict(finding) for finding in findings]))


def findings_of(name: str, code: str, names: dict[str, Any]) -> list[Finding]:
    """Run a claim with some names; an assertion that is false does not end it, an error does."""
    findings: list[Finding] = []
    compared: dict[str, str] = {}

    def judge(line: int, text: str, holds: object) -> None:
        findings.append(Finding(line, text, bool(holds), dict(compared)))
        compared.clear()

    def watch(text: str, value: object) -> object:
        compared[text] = _shown(value)
        return value

    file = f"<{name}>"
    tree = ast.fix_missing_locations(_Assertions().visit(ast.parse(code)))
    try:
        exec(compile(tree, file, "exec"), names | {_JUDGE: judge, _WATCH: watch})
    except Exception as error:
        lines = [
            line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == file
        ]
        line = lines[0] if lines else 1
        said = f"{type(error).__name__}: {error}"
        findings.append(Finding(line, code.splitlines()[line - 1].strip(), False, dict(compared), said))
    return findings


class _Assertions(ast.NodeTransformer):
    """Replaces `assert` by a call that notes whether it holds and what was compared."""

    def visit_Assert(self, node: ast.Assert) -> ast.Expr:
        text = ast.unparse(node.test)
        test = _Comparisons().visit(node.test)
        arguments = [ast.Constant(node.lineno), ast.Constant(text), test]
        return ast.copy_location(ast.Expr(_call(_JUDGE, arguments)), node)


class _Comparisons(ast.NodeTransformer):
    """Lets what is compared be noted on the way; numbers that stand in the text say nothing new."""

    def visit_Compare(self, node: ast.Compare) -> ast.Compare:
        left, *others = [self._watched(operand) for operand in (node.left, *node.comparators)]
        return ast.copy_location(ast.Compare(left, node.ops, others), node)

    def _watched(self, operand: ast.expr) -> ast.expr:
        text = ast.unparse(operand)
        if not any(isinstance(node, ast.Name) for node in ast.walk(operand)):
            return operand
        return _call(_WATCH, [ast.Constant(text), self.visit(operand)])


def _call(name: str, arguments: list[ast.expr]) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), arguments, [])


def _shown(value: Any) -> str:
    """Return a value in words, numbers with four digits."""
    with contextlib.suppress(AttributeError, TypeError, ValueError, RuntimeError):
        value = value.item()  # of a tensor or array with one element
    if isinstance(value, float):
        return f"{value:.4g}"
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
