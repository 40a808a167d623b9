"""Of which wrong answers a hint is true: of the one it was written for, and of those that somebody judged.

A hint is found by what an answer does, and two mistakes may do the same. Whether its words are true of the
other mistake, nobody can compute; so a person says it in the bank, and an audit lists what nobody has judged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from autograder.instructor.bank import MUTANT, Answer, JudgedHint
from autograder.instructor.programs import meaning
from autograder.instructor.settings import CourseError


@dataclass(frozen=True)
class JudgedHints:
    """The hints of a bank, and the answers of which each is true.

    Attributes:
        ids: by hint, ids of answers and of mutants.
        programs: by hint, what the answers mean that it was written for.
    """

    ids: Mapping[str, Collection[str]]
    programs: Mapping[str, Collection[str | None]]

    @classmethod
    def of(cls, answers: Iterable[Answer], judged: Iterable[JudgedHint]) -> JudgedHints:
        """Return what a bank says of its hints; equal hints of several answers are one."""
        ids, programs = defaultdict(set), defaultdict(set)
        hints: dict[str, str] = {}
        for answer in answers:
            if answer.hint:
                hints[answer.id] = _name(answer.hint)
                ids[hints[answer.id]].add(answer.id)
                programs[hints[answer.id]].add(meaning(answer.code))
        for entry in judged:
            ids[hints[entry.answer]].update(entry.true_of)
        return cls(ids, programs)

    def unjudged(self, name: str, code: str, hints: Iterable[Mapping[str, str]]) -> list[str]:
        """Return the hints, of those that an answer gets, that may be false of it.

        Args:
            name: id of the answer.
            code: of its cell.
            hints: that it gets in practice.
        """
        found = []
        for hint in hints:
            key = _name(hint)
            if name not in self.ids.get(key, ()) and meaning(code) not in self.programs.get(key, ()):
                found.append(key)
        return found

    def require_known(self, names: Collection[str]) -> None:
        """Raise if a hint is said to be true of a mutant that is not made.

        Args:
            names: of all mutants that are made of the lab.

        Raises:
            CourseError: naming the mutant.
        """
        judged = {name for each in self.ids.values() for name in each if name.startswith(MUTANT)}
        gone = sorted(judged.difference(names))
        if gone:
            raise CourseError(
                f"judged_hint in the bank: no mutant {gone[0]!r} is made of the solution. "
                "Take it out, or write what the report names now."
            )


def _name(hint: Mapping[str, str]) -> str:
    """Return the text by which a hint is known."""
    return hint[min(hint)]
