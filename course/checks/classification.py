"""A classifier: one training step, its predictions, and which epoch of a training is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from autograder.checks.base import Checks
from autograder.checks.calling import call_student, require_callable
from autograder.checks.family import Family
from autograder.checks.guard import May
from autograder.checks.rehearsal import Record
from autograder.checks.supplied import fill, fill_gradients, supplied_rows
from autograder.checks.tensors import flat, require_scalar, require_tensor
from autograder.checks.training import STEP_LEARNING_RATE
from autograder.messages import CheckFailed, Message, add_texts
from autograder.replay import Replay, randomness
from course.checks.watched import WatchedSGD, require_moved

TEXTS = add_texts(__package__, "classification")
# What right observations of some checks follow from; see `Check.follows_from`.
_BLIND = "a step whose loss sees nothing of the answer"
_MODE = "the activations of the supplied classifier in the mode that is asked for"
_TRAINING = "the states and scores of the supplied training"

_FEATURES, _HIDDEN, _CLASSES = 6, 5, 2
# After the best epoch there are four or more: one as good, then worse, a little better, worse again.
_EPOCHS = (6, 7, 9, 8)


class ClassificationChecks(Checks):
    """Checks of a classifier: its training step, its predictions, and the epoch that is kept."""

    def classifier_step(
        self, function: Callable[..., Any], *, sample_shape: tuple[int, ...]
    ) -> ClassifierStepChecks:
        """Prepare the checks of a classifier's training step.

        Args:
            function: the student's `step(classifier, optimizer, images, labels, penalty)`.
            sample_shape: of a picture.

        Returns:
            The checks `loss`, `update`, `zero_grad` and `mode`.
        """
        return ClassifierStepChecks(self, function, sample_shape)

    def prediction(self, function: Callable[..., Any], *, sample_shape: tuple[int, ...]) -> PredictionChecks:
        """Prepare the checks of what a classifier predicts.

        Args:
            function: the student's `predict(classifier, images)`, which returns probabilities (n,).
            sample_shape: of a picture.

        Returns:
            The checks `values` and `mode`.
        """
        return PredictionChecks(self, function, sample_shape)

    def best_epoch(self, name: str, function: Callable[..., Any], *, aspect: str, points: float) -> bool:
        """Check a training that keeps the epoch with the best validation score.

        Args:
            name: the stable name of the check.
            function: the student's `fit(classifier, train_epoch, validate, num_epochs)`.
            aspect: "state" of the classifier in the end, or the "scores" that are returned.
            points: the marks that the check is worth.
        """
        runs: list[Fitted] = []

        def compute(running: Replay) -> torch.Tensor:
            runs[:] = kept_epochs(function, running)
            if aspect == "state":
                return torch.stack([run.state for run in runs])
            return torch.tensor([score for run in runs for score in run.scores()], dtype=torch.float64)

        return self.run_array(
            name,
            points,
            compute,
            lambda _: describe_state(runs) if aspect == "state" else Message("wrong_fit_scores"),
            follows_from=_TRAINING,
        )


class _Dropout(nn.Module):
    """In place of a dropout: without chance, and yet it shows whether and how often it is used."""

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return activations, in train mode scaled, each by a number of its own."""
        scales = torch.arange(1, hidden.shape[-1] + 1, device=hidden.device)
        return hidden * scales if self.training else hidden


