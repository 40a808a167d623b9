"""Which packages kernels see besides this Python environment: the library's, and the course's own.

A course need not be installed into the environment: it may be a checkout, or lie in a folder that is on the
path. Kernels see its packages and nothing else of such a folder.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points
from pathlib import Path

from autograder.checks.family import GROUP
from autograder.key import KEYS

_LIBRARY = "autograder"
# Entry points of these groups name packages that the library imports or reads.
_GROUPS = (GROUP, KEYS)


def package_folder(name: str) -> str:
    """Return the folder of a package that is there, without importing it."""
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.origin is not None
    return str(Path(spec.origin).parent)


def visible_packages(modules: Sequence[str] = ()) -> list[str]:
    """Return the folders and files that hold the library, plug-ins and what notebooks import of a course.

    Args:
        modules: that notebooks import. Those that are not there are left out; see
            `autograder.instructor.grade.work.try_kernel`.
    """
    return list(_visible(tuple(modules), tuple(sys.path)))


def visible_metadata(modules: Sequence[str] = ()) -> list[str]:
    """Return the folders of metadata by which entry points of these packages are found."""
    folders = (folder for parent in import_path(modules) for folder in sorted(Path(parent).glob("*-info")))
    return [str(folder) for folder in folders if _is_plugged(folder)]


def import_path(modules: Sequence[str] = ()) -> list[str]:
    """Return the folders from which these packages are imported, and the environment's are not."""
    parents = [Path(path).parent for path in visible_packages(modules)]
    return list(dict.fromkeys(map(str, [*parents, *_metadata_homes()])))


def _metadata_homes() -> list[Path]:
    """Return the folders that hold metadata with such entry points: not always beside the package they name.

    That of a package whose code lies in a checkout may lie in a user's own site-packages. Without it a kernel
    would lack the course's checks, and give a whole class 0.
    """
    entries = (entry for group in _GROUPS for entry in entry_points(group=group))
    homes = dict.fromkeys(Path(str(entry.dist.locate_file(""))) for entry in entries if entry.dist)
    return [home for home in homes if not _in_environment(home)]


def _is_plugged(metadata: Path) -> bool:
    """Tell whether a folder of metadata has entry points of these groups."""
    path = metadata / "entry_points.txt"
    return path.is_file() and any(f"[{group}]" in path.read_text(encoding="utf-8") for group in _GROUPS)


@functools.lru_cache(maxsize=32)
def _visible(modules: tuple[str, ...], path: tuple[str, ...]) -> tuple[str, ...]:
    """Find the folders and files; it takes some time, and is asked for several times per kernel.

    Args:
        modules: that notebooks import.
        path: where Python looks now.
    """
    found = [place for name in _names(modules) for place in _places(name)]
    return tuple(dict.fromkeys(str(place) for place in found if not _in_environment(place)))


def _names(modules: Sequence[str]) -> list[str]:
    """Return the names of top-level packages and modules."""
    plugged = [entry.value for group in _GROUPS for entry in entry_points(group=group)]
    names = [_LIBRARY, *plugged, *modules]
    return list(dict.fromkeys(name.partition(":")[0].split(".")[0] for name in names))


def _places(name: str) -> Iterator[Path]:
    """Yield where another process would find a top-level package or module, without importing it.

    What this process has loaded under the name may come from elsewhere: from another course's checkout.
    """
    finders = (getattr(finder, "find_spec", None) for finder in sys.meta_path)
    spec = next((spec for find in finders if find and (spec := find(name, None))), None)
    if spec is None:
        return
    if spec.submodule_search_locations is not None:
        yield from (Path(folder) for folder in spec.submodule_search_locations)
    elif spec.origin is not None and os.path.isabs(spec.origin):
        yield Path(spec.origin)


def _in_environment(path: Path) -> bool:
    """Tell whether every kernel can import this anyway: it is Python's own, or in this environment."""
    if not path.exists():
        return True
    prefixes = {sys.prefix, sys.base_prefix, sys.base_exec_prefix}
    return any(path.is_relative_to(prefix) for prefix in prefixes)
