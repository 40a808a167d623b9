"""Read the files of a zip archive or a folder, within bounds.

Students name and make what is in there. Nothing is written outside the folder that is asked for, no link is
followed or made, and sizes are counted while they are read, whatever an archive says of itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from autograder.instructor.errors import CourseError

# Of one archive or folder: a large class with data, and no more.
MAX_ENTRIES = 200_000
MAX_BYTES = 64 * 2**30
_MAX_PATH = 1000
_MAX_NAME = 200
_MAX_DEPTH = 24
_CHUNK = 2**20
# The record at the end of an archive: mark, disks, entries, length and place of the list of entries, comment.
_END = struct.Struct("<4s4H2LH")
_END_MARK, _LARGE_MARK = b"PK\x05\x06", b"PK\x06\x07"
_TAIL = 2**16 + _END.size
_ENCRYPTED = 0x1
_UTF8 = 0x800
# What archives of other systems hold besides.
_LITTER = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")
# Whatever a damaged archive makes its reader raise.
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, ValueError, NotImplementedError,
    RuntimeError, OverflowError, LookupError, MemoryError,
)  # fmt: skip


class RefusedError(ValueError):
    """A file that is not taken; the message says why, after its name."""


@dataclass(frozen=True)
class Entry:
    """A file of an archive or a folder.

    Attributes:
        path: where it lies there, with "/".
        size: bytes, as the archive says.
        refused: why it is not taken; empty if it may be.
        open: function that opens its content.
    """

    path: str
    size: int
    open: Callable[[], IO[bytes]]
    refused: str = ""


@contextlib.contextmanager
def entries_of(source: Path) -> Iterator[list[Entry]]:
    """Yield the files of an archive or a folder, in order, while it is open.

    Raises:
        CourseError: if it is neither, cannot be read, or is too large.
    """
    if source.is_dir():
        yield _of_folder(source)
        return
    if not source.is_file():
        raise CourseError(f"There is no file or folder {source}.")
    try:
        archive = zipfile.ZipFile(source)
    except UNREADABLE as error:
        raise CourseError(
            f"{source} is no zip file that can be read ({_words(error)}). Download it again; what was "
            "packed in another way, unpack, and give its folder."
        ) from None
    with archive:
        yield of_zip(archive, str(source))


def of_zip(archive: zipfile.ZipFile, name: str) -> list[Entry]:
    """Return the files of an open archive.

    Raises:
        CourseError: if there are too many, or they are too large.
    """
    infos = archive.infolist()
    _bounded(name, len(infos), sum(info.file_size for info in infos))
    found: list[Entry] = []
    taken: set[str] = set()
    for info in infos:
        path = _decoded(info).replace("\\", "/")
        if info.is_dir() or path.endswith("/") or _is_litter(path):
            continue
        why = unsafe(path) or _special(info) or ("named twice" if path in taken else "")
        taken.add(path)
        found.append(Entry(path, info.file_size, _opener(archive, info), why))
    return sorted(found, key=lambda entry: entry.path)


def directory_bytes(path: Path) -> int:
    """Return how long the list of entries of an archive is, before anybody reads it into memory.

    Raises:
        RefusedError: if that cannot be said, or is said in the way of archives beyond 4 GiB.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        tail = file.read()
    end = len(tail) - _END.size
    if end < 0 or tail[end : end + 4] != _END_MARK or tail[-2:] != b"\0\0":
        end = tail.rfind(_END_MARK)
    if end < 0 or len(tail) - end < _END.size or tail[max(0, end - 20) : end].startswith(_LARGE_MARK):
        raise RefusedError("no archive that a student would make")
    length: int = _END.unpack_from(tail, end)[5]
    return length


def _opener(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: archive.open(info)


def _of_folder(folder: Path) -> list[Entry]:
    """Return the files of a folder; links are listed and refused."""
    found: list[Entry] = []
    size = 0
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _LITTER)
        links = [name for name in folders if Path(parent, name).is_symlink()]
        for name in sorted([*names, *links]):
            path = Path(parent, name)
            inner = path.relative_to(folder).as_posix()
            if _is_litter(inner):
                continue
            status = path.lstat()
            why = unsafe(inner) or ("" if stat.S_ISREG(status.st_mode) else "a link, or no ordinary file")
            size += status.st_size
            found.append(Entry(inner, status.st_size, _file_opener(path), why))
            _bounded(str(folder), len(found), size)
    return sorted(found, key=lambda entry: entry.path)


def _file_opener(path: Path) -> Callable[[], IO[bytes]]:
    def quietly(name: str, flags: int) -> int:
        return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK)

    return lambda: open(path, "rb", opener=quietly)


def _bounded(name: str, count: int, size: int) -> None:
    if count > MAX_ENTRIES or size > MAX_BYTES:
        raise CourseError(
            f"{name} holds more than {MAX_ENTRIES} files, or more than {MAX_BYTES // 2**30} GiB: no class "
            "hands in so much. Look at what is in it, and give parts of it, or a folder."
        )


def unsafe(path: str) -> str:
    """Return why a path cannot be one below a submission's folder; empty if it can."""
    parts = path.split("/")
    if path.startswith("/") or (len(parts[0]) > 1 and parts[0][1] == ":") or ".." in parts:
        return "a path that leads out of its folder"
    if not path.isprintable() or "" in parts or "." in parts:
        return "a path with characters or parts that no file has"
    try:
        lengths = [len(part.encode()) for part in parts]
    except UnicodeEncodeError:
        return "a path with characters or parts that no file has"
    if sum(lengths) > _MAX_PATH or max(lengths) > _MAX_NAME or len(parts) > _MAX_DEPTH:
        return "a path that is too long"
    return ""


def _special(info: zipfile.ZipInfo) -> str:
    """Return why an entry is no ordinary file; empty if it is one."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return "a link, or no ordinary file"
    return "encrypted" if info.flag_bits & _ENCRYPTED else ""


def _decoded(info: zipfile.ZipInfo) -> str:
    """Return an entry's name; programs that write UTF-8 without saying so are many."""
    if not info.flag_bits & _UTF8:
        with contextlib.suppress(UnicodeError):
            return info.filename.encode("cp437").decode("utf-8")
    return info.filename


def _is_litter(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return any(part in _LITTER for part in parts) or (bool(parts) and parts[-1].startswith("._"))


def copy(entry: Entry, target: Path, limit: int) -> tuple[str, int]:
    """Write a file; return the SHA-256 of its content, and its size in bytes.

    Args:
        entry: the file.
        target: where to write it; there must be nothing.
        limit: bytes that it may have.

    Raises:
        RefusedError: if it has more, or is damaged; nothing is left behind then.
        OSError: if it cannot be written.
    """
    digest, size = hashlib.sha256(), 0
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        try:
            for chunk in _chunks(entry):
                size += len(chunk)
                if size > limit:
                    raise RefusedError("too large")
                digest.update(chunk)
                file.write(chunk)
        except RefusedError:
            target.unlink()
            raise
    return digest.hexdigest(), size


def _chunks(entry: Entry) -> Iterator[bytes]:
    """Yield the content of a file.

    Raises:
        RefusedError: if it is damaged.
    """
    try:
        with entry.open() as content:
            while chunk := content.read(_CHUNK):
                yield chunk
    except RefusedError:
        raise
    except UNREADABLE as error:
        raise RefusedError(f"damaged ({_words(error)})") from None


def _words(error: BaseException) -> str:
    return " ".join(f"{error}".split())[:80] or type(error).__name__
