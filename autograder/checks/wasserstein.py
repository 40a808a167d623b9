"""Wasserstein GANs: losses, interpolation, gradient penalty, training steps, and whose turn it is.

Losses and penalties are differentiated: what trains a network is the gradient, and a value alone would
not show that it is cut off. Training steps receive stand-ins for loss and penalty, so that a mistake in
those costs its own marks only; the stand-ins are not the functions that a lab asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import nn

from autograder import randomness
from autograder.checks import supplied
from autograder.checks.gan_step import BATCH_SIZES, StepChecks
from autograder.checks.tensors import (
    built,
    require_callable,
    require_scalar,
    require_tensor,
    require_tuple,
    supplied_rows,
)
from autograder.messages import CheckFailed, Message
from autograder.replay import Replay

# Turns that `rounds` plays: critic steps per step of the generator.
CRITIC_STEPS = (5, 2, 3)


# --- losses and penalties --------------------------------------------------------------------------


def require_loss(value: Any) -> torch.Tensor:
    """Return a loss: a tensor with one finite number that gradients can flow through.

    Raises:
        CheckFailed: for anything else.
    """
    if isinstance(value, torch.Tensor) and value.numel() != 1:
        raise CheckFailed("loss_not_scalar", seen=f"Tensor {tuple(value.shape)}")
    if isinstance(value, (float, int)):
        raise CheckFailed("loss_detached")
    loss = require_tensor(value).reshape(())
    if not loss.requires_grad:
        raise CheckFailed("loss_detached")
    return loss


def loss_and_gradients(
    function: Callable[..., Any], cases: Sequence[tuple[Any, ...]], running: Replay
) -> torch.Tensor:
    """Return the losses that a function computes, and their gradients by every tensor it is given.

    Args:
        function: the student's function.
        cases: the arguments of each call.
        running: the replay.
    """
    require_callable(function)
    seen = []
    for case in cases:
        arguments = built(case, running)
        given = [a.requires_grad_() for a in arguments if isinstance(a, torch.Tensor)]
        loss = require_loss(function(*arguments))
        gradients = torch.autograd.grad(loss, given, allow_unused=True)
        seen += [loss.detach().reshape(1), *map(_flat_gradient, gradients, given)]
    return torch.cat(seen)


def penalties(function: Callable[..., Any], sample_shape: tuple[int, ...], running: Replay) -> torch.Tensor:
    """Return the gradient penalties that a function computes for batches of several sizes.

    Args:
        function: the student's `gradient_penalty(critic, samples)` (Gulrajani et al., 2017, equation 3).
        sample_shape: of one sample.
        running: the replay.
    """
    return torch.stack([penalty.detach() for _, penalty in _penalties(function, sample_shape, running)])


def penalty_gradients(
    function: Callable[..., Any], sample_shape: tuple[int, ...], running: Replay
) -> torch.Tensor:
    """Return the gradients of the penalties with respect to the critic's parameters: second derivatives.

    Raises:
        CheckFailed: if there are none, or the function left gradients in the critic.
    """
    seen = []
    for critic, penalty in _penalties(function, sample_shape, running):
        parameters = list(critic.parameters())
        if any(parameter.grad is not None for parameter in parameters):
            raise CheckFailed("penalty_fills_gradients")
        if not penalty.requires_grad:
            raise CheckFailed("penalty_without_graph")
        gradients = torch.autograd.grad(penalty, parameters, allow_unused=True)
        seen += list(map(_flat_gradient, gradients, parameters))
    return torch.cat(seen)


def _penalties(
    function: Callable[..., Any], sample_shape: tuple[int, ...], running: Replay
) -> Iterator[tuple[nn.Module, torch.Tensor]]:
    """Yield a critic and the penalty that the student's function computes for it, per batch size."""
    require_callable(function)
    for size in BATCH_SIZES:
        critic = supplied.small_discriminator(sample_shape, running, f"critic {size}", sigmoid=False)
        samples = supplied_rows((size, *sample_shape), running, f"samples {size}")
        value = function(critic, samples)
        if isinstance(value, torch.Tensor) and value.numel() != 1:
            raise CheckFailed("penalty_not_scalar", seen=tuple(value.shape))
        yield critic, require_tensor(value).reshape(())


def _flat_gradient(gradient: torch.Tensor | None, of: torch.Tensor) -> torch.Tensor:
    """Return a gradient as a vector, zeros where there is none."""
    return torch.zeros(of.numel(), device=of.device) if gradient is None else gradient.detach().reshape(-1)


