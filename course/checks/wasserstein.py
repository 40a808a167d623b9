"""Wasserstein GANs: losses, interpolation, gradient penalty, training steps, and whose turn it is.

Losses and penalties are differentiated: what trains a network is the gradient, and a value alone would
not show that it is cut off. Training steps receive stand-ins for loss and penalty, so that a mistake in
those costs its own marks only; the stand-ins are not the functions that a lab asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from autograder.checks.base import BATCH_SIZES, Checks
from autograder.checks.calling import call_student, require_callable
from autograder.checks.family import Family
from autograder.checks.supplied import supplied_rows
from autograder.checks.tensors import require_scalar, require_tensor, require_tuple
from autograder.checks.training import flat_gradient
from autograder.messages import CheckFailed, Message, add_texts
from autograder.replay import Replay, randomness
from course.checks.gan_networks import small_discriminator
from course.checks.gan_step import StepChecks

TEXTS = add_texts(__package__, "wasserstein")

# Turns that `rounds` plays: critic steps per step of the generator.
CRITIC_STEPS = (5, 2, 3)


class WassersteinChecks(Checks):
    """Checks of a Wasserstein GAN: interpolation, gradient penalty, training steps, and whose turn it is."""

    def interpolation(
        self, name: str, function: Callable[..., Any], *, sample_shape: tuple[int, ...], points: float
    ) -> bool:
        """Check samples between real and generated ones: one uniform weight per sample, in either direction.

        Args:
            name: the stable name of the check.
            function: the student's function; called with (real, fake), both (n, *sample_shape).
            sample_shape: of one sample.
            points: the marks that the check is worth.
        """
        interpolation = Interpolation(function, sample_shape)

        return self.run_array(name, points, interpolation.samples, lambda _: interpolation.describe())

    def gradient_penalty(
        self,
        name: str,
        function: Callable[..., Any],
        *,
        sample_shape: tuple[int, ...],
        order: str,
        points: float,
    ) -> bool:
        """Check the gradient penalty of a critic that the library supplies.

        Args:
            name: the stable name of the check.
            function: the student's function; called with (critic, samples), it returns a tensor with one
                number.
            sample_shape: of one sample.
            order: "value" of the penalty, or its "gradient" with respect to the critic's parameters.
            points: the marks that the check is worth.
        """
        observed = {"value": penalties, "gradient": penalty_gradients}[order]

        def compute(running: Replay) -> torch.Tensor:
            return observed(function, sample_shape, running)

        return self.run_array(name, points, compute, Message(f"wrong_penalty_{order}"))

    def wasserstein_step(
        self,
        function: Callable[..., Any],
        *,
        updates: str,
        latent_shape: tuple[int, ...],
        sample_shape: tuple[int, ...],
    ) -> WassersteinStepChecks:
        """Prepare the checks of one training step of a Wasserstein GAN.

        Args:
            function: the student's step.
            updates: the network that the step trains: "critic" or "generator".
            latent_shape: of a latent vector.
            sample_shape: of a sample.

        Returns:
            The checks `loss`, `update`, `zero_grad`, `isolation`, and for a critic `scores`.
        """
        return WassersteinStepChecks(self, function, updates, latent_shape, sample_shape)

    def rounds(self, name: str, function: Callable[..., Any], *, points: float) -> bool:
        """Check rounds of several critic steps, each on a new batch, and one generator step.

        Args:
            name: the stable name of the check.
            function: the student's `train_round(batches, critic_step, generator_step, critic_steps)`.
            points: the marks that the check is worth.
        """

        def compute(running: Replay) -> torch.Tensor:
            return rounds(function, running)

        return self.run_array(name, points, compute, Message("round_differs"))


# --- penalties --------------------------------------------------------------------------


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
        seen += list(map(flat_gradient, gradients, parameters))
    return torch.cat(seen)


def _penalties(
    function: Callable[..., Any], sample_shape: tuple[int, ...], running: Replay
) -> Iterator[tuple[nn.Module, torch.Tensor]]:
    """Yield a critic and the penalty that the student's function computes for it, per batch size."""
    require_callable(function)
    for size in BATCH_SIZES:
        critic = small_discriminator(sample_shape, running, f"critic {size}", sigmoid=False)
        samples = supplied_rows((size, *sample_shape), running, f"samples {size}")
        value = call_student(function, critic, samples)
        if isinstance(value, torch.Tensor) and value.numel() != 1:
            raise CheckFailed("penalty_not_scalar", seen=tuple(value.shape))
        yield critic, require_tensor(value).reshape(())


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
            _, returned = (call_student(self._function, real.clone(), fake.clone()) for _ in range(2))
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
        return small_discriminator(self._sample_shape, running, sigmoid=False)

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
    ledger = _Rounds(running)
    seen = []
    for critic_steps in CRITIC_STEPS:
        ledger.turns.clear()
        steps = (ledger.critic_step, ledger.generator_step)
        returned = call_student(function, ledger.batches(), *steps, critic_steps)
        _require_turns(ledger.turns, critic_steps)
        numbers = require_tuple(returned, ["loss", "Wasserstein", "penalty", "loss G"])
        seen += [number for _, number in ledger.turns]
        seen += [require_scalar(value) for value in numbers.values()]
    return torch.tensor(seen, dtype=torch.float64)


class _Rounds:
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


FAMILY = Family(WassersteinChecks)
