"""Say so when a notebook's cell overwrites a name that its check cells need: `lab = 3`."""

from __future__ import annotations

from types import FunctionType
from typing import Any, Protocol

from autograder.messages import text


class Opened(Protocol):
    """What is watched over: a lab that was opened."""

    language: str


class _Watch:
    """Looks at a notebook's names after each of its cells.

    Attributes:
        lab: that was opened last.
        found: what is the library's, by the name that the notebook gave it.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self.lab: Opened | None = None
        self.found: dict[str, Any] = {}

    def __call__(self, result: Any = None) -> None:
        """Name what was overwritten since the last cell, once."""
        names = dict(self._shell.user_ns)
        for name, value in list(self.found.items()):
            if name not in names or (names[name] is not value and not self._is_ours(names[name])):
                del self.found[name]
                assert self.lab is not None
                print(text("name_overwritten", self.lab.language, name=name))
        self.found |= {name: value for name, value in names.items() if self._is_ours(value)}

    def _is_ours(self, value: Any) -> bool:
        if value is self.lab:
            return True
        return isinstance(value, FunctionType) and str(value.__module__).split(".")[0] == "autograder"


_watches: dict[int, _Watch] = {}


def watch(lab: Opened) -> None:
    """Watch the names of the notebook in which a lab was opened; outside a notebook there are none."""
    try:
        from IPython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is None:
        return
    if id(shell) not in _watches:
        _watches[id(shell)] = _Watch(shell)
        shell.events.register("post_run_cell", _watches[id(shell)])
    _watches[id(shell)].lab = lab
