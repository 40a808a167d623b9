"""Training of generative adversarial networks: one step, and a whole run.

Both are observed with small networks that the library supplies, and with plain SGD in a step, since
Adam would hide a loss that is scaled.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.utils.data import TensorDataset

from autograder import randomness
from autograder.checks import supplied
from autograder.checks.tensors import require_scalar, seed_of, supplied_rows, values_of
from autograder.messages import CheckFailed, Message
from autograder.replay import Replay, replay

if TYPE_CHECKING:
    from autograder.block import Block

# Several batch sizes: labels of a fixed length must not pass.
BATCH_SIZES = (17, 32, 8, 24)
STEP_LEARNING_RATE = 0.5


def _flat(network: nn.Module) -> torch.Tensor:
    """Return all parameters of a network as one vector, copied."""
    return torch.cat([p.detach().reshape(-1).clone() for p in network.parameters()])


def _gradients(network: nn.Module) -> list[torch.Tensor | None]:
    """Return copies of all gradients of a network."""
    return [None if p.grad is None else p.grad.detach().clone() for p in network.parameters()]


@dataclass
class StepTrial:
    """What one call of a training step did.

    Attributes:
        returned: what the step returned.
        movement: change of all parameters of each network, one vector per network.
        other_gradients: gradients that the step left in the network it does not train.
        prefilled: the gradients that stood there before.
        labels: (outputs, labels) of every binary cross-entropy computed.
        real_outputs: of the discriminator for the real batch, before the step.
        batch_size: of the real batch.
    """

    returned: Any
    movement: dict[str, torch.Tensor]
    other_gradients: list[torch.Tensor | None]
    prefilled: list[torch.Tensor | None]
    labels: list[tuple[torch.Tensor, torch.Tensor]]
    real_outputs: torch.Tensor
    batch_size: int


class StepChecks:
    """The checks of one training step; each runs the step on fresh networks.

    Args:
        block: where results go.
        function: the student's step. For `updates="discriminator"` it is called with
            (discriminator, generator, optimizer, loss_function, real_samples), for "generator" with
            (discriminator, generator, optimizer, loss_function, batch_size).
        updates: the network that the step trains.
        latent_dim: length of a latent vector.
        sample_dim: length of a sample.
    """

    def __init__(
        self,
        block: Block,
        function: Callable[..., Any],
        updates: str,
        latent_dim: int,
        sample_dim: int,
    ) -> None:
        if updates not in ("discriminator", "generator"):
            raise ValueError(f"updates must be 'discriminator' or 'generator', not {updates!r}")
        self._block = block
        self._function = function
        self._trained = updates
        self._other = "generator" if updates == "discriminator" else "discriminator"
        self._latent_dim = latent_dim
        self._sample_dim = sample_dim
        self._trial = functools.cache(self._run_trial)

    def loss(self, name: str, *, points: float) -> bool | None:
        """Check the loss that the step returns, for several batch sizes."""

        def observe() -> list[float]:
            return [_require_loss(trial.returned) for trial in self._clean_trials()]

        return self._block.run_check(name, points, observe, self._describe_wrong_loss)

    def update(self, name: str, *, points: float) -> bool | None:
        """Check how the step moves the network it trains, starting without gradients."""

        def observe() -> list[float]:
            trials = self._clean_trials()
            moves = torch.stack([trial.movement[self._trained] for trial in trials])
            if any(not move.any() for move in moves):
                raise CheckFailed("not_moved", network=Message(self._trained))
            return values_of(moves, self._block.lab.seed, name)

        def diagnose() -> Message:
            return Message("moved_wrong", {"network": Message(self._trained)})

        return self._block.run_check(name, points, observe, diagnose)

    def zero_grad(self, name: str, *, points: float) -> bool | None:
        """Check that gradients left from before do not change what the step does."""

        def observe() -> list[float]:
            moves = []
            for index, clean in enumerate(self._clean_trials()):
                move = self._trial(index, True).movement[self._trained]
                if not clean.movement[self._trained].any():
                    raise CheckFailed("not_moved", network=Message(self._trained))
                # Relative to the step without old gradients: another mistake is not charged here.
                moves.append(move - clean.movement[self._trained])
            leftover = float(torch.stack(moves).abs().max())
            if leftover > 1e-9:
                raise CheckFailed("gradients_kept")
            return [0.0]

        return self._block.run_check(name, points, observe)

    def isolation(self, name: str, *, points: float) -> bool | None:
        """Check that the other network neither moves nor, in the discriminator's step, gets gradients.

        The generator's loss has to flow through the discriminator, so gradients there are no mistake.
        """

        def observe() -> list[float]:
            for index in range(len(BATCH_SIZES)):
                for prefill in (False, True):
                    self._require_isolated(self._trial(index, prefill))
            return [0.0]

        return self._block.run_check(name, points, observe)

    def _require_isolated(self, trial: StepTrial) -> None:
        """Raise `CheckFailed` if the other network was touched."""
        if not trial.movement[self._trained].any() and not trial.movement[self._other].any():
            raise CheckFailed("not_moved", network=Message(self._trained))
        if trial.movement[self._other].any():
            raise CheckFailed("other_moved", network=Message(self._other), trained=Message(self._trained))
        if self._trained == "generator":
            return
        for gradient, before in zip(trial.other_gradients, trial.prefilled, strict=True):
            cleared = gradient is None or not gradient.any()
            untouched = gradient is not None and before is not None and torch.equal(gradient, before)
            if not cleared and not untouched:
                raise CheckFailed("gradient_leaked")

    def _clean_trials(self) -> list[StepTrial]:
        """Return one trial per batch size, all without old gradients."""
        return [self._trial(index, False) for index in range(len(BATCH_SIZES))]

    def _run_trial(self, index: int, prefill: bool) -> StepTrial:
        """Call the step once, on fresh networks, and note everything it did."""
        if not callable(self._function):
            raise CheckFailed("not_callable", seen=type(self._function).__name__)
        lab = self._block.lab
        with replay(seed_of(lab.seed, f"{self._block.name}/{index}"), lab.device) as running:
            networks = {
                "discriminator": supplied.small_discriminator(self._sample_dim, running),
                "generator": supplied.small_generator(self._latent_dim, self._sample_dim, running),
            }
            if prefill:
                for name, network in networks.items():
                    _prefill_gradients(network, running, name)
            return self._call(networks, BATCH_SIZES[index], running)

    def _call(self, networks: dict[str, nn.Module], batch_size: int, running: Replay) -> StepTrial:
        """Call the student's step and compare before and after."""
        real_samples = supplied_rows((batch_size, self._sample_dim), running, "real")
        optimizer = torch.optim.SGD(networks[self._trained].parameters(), lr=STEP_LEARNING_RATE)
        labels: list[tuple[torch.Tensor, torch.Tensor]] = []
        with torch.no_grad():
            real_outputs = networks["discriminator"](real_samples)
        before = {name: _flat(network) for name, network in networks.items()}
        prefilled = _gradients(networks[self._other])
        running.observers.append(functools.partial(_note_labels, labels))
        last = real_samples if self._trained == "discriminator" else batch_size
        returned = self._function(
            networks["discriminator"], networks["generator"], optimizer, nn.BCELoss(), last
        )
        running.observers.clear()
        if isinstance(returned, torch.Tensor):
            returned = returned.detach()
        return StepTrial(
            returned=returned,
            movement={name: _flat(network) - before[name] for name, network in networks.items()},
            other_gradients=_gradients(networks[self._other]),
            prefilled=prefilled,
            labels=labels,
            real_outputs=real_outputs,
            batch_size=batch_size,
        )

    def _describe_wrong_loss(self) -> Message:
        """Find out, from the labels that the loss saw, why it is wrong."""
        trial = self._trial(0, False)
        if not trial.labels:
            return Message("loss_not_called")
        outputs = torch.cat([output.reshape(-1) for output, _ in trial.labels])
        labels = torch.cat([label.reshape(-1) for _, label in trial.labels])
        ones, zeros = int((labels == 1).sum()), int((labels == 0).sum())
        if self._trained == "generator":
            if zeros or ones != trial.batch_size:
                return Message("generator_labels", {"ones": ones, "zeros": zeros})
            return Message("wrong_loss")
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
        return Message("wrong_loss")


