"""An experiment with data: how it is split, what a model trains with, and what may be concluded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from autograder.checks.base import Checks
from autograder.checks.calling import call
from autograder.checks.family import Family
from autograder.checks.guard import May
from autograder.checks.sizes import drawn_sizes
from autograder.checks.supplied import Supplied, Supplies, supplied_rows
from autograder.checks.tensors import require_scalar, require_tensor, require_tuple
from autograder.messages import CheckFailed, Message, add_texts
from autograder.observation import DIGITS
from autograder.replay import Replay, randomness

TEXTS = add_texts(__package__, "experiments")
_LABELS = "the labels that the function is given: any stratified choice is right"

# Of each class there are multiples of 20 samples, so that these shares of them are whole numbers.
_SHARES = (0.25, 0.2, 0.1, 0.4)
_UNIT = 20
# Sizes of the real and of the generated set: repeating the real one also ends in the middle of a round.
_SET_SIZES = ((6, 12), (8, 8), (5, 13), (9, 4))
_SET_SHAPE = (1, 3, 2)
# Two resamplings of the same data differ in the third digit, wrong intervals in the second.
_RESAMPLED_DIGITS = 2
_PICTURES = 400
# Of results there are so many sizes, and no smaller one: what few results allow is easily guessed.
_RESULTS = 4
LEAST_RESULTS = 17
# To two digits, the ends of an interval are among a few numbers: it takes many of them.
_PAIRS = 12
# Pictures in a batch to augment.
_AUGMENTED = (17, 6)


class ExperimentFamily(Checks):
    """The way to the checks of an experiment, `checks.experiment.split(...)`."""

    @property
    def experiment(self) -> ExperimentChecks:
        """Return the checks of an experiment's parts: splits, training sets, figures and intervals."""
        return ExperimentChecks(self)


@dataclass(frozen=True)
class SuppliedResults(Supplied):
    """Results of a classifier as a NumPy array of one axis, that the seed decides.

    Attributes:
        kind: "labels", int64 of two classes, both of which occur; "probabilities", float64 in [0, 1), of
            which one is exactly 0.5; "hits", bool, of which four in five are true; or "values", float64
            around 1.
        place: among the sizes that are drawn; of hits there are ten times as many.
        name: two names give two arrays.
    """

    kind: str
    place: int
    name: str

    def build(self, running: Replay) -> np.ndarray:
        """Return the array."""
        count = drawn_sizes(running.seed, "results", _RESULTS, LEAST_RESULTS)[self.place]
        key = randomness.derive_key(running.seed, self.kind, self.name, count)
        if self.kind == "labels":
            labels = randomness.integers(key, (count,), 0, 2)
            labels[:2] = 0, 1
            return labels
        if self.kind == "probabilities":
            probabilities = randomness.uniform(key, (count,))
            # One is a limit case, and only one: equal probabilities have no order.
            probabilities[2] = 0.5
            return probabilities
        if self.kind == "hits":
            return randomness.uniform(key, (10 * count,)) < 0.8
        return 1.0 + 0.3 * randomness.normal(key, (count,))


class ExperimentSupplies(Supplies):
    """Results of classifiers, for functions that judge them."""

    def supplied_results(self, *kinds: str) -> list[tuple[SuppliedResults, ...]]:
        """Return results of classifiers, NumPy arrays: arguments of a few calls of a function per batch size.

        What is computed of few results is one of few numbers, so it takes many of them.

        Args:
            *kinds: of the arguments: "labels", "probabilities", "hits" or "values"; see `SuppliedResults`.
        """
        return [
            tuple(
                SuppliedResults(kind, place, f"argument {number}{turn}") for number, kind in enumerate(kinds)
            )
            for turn in ("", " again", " once more")
            for place in range(_RESULTS)
        ]


