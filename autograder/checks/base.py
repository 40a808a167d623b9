"""How any check runs: it observes in a replay, a judge decides, and the result is kept with a message.

Families of checks are subclasses of `Checks`. A check is an object with `observe` and `diagnose`; most are
made by `run_array` and `run_numbers`, which give it a replay of its own.
"""

from __future__ import annotations

import contextlib
import io
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import FrameType
from typing import Protocol

import torch

from autograder import faults
from autograder.checks.guard import Findings, collecting
from autograder.checks.rehearsal import rehearsals
from autograder.checks.sizes import BATCHES, LARGE, drawn_sizes
from autograder.errors import CheckUseError, TextError
from autograder.judge import Judge
from autograder.labels import heading_of
from autograder.marks import UNWRITTEN, CellMarks, Result, Verdict
from autograder.messages import CheckFailed, Message, Translated, add_texts
from autograder.observation import DIGITS, ROUNDED_DIGITS, Observation, gathering, project
from autograder.replay import Replay, replay
from autograder.replay.randomness import seed_of

TEXTS = add_texts(__package__, "base")
WRONG = Message("wrong_scalar")
# What may be said of a whole cell; said once, the next check says that it is the same.
_CAUSES = ("raised", faults.NO_DEVICE, *UNWRITTEN)


class Session(Protocol):
    """What the checks of a cell need of the lab that was opened.

    Attributes:
        name: the lab's id.
        language: of all messages.
        device: where replays run.
        judge: who decides what an observation is worth.
        identities: the ids of those who hand in.
    """

    name: str
    language: str
    device: torch.device
    judge: Judge
    identities: tuple[str, ...]

    def close(self, block: Checks) -> None:
        """Take a cell whose checks have run."""


class Check(Protocol):
    """One check.

    Attributes:
        name: the stable name of the check, for example "network.output".
        points: the marks that it is worth.
        digits: significant digits that are compared.
        verified: whether an observation can be wrong; what only says who hands in cannot.
        follows_from: what a right observation follows from where that is only what the library supplies, else
            empty. Where a kernel hands on observations, whoever patches the library there has these without
            an answer: they are worth a look where nothing else of their cell is right.
    """

    name: str
    points: float
    digits: int
    verified: bool
    follows_from: str

    def observe(self) -> Sequence[float] | str:
        """Run the student's code; return numbers or a text, or raise `CheckFailed`."""

    def diagnose(self) -> Message:
        """Return what to say of an observation that is wrong."""


@dataclass
class FunctionCheck:
    """A check that is made of two functions; see `Check`."""

    name: str
    points: float
    observing: Callable[[], Sequence[float] | str]
    diagnosing: Callable[[], Message] = lambda: WRONG
    digits: int = DIGITS
    verified: bool = True
    follows_from: str = ""

    def observe(self) -> Sequence[float] | str:
        """Return what is observed."""
        return self.observing()

    def diagnose(self) -> Message:
        """Return what to say of an observation that is wrong."""
        return self.diagnosing()


