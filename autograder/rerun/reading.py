"""Read a notebook file and find out which lab it is of, and what of it was changed."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.key import AnswerKey, installed_keys
from autograder.labels import heading_of
from autograder.language import LANGUAGES
from autograder.opening import opening
from autograder.rerun.texts import RerunError, say

_BLOCK = re.compile(r"^[^#\n]*\.marks\(\s*[\"'](\w+)[\"']", re.MULTILINE)
_PATCH = 60


@dataclass(frozen=True)
class Notebook:
    """The notebook of a lab.

    Attributes:
        path: of the file.
        content: its cells.
        lab: the lab's id.
        language: of the notebook.
        key: the lab's answer key.
    """

    path: Path
    content: NotebookNode
    lab: str
    language: str
    key: AnswerKey

    def blocks(self) -> dict[int, str]:
        """Return the names of the blocks of check cells, by the index of their cells."""
        found = {i: _BLOCK.search(c.source) for i, c in enumerate(self.content.cells) if is_code(c)}
        return {index: match[1] for index, match in found.items() if match and match[1] in self.key.blocks}

    def called(self, name: str) -> str:
        """Return the heading of a block or of a cell of nbgrader's, in quotes; its name if it has none."""
        heading = heading_of(name, self.key.headings, self.language)
        return f"`{name}`" if heading == name else say("heading", self.language, heading=heading)

    def name(self, index: int) -> str:
        """Return what to call a cell: by its heading if nbgrader knows it, else by number and line."""
        cell = self.content.cells[index]
        name = grade_id(cell)
        if name is not None:
            return self.called(name.removesuffix("_check"))
        lines = [line for line in cell.source.splitlines() if line.strip()] or [""]
        line = lines[0].strip()
        return f"{index + 1} (`{line if len(line) <= _PATCH else line[: _PATCH - 1] + '…'}`)"


def read_notebook(path: Path) -> Notebook:
    """Read the notebook of a lab.

    Raises:
        RerunError: if the file is none, or of a lab that is not installed.
        KeyFileError: if the lab's answer key is damaged.
    """
    content = _read_file(path)
    opened = next((o for c in content.cells if is_code(c) and (o := opening(c.source))), None)
    if opened is None:
        raise RerunError("no_lab", file=path.name)
    lab = opened.lab
    known = installed_keys()
    if lab not in known:
        raise RerunError("unknown_lab", file=path.name, lab=lab, known=", ".join(known) or "-")
    key = AnswerKey.load(known[lab])
    language = opened.language or content.metadata.get("language")
    spoken = (*key.languages, *LANGUAGES)
    return Notebook(path, content, lab, language if language in spoken else key.languages[0], key)


def _read_file(path: Path) -> NotebookNode:
    """Return the content of a notebook file as nbformat 4.

    Raises:
        RerunError: if it cannot be read or is no notebook.
    """
    if path.is_dir():
        raise RerunError("a_folder", file=path)
    if not path.exists():
        raise RerunError("no_file", file=path, folder=Path.cwd())
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise RerunError("unreadable", file=path, error=error.strerror or type(error).__name__) from None
    if not text.strip():
        raise RerunError("empty", file=path)
    try:
        data = json.loads(text)
        if not isinstance(data, dict) or "nbformat" not in data:
            raise RerunError("not_a_notebook", file=path)
        content = nbformat.convert(nbformat.from_dict(data), 4)
        for cell in content.cells:
            _complete(cell)
    except ValueError as error:
        raise RerunError("not_json", file=path, line=getattr(error, "lineno", 1)) from None
    except RecursionError:
        raise RerunError("not_json", file=path, line=1) from None
    except (KeyError, TypeError, AttributeError):
        raise RerunError("not_a_notebook", file=path) from None
    return content


def _complete(cell: NotebookNode) -> None:
    """Give a cell what running it needs, whatever its editor left out.

    Raises:
        TypeError: if it is no cell.
    """
    if isinstance(cell.source, list):
        cell.source = "".join(cell.source)
    if not isinstance(cell.source, str) or not isinstance(cell.setdefault("metadata", NotebookNode()), dict):
        raise TypeError("no cell")
    if is_code(cell):
        cell.outputs, cell.execution_count = [], None


# --- nbgrader's metadata ---------------------------------------------------------------------------


def is_code(cell: NotebookNode) -> bool:
    """Tell whether a cell holds code."""
    return bool(cell.cell_type == "code")


def grade_id(cell: NotebookNode) -> str | None:
    """Return the nbgrader id of a cell, if it has one."""
    name = _data(cell).get("grade_id")
    return name if isinstance(name, str) else None


def is_unchanged(cell: NotebookNode) -> bool | None:
    """Tell whether a cell is as the lab has it, by the checksum that nbgrader keeps; None without one."""
    data = _data(cell)
    checksum = data.get("checksum")
    if not isinstance(checksum, str) or not grade_id(cell):
        return None
    # The order and the form are nbgrader's.
    parts = [cell.source, cell.cell_type]
    parts += [str(bool(data.get(flag))) for flag in ("grade", "solution", "locked")]
    parts.append(str(grade_id(cell)))
    if data.get("grade"):
        try:
            parts.append(str(float(data["points"])))
        except (KeyError, TypeError, ValueError):
            return False
    digest = hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()
    return digest == checksum


def _data(cell: NotebookNode) -> dict[str, Any]:
    data = cell.metadata.get("nbgrader")
    return data if isinstance(data, dict) else {}
