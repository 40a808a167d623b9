"""Networks that grow while they are trained (ProGAN): their parts, their stages, their moving average.

A network that is put together from parts of earlier cells is graded with stand-ins for those parts, so
that a mistake in one part costs marks in its own cell only. A stand-in takes the arguments of what it
stands for and computes something else.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from autograder.checks.base import Checks
from autograder.checks.calling import call_student, require_callable
from autograder.checks.family import Family
from autograder.checks.gradients import gradients
from autograder.checks.guard import May
from autograder.checks.networks import build, require_no_memory, traced
from autograder.checks.sizes import LEAST_OF_NETWORK, Dimension, drawn_sizes, resolved, rounds
from autograder.checks.supplied import fill, supplied_rows
from autograder.checks.tensors import flat, require_tensor
from autograder.checks.trace import Trace
from autograder.messages import CheckFailed, Message, add_texts
from autograder.replay import Replay, randomness
from course.checks.convolutions import Convolutions, initial_convolutions
from course.checks.gan_networks import small_generator
from course.checks.parts import Parts, stand_in_of

TEXTS = add_texts(__package__, "progressive")


class ProgressiveChecks(Checks):
    """Checks of networks that grow: their convolutions, the networks at every stage, their moving average."""

    def equalised_convolution(
        self, name: str, factory: Callable[..., Any], *, aspect: str, points: float
    ) -> bool:
        """Check a convolution whose weights are scaled when it is used (equalised learning rate).

        Args:
            name: the stable name of the check.
            factory: the student's class; called with in_channels, out_channels, kernel_size, stride, padding
                and gain.
            aspect: "output", with parameters that the library sets, or "initialisation", those it begins
                with.
            points: the marks that the check is worth.
        """
        if aspect == "output":
            convolutions = Convolutions(factory)
            return self.run_array(name, points, convolutions.outputs, lambda _: convolutions.describe())

        def compute(running: Replay) -> torch.Tensor:
            return initial_convolutions(factory, running)

        return self.run_array(name, points, compute, Message("wrong_equalised_initialisation"))

    def assembled_output(
        self,
        name: str,
        factory: Callable[..., Any],
        *,
        parts: Mapping[str, str],
        input_shape: tuple[Dimension, ...],
        output_shape: tuple[Dimension, ...],
        points: float,
        sizes: Sequence[str] = (),
    ) -> bool:
        """Check what a network computes that is put together from parts of other cells.

        Stand-ins take the places of the parts, so that their mistakes do not count here.

        Args:
            name: the stable name of the check.
            factory: the student's class, perhaps with some arguments (`functools.partial`).
            parts: names of the student's parts, with what each is; see `parts.Parts`.
            input_shape: of one input; it is called with batches of several sizes.
            output_shape: of one output.
            points: the marks that the check is worth.
            sizes: names of sizes in both shapes that `factory` is called with, in order; two networks are
                made with sizes that the seed draws, and one whose sizes are all the same.
        """
        trace, known = Trace(), [Parts(parts)]

        def compute(running: Replay) -> torch.Tensor:
            # The last call is the one whose operations are told.
            batches = (1, *drawn_sizes(running.seed, "batches", 1, LEAST_OF_NETWORK))
            found = []
            several = rounds(running.seed, sizes, alone=False, least=LEAST_OF_NETWORK)
            if len(sizes) > 1:
                several.append(dict.fromkeys(sizes, several[0][sizes[0]]))
            for drawn in several:
                known[:] = [Parts(parts)]
                shapes = resolved(input_shape, drawn), resolved(output_shape, drawn)
                calls = [NetworkCall((batch, *shapes[0]), (batch, *shapes[1])) for batch in batches]
                made = functools.partial(factory, *(drawn[size] for size in sizes))
                found.append(outputs(made, known[0], calls, calls, running, trace))
            return torch.cat(found)

        def diagnose(_: torch.Tensor) -> Message:
            return known[0].describe(trace) or Message("wrong_output", {"operations": trace.describe()})

        return self.run_array(name, points, compute, diagnose)

    def growing_network(
        self,
        factory: Callable[[], Any],
        *,
        parts: Mapping[str, str],
        input_shape: Callable[[int], tuple[int, ...]],
        output_shape: Callable[[int], tuple[int, ...]],
    ) -> GrowingChecks:
        """Prepare the checks of a network that is called with (batch, alpha, steps) and grows with steps.

        Stand-ins take the places of its parts, so that their mistakes do not count here.

        Args:
            factory: the student's class, perhaps with some arguments (`functools.partial`).
            parts: names of the student's parts, with what each is; see `parts.Parts`.
            input_shape: of one input, given the side of the pictures: 4 * 2**steps; it is called with batches
                of several sizes.
            output_shape: of one output, given the side of the pictures.

        Returns:
            The check `output`, for any stages.
        """
        return GrowingChecks(self, factory, parts, input_shape, output_shape)

    def moving_average(self, name: str, function: Callable[..., Any], *, points: float) -> bool:
        """Check how a function moves the parameters of an averaged network, in place.

        Args:
            name: the stable name of the check.
            function: the student's `update_average(average, network, decay)`.
            points: the marks that the check is worth.
        """

        def compute(running: Replay) -> torch.Tensor:
            return averages(function, running)

        return self.run_array(name, points, compute, Message("wrong_average"))


# --- networks made of parts ----------------------------------------------------------------------------


@dataclass(frozen=True)
class NetworkCall:
    """One call of a network.

    Attributes:
        input_shape: of the batch.
        output_shape: that is expected.
        stage: (alpha, steps), what the network is called with besides the batch; None: nothing.
    """

    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    stage: tuple[float, int] | None = None

    def run(self, network: nn.Module, inputs: torch.Tensor, running: Replay, trace: Trace) -> torch.Tensor:
        """Return the network's output.

        Raises:
            CheckFailed: if it is no tensor of the shape expected, naming the stage.
        """
        output = traced(network, (inputs, *(self.stage or ())), running, trace)
        if not isinstance(output, torch.Tensor):
            return require_tensor(output)
        shapes = {"seen": tuple(output.shape), "expected": self.output_shape}
        if shapes["seen"] == shapes["expected"]:
            return output
        if self.stage is None:
            raise CheckFailed("wrong_shape", **shapes)
        alpha, steps = self.stage
        raise CheckFailed("wrong_stage_shape", alpha=alpha, steps=steps, **shapes)


# Steps up to which pictures are small enough to compute with: 4 * 2**4 = 64 pixels.
_SMALL_STEPS = 4


def outputs(
    factory: Any,
    parts: Parts,
    calls: Sequence[NetworkCall],
    observed: Sequence[NetworkCall],
    running: Replay,
    trace: Trace,
) -> torch.Tensor:
    """Return what a network made of stand-ins computes, one call after the other.

    Parameters are set from the seed by what a layer is and when it is first used. All `calls` are made
    beforehand without memory for numbers (on PyTorch's meta device), in order: so layers that only some
    calls use are known, and shapes of any size cost nothing.

    Args:
        factory: the student's class, perhaps with some arguments.
        parts: of the network.
        calls: whose shapes are checked, smallest first.
        observed: the calls whose output is returned.
        running: the replay.
        trace: takes note of the operators of the last call.

    Raises:
        CheckFailed: if a shape is wrong, a part is unused, or a layer is not registered.
    """
    with parts.standing_in(factory):
        network = build(factory, running)
        with torch.device("meta"):
            shapes = call_student(factory)
            for call in calls:
                parts.begin(1.0 if call.stage is None else call.stage[0])
                try:
                    call.run(shapes, torch.zeros(call.input_shape), running, Trace())
                except RuntimeError:
                    _run_for_its_error(call, network, running)
                    raise
        parts.look_at(network)
        parts.require_used(grown=any(call.stage is None or call.stage[1] for call in calls))
        _fill(network, _names_in_order(shapes, parts), running)
        network.eval()
        found, slopes = [], []
        for number, call in enumerate(observed):
            parts.begin(1.0 if call.stage is None else call.stage[0], trace)
            trace.operations.clear()
            inputs = supplied_rows(call.input_shape, running, f"inputs {number}")
            found.append(require_tensor(call.run(network, inputs, running, trace)))
            slopes.append(_gradients(call, network, inputs, parts, running))
        # Once more the other way round: what a call leaves for the next one shows.
        for number, call in reversed(list(enumerate(observed))):
            parts.begin(1.0 if call.stage is None else call.stage[0])
            inputs = supplied_rows(call.input_shape, running, f"inputs {number}")
            require_no_memory(functools.partial(call.run, network, inputs, running, Trace()), found[number])
    return torch.cat([each.reshape(-1) for pair in zip(found, slopes, strict=True) for each in pair])


def _gradients(
    call: NetworkCall, network: nn.Module, inputs: torch.Tensor, parts: Parts, running: Replay
) -> torch.Tensor:
    """Return how the output of a call depends on each parameter that counts in it, in an order of their own.

    What is computed and then left out, as one side of a blend, does not count.
    """
    trace = Trace()
    parts.begin(1.0 if call.stage is None else call.stage[0])
    with running.observing(trace.observe), trace.naming_layers():
        output = require_tensor(call_student(network, inputs, *(call.stage or ())))
    used = [role.parameter for role in trace.uses.roles_of(network)]
    slopes = gradients(output, used, running, cut="").split([p.numel() for p in used])
    along = [(slope * p.detach().reshape(-1)).sum() for slope, p in zip(slopes, used, strict=True)]
    found = torch.stack(along).sort().values
    return found[found != 0]


def _run_for_its_error(call: NetworkCall, network: nn.Module, running: Replay) -> None:
    """Make a call with real numbers, unless it is a large one: its error says what does not fit."""
    if call.stage is None or call.stage[1] <= _SMALL_STEPS:
        call.run(network, supplied_rows(call.input_shape, running), running, Trace())


def _names_in_order(network: nn.Module, parts: Parts) -> list[str]:
    """Return the names of a network's stand-ins with parameters in order of first use."""
    names = {id(module): name for name, module in network.named_modules()}
    # What has no parameters may be made where it is used.
    layers = [layer for layer in parts.layers if stand_in_of(layer).layer is not None]
    missing = sum(id(layer) not in names for layer in layers)
    if missing:
        raise CheckFailed("unregistered_layers", count=missing)
    return [names[id(layer)] for layer in layers]


def _fill(network: nn.Module, names: list[str], running: Replay) -> None:
    """Set the parameters of a network from the seed.

    Layers of one kind and shape are told apart by the order of their first use, so it does not matter
    which of two different layers comes first.
    """
    seen: Counter[tuple[object, ...]] = Counter()
    known: set[int] = set()
    for name in names:
        stand_in = stand_in_of(network.get_submodule(name))
        parameters = [] if stand_in.layer is None else list(stand_in.layer.parameters())
        signature = (stand_in.role, *(tuple(parameter.shape) for parameter in parameters))
        _fill_layer(parameters, randomness.derive_key(running.seed, "stand-in", signature, seen[signature]))
        seen[signature] += 1
        known |= {id(parameter) for parameter in parameters}
    fill([p for p in network.parameters() if id(p) not in known], running.seed, "other layers")


def _fill_layer(parameters: Sequence[nn.Parameter], key: int) -> None:
    """Set the parameters of a stand-in; outputs of both signs, and far from 0, show what comes after it."""
    for number, parameter in enumerate(parameters):
        shape = tuple(parameter.shape)
        numbers = 2.0 * randomness.uniform(randomness.derive_key(key, number), shape) - 1.0
        scale = 2.0 * math.sqrt(6.0 / math.prod(shape[1:])) if parameter.ndim > 1 else 0.5
        with torch.no_grad():
            parameter.copy_(torch.from_numpy(scale * numbers))


class GrowingChecks:
    """The checks of a network that is called with alpha and the number of steps it has grown.

    Args:
        block: that the checks belong to.
        factory: the student's class, perhaps with some arguments.
        parts: names of the student's parts, with what each is; see `parts.Parts`.
        input_shape: of one input, given the side of the pictures.
        output_shape: of one output, given the side of the pictures.
    """

    def __init__(
        self,
        block: Checks,
        factory: Any,
        parts: Mapping[str, str],
        input_shape: Callable[[int], tuple[int, ...]],
        output_shape: Callable[[int], tuple[int, ...]],
    ) -> None:
        self._block = block
        self._factory = factory
        self._parts = parts
        self._input_shape = input_shape
        self._output_shape = output_shape

    def output(
        self, name: str, stages: Sequence[tuple[float, int]], *, shapes_up_to: int = 0, points: float
    ) -> bool:
        """Check what the network computes at some stages, and its shapes up to another.

        Args:
            name: the stable name of the check.
            stages: pairs (alpha, steps) with an alpha of 0 or 1.
            shapes_up_to: pictures of this side and all smaller ones must come out right.
            points: the marks that the check is worth.
        """
        top = max(steps for _, steps in stages)
        if shapes_up_to:
            top = max(top, int(math.log2(shapes_up_to / 4)))
        trace, parts = Trace(), Parts(self._parts)

        def compute(running: Replay) -> torch.Tensor:
            batches = itertools.cycle(
                drawn_sizes(running.seed, "batches", LEAST_OF_NETWORK, LEAST_OF_NETWORK)
            )
            sizes = [(steps, size) for steps in range(top + 1) for size in (next(batches), 1)]
            calls = [self._call((0.5, steps), size) for steps, size in sizes]
            observed = [self._call(stage, next(batches)) for stage in stages]
            return outputs(self._factory, parts, calls, observed, running, trace)

        def diagnose(_: torch.Tensor) -> Message:
            if foreign := parts.describe(trace):
                return foreign
            seen = ", ".join(f"({alpha:g}, {steps})" for alpha, steps in stages)
            return Message("wrong_stage_output", {"stages": seen, "operations": trace.describe()})

        return self._block.run_array(name, points, compute, diagnose)

    def _call(self, stage: tuple[float, int], batch: int) -> NetworkCall:
        side = 4 * 2 ** stage[1]
        return NetworkCall((batch, *self._input_shape(side)), (batch, *self._output_shape(side)), stage)


# --- the moving average --------------------------------------------------------------------------------

_DECAYS = (0.9, 0.6)


def averages(function: Any, running: Replay) -> torch.Tensor:
    """Return the parameters of an averaged network after each of several updates.

    Args:
        function: the student's `update_average(average, network, decay)`.
        running: the replay.

    Raises:
        CheckFailed: if the average stays as it was, or the other network does not.
    """
    require_callable(function)
    average = small_generator((3,), (2, 2, 2), running, "average")
    found = []
    for turn, decay in enumerate(_DECAYS):
        network = small_generator((3,), (2, 2, 2), running, f"network {turn}")
        held = flat(average.parameters())
        call_student(function, average, network, decay, may=May(fill=(average,)))
        found.append(flat(average.parameters()))
        if torch.equal(found[-1], held):
            raise CheckFailed("average_unchanged")
    return torch.cat(found)


FAMILY = Family(ProgressiveChecks)