class SmallClassifier(nn.Module):
    """A classifier with the methods of the real one; its batch normalisation shows in which mode it runs.

    Attributes:
        activations: what `hidden` returned, call by call, without gradients.
    """

    def __init__(self, sample_shape: tuple[int, ...], running: Replay) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        self.norm = nn.BatchNorm1d(int(torch.Size(sample_shape).numel()))
        self.dense = nn.Linear(self.norm.num_features, _HIDDEN)
        self.dropout = _Dropout()
        self.output = nn.Linear(_HIDDEN, _CLASSES)
        self.activations: list[torch.Tensor] = Record()
        fill(self.parameters(), running.seed, "classifier")
        self.double().to(running.device)

    def hidden(self, images: torch.Tensor) -> torch.Tensor:
        """Return activations (n, hidden)."""
        activations = torch.tanh(self.dense(self.norm(self.flatten(images))))
        self.activations.append(activations.detach().clone())
        return activations

    def classify(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return logits (n, classes)."""
        logits: torch.Tensor = self.output(self.dropout(hidden))
        return logits

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (n, classes)."""
        return self.classify(self.hidden(images))


class OneWayClassifier(SmallClassifier):
    """A classifier whose activations have one factor, along whose line `strengths` moves whatever the loss.

    So a step whose loss is wrong moves it as a right one does, but for how far and to which side.
    """

    line: torch.Tensor

    def __init__(self, sample_shape: tuple[int, ...], running: Replay) -> None:
        super().__init__(sample_shape, running)
        start, line = (
            torch.from_numpy(randomness.normal(randomness.derive_key(running.seed, "one way", part), (12,)))
            for part in ("start", "line")
        )
        self.strengths = nn.Parameter(0.1 * start)
        self.register_buffer("line", line)
        self.to(running.device)

    def hidden(self, images: torch.Tensor) -> torch.Tensor:
        """Return activations (n, hidden)."""
        return (1.0 + self.strengths @ self.line) * super().hidden(images)


@dataclass
class Penalty:
    """A penalty in place of the student's: linear, so that its gradients are known numbers.

    Wrong arguments are noted and do not stop the step: the loss that it returns is right all the same.

    Attributes:
        shapes: of the three arguments that are asked for.
        calls: how often it was called.
        fault: what was wrong with its arguments, if anything.
    """

    running: Replay
    shapes: Mapping[str, tuple[int, ...]]
    calls: int = 0
    fault: CheckFailed | None = None

    def __call__(self, weight: Any, bias: Any, activations: Any) -> torch.Tensor:
        """Return a seeded linear function of all three, of the activations their mean over the batch."""
        self.calls += 1
        given = {"weight": weight, "bias": bias, "activations": activations}
        for name, value in given.items():
            seen = tuple(value.shape) if isinstance(value, torch.Tensor) else type(value).__name__
            if seen != self.shapes[name]:
                self.fault = self.fault or CheckFailed("penalty_argument", name=name, seen=seen)
        if self.fault is not None:
            return torch.zeros((), dtype=torch.float64, device=self.running.device, requires_grad=True)
        parts = (weight, bias, activations.mean(dim=0))
        return torch.stack([(part * self._weights(part)).sum() for part in parts]).sum()

    def _weights(self, part: torch.Tensor) -> torch.Tensor:
        key = randomness.derive_key(self.running.seed, "penalty", tuple(part.shape))
        return torch.from_numpy(randomness.normal(key, tuple(part.shape))).to(part.device)

    def require_arguments(self) -> None:
        """Raise `CheckFailed` if it was given anything else than what is asked for."""
        if self.fault is not None:
            raise self.fault


@dataclass(frozen=True)
class _ClassifierTrial:
    """What one call of a step did.

    Attributes:
        returned: by the step.
        movement: of the parameters that the optimiser has.
        statistics: of the normalisation, afterwards.
        activations: that the classifier computed, pass by pass.
        penalty: that the step was given.
        optimizer: that the step was given.
    """

    returned: Any
    movement: torch.Tensor
    statistics: torch.Tensor
    activations: list[torch.Tensor]
    penalty: Penalty
    optimizer: WatchedSGD


class ClassifierStepChecks:
    """The checks of a classifier's training step.

    The step is called as `step(classifier, optimizer, images, labels, penalty)`; the classifier has the
    methods `hidden` and `classify` and the layers `dense`, `dropout` and `output`; the penalty takes weight
    and bias of `dense` and the activations. The step returns the cross-entropy without the penalty.

    Args:
        block: where results go.
        function: the student's step.
        sample_shape: of a picture.
    """

    def __init__(self, block: Checks, function: Callable[..., Any], sample_shape: tuple[int, ...]) -> None:
        self._block = block
        self._function = function
        self._sample_shape = sample_shape
        self._trials: dict[int, _ClassifierTrial] = {}

    def loss(self, name: str, *, points: float) -> bool:
        """Check the cross-entropy that the step returns, for several batch sizes."""

        def observe() -> list[float]:
            returned = [self._trial(size).returned for size in self._block.batch_sizes]
            if any(isinstance(value, (tuple, list, dict)) for value in returned):
                raise CheckFailed("loss_not_scalar", seen=type(returned[0]).__name__)
            return [require_scalar(value) for value in returned]

        return self._block.run_function(name, points, observe, lambda: Message("classifier_loss"))

    def update(self, name: str, *, points: float) -> bool:
        """Check how the step moves the classifier, by cross-entropy and penalty together.

        The statistics of its normalisation belong to that: each pass moves them.
        """

        def observe() -> list[float]:
            trials = [self._trial(size) for size in self._block.batch_sizes]
            for trial in trials:
                trial.penalty.require_arguments()
                self._moved(trial)
                if len(trial.optimizer.found) > 1:
                    raise CheckFailed("classifier_steps", count=len(trial.optimizer.found))
                if len(trial.activations) > 1:
                    raise CheckFailed("classifier_passes", count=len(trial.activations))
            moves = [torch.cat([trial.movement, trial.statistics]) for trial in trials]
            return self._block.project(torch.stack(moves), name)

        def diagnose() -> Message:
            if not self._trial(self._block.batch_sizes[0]).penalty.calls:
                return Message("classifier_penalty_unused")
            return Message("moved_wrong", {"network": Message("classifier")})

        return self._block.run_function(name, points, observe, diagnose)

    def zero_grad(self, name: str, *, points: float) -> bool:
        """Check that gradients from before do not count, with a classifier that any loss moves alike."""

        def observe() -> list[float]:
            lines = []
            for size in self._block.batch_sizes:
                move = self._moved(self._run_trial(size, one_way=True, prefill=True))
                clean = self._moved(self._run_trial(size, one_way=True))
                if float((move - clean).abs().max()) > 1e-9:
                    raise CheckFailed("gradients_kept")
                lines.append(move / (move.norm() if float(move.sum()) > 0 else -move.norm()))
            return self._block.project(torch.stack(lines), name)

        return self._block.run_function(
            name,
            points,
            observe,
            lambda: Message("classifier_step_differs"),
            follows_from=_BLIND,
        )

    def mode(self, name: str, *, points: float) -> bool:
        """Check that the step trains in train mode, also after an evaluation left eval mode behind."""

        def observe() -> list[float]:
            found = []
            for size in self._block.batch_sizes:
                activations = self._run_trial(size, training=False).activations
                if not activations:
                    raise CheckFailed("classifier_not_called")
                found.append(activations[-1].reshape(-1))
            return self._block.project(torch.cat(found), name)

        return self._block.run_function(
            name,
            points,
            observe,
            lambda: Message("step_in_eval_mode"),
            follows_from=_MODE,
        )

    def _moved(self, trial: _ClassifierTrial) -> torch.Tensor:
        """Return the movement of the classifier; where there is none, say what its optimiser found."""
        return require_moved(trial.movement, self._trial(self._block.batch_sizes[0]).optimizer, "classifier")

    def _trial(self, size: int) -> _ClassifierTrial:
        """Return the trial with one batch size; it is made once."""
        if size not in self._trials:
            self._trials[size] = self._run_trial(size)
        return self._trials[size]

    def _run_trial(
        self, size: int, *, training: bool = True, one_way: bool = False, prefill: bool = False
    ) -> _ClassifierTrial:
        """Call the step once on a fresh classifier.

        Args:
            size: of the batch.
            training: the mode in which the classifier is handed over.
            one_way: whether all that the optimiser moves enters as one factor.
            prefill: whether it holds gradients from before.
        """
        require_callable(self._function)
        with self._block.replay(f"{self._block.name}/{size}") as running:
            kind = OneWayClassifier if one_way else SmallClassifier
            classifier = kind(self._sample_shape, running).train(training)
            if prefill:
                fill_gradients(classifier.parameters(), running.seed, "before")
            moved = list(classifier.parameters())
            if isinstance(classifier, OneWayClassifier):
                moved = [classifier.strengths]
            optimizer = WatchedSGD(moved, STEP_LEARNING_RATE)
            inputs, hidden = classifier.norm.num_features, _HIDDEN
            penalty = Penalty(
                running, {"weight": (hidden, inputs), "bias": (hidden,), "activations": (size, hidden)}
            )
            images = supplied_rows((size, *self._sample_shape), running, "images")
            key = randomness.derive_key(running.seed, "labels", size)
            labels = torch.from_numpy(randomness.integers(key, (size,), 0, _CLASSES)).to(running.device)
            before = flat(moved)
            may = May(train=(classifier, optimizer), set_mode=not training)
            returned = call_student(self._function, classifier, optimizer, images, labels, penalty, may=may)
            movement = flat(moved) - before
            if isinstance(returned, torch.Tensor):
                returned = returned.detach()
            statistics = flat(b for b in classifier.norm.buffers() if b.is_floating_point())
            return _ClassifierTrial(
                returned, movement, statistics, classifier.activations, penalty, optimizer
            )


class PredictionChecks:
    """The checks of what a classifier predicts: `predict(classifier, images)` returns probabilities (n,).

    Args:
        block: where results go.
        function: the student's.
        sample_shape: of a picture.
    """

    def __init__(self, block: Checks, function: Callable[..., Any], sample_shape: tuple[int, ...]) -> None:
        self._block = block
        self._function = function
        self._sample_shape = sample_shape

    def values(self, name: str, *, points: float) -> bool:
        """Check the probabilities of the second class, from a classifier in eval mode, without gradients."""

        def compute(running: Replay) -> torch.Tensor:
            found = []
            for size in (*self._block.batch_sizes, 1):
                returned, _ = self._predicted(size, running, training=False)
                probabilities = require_tensor(returned, shape=(size,), low=0.0, high=1.0)
                if probabilities.requires_grad:
                    raise CheckFailed("has_gradient")
                found.append(probabilities)
            return torch.cat(found)

        return self._block.run_array(name, points, compute, Message("prediction_differs"))

    def mode(self, name: str, *, points: float) -> bool:
        """Check that a classifier handed over in train mode predicts in eval mode."""

        def compute(running: Replay) -> torch.Tensor:
            found = []
            for size in self._block.batch_sizes:
                _, classifier = self._predicted(size, running, training=True)
                if not classifier.activations:
                    raise CheckFailed("classifier_not_called")
                found.append(torch.cat(classifier.activations).reshape(-1))
            return torch.cat(found)

        return self._block.run_array(
            name,
            points,
            compute,
            Message("prediction_in_train_mode"),
            follows_from=_MODE,
        )

    def _predicted(self, size: int, running: Replay, *, training: bool) -> tuple[Any, SmallClassifier]:
        """Call the student's function; return what it returned, and the classifier it was given."""
        require_callable(self._function)
        classifier = SmallClassifier(self._sample_shape, running).train(training)
        images = supplied_rows((size, *self._sample_shape), running, f"images {size}")
        # The text says in which mode to predict: the classifier may be left in it.
        return call_student(self._function, classifier, images, may=May(set_mode="eval")), classifier


@dataclass(frozen=True)
class Fitted:
    """What a training with stand-ins left behind.

    Attributes:
        state: all parameters and buffers of the classifier.
        returned: by the student's function.
        passed: the states before the training and after each epoch.
        best: the epoch that is to be kept, from 1.
    """

    state: torch.Tensor
    returned: Any
    passed: list[torch.Tensor]
    best: int

    @property
    def epochs(self) -> int:
        """Return how many epochs were asked for."""
        return len(self.passed) - 1

    @property
    def kept(self) -> int | None:
        """Return the epoch after which the classifier was as it is now, 0: none; None if it never was."""
        alike = (epoch for epoch, state in enumerate(self.passed) if torch.equal(state, self.state))
        return next(alike, None)

    def scores(self) -> list[float]:
        """Return the scores that came back.

        Raises:
            CheckFailed: if that is no list of one score per epoch.
        """
        is_row = isinstance(self.returned, (np.ndarray, torch.Tensor)) and self.returned.ndim == 1
        listed = is_row or isinstance(self.returned, (list, tuple))
        if not listed or len(self.returned) != self.epochs:
            seen = f"{len(self.returned)}" if listed else type(self.returned).__name__
            raise CheckFailed("fit_scores", seen=seen, expected=self.epochs)
        return [require_scalar(score) for score in self.returned]


def describe_state(runs: Sequence[Fitted]) -> Message:
    """Say in which state a classifier ends that is not the one asked for."""
    wrong = next((run for run in runs if run.kept != run.best), None)
    if wrong is None:
        return Message("wrong_fit_state")
    if wrong.kept is None:
        return Message("fit_ends_mixed")
    if wrong.kept == wrong.epochs:
        return Message("fit_ends_last", {"epochs": wrong.epochs})
    return Message("fit_ends_after", {"epoch": wrong.kept, "epochs": wrong.epochs})


def kept_epochs(function: Any, running: Replay) -> list[Fitted]:
    """Let a function train a classifier with stand-ins, several times.

    Args:
        function: the student's `fit(classifier, train_epoch, validate, num_epochs)`: `train_epoch()` trains,
            `validate()` returns a score, the higher the better. The classifier ends as it was after the epoch
            with the first best score; the scores are returned in order.
        running: the replay.

    Raises:
        CheckFailed: if epochs or validations are not as many as asked for.
    """
    require_callable(function)
    return [_fit_once(function, run, epochs, running) for run, epochs in enumerate(_EPOCHS)]


def _fit_once(function: Any, run: int, epochs: int, running: Replay) -> Fitted:
    """Call `fit` once, with seeded movements and seeded scores; two epochs share the best score."""
    classifier = SmallClassifier((_FEATURES,), running)
    scores = _scores(run, epochs, running)
    turns: list[str] = []
    passed = [flat(_floating_state(classifier))]

    def train_epoch() -> None:
        turns.append("train")
        _require_end(turns, epochs)
        with torch.no_grad():
            for number, value in enumerate(_floating_state(classifier)):
                key = randomness.derive_key(running.seed, "epoch", run, len(turns), number)
                value.add_(torch.from_numpy(randomness.normal(key, tuple(value.shape))).to(value.device))
        passed.append(flat(_floating_state(classifier)))

    def validate() -> float:
        turns.append("validate")
        _require_end(turns, epochs)
        # More validations than epochs are a mistake that shows in the end: until then they go on.
        return scores[(turns.count("validate") - 1) % epochs]

    # In which mode a trained classifier is left, the text does not say.
    may = May(train=(classifier,), set_mode=True)
    returned = call_student(function, classifier, train_epoch, validate, epochs, may=may)
    counts = _counts(turns)
    if counts != {"train": epochs, "validate": epochs}:
        raise CheckFailed("fit_turns", **counts, expected=epochs)
    if turns != ["train", "validate"] * epochs:
        raise CheckFailed("fit_order")
    return Fitted(flat(_floating_state(classifier)), returned, passed, 1 + scores.index(max(scores)))


def _counts(turns: Sequence[str]) -> dict[str, int]:
    return {name: turns.count(name) for name in ("train", "validate")}


def _require_end(turns: Sequence[str], epochs: int) -> None:
    """Raise `CheckFailed` where a training goes on for far too long, perhaps without end."""
    if len(turns) > 8 * epochs:
        raise CheckFailed("fit_turns", **_counts(turns), expected=epochs)


def _floating_state(classifier: nn.Module) -> list[torch.Tensor]:
    """Return the parameters and the running statistics of a classifier, to read and to change."""
    state = classifier.state_dict(keep_vars=True)
    return [value for value in state.values() if value.is_floating_point()]


def _scores(run: int, epochs: int, running: Replay) -> list[float]:
    """Return seeded scores: the best one is not the first, it comes twice, and later ones rise and fall.

    Those of every other run are negative: a score is any number.
    """
    key = randomness.derive_key(running.seed, "scores", run)
    scores = 0.5 + 0.4 * randomness.uniform(key, (epochs,))
    best = 1 + int(randomness.integers(randomness.derive_key(key, "best"), (1,), 0, epochs - 5)[0])
    scores[best : best + 2] = 0.9 + 0.1 * scores[best]
    scores[best + 2 :].sort()
    scores[-2:] = scores[-2:][::-1].copy()
    return [float(score) - 2.5 * (run % 2) for score in scores]


FAMILY = Family(ClassificationChecks)
