"""Find whom a platform means among the students of a class."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autograder.instructor.collect.platforms import Platform, Sender
from autograder.instructor.export.lines import RosterIndex
from autograder.instructor.export.results import GradebookStudent
from autograder.instructor.export.roster import Entry, Roster
from autograder.instructor.grade.people import is_storable, resolve

_LONG_ENOUGH = 3  # for an id that stands anywhere in a name of a file
_WORDS_OF_A_NAME = 2


@dataclass(frozen=True)
class Person:
    """A student of the class.

    Attributes:
        student: id in the gradebook, or that of the roster where the gradebook does not know them.
        name: for people to read.
        keys: numbers, logins and addresses that mean this student.
        canvas_id: Canvas's number of them.
        called: all names that the gradebook and the roster give them.
    """

    student: str
    name: str = ""
    keys: frozenset[str] = frozenset()
    canvas_id: str = ""
    called: tuple[str, ...] = ()


class People:
    """A class, and how to find somebody in it."""

    def __init__(self, people: Iterable[Person], matches: Mapping[str, str] | None = None) -> None:
        """Index a class.

        Args:
            people: the students.
            matches: student by what a platform knows them by, as a person said, or an earlier list; see
                `Sender.label`.
        """
        self.people = list(people)
        self.matches = dict(matches or {})
        self._by_key: defaultdict[str, set[str]] = defaultdict(set)
        self._by_words: defaultdict[frozenset[str], set[str]] = defaultdict(set)
        self._by_canvas: defaultdict[str, set[str]] = defaultdict(set)
        self._by_letters: defaultdict[str, set[str]] = defaultdict(set)
        for person in self.people:
            for key in {person.student, *person.keys}:
                self._by_key[_folded(key)].add(person.student)
            if person.canvas_id:
                self._by_canvas[person.canvas_id].add(person.student)
            for name in person.called:
                if len(words := _words(name)) >= _WORDS_OF_A_NAME:
                    self._by_words[words].add(person.student)
                    for letters in _run_together(name):
                        self._by_letters[letters].add(person.student)

    def names(self) -> dict[str, str]:
        """Return the names of those who have one, by id."""
        return {person.student: person.name for person in self.people if person.name}

    def find(self, sender: Sender) -> str | None:
        """Return which student a platform means; None if nobody, or it could be several."""
        if sender.label in self.matches:
            return self.matches[sender.label]
        if sender.platform is Platform.CANVAS:
            return _only(self._by_canvas.get(sender.key, ())) or _only(
                self._by_letters.get(_plain(sender.name), ())
            )
        if sender.platform is Platform.MOODLE:
            return _only(self._by_words.get(_words(sender.name), ()))
        return self.find_in(sender.key)

    def find_key(self, *keys: str) -> str | None:
        """Return the student whom the first of some numbers, logins or addresses means; None if nobody."""
        for key in keys:
            if key.strip() and (found := _only(self._by_key.get(_folded(key), ())) or self._resolved(key)):
                return found
        return None

    def find_name(self, name: str) -> str | None:
        """Return the one student of a name, in whatever order its words are."""
        return _only(self._by_words.get(_words(name), ()))

    def find_canvas(self, user: str) -> str | None:
        """Return the student whom Canvas gives a number."""
        return _only(self._by_canvas.get(user, ()))

    def find_in(self, name: str) -> str | None:
        """Return the student whom the name of a file or folder means.

        The whole name first; then what it begins with; then an id anywhere in it; then first and last name.
        Where several students could be meant, nobody is.
        """
        if found := self.find_key(name):
            return found
        text = _folded(name)
        beginnings = {k for k in self._by_key if text.startswith(k) and not text[len(k) :][:1].isalnum()}
        if beginnings:
            return _only(self._by_key[max(beginnings, key=len)])
        inside: set[str] = set()
        for key, students in self._by_key.items():
            if len(key) >= _LONG_ENOUGH and re.search(rf"(?<![^\W_]){re.escape(key)}(?![^\W_])", text):
                inside |= students
        if inside:
            return _only(inside)
        words = _words(name)
        return _only(
            {student for known, found in self._by_words.items() if known <= words for student in found}
        )

    def _resolved(self, key: str) -> str | None:
        """Return whom an id means as grading reads it: without leading zeros, in digits of any width."""
        return resolve(key, [person.student for person in self.people])


def class_of(students: Iterable[GradebookStudent], roster: Roster | None) -> list[Person]:
    """Return the students of a gradebook and of a roster, each once.

    Raises:
        CourseError: if a student of the gradebook could be several of the roster's.
    """
    index = RosterIndex(roster.entries) if roster else None
    taken: set[int] = set()
    people = []
    for student in students:
        place = index.find(student) if index else None
        entry = roster.entries[place] if roster and place is not None else Entry()
        if place is not None:
            taken.add(place)
        people.append(_person(student.id, entry, student))
    for place, entry in enumerate(roster.entries if roster else ()):
        own = (entry.number, entry.login, entry.email, entry.canvas_id)
        usable = next((name for name in own if _is_folder_name(name)), None)
        if place not in taken and usable is not None:
            people.append(_person(usable, entry, GradebookStudent(usable)))
    return people


def _is_folder_name(name: str) -> bool:
    """Tell whether a roster's id can name a folder in submitted/, and a student in nbgrader."""
    return is_storable(name) and name not in (".", "..") and not set(name) & set("/\\+")


def _person(student: str, entry: Entry, known: GradebookStudent) -> Person:
    own = " ".join(part for part in (known.first_name, known.last_name) if part)
    listed = " ".join(part for part in (entry.first_name, entry.last_name) if part) or _in_order(entry.name)
    addresses = {entry.email, known.email}
    keys = {entry.number, entry.login, *addresses, *(address.split("@")[0] for address in addresses)}
    return Person(
        student,
        own or listed,
        frozenset(key.strip() for key in keys if key.strip()),
        entry.canvas_id or known.lms_id,
        tuple(name for name in (own, listed) if name),
    )


def _in_order(name: str) -> str:
    """Return a name, first name first: Canvas writes `Last, First`."""
    last, comma, first = name.partition(",")
    return f"{first.strip()} {last.strip()}" if comma else name


def _only(students: Iterable[str]) -> str | None:
    found = set(students)
    return found.pop() if len(found) == 1 else None


def _folded(text: str) -> str:
    """Return a text without case, and with one form of each letter and digit."""
    return unicodedata.normalize("NFKC", text).casefold().strip()


def _plain(text: str) -> str:
    """Return a text without case and accents: platforms and systems lose these."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def _words(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W_]+", _plain(name)))


def _run_together(name: str) -> set[str]:
    """Return a name as Canvas writes it in names of files, wherever the last name may begin."""
    words = re.findall(r"[^\W_]+", _plain(name))
    return {"".join([*words[place:], *words[:place]]) for place in range(len(words))}