def _require_loss(returned: Any) -> float:
    """Return a loss as a float; it must be one finite number."""
    if returned is None:
        raise CheckFailed("returned_none")
    if isinstance(returned, torch.Tensor) and returned.numel() != 1:
        raise CheckFailed("loss_not_scalar", seen=f"Tensor {tuple(returned.shape)}")
    if isinstance(returned, (tuple, list, dict, str)):
        raise CheckFailed("loss_not_scalar", seen=type(returned).__name__)
    return require_scalar(returned)


def _prefill_gradients(network: nn.Module, running: Replay, purpose: str) -> None:
    """Leave gradients in a network, as the other network's step would."""
    for index, parameter in enumerate(network.parameters()):
        key = randomness.derive_key(running.seed, "gradient", purpose, index)
        values = randomness.normal(key, tuple(parameter.shape))
        parameter.grad = torch.from_numpy(values).to(parameter.device)


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


# --- a whole training run --------------------------------------------------------------------------

TRAINING_ROWS = 256
TRAINING_BATCH = 32
TRAINING_EPOCHS = 20


@dataclass
class TrainingRun:
    """What one run of a student's `train` did.

    Attributes:
        turns: which step was called, "D" or "G", in order.
        losses: what the steps returned, by network.
        batches: the real samples of each discriminator step.
        optimizers: the last optimiser each step received.
        parameters: ids of the parameters of each network.
        loss_functions: values at a test point of what the steps received as loss function.
        history: what `train` returned.
        rows: the training data.
        final: numbers recomputed from the networks after the run.
        start: the same numbers before the run.
    """

    turns: list[str] = field(default_factory=list)
    losses: dict[str, list[float]] = field(default_factory=lambda: {"discriminator": [], "generator": []})
    batches: list[torch.Tensor] = field(default_factory=list)
    optimizers: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, set[int]] = field(default_factory=dict)
    loss_functions: set[float] = field(default_factory=set)
    history: Any = None
    rows: torch.Tensor = field(default_factory=lambda: torch.empty(0))
    final: torch.Tensor = field(default_factory=lambda: torch.empty(0))
    start: torch.Tensor = field(default_factory=lambda: torch.empty(0))


