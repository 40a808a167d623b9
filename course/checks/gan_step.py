"""One training step of a generative adversarial network.

A step is observed with small networks that the library supplies and with plain SGD, since Adam would
hide a loss that is scaled. Each mistake is to cost its own marks only: whether old gradients are
cleared and the other network is left alone is observed with a loss that does not look at labels, a
generator that does not look at its latent vectors, and movements of unit length.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from autograder.checks.base import Checks
from autograder.checks.calling import call_student, require_callable
from autograder.checks.guard import May
from autograder.checks.supplied import fill_gradients, supplied_rows
from autograder.checks.tensors import flat, require_scalar, require_tuple
from autograder.checks.training import STEP_LEARNING_RATE, copied_gradients, require_returned_loss
from autograder.messages import CheckFailed, Message
from autograder.observation import all_finite
from autograder.replay import Replay
from course.checks.gan_networks import (
    BlindLoss,
    NamedBCELoss,
    blind_generator,
    is_picture,
    small_discriminator,
    small_generator,
)

# What right observations of some checks follow from; see `Check.follows_from`.
_BLIND = "steps with a loss, and a generator or penalty, that see nothing of the answer"


@dataclass
class StepTrial:
    """What one call of a training step did.

    Attributes:
        returned: what the step returned, without gradients.
        movement: change of all parameters of each network, one vector per network.
        other_gradients: gradients that the network which the step does not train holds afterwards.
        labels: (outputs, labels) of every binary cross-entropy computed.
        passes: how many batches went through each network in train mode.
        in_eval: the networks through which a batch went in eval mode that counts in the step.
        normalised: how many batches the normalisation of each network learned from.
        real_outputs: of the discriminator for the real batch, before the step.
        batch_size: of the real batch.
        loss_function: that the step was given.
        repeats: whether it drew from a generator in the state in which an earlier call drew.
    """

    returned: Any
    movement: dict[str, torch.Tensor]
    other_gradients: list[torch.Tensor | None]
    labels: list[tuple[torch.Tensor, torch.Tensor]]
    passes: dict[str, int]
    in_eval: set[str]
    normalised: dict[str, int]
    real_outputs: torch.Tensor
    batch_size: int
    loss_function: Any
    repeats: bool = False


class GanStepChecks:
    """The checks of one training step; each runs the step on fresh networks.

    Args:
        block: where results go.
        function: the student's step. For `updates="discriminator"` it is called with
            (discriminator, generator, optimizer, loss_function, real_samples), for "generator" with
            (discriminator, generator, optimizer, loss_function, batch_size).
        updates: the network that the step trains.
        latent_shape: of a latent vector.
        sample_shape: of a sample.
        separate_passes: whether real and generated samples go through the discriminator apart, as a
            network with batch normalisation needs it. The loss is then the sum of two means, and the step
            returns the mean outputs too: (loss, D(x), D(G(z))) or (loss, D(G(z))).
    """

    # The network that judges samples, and what a step returns whose scores are wrong gets to read.
    _judge = "discriminator"
    _wrong_scores = "wrong_scores"

    def __init__(
        self,
        block: Checks,
        function: Callable[..., Any],
        updates: str,
        latent_shape: tuple[int, ...],
        sample_shape: tuple[int, ...],
        separate_passes: bool = False,
    ) -> None:
        if updates not in (self._judge, "generator"):
            raise ValueError(f"updates must be {self._judge!r} or 'generator', not {updates!r}")
        self._block = block
        self._function = function
        self._trained = updates
        self._other = "generator" if updates == self._judge else self._judge
        self._latent_shape = latent_shape
        self._sample_shape = sample_shape
        self._separate = separate_passes
        self._trials: dict[int, StepTrial] = {}
        self._blind_trials: dict[tuple[int, bool], tuple[StepTrial, StepTrial]] = {}

    def loss(self, name: str, *, points: float) -> bool:
        """Check the loss that the step returns, for several batch sizes."""

        def observe() -> list[float]:
            return [self._returned(index)[0] for index in range(len(self._block.batch_sizes))]

        return self._block.run_function(name, points, observe, self._describe_wrong_loss)

    def scores(self, name: str, *, points: float) -> bool:
        """Check what the step returns after its loss, from the passes that gave the loss."""

        def observe() -> list[float]:
            if self._separate:
                self._require_passes(self._trial(0))
            found = [self._returned(index)[1:] for index in range(len(self._block.batch_sizes))]
            return [score for scores in found for score in scores]

        return self._block.run_function(name, points, observe, lambda: Message(self._wrong_scores))

    def _names(self) -> list[str]:
        """Return the names of the numbers that the step has to return, its loss first."""
        if not self._separate:
            return ["loss"]
        return ["loss", "D(x)", "D(G(z))"] if self._trained == self._judge else ["loss", "D(G(z))"]

    def _returned(self, index: int) -> list[float]:
        """Return the numbers that the step returned."""
        returned, names = self._trial(index).returned, self._names()
        if len(names) == 1:
            return [require_returned_loss(returned)]
        loss, *scores = require_tuple(returned, names).values()
        return [require_returned_loss(loss), *(require_scalar(score) for score in scores)]

    def update(self, name: str, *, points: float) -> bool:
        """Check how the step moves the network it trains, starting without gradients."""

        def observe() -> list[float]:
            moves = [self._moved(self._trial(index)) for index in range(len(self._block.batch_sizes))]
            if self._trial(0).repeats:
                raise CheckFailed("same_numbers")
            self._require_modes(self._trial(0))
            return self._block.project(torch.stack(moves), name)

        def diagnose() -> Message:
            return Message("moved_wrong", {"network": Message(self._trained)})

        return self._block.run_function(name, points, observe, diagnose)

    def zero_grad(self, name: str, *, points: float) -> bool:
        """Check that gradients left from before do not change what the step does."""

        def observe() -> list[float]:
            directions = []
            for index in range(len(self._block.batch_sizes)):
                move = self._moved(self._blind_trial(index, True)[0])
                clean = self._moved(self._blind_trial(index, False)[0])
                if float((move - clean).abs().max()) > 1e-9:
                    raise CheckFailed("gradients_kept")
                directions.append(_direction(move))
            return self._block.project(torch.stack(directions), name)

        return self._block.run_function(
            name,
            points,
            observe,
            self._describe_wrong_step,
            follows_from=_BLIND,
        )

    def isolation(self, name: str, *, points: float) -> bool:
        """Check that the other network neither moves nor, in the step of the one that judges, gets gradients.

        The generator's loss has to flow through the discriminator, so gradients there are no mistake.
        What is observed is a second step from the same place: after the first, an optimiser of the
        generator steps too, so that gradients which the discriminator's step left there show.
        """

        def observe() -> list[float]:
            directions = []
            for index in range(len(self._block.batch_sizes)):
                first, second = self._blind_trial(index, False)
                self._require_isolated(first)
                directions += [_direction(self._moved(trial)) for trial in (first, second)]
            return self._block.project(torch.stack(directions), name)

        return self._block.run_function(
            name,
            points,
            observe,
            self._describe_wrong_step,
            follows_from=_BLIND,
        )

    def _moved(self, trial: StepTrial) -> torch.Tensor:
        """Return the movement of the trained network; it must have moved."""
        move = trial.movement[self._trained]
        if not move.any():
            raise CheckFailed("not_moved", network=Message(self._trained))
        if not all_finite(move):
            raise CheckFailed("moved_beyond_numbers", network=Message(self._trained))
        return move

    def _require_passes(self, trial: StepTrial) -> None:
        """Raise `CheckFailed` if a batch went through a network twice: its running statistics move twice."""
        wanted = {self._judge: 2 if self._trained == self._judge else 1, "generator": 1}
        for name, expected in wanted.items():
            if trial.passes[name] > expected:
                raise CheckFailed(
                    "extra_passes", network=Message(name), seen=trial.passes[name], expected=expected
                )

    def _require_modes(self, trial: StepTrial) -> None:
        """Raise `CheckFailed` if a network that is lent in train mode gets a batch in eval mode.

        Where passes need not be separate, a generator has nothing that depends on its mode.
        """
        for name in (self._trained, self._judge, *(["generator"] if self._separate else [])):
            if name in trial.in_eval:
                raise CheckFailed("pass_in_eval", network=Message(name))
        if self._separate and not trial.normalised["generator"]:
            raise CheckFailed("statistics_still", network=Message("generator"))

    def _require_isolated(self, trial: StepTrial) -> None:
        """Raise `CheckFailed` if the other network was touched."""
        if trial.movement[self._other].any():
            raise CheckFailed("other_moved", network=Message(self._other), trained=Message(self._trained))
        leaked = any(gradient is not None and gradient.any() for gradient in trial.other_gradients)
        if self._trained == self._judge and leaked:
            raise CheckFailed("gradient_leaked", network=Message(self._judge))

    def _trial(self, index: int) -> StepTrial:
        """Return the trial with one batch size; it is made once."""
        if index not in self._trials:
            self._trials[index] = self._run_trial(index)
        return self._trials[index]

    def _blind_trial(self, index: int, prefill: bool) -> tuple[StepTrial, StepTrial]:
        """Return both steps of a blind trial; it is made once."""
        if (index, prefill) not in self._blind_trials:
            trials = self._run_blind_trial(index, prefill)
            for trial in trials:
                # To which side it moved is for `update`: a wrong sign costs no other marks.
                move = trial.movement[self._trained]
                trial.movement[self._trained] = move if float(move.sum()) > 0 else -move
            self._blind_trials[index, prefill] = trials
        return self._blind_trials[index, prefill]

    def _run_trial(self, index: int) -> StepTrial:
        """Call the step with a loss, twice on fresh networks; return the second call.

        What a step keeps of its first call shows in the second. Each call has random numbers of its own: how
        many the first one draws does not matter.
        """
        states: list[frozenset[bytes]] = []
        for turn in range(2):
            with self._replay(index, turn) as running:
                networks = {
                    self._judge: self._judging_network(running),
                    "generator": small_generator(
                        self._latent_shape, self._sample_shape, running, batch_norm=self._separate
                    ),
                }
                optimizer = self._optimizer(networks)
                trial = self._call(networks, optimizer, self._loss(), self._block.batch_sizes[index], running)
                states.append(running.draws.states)
        return replace(trial, repeats=not states[0].isdisjoint(states[1]))

    def _run_blind_trial(self, index: int, prefill: bool) -> tuple[StepTrial, StepTrial]:
        """Call the step twice on the same networks, so that labels and latent vectors do not matter.

        Args:
            index: of the batch size.
            prefill: whether both networks hold gradients from before.
        """
        with self._replay(index) as running:
            networks = self._blind_networks(running)
            if prefill:
                for name, network in networks.items():
                    fill_gradients(network.parameters(), running.seed, name)
            trained = networks[self._trained]
            start = [parameter.detach().clone() for parameter in trained.parameters()]
            optimizer = self._optimizer(networks)
            loss = self._blind_loss()
            first = self._call(networks, optimizer, loss, self._block.batch_sizes[index], running)
            # Only what the first step did to the other network shall show in the second.
            _restore(trained, start)
            if self._trained == self._judge:
                torch.optim.SGD(networks["generator"].parameters(), lr=STEP_LEARNING_RATE).step()
            return first, self._call(networks, optimizer, loss, self._block.batch_sizes[index], running)

    def _replay(self, index: int, turn: int = 0) -> contextlib.AbstractContextManager[Replay]:
        """Return the replay of the trials with one batch size, or of one call of several."""
        require_callable(self._function)
        return self._block.replay(f"{self._block.name}/{index}/{turn}")

    def _judging_network(self, running: Replay) -> nn.Module:
        """Return a discriminator; with batch normalisation where passes have to be separate."""
        return small_discriminator(self._sample_shape, running, batch_norm=self._separate)

    def _blind_networks(self, running: Replay) -> dict[str, nn.Module]:
        """Return the networks of a trial in which labels and latent vectors do not matter."""
        return {
            self._judge: self._judging_network(running),
            "generator": blind_generator(self._sample_shape, running),
        }

    def _loss(self) -> nn.Module:
        """Return the loss function that steps are tried with."""
        return NamedBCELoss()

    def _blind_loss(self) -> nn.Module:
        """Return a loss function that does not tell real from generated samples."""
        return BlindLoss()

    def _arguments(
        self,
        networks: dict[str, nn.Module],
        optimizer: torch.optim.Optimizer,
        loss_function: Any,
        real_samples: torch.Tensor,
    ) -> tuple[Any, ...]:
        """Return what the student's step is called with."""
        last = real_samples if self._trained == self._judge else len(real_samples)
        return networks[self._judge], networks["generator"], optimizer, loss_function, last

    def _optimizer(self, networks: dict[str, nn.Module]) -> torch.optim.Optimizer:
        """Return the optimiser of the network that the step trains."""
        return torch.optim.SGD(networks[self._trained].parameters(), lr=STEP_LEARNING_RATE)

    def _call(
        self,
        networks: dict[str, nn.Module],
        optimizer: torch.optim.Optimizer,
        loss_function: nn.Module,
        batch_size: int,
        running: Replay,
    ) -> StepTrial:
        """Call the student's step and compare before and after."""
        real_samples = supplied_rows((batch_size, *self._sample_shape), running, "real")
        if is_picture(self._sample_shape):
            real_samples = real_samples.tanh()
        labels: list[tuple[torch.Tensor, torch.Tensor]] = []
        with torch.no_grad():
            real_outputs = networks[self._judge](real_samples)
        before = {name: flat(network.parameters()) for name, network in networks.items()}
        counted = {name: _normalised(network) for name, network in networks.items()}
        running.observers.append(functools.partial(_note_labels, labels))
        arguments = self._arguments(networks, optimizer, loss_function, real_samples)
        may = May(train=(*networks.values(), optimizer))
        with _counted_passes(networks) as (passes, in_eval):
            returned = call_student(self._function, *arguments, may=may)
        running.observers.clear()
        return StepTrial(
            returned=_detached(returned),
            movement={name: flat(network.parameters()) - before[name] for name, network in networks.items()},
            other_gradients=copied_gradients(networks[self._other]),
            labels=labels,
            passes=passes,
            in_eval=in_eval,
            normalised={name: _normalised(network) - counted[name] for name, network in networks.items()},
            real_outputs=real_outputs,
            batch_size=batch_size,
            loss_function=loss_function,
        )

    def _describe_wrong_step(self) -> Message:
        """Say why a step is refused that left old gradients and the other network alone."""
        if not self._trial(0).labels:
            return Message("loss_not_called")
        return Message("step_differs", {"network": Message(self._trained)})

    def _describe_wrong_loss(self) -> Message:
        """Find out, from the labels that the loss saw, why it is wrong."""
        trial = self._trial(0)
        if not trial.labels:
            return Message("loss_not_called")
        outputs = torch.cat([output.reshape(-1) for output, _ in trial.labels])
        labels = torch.cat([label.reshape(-1) for _, label in trial.labels])
        ones, zeros = int((labels == 1).sum()), int((labels == 0).sum())
        if not ones and not zeros and bool(((outputs == 0) | (outputs == 1)).all()):
            return Message("loss_arguments_swapped")
        if self._trained == "generator":
            if zeros or ones != trial.batch_size:
                return Message("generator_labels", {"ones": ones, "zeros": zeros})
            return self._wrong_loss(trial)
        is_real = torch.isin(outputs, trial.real_outputs.reshape(-1))
        if is_real.any() and (~is_real).any():
            real, fake = float(labels[is_real].mean()), float(labels[~is_real].mean())
            if real < fake:
                return Message("labels_swapped", {"real": real, "fake": fake})
        batch = trial.batch_size
        if ones != batch or zeros != batch:
            details = {"ones": ones, "zeros": zeros, "other": len(labels) - ones - zeros}
            expected = {"batch": batch, "expected_ones": batch, "expected_zeros": batch}
            return Message("labels_wrong", {**details, **expected})
        return self._wrong_loss(trial)

    def _wrong_loss(self, trial: StepTrial) -> Message:
        """Say that the loss is wrong although its labels are right."""
        returned = self._returned(0)[0]
        if any(math.isclose(returned, float(output.mean()), rel_tol=1e-6) for output, _ in trial.labels):
            return Message("loss_is_mean_output")
        separate = self._separate and self._trained == self._judge
        return Message("wrong_loss_sum" if separate else "wrong_loss")


