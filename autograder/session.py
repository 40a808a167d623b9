"""The session of one notebook: opens a lab, keeps its marks, sums them up."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import torch

from autograder import emission
from autograder.block import Block
from autograder.cells import follow
from autograder.checks.base import Checks
from autograder.checks.family import compose, installed_families
from autograder.checks.tensors import TensorSupplies
from autograder.errors import UnknownLabError, did_you_mean
from autograder.judge import Emitter, Judge, Practice, Recorder, recording_now
from autograder.key import AnswerKey, hidden_packages, installed_keys
from autograder.language import LANGUAGES, require_language, set_language
from autograder.marks import CellMarks
from autograder.misuse import unknown
from autograder.summary import Summary, summarise, write_marks
from autograder.watch import watch


class Lab(TensorSupplies):
    """One lab in one notebook: its checks, and the marks so far.

    Attributes:
        name: the lab's id.
        language: of all messages, such as "en".
        device: where replays run.
        judge: who decides what an observation is worth.
        identities: the ids of those who hand in.
    """

    def __new__(cls, *args: Any, **named: Any) -> Lab:
        """Return a lab with what all installed families supply."""
        return super().__new__(_lab_class() if cls is Lab else cls)

    def __init__(
        self, name: str, judge: Judge, *, language: str = "es", device: str | torch.device = "cpu"
    ) -> None:
        self.name = name
        self.judge = judge
        self.language = language
        self.device = torch.device(device)
        self.identities: tuple[str, ...] = ()
        self._cells: dict[str, CellMarks] = {}

    def __repr__(self) -> str:
        return f"Lab({self.name!r}, language={self.language!r}, device={str(self.device)!r})"

    if not TYPE_CHECKING:  # to a type checker, a name that no family has is an error

        def __getattr__(self, name: str) -> NoReturn:
            raise unknown("lab", name, type(self))

    @property
    def seed(self) -> int:
        """Return the seed of all replays."""
        return self.judge.seed

    def marks(self, name: str, points: float) -> Block:
        """Return the block of checks that one check cell holds.

        Args:
            name: the block's stable name.
            points: its full marks.

        Returns:
            A context manager; running the cell again replaces the block's earlier entry.
        """
        return Block(self, name, float(points))

    def close(self, block: Checks) -> None:
        """Keep the marks of a cell in place of any earlier ones, and let the judge show them."""
        cell = block.cell_marks()
        self._cells[cell.name] = cell
        self.judge.close(cell, self.name)

    def messages(self) -> dict[str, str]:
        """Return what every check run so far said, by name of the check."""
        return {
            result.name: result.message.render(self.language)
            for cell in self._cells.values()
            for result in cell.results
        }

    def summary(self, path: str | Path | None = "marks.json") -> Summary:
        """Sum up the marks, show them and write them as JSON.

        May be called any number of times, at any point of the notebook.

        Args:
            path: where the JSON file goes; None writes none.

        Returns:
            The summary: a table in a notebook, plain text elsewhere.
        """
        judge = self.judge
        summary = summarise(
            self.name,
            self.language,
            self._cells,
            blocks=judge.blocks,
            manual=judge.manual,
            identities=self.identities,
            headings=judge.headings,
            pending=not judge.gives_marks,
        )
        if path is not None and judge.gives_marks:
            summary = write_marks(summary, Path(path))
        return summary


@functools.cache
def _lab_class() -> type[Lab]:
    """Return the class of labs with what all installed families supply."""
    return compose(Lab, [family.supplies for family in installed_families() if family.supplies])


# By name, the lab that hands on what it observes, as it was opened first.
_opened: dict[str, Lab] = {}


def opened(name: str) -> Lab | None:
    """Return a lab that was opened to hand on what it observes, whatever the notebook's names hold by now."""
    return _opened.get(name)


def open_lab(
    name: str,
    language: str = "es",
    device: str | torch.device = "cpu",
    key: AnswerKey | str | Path | None = None,
) -> Lab:
    """Open a lab for marking.

    With `AUTOGRADER_SEED` set, the lab verifies nothing: see `autograder.emission`.

    Args:
        name: the lab's id, for example "lab1_regression".
        language: of all messages; one of those that the lab has.
        device: where graded code runs; the marks are the same on all.
        key: another answer key, or the path of one; by default that of the installed lab.

    Returns:
        The lab, with no marks yet.

    Raises:
        UnknownLabError: if there is no such lab.
        KeyFileError: if its answer key is damaged.
        GraderError: if the language is not available.
    """
    judge = _judge(name, key)
    if isinstance(judge, Practice):
        # What the library says, it says in all its languages, whatever those of the lab are.
        require_language(language, tuple(dict.fromkeys((*judge.key.languages, *LANGUAGES))))
    set_language(language)
    lab = Lab(name, judge, language=language, device=device)
    if isinstance(judge, Emitter):
        _opened.setdefault(name, lab)
        follow(graded=True)
    elif isinstance(judge, Practice):
        watch(lab)
        follow()
    return lab


def _judge(name: str, key: AnswerKey | str | Path | None) -> Judge:
    """Return who judges the observations of a lab that is opened here and now."""
    recording = recording_now()
    if recording is not None:
        return Recorder(recording)
    seed = emission.seed_to_emit()
    if seed is not None:
        return Emitter(seed)
    if not isinstance(key, AnswerKey):
        key = AnswerKey.load(Path(key) if key is not None else _key_path(name))
    return Practice(key)


def _key_path(name: str) -> Path:
    """Return the path of the key of an installed lab."""
    known = installed_keys()
    if name not in known:
        have = ", ".join(known) or "none"
        advice = "Check the spelling, or install a newer release of the course package."
        for package, folder in hidden_packages().items():
            advice = (
                f"Python takes the folder {folder} for the package {package!r}: start it somewhere else, "
                "such as in that folder."
            )
        raise UnknownLabError(
            f"there is no lab called {name!r} here.{did_you_mean(name, known)} Installed labs: {have}. "
            f"{advice}"
        )
    return known[name]
