"""Read whatever was handed in: find the notebook, decode it, make cells of it."""

from __future__ import annotations

import ast
import codecs
import functools
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import nbformat

from autograder.instructor.intake.notes import Note, note, reason
from autograder.instructor.intake.outputs import Outputs, outputs_of
from autograder.instructor.intake.pictures import Pictures, pictures_of
from autograder.instructor.parsing import parsed

MAX_FILE_BYTES = 500 * 2**20
# Of one submission; nobody looks at more.
MAX_FILES = 5000
# Far beyond what anybody writes, and few and small enough to compare with the lab's.
MAX_CELLS = 2000
# Three bytes of JSON, "[],", become 70 of memory.
MAX_VALUES = 30_000_000
MAX_SOURCE = 2**20
MAX_TEXT = 8 * 2**20
# Bytes that are no UTF-8 in a file that is: read one by one. A file with more is in another encoding.
_MAX_STRAY = 10_000
# How far into a file with another name its cells must begin for it to be taken for a notebook.
_HEAD = 2**16
_KINDS = ("code", "markdown", "raw")
_CONFLICT = re.compile(r"^(<{7}|={7}|>{7})")
# How files begin that are no notebooks, whatever they are called; in lower case.
_OTHER_KINDS = {
    b"pk\x03\x04": "zip",
    b"%pdf": "pdf",
    b"\x89png": "picture",
    b"\xff\xd8\xff": "picture",
    b"<!doctype html": "html",
    b"<html": "html",
}
# What is no work of the student's.
_IGNORED_FOLDERS = {"__pycache__", "__MACOSX", ".git"}
# Where Jupyter keeps copies.
_CHECKPOINTS = ".ipynb_checkpoints"
# What systems and editors leave behind: settings, locks, the half of a file that only a Mac reads.
_DEBRIS = ("._", "~$", ".#", ".~")
_DEBRIS_NAMES = {"thumbs.db", "desktop.ini", ".ds_store"}
_SWAP = {f".sw{letter}" for letter in "abcdefghijklmnop"}
_BACKUPS = ("~", ".tmp", ".bak", ".orig", ".old")


@dataclass(frozen=True)
class Cell:
    """A cell as it was handed in, or as the lab has it.

    Attributes:
        kind: "code", "markdown" or "raw".
        source: its text.
        grade_id: of nbgrader's metadata, if they are there.
        cell_id: of nbformat 4.5, if there is one.
        pictures: that were pasted into it.
        left_out: how many attachments are not among them.
        outputs: what a code cell showed when it was handed in.
        outputs_left_out: how many outputs are not among them.
    """

    kind: str
    source: str
    grade_id: str | None = None
    cell_id: str | None = None
    pictures: Pictures = ()
    left_out: int = 0
    outputs: Outputs = field(default=(), compare=False, repr=False)
    outputs_left_out: int = field(default=0, compare=False)

    @functools.cached_property
    def names(self) -> frozenset[str]:
        """Return the names that the top level of a code cell defines."""
        return frozenset(defined_names(self.source) if self.kind == "code" else ())

    @functools.cached_property
    def text(self) -> str:
        """Return the source without what editors change by themselves: line ends and outer white space."""
        lines = self.source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        return "\n".join(line.rstrip() for line in lines).strip()


def defined_names(source: str) -> set[str]:
    """Return the names that the top level of a cell defines; also of code with a syntax error."""
    tree = parsed(source)
    if tree is None:
        found = re.findall(r"^(?:def|class)\s+(\w+)|^(\w+)\s*=[^=]", source, re.MULTILINE)
        return {name for pair in found for name in pair if name}
    names: set[str] = set()
    for statement in tree.body:
        if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            names.add(statement.name)
        elif isinstance(statement, ast.Assign):
            names.update(t.id for t in statement.targets if isinstance(t, ast.Name))
    return names


@dataclass(frozen=True)
class File:
    """A notebook that was found in a submission.

    Attributes:
        name: relative to the submission's folder.
        cells: its cells; None if it cannot be read.
        notes: what had to be put right, or why it cannot be read.
    """

    name: str
    cells: tuple[Cell, ...] | None
    notes: tuple[Note, ...] = ()


def find_notebooks(folder: Path) -> list[Path]:
    """Return the files of a submission that may be its notebook, in order of their names.

    Copies that an editor made by itself are among them; see `is_backup`. Where no file is called a notebook,
    it is those that look like one.
    """
    found = [path for path in files_of(folder) if path.is_file()]
    return [p for p in found if _is_called_a_notebook(p)] or [p for p in found if _looks_like_a_notebook(p)]


