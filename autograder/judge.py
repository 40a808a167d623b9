"""Judges: who decides what an observation is worth.

A check makes an observation; one of three judges decides about it. `Practice` compares it with an answer key,
`Recorder` keeps it as that of a reference, `Emitter` hands it on to whoever gives the marks elsewhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

from autograder import display, emission
from autograder.key import AnswerKey
from autograder.marks import UNWRITTEN, CellMarks, Verdict
from autograder.observation import Observation, Projected


class Judge(Protocol):
    """Who decides what the observations of a lab are worth.

    Attributes:
        seed: of all replays.
        blocks: full marks of the blocks that are known beforehand, in notebook order.
        manual: full marks of what a person marks, likewise.
        headings: what the lab and its blocks are called, by language, where that is known.
        gives_marks: whether its verdicts are marks that the student sees.
        says_why: whether what to say of a wrong observation is needed although its verdict is open.
    """

    seed: int
    blocks: Mapping[str, float]
    manual: Mapping[str, float]
    headings: Mapping[str, Mapping[str, str]]
    gives_marks: bool
    says_why: bool

    def judge(self, observation: Observation) -> Verdict:
        """Return the verdict on an observation."""

    def saw(self, check: str, arrays: Sequence[Projected]) -> None:
        """Take the arrays behind the numbers of a check; they leave the process with no judge."""

    def stopped(self, block: str, error: BaseException) -> None:
        """Take an error of a check cell itself: its author's mistake, where the answers are right."""

    def hint(self, observation: Observation, refused: Collection[str]) -> Mapping[str, str] | None:
        """Return the hint, by language, for an observation that a known wrong answer makes.

        Args:
            observation: of one check.
            refused: names of all checks of the cell that refuse the answer.
        """

    def close(self, cell: CellMarks, lab: str) -> None:
        """Take a cell whose checks have run: show its marks, keep them, or hand them on."""


class Practice:
    """Judges by an answer key, and shows the marks.

    Args:
        key: of the lab.
    """

    gives_marks = True
    says_why = True

    def __init__(self, key: AnswerKey) -> None:
        self.key = key
        self.seed = key.seed
        self.blocks = key.blocks
        self.manual = key.manual
        self.headings = key.headings

    def judge(self, observation: Observation) -> Verdict:
        """Return whether the key accepts the observation."""
        return Verdict.RIGHT if self.key.accepts(observation) else Verdict.WRONG

    def saw(self, check: str, arrays: Sequence[Projected]) -> None:
        """Leave them: a key knows numbers only."""

    def stopped(self, block: str, error: BaseException) -> None:
        """Leave it: the cell says so."""

    def hint(self, observation: Observation, refused: Collection[str]) -> Mapping[str, str] | None:
        """Return the key's hint; code that is not there yet needs none."""
        return None if observation.error in UNWRITTEN else self.key.hint(observation, refused)

    def close(self, cell: CellMarks, lab: str) -> None:
        """Show the marks."""
        display.show(display.CellView(cell))


@dataclass
class Recording:
    """Collects the observations of a run that is not verified against a key.

    Attributes:
        seed: of all replays of the run.
        observations: by name of the check, in the order in which they were made.
        arrays: by name of the check, the arrays behind its numbers.
        blocks: the full marks of each block, in order.
        stopped: by block, the error of a check cell itself.
        identities: the student ids that the identity cell gave.
    """

    seed: int
    observations: dict[str, Observation] = field(default_factory=dict)
    arrays: dict[str, tuple[Projected, ...]] = field(default_factory=dict)
    blocks: dict[str, float] = field(default_factory=dict)
    stopped: dict[str, BaseException] = field(default_factory=dict)
    identities: tuple[str, ...] = ()


class _Open:
    """What both judges share that give no marks."""

    gives_marks = False
    manual: Mapping[str, float] = {}
    blocks: Mapping[str, float] = {}
    headings: Mapping[str, Mapping[str, str]] = {}

    def saw(self, check: str, arrays: Sequence[Projected]) -> None:
        """Leave them."""

    def stopped(self, block: str, error: BaseException) -> None:
        """Leave it."""

    def hint(self, observation: Observation, refused: Collection[str]) -> Mapping[str, str] | None:
        """Return None: without a key no answer is known."""
        return None


class Recorder(_Open):
    """Keeps every observation in a recording.

    Args:
        recording: that is filled.
    """

    says_why = False

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.seed = recording.seed

    def judge(self, observation: Observation) -> Verdict:
        """Keep the observation; one that could not be made is wrong."""
        self.recording.observations[observation.name] = observation
        return Verdict.OPEN if observation.error is None else Verdict.WRONG

    def saw(self, check: str, arrays: Sequence[Projected]) -> None:
        """Keep the arrays: whether they change with the seed tells what can be written down."""
        self.recording.arrays[check] = tuple(arrays)

    def stopped(self, block: str, error: BaseException) -> None:
        """Keep the first error of the block."""
        self.recording.stopped.setdefault(block, error)

    def close(self, cell: CellMarks, lab: str) -> None:
        """Keep the block's full marks, and who hands in."""
        self.recording.blocks[cell.name] = cell.points
        self.recording.identities = cell.students


class Emitter(_Open):
    """Hands on what is observed, for marks that are given elsewhere; see `autograder.emission`.

    Args:
        seed: of all replays.
    """

    # Who gives the marks elsewhere needs to know what to say if the observation is wrong.
    says_why = True

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def judge(self, observation: Observation) -> Verdict:
        """Leave the verdict open; an observation that could not be made is wrong."""
        return Verdict.OPEN if observation.error is None else Verdict.WRONG

    def close(self, cell: CellMarks, lab: str) -> None:
        """Hand on the bundle of the cell."""
        emission.emit(cell, lab)


_recording: ContextVar[Recording | None] = ContextVar("recording", default=None)


@contextlib.contextmanager
def record(seed: int) -> Iterator[Recording]:
    """Let every lab opened in the body record observations under `seed`, and verify none.

    Yields:
        The recording, which fills while the body runs.
    """
    recording = Recording(seed)
    token = _recording.set(recording)
    try:
        yield recording
    finally:
        _recording.reset(token)


def recording_now() -> Recording | None:
    """Return the recording in whose body this runs, if any."""
    return _recording.get()
