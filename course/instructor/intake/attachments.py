"""What was handed in beside the notebook: data and helpers that its code may read."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from course.instructor.intake.notes import Note, note, reason
from course.instructor.intake.reading import files_of, find_notebooks

MAX_BYTES = 32 * 2**20
_NOT_THEIRS = {"timestamp.txt", "marks.json"}
_CODE = {".py", ".pyc", ".so", ".pth"}
# Python runs these by itself when it starts.
_STARTUP = {"sitecustomize", "usercustomize"}


def attachments(folder: Path) -> tuple[dict[str, bytes], list[Note]]:
    """Return the files that a notebook may use, by path, and why others are left out.

    A file that would be imported in place of a library (torch.py) is left out, so are links and what is
    too large.
    """
    notebooks = set(find_notebooks(folder))
    files: dict[str, bytes] = {}
    notes: list[Note] = []
    left = MAX_BYTES
    for path in files_of(folder):
        name = str(path.relative_to(folder))
        if path in notebooks or name in _NOT_THEIRS:
            continue
        if path.is_symlink():
            notes.append(note("skipped_file", file=name, reason=reason("link")))
        elif module := hidden_module(Path(name)):
            notes.append(note("skipped_file", file=name, reason=reason("shadows", module=module)))
        elif path.stat().st_size > left:
            notes.append(note("skipped_file", file=name, reason=reason("large_file")))
        else:
            try:
                files[name] = path.read_bytes()
            except OSError as error:
                notes.append(note("unreadable_file", file=name, error=type(error).__name__))
                continue
            left -= len(files[name])
    return files, notes


def hidden_module(path: Path) -> str | None:
    """Return the module that a file in the working folder would be imported in place of, if any."""
    if path.suffix.lower() not in _CODE:
        return None
    name = path.parts[0].split(".")[0]
    if name in sys.stdlib_module_names or name in _STARTUP:
        return name
    try:
        return name if importlib.util.find_spec(name) is not None else None
    except (ImportError, ValueError):
        return None