# --- interpolation ---------------------------------------------------------------------------------


class Interpolation:
    """Samples between real and generated ones, as a student's function makes them.

    Args:
        function: the student's `interpolate(real, fake)`.
        sample_shape: of one sample.
    """

    def __init__(self, function: Callable[..., Any], sample_shape: tuple[int, ...]) -> None:
        self._function = function
        self._sample_shape = sample_shape
        # How far from the real sample each number lies on the way to the generated one, per batch.
        self._weights: list[torch.Tensor] = []

    def samples(self, running: Replay) -> torch.Tensor:
        """Return the interpolated samples of several batches, all mirrored if the first lies nearer to fake.

        `real + a (fake - real)` and `fake + a (real - fake)` are both right, and the same in this form.
        """
        require_callable(self._function)
        self._weights.clear()
        pairs = []
        for size in BATCH_SIZES:
            shape = (size, *self._sample_shape)
            real = supplied_rows(shape, running, f"real {size}")
            apart = supplied_rows(shape, running, f"apart {size}")
            fake = real + apart + torch.where(apart < 0, -0.5, 0.5)
            # The second call counts: one that seeds anew repeats the weights of the first.
            _, returned = (self._function(real.clone(), fake.clone()) for _ in range(2))
            samples = require_tensor(returned, shape=shape).detach()
            weights = (samples - real) / (fake - real)
            self._weights.append(weights.reshape(size, -1))
            pairs.append((real, fake))
        mirrored = bool(self._weights[0][0, 0] > 0.5)
        seen = []
        for (real, fake), weights in zip(pairs, self._weights, strict=True):
            weights = weights.reshape(real.shape)
            seen.append(real + (1.0 - weights if mirrored else weights) * (fake - real))
        return torch.cat([samples.reshape(-1) for samples in seen])

    def describe(self) -> Message:
        """Say what is wrong with the samples."""
        weights = torch.cat(self._weights)
        low, high = float(weights.min()), float(weights.max())
        if float((weights - weights[:, :1]).abs().max()) > 1e-6:
            return Message("interpolation_varies")
        if low < 0.0 or high > 1.0:
            return Message("interpolation_outside", {"low": low, "high": high})
        if any(float((batch - batch[0]).abs().max()) < 1e-6 for batch in self._weights):
            return Message("interpolation_constant")
        return Message("interpolation_differs")


# --- one training step -----------------------------------------------------------------------------


