"""Networks: their structure, and what they compute with parameters that the library sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from autograder.checks.base import Checks
from autograder.checks.calling import built, call_student, require_callable
from autograder.checks.initialisation import describe_wrong_initialisation, initialised
from autograder.checks.supplied import fill, supplied_rows
from autograder.checks.tensors import flat, require_tensor
from autograder.messages import CheckFailed, Message, add_texts
from autograder.observation import DIGITS
from autograder.replay import Replay

TEXTS = add_texts(__package__, "networks")

# A chain of methods of a network, called one after the other.
Way = tuple[str, ...]
FORWARD: tuple[Way, ...] = (("forward",),)
# Operators worth telling a student about, by the name that PyTorch's layers have.
_ACTIVATIONS = {
    "relu": "ReLU",
    "relu_": "ReLU",
    "leaky_relu": "LeakyReLU",
    "leaky_relu_": "LeakyReLU",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "elu": "ELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "softplus": "Softplus",
    "hardtanh": "Hardtanh",
    "log_sigmoid_forward": "LogSigmoid",
    "_softmax": "Softmax",
    "native_batch_norm": "BatchNorm",
    "_native_batch_norm_legit_no_training": "BatchNorm",
    "native_layer_norm": "LayerNorm",
    "native_group_norm": "GroupNorm",
}


class NetworkChecks(Checks):
    """Checks of networks: their structure, what they compute, and how their parameters are set."""

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
    ) -> bool:
        """Check a network's output shape, its number of parameters and the shapes of its layers in order.

        A gradient has to reach all of them.

        Args:
            name: the stable name of the check.
            factory: the student's class.
            input_shape: of the batch it is called with.
            output_shape: expected.
            parameters: the expected number of trainable numbers.
            layers: names of layers that other code uses.
            points: the marks that the check is worth.
        """

        def compute(running: Replay) -> torch.Tensor:
            return structure(factory, input_shape, output_shape, parameters, running, layers)

        return self.run_array(name, points, compute, Message("wrong_structure"))

    def network_output(
        self,
        name: str,
        factory: Callable[[], Any],
        *,
        input_shape: tuple[int, ...],
        training: bool = False,
        ways: Sequence[Way] = FORWARD,
        low: float | None = None,
        high: float | None = None,
        points: float,
        digits: int = DIGITS,
    ) -> bool:
        """Check what a network computes with parameters that the library sets.

        Args:
            name: the stable name of the check.
            factory: the student's class.
            input_shape: of the batch it is called with.
            training: whether it is in train mode, where dropout would show, or in eval mode.
            ways: through the network, each a chain of its methods; all must lead to the same output.
            low: the least output allowed, if any.
            high: the greatest output allowed, if any.
            points: the marks that the check is worth.
            digits: significant digits compared.
        """
        trace = Trace()

        def compute(running: Replay) -> torch.Tensor:
            output = evaluate(factory, input_shape, running, trace, training=training, ways=ways)
            return require_tensor(output, low=low, high=high)

        def diagnose(_: torch.Tensor) -> Message:
            return Message("wrong_output", {"operations": trace.describe()})

        return self.run_array(name, points, compute, diagnose, digits=digits)

    def dropout(
        self,
        name: str,
        factory: Callable[[], Any],
        *,
        input_shape: tuple[int, ...],
        ways: Sequence[Way] = FORWARD,
        points: float,
        digits: int = DIGITS,
    ) -> bool:
        """Check that a network's dropout is active in train mode, as asked, and absent in eval mode.

        Args:
            name: the stable name of the check.
            factory: the student's class.
            input_shape: of the batch it is called with.
            ways: through the network, each a chain of its methods; dropout is observed on all of them.
            points: the marks that the check is worth.
            digits: significant digits compared.
        """
        trace = Trace()

        def compute(running: Replay) -> torch.Tensor:
            return dropout_output(factory, input_shape, running, trace, ways)

        def diagnose(_: torch.Tensor) -> Message:
            return Message("wrong_dropout", {"operations": trace.describe()})

        return self.run_array(name, points, compute, diagnose, digits=digits)

    def initialisation(self, name: str, function: Callable[..., Any], *, kind: str, points: float) -> bool:
        """Check how a function initialises layers, when `network.apply` calls it with each of them.

        Args:
            name: the stable name of the check.
            function: the student's function; called with a layer.
            kind: "convolutions" or "batch_norms": the layers whose parameters are compared.
            points: the marks that the check is worth.
        """

        def compute(running: Replay) -> torch.Tensor:
            return initialised(function, kind, running)

        def diagnose(seen: torch.Tensor) -> Message:
            return describe_wrong_initialisation(seen, kind)

        return self.run_array(name, points, compute, diagnose)

    def parameters_after(
        self, name: str, function: Callable[..., Any], *arguments: Any, points: float
    ) -> bool:
        """Check the parameters of a network after a function changed them in place.

        Args:
            name: the stable name of the check.
            function: the student's function.
            *arguments: what it is called with; the first is a network that the library supplies.
            points: the marks that the check is worth.
        """

        def compute(running: Replay) -> torch.Tensor:
            return changed_parameters(function, arguments, running)

        return self.run_array(name, points, compute, Message("parameters_differ"))


@dataclass
class Trace:
    """What a network did in one forward pass, seen from below the layers.

    Attributes:
        operations: readable names, in order, such as "Linear(2→256)".
        masks: what every dropout multiplied its input by: 0 where a value was dropped.
        parameters: ids of the parameters in order of first use.
    """

    operations: list[str] = field(default_factory=list)
    masks: list[torch.Tensor] = field(default_factory=list)
    parameters: list[int] = field(default_factory=list)
    _drawn: list[torch.Tensor] = field(default_factory=list)

    def observe(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """Take note of one operator; an observer of `Replay`."""
        for value in args:
            if isinstance(value, nn.Parameter) and id(value) not in self.parameters:
                self.parameters.append(id(value))
        name = func._schema.name.removeprefix("aten::")
        if name in ("addmm", "mm"):
            weight = args[-1]
            self.operations.append(f"Linear({weight.shape[0]}→{weight.shape[1]})")
        elif name == "convolution":
            kernel = "x".join(str(size) for size in args[1].shape[2:])
            kind = "ConvTranspose" if args[6] else "Conv"
            size = "x".join(str(size) for size in output.shape[2:])
            self.operations.append(f"{kind}({args[0].shape[1]}→{output.shape[1]}, {kernel}) {size}")
        elif name in ("bernoulli_", "native_dropout"):
            self._note_dropout(name, args, output)
        elif name in ("mul", "mul_"):
            self._note_product(args)
        elif name in _ACTIVATIONS:
            self.operations.append(_ACTIVATIONS[name])

    def _note_dropout(self, name: str, args: tuple[Any, ...], output: Any) -> None:
        """Take note of a dropout: on CUDA it is one operator, a CPU draws a mask and then multiplies."""
        value = args[1] if len(args) > 1 else 0.5
        if not isinstance(value, (int, float)):
            return
        if name == "native_dropout":
            probability = float(value)
            self.masks.append(output[1].to(torch.float64) / (1.0 - probability))
        else:
            probability = 1.0 - float(value)
            self._drawn.append(output)
        self.operations.append(f"Dropout({probability:.3g})")

    def _note_product(self, args: tuple[Any, ...]) -> None:
        """Take note of a product with a mask that was drawn: as it is now, scaled or not."""
        self.masks += [mask.clone() for mask in self._drawn if any(mask is value for value in args)]

    def describe(self) -> str:
        """Return the operations as a line for a message."""
        return ", ".join(self.operations) if self.operations else "—"

    def layers(self) -> str:
        """Return the layers with weights as a line for a message."""
        weighted = [name for name in self.operations if "→" in name]
        return ", ".join(weighted) if weighted else "—"


def build(factory: Any, running: Replay) -> nn.Module:
    """Build a student's network on the replay's device.

    Raises:
        CheckFailed: if this is no class of a network with a `forward`.
    """
    if isinstance(factory, nn.Module):
        raise CheckFailed("instance_not_class", name=type(factory).__name__)
    require_callable(factory)
    network = call_student(factory)
    if not isinstance(network, nn.Module):
        raise CheckFailed("not_module", seen=type(network).__name__)
    if type(network).forward is nn.Module.forward:
        raise CheckFailed("no_forward")
    return network.double().to(running.device)


def through(network: nn.Module, way: Way) -> Callable[..., Any]:
    """Return what calls the methods of a network one after the other, each with what the one before returned.

    Raises:
        CheckFailed: if it has no such method.
    """
    if way == ("forward",):
        return network
    for name in way:
        if not callable(getattr(network, name, None)):
            raise CheckFailed("no_method", name=name)

    def run(inputs: torch.Tensor) -> Any:
        for name in way:
            inputs = call_student(getattr(network, name), inputs)
        return inputs

    return run


def traced(
    network: Callable[..., Any],
    inputs: torch.Tensor,
    running: Replay,
    trace: Trace,
    arguments: tuple[Any, ...] = (),
) -> Any:
    """Run a forward pass without gradients, noting what it does.

    Args:
        network: to run, or one of its methods.
        inputs: its batch.
        running: the replay.
        trace: takes the notes.
        arguments: what the network takes besides the batch.
    """
    running.observers.append(trace.observe)
    try:
        with torch.no_grad():
            return call_student(network, inputs, *arguments)
    finally:
        running.observers.remove(trace.observe)


def refill(network: nn.Module, inputs: torch.Tensor, running: Replay) -> list[nn.Parameter]:
    """Set all parameters from the seed, in order of first use in `forward`.

    So neither PyTorch's initialisers nor the names or the order of registration matter.

    Returns:
        The parameters in that order.

    Raises:
        CheckFailed: if parameters are never used.
    """
    trace = Trace()
    network.eval()
    traced(network, inputs, running, trace)
    by_id = {id(parameter): parameter for parameter in network.parameters()}
    used = [by_id[key] for key in trace.parameters if key in by_id]
    if len(used) < len(by_id):
        raise CheckFailed("unused_parameters", count=len(by_id) - len(used))
    fill(used, running.seed)
    return used


def structure(
    factory: Callable[[], Any],
    input_shape: tuple[int, ...],
    output_shape: tuple[int, ...],
    parameters: int,
    running: Replay,
    layers: Sequence[str] = (),
) -> torch.Tensor:
    """Return all parameters of a network as the seed sets them, one after the other in order of use.

    The order and the shapes of its layers show in them; its activations do not.

    Raises:
        CheckFailed: if output shape, number of parameters or names of layers are not as asked for, or
            parameters get no gradient.
    """
    network = build(factory, running)
    trace = Trace()
    network.eval()
    inputs = supplied_rows(input_shape, running)
    require_tensor(traced(network, inputs, running, trace), shape=output_shape)
    count = sum(p.numel() for p in network.parameters() if p.requires_grad)
    if count != parameters:
        raise CheckFailed("wrong_parameters", seen=count, expected=parameters, layers=trace.layers())
    used = refill(network, inputs, running)
    _require_gradients(call_student(network, inputs), used)
    for name in layers:
        if not isinstance(getattr(network, name, None), nn.Module):
            raise CheckFailed("layer_missing", name=name)
    return flat(used)


def _require_gradients(output: torch.Tensor, parameters: Sequence[nn.Parameter]) -> None:
    """Raise `CheckFailed` unless an output belongs to the gradient graph of all these parameters."""
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    reached = output.requires_grad and torch.autograd.grad(output.sum(), trained, allow_unused=True)
    if cut := sum(gradient is None for gradient in reached or [None] * len(trained)):
        raise CheckFailed("gradient_cut", count=cut)


def evaluate(
    factory: Callable[[], Any],
    input_shape: tuple[int, ...],
    running: Replay,
    trace: Trace,
    *,
    training: bool,
    ways: Sequence[Way] = FORWARD,
) -> torch.Tensor:
    """Return the output of a network in train or eval mode, with its parameters set from the seed.

    Args:
        factory: the student's class.
        input_shape: of the batch.
        running: the replay.
        trace: takes note of what the network does.
        training: whether it is in train mode.
        ways: through the network, each a chain of its methods; the first one's output is returned.

    Raises:
        CheckFailed: if the ways through it do not lead to the same output, or it lacks one of their methods.
    """
    network = build(factory, running)
    inputs = supplied_rows(input_shape, running)
    refill(network, inputs, running)
    network.train(training)
    output = require_tensor(traced(through(network, ways[0]), inputs, running, trace))
    for way in ways[1:]:
        other = require_tensor(
            traced(through(network, way), inputs, running, Trace()), shape=tuple(output.shape)
        )
        if not torch.allclose(output, other):
            raise CheckFailed("ways_differ", first=_named(ways[0]), second=_named(way))
    return output


def _named(way: Way) -> str:
    return " → ".join(f"`{name}`" for name in way)


def dropout_output(
    factory: Callable[[], Any],
    input_shape: tuple[int, ...],
    running: Replay,
    trace: Trace,
    ways: Sequence[Way] = FORWARD,
) -> torch.Tensor:
    """Return what a network's dropouts multiply their inputs by in train mode, one after the other.

    Its parameters and activations do not enter: these have checks of their own.

    Raises:
        CheckFailed: if dropout is not active in train mode, or active in eval mode, on one of the ways.
    """
    network = build(factory, running)
    inputs = supplied_rows(input_shape, running)
    refill(network, inputs, running)
    masks = []
    for way in ways:
        notes = trace if way == ways[0] else Trace()
        call = through(network, way)
        network.train()
        first = require_tensor(traced(call, inputs, running, notes))
        if torch.equal(first, traced(call, inputs, running, Trace())):
            raise CheckFailed("dropout_inactive")
        network.eval()
        once, again = (traced(call, inputs, running, Trace()) for _ in range(2))
        if not torch.equal(once, again):
            raise CheckFailed("dropout_in_eval")
        masks += [mask.reshape(-1) for mask in notes.masks]
    return torch.cat(masks) if masks else torch.zeros(0, dtype=torch.float64)


def changed_parameters(function: Any, arguments: Sequence[Any], running: Replay) -> torch.Tensor:
    """Return the parameters of a supplied network after a function changed them in place.

    Args:
        function: the student's.
        arguments: what it is called with; the first one is the network.
        running: the replay.

    Raises:
        CheckFailed: if they stayed as they were, or cannot be trained any more.
    """
    require_callable(function)
    network, *others = built(arguments, running)
    before = [parameter.detach().clone() for parameter in network.parameters()]
    call_student(function, network, *others)
    after = list(network.parameters())
    if len(after) != len(before) or not all(parameter.requires_grad for parameter in after):
        raise CheckFailed("parameters_lost")
    if all(torch.equal(new, old) for new, old in zip(after, before, strict=True)):
        raise CheckFailed("parameters_unchanged")
    return flat(after)
