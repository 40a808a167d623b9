"""What was handed in beside the notebook: data and helpers that its code may read."""

from __future__ import annotations

import importlib.util
import io
import sys
import zipfile
from pathlib import Path, PurePosixPath

from autograder.instructor.intake.meddling import file_meddling
from autograder.instructor.intake.notes import Note, Reason, note, reason
from autograder.instructor.intake.reading import files_of, find_notebooks

MAX_BYTES = 32 * 2**20
_NOT_THEIRS = {"timestamp.txt", "marks.json"}
# Code that nobody can read before it runs.
_COMPILED = {".dll", ".dylib", ".egg", ".pyc", ".pyd", ".pyo", ".pyz", ".so", ".whl"}
_CODE = {".py", *_COMPILED}
# Python or IPython runs these by itself when it starts.
_STARTUP = {"ipython_config", "ipython_kernel_config", "sitecustomize", "usercustomize"}
# Folders and files of programs that run, or obey, what they find there; systems and editors leave others.
_OBEYED = (".config", ".ipython", ".jupyter", ".local", ".matplotlib", ".pdbrc", ".python", ".pth")


def attachments(folder: Path) -> tuple[dict[str, bytes], list[Note]]:
    """Return the files that a notebook may use, by path, and why others are left out or are to be reviewed.

    A file that would be imported in place of a library (torch.py) is left out, so are hidden files, compiled
    code, links and what is too large. Code in the others is looked at as that of cells is.
    """
    notebooks = set(find_notebooks(folder))
    files: dict[str, bytes] = {}
    notes: list[Note] = []
    left = MAX_BYTES
    for path in files_of(folder):
        name = path.relative_to(folder).as_posix()
        if path in notebooks or name in _NOT_THEIRS:
            continue
        if path.is_symlink():
            notes.append(note("skipped_file", file=name, reason=reason("link")))
        elif runs_by_itself(name):
            notes.append(note("startup_file", file=name))
        elif why := _refused(name):
            notes.append(note("skipped_file", file=name, reason=why))
        elif path.stat().st_size > left:
            notes.append(note("skipped_file", file=name, reason=reason("large_file")))
        else:
            try:
                data = path.read_bytes()
            except OSError as error:
                notes.append(note("unreadable_file", file=name, error=type(error).__name__))
                continue
            if _is_path_file(name, data):
                notes.append(note("startup_file", file=name))
                continue
            files[name] = data
            left -= len(data)
            notes += _worth_a_look(name, data)
    return files, notes


def runs_by_itself(name: str) -> bool:
    """Tell whether Python, IPython or a library runs or obeys a file without being asked."""
    path = PurePosixPath(name.lower())
    stems = {part.split(".")[0] for part in path.parts} if path.suffix in _CODE else set()
    return bool(stems & _STARTUP) or any(part.startswith(_OBEYED) for part in path.parts)


def _refused(name: str) -> Reason | None:
    """Return why a file is never used, if there is a reason."""
    path = PurePosixPath(name)
    if any(part.startswith(".") for part in path.parts):
        return reason("hidden_file")
    if path.suffix.lower() in _COMPILED or ".so." in path.name.lower():
        return reason("compiled")
    module = hidden_module(path)
    return reason("shadows", module=module) if module else None


def _is_path_file(name: str, data: bytes) -> bool:
    """Tell whether a .pth file is Python's, lines of text that it obeys, and not PyTorch's."""
    return name.lower().endswith(".pth") and b"\0" not in data[:1024] and data[:1] != b"\x80"


def _worth_a_look(name: str, data: bytes) -> list[Note]:
    """Return what a person should know of a file."""
    if found := file_meddling(name, data):
        return [note("meddles_file", file=name, name=found[:60])]
    return [note("hidden_code", file=name)] if _packs_code(data) else []


def _packs_code(data: bytes) -> bool:
    """Tell whether an archive holds code: Python can import from it."""
    if not data.startswith(b"PK"):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError, IndexError):
        return False
    return any(PurePosixPath(name.lower()).suffix in _CODE for name in names)


def hidden_module(path: Path | PurePosixPath) -> str | None:
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