class TrainingChecks:
    """The checks of a whole training run.

    The student's function is called as
    `train(discriminator, generator, train_set, num_epochs, discriminator_step, generator_step)`.
    The networks and the two steps are supplied: the steps train on a simpler task than a GAN's, so
    that the run depends on loop, optimisers, loss function and number of steps, on nothing else.
    """

    def __init__(self, block: Block, function: Callable[..., Any], latent_dim: int, sample_dim: int) -> None:
        self._block = block
        self._function = function
        self._latent_dim = latent_dim
        self._sample_dim = sample_dim
        self._run = functools.cache(self._train)

    def steps(self, name: str, *, points: float) -> bool | None:
        """Check number, turns and batches of the steps, and that the history holds their losses."""

        def observe() -> list[float]:
            run = self._run()
            _require_steps(run)
            _require_batches(run)
            losses = run.losses["discriminator"] + run.losses["generator"]
            recorded = _history(run.history)
            if len(recorded) != len(losses) or not all(
                math.isclose(seen, loss, rel_tol=1e-6) for seen, loss in zip(recorded, losses, strict=True)
            ):
                raise CheckFailed("wrong_history")
            return [float(len(run.batches)), float(len(losses))]

        return self._block.run_check(name, points, observe)

    def optimizers(self, name: str, *, points: float) -> bool | None:
        """Check class, settings and ownership of the two optimisers, and the loss function."""

        def observe() -> list[float]:
            run = self._run()
            if not run.turns:
                _require_steps(run)
            values: list[float] = []
            for network in ("discriminator", "generator"):
                values += _require_adam(network, run)
            if not run.loss_functions <= {round(-math.log(0.3), 9)}:
                raise CheckFailed("wrong_loss_function")
            return values

        def diagnose() -> Message:
            run = self._run()
            for network in ("discriminator", "generator"):
                group = run.optimizers[network].param_groups[0]
                seen = f"Adam(lr={group['lr']:g}, betas={tuple(group['betas'])})"
                if group["lr"] != 1e-3 or tuple(group["betas"]) != (0.9, 0.999):
                    break
            return Message(
                "wrong_optimizer",
                {
                    "network": Message(network),
                    "seen": seen,
                    "expected": "Adam(lr=0.001, betas=(0.9, 0.999))",
                },
            )

        return self._block.run_check(name, points, observe, diagnose)

    def final_losses(self, name: str, *, points: float) -> bool | None:
        """Check where the run leaves the networks: losses and outputs recomputed from them."""

        def observe() -> list[float]:
            run = self._run()
            if torch.equal(run.final, run.start):
                raise CheckFailed("not_moved", network=Message("discriminator"))
            return values_of(run.final, self._block.lab.seed, name)

        def diagnose() -> Message:
            return Message("wrong_final_losses")

        from autograder.block import TRAINING_DIGITS

        return self._block.run_check(name, points, observe, diagnose, digits=TRAINING_DIGITS)

    def _train(self) -> TrainingRun:
        """Run the student's `train` once, with everything else supplied."""
        if not callable(self._function):
            raise CheckFailed("not_callable", seen=type(self._function).__name__)
        lab = self._block.lab
        run = TrainingRun()
        with replay(seed_of(lab.seed, self._block.name), lab.device) as running:
            discriminator = supplied.small_discriminator(self._sample_dim, running)
            generator = supplied.small_generator(self._latent_dim, self._sample_dim, running)
            run.rows = supplied_rows((TRAINING_ROWS, self._sample_dim), running)
            run.parameters = {
                "discriminator": {id(p) for p in discriminator.parameters()},
                "generator": {id(p) for p in generator.parameters()},
            }
            run.start = self._final_numbers(discriminator, generator, running)
            dataset = TensorDataset(run.rows.cpu(), torch.zeros(TRAINING_ROWS))
            run.history = self._function(
                discriminator,
                generator,
                dataset,
                TRAINING_EPOCHS,
                functools.partial(_supplied_discriminator_step, run),
                functools.partial(_supplied_generator_step, run, self._latent_dim),
            )
            run.final = self._final_numbers(discriminator, generator, running)
        return run

    def _final_numbers(self, discriminator: nn.Module, generator: nn.Module, running: Replay) -> torch.Tensor:
        """Return losses and outputs of the networks on data that the run never saw."""
        latent = supplied_rows((16, self._latent_dim), running, "evaluation latent")
        real = supplied_rows((16, self._sample_dim), running, "evaluation real")
        with torch.no_grad():
            fake = generator(latent)
            on_real, on_fake = discriminator(real), discriminator(fake)
            loss = nn.functional.binary_cross_entropy
            losses = torch.stack(
                [
                    loss(on_real, torch.ones_like(on_real)) + loss(on_fake, torch.zeros_like(on_fake)),
                    loss(on_fake, torch.ones_like(on_fake)),
                ]
            )
            return torch.cat([losses, on_real.reshape(-1), on_fake.reshape(-1), fake.reshape(-1)])