class ExperimentChecks:
    """The checks of an experiment's parts; each calls a student's function with seeded data."""

    def __init__(self, block: Checks) -> None:
        self._block = block

    def numbers(
        self,
        name: str,
        function: Callable[..., Any],
        cases: Sequence[tuple[Any, ...]],
        *,
        names: Sequence[str],
        points: float,
        digits: int = DIGITS,
        dictionary: bool = False,
    ) -> bool:
        """Check some of the numbers that a function returns, for several arguments.

        Args:
            name: the stable name of the check.
            function: the student's; it returns a tuple of as many numbers as `names`, or a dictionary that
                has them.
            cases: the arguments of each call.
            names: of the numbers.
            points: the marks that the check is worth.
            digits: significant digits compared.
            dictionary: whether it must be a dictionary.
        """

        def compute(running: Replay) -> list[float]:
            found = (_named(call(function, case, running), names, dictionary) for case in cases)
            return [number for numbers in found for number in numbers]

        return self._block.run_numbers(name, points, compute, digits=digits)

    def split(self, name: str, function: Callable[..., Any], *, points: float) -> bool:
        """Check that a split is complete, without overlap and stratified.

        Args:
            name: the stable name of the check.
            function: the student's `split(labels, share, seed)`: labels are an int64 array (n,); it returns
                the indices of the larger part and of the smaller one, whose share of each class is `share`.
            points: the marks that the check is worth.
        """

        def compute(running: Replay) -> torch.Tensor:
            return torch.cat([_parts(function, case, running) for case in range(len(_SHARES))])

        return self._block.run_array(
            name,
            points,
            compute,
            Message("split_differs"),
            follows_from=_LABELS,
        )

    def split_seed(self, name: str, function: Callable[..., Any], *, points: float) -> bool:
        """Check that a split can be repeated with its seed, and that another seed gives another one.

        Args:
            name: the stable name of the check.
            function: as for `split`.
            points: the marks that the check is worth.
        """

        def compute(running: Replay) -> torch.Tensor:
            found = []
            for case, share in enumerate(_SHARES):
                labels = _labels(case, running)
                # Seeds that no earlier case used: a program that seeds PyTorch then draws as with a new one.
                seeds = (2 * case, 2 * case, 2 * case + 1)
                once, again, other = (
                    _indices(call(function, (labels, share, seed), running, May(own_seed=True)))
                    for seed in seeds
                )
                if sorted(once[1]) != sorted(again[1]):
                    raise CheckFailed("split_not_repeatable")
                if sorted(once[1]) == sorted(other[1]):
                    raise CheckFailed("split_without_seed")
                # Of both parts together: which of them is large, and whether both are alike, is for `split`.
                found += [_counts(labels, larger + smaller) for larger, smaller in (once, again, other)]
            return torch.cat(found)

        return self._block.run_array(
            name,
            points,
            compute,
            Message("split_differs"),
            follows_from=_LABELS,
        )

    def training_set(self, name: str, function: Callable[..., Any], arm: str, *, points: float) -> bool:
        """Check which pictures, with which labels, one arm of a comparison trains with, in any order.

        Args:
            name: the stable name of the check.
            function: the student's `training_set(arm, real, fake)`; real and fake are pairs of pictures
                (n, channels, height, width) and int64 labels (n,), and so is what it returns.
            arm: that is asked for.
            points: the marks that the check is worth.
        """

        def compute(running: Replay) -> torch.Tensor:
            return torch.cat([_composition(function, arm, *sizes, running) for sizes in _SET_SIZES])

        return self._block.run_array(name, points, compute, Message("set_differs"))

    def augmentation(
        self, name: str, function: Callable[..., Any], *, sample_shape: tuple[int, ...], points: float
    ) -> bool:
        """Check what a random augmentation does with a batch, called twice with the same pictures.

        The second call shows whether the first changed its argument, or seeded anew.

        Args:
            name: the stable name of the check.
            function: the student's; called with pictures (n, *sample_shape), it returns as many.
            sample_shape: of one picture.
            points: the marks that the check is worth.
        """

        def compute(running: Replay) -> torch.Tensor:
            return torch.cat([_augmented(function, (n, *sample_shape), running) for n in _AUGMENTED])

        return self._block.run_array(name, points, compute, Message("augmentation_differs"))

    def paired_interval(self, name: str, function: Callable[..., Any], *, points: float) -> bool:
        """Check a mean difference and its bootstrap interval, to the precision that resampling allows.

        Args:
            name: the stable name of the check.
            function: the student's; called with two float64 arrays (n,), results for the same pictures, it
                returns the mean difference, first minus second, and the ends of its 95 % interval.
            points: the marks that the check is worth.
        """

        def compute(running: Replay) -> list[float]:
            found = []
            for case in range(_PAIRS):
                pair = _paired_results(case, running)
                found += _named(call(function, pair, running), ("difference", "low", "high"), False)
            return found

        return self._block.run_numbers(name, points, compute, digits=_RESAMPLED_DIGITS)


