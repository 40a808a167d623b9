"""A whole training run of a generative adversarial network.

The student's function is run twice, with networks, data and steps that the library supplies. In the
*ledger* run the steps train nothing: they note turns, batches and optimisers and return seeded numbers
as losses, so that the loop is observed apart from everything else. In the *training* run the steps
move the networks towards seeded targets, so that where the run ends depends on loop, optimisers, loss
function and number of steps, but not on the order of the data. The last batch of an epoch is shorter than
the others, by how much the seed decides: a batch size that is written down shows, and so do rows that are
left out.
"""

from __future__ import annotations

import contextlib
import functools
import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.utils.data import TensorDataset

from autograder.checks.base import Checks
from autograder.checks.calling import call_student, require_callable
from autograder.checks.guard import May
from autograder.checks.rehearsal import rehearsing
from autograder.checks.supplied import SuppliedInteger, supplied_rows
from autograder.messages import CheckFailed, Message
from autograder.replay import Replay, randomness
from course.checks.gan_networks import small_discriminator, small_generator
from course.checks.optimizers import AdamSettings, describe_wrong_optimizer, movements, require_owner

TRAINING_BATCH = 32
TRAINING_BATCHES = 8
TRAINING_EPOCHS = 20
STEPS = TRAINING_EPOCHS * TRAINING_BATCHES
NETWORKS = ("discriminator", "generator")
# Significant digits compared: short replays agree far better, a whole training somewhat better.
TRAINING_DIGITS = 6
ADAM = AdamSettings(lr=0.001)
# Batch sizes that a loss function is tried with: a sum in place of a mean must show.
LOSS_SIZES = (1, 2, 3, 5)


@dataclass(frozen=True)
class EpochEnd:
    """One call of the `on_epoch_end` that `train` received.

    Attributes:
        steps: how many steps of either network there had been.
        arguments: what it was called with.
    """

    steps: int
    arguments: tuple[Any, ...]


@dataclass
class TrainingRun:
    """What one run of a student's `train` did.

    Attributes:
        networks: the two networks, by name.
        rows: the training data, (rows, *sample_shape).
        turns: the network whose step was called, in order.
        strangers: how often a step received something else than the networks, in their order.
        losses: what the steps returned, by network.
        supplied_losses: what the generator's steps return.
        batches: the real samples of each discriminator step.
        batch_sizes: what the generator's steps received.
        epoch_ends: each call of `on_epoch_end`.
        optimizers: what each step received as optimiser, in order and without repetition.
        loss_functions: what the steps received as loss function, likewise.
        history: what `train` returned.
    """

    networks: dict[str, nn.Module]
    rows: torch.Tensor
    turns: list[str] = field(default_factory=list)
    strangers: int = 0
    losses: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in NETWORKS})
    supplied_losses: list[float] = field(default_factory=list)
    batches: list[torch.Tensor] = field(default_factory=list)
    batch_sizes: list[Any] = field(default_factory=list)
    epoch_ends: list[EpochEnd] = field(default_factory=list)
    optimizers: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in NETWORKS})
    loss_functions: list[Any] = field(default_factory=list)
    history: Any = None

    def note(self, network: str, networks: tuple[Any, Any], optimizer: Any, loss_function: Any) -> None:
        """Note what a step received."""
        self.turns.append(network)
        self.strangers += any(
            seen is not lent for seen, lent in zip(networks, self.networks.values(), strict=True)
        )
        if not any(optimizer is seen for seen in self.optimizers[network]):
            self.optimizers[network].append(optimizer)
        if not any(loss_function is seen for seen in self.loss_functions):
            self.loss_functions.append(loss_function)


class GANTrainingChecks:
    """The checks of a whole training run.

    The student's function is called as
    `train(discriminator, generator, train_set, num_epochs, discriminator_step, generator_step)`, and in the
    ledger run with an `on_epoch_end` besides.
    """

    def __init__(
        self,
        block: Checks,
        function: Callable[..., Any],
        latent_shape: tuple[int, ...],
        sample_shape: tuple[int, ...],
    ) -> None:
        self._block = block
        self._function = function
        self._latent_shape = latent_shape
        self._sample_shape = sample_shape
        self._noted: tuple[TrainingRun, torch.Tensor, list[float]] | None = None

    def steps(self, name: str, *, points: float) -> bool:
        """Check number, turns and batches of the steps, and that the history holds their losses."""

        def observe() -> list[float]:
            run, _, _ = self._ledger()
            recorded = _history(run.history)
            _require_steps(run, len(recorded))
            epochs = _require_batches(run)
            _require_arguments(run)
            losses = run.losses["discriminator"] + run.losses["generator"]
            if not all(map(functools.partial(math.isclose, rel_tol=1e-6), recorded, losses)):
                raise CheckFailed("wrong_history")
            # Sums over an epoch: correct loops may go through the data in other orders.
            sums = torch.stack([epoch.sum(dim=0) for epoch in epochs])
            # Here no replay runs: the default dtype may be a student's.
            seen = torch.cat([torch.tensor(recorded, dtype=torch.float32), sums.reshape(-1)])
            return self._block.project(seen, name)

        return self._block.run_function(name, points, observe, lambda: Message("wrong_history"))

    def epoch_end(self, name: str, *, points: float) -> bool:
        """Check that `on_epoch_end` is called at the end of each epoch, with its number and the generator.

        Observed is the supplied loss of the last step before each call, had every epoch the steps it should:
        batches of another size cost marks in `steps` only.
        """

        def observe() -> list[float]:
            run, _, _ = self._ledger()
            places = _epoch_ends(run)
            return [run.supplied_losses[round(place * STEPS) - 1] for place in places]

        return self._block.run_function(name, points, observe, follows_from="losses that are supplied")

    def optimizers(self, name: str, *, points: float) -> bool:
        """Check class, settings and ownership of the two optimisers, and the loss function.

        Observed are the movements that the optimisers make with seeded gradients, and the loss
        function's values on seeded outputs.
        """

        def observe() -> list[float]:
            run, moves, losses = self._ledger()
            if set(run.turns) != set(NETWORKS):
                _require_steps(run, 0)
            for network in NETWORKS:
                require_owner(network, _single_optimizer(network, run), run.networks, ADAM)
            return [*losses, *self._block.project(moves, name)]

        def diagnose() -> Message:
            received = {network: found[0] for network, found in self._ledger()[0].optimizers.items()}
            return describe_wrong_optimizer(received, ADAM) or Message("wrong_loss_function")

        return self._block.run_function(name, points, observe, diagnose)

    def final_losses(self, name: str, *, points: float) -> bool:
        """Check where the run leaves the networks: losses and outputs recomputed from them."""

        def observe() -> list[float]:
            start, final = self._train()
            if torch.equal(final, start):
                raise CheckFailed("not_moved", network=Message("discriminator"))
            return self._block.project(final, name)

        def diagnose() -> Message:
            return Message("wrong_final_losses")

        return self._block.run_function(name, points, observe, diagnose, digits=TRAINING_DIGITS)

    def _ledger(self) -> tuple[TrainingRun, torch.Tensor, list[float]]:
        """Return what the run with steps that train nothing did; it is made once."""
        if self._noted is None:
            self._noted = self._run_ledger()
        return self._noted

    def _run_ledger(self) -> tuple[TrainingRun, torch.Tensor, list[float]]:
        """Run the student's `train` with steps that train nothing, then try what they received."""
        with self._replay("ledger") as running:
            run = self._prepare(running)
            steps = [_LedgerStep(run, running, network) for network in NETWORKS]
            run.supplied_losses = steps[1].supplied
            self._call(run, *steps, on_epoch_end=_EpochEnds(run))
            moves = torch.zeros(1)
            if set(run.turns) == set(NETWORKS):
                moves = movements(run.networks, {n: run.optimizers[n][-1] for n in NETWORKS}, running)
            return run, moves, _loss_values(run, running)

    def _train(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Run the student's `train` with steps that train; return numbers from before and after."""
        with self._replay("training") as running:
            run = self._prepare(running)
            start = self._final_numbers(run, running)
            self._call(
                run,
                functools.partial(_training_discriminator_step, run),
                functools.partial(_training_generator_step, run, self._latent_shape),
            )
            return start, self._final_numbers(run, running)

    def _replay(self, purpose: str) -> contextlib.AbstractContextManager[Replay]:
        """Return the replay of one run."""
        require_callable(self._function)
        return self._block.replay(f"{self._block.name}/{purpose}")

    def _prepare(self, running: Replay) -> TrainingRun:
        """Return a run with fresh networks and data."""
        networks = {
            "discriminator": small_discriminator(self._sample_shape, running),
            "generator": small_generator(self._latent_shape, self._sample_shape, running),
        }
        last = SuppliedInteger("last batch", 2, TRAINING_BATCH - 1).build(running)
        rows = (TRAINING_BATCHES - 1) * TRAINING_BATCH + last
        return TrainingRun(networks, supplied_rows((rows, *self._sample_shape), running))

    def _call(
        self,
        run: TrainingRun,
        discriminator_step: Callable[..., Any],
        generator_step: Callable[..., Any],
        **named: Any,
    ) -> None:
        """Call the student's function."""
        run.history = call_student(
            self._function,
            run.networks["discriminator"],
            run.networks["generator"],
            TensorDataset(run.rows.cpu(), torch.zeros(len(run.rows))),
            TRAINING_EPOCHS,
            discriminator_step,
            generator_step,
            may=May(train=tuple(run.networks.values())),
            **named,
        )

    def _final_numbers(self, run: TrainingRun, running: Replay) -> torch.Tensor:
        """Return losses and outputs of the networks on data that the run never saw."""
        latent = supplied_rows((16, *self._latent_shape), running, "evaluation latent")
        real = supplied_rows((16, *self._sample_shape), running, "evaluation real")
        with torch.no_grad():
            fake = run.networks["generator"](latent)
            on_real, on_fake = (run.networks["discriminator"](samples) for samples in (real, fake))
            loss = nn.functional.binary_cross_entropy
            losses = [
                loss(on_real, torch.ones_like(on_real)) + loss(on_fake, torch.zeros_like(on_fake)),
                loss(on_fake, torch.ones_like(on_fake)),
            ]
            return torch.cat([torch.stack(losses), *(t.reshape(-1) for t in (on_real, on_fake, fake))])


# --- the steps that the library supplies -----------------------------------------------------------


class _LedgerStep:
    """A step that notes what it received and returns a seeded number as its loss."""

    def __init__(self, run: TrainingRun, running: Replay, network: str) -> None:
        self._run = run
        self._network = network
        key = randomness.derive_key(running.seed, "ledger", network)
        self.supplied: list[float] = (0.1 + randomness.uniform(key, (2 * STEPS,))).tolist()

    def __call__(
        self,
        discriminator: nn.Module,
        generator: nn.Module,
        optimizer: Any = None,
        loss_function: Any = None,
        samples: Any = None,
        **named: Any,
    ) -> torch.Tensor:
        """Take the arguments of a step, by position or by the names that the notebook gives them."""
        optimizer = named.pop(f"optimizer_{self._network}", optimizer)
        samples = named.pop("real_samples", named.pop("batch_size", samples))
        if named:
            raise TypeError(f"a step has no argument {next(iter(named))!r}")
        self._run.note(self._network, (discriminator, generator), optimizer, loss_function)
        if self._network == "generator":
            self._run.batch_sizes.append(samples)
        elif isinstance(samples, torch.Tensor):
            if rehearsing():
                discriminator(samples)  # are both on the same device?
            self._run.batches.append(samples.detach().cpu().to(torch.float64, copy=True))
        else:
            raise CheckFailed("step_batch", seen=type(samples).__name__)
        losses = self._run.losses[self._network]
        losses.append(self.supplied[len(losses) % len(self.supplied)])
        return torch.tensor(losses[-1])


class _EpochEnds:
    """An `on_epoch_end` that notes when it was called, and with what."""

    def __init__(self, run: TrainingRun) -> None:
        self._run = run

    def __call__(self, *args: Any, **named: Any) -> None:
        """Take any arguments: what is wrong with them is said later, and costs nothing else."""
        names = [name for name in ("epoch", "generator")[len(args) :] if name in named]
        given = (*args, *(named.pop(name) for name in names), *named.values())
        self._run.epoch_ends.append(EpochEnd(len(self._run.turns), given))


def _training_discriminator_step(
    run: TrainingRun,
    discriminator: nn.Module,
    generator: nn.Module,
    optimizer_discriminator: Any,
    loss_function: Any,
    real_samples: torch.Tensor,
) -> torch.Tensor:
    """Move the discriminator; its inputs do not depend on the order of the data."""
    inputs = torch.randn(TRAINING_BATCH, *real_samples.shape[1:], device=real_samples.device)
    return _update(optimizer_discriminator, loss_function, discriminator(inputs))


def _training_generator_step(
    run: TrainingRun,
    latent_shape: tuple[int, ...],
    discriminator: nn.Module,
    generator: nn.Module,
    optimizer_generator: Any,
    loss_function: Any,
    batch_size: int,
) -> torch.Tensor:
    """Move the generator; a wrong batch size shows in the ledger, and costs nothing here."""
    device = next(generator.parameters()).device
    output = discriminator(generator(torch.randn(TRAINING_BATCH, *latent_shape, device=device)))
    return _update(optimizer_generator, loss_function, output)


def _update(optimizer: Any, loss_function: Any, output: torch.Tensor) -> torch.Tensor:
    """Take one step of an optimiser towards random soft targets."""
    loss: torch.Tensor = loss_function(output, torch.rand(output.shape, device=output.device))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


# --- what is observed ------------------------------------------------------------------------------


def _loss_values(run: TrainingRun, running: Replay) -> list[float]:
    """Return the values of the loss function that the steps received, on seeded outputs and labels.

    Raises:
        CheckFailed: if the steps received functions that differ.
    """
    tables = []
    for loss_function in run.loss_functions:
        values = []
        for size in LOSS_SIZES:
            output, label = (
                torch.from_numpy(
                    randomness.uniform(randomness.derive_key(running.seed, what, size), (size, 1))
                )
                for what in ("output", "label")
            )
            loss = loss_function(output.to(running.device), label.to(running.device))
            values.append(float(loss.detach().reshape(-1)[0]))
        tables.append(values)
    if any(table != tables[0] for table in tables[1:]):
        raise CheckFailed("wrong_loss_function")
    return tables[0] if tables else []


def _history(history: Any) -> list[float]:
    """Return the losses that a history holds: all of the discriminator, then all of the generator."""
    if history is None:
        raise CheckFailed("returned_none")
    try:
        return [float(loss) for loss in [*history.discriminator, *history.generator]]
    except (AttributeError, TypeError, ValueError):
        raise CheckFailed("no_history", seen=type(history).__name__) from None


def _require_steps(run: TrainingRun, recorded: int) -> None:
    """Raise `CheckFailed` unless the steps are as many as asked for, take turns and are all recorded."""
    counts = {name: run.turns.count(name) for name in NETWORKS}
    if any(count != STEPS for count in counts.values()) or recorded != 2 * STEPS:
        raise CheckFailed(
            "wrong_steps",
            epochs=TRAINING_EPOCHS,
            batches=TRAINING_BATCHES,
            expected=STEPS,
            **counts,
            recorded=recorded / 2,
        )
    if run.turns != list(NETWORKS) * STEPS:
        raise CheckFailed("wrong_turns")


def _require_batches(run: TrainingRun) -> list[torch.Tensor]:
    """Return the data of every epoch; each must go through all of them in shuffled batches of 32."""
    starts = range(0, len(run.batches), TRAINING_BATCHES)
    per_epoch = [run.batches[start : start + TRAINING_BATCHES] for start in starts]
    wanted, short = sorted(run.rows.cpu().tolist()), len(run.rows) % TRAINING_BATCH
    sizes = sorted([*[TRAINING_BATCH] * (TRAINING_BATCHES - 1), short])
    epochs = [torch.cat(batches) for batches in per_epoch]
    if any(sorted(map(len, batches)) != sizes for batches in per_epoch) or any(
        sorted(epoch.tolist()) != wanted for epoch in epochs
    ):
        seen = sorted({len(batch) for batch in run.batches})
        raise CheckFailed("wrong_batches", sizes=", ".join(map(str, seen)))
    if all(torch.equal(epoch, epochs[0]) for epoch in epochs[1:]):
        raise CheckFailed("not_shuffled")
    return epochs


def _require_arguments(run: TrainingRun) -> None:
    """Raise `CheckFailed` unless steps received the networks in order, and the size of their batch."""
    if run.strangers:
        raise CheckFailed("step_networks")
    for batch, size in zip(run.batches, run.batch_sizes, strict=True):
        if not _is_integer(size):
            raise CheckFailed("step_batch_size_type", seen=type(size).__name__)
        if int(size) != len(batch):
            raise CheckFailed("step_batch_size", seen=int(size), expected=len(batch))


def _epoch_ends(run: TrainingRun) -> list[float]:
    """Return which part of all steps had been done at each call of `on_epoch_end`.

    Raises:
        CheckFailed: unless that was at the end of each epoch, with its number and the generator.
    """
    if len(run.epoch_ends) != TRAINING_EPOCHS:
        raise CheckFailed("epoch_end_calls", seen=len(run.epoch_ends), expected=TRAINING_EPOCHS)
    for epoch, end in enumerate(run.epoch_ends):
        if len(end.arguments) != 2:
            raise CheckFailed("epoch_end_arguments", count=len(end.arguments))
        number, generator = end.arguments
        if generator is not run.networks["generator"]:
            raise CheckFailed("epoch_end_generator", seen=type(generator).__name__)
        if not _is_integer(number):
            raise CheckFailed("epoch_end_type", seen=type(number).__name__)
        if int(number) != epoch:
            raise CheckFailed("epoch_end_number", seen=int(number), expected=epoch)
        if end.steps * TRAINING_EPOCHS != (epoch + 1) * len(run.turns) or not run.turns:
            raise CheckFailed("epoch_end_place", steps=end.steps, epoch=epoch)
    return [end.steps / len(run.turns) for end in run.epoch_ends]


def _is_integer(value: Any) -> bool:
    """Tell whether something counts: an integer of Python or NumPy, or a tensor that holds one."""
    if isinstance(value, torch.Tensor):
        return value.numel() == 1 and not value.dtype.is_floating_point and value.dtype != torch.bool
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _single_optimizer(network: str, run: TrainingRun) -> Any:
    """Return the optimiser that all steps of a network received.

    Raises:
        CheckFailed: if there were several.
    """
    found = run.optimizers[network]
    if len(found) > 1:
        raise CheckFailed("many_optimizers", network=Message(network), count=len(found))
    return found[0]