def _supplied_update(
    run: TrainingRun, network: str, optimizer: Any, loss_function: Any, output: torch.Tensor
) -> torch.Tensor:
    """Move a network towards random soft targets, and note what was received."""
    run.turns.append(network[0].upper())
    run.optimizers[network] = optimizer
    probe = torch.full((1, 1), 0.3, device=output.device)
    run.loss_functions.add(round(float(loss_function(probe, torch.ones_like(probe))), 9))
    loss = loss_function(output, torch.rand(output.shape, device=output.device))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    run.losses[network].append(float(loss.detach()))
    return loss


def _supplied_discriminator_step(
    run: TrainingRun,
    discriminator: nn.Module,
    generator: nn.Module,
    optimizer_discriminator: Any,
    loss_function: Any,
    real_samples: torch.Tensor,
) -> torch.Tensor:
    """Stand in for a discriminator step; its inputs do not depend on the order of the data."""
    run.batches.append(real_samples.detach().cpu().clone())
    inputs = torch.randn(TRAINING_BATCH, real_samples.shape[1], device=real_samples.device)
    output = discriminator(inputs)
    return _supplied_update(run, "discriminator", optimizer_discriminator, loss_function, output)


def _supplied_generator_step(
    run: TrainingRun,
    latent_dim: int,
    discriminator: nn.Module,
    generator: nn.Module,
    optimizer_generator: Any,
    loss_function: Any,
    batch_size: int,
) -> torch.Tensor:
    """Stand in for a generator step."""
    device = next(generator.parameters()).device
    output = discriminator(generator(torch.randn(int(batch_size), latent_dim, device=device)))
    return _supplied_update(run, "generator", optimizer_generator, loss_function, output)


