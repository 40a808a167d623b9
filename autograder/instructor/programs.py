"""When are two programs the same?"""

from __future__ import annotations

import ast


def meaning(code: str) -> str | None:
    """Return what tells programs apart that are not the same; None for what is no program."""
    try:
        tree = ast.parse(code)
        compile(tree, "<variant>", "exec")
    except (SyntaxError, ValueError):
        return None
    return ast.dump(tree)