# --- numbers -------------------------------------------------------------------------------------------


def _named(returned: Any, names: Sequence[str], dictionary: bool) -> list[float]:
    """Return numbers that came as a dictionary, a tuple or a tensor, in the order of their names."""
    if dictionary and returned is not None and not isinstance(returned, dict):
        raise CheckFailed("not_dictionary", seen=type(returned).__name__)
    if isinstance(returned, dict):
        if missing := [name for name in names if name not in returned]:
            raise CheckFailed("key_missing", name=missing[0], seen=", ".join(map(str, returned)) or "—")
        return [require_scalar(returned[name]) for name in names]
    if isinstance(returned, (np.ndarray, torch.Tensor)) and returned.ndim == 1:
        returned = tuple(returned)
    return [require_scalar(value) for value in require_tuple(returned, names).values()]


# --- splits --------------------------------------------------------------------------------------------


def _labels(case: int, running: Replay) -> np.ndarray:
    """Return shuffled labels of two classes, of different seeded sizes."""
    key = randomness.derive_key(running.seed, "labels", case)
    few, more = randomness.integers(key, (2,), 2, 7)
    labels = np.array([0] * (_UNIT * int(few)) + [1] * (_UNIT * int(few + more)), dtype=np.int64)
    return labels[randomness.permutation(randomness.derive_key(key, "order"), len(labels))]


def _indices(returned: Any) -> tuple[list[int], list[int]]:
    """Return the indices of both parts of a split as integers."""
    parts = require_tuple(returned, ("larger part", "smaller part")).values()
    found = []
    for part in parts:
        indices = np.asarray(part)
        if indices.ndim != 1 or not np.issubdtype(indices.dtype, np.integer):
            raise CheckFailed("split_not_indices", seen=f"{indices.dtype} {indices.shape}")
        found.append([int(index) for index in indices])
    if len(found[0]) > 2 and set(found[0]) | set(found[1]) <= {0, 1}:
        raise CheckFailed("split_labels")
    return found[0], found[1]


def _counts(labels: np.ndarray, indices: Sequence[int]) -> torch.Tensor:
    """Return how many of each class are at some places.

    Raises:
        CheckFailed: if there is no such place.
    """
    if any(not 0 <= index < len(labels) for index in indices):
        raise CheckFailed("split_outside", total=len(labels))
    return torch.from_numpy(np.bincount(labels[list(indices)], minlength=2).astype(np.float64))


