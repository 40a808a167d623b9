"""Wasserstein GANs: losses, interpolation, gradient penalty, training steps, and whose turn it is.

Losses and penalties are differentiated: what trains a network is the gradient, and a value alone would
not show that it is cut off. Training steps receive stand-ins for loss and penalty, so that a mistake in
those costs its own marks only; the stand-ins are not the functions that a lab asks for.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from autograder.checks.base import Checks
from autograder.checks.calling import call_student, require_callable
from autograder.checks.family import Family
from autograder.checks.gradients import flat_gradient
from autograder.checks.supplied import supplied_rows
from autograder.checks.tensors import require_scalar, require_tensor, require_tuple
from autograder.checks.training import STEP_LEARNING_RATE
from autograder.messages import CheckFailed, Message, add_texts
from autograder.replay import Replay, randomness
from course.checks.clipping import Clipping
from course.checks.gan_networks import small_discriminator
from course.checks.gan_step import GanStepChecks, StepTrial
from course.checks.watched import WatchedSGD, require_moved

TEXTS = add_texts(__package__, "wasserstein")


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
        interpolation = Interpolation(function, sample_shape, self.batch_sizes)

        return self.run_array(name, points, interpolation.samples, lambda _: interpolation.describe())

    def clipped_parameters(self, name: str, function: Callable[..., Any], *, points: float) -> bool:
        """Check that a function clips all parameters of a network in place, whatever layers it has.

        Args:
            name: the stable name of the check.
            function: the student's `clip_weights(network, limit)`.
            points: the marks that the check is worth.
        """
        clipping = Clipping(function)

        return self.run_array(name, points, clipping.parameters, lambda _: clipping.describe())

    def gradient_penalty(
        self,
        name: str,
        function: Callable[..., Any],
        *,
        sample_shape: tuple[int, ...],
        order: str,
        called: bool = False,
        points: float,
    ) -> bool:
        """Check the gradient penalty of a critic that the library supplies.

        Args:
            name: the stable name of the check.
            function: the student's function; called with (critic, samples), it returns a tensor with one
                number.
            sample_shape: of one sample.
            order: "value" of the penalty, or its "gradient" with respect to the critic's parameters.
            called: whether the notebook gives it a critic with some arguments set (`functools.partial`),
                which can be called and is no module: one batch is tried with such a one.
            points: the marks that the check is worth.
        """
        observed = {"value": penalty_values, "gradient": penalty_gradients}[order]

        def compute(running: Replay) -> torch.Tensor:
            return observed(penalties(function, sample_shape, running, self.batch_sizes, called))

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
        played: list[_Rounds] = []

        def compute(running: Replay) -> torch.Tensor:
            played[:] = [_Rounds(running)]
            return rounds(function, played[0], running)

        return self.run_array(name, points, compute, lambda _: played[0].describe())


# --- penalties --------------------------------------------------------------------------


def penalties(
    function: Callable[..., Any],
    sample_shape: tuple[int, ...],
    running: Replay,
    sizes: Sequence[int],
    called: bool = False,
) -> Iterator[tuple[nn.Module, torch.Tensor]]:
    """Yield a critic and the penalty that a function computes for it, per batch size.

    Args:
        function: the student's `gradient_penalty(critic, samples)` (Gulrajani et al., 2017, equation 3).
        sample_shape: of one sample.
        running: the replay.
        sizes: of the batches.
        called: whether the critic of the last batch is no module.

    Raises:
        CheckFailed: if a penalty is not one number.
    """
    require_callable(function)
    for size in sizes:
        critic = small_discriminator(sample_shape, running, f"critic {size}", sigmoid=False)
        samples = supplied_rows((size, *sample_shape), running, f"samples {size}")
        lent = functools.partial(critic) if called and size == sizes[-1] else critic
        value = call_student(function, lent, samples)
        if isinstance(value, torch.Tensor) and value.numel() != 1:
            raise CheckFailed("penalty_not_scalar", seen=tuple(value.shape))
        yield critic, require_tensor(value).reshape(())


def penalty_values(tried: Iterable[tuple[nn.Module, torch.Tensor]]) -> torch.Tensor:
    """Return the penalties of several batches."""
    return torch.stack([penalty.detach() for _, penalty in tried])


def penalty_gradients(tried: Iterable[tuple[nn.Module, torch.Tensor]]) -> torch.Tensor:
    """Return the gradients of the penalties with respect to the critic's parameters: second derivatives.

    Raises:
        CheckFailed: if there are none.
    """
    seen = []
    for critic, penalty in tried:
        parameters = list(critic.parameters())
        if not penalty.requires_grad:
            raise CheckFailed("penalty_without_graph")
        gradients = torch.autograd.grad(penalty, parameters, allow_unused=True)
        seen += list(map(flat_gradient, gradients, parameters))
    return torch.cat(seen)


# --- interpolation ---------------------------------------------------------------------------------


class Interpolation:
    """Samples between real and generated ones, as a student's function makes them.

    Args:
        function: the student's `interpolate(real, fake)`.
        sample_shape: of one sample.
        sizes: of the batches.
    """

    def __init__(
        self, function: Callable[..., Any], sample_shape: tuple[int, ...], sizes: Sequence[int]
    ) -> None:
        self._function = function
        self._sizes = sizes
        self._sample_shape = sample_shape
        # How far from the real sample each number lies on the way to the generated one, per batch.
        self._weights: list[torch.Tensor] = []
        # The factors of the real and the generated sample, where a sample is made of both alone.
        self._factors: list[torch.Tensor] = []

    def samples(self, running: Replay) -> torch.Tensor:
        """Return the interpolated samples of several batches, all mirrored if the first lies nearer to fake.

        `real + a (fake - real)` and `fake + a (real - fake)` are both right, and the same in this form.
        """
        require_callable(self._function)
        self._weights.clear()
        self._factors.clear()
        pairs = []
        for size in self._sizes:
            shape = (size, *self._sample_shape)
            real = supplied_rows(shape, running, f"real {size}")
            apart = supplied_rows(shape, running, f"apart {size}")
            fake = real + apart + torch.where(apart < 0, -0.5, 0.5)
            # The second call counts: one that seeds anew repeats the weights of the first.
            _, returned = (call_student(self._function, real.clone(), fake.clone()) for _ in range(2))
            samples = require_tensor(returned, shape=shape).detach()
            weights = (samples - real) / (fake - real)
            self._weights.append(weights.reshape(size, -1))
            self._factors += factors(real, fake, samples)
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
            if len(self._factors) < len(weights):
                return Message("interpolation_varies")
            of_real, of_fake = max(self._factors, key=lambda both: abs(float(both.sum()) - 1.0)).tolist()
            return Message("interpolation_sum", {"real": of_real, "fake": of_fake})
        if low < 0.0 or high > 1.0:
            return Message("interpolation_outside", {"low": low, "high": high})
        if any(float((batch - batch[0]).abs().max()) < 1e-6 for batch in self._weights):
            return Message("interpolation_constant")
        return Message("interpolation_differs")


def factors(real: torch.Tensor, fake: torch.Tensor, samples: torch.Tensor) -> list[torch.Tensor]:
    """Return the two factors of each sample that is a sum of multiples of its real and its generated one."""
    found = []
    for one, other, sample in zip(real.flatten(1), fake.flatten(1), samples.flatten(1), strict=True):
        ends = torch.stack([one, other], dim=1)
        both = torch.linalg.lstsq(ends, sample.unsqueeze(1)).solution.flatten()
        if torch.allclose(ends @ both, sample, atol=1e-6):
            found.append(both)
    return found


# --- one training step -----------------------------------------------------------------------------


class OneWay(nn.Module):
    """A network all of whose parameters enter as one sum: whatever the loss, they move along one line.

    So a step whose loss is wrong moves it as a right one does, but for how far and to which side.

    Attributes:
        line: along which the parameters move.
    """

    line: torch.Tensor
    columns: torch.Tensor

    def __init__(self, sample_shape: tuple[int, ...], running: Replay, purpose: str) -> None:
        super().__init__()
        self._sample_shape = sample_shape
        size = torch.Size(sample_shape).numel()
        start, line, columns = (
            torch.from_numpy(randomness.normal(randomness.derive_key(running.seed, purpose, part), shape))
            for part, shape in (("start", (12,)), ("line", (12,)), ("columns", (64, size)))
        )
        self._scale = size**-0.5
        self.weights = nn.Parameter(0.1 * start)
        self.register_buffer("line", line)
        self.register_buffer("columns", columns)
        self.double().to(running.device)

    @property
    def strength(self) -> torch.Tensor:
        """Return the one number that the parameters decide."""
        return 1.0 + self.weights @ self.line


class OneWayCritic(OneWay):
    """Scores (n, 1) of samples; see `OneWay`."""

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        """Return the scores."""
        sums = self._scale * (samples.flatten(1) @ self.columns[:1].T)
        scores: torch.Tensor = self.strength * torch.tanh(sums)
        return scores


class OneWayGenerator(OneWay):
    """Samples that depend on how many latent vectors there are, and not on the vectors; see `OneWay`."""

    def forward(self, latent_samples: torch.Tensor) -> torch.Tensor:
        """Return one sample per latent vector."""
        index = torch.arange(len(latent_samples), device=self.columns.device) % len(self.columns)
        samples: torch.Tensor = self.strength * self.columns[index].unflatten(1, self._sample_shape)
        return samples


class StandInPenalty:
    """A penalty of a critic that is no gradient penalty; a blind one is always 0."""

    def __init__(self, *, blind: bool = False) -> None:
        self.blind = blind
        self.calls = 0

    def __call__(
        self, critic: nn.Module, real_images: torch.Tensor, fake_images: torch.Tensor
    ) -> torch.Tensor:
        """Return a scalar."""
        self.calls += 1
        penalty: torch.Tensor = critic(0.25 * real_images + 0.75 * fake_images).square().mean()
        if not self.blind:
            return penalty
        # Zero too, but samples that were not cut off get a gradient from it.
        return 0.0 * penalty + (fake_images - fake_images.detach()).sum()


class StandInLoss(nn.Module):
    """A loss of scores that is none of a lab's; each argument enters in another way.

    Args:
        names: of the arguments, as the text of the lab has them: by position or by name.
        blind: whether all arguments enter alike.

    Attributes:
        optimizer: that the step was given beside this loss.
    """

    optimizer: WatchedSGD | None = None

    def __init__(self, names: Sequence[str], *, blind: bool = False) -> None:
        super().__init__()
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        self._signature = inspect.Signature([inspect.Parameter(name, kind) for name in names])
        self.blind = blind
        self.penalty = StandInPenalty(blind=blind)
        self.calls = 0

    def forward(self, *scores: torch.Tensor, **named: torch.Tensor) -> torch.Tensor:
        """Return a scalar."""
        given = self._signature.bind(*scores, **named).arguments.values()
        self.calls += 1
        shifts = [0.0 if self.blind else 1.0 + place for place in range(len(given))]
        parts = [(score - shift).square().mean() for score, shift in zip(given, shifts, strict=True)]
        return torch.stack(parts).sum()


class WassersteinStepChecks(GanStepChecks):
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

    def _blind_networks(self, running: Replay) -> dict[str, nn.Module]:
        """Return networks that no mistake in a loss moves another way."""
        return {
            self._judge: OneWayCritic(self._sample_shape, running, "one way critic"),
            "generator": OneWayGenerator(self._sample_shape, running, "one way generator"),
        }

    def _score_names(self) -> tuple[str, ...]:
        """Return the names that the text gives the arguments of the loss."""
        return ("scores_real", "scores_fake") if self._trained == self._judge else ("scores_fake",)

    def _loss(self) -> nn.Module:
        return StandInLoss(self._score_names())

    def _blind_loss(self) -> nn.Module:
        return StandInLoss(self._score_names(), blind=True)

    def _optimizer(self, networks: dict[str, nn.Module]) -> torch.optim.Optimizer:
        return WatchedSGD(networks[self._trained].parameters(), STEP_LEARNING_RATE)

    def _arguments(
        self,
        networks: dict[str, nn.Module],
        optimizer: torch.optim.Optimizer,
        loss_function: Any,
        real_samples: torch.Tensor,
    ) -> tuple[Any, ...]:
        loss_function.optimizer = optimizer
        common = (networks[self._judge], networks["generator"], optimizer, loss_function)
        if self._trained == "generator":
            return *common, len(real_samples)
        return *common, loss_function.penalty, real_samples

    def _moved(self, trial: StepTrial) -> torch.Tensor:
        """Return the movement of the trained network; where there is none, say what its optimiser found."""
        clean = self._trial(0).loss_function.optimizer
        return require_moved(trial.movement[self._trained], clean, self._trained)

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


def rounds(function: Callable[..., Any], ledger: _Rounds, running: Replay) -> torch.Tensor:
    """Play rounds of several critic steps and one generator step; return what happened.

    Args:
        function: the student's `train_round(batches, critic_step, generator_step, critic_steps)`. It is
            called with an endless iterator of batches, functions that take a batch and a batch size, and
            the number of critic steps; it returns the numbers of the last critic step, and then the
            generator's.
        ledger: takes note of what happens.
        running: the replay.

    Returns:
        Per step a number that stands for its batch; then what was returned.

    Raises:
        CheckFailed: if the turns are not those of a round, or a batch came twice or was lost.
    """
    require_callable(function)
    key = randomness.derive_key(running.seed, "critic steps")
    few, many = (int(randomness.integers(key + turn, (1,), *ends)[0]) for turn, ends in enumerate(_STEPS))
    seen = []
    for critic_steps in (few, 1, many):
        turns = ledger.begin()
        steps = (ledger.critic_step, ledger.generator_step)
        returned = call_student(function, ledger.batches(), *steps, critic_steps)
        _require_turns(turns, critic_steps)
        numbers = require_tuple(returned, ["loss", "Wasserstein", "penalty", "loss G"])
        turns.returned = [require_scalar(value) for value in numbers.values()]
        seen += [*turns.batches, float(turns.size or 0), *turns.returned]
    return torch.tensor(seen, dtype=torch.float64)


# The least number of critic steps in a round, and one more than the greatest, of two rounds.
_STEPS = ((2, 5), (5, 9))


@dataclass
class _Turns:
    """What happened in one round.

    Attributes:
        whose: the network whose step was called, in order.
        batches: a number that stands for the batch of each critic step.
        taken: the sizes of the batches that were taken.
        size: that the generator's step received.
        numbers: that the steps returned, the critic's last ones and the generator's.
        returned: by the student's function.
    """

    whose: list[str]
    batches: list[float]
    taken: list[int]
    size: int | None
    numbers: dict[str, list[float]]
    returned: list[float]


class _Rounds:
    """Supplied batches and steps that note what they are used for."""

    def __init__(self, running: Replay) -> None:
        self._running = running
        self._batch = 0
        self._step = 0
        self._rounds: list[_Turns] = []

    def begin(self) -> _Turns:
        """Begin a round; return what will be noted of it."""
        self._rounds.append(_Turns([], [], [], None, {}, []))
        return self._rounds[-1]

    def batches(self) -> Iterator[torch.Tensor]:
        """Yield batches without end; no two have the same size or the same numbers."""
        while True:
            self._batch += 1
            self._rounds[-1].taken.append(8 + self._batch)
            yield supplied_rows((8 + self._batch, 1, 4, 4), self._running, f"batch {self._batch}")

    def critic_step(self, real_images: torch.Tensor) -> tuple[float, float, float]:
        """Note the batch; return seeded numbers."""
        if not isinstance(real_images, torch.Tensor):
            raise CheckFailed("round_batch", seen=type(real_images).__name__)
        self._rounds[-1].batches.append(float(real_images.sum()))
        loss, wasserstein, penalty = self._numbers("critic", 3)
        return loss, wasserstein, penalty

    def generator_step(self, batch_size: Any) -> float:
        """Note the batch size; return a seeded number."""
        scalar = isinstance(batch_size, torch.Tensor) and batch_size.ndim == 0
        size = batch_size.item() if scalar else batch_size
        if not isinstance(size, (int, float)):
            raise CheckFailed("round_no_size", seen=type(size).__name__)
        self._rounds[-1].size = int(size)
        return self._numbers("generator", 1)[0]

    def describe(self) -> Message:
        """Say what a round is refused for whose turns are right."""
        for turns in self._rounds:
            if turns.size != turns.taken[-1]:
                return Message("round_size", {"seen": turns.size, "last": turns.taken[-1]})
            if turns.returned != [*turns.numbers["critic"], *turns.numbers["generator"]]:
                return Message("round_numbers")
        return Message("round_differs")

    def _numbers(self, whose: str, count: int) -> list[float]:
        """Return numbers that no other step returns."""
        self._step += 1
        key = randomness.derive_key(self._running.seed, "step", self._step)
        numbers = [float(value) for value in randomness.normal(key, (count,))]
        self._rounds[-1].whose.append(whose)
        self._rounds[-1].numbers[whose] = numbers
        return numbers


def _require_turns(turns: _Turns, critic_steps: int) -> None:
    """Raise `CheckFailed` unless the critic stepped as often as asked, on new batches, then the generator."""
    if turns.whose != ["critic"] * critic_steps + ["generator"]:
        counts = {name: turns.whose.count(name) for name in ("critic", "generator")}
        raise CheckFailed("wrong_round", expected=critic_steps, **counts)
    if len(set(turns.batches)) < critic_steps:
        raise CheckFailed("round_repeats_batch")
    if len(turns.taken) != critic_steps:
        raise CheckFailed("round_batches", seen=len(turns.taken), expected=critic_steps)


FAMILY = Family(WassersteinChecks)