class StandInPenalty:
    """A penalty of a critic that is no gradient penalty; a blind one is always 0."""

    def __init__(self, *, blind: bool = False) -> None:
        self.blind = blind
        self.calls = 0

    def __call__(self, critic: nn.Module, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """Return a scalar."""
        self.calls += 1
        penalty: torch.Tensor = critic(0.25 * real + 0.75 * fake).square().mean()
        if not self.blind:
            return penalty
        # Zero too, but samples that were not cut off get a gradient from it.
        return 0.0 * penalty + (fake - fake.detach()).sum()


class StandInLoss(nn.Module):
    """A loss of scores that is none of a lab's; each argument enters in another way.

    Args:
        blind: whether all arguments enter alike.
    """

    def __init__(self, *, blind: bool = False) -> None:
        super().__init__()
        self.blind = blind
        self.penalty = StandInPenalty(blind=blind)
        self.calls = 0

    def forward(self, *scores: torch.Tensor) -> torch.Tensor:
        """Return a scalar."""
        self.calls += 1
        shifts = [0.0 if self.blind else 1.0 + place for place in range(len(scores))]
        parts = [(score - shift).square().mean() for score, shift in zip(scores, shifts, strict=True)]
        return torch.stack(parts).sum()


class WassersteinStepChecks(StepChecks):
    """The checks of one training step of a Wasserstein GAN with a penalty.

    A critic's step is called with (critic, generator, optimizer, loss_function, penalty_function,
    real_samples) and returns (loss, Wasserstein loss, penalty); a generator's step with (critic,
    generator, optimizer, loss_function, batch_size) and returns its loss.
    """

    _judge = "critic"
    _wrong_scores = "wrong_parts"

    def _names(self) -> list[str]:
        return ["loss", "Wasserstein", "penalty"] if self._trained == self._judge else ["loss"]

    def _judging_network(self, running: Replay) -> nn.Module:
        """Return a critic: its scores are any real numbers."""
        return supplied.small_discriminator(self._sample_shape, running, sigmoid=False)

    def _loss(self) -> nn.Module:
        return StandInLoss()

    def _blind_loss(self) -> nn.Module:
        return StandInLoss(blind=True)

    def _arguments(
        self,
        networks: dict[str, nn.Module],
        optimizer: torch.optim.Optimizer,
        loss_function: Any,
        real_samples: torch.Tensor,
    ) -> tuple[Any, ...]:
        common = (networks[self._judge], networks["generator"], optimizer, loss_function)
        if self._trained == "generator":
            return *common, len(real_samples)
        return *common, loss_function.penalty, real_samples

    def _describe_wrong_step(self) -> Message:
        return self._describe_unused() or Message("step_differs", {"network": Message(self._trained)})

    def _describe_wrong_loss(self) -> Message:
        return self._describe_unused() or Message("wrong_critic_loss")

    def _describe_unused(self) -> Message | None:
        """Say which function the step did not call, None if it called all it was given."""
        loss_function = self._trial(0).loss_function
        if not loss_function.calls:
            return Message("scores_loss_not_called")
        unused = self._trained == self._judge and not loss_function.penalty.calls
        return Message("penalty_not_called") if unused else None


# --- several critic steps per generator step -------------------------------------------------------


def rounds(function: Callable[..., Any], running: Replay) -> torch.Tensor:
    """Play rounds of several critic steps and one generator step; return what happened.

    Args:
        function: the student's `train_round(batches, critic_step, generator_step, critic_steps)`. It is
            called with an endless iterator of batches, functions that take a batch and a batch size, and
            the number of critic steps; it returns the numbers of the last critic step, and then the
            generator's.
        running: the replay.

    Returns:
        Per step a mark of whose it was and a number that stands for its batch; then what was returned.

    Raises:
        CheckFailed: if the turns are not those of a round, or a batch came twice.
    """
    require_callable(function)
    ledger = _Ledger(running)
    seen = []
    for critic_steps in CRITIC_STEPS:
        ledger.turns.clear()
        returned = function(ledger.batches(), ledger.critic_step, ledger.generator_step, critic_steps)
        _require_turns(ledger.turns, critic_steps)
        numbers = require_tuple(returned, ["loss", "Wasserstein", "penalty", "loss G"])
        seen += [number for _, number in ledger.turns]
        seen += [require_scalar(value) for value in numbers.values()]
    return torch.tensor(seen, dtype=torch.float64)


class _Ledger:
    """Supplied batches and steps that note what they are used for."""

    def __init__(self, running: Replay) -> None:
        self._running = running
        self._batch = 0
        self._step = 0
        self.turns: list[tuple[str, float]] = []

    def batches(self) -> Iterator[torch.Tensor]:
        """Yield batches without end; no two have the same size or the same numbers."""
        while True:
            self._batch += 1
            yield supplied_rows((8 + self._batch, 1, 4, 4), self._running, f"batch {self._batch}")

    def critic_step(self, real_images: torch.Tensor) -> tuple[float, float, float]:
        """Note the batch; return seeded numbers."""
        if not isinstance(real_images, torch.Tensor):
            raise CheckFailed("round_batch", seen=type(real_images).__name__)
        self.turns.append(("critic", float(real_images.sum())))
        loss, wasserstein, penalty = self._numbers(3)
        return loss, wasserstein, penalty

    def generator_step(self, batch_size: int) -> float:
        """Note the batch size; return a seeded number."""
        self.turns.append(("generator", float(batch_size)))
        return self._numbers(1)[0]

    def _numbers(self, count: int) -> list[float]:
        """Return numbers that no other step returns."""
        self._step += 1
        key = randomness.derive_key(self._running.seed, "step", self._step)
        return [float(value) for value in randomness.normal(key, (count,))]


def _require_turns(turns: list[tuple[str, float]], critic_steps: int) -> None:
    """Raise `CheckFailed` unless the critic stepped as often as asked, on new batches, then the generator."""
    whose = [name for name, _ in turns]
    if whose != ["critic"] * critic_steps + ["generator"]:
        counts = {name: whose.count(name) for name in ("critic", "generator")}
        raise CheckFailed("wrong_round", expected=critic_steps, **counts)
    if len(set(turns[:-1])) < critic_steps:
        raise CheckFailed("round_repeats_batch")