@contextlib.contextmanager
def _counted_passes(networks: dict[str, nn.Module]) -> Iterator[tuple[dict[str, int], set[str]]]:
    """Count, in the body, how many batches go through each network in train mode.

    Yields:
        Their numbers, and the names of the networks that see one in eval mode: the one that judges with
        gradients, for without these it is only looked at.
    """
    passes: dict[str, int] = dict.fromkeys(networks, 0)
    in_eval: set[str] = set()

    def note(name: str, network: nn.Module, inputs: Any) -> None:
        passes[name] += network.training
        if not network.training and (name == "generator" or torch.is_grad_enabled()):
            in_eval.add(name)

    handles = [
        network.register_forward_pre_hook(functools.partial(note, name)) for name, network in networks.items()
    ]
    try:
        yield passes, in_eval
    finally:
        for handle in handles:
            handle.remove()


def _normalised(network: nn.Module) -> int:
    """Return how many batches the running statistics of a network come from."""
    counts = (layer.num_batches_tracked for layer in network.modules() if isinstance(layer, nn.BatchNorm1d))
    return sum(int(count) for count in counts if count is not None)


def _detached(returned: Any) -> Any:
    """Return what a step returned without gradients."""
    if isinstance(returned, list):
        return [_detached(value) for value in returned]
    if isinstance(returned, tuple):
        return tuple(_detached(value) for value in returned)
    return returned.detach() if isinstance(returned, torch.Tensor) else returned


def _restore(network: nn.Module, values: list[torch.Tensor]) -> None:
    """Put the parameters of a network back, without gradients."""
    with torch.no_grad():
        for parameter, value in zip(network.parameters(), values, strict=True):
            parameter.copy_(value)
            parameter.grad = None


def _direction(move: torch.Tensor) -> torch.Tensor:
    """Return a movement at unit length: a loss that is scaled costs marks in `loss` and `update` only."""
    direction: torch.Tensor = move / move.norm()
    return direction


def _note_labels(
    labels: list[tuple[torch.Tensor, torch.Tensor]],
    func: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    output: Any,
) -> None:
    """Note what a binary cross-entropy compares; an observer of `Replay`."""
    if func is torch.ops.aten.binary_cross_entropy.default:
        labels.append((args[0].detach().clone(), args[1].detach().clone()))
