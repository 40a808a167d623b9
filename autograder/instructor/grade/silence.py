"""A class never gets 0 because its kernels, and not its answers, are at fault.

Where no check cell of the first submissions hands on anything, the notebook as students get it is run in
the same way. If that hands on nothing either, grading stops before any mark is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from autograder.instructor.grade.guard import Trouble
from autograder.instructor.grade.records import Record
from autograder.instructor.grade.work import Job, Outcome
from autograder.instructor.settings import CourseError

# So many submissions without a word are waited for before their kernels are doubted.
FEW = 3


@dataclass
class Silence:
    """Holds back results until one submission, or the notebook as students get it, has handed on something.

    Attributes:
        lab: the lab's id.
        blank: a job with the notebook as students get it.
        run: grades a job in one of the kernels that submissions get.
        heard: whether anything was handed on.
    """

    lab: str
    blank: Job
    run: Callable[[Job], Outcome | Trouble]
    heard: bool = False
    _held: list[Record] = field(default_factory=list)

    def let_through(self, record: Record) -> Iterator[Record]:
        """Yield the results that may be stored now, in order.

        Raises:
            CourseError: if kernels hand on nothing, with what they say.
        """
        self._held.append(record)
        self.heard = self.heard or record.outcome.silence == ""
        silent = [held for held in self._held if held.outcome.silence]
        if self.heard or not silent:
            yield from self._release()
        elif len(silent) >= FEW:
            yield from self.end()

    def end(self) -> Iterator[Record]:
        """Yield what is still held back, when no submission follows.

        Raises:
            CourseError: if kernels hand on nothing, with what they say.
        """
        if self._held and not self.heard:
            self._require_voice()
        yield from self._release()

    def _release(self) -> Iterator[Record]:
        while self._held:
            yield self._held.pop(0)

    def _require_voice(self) -> None:
        """Run the notebook as students get it: it too hands on what is missing in it."""
        found = self.run(self.blank)
        said = found.silence if isinstance(found, Outcome) else found.why.render("en")
        if said:
            raise CourseError(
                f"No check cell of {self.lab} hands on anything in the kernels here, not even of the "
                f"notebook as students get it; so no marks were stored. The kernels say: {said}. "
                "`course doctor` looks at this machine."
            )
        self.heard = True