def _parts(function: Any, case: int, running: Replay) -> torch.Tensor:
    """Return all indices of a split in order, and how many of each class its parts hold."""
    labels, share = _labels(case, running), _SHARES[case]
    larger, smaller = _indices(call(function, (labels, share, case), running, May(seed=True)))
    total = len(labels)
    counts = [_counts(labels, part) for part in (larger, smaller)]
    if both := len(set(larger) & set(smaller)):
        raise CheckFailed("split_overlap", count=both)
    if lost := total - len(set(larger) | set(smaller)):
        raise CheckFailed("split_lost", count=lost)
    if len(smaller) != round(share * total):
        raise CheckFailed("split_share", seen=len(smaller), expected=round(share * total))
    shares = [float(part[1] / part.sum()) for part in counts]
    if abs(shares[0] - shares[1]) > 1e-9:
        raise CheckFailed("split_unstratified", first=shares[0], second=shares[1])
    everything = torch.tensor(sorted(larger + smaller), dtype=torch.float64)
    return torch.cat([everything, *counts])


# --- training sets -------------------------------------------------------------------------------------


def _composition(function: Any, arm: str, real: int, fake: int, running: Replay) -> torch.Tensor:
    """Return one number per picture of a training set, sorted: the set, whatever its order."""
    given = [_pictures(name, count, running) for name, count in (("real", real), ("fake", fake))]
    returned = call(function, (arm, *given), running)
    images, labels = require_tuple(returned, ("images", "labels")).values()
    for tensor in (images, labels):
        if not isinstance(tensor, torch.Tensor):
            raise CheckFailed("not_tensor", seen=type(tensor).__name__, advice=Message("advice_none"))
    if images.shape[1:] != _SET_SHAPE:
        raise CheckFailed("wrong_shape", seen=tuple(images.shape), expected=("n", *_SET_SHAPE))
    if labels.shape != images.shape[:1]:
        raise CheckFailed("set_labels", images=len(images), labels=tuple(labels.shape))
    if labels.dtype != torch.int64:
        raise CheckFailed("set_label_type", seen=str(labels.dtype).removeprefix("torch."))
    key = randomness.derive_key(running.seed, "weights")
    weights = torch.from_numpy(randomness.normal(key, (images[0].numel() + 1,))) if len(images) else None
    if weights is None:
        raise CheckFailed("set_empty")
    rows = torch.cat([images.flatten(1).double(), labels.double().unsqueeze(1)], dim=1).cpu()
    return (rows * weights).sum(dim=1).sort().values


def _pictures(name: str, count: int, running: Replay) -> tuple[torch.Tensor, torch.Tensor]:
    """Return seeded pictures with seeded labels."""
    images = supplied_rows((count, *_SET_SHAPE), running, f"{name} {count}")
    key = randomness.derive_key(running.seed, "set labels", name, count)
    labels = torch.from_numpy(randomness.integers(key, (count,), 0, 2)).to(running.device)
    return images, labels


# --- augmentation --------------------------------------------------------------------------------------


def _augmented(function: Any, shape: tuple[int, ...], running: Replay) -> torch.Tensor:
    """Return what a function makes of the same pictures in two calls, all numbers in a row."""
    images = supplied_rows(shape, running, "images")
    found = [call(function, (images,), running, May(data=True)) for _ in range(2)]
    for result in found:
        require_tensor(result, shape=shape)
    if torch.equal(found[0], images):
        raise CheckFailed("augmentation_idle")
    return torch.stack(found).reshape(-1)


# --- paired results ------------------------------------------------------------------------------------


def _paired_results(case: int, running: Replay) -> tuple[np.ndarray, np.ndarray]:
    """Return results of two models for the same pictures: pictures differ far more than models do."""
    key = randomness.derive_key(running.seed, "paired", case)
    level = 3.0 * randomness.normal(key, (_PICTURES,))
    difference = randomness.normal(randomness.derive_key(key, "difference"), (_PICTURES,))
    # Mean and deviation are set exactly, so that no end of the interval is near 0.
    difference = (difference - difference.mean()) / difference.std()
    mean, spread = randomness.uniform(randomness.derive_key(key, "mean"), (2,)).tolist()
    first = level + 0.2 + 0.1 * mean + (0.2 + 0.2 * spread) * difference
    return first, level


FAMILY = Family(ExperimentFamily, ExperimentSupplies)