def _history(history: Any) -> list[float]:
    """Return the losses that a history holds: all of the discriminator, then all of the generator."""
    if history is None:
        raise CheckFailed("returned_none")
    try:
        return [float(loss) for loss in [*history.discriminator, *history.generator]]
    except (AttributeError, TypeError, ValueError):
        raise CheckFailed("no_history", seen=type(history).__name__) from None


def _require_steps(run: TrainingRun) -> None:
    """Raise `CheckFailed` unless the steps are as many as asked for and take turns."""
    batches = TRAINING_ROWS // TRAINING_BATCH
    expected = TRAINING_EPOCHS * batches
    counts = (run.turns.count("D"), run.turns.count("G"))
    recorded = len(_history(run.history)) // 2
    if counts != (expected, expected) or recorded != expected:
        raise CheckFailed(
            "wrong_steps",
            epochs=TRAINING_EPOCHS,
            batches=batches,
            expected=expected,
            discriminator=counts[0],
            generator=counts[1],
            recorded=recorded,
        )
    if run.turns != ["D", "G"] * expected:
        raise CheckFailed("wrong_turns")


def _require_batches(run: TrainingRun) -> None:
    """Raise `CheckFailed` unless every epoch goes through all data in batches of 32, shuffled."""
    per_epoch = TRAINING_ROWS // TRAINING_BATCH
    wanted = sorted(run.rows.cpu().tolist())
    epochs = [
        torch.cat(run.batches[start : start + per_epoch]).tolist()
        for start in range(0, len(run.batches), per_epoch)
    ]
    sizes = sorted({len(batch) for batch in run.batches})
    if sizes != [TRAINING_BATCH] or any(sorted(epoch) != wanted for epoch in epochs):
        raise CheckFailed("wrong_batches", sizes=", ".join(str(size) for size in sizes))
    if all(epoch == epochs[0] for epoch in epochs[1:]):
        raise CheckFailed("not_shuffled")


def _require_adam(network: str, run: TrainingRun) -> list[float]:
    """Return the settings of a network's optimiser, which must be an Adam over that network."""
    optimizer = run.optimizers.get(network)
    expected = "Adam(lr=0.001, betas=(0.9, 0.999))"
    if type(optimizer) is not torch.optim.Adam:
        raise CheckFailed(
            "wrong_optimizer",
            network=Message(network),
            seen=type(optimizer).__name__,
            expected=expected,
        )
    owned = {id(p) for group in optimizer.param_groups for p in group["params"]}
    if owned != run.parameters[network]:
        raise CheckFailed("wrong_owner", network=Message(network))
    group = optimizer.param_groups[0]
    flags = [float(bool(group[name])) for name in ("amsgrad", "maximize")]
    numbers = [group["lr"], *group["betas"], group["eps"], group["weight_decay"]]
    return [float(number) for number in numbers] + flags
