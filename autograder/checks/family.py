"""Families of checks: the library's own, and those that packages bring.

A package brings a family as Jupyter and pytest have it, by an entry point of the group `autograder.checks`:

    [project.entry-points."autograder.checks"]
    recurrent = "my_course.checks.recurrent:FAMILY"
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TypeVar

from autograder.checks.base import Checks
from autograder.checks.supplied import Supplies
from autograder.errors import GraderError
from autograder.messages import TEXTS

GROUP = "autograder.checks"
Composed = TypeVar("Composed")


class FamilyError(GraderError):
    """A family of checks cannot be used; the message names it.

    Attributes:
        entry: name of its entry point, empty where several families do not go together.
    """

    def __init__(self, message: str, entry: str = "") -> None:
        super().__init__(message)
        self.entry = entry


@dataclass(frozen=True)
class Family:
    """Checks of one kind of object, and what the library supplies for them.

    Attributes:
        checks: whose methods check cells call, `checks.scalars(...)`.
        supplies: whose methods notebooks call for arguments, `lab.supplied_pixels(...)`; None: it has none.
    """

    checks: type[Checks]
    supplies: type[Supplies] | None = None


def installed_families() -> tuple[Family, ...]:
    """Return the families that installed packages bring, in alphabetical order of their entry points.

    One that cannot be used is left out: who does not call its checks does not need it.
    """
    return _found()[0]


def broken_families() -> tuple[FamilyError, ...]:
    """Return why installed families cannot be used, in the same order."""
    return _found()[1]


@functools.cache
def _found() -> tuple[tuple[Family, ...], tuple[FamilyError, ...]]:
    """Return the families that can be used, and what is wrong with the others."""
    families, broken = [], []
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            families.append(_family(entry))
        except FamilyError as error:
            broken.append(error)
    return tuple(families), tuple(broken)


def _family(entry: EntryPoint) -> Family:
    """Return the family that an entry point names.

    Raises:
        FamilyError: if it cannot be imported, or is none.
    """
    try:
        family = entry.load()
    except (Exception, SystemExit) as error:
        raise FamilyError(
            f"The checks {entry.name!r} ({entry.value}) cannot be imported: {_reason(entry, error)}",
            entry.name,
        ) from None
    if not isinstance(family, Family):
        kind = type(family).__name__
        raise FamilyError(f"The checks {entry.name!r} ({entry.value}) are a {kind}, no Family.", entry.name)
    return family


def _reason(entry: EntryPoint, error: BaseException) -> str:
    """Return why the module of a family cannot be imported, where, and what to do."""
    if isinstance(error, GraderError):
        return str(error)  # it names file and text itself
    package = entry.module.partition(".")[0]
    missing = error.name or "" if isinstance(error, ModuleNotFoundError) else ""
    if missing == package:
        return f"{error}. Install the package that brings them again."
    place = _place(error, package)
    if not place:
        return f"{error}. Mend the entry point in pyproject.toml, and install the package again."
    said = error.msg if isinstance(error, SyntaxError) else error
    other = missing and missing.partition(".")[0] != package
    advice = f"Install {missing}, or mend that file." if other else "Mend that file."
    return f"{place}: {type(error).__name__}: {str(said).removesuffix('.')}. {advice}"


def _place(error: BaseException, package: str) -> str:
    """Return the file of a package and the line where an error arose, or nothing."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_seen_from(error.filename, package)}, line {error.lineno}"
    steps = [
        (frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if str(frame.f_globals.get("__name__")).partition(".")[0] == package
    ]
    return f"{_seen_from(steps[-1][0], package)}, line {steps[-1][1]}" if steps else ""


def _seen_from(file: str, package: str) -> str:
    """Return the path of a file from the folder of its package on."""
    parts = Path(file).parts
    if package not in parts:
        return file
    return "/".join(parts[len(parts) - 1 - parts[::-1].index(package) :])


def known_errors() -> Container[str]:
    """Return the keys of all texts, also those of installed families: an error that has none is made up."""
    installed_families()
    return TEXTS


def compose(base: type[Composed], parts: Iterable[type]) -> type[Composed]:
    """Return a subclass of `base` with the methods of all parts.

    Raises:
        FamilyError: if two parts have a method of the same name.
    """
    parts = list(dict.fromkeys(parts))
    _require_distinct(base, parts)
    names = {"__module__": base.__module__, "__doc__": base.__doc__}
    return type(base.__name__, (*parts, base), names)


def _require_distinct(base: type, parts: Sequence[type]) -> None:
    """Raise unless every public method has one owner."""
    owners = {name: base for name in dir(base) if not name.startswith("_")}
    for part in parts:
        for kind in part.__mro__[:-1]:
            for name in vars(kind):
                if name.startswith("_") or issubclass(base, kind):
                    continue
                owner = owners.setdefault(name, kind)
                if owner is not kind:
                    raise FamilyError(
                        f"Two families of checks have {name!r}: {owner.__module__}.{owner.__qualname__} and "
                        f"{kind.__module__}.{kind.__qualname__}. Give one of them another name."
                    )
