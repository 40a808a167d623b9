"""Families of checks: the library's own, and those that packages bring.

A package brings a family as Jupyter and pytest have it, by an entry point of the group `autograder.checks`:

    [project.entry-points."autograder.checks"]
    recurrent = "my_course.checks.recurrent:FAMILY"
"""

from __future__ import annotations

import functools
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TypeVar

from autograder.checks.base import Checks
from autograder.checks.supplied import Supplies
from autograder.errors import GraderError
from autograder.messages import TEXTS

GROUP = "autograder.checks"
Composed = TypeVar("Composed")


class FamilyError(GraderError):
    """A family of checks cannot be used; the message names it."""


@dataclass(frozen=True)
class Family:
    """Checks of one kind of object, and what the library supplies for them.

    Attributes:
        checks: whose methods check cells call, `checks.scalars(...)`.
        supplies: whose methods notebooks call for arguments, `lab.supplied_pixels(...)`; None: it has none.
    """

    checks: type[Checks]
    supplies: type[Supplies] | None = None


@functools.cache
def installed_families() -> tuple[Family, ...]:
    """Return the families that installed packages bring, in alphabetical order of their entry points.

    Raises:
        FamilyError: if one cannot be imported or is none.
    """
    found = []
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            family = entry.load()
        except (ImportError, AttributeError) as error:
            raise FamilyError(
                f"The checks {entry.name!r} ({entry.value}) cannot be imported: {error}. Install the package "
                "that brings them again."
            ) from None
        if not isinstance(family, Family):
            kind = type(family).__name__
            raise FamilyError(f"The checks {entry.name!r} ({entry.value}) are a {kind}, no Family.")
        found.append(family)
    return tuple(found)


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
