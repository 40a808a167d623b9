"""Put what one student handed in into a folder of its own, before anything that lies there is touched."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autograder.instructor.collect.archives import (
    UNREADABLE,
    Entry,
    RefusedError,
    copy,
    directory_bytes,
    of_zip,
)
from autograder.instructor.collect.platforms import Piece
from autograder.instructor.errors import CourseError
from autograder.instructor.grade.times import NAME as STAMP
from autograder.instructor.intake.reading import MAX_FILE_BYTES, MAX_FILES, find_notebooks

# A notebook of the largest size that is read, and data beside it.
MAX_BYTES = MAX_FILE_BYTES + 100 * 2**20
_LITTER = (".ipynb_checkpoints", "__pycache__")
_STAMP_BYTES = 1000
# Of the list of entries of a student's own zip: each takes ten times as much memory.
_DIRECTORY_BYTES = 2 * 2**20


@dataclass
class Staged:
    """What one student handed in, written to a folder.

    Attributes:
        folder: the folder.
        files: SHA-256 of each file, by its path there.
        stamp: text that says when it was handed in; None if there is none that an instructor wrote.
        refused: why files were left out, a sentence each.
    """

    folder: Path
    files: dict[str, str] = field(default_factory=dict)
    stamp: str | None = None
    refused: list[str] = field(default_factory=list)
    _bytes: int = 0

    @property
    def digest(self) -> str:
        """Return a digest of all files."""
        return hashlib.sha256(json.dumps(sorted(self.files.items())).encode()).hexdigest()

    def take(self, path: str, entry: Entry) -> None:
        """Write one file, or say why not.

        Raises:
            OSError: if the folder cannot be written.
        """
        try:
            if entry.refused:
                raise RefusedError(entry.refused)
            self._require_place(path)
            digest, size = copy(entry, self.folder / path, MAX_BYTES - self._bytes)
        except RefusedError as error:
            self.refused.append(f"{path or entry.path}: {error}")
        else:
            self.files[path] = digest
            self._bytes += size

    def _require_place(self, path: str) -> None:
        """Raise unless there is a place for a file of this path.

        Raises:
            RefusedError: if there is none.
        """
        if path == STAMP:
            raise RefusedError("not taken, or students would say themselves when they handed in")
        if len(self.files) >= MAX_FILES:
            raise RefusedError(f"more than {MAX_FILES} files")
        target = self.folder / path
        inner = [self.folder, *(parent for parent in target.parents if self.folder in parent.parents)]
        if target.exists() or any(parent.exists() and not parent.is_dir() for parent in inner):
            raise RefusedError("named twice")


def stage(folder: Path, pieces: Iterable[Piece]) -> Staged:
    """Write what one student handed in; unpack their own zip where the notebook must be in it.

    Args:
        folder: an empty folder.
        pieces: the files.

    Raises:
        OSError: if the folder cannot be written.
    """
    staged = Staged(folder)
    for piece in pieces:
        if piece.is_stamp and not piece.entry.refused:
            staged.stamp = _stamp(piece.entry)
        else:
            staged.take(piece.path, piece.entry)
    if not find_notebooks(folder):
        for name in [name for name in staged.files if name.lower().endswith(".zip")]:
            _unpack(staged, name)
    return staged


def _stamp(entry: Entry) -> str | None:
    try:
        with entry.open() as file:
            return file.read(_STAMP_BYTES).decode("utf-8-sig", "replace")
    except UNREADABLE:
        return None


def _unpack(staged: Staged, name: str) -> None:
    """Unpack a student's own zip beside itself; one that cannot be read stays, and grading says so."""
    try:
        if directory_bytes(staged.folder / name) > _DIRECTORY_BYTES:
            raise RefusedError("too many files")
        with zipfile.ZipFile(staged.folder / name) as archive:
            entries = of_zip(archive, name)
            if not any(".ipynb" in entry.path.lower() for entry in entries):
                return
            parent = name.rpartition("/")[0]
            for entry in entries:
                staged.take(f"{parent}/{entry.path}" if parent else entry.path, entry)
    except (*UNREADABLE, CourseError) as error:
        staged.refused.append(f"{name}: cannot be unpacked ({str(error)[:80]})")


def files_in(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a submission, by path; what an editor leaves behind does not count.

    What is no ordinary file has "link" in place of it.
    """
    found: dict[str, str] = {}
    for parent, folders, names in os.walk(folder):
        links = [name for name in folders if Path(parent, name).is_symlink()]
        folders[:] = [name for name in folders if name not in _LITTER]
        for name in [*names, *links]:
            path = Path(parent, name)
            inner = path.relative_to(folder).as_posix()
            if inner != STAMP:
                found[inner] = "link" if path.is_symlink() or not path.is_file() else _digest(path)
    return found


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def same(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Tell whether two submissions have the same files, but for what an editor leaves behind."""

    def kept(files: Mapping[str, str]) -> dict[str, str]:
        return {path: d for path, d in files.items() if not set(path.split("/")[:-1]) & set(_LITTER)}

    return kept(one) == kept(other)
