"""What is remembered of a grading: outcomes of submissions, so that no run is lost, and the run log.

Everything lies in grading/<lab>/: one file per graded submission, written whole or not at all, and one log
per run.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autograder.instructor.grade.work import Outcome
from autograder.instructor.intake.reading import files_of

_FORMAT = 1
_PLAIN = re.compile(r"[\w@-][\w@. -]{0,99}", re.ASCII)
# Files larger than this are known by size and time, and so is all beyond so much of a submission.
_MAX_READ = 8 * 2**20
_MAX_READ_IN_ALL = 64 * 2**20


@dataclass(frozen=True)
class Record:
    """A graded submission.

    Attributes:
        outcome: outcome of grading.
        submission: digest of what was handed in.
        lab: digest of all that decides the lab's marks.
        seed: the secret seed that it was graded under.
        stored: whether the gradebook has it.
    """

    outcome: Outcome
    submission: str
    lab: str
    seed: int
    stored: bool = False

    def as_stored(self) -> Record:
        """Return a copy of the record, marked as stored."""
        return replace(self, stored=True)


class Records:
    """The records of one lab."""

    def __init__(self, root: Path, lab: str) -> None:
        self.folder = root / "grading" / lab

    def read(self, student: str) -> Record | None:
        """Return the record of a student's submission, None if there is none that can be read."""
        return self._read(self._path(student))

    @staticmethod
    def _read(path: Path) -> Record | None:
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if data["format"] != _FORMAT:
                return None
            outcome = Outcome.from_json(data["outcome"])
            return Record(outcome, data["submission"], data["lab"], data["seed"], data["stored"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def read_all(self) -> dict[str, Record]:
        """Return all records that can be read, by the student whose folder was graded."""
        found = (self._read(path) for path in sorted((self.folder / "submissions").glob("*.json")))
        return {record.outcome.student: record for record in found if record is not None}

    def write(self, student: str, record: Record) -> None:
        """Write a record, whole or not at all."""
        data = {
            "format": _FORMAT,
            "submission": record.submission,
            "lab": record.lab,
            "seed": record.seed,
            "stored": record.stored,
            "outcome": record.outcome.as_json(),
        }
        write_json(self._path(student), data)

    def write_log(self, data: dict[str, Any]) -> Path:
        """Write the log of a run; its name is the time when the run began."""
        name = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S")
        return write_json(self.folder / "runs" / f"{name}.json", data)

    def _path(self, student: str) -> Path:
        return self.folder / "submissions" / f"{file_name(student)}.json"


def noted(records: Mapping[str, Record], key: str) -> set[str]:
    """Return who has the marks of a submission with a certain note."""
    found = (record.outcome for record in records.values() if key in record.outcome.note_keys)
    return {student for outcome in found for student in (outcome.student, *outcome.recipients)}


def file_name(student: str) -> str:
    """Return a name for files about a student: of every folder's name, and of no two the same."""
    if _PLAIN.fullmatch(student):
        return student
    # Nobody's own name begins like this.
    readable = re.sub(r"[^\w@-]", "_", student, flags=re.ASCII)[:40]
    return f"~{readable}~{hashlib.sha256(os.fsencode(student)).hexdigest()[:32]}"


def write_json(path: Path, data: Any) -> Path:
    """Write JSON that only the instructor may read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    try:
        text = json.dumps(data, indent=1, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # the name of a folder may be no text at all
        text = json.dumps(data, indent=1).encode()
    with open(new, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    return path


def digest_of_submission(folder: Path) -> str:
    """Return a digest of all that was handed in; large files are known by size and time."""
    found = hashlib.sha256()
    left = _MAX_READ_IN_ALL
    for path in files_of(folder):
        found.update(os.fsencode(path.relative_to(folder)) + b"\0")
        content, read = _content(path, min(left, _MAX_READ))
        found.update(content)
        left -= read
    return found.hexdigest()


def _content(path: Path, most: int) -> tuple[bytes, int]:
    """Return what tells a file from another one, and how many bytes were read for that."""
    if path.is_symlink() or not path.is_file():
        return b"-", 0
    try:
        known = path.stat()
        if known.st_size > most:
            return f"{known.st_size} {known.st_mtime_ns}".encode(), 0
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest(), known.st_size
    except OSError as error:
        return type(error).__name__.encode(), 0


def log_entries(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """Return what a run log says of each submission: everything but the notebook."""
    return [
        {name: value for name, value in outcome.as_json().items() if name != "notebook"}
        for outcome in outcomes
    ]