def files_of(folder: Path) -> list[Path]:
    """Return the files and links of a submission, but for what systems and editors leave behind.

    MAX_FILES at most beside what may be a notebook; links are not entered.
    """
    notebooks: list[Path] = []
    others: list[Path] = []
    for path in islice(_walk(folder), 20 * MAX_FILES):
        wanted = notebooks if _is_called_a_notebook(path) else others
        if len(wanted) < MAX_FILES:
            wanted.append(path)
    return sorted([*notebooks, *others])


def _walk(folder: Path) -> Iterator[Path]:
    """Yield files and links of a submission."""
    for path, folders, files in islice(os.walk(folder), MAX_FILES):
        folders[:] = sorted(name for name in folders if name not in _IGNORED_FOLDERS)
        links = [name for name in folders if Path(path, name).is_symlink()]
        in_checkpoints = _CHECKPOINTS in Path(path).relative_to(folder).parts
        for name in sorted([*files, *links]):
            found = Path(path, name)
            debris = _is_debris(name) or (in_checkpoints and not _is_called_a_notebook(found))
            if not debris and (found.is_symlink() or found.is_file()):
                yield found


def _is_called_a_notebook(path: Path) -> bool:
    return ".ipynb" in "".join(path.suffixes[-2:]).lower()


def is_backup(name: str) -> bool:
    """Tell whether a file is a copy that an editor made by itself."""
    path = Path(name)
    return _CHECKPOINTS in path.parts or _is_called_a_backup(path.name.lower())


def _is_called_a_backup(name: str) -> bool:
    return name.endswith(_BACKUPS) or (len(name) > 1 and name.startswith("#") and name.endswith("#"))


def _is_debris(name: str) -> bool:
    """Tell whether a file is what a system or an editor leaves behind, by its name."""
    lower = name.lower()
    swap = lower.startswith(".") and lower[-4:] in _SWAP
    return swap or lower.startswith(_DEBRIS) or lower in _DEBRIS_NAMES


def _looks_like_a_notebook(path: Path) -> bool:
    """Tell whether a file with another name begins as a notebook does."""
    if path.is_symlink():
        return False
    try:
        with path.open("rb") as file:
            start = file.read(_HEAD).replace(b"\0", b"")
    except OSError:
        return False
    return start.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"{") and b'"cells"' in start


