"""The session of one notebook: opens a lab, keeps its marks, sums them up."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from autograder import emission
from autograder.block import Block
from autograder.checks.gan_step import BATCH_SIZES
from autograder.checks.supplied import (
    SuppliedDiscriminator,
    SuppliedGenerator,
    SuppliedInteger,
    SuppliedPixels,
    SuppliedResults,
    SuppliedSamples,
)
from autograder.errors import GraderError, UnknownLabError
from autograder.key import AnswerKey, installed_keys
from autograder.language import require_language, set_language
from autograder.observation import Observation
from autograder.summary import Summary, summarise, write_marks


@dataclass
class Recording:
    """Collects the observations of a run that is not verified against a key.

    Attributes:
        seed: of all replays of the run.
        observations: by name of the check, in the order in which they were made.
        blocks: the full marks of each block, in order.
        identities: the student ids that the identity cell gave.
    """

    seed: int
    observations: dict[str, Observation] = field(default_factory=dict)
    blocks: dict[str, float] = field(default_factory=dict)
    identities: tuple[str, ...] = ()


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


class Lab:
    """One lab in one notebook: its checks, and the marks so far.

    Attributes:
        name: the lab's id.
        language: "es" or "en".
        device: where replays run.
        seed: of all replays.
        key: the answer key, None while recording.
        emits: whether check cells hand on what they observe, for marks that are given elsewhere.
    """

    def __init__(
        self,
        name: str,
        *,
        language: str = "es",
        device: str | torch.device = "cpu",
        key: AnswerKey | None,
        recording: Recording | None = None,
        emits: bool = False,
    ) -> None:
        self.name = name
        self.language = require_language(language)
        self.device = torch.device(device)
        self.key = key
        self.emits = emits
        self.identities: tuple[str, ...] = ()
        self._recording = recording
        if recording is not None:
            self.seed = recording.seed
        elif key is not None:
            self.seed = key.seed
        else:
            raise GraderError("a lab needs an answer key or a recording")
        self._blocks: dict[str, Block] = {}

    def __repr__(self) -> str:
        return f"Lab({self.name!r}, language={self.language!r}, device={str(self.device)!r})"

    def marks(self, name: str, points: float) -> Block:
        """Return the block of checks that one check cell holds.

        Args:
            name: the block's stable name.
            points: its full marks.

        Returns:
            A context manager; running the cell again replaces the block's earlier entry.
        """
        return Block(self, name, float(points))

    # --- what the library supplies for grading a function that takes it --------------------------------

    def supplied_generator(
        self, latent_shape: tuple[int, ...], sample_shape: tuple[int, ...], *, batch_norm: bool = False
    ) -> SuppliedGenerator:
        """Return a small generator; with batch normalisation it must be given back in train mode."""
        return SuppliedGenerator(latent_shape, sample_shape, batch_norm)

    def supplied_discriminator(self, sample_shape: tuple[int, ...]) -> SuppliedDiscriminator:
        """Return a small discriminator with dropout; it must be given back in train mode."""
        return SuppliedDiscriminator(sample_shape)

    def supplied_samples(self, shape: tuple[int, ...], name: str = "samples") -> SuppliedSamples:
        """Return standard normal numbers; two names give two tensors."""
        return SuppliedSamples(shape, name)

    def supplied_pixels(self, shape: tuple[int, ...]) -> SuppliedPixels:
        """Return pictures of random pixels, uint8."""
        return SuppliedPixels(shape)

    def supplied_integers(self, count: int, **ranges: tuple[int, int]) -> list[tuple[SuppliedInteger, ...]]:
        """Return rows of random integers, arguments for as many calls of a function.

        Args:
            count: the number of rows.
            **ranges: per argument, the least integer and one more than the greatest.
        """
        return [
            tuple(SuppliedInteger(f"{name} {row}", *ends) for name, ends in ranges.items())
            for row in range(count)
        ]

    def supplied_batches(
        self, *names: str, sample_shape: tuple[int, ...]
    ) -> list[tuple[SuppliedSamples, ...]]:
        """Return batches of standard normal numbers, arguments for a call of a function per batch size.

        Args:
            *names: of the arguments; two names give two tensors.
            sample_shape: of one row of a batch.
        """
        return [
            tuple(SuppliedSamples((size, *sample_shape), f"{name} {size}") for name in names)
            for size in BATCH_SIZES
        ]

    def supplied_results(self, *kinds: str) -> list[tuple[SuppliedResults, ...]]:
        """Return results of classifiers, NumPy arrays, arguments for a call of a function per batch size.

        Args:
            *kinds: of the arguments: "labels", "probabilities", "hits" or "values"; see `SuppliedResults`.
        """
        return [
            tuple(SuppliedResults(kind, size, f"argument {place}") for place, kind in enumerate(kinds))
            for size in BATCH_SIZES
        ]

    def accepts(self, observation: Observation) -> bool | None:
        """Tell whether an observation is right; None when that is decided elsewhere."""
        if self._recording is not None:
            self._recording.observations[observation.name] = observation
        if self.key is None:
            return None if observation.error is None else False
        return self.key.accepts(observation)

    def hint(self, observation: Observation) -> Mapping[str, str] | None:
        """Return the hint for an observation that a known wrong answer makes, by language."""
        return None if self.key is None else self.key.hint(observation)

    def enter(self, block: Block) -> None:
        """Keep the entry of a block, in place of any earlier one."""
        self._blocks[block.name] = block
        if self._recording is not None:
            self._recording.blocks[block.name] = block.points
            self._recording.identities = self.identities

    def messages(self) -> dict[str, str]:
        """Return what every check run so far said, by name of the check."""
        return {
            result.name: result.message.render(self.language)
            for block in self._blocks.values()
            for result in block.results
        }

    def summary(self, path: str | Path | None = "marks.json") -> Summary:
        """Sum up the marks, show them and write them as JSON.

        May be called any number of times, at any point of the notebook.

        Args:
            path: where the JSON file goes; None writes none.

        Returns:
            The summary: a table in a notebook, plain text elsewhere.
        """
        summary = summarise(self, self._blocks)
        if path is not None and not self.emits:
            summary = write_marks(summary, Path(path))
        return summary


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
        name: the lab's id, for example "lab1_sine_gan".
        language: of all messages: "es" or "en".
        device: where graded code runs; the marks are the same on all.
        key: another answer key, or the path of one; by default that of the installed lab.

    Returns:
        The lab, with no marks yet.

    Raises:
        UnknownLabError: if there is no such lab.
        KeyFileError: if its answer key is damaged.
        GraderError: if the language is not available.
    """
    set_language(language)
    options: dict[str, Any] = {"language": language, "device": device}
    recording = _recording.get()
    if recording is not None:
        return Lab(name, key=None, recording=recording, **options)
    seed = emission.seed_to_emit()
    if seed is not None:
        lab = Lab(name, key=None, recording=Recording(seed), emits=True, **options)
        _opened.setdefault(name, lab)
        return lab
    if isinstance(key, AnswerKey):
        return Lab(name, key=key, **options)
    path = Path(key) if key is not None else _key_path(name)
    return Lab(name, key=AnswerKey.load(path), **options)


def _key_path(name: str) -> Path:
    """Return the path of the key of an installed lab."""
    known = installed_keys()
    if name not in known:
        have = ", ".join(known) or "none"
        raise UnknownLabError(
            f"there is no lab called {name!r} here. Installed labs: {have}. Check the spelling, or "
            "install a newer release of the course package."
        )
    return known[name]
