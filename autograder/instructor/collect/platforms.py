"""Tell whose a file is, and what it was called, by the names that a platform gives in its bulk download.

Canvas: `name_[LATE_]user_attachment_file` (`lib/content_zipper.rb` of its source). Moodle:
`Full name_participant_assignsubmission_file/file`, or the same flat (`mod/assign/classes/downloader.php`).
Else: nbgrader's `student/lab/file`, a folder for each student, or files with an id in their names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from autograder.instructor.collect.archives import Entry
from autograder.instructor.grade.times import NAME as STAMP

_CANVAS = re.compile(
    r"\A(?P<prefix>(?P<name>.+?)_(?P<late>LATE_)?(?P<user>\d+)_(?P<attachment>\d+))_(?P<file>.+)"
)
_CANVAS_TEXT = re.compile(r"\A(?P<name>.+?)_(?P<late>LATE_)?(?P<user>\d+)_(?P<file>text\.html|link\.html)")
_CANVAS_ANONYMOUS = re.compile(r"anon_(?:LATE_)?\w+_\d+_.+|(?:LATE_)?anon_\w+?_\d+_.+")
_MOODLE = re.compile(
    r"\A(?P<prefix>(?P<name>[^_/]*(?:_[^_/]+)*?)_(?P<user>\d+)_assignsubmission_(?P<kind>[a-z]+))"
    r"(?:_(?P<flat>[^/]*))?"
)

# Of the files of an archive.
_NEARLY_ALL = 0.8


class Platform(StrEnum):
    """Where files come from."""

    CANVAS = "canvas"
    MOODLE = "moodle"
    PLAIN = "plain"


@dataclass(frozen=True)
class Sender:
    """Who handed something in, as the platform says.

    Attributes:
        platform: where it comes from.
        key: what the platform knows the person by: Canvas's user, Moodle's participant, a name of a folder.
        name: the person's name, as far as the platform writes it.
        prefix: beginning of the names that the platform's bulk upload of feedback wants; empty where it wants
            none.
        late: whether the platform calls it late.
    """

    platform: Platform
    key: str
    name: str = ""
    prefix: str = ""
    late: bool = False

    @property
    def label(self) -> str:
        """Return what the person is remembered by."""
        return f"{self.platform}:{self.key}"


@dataclass(frozen=True)
class Piece:
    """One file that somebody handed in.

    Attributes:
        sender: who.
        path: its path below the submission's folder; empty if the entry is refused.
        entry: its content.
        is_stamp: whether it says when the submission was handed in, and is no work of a student's.
    """

    sender: Sender
    path: str
    entry: Entry
    is_stamp: bool = False


def pieces_of(
    entries: Sequence[Entry], lab: str, is_known: Callable[[str], bool]
) -> tuple[Platform, list[Piece]]:
    """Return where some files come from, and whose they are.

    Args:
        entries: files of an archive or a folder.
        lab: the lab's id.
        is_known: tells whether a name says which student is meant.
    """
    platform = _platform_of([entry.path for entry in entries])
    if platform is Platform.MOODLE:
        around = _around_moodle([entry.path for entry in entries])
        return platform, [_moodle(entry, around) for entry in entries]
    if platform is Platform.CANVAS:
        return platform, [_canvas(entry) for entry in entries]
    wrapper = _wrapper([entry.path for entry in entries], lab, is_known)
    return platform, [_plain(entry, lab, wrapper) for entry in entries]


def _platform_of(paths: Sequence[str]) -> Platform:
    """Return whose names these are: nearly all files have them, or a student made one that looks so."""
    around = _around_moodle(paths)
    moodle = sum(_moodle_part(path, around) is not None for path in paths)
    canvas = sum(_matches_canvas(path.rsplit("/", 1)[-1]) for path in paths)
    if paths and moodle >= _NEARLY_ALL * len(paths):
        return Platform.MOODLE
    return Platform.CANVAS if paths and canvas >= _NEARLY_ALL * len(paths) else Platform.PLAIN


def _matches_canvas(name: str) -> bool:
    return any(pattern.fullmatch(name) for pattern in (_CANVAS, _CANVAS_TEXT, _CANVAS_ANONYMOUS))


def _around_moodle(paths: Sequence[str]) -> int:
    """Return how many folders lie around Moodle's own: one, where somebody unpacked and packed again."""
    firsts = {path.split("/")[0] for path in paths}
    return int(len(firsts) == 1 and not any(_MOODLE.fullmatch(first) for first in firsts))


def _moodle_part(path: str, around: int) -> re.Match[str] | None:
    """Return what Moodle's own part of a path says: students name what is below it."""
    parts = path.split("/")
    return _MOODLE.fullmatch(parts[around]) if len(parts) > around else None


def _moodle(entry: Entry, around: int) -> Piece:
    match = _moodle_part(entry.path, around)
    if match is None:
        return Piece(Sender(Platform.MOODLE, "", entry.path), "", entry)
    rest = [*([match["flat"]] if match["flat"] else []), *entry.path.split("/")[around + 1 :]]
    sender = Sender(Platform.MOODLE, match["user"], match["name"], match["prefix"])
    return Piece(sender, "/".join(rest), entry)


def _canvas(entry: Entry) -> Piece:
    name = entry.path.rsplit("/", 1)[-1]
    if match := _CANVAS.fullmatch(name):
        return Piece(_canvas_sender(match, match["prefix"]), match["file"], entry)
    if match := _CANVAS_TEXT.fullmatch(name):
        return Piece(_canvas_sender(match, ""), match["file"], entry)
    return Piece(Sender(Platform.CANVAS, "", name), "", entry)


def _canvas_sender(match: re.Match[str], prefix: str) -> Sender:
    return Sender(Platform.CANVAS, match["user"], match["name"], prefix, match["late"] is not None)


# --- no platform's names -----------------------------------------------------------------------------


def _wrapper(paths: Sequence[str], lab: str, is_known: Callable[[str], bool]) -> int:
    """Return how many folders lie around all files and are no student's."""
    split = [path.split("/")[:-1] for path in paths]
    depth = 0
    while all(len(parts) > depth for parts in split) and len({parts[depth] for parts in split}) == 1:
        if not split or is_known(split[0][depth]) or (depth and split[0][depth] == lab):
            break
        depth += 1
    return depth


def _plain(entry: Entry, lab: str, wrapper: int) -> Piece:
    parts = entry.path.split("/")
    if lab in parts[1:-1]:
        # nbgrader's own folders, which nobody but the instructor writes.
        place = parts.index(lab, 1)
        rest = "/".join(parts[place + 1 :])
        return Piece(Sender(Platform.PLAIN, parts[place - 1]), rest, entry, is_stamp=rest == STAMP)
    parts = parts[wrapper:]
    if len(parts) == 1:
        return Piece(Sender(Platform.PLAIN, _stem(parts[0])), parts[0], entry)
    return Piece(Sender(Platform.PLAIN, parts[0]), "/".join(parts[1:]), entry)


def _stem(name: str) -> str:
    """Return a file's name without what says what kind of file it is."""
    return re.sub(r"(?:\.ipynb)?(?:\.[A-Za-z0-9]{1,5})?$", "", name) or name