def read_file(path: Path, name: str) -> File:
    """Read one notebook file; never raises on account of its content."""
    if path.is_symlink():
        return File(name, None, (note("skipped_file", file=name, reason=reason("link")),))
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            sizes = {"size": size // 2**20, "limit": MAX_FILE_BYTES // 2**20}
            return File(name, None, (note("too_large", file=name, **sizes),))
        return parse(path.read_bytes(), name)
    except OSError as error:
        return File(name, None, (note("unreadable_file", file=name, error=type(error).__name__),))


def parse(data: bytes, name: str) -> File:
    """Make cells of the bytes of a notebook file; never raises on account of them."""
    if not data.strip():
        return File(name, None, (note("empty_file", file=name),))
    if (kind := _other_kind(data)) is not None:
        return File(name, None, (note("renamed_document", file=name, kind=reason(kind)),))
    text, notes = _decode(data)
    if sum(text.count(mark) for mark in "[{,") > MAX_VALUES:
        return File(name, None, (*notes, note("too_many_values", file=name, limit=MAX_VALUES // 10**6)))
    content, problems = _load(text, name)
    if content is None:
        # How it was decoded matters to nobody who cannot use it.
        return File(name, None, tuple(problems))
    notes += problems
    try:
        raw_cells, version = _raw_cells(content)
    except Exception:  # whatever nbformat's conversion stumbles over
        return File(name, None, (*notes, note("not_a_notebook", file=name)))
    if len(raw_cells) > MAX_CELLS:
        return File(name, None, (*notes, note("too_many_cells", count=len(raw_cells), limit=MAX_CELLS)))
    if version < (4, 0):
        notes.append(note("old_format", version=version[0]))
    cells = [_cell(raw) for raw in raw_cells]
    if sum(len(cell.source) for cell in cells if cell is not None) > MAX_TEXT:
        size = {"size": f"> {MAX_TEXT // 2**20}", "limit": MAX_TEXT // 2**20}
        return File(name, None, (*notes, note("too_large", file=name, **size)))
    if bad := sum(cell is None for cell in cells):
        notes.append(note("bad_cells", count=bad))
    return File(name, tuple(cell for cell in cells if cell is not None), tuple(notes))


def _other_kind(data: bytes) -> str | None:
    """Return what a file is by its first bytes, if that is something that students hand in by mistake."""
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:16].lower()
    return next((kind for beginning, kind in _OTHER_KINDS.items() if start.startswith(beginning)), None)


def _decode(data: bytes) -> tuple[str, list[Note]]:
    """Return the text of a file; editors on old systems do not write UTF-8."""
    encoding = json.detect_encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return _decode_bytes(data)
    return text, [] if encoding.startswith("utf-8") else [note("not_utf8", encoding=encoding)]


def _decode_bytes(data: bytes) -> tuple[str, list[Note]]:
    """Return the text of a file that is no UTF-8, or UTF-8 with some bytes that are not."""
    text = data.decode("utf-8-sig", "replace")
    strays = text.count("\N{REPLACEMENT CHARACTER}")
    letters = len(text) - len(text.encode("ascii", "ignore")) - strays
    if letters > strays and strays <= _MAX_STRAY:
        return data.decode("utf-8-sig", _STRAY), [note("stray_bytes", count=strays)]
    return data.decode("cp1252", "replace"), [note("not_utf8", encoding="Windows-1252")]


def _read_stray(error: UnicodeError) -> tuple[str, int]:
    """Read bytes that are no UTF-8 as Windows does; Python asks for this."""
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


_STRAY = "course-stray-bytes"
codecs.register_error(_STRAY, _read_stray)


def _load(text: str, name: str) -> tuple[dict[str, Any] | None, list[Note]]:
    """Return the JSON content of a file, with the marks of a merge conflict resolved if need be."""
    try:
        return _json_object(text, name)
    except RecursionError:
        return None, [note("not_json", file=name, line=1)]
    except ValueError as error:
        line = getattr(error, "lineno", 1)
    if has_conflict(text):
        for side in ("above", "below"):
            try:
                content, notes = _json_object(resolve_conflict(text, side), name)
            except (ValueError, RecursionError):
                continue
            return content, [note("merge_conflict", side=reason(side)), *notes]
    return None, [note("not_json", file=name, line=line)]


def _json_object(text: str, name: str) -> tuple[dict[str, Any] | None, list[Note]]:
    """Return the JSON object that a text holds.

    Raises:
        ValueError: if it is not JSON.
    """
    content = json.loads(text)
    if isinstance(content, dict):
        return content, []
    return None, [note("not_a_notebook", file=name)]


def _raw_cells(content: dict[str, Any]) -> tuple[Sequence[Any], tuple[int, int]]:
    """Return the cells of a notebook of any version, as nbformat 4 has them, and its version."""
    major, minor = int(content.get("nbformat", 4)), int(content.get("nbformat_minor", 0))
    if major < 4:
        # From text: old formats cut their strings into lines, which only their readers join.
        content = nbformat.reads(json.dumps(content), as_version=4)
    cells = content["cells"]
    if not isinstance(cells, list):
        raise ValueError("cells is not a list")
    return cells, (major, minor)


def _cell(raw: Any) -> Cell | None:
    """Return one cell, None if it is damaged."""
    if not isinstance(raw, dict) or raw.get("cell_type") not in _KINDS:
        return None
    source = raw.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str) or len(source) > MAX_SOURCE:
        return None
    # Lone surrogates are valid in JSON and in no file.
    source = source.encode("utf-8", "replace").decode()
    metadata = raw.get("metadata")
    nbgrader_data = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = nbgrader_data.get("grade_id") if isinstance(nbgrader_data, dict) else None
    cell_id = raw.get("id")
    pictures, left_out = pictures_of(raw)
    return Cell(
        str(raw["cell_type"]),
        source,
        grade_id if isinstance(grade_id, str) else None,
        cell_id if isinstance(cell_id, str) else None,
        pictures,
        left_out,
        *outputs_of(raw),
    )


# --- merge conflicts -------------------------------------------------------------------------------


def has_conflict(text: str) -> bool:
    """Tell whether a text holds all three marks of a merge conflict."""
    found = {match[1][0] for line in text.splitlines() if (match := _CONFLICT.match(line))}
    return found >= {"<", "=", ">"}


def resolve_conflict(text: str, side: str) -> str:
    """Return a text with the versions "above" or "below" the middle mark of each conflict."""
    return "".join(_resolved_lines(text, side))


def _resolved_lines(text: str, side: str) -> Iterator[str]:
    """Yield the lines of one side."""
    where = "both"
    for line in text.splitlines(keepends=True):
        match = _CONFLICT.match(line)
        mark = match[1][0] if match else ""
        if mark == "<":
            where = "above"
        elif mark == "=" and where == "above":
            where = "below"
        elif mark == ">" and where == "below":
            where = "both"
        elif where in ("both", side):
            yield line
