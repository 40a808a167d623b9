"""`course collect`: what is new, what has changed, and what stays as somebody corrected it."""

from __future__ import annotations

import contextlib
import fnmatch
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from autograder.instructor.collect.archives import entries_of
from autograder.instructor.collect.handed_in import SUFFIXES, HandedIn, read_handed_in
from autograder.instructor.collect.ledger import Collected, read_ledger
from autograder.instructor.collect.people import People, class_of
from autograder.instructor.collect.platforms import Piece, Platform, Sender, pieces_of
from autograder.instructor.collect.staging import Staged, files_in, same, stage
from autograder.instructor.errors import CourseError
from autograder.instructor.export.results import students_of
from autograder.instructor.export.roster import class_roster
from autograder.instructor.files import put
from autograder.instructor.grade import times
from autograder.instructor.grade.records import file_name
from autograder.instructor.grade.store import Folders, Store
from autograder.instructor.settings import Course

_EARLIER = "earlier"


class State(StrEnum):
    """What became of a submission that came."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    KEPT = "kept"  # somebody corrected it by hand, and something else came
    OLD = "old"  # an attempt before the one that lies there
    FAILED = "failed"


@dataclass(frozen=True)
class CollectOptions:
    """What to collect, and how.

    Attributes:
        sources: archives, folders and lists of times.
        folder: folder of the class; None: the checkout.
        roster: a file that says who is in the class; None: that of course.toml, if there is one.
        matches: whom a platform means, as `KEY=STUDENT`.
        replace: shell pattern of students whose corrections by hand are given up; None: nobody's.
    """

    sources: tuple[Path, ...]
    folder: Path | None = None
    roster: Path | None = None
    matches: tuple[str, ...] = ()
    replace: str | None = None


@dataclass(frozen=True)
class Result:
    """What became of one submission.

    Attributes:
        student: the student's id.
        name: their name, if somebody knows it.
        state: see there.
        source: the file that it came in.
        when: when it was handed in, in UTC without a zone, if that is known.
        late: whether the platform calls it late.
        notes: what else there is to say, a sentence each.
    """

    student: str
    name: str
    state: State
    source: str
    when: datetime | None = None
    late: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stranger:
    """Somebody whom nobody knows.

    Attributes:
        sender: as the platform says.
        files: names of what they handed in.
        why: why nobody is meant.
        source: the file that it came in.
    """

    sender: Sender
    files: tuple[str, ...]
    why: str
    source: str


@dataclass
class Collection:
    """What came of one run.

    Attributes:
        lab: the lab's id.
        results: one for each submission that came.
        strangers: whom nobody knows.
        absent: students of the class of whom nothing lies there, by id, with their names.
        warnings: what else the instructor should know.
        stamps: students whose time of handing in is new, without anything else.
    """

    lab: str
    results: list[Result] = field(default_factory=list)
    strangers: list[Stranger] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    stamps: list[str] = field(default_factory=list)

    def of(self, *states: State) -> list[Result]:
        """Return the results of some states."""
        return [result for result in self.results if result.state in states]


class Collector:
    """Collects the submissions of one lab."""

    def __init__(self, course: Course, lab: str, options: CollectOptions) -> None:
        """Find out who is in the class, and what came before.

        Raises:
            CourseError: if nobody knows who is in the class, or something cannot be read.
        """
        self.lab, self.options = course.require_lab(lab), options
        self._zone = course.zone
        self._folders = Folders(course.root, folder=options.folder)
        self._ledger = read_ledger(self._folders.root, lab)
        self._people = self._class(course)
        self._names = self._people.names()
        self._fresh: dict[str, datetime] = {}

    def _class(self, course: Course) -> People:
        known = []
        if self._folders.has_gradebook:
            with contextlib.closing(Store(course.root, folder=self.options.folder)) as store:
                known = store.transact(students_of, write=False)
        roster = class_roster(course, self.options.folder, self.options.roster)
        people = People(class_of(known, roster), self._ledger.matches)
        if not people.people:
            raise CourseError(
                "Nobody knows yet who is in the class, so whose the files are cannot be said. Import the "
                "list with `nbgrader db student import FILE`, or give it: --roster FILE, or roster in "
                "course.toml."
            )
        people.matches |= dict(_match(text, people) for text in self.options.matches)
        return people

    def run(self) -> Collection:
        """Collect.

        Raises:
            CourseError: if a source cannot be read; nothing is changed then.
        """
        found = Collection(self.lab)
        lists = [path for path in self.options.sources if path.is_file() and _is_list(path)]
        for path in lists:
            self._take_times(path, read_handed_in(path, self._people, self._zone), found)
        self._ledger.matches = dict(self._people.matches)
        try:
            for source in self.options.sources:
                if source not in lists:
                    with entries_of(source) as entries:
                        platform, pieces = pieces_of(entries, self.lab, self._is_known)
                        self._take_all(pieces, platform, source.name, found)
            self._settle_stamps(found)
        finally:
            self._ledger.write()
        here = set(self._folders.submissions(self.lab))
        absent = sorted(p.student for p in self._people.people if p.student not in here)
        found.absent = {student: self._names.get(student, "") for student in absent}
        return found

    def _is_known(self, name: str) -> bool:
        return self._people.find(Sender(Platform.PLAIN, name)) is not None

    def _take_times(self, path: Path, said: HandedIn, found: Collection) -> None:
        """Take over what a list of times says."""
        self._people.matches |= said.matches
        self._fresh |= said.times
        self._ledger.times |= said.times
        found.warnings += [
            f"{path.name}: when {student} handed in cannot be read without doubt: {text}."
            for student, text in said.unreadable.items()
        ]
        if said.unknown:
            found.warnings.append(f"{path.name} names people whom nobody knows: {', '.join(said.unknown)}.")

    # --- one archive -------------------------------------------------------------------------------

    def _take_all(self, pieces: Sequence[Piece], platform: Platform, source: str, found: Collection) -> None:
        """Take over what an archive holds."""
        by_sender: defaultdict[Sender, list[Piece]] = defaultdict(list)
        for piece in pieces:
            # Files of one attempt may be told apart by what the platform puts before their names.
            by_sender[replace(piece.sender, prefix="", late=False)].append(piece)
        by_student: defaultdict[str, list[Sender]] = defaultdict(list)
        for sender, theirs in by_sender.items():
            student = self._people.find(sender) if sender.key else None
            if student is None:
                found.strangers.append(_stranger(sender, theirs, source, "nobody of the class, or several"))
            else:
                by_student[student].append(sender)
        for student, senders in sorted(by_student.items()):
            if platform is not Platform.PLAIN and len(senders) > 1:
                why = f"{len(senders)} of {platform.capitalize()}'s people seem to be {student}"
                found.strangers += [_stranger(s, by_sender[s], source, why) for s in senders]
                continue
            theirs = [piece for sender in senders for piece in by_sender[sender]]
            found.results.append(self._take_safely(student, theirs, source))

    def _take_safely(self, student: str, pieces: Sequence[Piece], source: str) -> Result:
        """Take over one submission; whatever goes wrong with it, the others are collected."""
        try:
            with self._staging() as folder:
                return self._take(student, stage(folder, pieces), pieces, source)
        except OSError as error:
            said = f"cannot be written: {error.strerror or error} ({error.filename or '?'})"
            return Result(student, self._names.get(student, ""), State.FAILED, source, notes=(said,))

    @contextlib.contextmanager
    def _staging(self) -> Iterator[Path]:
        """Yield an empty folder on the disk on which submissions lie."""
        parent = self._ledger.path.parent
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".collect-", dir=parent, ignore_cleanup_errors=True) as name:
            folder = Path(name) / "submission"
            folder.mkdir()
            yield folder

    def _take(self, student: str, staged: Staged, pieces: Sequence[Piece], source: str) -> Result:
        """Take over what a student handed in."""
        target = self._folders.folder("submitted", student, self.lab)
        known = self._ledger.students.get(student)
        here = files_in(target) if target.is_dir() else {}
        state = self._state(student, staged, known, here)
        if state in (State.NEW, State.CHANGED):
            self._put(student, staged.folder, target)
        late = any(piece.sender.late for piece in pieces)
        sender = next((p.sender for p in pieces if p.sender.prefix), pieces[0].sender)
        notes = list(staged.refused)
        if state is State.KEPT:
            # Where its feedback goes is known all the same.
            self._ledger.students[student] = replace(known or Collected(sender), sender=sender)
        if state in (State.KEPT, State.OLD, State.FAILED):
            return self._result(student, state, source, late, notes)
        if state is State.CHANGED and student not in self._fresh:
            # It was of the attempt before.
            self._ledger.times.pop(student, None)
        seen = (*(d for d in (known.seen if known else ()) if d != staged.digest), staged.digest)
        written = known.files if known and state is State.UNCHANGED else staged.files
        stamp = known.stamp if known else None
        collected = Collected(replace(sender, late=late), seen, written, stamp)
        self._ledger.students[student] = collected
        forget = state is State.CHANGED
        notes += self._settle_stamp(student, staged.stamp, forget=forget)
        return self._result(student, state, source, late, notes)

    def _result(self, student: str, state: State, source: str, late: bool, notes: list[str]) -> Result:
        when = times.read_stamp(self._folders.folder("submitted", student, self.lab)).when
        return Result(student, self._names.get(student, ""), state, source, when, late, tuple(notes))

    def _state(self, student: str, staged: Staged, known: Collected | None, here: Mapping[str, str]) -> State:
        """Decide what becomes of a submission."""
        if not staged.files and not here:
            return State.FAILED
        if same(staged.files, here):
            return State.UNCHANGED
        if known and staged.digest in known.seen[:-1]:
            return State.OLD
        if not here:
            return State.NEW
        given_up = self.options.replace is not None and fnmatch.fnmatchcase(student, self.options.replace)
        if known and not given_up and staged.digest in known.seen:
            return State.UNCHANGED
        return State.CHANGED if given_up or (known and same(known.files, here)) else State.KEPT

    def _put(self, student: str, staged: Path, target: Path) -> None:
        """Put a submission in its place; what lay there is kept in grading/<lab>/earlier/."""
        stamp = _read(target / times.NAME)
        if target.exists():
            parent = self._ledger.path.parent / _EARLIER / file_name(student)
            parent.mkdir(parents=True, exist_ok=True)
            number = 1 + max((int(p.name) for p in parent.iterdir() if p.name.isdigit()), default=0)
            shutil.move(target, parent / str(number))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(staged, target)
        if stamp is not None:
            put(target / times.NAME, stamp.encode())

    # --- times -------------------------------------------------------------------------------------

    def _settle_stamps(self, found: Collection) -> None:
        """Write times that came in a list for what was collected before."""
        done = {result.student for result in found.results}
        for student in sorted(self._fresh.keys() - done):
            if not self._folders.folder("submitted", student, self.lab).is_dir():
                continue
            before = self._stamp(student)
            found.warnings += [f"{student}: {note}." for note in self._settle_stamp(student, None)]
            if self._stamp(student) != before:
                found.stamps.append(student)

    def _settle_stamp(self, student: str, given: str | None, *, forget: bool = False) -> list[str]:
        """Write timestamp.txt, unless somebody corrected it; return what there is to say.

        Args:
            student: the student's id.
            given: what the instructor's own folder says.
            forget: whether a time that is there is of an earlier attempt.
        """
        known = self._ledger.students.get(student)
        ours, here = known.stamp if known else None, self._stamp(student)
        when = self._ledger.times.get(student)
        wanted = times.written(when).decode() if when else given
        if wanted is None and not forget:
            return []
        if here == wanted:
            pass
        elif here != ours:
            return ["the time in timestamp.txt was corrected by hand, and stays"]
        else:
            path = self._folders.folder("submitted", student, self.lab) / times.NAME
            if wanted is None:
                path.unlink(missing_ok=True)
            else:
                put(path, wanted.encode())
        if known:
            self._ledger.students[student] = replace(known, stamp=wanted)
        return []

    def _stamp(self, student: str) -> str | None:
        return _read(self._folders.folder("submitted", student, self.lab) / times.NAME)


def _read(path: Path) -> str | None:
    """Return the text of a small file; None if there is none, or a link."""
    if path.is_symlink() or not path.is_file():
        return None
    with path.open("rb") as file:
        return file.read(2000).decode("utf-8", "replace")


def _is_list(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def _match(text: str, people: People) -> tuple[str, str]:
    """Return whom a platform means, as a person said.

    Raises:
        CourseError: if that names nobody of the class.
    """
    key, equals, name = text.rpartition("=")
    student = people.find_key(name)
    kind = key.partition(":")[0]
    if not equals or kind not in tuple(Platform) or student is None:
        raise CourseError(
            f"--match {text}: write what is listed as unknown, = and the student's id, such as "
            f"moodle:4711=10001. {name!r} is {student or 'nobody of the class'}."
        )
    return key, student


def _stranger(sender: Sender, pieces: Iterable[Piece], source: str, why: str) -> Stranger:
    files = tuple(piece.path or piece.entry.path for piece in pieces)
    if sender.platform is Platform.CANVAS and not sender.key:
        why = "no name as Canvas gives them; grade without anonymity there, and download again"
    return Stranger(sender, files, why, source)
