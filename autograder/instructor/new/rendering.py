"""Fill templates, and write what comes of them whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import tomlkit
from jinja2 import Environment, PackageLoader, StrictUndefined

from autograder.catalogue import Table, load
from autograder.instructor.errors import CourseError
from autograder.language import FALLBACK

# Contents by path, relative to the folder where they go.
Files = dict[Path, str]
_PACKAGE = "autograder.instructor"
# The tree that a lab is made of.
LAB_TREE = "new_lab"
_SUFFIX = ".j2"
# In names of templates, a dot that hides a file: packing would leave such files out.
_DOT = "dot_"
_SCRIPT = "#!"


def filled(tree: str, values: Mapping[str, Any], names: Mapping[str, str]) -> Files:
    """Fill all templates of a tree.

    Args:
        tree: folder in `templates`; what does not end in .j2 is for the templates alone.
        values: what templates may use; `languages` is one of them. `text(key, language)` gives a text of
            texts.toml, the tree's own or that of a lab, in English where there is none.
        names: what words in upper case stand for in the names of files. A file with LANGUAGE in its name
            is made once for each language.

    Returns:
        What they give.
    """
    environment = _environment(tree, values)
    found: Files = {}
    for name in environment.list_templates(filter_func=lambda n: n.startswith(f"{tree}/")):
        if not name.endswith(_SUFFIX):
            continue
        template = environment.get_template(name)
        place = name.removeprefix(f"{tree}/").removesuffix(_SUFFIX)
        for language in values["languages"] if "LANGUAGE" in place else ("",):
            content = template.render(values, language=language)
            found[_path(place, {**names, "LANGUAGE": language})] = content
    return found


def as_toml(value: Any) -> str:
    """Return a text, number, list or table of texts as TOML, on one line."""
    if isinstance(value, Mapping):
        table = tomlkit.inline_table()
        table.update(value)
        return table.as_string()
    text: str = tomlkit.item(value).as_string()
    return text


def _environment(tree: str, values: Mapping[str, Any]) -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE, "templates"),
        undefined=StrictUndefined,
        autoescape=False,  # what is made is code and prose, and no HTML
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    texts = {**load(_PACKAGE, f"templates/{LAB_TREE}/texts"), **_own_texts(tree)}

    def text(key: str, language: str, **more: Any) -> str:
        entry = texts[key]
        chosen: str = entry.get(language, entry[FALLBACK])
        return chosen.format(**{**values, **more})

    environment.globals["text"] = text
    environment.filters["toml"] = as_toml
    environment.filters["commented"] = _commented
    return environment


def _own_texts(tree: str) -> Table:
    """Return the texts that a tree has besides those of a lab; there may be none."""
    has_some = (files(_PACKAGE) / "templates" / tree / "texts.toml").is_file()
    return load(_PACKAGE, f"templates/{tree}/texts") if has_some else {}


def _commented(text: str) -> str:
    """Return lines of Markdown as py:percent has them."""
    return "\n".join(f"# {line}".rstrip() for line in text.split("\n"))


def _path(place: str, names: Mapping[str, str]) -> Path:
    """Return where a file goes, relative to the folder of them all."""
    for word, name in names.items():
        place = place.replace(word, name)
    parts = [f".{part.removeprefix(_DOT)}" if part.startswith(_DOT) else part for part in place.split("/")]
    return Path(*parts)


def require_free(folder: Path) -> None:
    """Raise if a folder is there already, with something in it.

    Raises:
        CourseError: if it is.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CourseError(f"{folder} is there already: choose another name, or move it away.")


def write_folder(contents: Files, folder: Path) -> list[Path]:
    """Write files into a folder that is not there yet, or is empty: all of them or none.

    Args:
        contents: of the files.
        folder: where they go.

    Returns:
        Their paths.

    Raises:
        CourseError: if there is something already, or nothing can be written there.
    """
    require_free(folder)
    try:
        made = _make_parents(folder)
        try:
            _write_beside(contents, folder)
        except BaseException:
            for parent in made:
                parent.rmdir()
            raise
    except OSError as error:
        raise CourseError(f"{folder} cannot be written: {error.strerror or error}.") from None
    return [folder / path for path in contents]


def _make_parents(folder: Path) -> list[Path]:
    """Make the folders above a folder, and return those that were not there, the inner ones first."""
    missing = [parent for parent in folder.parents if not parent.exists()]
    folder.parent.mkdir(parents=True, exist_ok=True)
    return missing


def _write_beside(contents: Files, folder: Path) -> None:
    """Write files into another folder on the same disk, which then takes the folder's name."""
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as name:
        whole = Path(name) / folder.name
        for path, content in contents.items():
            place = whole / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content, encoding="utf-8")
            if content.startswith(_SCRIPT):
                place.chmod(place.stat().st_mode | 0o111)
        if folder.is_dir():
            folder.rmdir()
        whole.rename(folder)


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it.

    Raises:
        OSError: if that is not possible.
    """
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
