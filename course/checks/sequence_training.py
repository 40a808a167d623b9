"""Training a network that reads sequences: one step, and an evaluation of all batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from autograder.checks.base import Checks
from autograder.checks.calling import call_student, require_callable
from autograder.checks.family import Family
from autograder.checks.guard import May
from autograder.checks.rehearsal import Record
from autograder.checks.sizes import drawn_sizes
from autograder.checks.supplied import SuppliedTokens, fill, fill_gradients
from autograder.checks.tensors import flat, require_scalar, require_tuple
from autograder.checks.training import STEP_LEARNING_RATE, require_returned_loss
from autograder.messages import CheckFailed, Message, add_texts
from autograder.replay import Replay, randomness
from course.checks.watched import WatchedSGD, require_moved

TEXTS = add_texts(__package__, "sequence_training")
# What right observations of some checks follow from; see `Check.follows_from`.
_BLIND = "a step whose loss sees nothing of the answer"
_MODE = "the activations of the supplied network in the mode that is asked for"

_VOCABULARY, _WIDTH, _HIDDEN = 12, 4, 5
# The batches of an evaluation have so many sequences at least, and none as many as another.
_EVALUATIONS, _BATCHES = 3, 4
# Sequences that a network's logits are balanced with.
_PROBE = 50


class SequenceTrainingChecks(Checks):
    """Checks of how a network that reads sequences is trained and evaluated."""

    def sequence_step(self, function: Callable[..., Any]) -> SequenceStepChecks:
        """Prepare the checks of a training step with sequences of two classes.

        Args:
            function: the student's `step(model, optimizer, tokens, lengths, targets)`: tokens are int64
                (n, longest), padded with 0, lengths and targets int64 (n,), targets 0 or 1; the model returns
                logits (n,). The step returns the mean binary cross-entropy.

        Returns:
            The checks `loss`, `update`, `zero_grad` and `mode`.
        """
        return SequenceStepChecks(self, function)

    def sequence_evaluation(self, function: Callable[..., Any]) -> SequenceEvaluationChecks:
        """Prepare the checks of an evaluation with sequences of two classes.

        Args:
            function: the student's `evaluate(model, batches)`: batches are triples of tokens, lengths and
                targets, as `sequence_step` has them. It returns two numbers: the mean binary cross-entropy of
                all sequences, and the share of right decisions.

        Returns:
            The checks `values` and `mode`.
        """
        return SequenceEvaluationChecks(self, function)


# --- the network that is lent ----------------------------------------------------------------------


@dataclass(frozen=True)
class Pass:
    """What a network noted of one call: its activations, whether it trained, whether gradients were on."""

    activations: torch.Tensor
    training: bool
    gradients: bool


class _Scale(nn.Module):
    """In train mode each hidden unit is scaled, by a number of its own: a dropout without chance."""

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return activations (n, hidden)."""
        if not self.training:
            return hidden
        return hidden * torch.arange(1, _HIDDEN + 1, device=hidden.device)