class Checks:
    """The checks of one check cell, and what became of them; families add the methods that cells call.

    Args:
        session: the lab that was opened.
        name: the block's stable name.
        points: its full marks.

    Attributes:
        results: one entry per check, in order.
        notices: what is said of the whole cell, before its checks.
    """

    def __init__(self, session: Session, name: str, points: float) -> None:
        self.session = session
        self.name = name
        self.points = points
        self.results: list[Result] = []
        self.notices: tuple[Message, ...] = ()
        self._last_cause: Message | None = None
        # What calls left changed costs the marks of one check of the cell.
        self._charged: set[str] = set()
        self._rehearsed: set[int] = set()

    @property
    def seed(self) -> int:
        """Return the seed of all replays."""
        return self.session.judge.seed

    def cell_marks(self) -> CellMarks:
        """Return the marks of the cell, as far as its checks have run."""
        session = self.session
        heading = heading_of(self.name, session.judge.headings, session.language)
        return CellMarks(
            self.name,
            self.points,
            session.language,
            self.results,
            session.identities,
            heading,
            self.notices,
        )

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """Return the sizes of the batches that the cell's checks use, none a multiple of another.

        The last one is larger than the batches that a notebook trains with.
        """
        purpose = f"batches of {self.name}"
        sizes = drawn_sizes(self.seed, purpose, BATCHES - 1)
        large = drawn_sizes(self.seed, f"large {purpose}", LARGE // 2, LARGE)
        return (*sizes, next(size for size in large if all(size % small for small in sizes)))

    def replay(self, name: str) -> contextlib.AbstractContextManager[Replay]:
        """Return the replay of one check, or of one trial of several: each has its own random numbers."""
        return replay(seed_of(self.seed, name), self.session.device)

    def project(self, array: torch.Tensor, name: str) -> list[float]:
        """Return the numbers that stand for an array in the observation of a check."""
        return project(array, self.seed, name)

    def run_array(
        self,
        name: str,
        points: float,
        compute: Callable[[Replay], torch.Tensor],
        refused: Message | Callable[[torch.Tensor], Message] = WRONG,
        *,
        digits: int = DIGITS,
        follows_from: str = "",
        rounded: bool = False,
    ) -> bool:
        """Run a check that observes one tensor, in a replay of its own.

        Args:
            name: the stable name of the check.
            points: the marks that it is worth.
            compute: runs the student's code in the replay; returns a tensor or raises `CheckFailed`.
            refused: the message for a tensor that is wrong, or what finds it.
            digits: significant digits compared.
            follows_from: see `Check`.
            rounded: whether values may have been float32 on the way.

        Returns:
            Whether the check is passed; False too where that is decided elsewhere.
        """
        seen: list[torch.Tensor] = []
        digits = ROUNDED_DIGITS if rounded else digits

        def numbers(running: Replay) -> list[float]:
            seen.append(compute(running))
            return project(seen[0], self.seed, name, rounded=rounded)

        def diagnose() -> Message:
            return refused if isinstance(refused, Message) else refused(seen[0])

        return self.run_numbers(name, points, numbers, diagnose, digits=digits, follows_from=follows_from)

    def run_numbers(
        self,
        name: str,
        points: float,
        compute: Callable[[Replay], list[float]],
        diagnose: Callable[[], Message] = lambda: WRONG,
        *,
        digits: int = DIGITS,
        follows_from: str = "",
    ) -> bool:
        """Run a check that observes a few numbers as they are, in a replay of its own; see `run_array`."""

        def observe() -> list[float]:
            with self.replay(name) as running:
                return compute(running)

        return self.run_function(name, points, observe, diagnose, digits=digits, follows_from=follows_from)

    def run_function(
        self,
        name: str,
        points: float,
        observe: Callable[[], Sequence[float] | str],
        diagnose: Callable[[], Message] = lambda: WRONG,
        *,
        digits: int = DIGITS,
        verified: bool = True,
        follows_from: str = "",
    ) -> bool:
        """Run a check that is made of two functions; see `Check` for the arguments."""
        return self.run(FunctionCheck(name, points, observe, diagnose, digits, verified, follows_from))

    def run(self, check: Check) -> bool:
        """Run a check: make its observation, have it judged, and keep the result.

        Returns:
            Whether it is passed; False too where that is decided elsewhere.
        """
        with _quiet():
            observation, message = self._observe(check)
            verdict = self._judged(check, observation)
            if message is None:
                message = self._message(check, verdict)
        result = Result(check.name, check.points, verdict, self._said_once(message), observation)
        self.results.append(result)
        return result.passed

    def conclude(self) -> None:
        """Give hints, now that it is known which checks of the cell refuse the answer."""
        refused = {result.name for result in self.results if result.verdict is Verdict.WRONG}
        said: Message | None = None
        for index, result in enumerate(self.results):
            if result.name not in refused or result.observation is None:
                continue
            hint = self.session.judge.hint(result.observation, refused)
            if hint is not None:
                message = Message("hint", {"hint": Translated(hint)})
                shown = Message("same_cause") if message == said else message
                said = message
                self.results[index] = replace(result, message=shown)

    def _observe(self, check: Check) -> tuple[Observation, Message | None]:
        """Return the observation, and the message that explains why there is none."""
        blank = Observation(
            name=check.name,
            block=self.name,
            points=float(check.points),
            digits=check.digits,
            weak=bool(check.follows_from),
        )
        try:
            with (
                collecting() as findings,
                rehearsals(findings.add, self._rehearsed),
                gathering() as arrays,
            ):
                seen = check.observe()
            self.session.judge.saw(check.name, arrays)
        except CheckUseError:
            raise
        except CheckFailed as failure:
            message = self._sayable(failure.message)
        except (Exception, SystemExit) as error:
            message = faults.explain(error)
        else:
            if (finding := self._charge(findings)) is not None:
                return replace(blank, error=finding.key, text=finding.evidence()), finding
            if isinstance(seen, str):
                return replace(blank, text=seen), None
            return replace(blank, values=tuple(float(value) for value in seen)), None
        return replace(blank, error=message.key, text=message.evidence()), message

    def _charge(self, findings: Findings) -> Message | None:
        """Return a finding that no check of the cell has been charged with yet; all are charged now."""
        new = [message for message in findings.messages if message.key not in self._charged]
        self._charged |= {message.key for message in new}
        return new[0] if new else None

    def _judged(self, check: Check, observation: Observation) -> Verdict:
        """Return the verdict; where any observation is right, only its absence is wrong."""
        if check.verified:
            return self.session.judge.judge(observation)
        return Verdict.RIGHT if observation.error is None else Verdict.WRONG

    def _message(self, check: Check, verdict: Verdict) -> Message:
        """Return what to say of an observation that was made."""
        if verdict is Verdict.RIGHT:
            return Message("ok")
        if verdict is Verdict.OPEN and not self.session.judge.says_why:
            return Message("observed")
        try:
            return self._sayable(check.diagnose())
        except CheckFailed as failure:
            return self._sayable(failure.message)
        except (Exception, SystemExit) as error:
            return faults.explain(error)

    def _sayable(self, message: Message) -> Message:
        """Return a message, or one that says that its text is missing: that is no fault of a student's."""
        try:
            message.render(self.session.language)
        except TextError as error:
            family = _family()
            self.session.judge.stopped(self.name, TextError(f"{family}: {error}"))
            return Message("no_text", {"family": family, "said": str(error)})
        return message

    def _said_once(self, message: Message) -> Message:
        """Return a message, or a short one where the check before said the same of the whole cell."""
        if message.key not in _CAUSES:
            return message
        if message == self._last_cause:
            return Message("same_cause")
        self._last_cause = message
        return message


def _family() -> str:
    """Return the module of the check that runs: the first one that called this module."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_globals["__name__"] == __name__:
        frame = frame.f_back
    return str(frame.f_globals["__name__"]) if frame is not None else __name__


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what a student's code prints and warns about while it is marked out of the cell."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield
