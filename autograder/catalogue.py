"""Table in several languages, kept in data files beside the modules that say them.

A file `NAME.toml` holds a table for each text and a line for each language::

    [not_written]
    es = "Falta escribir `{name}`."
    en = "`{name}` is not written yet."
"""

from __future__ import annotations

import functools
import string
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any

from autograder.errors import GraderError

Table = Mapping[str, Mapping[str, str]]


class CatalogueError(GraderError):
    """A file of texts cannot be used; the message names the file and the text at fault."""


@functools.cache
def load(package_or_folder: str, name: str) -> Table:
    """Read a file of texts.

    Args:
        package_or_folder: name of the package that holds the file, or a folder's absolute path.
        name: name of the file, without `.toml`.

    Returns:
        The texts by key and language, in the order of the file; `str.format` fills their fields.

    Raises:
        CatalogueError: if the file cannot be read, or a text lacks a language or has other fields in one.
    """
    path = _find(package_or_folder, f"{name}.toml")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogueError(f"The texts in {path} cannot be read: {error}") from None
    languages = dict.fromkeys(lang for entry in data.values() if isinstance(entry, dict) for lang in entry)
    return MappingProxyType(
        {key: _checked(entry, list(languages), f"{path}, [{key}]") for key, entry in data.items()}
    )


def fields(text: str) -> frozenset[str]:
    """Return the names of what `str.format` fills in.

    Raises:
        ValueError: if the text is no template.
    """
    names = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
    if not all(name.isidentifier() for name in names):
        raise ValueError("a field has no plain name; a brace of its own is written twice")
    return frozenset(names)


def _find(package_or_folder: str, name: str) -> Traversable:
    """Return the file, wherever the package is installed."""
    if Path(package_or_folder).is_absolute():
        return Path(package_or_folder) / name
    return files(package_or_folder) / name


def _checked(entry: Any, languages: list[str], where: str) -> Mapping[str, str]:
    """Return one text in all languages.

    Raises:
        CatalogueError: if there is something wrong with it.
    """
    if not isinstance(entry, dict) or not all(isinstance(text, str) for text in entry.values()):
        raise CatalogueError(f'{where} must be a table with a text for each language, such as en = "…".')
    if missing := [language for language in languages if language not in entry]:
        raise CatalogueError(f"{where}: write it in {', '.join(missing)} too.")
    found: dict[str, frozenset[str]] = {}
    for language, text in entry.items():
        try:
            found[language] = fields(text)
        except ValueError as error:
            raise CatalogueError(f"{where}, {language}: {error}.") from None
    first = languages[0] if languages else ""
    for language, names in found.items():
        if odd := names ^ found[first]:
            listed = ", ".join(f"{{{name}}}" for name in sorted(odd))
            raise CatalogueError(f"{where}: {first} and {language} must have the same fields; see {listed}.")
    return MappingProxyType(entry)