class SmallReader(nn.Module):
    """A network (tokens, lengths) -> logits (n,), of the mean of the embeddings of a sequence's own tokens.

    One of its layers works otherwise in train mode, so the mode must reach it too.

    Attributes:
        passes: notes of the calls.
    """

    def __init__(self, running: Replay) -> None:
        super().__init__()
        self.embedding = nn.Embedding(_VOCABULARY, _WIDTH)
        self.dense = nn.Linear(_WIDTH, _HIDDEN)
        self.scale = _Scale()
        self.output = nn.Linear(_HIDDEN, 1)
        self.passes: list[Pass] = Record()
        fill(self.parameters(), running.seed, "reader")
        self.double().to(running.device)
        self._balance(running)

    def hidden(self, tokens: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Return activations (n, hidden)."""
        own = torch.arange(tokens.shape[1], device=tokens.device) < lengths[:, None]
        embedded = self.embedding(tokens) * own[:, :, None]
        return torch.tanh(self.dense(embedded.sum(dim=1) / lengths[:, None]))

    def forward(self, tokens: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Return logits (n,)."""
        hidden = self.scale(self.hidden(tokens, lengths))
        self.passes.append(Pass(hidden.detach().clone(), self.training, torch.is_grad_enabled()))
        logits: torch.Tensor = self.output(hidden).squeeze(1)
        return logits

    def _balance(self, running: Replay) -> None:
        """Let its logits lie on both sides of 0, some near it, so that decisions and their limit show."""
        tokens, lengths, _ = labelled_batch(running, _PROBE, "probe")
        with torch.no_grad():
            logits = self.output(SmallReader.hidden(self, tokens, lengths))
            scale = 1.0 / logits.std()
            self.output.weight.mul_(scale)
            self.output.bias.sub_(logits.mean()).mul_(scale)


class OneWayReader(SmallReader):
    """A network whose activations have one factor, along whose line `strengths` moves whatever the loss.

    So a step whose loss is wrong moves it as a right one does, but for how far and to which side.
    """

    line: torch.Tensor

    def __init__(self, running: Replay) -> None:
        super().__init__(running)
        start, line = (
            torch.from_numpy(randomness.normal(randomness.derive_key(running.seed, "one way", part), (12,)))
            for part in ("start", "line")
        )
        self.strengths = nn.Parameter(0.1 * start)
        self.register_buffer("line", line)
        self.to(running.device)

    def hidden(self, tokens: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Return activations (n, hidden)."""
        return (1.0 + self.strengths @ self.line) * super().hidden(tokens, lengths)


def labelled_batch(running: Replay, size: int, name: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return tokens (n, longest), lengths (n,) and targets (n,), all int64; targets are 0 and 1, unevenly."""
    longest = drawn_sizes(running.seed, f"longest of {name}", 1)[0]
    key = randomness.derive_key(running.seed, name, size)
    lengths = randomness.integers(randomness.derive_key(key, "lengths"), (size,), 1, longest + 1)
    lengths[size // 2] = longest
    labels = randomness.uniform(randomness.derive_key(key, "labels"), (size,)) < 0.4
    lengths_there = torch.from_numpy(lengths).to(running.device)
    tokens = SuppliedTokens((size, longest), _VOCABULARY, first=1, name=name).build(running)
    beyond = torch.arange(longest, device=running.device) >= lengths_there[:, None]
    targets = torch.from_numpy(labels.astype("int64")).to(running.device)
    return tokens.masked_fill(beyond, 0), lengths_there, targets


# --- one step --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Trial:
    """What one call of a step did.

    Attributes:
        returned: by the step, without the graph that led to it.
        with_graph: whether that came with it.
        movement: of the parameters that the optimiser has.
        passes: that the network noted.
        optimizer: that the step was given.
    """

    returned: Any
    with_graph: bool
    movement: torch.Tensor
    passes: list[Pass]
    optimizer: WatchedSGD


class SequenceStepChecks:
    """The checks of one training step with sequences; each runs it on fresh networks, with several batches.

    Args:
        block: where results go.
        function: the student's step.
    """

    def __init__(self, block: Checks, function: Callable[..., Any]) -> None:
        self._block = block
        self._function = function
        self._trials: dict[int, _Trial] = {}

    def loss(self, name: str, *, points: float) -> bool:
        """Check the loss that the step returns."""

        def observe() -> list[float]:
            trials = [self._trial(size) for size in self._block.batch_sizes]
            losses = [require_returned_loss(trial.returned) for trial in trials]
            if any(trial.with_graph for trial in trials):
                raise CheckFailed("loss_with_graph")
            return losses

        return self._block.run_function(name, points, observe, lambda: Message("sequence_loss"))

    def update(self, name: str, *, points: float) -> bool:
        """Check how the step moves the network, starting without gradients."""

        def observe() -> list[float]:
            trials = [self._trial(size) for size in self._block.batch_sizes]
            for trial in trials:
                self._moved(trial)
                if len(trial.optimizer.found) > 1:
                    raise CheckFailed("sequence_steps", count=len(trial.optimizer.found))
            return self._block.project(torch.stack([trial.movement for trial in trials]), name)

        return self._block.run_function(
            name, points, observe, lambda: Message("moved_wrong", {"network": Message("model")})
        )

    def zero_grad(self, name: str, *, points: float) -> bool:
        """Check that gradients from before do not count, with a network that any loss moves alike."""

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
            name, points, observe, lambda: Message("sequence_step_differs"), follows_from=_BLIND
        )

    def mode(self, name: str, *, points: float) -> bool:
        """Check that the step trains in train mode, also after an evaluation left eval mode behind."""

        def observe() -> list[float]:
            found = []
            for size in self._block.batch_sizes:
                passes = self._run_trial(size, training=False).passes
                if not passes:
                    raise CheckFailed("model_not_called")
                found.append(passes[-1].activations.reshape(-1))
            return self._block.project(torch.cat(found), name)

        return self._block.run_function(
            name, points, observe, lambda: Message("sequence_step_mode"), follows_from=_MODE
        )

    def _moved(self, trial: _Trial) -> torch.Tensor:
        """Return the movement of the network; where there is none, say what its optimiser found."""
        return require_moved(trial.movement, self._trial(self._block.batch_sizes[0]).optimizer, "model")

    def _trial(self, size: int) -> _Trial:
        """Return the trial with one batch size; it is made once."""
        if size not in self._trials:
            self._trials[size] = self._run_trial(size)
        return self._trials[size]

    def _run_trial(
        self, size: int, *, training: bool = True, one_way: bool = False, prefill: bool = False
    ) -> _Trial:
        """Call the step once on a fresh network.

        Args:
            size: of the batch.
            training: the mode in which the network is handed over.
            one_way: whether all that the optimiser moves enters as one factor.
            prefill: whether it holds gradients from before.
        """
        require_callable(self._function)
        with self._block.replay(f"{self._block.name}/{size}") as running:
            model = (OneWayReader if one_way else SmallReader)(running).train(training)
            if prefill:
                fill_gradients(model.parameters(), running.seed, "before")
            moved = [model.strengths] if isinstance(model, OneWayReader) else list(model.parameters())
            optimizer = WatchedSGD(moved, STEP_LEARNING_RATE)
            batch = labelled_batch(running, size, "batch")
            before = flat(moved)
            may = May(train=(model, optimizer), set_mode=not training)
            returned = call_student(self._function, model, optimizer, *batch, may=may)
            with_graph = isinstance(returned, torch.Tensor) and returned.requires_grad
            if isinstance(returned, torch.Tensor):
                returned = returned.detach()
            return _Trial(returned, with_graph, flat(moved) - before, model.passes, optimizer)


# --- an evaluation ---------------------------------------------------------------------------------


class SequenceEvaluationChecks:
    """The checks of an evaluation of all batches: its two numbers, and the mode in which it is made.

    Args:
        block: where results go.
        function: the student's.
    """

    def __init__(self, block: Checks, function: Callable[..., Any]) -> None:
        self._block = block
        self._function = function

    def values(self, name: str, *, points: float) -> bool:
        """Check loss and accuracy, of a network in eval mode; the batches are of different sizes."""

        def compute(running: Replay) -> list[float]:
            found = []
            for turn in range(_EVALUATIONS):
                returned, model = self._evaluated(running, turn, training=False)
                numbers = require_tuple(returned, ("loss", "accuracy"))
                if any(each.gradients for each in model.passes):
                    raise CheckFailed("evaluated_with_gradients")
                found += [require_scalar(_without_gradient(number)) for number in numbers.values()]
            return found

        return self._block.run_numbers(name, points, compute, lambda: Message("evaluation_differs"))

    def mode(self, name: str, *, points: float) -> bool:
        """Check that a network handed over in train mode is evaluated in eval mode, with every batch."""

        def compute(running: Replay) -> list[float]:
            found = []
            for turn in range(_EVALUATIONS):
                _, model = self._evaluated(running, turn, training=True)
                if not model.passes:
                    raise CheckFailed("model_not_called")
                found.append(torch.cat([each.activations.reshape(-1) for each in model.passes]))
            return self._block.project(torch.cat(found), name)

        return self._block.run_numbers(
            name, points, compute, lambda: Message("evaluation_in_train_mode"), follows_from=_MODE
        )

    def _evaluated(self, running: Replay, turn: int, *, training: bool) -> tuple[Any, SmallReader]:
        """Call the student's function; return what it returned, and the network it was given."""
        require_callable(self._function)
        model = SmallReader(running).train(training)
        sizes = drawn_sizes(running.seed, f"evaluated {turn}", _BATCHES)
        batches = [labelled_batch(running, size, f"batch {turn}.{place}") for place, size in enumerate(sizes)]
        # The text says in which mode to evaluate: the network may be left in it.
        return call_student(self._function, model, batches, may=May(set_mode="eval")), model


def _without_gradient(value: Any) -> Any:
    return value.detach() if isinstance(value, torch.Tensor) else value


FAMILY = Family(SequenceTrainingChecks)
