"""How any check runs: it observes in a replay, a judge decides, and the result is kept with a message.

Families of checks are subclasses of `Checks`. A check is an object with `observe` and `diagnose`; most are
made by `run_array` and `run_numbers`, which give it a replay of its own.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch

from autograder import faults
from autograder.judge import Judge
from autograder.marks import UNWRITTEN, CellMarks, Result, Verdict
from autograder.messages import CheckFailed, Message, Translated, add_texts
from autograder.observation import DIGITS, Observation, project
from autograder.replay import Replay, replay
from autograder.replay.randomness import seed_of

TEXTS = add_texts(__package__, "base")
# Several sizes of batches: a length that is written down must not pass.
BATCH_SIZES = (17, 32, 8, 24)
WRONG = Message("wrong_scalar")
# What may be said of a whole cell; said once, the next check says that it is the same.
_CAUSES = ("hint", "raised", faults.NO_DEVICE, *UNWRITTEN)


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
    """

    def __init__(self, session: Session, name: str, points: float) -> None:
        self.session = session
        self.name = name
        self.points = points
        self.results: list[Result] = []
        self._last_cause: Message | None = None

    @property
    def seed(self) -> int:
        """Return the seed of all replays."""
        return self.session.judge.seed

    def cell_marks(self) -> CellMarks:
        """Return the marks of the cell, as far as its checks have run."""
        session = self.session
        return CellMarks(self.name, self.points, session.language, self.results, session.identities)

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
    ) -> bool:
        """Run a check that observes one tensor, in a replay of its own.

        Args:
            name: the stable name of the check.
            points: the marks that it is worth.
            compute: runs the student's code in the replay; returns a tensor or raises `CheckFailed`.
            refused: the message for a tensor that is wrong, or what finds it.
            digits: significant digits compared.
            follows_from: see `Check`.

        Returns:
            Whether the check is passed; False too where that is decided elsewhere.
        """
        seen: list[torch.Tensor] = []

        def numbers(running: Replay) -> list[float]:
            seen.append(compute(running))
            return self.project(seen[0], name)

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
            hint = self.session.judge.hint(observation) if verdict is Verdict.WRONG else None
            if hint is not None:
                message = Message("hint", {"hint": Translated(hint)})
            elif message is None:
                message = self._message(check, verdict)
        result = Result(check.name, check.points, verdict, self._said_once(message), observation)
        self.results.append(result)
        return result.passed

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
            seen = check.observe()
        except CheckFailed as failure:
            message = failure.message
        except (Exception, SystemExit) as error:
            message = faults.explain(error)
        else:
            if isinstance(seen, str):
                return replace(blank, text=seen), None
            return replace(blank, values=tuple(float(value) for value in seen)), None
        return replace(blank, error=message.key, text=message.evidence()), message

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
            return check.diagnose()
        except CheckFailed as failure:
            return failure.message
        except (Exception, SystemExit) as error:
            return faults.explain(error)

    def _said_once(self, message: Message) -> Message:
        """Return a message, or a short one where the check before said the same of the whole cell."""
        if message.key not in _CAUSES:
            return message
        if message == self._last_cause:
            return Message("same_cause")
        self._last_cause = message
        return message


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
