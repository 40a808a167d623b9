"""Tables of TOML files, read strictly: what is wrong is said with file, line, table and key."""

from __future__ import annotations

import difflib
import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from autograder.instructor.errors import CourseError

T = TypeVar("T")
Keys = Sequence[str | int]

# No other keys; and what has the wrong type is not made to fit (dataclasses say so field by field).
STRICT = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)
STRICT_FIELDS = ConfigDict(extra="forbid", allow_inf_nan=False)
_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")


@dataclass(frozen=True)
class Table:
    """Where a table stands.

    Attributes:
        file: its name, as people know it.
        name: what to call the table, such as "[course]".
        keys: the way to it from the top of the file.
        text: of the file, for the numbers of lines; None where it is not known.
    """

    file: str
    name: str
    keys: Keys = ()
    text: str | None = None

    def place(self, *more: str | int) -> str:
        """Return where something in the table stands, or else the table: file and line."""
        ways = [[*self.keys, *more[:end]] for end in range(len(more), -1, -1)]
        lines = (line_of(self.text, way) for way in ways if self.text is not None)
        number = next((found for found in lines if found is not None), None)
        return self.file if number is None else f"{self.file}, line {number}"


@dataclass(frozen=True)
class Problem:
    """What is wrong with one key of a table.

    Attributes:
        key: the key; empty for the table itself.
        text: where it stands, what is wrong, and what to write.
    """

    key: str
    text: str


def read_toml(path: Path) -> tuple[dict[str, Any], str]:
    """Return what a TOML file holds, and its text.

    Raises:
        CourseError: if it cannot be read; the line is said.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text), text
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CourseError(f"{path.name} cannot be read: {error}") from None


def checked(kind: type[T], data: object, table: Table) -> T:
    """Return a table as an object of some class.

    Args:
        kind: a model or dataclass whose fields say in their descriptions what they must be.
        data: the table's content.
        table: where it stands.

    Raises:
        CourseError: for the first thing that is wrong with it; it says where, and what to write.
    """
    wrong = problems(kind, data, table)
    if wrong:
        raise CourseError(wrong[0].text)
    found: T = _reader(kind).validate_python(data)  # type: ignore[arg-type]  # as below
    return found


def problems(kind: type[Any], data: object, table: Table) -> list[Problem]:
    """Return all that is wrong with a table; a misspelt key comes before the one that is missing."""
    try:
        _reader(kind).validate_python(data)  # type: ignore[arg-type]  # classes are hashable
    except ValidationError as error:
        found = sorted(error.errors(include_url=False), key=lambda e: e["type"] not in _UNKNOWN)
        return [Problem(str(e["loc"][0]) if e["loc"] else "", _said(kind, e, table)) for e in found]
    return []


@functools.cache
def _reader(kind: Any) -> TypeAdapter[Any]:
    """Return what reads a class: making it takes longer than reading."""
    return TypeAdapter(kind)


def _said(kind: type[Any], error: Mapping[str, Any], table: Table) -> str:
    """Return one problem as a sentence."""
    way, names = error["loc"], _fields(kind)
    where = f"{table.place(*way)}, {table.name}"
    if error["type"] == "value_error":
        return f"{where}: {error['msg'].removeprefix('Value error, ')}"
    if not way:
        return f"{table.place()}: {table.name} must be a table, with {', '.join(names)}."
    key = str(way[0])
    if error["type"] in _UNKNOWN:
        close = difflib.get_close_matches(key, names, 1)
        advice = f" Did you mean {close[0]}?" if close else ""
        return f"{where} has no key {key!r}.{advice} It takes {', '.join(names)}."
    value = "; it is missing" if error["type"] == "missing" else f", not {_shown(error['input'])}"
    return f"{where}: {'.'.join(map(str, way))} must be {names.get(key) or 'something else'}{value}."


def _fields(kind: type[Any]) -> dict[str, str]:
    """Return what each field of a class must be, by its name."""
    if issubclass(kind, BaseModel):
        return {name: field.description or "" for name, field in kind.model_fields.items()}
    found = {}
    for field in fields(kind):
        notes = getattr(get_type_hints(kind, include_extras=True)[field.name], "__metadata__", ())
        found[field.name] = next((n.description or "" for n in notes if isinstance(n, FieldInfo)), "")
    return found


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


# --- lines ---------------------------------------------------------------------------------------------


def line_of(text: str, keys: Keys) -> int | None:
    """Return the number of the line on which a key of a TOML file begins, None if it has no such key.

    A parser of TOML gives no numbers of lines, but reads the beginning of a file like a file: the line is
    the first one without which the key is not there.
    """
    lines = text.splitlines(keepends=True)

    def holds(count: int) -> bool | None:
        """Tell whether the first lines hold the key; None where they end within a value."""
        try:
            return _has(tomllib.loads("".join(lines[:count])), keys)
        except tomllib.TOMLDecodeError:
            return None

    if not keys or not holds(len(lines)):
        return None
    without, with_it = 0, len(lines)
    while with_it - without > 1:
        middle = (without + with_it) // 2
        cuts = [*range(middle, with_it), *range(middle - 1, without, -1)]
        cut = next(((count, found) for count in cuts if (found := holds(count)) is not None), None)
        if cut is None:
            break  # nothing but the value itself lies between
        if cut[1]:
            with_it = cut[0]
        else:
            without = cut[0]
    return without + 1


def _has(data: Any, keys: Keys) -> bool:
    for key in keys:
        if isinstance(key, int):
            found = isinstance(data, list) and key < len(data)
        else:
            found = isinstance(data, Mapping) and key in data
        if not found:
            return False
        data = data[key]
    return True
