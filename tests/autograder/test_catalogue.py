"""Texts come from data files, and a file that is wrong says where."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from autograder.catalogue import CatalogueError, load
from autograder.errors import GraderError


def read(folder: Path, content: str) -> dict[str, dict[str, str]]:
    (folder / "said.toml").write_text(content, encoding="utf-8")
    return {key: dict(texts) for key, texts in load(str(folder), "said").items()}


def test_a_file_of_a_package_is_found_by_the_package_s_name() -> None:
    assert load("course", "texts")["avatars"]["en"] == "drawn avatars"


def test_a_file_of_a_folder_is_found_by_its_path(tmp_path: Path) -> None:
    assert read(tmp_path, '[hello]\nes = "hola, {name}"\nen = "hello, {name}"') == {
        "hello": {"es": "hola, {name}", "en": "hello, {name}"}
    }


def test_a_file_is_read_once() -> None:
    assert load("course", "texts") is load("course", "texts")


def test_texts_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        load("course", "texts")["avatars"]["en"] = "something else"  # type: ignore[index]


@pytest.mark.parametrize("text", ["{{braces}} {value:.3f} {seen!r}", "none at all"])
def test_what_str_format_understands_is_a_text(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, f'[a]\nen = "{text}"')["a"]["en"] == text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[a]\nes = "uno"\nen = "one"\n[b]\nen = "two"', r"\[b\]: write it in es too"),
        ('[a]\nes = "{seen}"\nen = "{count}"', r"\[a\]: es and en must have the same fields; see \{count\}"),
        ('[a]\nen = "{"', r"\[a\], en: "),
        ('[a]\nen = "{} of them"', r"\[a\], en: a field has no plain name"),
        ('[a]\nen = "{seen.__class__}"', r"\[a\], en: a field has no plain name"),
        ('a = "text"', r"\[a\] must be a table"),
        ("[a]\nen = 3", r"\[a\] must be a table with a text for each language"),
        ("[a", "cannot be read: Expected ']'"),
    ],
    ids=["language", "fields", "brace", "nameless", "attribute", "no-table", "no-text", "no-toml"],
)
def test_what_is_wrong_is_named_with_its_file(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(CatalogueError, match=said) as caught:
        read(tmp_path, content)
    assert "said.toml" in str(caught.value) and isinstance(caught.value, GraderError)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(CatalogueError, match=r"no_such_texts\.toml"):
        load("course", "no_such_texts")


@pytest.mark.slow
def test_texts_are_found_in_a_zip_file(tmp_path: Path) -> None:
    """An import from an archive has no folder: neither may the loader need one."""
    package = tmp_path / "packed"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "said.toml").write_text('[hello]\nen = "hello"')
    archive = tmp_path / "packed.zip"
    subprocess.run([sys.executable, "-m", "zipfile", "-c", archive, package], check=True)
    code = (
        f"import sys; sys.path.insert(0, {str(archive)!r})\n"
        "from autograder.catalogue import load; print(load('packed', 'said')['hello']['en'])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "hello\n"
