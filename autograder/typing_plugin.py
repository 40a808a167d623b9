"""A plug-in of mypy: it knows the checks and supplied things that installed families bring.

What a cell calls on `checks` and `lab` are methods of classes that are put together when a notebook opens its
lab (`autograder.checks.family`). With this line in pyproject.toml, mypy sees them too:

    [tool.mypy]
    plugins = ["autograder.typing_plugin"]
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points

from mypy.nodes import MypyFile, TypeInfo
from mypy.plugin import ClassDefContext, Plugin

from autograder.checks.family import GROUP

# The classes that are put together, and the base of what is added to each.
_COMPOSED = {
    "autograder.block.Block": "autograder.checks.base.Checks",
    "autograder.session.Lab": "autograder.checks.supplied.Supplies",
}
_FIRST_LINE, _NO_LINE = 10, -1


def _modules() -> list[str]:
    """Return the modules of the installed families."""
    return sorted({entry.module for entry in entry_points(group=GROUP)})


class FamilyPlugin(Plugin):
    """Adds the classes of all installed families to the bases of blocks and labs."""

    def get_additional_deps(self, file: MypyFile) -> list[tuple[int, str, int]]:
        """Have mypy read the families before the classes that they extend."""
        if file.fullname not in {name.rpartition(".")[0] for name in _COMPOSED}:
            return []
        return [(_FIRST_LINE, module, _NO_LINE) for module in _modules()]

    def get_customize_class_mro_hook(self, fullname: str) -> Callable[[ClassDefContext], None] | None:
        """Return what extends one of the classes."""
        base = _COMPOSED.get(fullname)
        return None if base is None else lambda context: _extend(context, base)


def _extend(context: ClassDefContext, base: str) -> None:
    """Let a class inherit from all classes of the families that have a base."""
    info = context.cls.info
    for module in _modules():
        symbols = context.api.modules.get(module) if hasattr(context.api, "modules") else None
        for symbol in symbols.names.values() if symbols else ():
            kind = symbol.node
            if not isinstance(kind, TypeInfo) or kind in info.mro or not kind.has_base(base):
                continue
            # Methods only: what the class itself has comes first.
            added = [each for each in kind.mro if each not in info.mro]
            info.mro[-1:-1] = added


def plugin(version: str) -> type[Plugin]:
    """Return the plug-in; mypy calls this with its own version."""
    return FamilyPlugin
