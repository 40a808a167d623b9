"""Write files whole or not at all, and CSV that spreadsheets show and never execute."""

from __future__ import annotations

import contextlib
import csv
import io
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from autograder.instructor.settings import CourseError

Cell = str | float | None
Row = list[Cell]

# What a spreadsheet may take for the beginning of a formula; it may skip white space before.
_FORMULA = ("=", "+", "-", "@")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")


def safe(text: str) -> str:
    """Return a text on one line that no spreadsheet takes for a formula."""
    line = _CONTROL.sub(" ", text)
    # Full-width signs count as the plain ones in some languages' versions.
    start = unicodedata.normalize("NFKC", line).lstrip()[:1]
    return f"'{line}" if start in _FORMULA and start else line


def number(value: float) -> str:
    """Return marks with a decimal point, without needless zeros."""
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def as_csv(rows: Sequence[Row]) -> str:
    """Return rows as CSV (RFC 4180): numbers as they are, texts made safe, None as nothing."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    for row in rows:
        writer.writerow([_cell(cell) for cell in row])
    return buffer.getvalue()


def _cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        # Canvas indents its own "Points Possible".
        return safe(cell)
    return number(cell)


def write(path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    """Write a file, whole or not at all.

    Args:
        path: path of the file; its folder is made.
        content: text or bytes to write.
        encoding: encoding of a text; a name of a folder that no encoding knows gets question marks.

    Raises:
        CourseError: if that is not possible.
    """
    try:
        return put(
            path, content if isinstance(content, bytes) else content.encode(encoding, errors="replace")
        )
    except OSError as error:
        raise CourseError(f"{path} cannot be written: {error.strerror or error}.") from None


def put(path: Path, content: bytes) -> Path:
    """Write a file, whole or not at all, also over one that nbgrader made read-only.

    Raises:
        OSError: if that is not possible.
    """
    new = path.with_name(f".{path.name}.new")
    if path.exists() and not path.is_file() and not path.is_dir():
        # A device or a pipe, such as /dev/stdout, is written to and never replaced.
        with path.open("wb") as file:
            file.write(content)
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(content)
        return new.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise
