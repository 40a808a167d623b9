"""Texts as numbers: vocabularies, ids, padded batches; and networks that must not read the padding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn

from autograder.checks.base import Checks
from autograder.checks.calling import call, call_student
from autograder.checks.family import Family
from autograder.checks.networks import build, refill
from autograder.checks.sizes import Dimension, Sizes, drawn_sizes, named, resolved
from autograder.checks.supplied import SuppliedTensor, SuppliedTokens, Supplies
from autograder.checks.tensors import require_tensor, require_tuple
from autograder.messages import CheckFailed, Message, add_texts
from autograder.replay import Replay, randomness

TEXTS = add_texts(__package__, "sequences")

# What stands for padding, and for words that a vocabulary does not have.
PADDING, UNKNOWN = 0, 1
# How often words occur in a supplied text: several equally often, also at the place where it is cut.
_COUNTS = (9, 7, 7, 5, 5, 5, 4, 3, 3, 2, 2, 2, 1, 1)
# Ids of 0 and 1 belong to it: some words are left out, one of two equals is, and none is.
_VOCABULARY_SIZES = (7, 10, 5, 40)
_LETTERS = "abcdefghijklmnopqrstuvwxyzáéñü"
# Sequences of a padded batch, and the tokens of its longest.
_LEAST_PADDED = 6
_MORE_PADDING = 3
# An LSTM whose batch is padded otherwise computes the same sums in the same order.
_TOLERANCE = 1e-9


class SequenceFamily(Checks):
    """The way to the checks of sequences, `checks.sequences.vocabulary(...)`."""

    @property
    def sequences(self) -> SequenceChecks:
        """Return the checks of texts as numbers, and of networks that read padded batches."""
        return SequenceChecks(self)


class SequenceChecks:
    """The checks of texts as numbers, and of networks that read padded batches."""

    def __init__(self, block: Checks) -> None:
        self._block = block

    def vocabulary(self, name: str, function: Callable[..., Any], *, points: float) -> bool:
        """Check a vocabulary: which words it has, with which ids.

        Args:
            name: the stable name of the check.
            function: the student's `build_vocabulary(texts, size)`: texts are lists of words; it returns a
                dictionary of the size - 2 most frequent words, ids from 2 on by falling count, those that
                occur equally often in alphabetical order.
            points: the marks that the check is worth.
        """

        def compute(running: Replay) -> torch.Tensor:
            found = []
            for turn, size in enumerate(_VOCABULARY_SIZES):
                texts = supplied_texts(running, turn)
                words = sorted({word for text in texts for word in text})
                vocabulary = _require_vocabulary(call(function, [texts, size], running), words, size)
                found.append(torch.tensor([vocabulary.get(word, 0) for word in words]))
            return torch.stack(found).double()

        return self._block.run_array(name, points, compute, Message("vocabulary_differs"))

    def encoding(self, name: str, function: Callable[..., Any], *, points: float) -> bool:
        """Check that words become their ids, and those that a vocabulary does not have 1.

        Args:
            name: the stable name of the check.
            function: the student's `encode(text, vocabulary)`; it returns one integer per word.
            points: the marks that the check is worth.
        """

        def compute(running: Replay) -> torch.Tensor:
            found = []
            for turn in range(len(_VOCABULARY_SIZES)):
                text, vocabulary = _text_and_vocabulary(running, turn)
                ids = _require_ids(call(function, [text, vocabulary], running), len(text))
                found.append(torch.tensor(ids))
            return torch.cat(found).double()

        return self._block.run_array(name, points, compute, Message("encoding_differs"))

    def collation(self, name: str, function: Callable[..., Any], *, part: str, points: float) -> bool:
        """Check a padded batch.

        Args:
            name: the stable name of the check.
            function: the student's `collate(sequences)`; sequences are lists of ids of several lengths; it
                returns two int64 tensors: tokens (n, longest), padded with 0 at the end, and lengths (n,).
            part: what is looked at: "tokens" or "lengths".
            points: the marks that the check is worth.
        """

        def compute(running: Replay) -> torch.Tensor:
            found = []
            for size in (*self._block.batch_sizes[:2], 1):
                sequences = supplied_sequences(running, size)
                returned = require_tuple(call(function, [sequences], running), ("tokens", "lengths"))
                longest = max(map(len, sequences))
                shape = (size, longest) if part == "tokens" else (size,)
                tensor = require_tensor(returned[part], shape=shape, integers=True)
                if tensor.dtype is not torch.int64:
                    raise CheckFailed("not_int64", part=part, seen=str(tensor.dtype))
                found.append(tensor.reshape(-1))
            return torch.cat(found).double()

        refused = (
            Message("sequence_tokens_differ") if part == "tokens" else Message("sequence_lengths_differ")
        )
        return self._block.run_array(name, points, compute, refused)

    def padding(self, name: str, factory: Callable[..., Any], *, vocabulary: int, points: float) -> bool:
        """Check that what a network says of a sequence depends on its own tokens, not on padding or others.

        The vector of padding is zero from the start, and no gradient moves it.

        Args:
            name: the stable name of the check.
            factory: the student's class; called with (tokens, lengths) it returns one number per sequence.
            vocabulary: ids are less than this; 0 stands for padding.
            points: the marks that the check is worth.
        """

        def compute(running: Replay) -> torch.Tensor:
            network = build(factory, running)
            empty = _rows_for_padding(network, vocabulary)
            tokens, lengths = _padded_batch(running, vocabulary)
            refill(network, _without_padding(tokens, vocabulary), running)
            with torch.no_grad():
                for rows in empty:
                    rows[PADDING] = 0.0
            network.eval()
            output = _require_invariance(network, tokens, lengths)
            _require_still(empty, output)
            return output

        return self._block.run_array(name, points, compute, Message("padded_logits_differ"))


# --- what is supplied ------------------------------------------------------------------------------


@dataclass(frozen=True)
class SuppliedLengths(SuppliedTensor):
    """How many tokens each of several sequences has, int64, where none is padded.

    Attributes:
        shape: (sequences,), perhaps by the name of its size.
        length: of every sequence, perhaps by the name of its size.
    """

    length: Dimension = 1

    @property
    def size_names(self) -> tuple[str, ...]:
        """Return the names in the shape, and that of the length."""
        return tuple(named((*self.shape, self.length)))

    def at(self, sizes: Sizes) -> SuppliedLengths:
        """Return the lengths with sizes in place of their names."""
        (length,) = resolved((self.length,), sizes)
        return replace(self, shape=resolved(self.shape, sizes), length=length)

    def build(self, running: Replay) -> torch.Tensor:
        """Return the tensor."""
        (length,) = resolved((self.length,), {})
        return torch.full(self.numbers, length, dtype=torch.int64, device=running.device)


class SequenceSupplies(Supplies):
    """Batches of sequences, for networks that read them."""

    def supplied_sequences(self, vocabulary: int) -> list[SuppliedTensor]:
        """Return ids of words and the lengths of the sequences, (n, words) and (n,): none is padded.

        Args:
            vocabulary: ids are less than this, and not those of padding.
        """
        return [
            SuppliedTokens(("n", "words"), vocabulary, first=UNKNOWN, name="sequences"),
            SuppliedLengths(("n",), length="words"),
        ]


def supplied_texts(running: Replay, turn: int) -> list[list[str]]:
    """Return texts, lists of words that occur as often as `_COUNTS` says; which word how often is chance."""
    words = supplied_words(running, len(_COUNTS), turn)
    drawn = [word for word, count in zip(words, _COUNTS, strict=True) for _ in range(count)]
    order = randomness.permutation(randomness.derive_key(running.seed, "order of words", turn), len(drawn))
    mixed = [drawn[place] for place in order]
    ends = [0, 5, 6, 17, 30, len(mixed)]
    return [mixed[first:last] for first, last in pairwise(ends)]


def supplied_words(running: Replay, count: int, turn: int) -> list[str]:
    """Return words that nobody knows, all different, in no order."""
    letters = randomness.integers(
        randomness.derive_key(running.seed, "letters", turn), (2 * count, 4), 0, len(_LETTERS)
    )
    words = dict.fromkeys("".join(_LETTERS[letter] for letter in row) for row in letters)
    return list(words)[:count]


def _text_and_vocabulary(running: Replay, turn: int) -> tuple[list[str], dict[str, int]]:
    """Return a text of which a vocabulary knows two words in three, and the vocabulary."""
    words = supplied_words(running, 15, turn)
    ids = randomness.permutation(randomness.derive_key(running.seed, "ids", turn), 10)
    vocabulary = {word: int(number) + UNKNOWN + 1 for word, number in zip(words[:10], ids, strict=True)}
    key = randomness.derive_key(running.seed, "text", turn)
    places = [*randomness.permutation(key, 15), *randomness.integers(key, (6,), 0, 15)]
    return [words[place] for place in places], vocabulary


def supplied_sequences(running: Replay, count: int) -> list[list[int]]:
    """Return lists of ids of words, of which one has a single id, in no order of their lengths."""
    longest = drawn_sizes(running.seed, f"longest of {count}", 1)[0]
    key = randomness.derive_key(running.seed, "sequences", count)
    lengths = randomness.integers(key, (count,), 1, longest + 1)
    # The longest is neither the first nor the last where there are three or more.
    lengths[count // 2], lengths[-1] = longest, lengths[-1] if count == 1 else 1
    return [
        randomness.integers(randomness.derive_key(key, place), (int(length),), UNKNOWN, 100).tolist()
        for place, length in enumerate(lengths)
    ]


# --- what comes back -------------------------------------------------------------------------------


def _require_vocabulary(value: Any, words: Sequence[str], size: int) -> Mapping[str, int]:
    """Return a vocabulary.

    Raises:
        CheckFailed: if it is no dictionary of words and ids, has other words, or ids that are not its own.
    """
    if value is None:
        raise CheckFailed("returned_none")
    if not isinstance(value, Mapping) or not all(isinstance(word, str) for word in value):
        raise CheckFailed("not_vocabulary", seen=type(value).__name__)
    ids = [number.item() if isinstance(number, np.integer) else number for number in value.values()]
    if any(type(number) is not int for number in ids):
        odd = next(number for number in ids if type(number) is not int)
        raise CheckFailed("vocabulary_ids", seen=type(odd).__name__)
    if reserved := sorted({*ids} & {PADDING, UNKNOWN}):
        raise CheckFailed("vocabulary_reserved", seen=reserved[0])
    if foreign := [word for word in value if word not in words]:
        raise CheckFailed("vocabulary_foreign", seen=foreign[0])
    expected = min(len(words), size - 2)
    if len(value) != expected:
        raise CheckFailed("vocabulary_length", seen=len(value), size=size, words=len(words))
    if {*ids} != {*range(2, expected + 2)}:
        raise CheckFailed("vocabulary_gaps", low=min(ids), high=max(ids), words=expected)
    return dict(zip(value, ids, strict=True))


def _require_ids(value: Any, count: int) -> list[int]:
    """Return ids as a list.

    Raises:
        CheckFailed: if they are not as many integers as words.
    """
    if value is None:
        raise CheckFailed("returned_none")
    if isinstance(value, (torch.Tensor, np.ndarray)) and value.ndim == 1:
        value = value.tolist()
    if not isinstance(value, (list, tuple)) or not all(
        isinstance(number, (int, np.integer)) for number in value
    ):
        raise CheckFailed("not_ids", seen=type(value).__name__)
    if len(value) != count:
        raise CheckFailed("ids_length", seen=len(value), expected=count)
    return [int(number) for number in value]


# --- networks that read padded batches -------------------------------------------------------------


def _rows_for_padding(network: nn.Module, vocabulary: int) -> list[nn.Parameter]:
    """Return the matrices whose row for padding a network begins with empty, as `padding_idx=0` does.

    Raises:
        CheckFailed: if none of them has a row for each word.
    """
    empty = [
        matrix
        for matrix in network.parameters()
        if matrix.ndim == 2 and len(matrix) > 1 and not matrix[PADDING].any() and matrix[1:].any()
    ]
    if not any(len(matrix) == vocabulary for matrix in empty):
        raise CheckFailed("padding_not_zero")
    return empty


def _require_still(empty: list[nn.Parameter], output: torch.Tensor) -> None:
    """Raise `CheckFailed` if training would move the vector of padding."""
    for gradient in torch.autograd.grad(output.sum(), empty, allow_unused=True):
        if gradient is not None and gradient[PADDING].any():
            raise CheckFailed("padding_learns")


def _padded_batch(running: Replay, vocabulary: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return tokens (n, longest) and lengths (n,), in no order of the lengths: some sequences are padded."""
    size, longest = drawn_sizes(running.seed, "padded", 2, _LEAST_PADDED)
    key = randomness.derive_key(running.seed, "padded", size)
    lengths = torch.from_numpy(randomness.integers(key, (size,), 1, longest)).to(running.device)
    lengths[1] = longest
    tokens = SuppliedTokens((size, longest), vocabulary, first=UNKNOWN, name="padded").build(running)
    beyond = torch.arange(longest, device=running.device) >= lengths[:, None]
    return tokens.masked_fill(beyond, PADDING), lengths


def _without_padding(tokens: torch.Tensor, vocabulary: int) -> list[torch.Tensor]:
    """Return tokens and lengths as if no sequence was padded, and there was one for each id."""
    full = torch.where(tokens == PADDING, UNKNOWN, tokens)
    return [full, torch.full((len(full),), full.shape[1], dtype=torch.int64, device=full.device)]


def _require_invariance(network: nn.Module, tokens: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Return what a network says of each sequence of a padded batch.

    Raises:
        CheckFailed: if it says something else where a sequence is by itself, or there is more padding.
    """
    output = require_tensor(call_student(network, tokens, lengths), shape=(len(tokens),))
    wider = nn.functional.pad(tokens, (0, _MORE_PADDING), value=PADDING)
    padded = require_tensor(call_student(network, wider, lengths), shape=(len(tokens),))
    if (change := _change(padded, output)) > _TOLERANCE:
        raise CheckFailed("more_padding_changes", count=_MORE_PADDING, change=change)
    alone = [
        require_tensor(call_student(network, row[None, :length], length[None]), shape=(1,))
        for row, length in zip(tokens, lengths, strict=True)
    ]
    if (change := _change(torch.cat(alone), output)) > _TOLERANCE:
        raise CheckFailed("padding_changes", change=change)
    return output


def _change(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).detach().abs().max())


FAMILY = Family(SequenceFamily, SequenceSupplies)
