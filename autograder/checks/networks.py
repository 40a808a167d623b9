"""Networks: their structure, and what they compute with parameters that the library sets."""

from __future__ import annotations

import contextlib
import copy
import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import nn

from autograder.checks.base import Checks
from autograder.checks.calling import built, call_student, require_callable
from autograder.checks.gradients import gradients
from autograder.checks.guard import May
from autograder.checks.initialisation import KINDS, describe_wrong_initialisation, initialised
from autograder.checks.masks import Masks
from autograder.checks.rehearsal import aside
from autograder.checks.roles import Role, fill_roles, in_standard_order
from autograder.checks.sizes import LEAST, LEAST_OF_NETWORK, Dimension, names_of, resolved, rounds
from autograder.checks.supplied import SuppliedSamples
from autograder.checks.tensors import flat, require_tensor
from autograder.checks.trace import Trace
from autograder.errors import CheckUseError
from autograder.messages import CheckFailed, Message, add_texts
from autograder.observation import DIGITS
from autograder.replay import Replay

TEXTS = add_texts(__package__, "networks")

# The name of the size of a batch.
_BATCH = "n"
# A chain of methods of a network, called one after the other.
Way = tuple[str, ...]
FORWARD: tuple[Way, ...] = (("forward",),)


class NetworkChecks(Checks):
    """Checks of networks: their structure, what they compute, and how their parameters are set."""

    def network_structure(
        self,
        name: str,
        factory: Callable[[], Any],
        *,
        input_shape: tuple[int, ...] | None = None,
        inputs: Sequence[Any] | None = None,
        output_shape: tuple[Dimension, ...],
        parameters: int,
        layers: Sequence[str] = (),
        points: float,
    ) -> bool:
        """Check a network's output shape, its number of parameters and the shapes of its layers in order.

        A gradient has to reach all of them.

        Args:
            name: the stable name of the check.
            factory: the student's class.
            input_shape: of one input; it is called with batches of several sizes.
            inputs: in place of a shape, all that it is called with, perhaps supplied by the library: tensors
                whose shapes name their sizes.
            output_shape: expected, of one output; with `inputs` of all, by the names of their sizes.
            parameters: the expected number of trainable numbers.
            layers: names of layers and parameters that other code uses, such as "dense.weight".
            points: the marks that the check is worth.
        """
        given = _inputs(input_shape, inputs)
        expected = output_shape if input_shape is None else (_BATCH, *output_shape)

        def compute(running: Replay) -> torch.Tensor:
            return structure(factory, given, expected, parameters, running, layers)

        return self.run_array(name, points, compute, Message("wrong_structure"))

    def network_output(
        self,
        name: str,
        factory: Callable[[], Any],
        *,
        input_shape: tuple[int, ...] | None = None,
        inputs: Sequence[Any] | None = None,
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
            input_shape: of one input; it is called with batches of several sizes.
            inputs: in place of a shape, all that it is called with, perhaps supplied by the library: tensors
                whose shapes name their sizes.
            training: whether it is in train mode, where dropout would show, or in eval mode.
            ways: through the network, each a chain of its methods; all must lead to the same output.
            low: the least output allowed, if any.
            high: the greatest output allowed, if any.
            points: the marks that the check is worth.
            digits: significant digits compared.
        """
        trace, given = Trace(), _inputs(input_shape, inputs)

        def compute(running: Replay) -> torch.Tensor:
            found = evaluate(factory, given, running, trace, training=training, ways=ways)
            output = require_tensor(found.outputs, low=low, high=high)
            return torch.cat([output, found.slopes])

        def diagnose(output: torch.Tensor) -> Message:
            return self._wrong_output(trace, output)

        return self.run_array(name, points, compute, diagnose, digits=digits)

    def _wrong_output(self, trace: Trace, output: torch.Tensor) -> Message:
        """Say what a network did; where another check of the cell has named its shape, that is the cause."""
        for result in self.results:
            seen = result.message.details.get("seen") if result.message.key == "wrong_shape" else None
            if isinstance(seen, tuple) and len(seen) == output.ndim:
                return Message("same_cause")
        return Message("wrong_output", {"operations": trace.describe()})

    def dropout(
        self,
        name: str,
        factory: Callable[[], Any],
        *,
        input_shape: tuple[int, ...] | None = None,
        inputs: Sequence[Any] | None = None,
        ways: Sequence[Way] = FORWARD,
        points: float,
        digits: int = DIGITS,
    ) -> bool:
        """Check that a network's dropout is active in train mode, as asked, and absent in eval mode.

        Args:
            name: the stable name of the check.
            factory: the student's class.
            input_shape: of one input; it is called with batches of several sizes.
            inputs: in place of a shape, all that it is called with, perhaps supplied by the library: tensors
                whose shapes name their sizes.
            ways: through the network, each a chain of its methods; dropout is observed on all of them.
            points: the marks that the check is worth.
            digits: significant digits compared.
        """
        trace, given = Trace(), _inputs(input_shape, inputs)

        def compute(running: Replay) -> torch.Tensor:
            return dropout_output(factory, given, running, trace, ways)

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
        if kind not in KINDS:
            raise CheckUseError(f"{name}: kind={kind!r} is none of {', '.join(KINDS)}")

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


def _inputs(shape: tuple[int, ...] | None, inputs: Sequence[Any] | None) -> Sequence[Any]:
    """Return what a network is called with: a batch of a shape, or what is listed.

    Raises:
        CheckUseError: if both are given, or neither is.
    """
    if inputs is None and shape is not None:
        return (SuppliedSamples((_BATCH, *shape), "rows"),)
    if inputs is not None and shape is None:
        return inputs
    raise CheckUseError("give either input_shape or inputs: what the network is called with")


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
    for seen in _parameter_types(factory, network, running) - {running.outer_dtype}:
        names = {"seen": _short(seen), "expected": _short(running.outer_dtype)}
        raise CheckFailed("parameters_of_type", **names)
    return network.double().to(running.device)


def _parameter_types(factory: Any, network: nn.Module, running: Replay) -> set[torch.dtype]:
    """Return the types of a network's parameters where no replay widens them: in the notebook.

    Another one is made, without memory for its numbers; what it shares with the first was widened with that.
    """
    shared = {id(parameter) for parameter in network.parameters()}
    with aside(running), contextlib.suppress(Exception), torch.device("meta"):
        own = [p for p in call_student(factory).parameters() if id(p) not in shared]
        return {p.dtype for p in own if p.dtype.is_floating_point}
    return set()


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


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

    def run(*arguments: Any) -> Any:
        for name in way:
            arguments = (call_student(getattr(network, name), *arguments),)
        return arguments[0]

    return run


def traced(
    network: Callable[..., Any],
    arguments: Sequence[Any],
    running: Replay,
    trace: Trace,
) -> Any:
    """Run a forward pass without gradients, noting what it does.

    Args:
        network: to run, or one of its methods.
        arguments: of its call.
        running: the replay.
        trace: takes the notes.
    """
    with running.observing(trace.observe), torch.no_grad(), trace.naming_layers():
        return call_student(network, *arguments)


def refill(network: nn.Module, arguments: Sequence[Any], running: Replay) -> list[Role]:
    """Set all parameters from the seed, by the parts that they play in `forward`, in order of first use.

    So neither PyTorch's initialisers nor the names or the order of registration matter, nor how a matrix is
    stored.

    Returns:
        Their roles, in that order.

    Raises:
        CheckFailed: if parameters are never used.
    """
    trace = Trace()
    network.eval()
    traced(network, arguments, running, trace)
    roles = trace.uses.roles_of(network)
    if unused := len(list(network.parameters())) - len(roles):
        raise CheckFailed("unused_parameters", count=unused)
    fill_roles(roles, running.seed)
    return roles


def structure(
    factory: Callable[[], Any],
    inputs: Sequence[Any],
    output_shape: tuple[Dimension, ...],
    parameters: int,
    running: Replay,
    layers: Sequence[str] = (),
) -> torch.Tensor:
    """Return all parameters of a network as the seed sets them: matrices, then vectors, in order of use.

    The order and the shapes of its layers show in them; its activations do not.

    Args:
        factory: the student's class.
        inputs: all that the network is called with; see `built`.
        output_shape: expected, by the names of the inputs' sizes.
        parameters: the expected number of trainable numbers.
        running: the replay.
        layers: names of layers that other code uses.

    Raises:
        CheckFailed: if output shape, number of parameters or names of layers are not as asked for, or
            parameters get no gradient.
    """
    network = build(factory, running)
    _require_own_parameters(network, build(factory, running), factory)
    trace = Trace()
    network.eval()
    first, *others = _rounds(inputs, running, alone=True)
    given = built(inputs, running, first)
    require_tensor(traced(network, given, running, trace), shape=resolved(output_shape, first))
    count = sum(p.numel() for p in network.parameters() if p.requires_grad)
    if count != parameters:
        raise CheckFailed("wrong_parameters", seen=count, expected=parameters, layers=trace.layers())
    roles = refill(network, given, running)
    for sizes in others:
        output = traced(network, built(inputs, running, sizes), running, Trace())
        require_tensor(output, shape=resolved(output_shape, sizes))
    # A recurrent layer of cuDNN has no backward pass in eval mode.
    with torch.backends.cudnn.flags(enabled=False):
        trainable = [role.parameter for role in roles if role.parameter.requires_grad]
        gradients(call_student(network, *given), trainable, running)
    _require_copyable(network)
    for name in layers:
        if not isinstance(_part(network, name), (nn.Module, nn.Parameter)):
            raise CheckFailed("layer_missing", name=name)
    return in_standard_order(roles, [role.parameter for role in roles])


def _require_own_parameters(network: nn.Module, another: nn.Module, factory: Any) -> None:
    """Raise `CheckFailed` if two networks of a class share parameters: training one would train the other.

    What they were given when they were made may be shared.
    """
    given = (*factory.args, *factory.keywords.values()) if isinstance(factory, functools.partial) else ()
    lent = _parameters(*(value for value in given if isinstance(value, nn.Module)))
    if shared := len((_parameters(network) & _parameters(another)) - lent):
        raise CheckFailed("shared_parameters", count=shared)


def _parameters(*networks: nn.Module) -> set[int]:
    return {id(parameter) for network in networks for parameter in network.parameters()}


def _require_copyable(network: nn.Module) -> None:
    """Raise `CheckFailed` if a network that was called cannot be copied: averages of weights are copies.

    What stops a copy is a result that `forward` keeps, with all that led to it.
    """
    try:
        copy.deepcopy(network)
    except RuntimeError as error:
        kept = [
            name for layer in network.modules() for name, value in vars(layer).items() if _computed(value)
        ]
        if kept:
            raise CheckFailed("keeps_results", names=", ".join(f"`self.{name}`" for name in kept)) from error


def _computed(value: Any) -> bool:
    """Tell whether a value is a tensor that autograd leads to, or a list or dictionary that holds one."""
    if isinstance(value, dict):
        return any(map(_computed, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(_computed, value))
    return isinstance(value, torch.Tensor) and value.grad_fn is not None


def _part(network: nn.Module, path: str) -> Any:
    """Return the layer or parameter with a name such as "dense.weight", None if there is none."""
    part: Any = network
    for name in path.split("."):
        part = getattr(part, name, None)
    return part


class Evaluated(NamedTuple):
    """What a network computes, and how that depends on its parameters: two vectors."""

    outputs: torch.Tensor
    slopes: torch.Tensor


def evaluate(
    factory: Callable[[], Any],
    inputs: Sequence[Any],
    running: Replay,
    trace: Trace,
    *,
    training: bool,
    ways: Sequence[Way] = FORWARD,
) -> Evaluated:
    """Return what a network computes in train or eval mode, with its parameters set from the seed.

    Once more with the sign of its last layer changed; and how that depends on its parameters.

    Args:
        factory: the student's class.
        inputs: all that the network is called with; see `built`.
        running: the replay.
        trace: takes note of what the network does.
        training: whether it is in train mode.
        ways: through the network, each a chain of its methods; the first one's output is returned.

    Raises:
        CheckFailed: if the ways through it do not lead to the same output, or it lacks one of their methods.
    """
    network = build(factory, running)
    # A batch of one has no statistics that batch normalisation could train with.
    first_sizes, *others = _rounds(inputs, running, alone=not training)
    sizes = first_sizes
    roles = refill(network, built(inputs, running, sizes), running)
    network.train(training)
    found = [_way_output(network, built(inputs, running, sizes), running, trace, ways)]
    if training:
        _require_sound_training(network, inputs, sizes, running, ways)
    for sizes in others:
        found.append(_way_output(network, built(inputs, running, sizes), running, Trace(), ways))
    if not training:
        run, first = through(network, ways[0]), built(inputs, running, first_sizes)
        require_no_memory(lambda: traced(run, first, running, Trace()), found[0])
    _negate(trace.uses.last)
    given = built(inputs, running, sizes)
    found.append(_way_output(network, given, running, Trace(), ways))
    used = [role for role in roles if id(role.parameter) in trace.uses.roles]
    slopes = _way_gradients(network, given, running, used, ways[0])
    return Evaluated(torch.cat([output.reshape(-1) for output in found]), slopes)


def _way_gradients(
    network: nn.Module, given: Sequence[Any], running: Replay, roles: Sequence[Role], way: Way
) -> torch.Tensor:
    """Return how a network's output depends on the parameters that it was made with, and on its inputs.

    Raises:
        CheckFailed: if it does not depend on one of them.
    """
    roles = [role for role in roles if role.parameter.requires_grad]
    used = [role.parameter for role in roles]
    given = [_differentiable(each) for each in given]
    numbers = [each for each in given if isinstance(each, torch.Tensor) and each.requires_grad]
    # A recurrent layer of cuDNN has no backward pass in eval mode.
    with torch.backends.cudnn.flags(enabled=False):
        output = require_tensor(call_student(through(network, way), *given))
        slopes = gradients(output, used, running, keep=True).split([each.numel() for each in used])
        by_parameters = in_standard_order(roles, slopes).to(output.device)
        return torch.cat([by_parameters, gradients(output, numbers, running, cut="input_cut")])


def _differentiable(value: Any) -> Any:
    """Return a float64 copy of a tensor of numbers that wants a gradient, anything else as it is."""
    if not isinstance(value, torch.Tensor) or not value.is_floating_point():
        return value
    return value.detach().to(torch.float64, copy=True).requires_grad_()


def _require_sound_training(
    network: nn.Module, inputs: Sequence[Any], sizes: dict[str, int], running: Replay, ways: Sequence[Way]
) -> None:
    """Look at what a network in train mode does besides its output, and leave it there.

    Raises:
        CheckFailed: if running statistics do not run, or a network without statistics or random numbers
            computes something else in eval mode.
    """
    run = through(network, ways[0])
    given = built(inputs, running, sizes)
    for layer in network.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm) and layer.momentum == 0.0:
            raise CheckFailed("statistics_frozen", layer=type(layer).__name__)
    first, again = (traced(run, given, running, Trace()) for _ in range(2))
    if not list(network.buffers()) and torch.equal(first, again):
        network.eval()
        if not torch.allclose(first, traced(run, given, running, Trace())):
            raise CheckFailed("modes_differ")
        network.train()
    # With a batch of one most normalisation cannot be trained; a network that can must not change its mode.
    with contextlib.suppress(ValueError, RuntimeError):
        traced(run, built(inputs, running, dict.fromkeys(sizes, 1)), running, Trace())


def require_no_memory(call: Callable[[], Any], first: torch.Tensor) -> None:
    """Look whether a network that is not in training still gives what it gave at first.

    Args:
        call: repeats its first call, after others.
        first: what that call returned.

    Raises:
        CheckFailed: if it gives something else, and that not by chance.
    """
    again = call()
    if not _same_output(again, first) and _same_output(again, call()):
        raise CheckFailed("remembers_calls")


def _same_output(one: Any, other: Any) -> bool:
    both = isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor) and one.shape == other.shape
    return both and torch.allclose(one, other, equal_nan=True)


def _negate(parameters: Sequence[nn.Parameter]) -> None:
    """Change the sign of all parameters of the layer that was used last, and so of what it computes.

    Whatever comes after it, such as a ReLU that nobody asked for, then sees both signs of each output.
    """
    with torch.no_grad():
        for parameter in {id(each): each for each in parameters}.values():
            parameter.neg_()


def _rounds(
    inputs: Sequence[Any], running: Replay, *, alone: bool, least: int = LEAST_OF_NETWORK
) -> list[dict[str, int]]:
    """Return the sizes of two batches, the second one of a single input where that may be."""
    return rounds(running.seed, names_of(inputs), count=1 if alone else 2, alone=alone, least=least)


def _way_output(
    network: nn.Module, given: Sequence[Any], running: Replay, trace: Trace, ways: Sequence[Way]
) -> torch.Tensor:
    """Return a network's output, to which all ways through it have to lead.

    Raises:
        CheckFailed: if they do not.
    """
    output = require_tensor(traced(through(network, ways[0]), given, running, trace))
    for way in ways[1:]:
        other = require_tensor(
            traced(through(network, way), given, running, Trace()), shape=tuple(output.shape)
        )
        if not torch.allclose(output, other):
            raise CheckFailed("ways_differ", first=_named(ways[0]), second=_named(way))
    return output


def _named(way: Way) -> str:
    return " → ".join(f"`{name}`" for name in way)


def dropout_output(
    factory: Callable[[], Any],
    inputs: Sequence[Any],
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
    given = built(inputs, running, _rounds(inputs, running, alone=False, least=LEAST)[0])
    refill(network, given, running)
    found = []
    for way in ways:
        notes, masks = trace if way == ways[0] else Trace(), Masks()
        call = through(network, way)
        network.train()
        with running.observing(masks.observe):
            first = require_tensor(traced(call, given, running, notes))
        if torch.equal(first, traced(call, given, running, Trace())):
            raise CheckFailed("dropout_inactive")
        network.eval()
        once, again = (traced(call, given, running, Trace()) for _ in range(2))
        if not torch.equal(once, again):
            raise CheckFailed("dropout_in_eval")
        found += [mask.reshape(-1) for mask in masks.used()]
    return torch.cat(found) if found else torch.zeros(0, dtype=torch.float64)


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
    call_student(function, network, *others, may=May(fill=(network,)))
    after = list(network.parameters())
    if len(after) != len(before) or not all(parameter.requires_grad for parameter in after):
        raise CheckFailed("parameters_lost")
    if all(torch.equal(new, old) for new, old in zip(after, before, strict=True)):
        raise CheckFailed("parameters_unchanged")
    return flat(after)
