"""Texts in data files: one file of tables beside the module that says them, one loader.

A file is TOML, a table per text with one string per language:

    [returned_none]
    es = "devuelve None. ¿Falta un `return`?"
    en = "it returns None. Is a `return` missing?"

Gaps such as `{seen}` are filled by `str.format`, and are the same in all languages.
"""

from __future__ import annotations

import functools
import string
import tomllib
from collections.abc import Mapping
from importlib import resources

from autograder.errors import GraderError

Table = Mapping[str, Mapping[str, str]]


class CatalogueError(GraderError):
    """A file of texts is not as it must be."""


@functools.cache
def load(package: str, name: str) -> Table:
    """Read a file of texts.

    Args:
        package: that holds the file, such as "autograder.checks".
        name: of the file, without `.toml`.

    Returns:
        The texts, by key and language.

    Raises:
        CatalogueError: if the file is missing or damaged, or a text lacks a language or a gap, naming it.
    """
    file = f"{package.replace('.', '/')}/{name}.toml"
    try:
        data = tomllib.loads((resources.files(package) / f"{name}.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CatalogueError(f"the texts {file} cannot be read: {error}") from None
    languages = {language for texts in data.values() if isinstance(texts, dict) for language in texts}
    for key, texts in data.items():
        _require_texts(f"{file}, [{key}]", texts, languages)
    return data


def _require_texts(where: str, texts: object, languages: set[str]) -> None:
    """Raise unless these are one text for each language, with the same gaps."""
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        raise CatalogueError(f'{where} must hold one text per language, such as en = "…".')
    if missing := sorted(languages - set(texts)):
        raise CatalogueError(f"{where} lacks a text in: {', '.join(missing)}.")
    gaps = {language: _gaps(text) for language, text in texts.items()}
    if len(set(gaps.values())) > 1:
        raise CatalogueError(f"{where}: the gaps differ between languages: {gaps}.")


def _gaps(text: str) -> frozenset[str]:
    """Return the names of the gaps in a text."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)
