"""A block of checks: what one check cell runs, and the marks it gives."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any

import torch

from autograder import display, emission, faults
from autograder.checks import (
    checkpoints,
    classification,
    experiments,
    exports,
    gan_step,
    gan_training,
    identity,
    initialisation,
    networks,
    progressive,
    supplied,
    tensors,
    texts,
    wasserstein,
)
from autograder.checks import optimizers as optimizing
from autograder.checks.weak import WEAK_CHECKS
from autograder.messages import CheckFailed, Message, Translated
from autograder.observation import DIGITS, Observation, project
from autograder.replay import Replay, replay

if TYPE_CHECKING:
    from autograder.session import Lab

WRONG = Message("wrong_scalar")


@dataclass(frozen=True)
class Result:
    """The outcome of one check: passed is None when it is decided outside this process.

    `observation` is None for what is no check: an error of the cell itself.
    """

    name: str
    points: float
    passed: bool | None
    message: Message
    observation: Observation | None = None


class Block:
    """The checks of one check cell; used as a context manager.

    Its checks never raise on account of a student's code, and its output never goes to stderr:
    nbgrader takes any stderr for a failed cell.

    Attributes:
        lab: the session.
        name: the block's stable name.
        points: full marks.
        results: one entry per check, in order.
    """

    def __init__(self, lab: Lab, name: str, points: float) -> None:
        self.lab = lab
        self.name = name
        self.points = points
        self.results: list[Result] = []
        self._last_cause: Message | None = None

    @property
    def score(self) -> float:
        """Return the marks earned: a plain float between 0 and the block's full marks."""
        earned = sum(result.points for result in self.results if result.passed)
        return float(min(max(round(earned, 6), 0.0), self.points))

    def view(self) -> display.BlockView:
        """Return how the block looks: its marks, and a line per check."""
        lab = self.lab
        return display.BlockView(
            self.name, self.points, self.score, self.results, lab.language, lab.identities
        )

    def __enter__(self) -> Block:
        self.results = []
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """Keep and show the marks; swallow every error of a student's code, but not an interrupt."""
        if error is not None:
            message = faults.explain(error)
            self.results.append(Result(self.name, 0.0, False, message))
        self.lab.enter(self)
        if self.lab.emits:
            emission.emit(self)
        else:
            display.show(self.view())
        return error is None or isinstance(error, (Exception, SystemExit))

    # --- the checks --------------------------------------------------------------------------------

    def identity(
        self,
        student_id_1: str,
        signature_1: str,
        student_id_2: str = "",
        signature_2: str = "",
    ) -> bool | None:
        """Check who hands in: one or two student ids, each with a typed signature."""

        def observe() -> str:
            self.lab.identities = ()
            ids = identity.students((student_id_1, signature_1), (student_id_2, signature_2))
            self.lab.identities = ids
            return "identified"

        # Every name is right: what is recorded says only that there is one.
        return self.run_check("identity", 0.0, observe, verify=False)

    def fingerprint(
        self,
        name: str,
        function: Callable[..., Any],
        *args: Any,
        shape: tuple[int, ...] | None = None,
        low: float | None = None,
        high: float | None = None,
        detached: bool = False,
        points: float,
        digits: int = DIGITS,
    ) -> bool | None:
        """Check shape, dtype, finiteness, range and all values of the tensor that a function returns.

        Args:
            name: of the check.
            function: the student's function.
            *args: what it is called with.
            shape: the expected shape, where it is no secret.
            low: the least value allowed, if any.
            high: the greatest value allowed, if any.
            detached: whether the tensor must not belong to a gradient graph.
            points: the marks of this check.
            digits: significant digits compared.
        """

        def compute(running: Replay) -> torch.Tensor:
            result = tensors.call(function, args, running)
            tensors.require_tensor(result, shape=shape, low=low, high=high)
            if detached and result.requires_grad:
                raise CheckFailed("has_gradient")
            return result

        return self.run_array(name, points, compute, tensors.describe_wrong_values, digits=digits)

    def scalars(
        self,
        name: str,
        function: Callable[..., Any],
        cases: Sequence[tuple[Any, ...]],
        *,
        points: float,
        digits: int = DIGITS,
    ) -> bool | None:
        """Check the number that a function returns, for several arguments.

        One number is too easy to guess: give at least four cases.

        Args:
            name: of the check.
            function: the student's function.
            cases: the arguments of each call.
            points: the marks of this check.
            digits: significant digits compared.
        """

        def compute(running: Replay) -> list[float]:
            return [tensors.require_scalar(tensors.call(function, case, running)) for case in cases]

        return self.run_numbers(name, points, compute, digits=digits)

    def text(self, name: str, answer: str, *, points: float) -> bool | None:
        """Check a text answer; Unicode form, case and white space do not matter."""
        return self.run_check(
            name, points, lambda: texts.require_text(answer), lambda: texts.describe_wrong(answer)
        )

    def dataset(
        self,
        name: str,
        function: Callable[..., Any],
        *,
        shape: tuple[int, ...],
        points: float,
    ) -> bool | None:
        """Check that a function turns a tensor of rows into a data set of (row, label) pairs.

        Args:
            name: of the check.
            function: the student's function; called with a tensor that the library supplies.
            shape: of that tensor.
            points: the marks of this check.
        """

        def compute(running: Replay) -> torch.Tensor:
            rows = tensors.supplied_rows(shape, running)
            return tensors.require_pairs(tensors.call(function, (rows,), running), rows)

        return self.run_array(name, points, compute, Message("dataset_rows_differ"), kind="dataset")

    def network_structure(
        self,
        name: str,
        factory: Callable[[], Any],
        *,
        input_shape: tuple[int, ...],
        output_shape: tuple[int, ...],
        parameters: int,
        layers: Sequence[str] = (),
        points: float,
    ) -> bool | None:
        """Check a network's output shape, its number of parameters and the shapes of its layers in order.

        A gradient has to reach all of them.

        Args:
            name: of the check.
            factory: the student's class.
            input_shape: of the batch it is called with.
            output_shape: expected.
            parameters: the expected number of trainable numbers.
            layers: names of layers that other code uses.
            points: the marks of this check.
        """

        def compute(running: Replay) -> torch.Tensor:
            return networks.structure(factory, input_shape, output_shape, parameters, running, layers)

        return self.run_array(name, points, compute, Message("wrong_structure"))

    def network_output(
        self,
        name: str,
        factory: Callable[[], Any],
        *,
        input_shape: tuple[int, ...],
        training: bool = False,
        ways: Sequence[networks.Way] = networks.FORWARD,
        low: float | None = None,
        high: float | None = None,
        points: float,
        digits: int = DIGITS,
    ) -> bool | None:
        """Check what a network computes with parameters that the library sets.

        Args:
            name: of the check.
            factory: the student's class.
            input_shape: of the batch it is called with.
            training: whether it is in train mode, where dropout would show, or in eval mode.
            ways: through the network, each a chain of its methods; all must lead to the same output.
            low: the least output allowed, if any.
            high: the greatest output allowed, if any.
            points: the marks of this check.
            digits: significant digits compared.
        """
        trace = networks.Trace()

        def compute(running: Replay) -> torch.Tensor:
            output = networks.evaluate(factory, input_shape, running, trace, training=training, ways=ways)
            return tensors.require_tensor(output, low=low, high=high)

        def diagnose(_: torch.Tensor) -> Message:
            return Message("wrong_output", {"operations": trace.describe()})

        return self.run_array(name, points, compute, diagnose, digits=digits)

    def dropout(
        self,
        name: str,
        factory: Callable[[], Any],
        *,
        input_shape: tuple[int, ...],
        ways: Sequence[networks.Way] = networks.FORWARD,
        points: float,
        digits: int = DIGITS,
    ) -> bool | None:
        """Check that a network's dropout is active in train mode, as asked, and absent in eval mode.

        Args:
            name: of the check.
            factory: the student's class.
            input_shape: of the batch it is called with.
            ways: through the network, each a chain of its methods; dropout is observed on all of them.
            points: the marks of this check.
            digits: significant digits compared.
        """
        trace = networks.Trace()

        def compute(running: Replay) -> torch.Tensor:
            return networks.dropout_output(factory, input_shape, running, trace, ways)

        def diagnose(_: torch.Tensor) -> Message:
            return Message("wrong_dropout", {"operations": trace.describe()})

        return self.run_array(name, points, compute, diagnose, digits=digits)

    def initialisation(
        self, name: str, function: Callable[..., Any], *, kind: str, points: float
    ) -> bool | None:
        """Check how a function initialises layers, when `network.apply` calls it with each of them.

        Args:
            name: of the check.
            function: the student's function; called with a layer.
            kind: "convolutions" or "batch_norms": the layers whose parameters are compared.
            points: the marks of this check.
        """

        def compute(running: Replay) -> torch.Tensor:
            return initialisation.initialised(function, kind, running)

        def diagnose(seen: torch.Tensor) -> Message:
            return initialisation.describe_wrong_initialisation(seen, kind)

        return self.run_array(name, points, compute, diagnose)

    def optimizers(
        self,
        name: str,
        function: Callable[..., Any],
        *,
        lr: float,
        betas: tuple[float, float],
        latent_shape: tuple[int, ...],
        sample_shape: tuple[int, ...],
        points: float,
    ) -> bool | None:
        """Check the two Adam optimisers that a function makes of a discriminator and a generator.

        Args:
            name: of the check.
            function: the student's function; called with (discriminator, generator), it returns the
                optimiser of each.
            lr: the learning rate asked for.
            betas: the decay rates asked for.
            latent_shape: of a latent vector.
            sample_shape: of a sample.
            points: the marks of this check.
        """
        expected = optimizing.AdamSettings(lr, betas)
        seen: dict[str, Any] = {}

        def compute(running: Replay) -> torch.Tensor:
            networks = {
                "discriminator": supplied.small_discriminator(sample_shape, running),
                "generator": supplied.small_generator(latent_shape, sample_shape, running),
            }
            returned = tensors.call(function, tuple(networks.values()), running)
            seen.update(tensors.require_tuple(returned, list(networks)))
            for network, optimizer in seen.items():
                optimizing.require_owner(network, optimizer, networks, expected)
            return optimizing.movements(networks, seen, running)

        def diagnose(_: torch.Tensor) -> Message:
            return optimizing.describe_wrong_optimizer(seen, expected) or WRONG

        return self.run_array(name, points, compute, diagnose)

    def checkpoint(
        self,
        name: str,
        save: Callable[..., Any],
        load: Callable[..., Any],
        *,
        counter: str = "epoch",
        points: float,
    ) -> bool | None:
        """Check that a training goes on from a checkpoint as if it had not been interrupted.

        Args:
            name: of the check.
            save: the student's `save_checkpoint(path, epoch, networks, optimizers)`.
            load: the student's `load_checkpoint(path, networks, optimizers)`, which returns the epoch.
            counter: what the training counts: "epoch" or "stage".
            points: the marks of this check.
        """
        seen: list[tuple[checkpoints.Resumed, checkpoints.Resumed]] = []

        def compute(running: Replay) -> torch.Tensor:
            seen.append(checkpoints.resume(save, load, running))
            return seen[0][0].numbers()

        def diagnose(_: torch.Tensor) -> Message:
            return checkpoints.describe_difference(*seen[0], counter)

        return self.run_array(name, points, compute, diagnose, kind="checkpoint")

    def equalised_convolution(
        self, name: str, factory: Callable[..., Any], *, aspect: str, points: float
    ) -> bool | None:
        """Check a convolution whose weights are scaled when it is used (equalised learning rate).

        Args:
            name: of the check.
            factory: the student's class; called with in_channels, out_channels, kernel_size, stride, padding
                and gain.
            aspect: "output", with parameters that the library sets, or "initialisation", those it begins
                with.
            points: the marks of this check.
        """
        observed = {
            "output": progressive.convolution_outputs,
            "initialisation": progressive.initial_convolutions,
        }[aspect]

        def compute(running: Replay) -> torch.Tensor:
            return observed(factory, running)

        return self.run_array(name, points, compute, Message(f"wrong_equalised_{aspect}"))

    def assembled_output(
        self,
        name: str,
        factory: Callable[[], Any],
        *,
        parts: Mapping[str, str],
        input_shape: tuple[int, ...],
        output_shape: tuple[int, ...],
        points: float,
    ) -> bool | None:
        """Check what a network computes that is put together from parts of other cells.

        Stand-ins take the places of the parts, so that their mistakes do not count here.

        Args:
            name: of the check.
            factory: the student's class, perhaps with some arguments (`functools.partial`).
            parts: names of the student's parts, with what each is; see `progressive.Parts`.
            input_shape: of the batch it is called with.
            output_shape: expected.
            points: the marks of this check.
        """
        trace = networks.Trace()

        def compute(running: Replay) -> torch.Tensor:
            call = progressive.Call(input_shape, output_shape)
            return progressive.outputs(factory, progressive.Parts(parts), [call], [call], running, trace)

        def diagnose(_: torch.Tensor) -> Message:
            return Message("wrong_output", {"operations": trace.describe()})

        return self.run_array(name, points, compute, diagnose)

    def growing_network(
        self,
        factory: Callable[[], Any],
        *,
        parts: Mapping[str, str],
        input_shape: Callable[[int], tuple[int, ...]],
        output_shape: Callable[[int], tuple[int, ...]],
    ) -> progressive.GrowingChecks:
        """Prepare the checks of a network that is called with (batch, alpha, steps) and grows with steps.

        Stand-ins take the places of its parts, so that their mistakes do not count here.

        Args:
            factory: the student's class, perhaps with some arguments (`functools.partial`).
            parts: names of the student's parts, with what each is; see `progressive.Parts`.
            input_shape: of the batch, given the side of the pictures: 4 * 2**steps.
            output_shape: of the output, given the side of the pictures.

        Returns:
            The check `output`, for any stages.
        """
        return progressive.GrowingChecks(self, factory, parts, input_shape, output_shape)

    def moving_average(self, name: str, function: Callable[..., Any], *, points: float) -> bool | None:
        """Check how a function moves the parameters of an averaged network, in place.

        Args:
            name: of the check.
            function: the student's `update_average(average, network, decay)`.
            points: the marks of this check.
        """

        def compute(running: Replay) -> torch.Tensor:
            return progressive.averages(function, running)

        return self.run_array(name, points, compute, Message("wrong_average"))

    def gan_step(
        self,
        function: Callable[..., Any],
        *,
        updates: str,
        latent_shape: tuple[int, ...],
        sample_shape: tuple[int, ...],
        separate_passes: bool = False,
    ) -> gan_step.StepChecks:
        """Prepare the checks of one training step of a GAN.

        Args:
            function: the student's step.
            updates: the network that the step trains: "discriminator" or "generator".
            latent_shape: of a latent vector.
            sample_shape: of a sample.
            separate_passes: whether real and generated samples go through the discriminator apart; the
                step then returns mean outputs beside its loss.

        Returns:
            The checks `loss`, `update`, `zero_grad`, `isolation`, and with separate passes `scores`.
        """
        return gan_step.StepChecks(self, function, updates, latent_shape, sample_shape, separate_passes)

    def gan_training(
        self,
        function: Callable[..., Any],
        *,
        latent_shape: tuple[int, ...],
        sample_shape: tuple[int, ...],
    ) -> gan_training.TrainingChecks:
        """Prepare the checks of a whole training run of a GAN.

        Args:
            function: the student's `train`.
            latent_shape: of a latent vector.
            sample_shape: of a sample.

        Returns:
            The checks `steps`, `optimizers` and `final_losses` of one run of the student's `train`.
        """
        return gan_training.TrainingChecks(self, function, latent_shape, sample_shape)

    def loss(
        self,
        name: str,
        function: Callable[..., Any],
        cases: Sequence[tuple[Any, ...]],
        *,
        points: float,
        digits: int = DIGITS,
    ) -> bool | None:
        """Check the loss that a function returns, and its gradients with respect to every tensor it is given.

        Args:
            name: of the check.
            function: the student's function; it returns a tensor with one number.
            cases: the arguments of each call, tensors that the library supplies among them; at least four.
            points: the marks of this check.
            digits: significant digits compared.
        """

        def compute(running: Replay) -> torch.Tensor:
            return wasserstein.loss_and_gradients(function, cases, running)

        return self.run_array(name, points, compute, digits=digits)

    def parameters_after(
        self, name: str, function: Callable[..., Any], *arguments: Any, points: float
    ) -> bool | None:
        """Check the parameters of a network after a function changed them in place.

        Args:
            name: of the check.
            function: the student's function.
            *arguments: what it is called with; the first is a network that the library supplies.
            points: the marks of this check.
        """

        def compute(running: Replay) -> torch.Tensor:
            return tensors.changed_parameters(function, arguments, running)

        return self.run_array(name, points, compute, Message("parameters_differ"))

    def interpolation(
        self, name: str, function: Callable[..., Any], *, sample_shape: tuple[int, ...], points: float
    ) -> bool | None:
        """Check samples between real and generated ones: one uniform weight per sample, in either direction.

        Args:
            name: of the check.
            function: the student's function; called with (real, fake), both (n, *sample_shape).
            sample_shape: of one sample.
            points: the marks of this check.
        """
        interpolation = wasserstein.Interpolation(function, sample_shape)

        return self.run_array(name, points, interpolation.samples, lambda _: interpolation.describe())

    def gradient_penalty(
        self,
        name: str,
        function: Callable[..., Any],
        *,
        sample_shape: tuple[int, ...],
        order: str,
        points: float,
    ) -> bool | None:
        """Check the gradient penalty of a critic that the library supplies.

        Args:
            name: of the check.
            function: the student's function; called with (critic, samples), it returns a tensor with one
                number.
            sample_shape: of one sample.
            order: "value" of the penalty, or its "gradient" with respect to the critic's parameters.
            points: the marks of this check.
        """
        observed = {"value": wasserstein.penalties, "gradient": wasserstein.penalty_gradients}[order]

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
    ) -> wasserstein.WassersteinStepChecks:
        """Prepare the checks of one training step of a Wasserstein GAN.

        Args:
            function: the student's step.
            updates: the network that the step trains: "critic" or "generator".
            latent_shape: of a latent vector.
            sample_shape: of a sample.

        Returns:
            The checks `loss`, `update`, `zero_grad`, `isolation`, and for a critic `scores`.
        """
        return wasserstein.WassersteinStepChecks(self, function, updates, latent_shape, sample_shape)

    def rounds(self, name: str, function: Callable[..., Any], *, points: float) -> bool | None:
        """Check rounds of several critic steps, each on a new batch, and one generator step.

        Args:
            name: of the check.
            function: the student's `train_round(batches, critic_step, generator_step, critic_steps)`.
            points: the marks of this check.
        """

        def compute(running: Replay) -> torch.Tensor:
            return wasserstein.rounds(function, running)

        return self.run_array(name, points, compute, Message("round_differs"))

    def exported_images(self, name: str, function: Callable[..., Any], *, points: float) -> bool | None:
        """Check the picture files that a function writes after each epoch, from some epoch on.

        Args:
            name: of the check.
            function: the student's `export_images(images, folder, epoch, first_epoch)`.
            points: the marks of this check.
        """

        def compute(running: Replay) -> torch.Tensor:
            return exports.exported(function, running)

        return self.run_array(name, points, compute, exports.describe_wrong_pixels, kind="exported_images")

    @property
    def experiment(self) -> experiments.ExperimentChecks:
        """Return the checks of an experiment's parts: splits, training sets, figures and intervals."""
        return experiments.ExperimentChecks(self)

    def classifier_step(
        self, function: Callable[..., Any], *, sample_shape: tuple[int, ...]
    ) -> classification.ClassifierStepChecks:
        """Prepare the checks of a classifier's training step.

        Args:
            function: the student's `step(classifier, optimizer, images, labels, penalty)`.
            sample_shape: of a picture.

        Returns:
            The checks `loss`, `update`, `zero_grad` and `mode`.
        """
        return classification.ClassifierStepChecks(self, function, sample_shape)

    def prediction(
        self, function: Callable[..., Any], *, sample_shape: tuple[int, ...]
    ) -> classification.PredictionChecks:
        """Prepare the checks of what a classifier predicts.

        Args:
            function: the student's `predict(classifier, images)`, which returns probabilities (n,).
            sample_shape: of a picture.

        Returns:
            The checks `values` and `mode`.
        """
        return classification.PredictionChecks(self, function, sample_shape)

    def best_epoch(
        self, name: str, function: Callable[..., Any], *, aspect: str, points: float
    ) -> bool | None:
        """Check a training that keeps the epoch with the best validation score.

        Args:
            name: of the check.
            function: the student's `fit(classifier, train_epoch, validate, num_epochs)`.
            aspect: "state" of the classifier in the end, or the "scores" that are returned.
            points: the marks of this check.
        """

        def compute(running: Replay) -> torch.Tensor:
            runs = classification.kept_epochs(function, running)
            if aspect == "state":
                return torch.stack([run.state for run in runs])
            return torch.tensor([score for run in runs for score in run.scores()], dtype=torch.float64)

        return self.run_array(name, points, compute, Message(f"wrong_fit_{aspect}"), kind="best_epoch")

    # --- how a check runs --------------------------------------------------------------------------

    def replay(self, name: str) -> contextlib.AbstractContextManager[Replay]:
        """Return the replay of one check, or of one trial of several: each has its own random numbers."""
        return replay(tensors.seed_of(self.lab.seed, name), self.lab.device)

    def run_array(
        self,
        name: str,
        points: float,
        compute: Callable[[Replay], torch.Tensor],
        refused: Message | Callable[[torch.Tensor], Message] = WRONG,
        *,
        digits: int = DIGITS,
        kind: str = "",
    ) -> bool | None:
        """Run a check that observes one tensor, in a replay of its own.

        Args:
            name: of the check.
            points: its marks.
            compute: runs the student's code in the replay; returns a tensor or raises `CheckFailed`.
            refused: the message for a tensor that was refused, or what finds it.
            digits: significant digits compared.
            kind: of the check, if it is one of `WEAK_CHECKS`.

        Returns:
            True, False, or None when the verdict is given outside this process.
        """
        seen: list[torch.Tensor] = []

        def numbers(running: Replay) -> list[float]:
            seen.append(compute(running))
            return project(seen[0], self.lab.seed, name)

        def diagnose() -> Message:
            return refused if isinstance(refused, Message) else refused(seen[0])

        return self.run_numbers(name, points, numbers, diagnose, digits=digits, kind=kind)

    def run_numbers(
        self,
        name: str,
        points: float,
        compute: Callable[[Replay], list[float]],
        diagnose: Callable[[], Message] = lambda: WRONG,
        *,
        digits: int = DIGITS,
        kind: str = "",
    ) -> bool | None:
        """Run a check that observes a few numbers as they are, in a replay of its own; see `run_array`."""

        def observe() -> list[float]:
            with self.replay(name) as running:
                return compute(running)

        return self.run_check(name, points, observe, diagnose, digits=digits, kind=kind)

    def run_check(
        self,
        name: str,
        points: float,
        observe: Callable[[], list[float] | str],
        diagnose: Callable[[], Message] = lambda: WRONG,
        *,
        digits: int = DIGITS,
        verify: bool = True,
        kind: str = "",
    ) -> bool | None:
        """Run a check: make its observation, have it judged, and keep the result.

        Args:
            name: of the check.
            points: its marks.
            observe: runs the student's code; returns numbers or a text, or raises `CheckFailed`.
            diagnose: finds the message for an observation that was refused.
            digits: significant digits compared.
            verify: False where any observation is right.
            kind: of the check, if it is one of `WEAK_CHECKS`.

        Returns:
            True, False, or None when the verdict is given outside this process.
        """
        with _quiet():
            observation, message = self._observe(name, points, observe, digits)
            observation = replace(observation, weak=kind in WEAK_CHECKS)
            if not verify:
                passed: bool | None = observation.error is None
            else:
                passed = self.lab.accepts(observation)
            unwritten = observation.error in ("not_written", "name_missing")
            hint = self.lab.hint(observation) if passed is False and not unwritten else None
            if hint is not None:
                message = Message("hint", {"hint": Translated(hint)})
            elif message is None:
                # Who gives the marks elsewhere needs to know what to say if the observation is wrong.
                judged = False if passed is None and self.lab.emits else passed
                message = _verdict_message(judged, diagnose)
        self.results.append(Result(name, points, passed, self._said_once(message), observation))
        return passed

    def _said_once(self, message: Message) -> Message:
        """Return a message, or a short one where the check before said the same of the whole cell."""
        if message.key not in ("hint", "raised", "not_written", "name_missing", faults.NO_DEVICE):
            return message
        if message == self._last_cause:
            return Message("same_cause")
        self._last_cause = message
        return message

    def _observe(
        self, name: str, points: float, observe: Callable[[], list[float] | str], digits: int
    ) -> tuple[Observation, Message | None]:
        """Return the observation, and the message that explains why there is none."""
        blank = Observation(name=name, block=self.name, points=float(points), digits=digits)
        try:
            seen = observe()
        except CheckFailed as failure:
            message = failure.message
        except (Exception, SystemExit) as error:
            message = faults.explain(error)
        else:
            if isinstance(seen, str):
                return replace(blank, text=seen), None
            return replace(blank, values=tuple(float(value) for value in seen)), None
        return replace(blank, error=message.key, text=message.evidence()), message


def _verdict_message(passed: bool | None, diagnose: Callable[[], Message]) -> Message:
    """Return what to say of an observation that was made."""
    if passed is None:
        return Message("observed")
    if passed:
        return Message("ok")
    try:
        return diagnose()
    except CheckFailed as failure:
        return failure.message
    except (Exception, SystemExit) as error:
        return faults.explain(error)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what a student's code prints and warns about while it is marked out of the cell."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield
