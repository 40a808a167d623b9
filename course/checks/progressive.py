"""Networks that grow while they are trained (ProGAN): their parts, their stages, their moving average.

A network that is put together from parts of earlier cells is graded with stand-ins for those parts, so
that a mistake in one part costs marks in its own cell only. A stand-in takes the arguments of what it
stands for and computes something else.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from autograder.checks.base import Checks
from autograder.checks.calling import call_student, require_callable
from autograder.checks.family import Family
from autograder.checks.networks import Trace, build, traced
from autograder.checks.supplied import fill, supplied_rows
from autograder.checks.tensors import flat, require_tensor
from autograder.messages import CheckFailed, Message, add_texts
from autograder.replay import Replay, randomness
from course.checks.gan_networks import small_generator

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
        observed = {
            "output": convolution_outputs,
            "initialisation": initial_convolutions,
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
    ) -> bool:
        """Check what a network computes that is put together from parts of other cells.

        Stand-ins take the places of the parts, so that their mistakes do not count here.

        Args:
            name: the stable name of the check.
            factory: the student's class, perhaps with some arguments (`functools.partial`).
            parts: names of the student's parts, with what each is; see `progressive.Parts`.
            input_shape: of the batch it is called with.
            output_shape: expected.
            points: the marks that the check is worth.
        """
        trace = Trace()

        def compute(running: Replay) -> torch.Tensor:
            call = Call(input_shape, output_shape)
            return outputs(factory, Parts(parts), [call], [call], running, trace)

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
    ) -> GrowingChecks:
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


# --- a convolution with an equalised learning rate -----------------------------------------------------

# Settings that show every part of the scale: in_channels, out_channels, kernel_size, stride, padding, gain.
_CONVOLUTIONS = ((6, 4, 3, 1, 1, 2), (5, 3, 1, 1, 0, 1), (4, 6, 4, 1, 3, 2), (3, 5, 3, 2, 1, 3))
_SIDE = 7


def convolution_outputs(factory: Any, running: Replay) -> torch.Tensor:
    """Return what a student's convolution computes for several settings, with parameters from the seed.

    Args:
        factory: the student's class; called with in_channels, out_channels, kernel_size, stride, padding
            and gain.
        running: the replay.

    Raises:
        CheckFailed: if the parameters are not one weight and one bias, or an output has another shape.
    """
    outputs = []
    for settings in _CONVOLUTIONS:
        inputs, features, kernel, stride, padding, _ = settings
        layer = build(functools.partial(_required(factory), *settings), running)
        for number, parameter in enumerate(_weight_and_bias(layer, settings)):
            key = randomness.derive_key(running.seed, "convolution", settings, number)
            values = torch.from_numpy(randomness.normal(key, tuple(parameter.shape)))
            with torch.no_grad():
                parameter.copy_(values)
        with torch.no_grad():
            output = call_student(layer, supplied_rows((2, inputs, _SIDE, _SIDE), running))
        side = (_SIDE + 2 * padding - kernel) // stride + 1
        outputs.append(require_tensor(output, shape=(2, features, side, side)).reshape(-1))
    return torch.cat(outputs)


def initial_convolutions(factory: Any, running: Replay) -> torch.Tensor:
    """Return the weights and biases that a student's convolutions begin with, one after the other."""
    parameters = []
    for settings in _CONVOLUTIONS:
        layer = build(functools.partial(_required(factory), *settings), running)
        parameters += _weight_and_bias(layer, settings)
    return flat(parameters)


def _required(factory: Any) -> Callable[..., Any]:
    """Return what is a class or a function; `build` explains anything else."""
    if not callable(factory) or isinstance(factory, nn.Module):
        return lambda *settings: factory
    return factory


def _weight_and_bias(layer: nn.Module, settings: tuple[int, ...]) -> list[nn.Parameter]:
    """Return the parameters of a convolution, told apart by their size and not by their names."""
    inputs, features, kernel = settings[:3]
    expected = [features * inputs * kernel**2, features]
    found = sorted(layer.parameters(), key=nn.Parameter.numel, reverse=True)
    sizes = [parameter.numel() for parameter in found]
    if sizes != expected:
        raise CheckFailed("convolution_parameters", seen=sizes, expected=expected)
    return found


# --- parts and their stand-ins -------------------------------------------------------------------------


class _StandIn(nn.Module):
    """A layer that tells its `Parts` when it is used; a subclass of it has the name of a student's part."""

    parts: Parts
    role: str

    def _noted(self, x: torch.Tensor) -> torch.Tensor:
        self.parts.note(self)
        return x


class _Convolution(_StandIn):
    """Stands for a convolution with a gain: a plain one, and its gain shows in its output."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        stride: int = 1,
        padding: int = 1,
        gain: float = 2,
    ) -> None:
        super().__init__()
        self.layer = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding)
        self.factor = (1.0 + gain) / 4.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, out_channels, height, width)."""
        return self.factor * self.layer(self._noted(x))


class _Normalisation(_StandIn):
    """Stands for a normalisation: squeezes every number into (-1, 1), whatever its settings are."""

    def __init__(self, *settings: float, **named: float) -> None:
        super().__init__()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return a tensor of the shape of `x`."""
        return _squeezed(self._noted(x))


class _Block(_StandIn):
    """Stands for a block of convolutions: has a single one; whether it normalises shows in its output."""

    def __init__(self, in_channels: int, out_channels: int, use_pixel_norm: bool = True) -> None:
        super().__init__()
        self.layer = nn.Conv2d(in_channels, out_channels, 3, 1, 1)
        self.factor = 1.5 if use_pixel_norm else 1.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, out_channels, height, width)."""
        return self.factor * _squeezed(self.layer(self._noted(x)))


def _squeezed(x: torch.Tensor) -> torch.Tensor:
    return x / (1.0 + x.abs())


_LAYERS: dict[str, type[_StandIn]] = {
    "convolution": _Convolution,
    "normalisation": _Normalisation,
    "block": _Block,
}


