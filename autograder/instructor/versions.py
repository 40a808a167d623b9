"""What is installed, for reports of errors."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import version

from autograder import __version__

# What decides most of how a class is graded, by the names under which it is installed.
_TOLD = ("torch", "nbgrader", "ipykernel", "distributed")


def installed_versions() -> Iterator[str]:
    """Yield the library's own version, and those of what it stands on, without importing it."""
    yield __version__
    yield f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    for name in _TOLD:
        yield f"{name} {version(name)}"