class Parts:
    """The parts that a network is put together from, and what became of their stand-ins.

    Args:
        roles: the names of the parts in the student's code, with what each of them is: "convolution",
            "normalisation", "block", "batch_channel" (a function that adds a channel) or "fade" (a
            function of alpha, old and new). All but the last must be used by name.

    Attributes:
        alpha: that the network is called with.
        used: names of the parts that the network called.
        layers: stand-ins in order of first use.
    """

    def __init__(self, roles: Mapping[str, str]) -> None:
        self.roles = dict(roles)
        self.alpha = 1.0
        self.used: set[str] = set()
        self.layers: list[_StandIn] = []

    def note(self, layer: _StandIn) -> None:
        """Take note of the use of a layer."""
        self.used.add(type(layer).__name__)
        if not any(layer is known for known in self.layers):
            self.layers.append(layer)

    @contextlib.contextmanager
    def standing_in(self, factory: Any) -> Iterator[None]:
        """Let the names of the parts mean their stand-ins, where the student's class looks them up."""
        names = _namespace(factory)
        before = {name: names[name] for name in self.roles if name in names}
        names.update({name: self._stand_in(name, role) for name, role in self.roles.items()})
        try:
            yield
        finally:
            for name in self.roles:
                names.pop(name, None)
            names.update(before)

    def require_used(self, *, grown: bool) -> None:
        """Raise `CheckFailed` if a part was not called; a network that has not grown needs no blocks."""
        optional = {"fade"} if grown else {"fade", "block"}
        for name, role in self.roles.items():
            if role not in optional and name not in self.used:
                raise CheckFailed("part_unused", name=name)

    def _stand_in(self, name: str, role: str) -> Callable[..., Any]:
        if role in _LAYERS:
            return type(name, (_LAYERS[role],), {"parts": self, "role": role})
        functions: dict[str, Callable[..., torch.Tensor]] = {
            "batch_channel": self._batch_channel,
            "fade": self._fade,
        }
        return functools.partial(functions[role], name)

    def _batch_channel(self, name: str, x: torch.Tensor) -> torch.Tensor:
        """Add a channel that depends on the whole batch."""
        self.used.add(name)
        return torch.cat([x, x.max().expand(len(x), 1, *x.shape[2:])], dim=1)

    def _fade(self, name: str, alpha: Any, old: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
        """Return one of two tensors; networks are observed where a blend is one of them."""
        self.used.add(name)
        if float(alpha) != self.alpha:
            raise CheckFailed("alpha_changed", name=name, seen=float(alpha), expected=self.alpha)
        if old.shape != new.shape:
            raise CheckFailed("fade_shapes", name=name, old=tuple(old.shape), new=tuple(new.shape))
        return new if self.alpha == 1.0 else old


def _namespace(factory: Any) -> dict[str, Any]:
    """Return the global names of the code of a class, or of a function that builds a network."""
    while isinstance(factory, functools.partial):
        factory = factory.func
    names: dict[str, Any] = getattr(getattr(factory, "forward", factory), "__globals__", {})
    return names


# --- networks made of parts ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
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
        output = traced(network, inputs, running, trace, self.stage or ())
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
    calls: Sequence[Call],
    observed: Sequence[Call],
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
                parts.alpha = 1.0 if call.stage is None else call.stage[0]
                try:
                    call.run(shapes, torch.zeros(call.input_shape), running, Trace())
                except RuntimeError:
                    _run_for_its_error(call, network, running)
                    raise
        parts.require_used(grown=any(call.stage is None or call.stage[1] for call in calls))
        _fill(network, _names_in_order(shapes, parts), running)
        network.eval()
        found = []
        for number, call in enumerate(observed):
            parts.alpha = 1.0 if call.stage is None else call.stage[0]
            trace.operations.clear()
            inputs = supplied_rows(call.input_shape, running, f"inputs {number}")
            found.append(require_tensor(call.run(network, inputs, running, trace)).reshape(-1))
    return torch.cat(found)


def _run_for_its_error(call: Call, network: nn.Module, running: Replay) -> None:
    """Make a call with real numbers, unless it is a large one: its error says what does not fit."""
    if call.stage is None or call.stage[1] <= _SMALL_STEPS:
        call.run(network, supplied_rows(call.input_shape, running), running, Trace())


def _names_in_order(network: nn.Module, parts: Parts) -> list[str]:
    """Return the names of a network's stand-ins in order of first use."""
    names = {id(module): name for name, module in network.named_modules()}
    missing = sum(id(layer) not in names for layer in parts.layers)
    if missing:
        raise CheckFailed("unregistered_layers", count=missing)
    return [names[id(layer)] for layer in parts.layers]


def _fill(network: nn.Module, names: list[str], running: Replay) -> None:
    """Set the parameters of a network from the seed.

    Layers of one kind and shape are told apart by the order of their first use, so it does not matter
    which of two different layers comes first.
    """
    seen: Counter[tuple[object, ...]] = Counter()
    for name in names:
        layer = network.get_submodule(name)
        shapes = [tuple(parameter.shape) for parameter in layer.parameters()]
        signature = (layer.role, *shapes)
        _fill_layer(layer, randomness.derive_key(running.seed, "stand-in", signature, seen[signature]))
        seen[signature] += 1
    known = {id(p) for name in names for p in network.get_submodule(name).parameters()}
    fill([p for p in network.parameters() if id(p) not in known], running.seed, "other layers")


def _fill_layer(layer: nn.Module, key: int) -> None:
    """Set the parameters of a stand-in; outputs of both signs, and far from 0, show what comes after it."""
    for number, parameter in enumerate(layer.parameters()):
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
        parts: names of the student's parts, with what each is; see `Parts`.
        input_shape: of the batch, given the side of the pictures.
        output_shape: of the output, given the side of the pictures.
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
        trace = Trace()

        def compute(running: Replay) -> torch.Tensor:
            calls = [self._call((0.5, steps)) for steps in range(top + 1)]
            observed = [self._call(stage) for stage in stages]
            return outputs(self._factory, Parts(self._parts), calls, observed, running, trace)

        def diagnose(_: torch.Tensor) -> Message:
            seen = ", ".join(f"({alpha:g}, {steps})" for alpha, steps in stages)
            return Message("wrong_stage_output", {"stages": seen, "operations": trace.describe()})

        return self._block.run_array(name, points, compute, diagnose)

    def _call(self, stage: tuple[float, int]) -> Call:
        side = 4 * 2 ** stage[1]
        return Call(self._input_shape(side), self._output_shape(side), stage)


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
        held, kept = flat(average.parameters()), flat(network.parameters())
        call_student(function, average, network, decay)
        if not torch.equal(flat(network.parameters()), kept):
            raise CheckFailed("average_moved_network")
        found.append(flat(average.parameters()))
        if torch.equal(found[-1], held):
            raise CheckFailed("average_unchanged")
    return torch.cat(found)


FAMILY = Family(ProgressiveChecks)
