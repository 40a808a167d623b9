"""The parts that a network is put together from, and stand-ins that take their places.

A student may bind a part in many ways: as a subclass, in a `functools.partial`, under another name. So where
a part is a class of networks, its own methods are exchanged for a while; where it is a function, its code.
Only what is neither is exchanged by its name.
"""

from __future__ import annotations

import contextlib
import functools
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from autograder.checks.operations import Operation
from autograder.checks.trace import Trace
from autograder.messages import CheckFailed, Message, add_texts

TEXTS = add_texts(__package__, "parts")

_NORMALISATIONS = ("BatchNorm", "InstanceNorm", "LayerNorm", "GroupNorm")
_ATTRIBUTE = "_stand_in"
Methods = dict[str, Callable[..., Any]]


@dataclass(frozen=True)
class StandIn:
    """What stands in for a layer.

    Attributes:
        role: of the part; see `Parts`.
        layer: that has its parameters, None if it has none.
        factor: of its output.
        settings: that it was made with, as a text.
    """

    role: str
    layer: nn.Module | None = None
    factor: float = 1.0
    settings: str = ""


def stand_in_of(layer: nn.Module) -> StandIn:
    """Return what stands in for a layer; one that was made beforehand has no parameters."""
    found: StandIn = layer.__dict__.get(_ATTRIBUTE, StandIn("normalisation"))
    return found


class Parts:
    """The parts that a network is put together from, and what became of their stand-ins.

    Args:
        roles: the names of the parts in the student's code, with what each of them is: "convolution",
            "normalisation", "block", "batch_channel" (a function that adds a channel), "fade" (a function
            of alpha, old and new), or "unwanted": a normalisation that must not be used. All others
            but "fade" must be.

    Attributes:
        used: names of the parts that the network called.
        layers: stand-ins in order of first use.
        foreign: kinds of layers with parameters, or of normalisations, that are no parts.
    """

    def __init__(self, roles: Mapping[str, str]) -> None:
        self.roles = dict(roles)
        self.used: set[str] = set()
        self.layers: list[nn.Module] = []
        self.foreign: list[str] = []
        self._alpha = 1.0
        self._fades = 0
        self._trace: Trace | None = None

    def begin(self, alpha: float, trace: Trace | None = None) -> None:
        """Begin a call of the network with some alpha; a trace is told which parts are called."""
        self._alpha, self._fades, self._trace = alpha, 0, trace

    @contextlib.contextmanager
    def standing_in(self, factory: Any) -> Iterator[None]:
        """Let the parts be their stand-ins, however the student's class has bound them."""
        names = namespace(factory)
        with contextlib.ExitStack() as stack:
            for name, role in self.roles.items():
                stack.enter_context(self._exchanged(name, role, names))
            yield

    def look_at(self, network: nn.Module) -> None:
        """Take note of layers that are no parts."""
        owned = {id(part) for m in network.modules() if (part := stand_in_of(m).layer) is not None}
        kinds = [type(m).__name__ for m in network.modules() if id(m) not in owned and _counts(m)]
        self.foreign = list(dict.fromkeys(kinds))

    def require_used(self, *, grown: bool) -> None:
        """Raise `CheckFailed` if a part was not called; a network that has not grown needs no blocks."""
        optional = {"fade", "unwanted"} if grown else {"fade", "unwanted", "block"}
        for name, role in self.roles.items():
            if role == "unwanted" and name in self.used:
                raise CheckFailed("part_unwanted", name=name)
            if role in optional or name in self.used:
                continue
            if self.foreign:
                raise CheckFailed("part_replaced", name=name, seen=", ".join(self.foreign))
            raise CheckFailed("part_unused", name=name)

    def describe(self, trace: Trace) -> Message | None:
        """Name layers that are no parts, None if there are none."""
        # The stand-ins normalise with none of these, and layers that were made in `forward` show here.
        named = [operation.kind for operation in trace.operations]
        called = [kind for kind in named if kind.startswith(_NORMALISATIONS) and not self.foreign]
        kinds = list(dict.fromkeys([*self.foreign, *called]))
        return Message("foreign_layers", {"kinds": ", ".join(kinds)}) if kinds else None

    def _exchanged(
        self, name: str, role: str, names: dict[str, Any]
    ) -> contextlib.AbstractContextManager[None]:
        """Return what exchanges one part for a while."""
        part = names.get(name)
        if role in ("batch_channel", "fade"):
            function = functools.partial(self._batch_channel if role == "batch_channel" else self._fade, name)
            plain = isinstance(part, types.FunctionType) and not part.__closure__
            return _other_code(part, function) if plain else _other_value(names, name, function)
        methods = self._methods(name, role)
        if isinstance(part, type) and issubclass(part, nn.Module):
            return _other_methods(part, methods)
        return _other_value(names, name, type(name, (nn.Module,), dict(methods)))

    def _say(self, *words: str, of_last: bool = False) -> None:
        """Add a part to the operations of the trace, or words on the last one."""
        operations = self._trace.operations if self._trace else []
        if of_last and operations:
            operations[-1].settings += words
        elif self._trace:
            operations += [Operation(word) for word in words]

    def _note(self, layer: nn.Module, name: str) -> None:
        self.used.add(name)
        if not any(layer is known for known in self.layers):
            self.layers.append(layer)

    def _methods(self, name: str, role: str) -> Methods:
        """Return the methods of what stands in for a layer."""
        make: dict[str, Callable[[str], Methods]] = {
            "convolution": self._convolution,
            "block": self._block,
            "normalisation": self._normalisation,
            "unwanted": self._normalisation,
        }
        return make[role](name)

    def _convolution(self, name: str) -> Methods:
        """Stand for a convolution with a gain: a plain one, and its gain shows in its output."""

        def begin(
            layer: nn.Module,
            in_channels: int,
            out_channels: int,
            kernel_size: int = 3,
            stride: int = 1,
            padding: int = 1,
            gain: float = 2,
        ) -> None:
            nn.Module.__init__(layer)
            inner = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding)
            _equip(layer, StandIn("convolution", inner, (1.0 + gain) / 4.0, f"gain {gain:g}"))

        def forward(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
            self._note(layer, name)
            output = _through(layer, x)
            self._say(stand_in_of(layer).settings, of_last=True)
            return output

        return {"__init__": begin, "forward": forward}

    def _block(self, name: str) -> Methods:
        """Stand for a block of convolutions: a single one; whether it normalises shows in its output."""

        def begin(layer: nn.Module, in_channels: int, out_channels: int, use_pixel_norm: bool = True) -> None:
            nn.Module.__init__(layer)
            inner = nn.Conv2d(in_channels, out_channels, 3, 1, 1)
            settings = f"use_pixel_norm={bool(use_pixel_norm)}"
            _equip(layer, StandIn("block", inner, 1.5 if use_pixel_norm else 1.0, settings))

        def forward(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
            self._note(layer, name)
            stand_in = stand_in_of(layer)
            output = stand_in.factor * _squeezed(_through(layer, x) / stand_in.factor)
            self._say(name, stand_in.settings, of_last=True)
            return output

        return {"__init__": begin, "forward": forward}

    def _normalisation(self, name: str) -> Methods:
        """Stand for a normalisation: squeeze every number into (-1, 1), whatever its settings are."""

        def begin(layer: nn.Module, *settings: float, **named: float) -> None:
            nn.Module.__init__(layer)
            _equip(layer, StandIn("normalisation"))

        def forward(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
            self._note(layer, name)
            self._say(name)
            return _squeezed(x)

        return {"__init__": begin, "forward": forward}

    def _batch_channel(self, name: str, x: torch.Tensor) -> torch.Tensor:
        """Add a channel that depends on the whole batch."""
        self.used.add(name)
        return torch.cat([x, x.max().expand(len(x), 1, *x.shape[2:])], dim=1)

    def _fade(self, name: str, alpha: Any, old: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
        """Return one of two tensors; networks are observed where a blend is one of them."""
        self.used.add(name)
        self._fades += 1
        if self._fades > 1:
            raise CheckFailed("fade_often", name=name)
        if float(alpha) != self._alpha:
            raise CheckFailed("alpha_changed", name=name, seen=float(alpha), expected=self._alpha)
        if old.shape != new.shape:
            raise CheckFailed("fade_shapes", name=name, old=tuple(old.shape), new=tuple(new.shape))
        return new if self._alpha == 1.0 else old


def _equip(layer: nn.Module, stand_in: StandIn) -> None:
    layer.__dict__[_ATTRIBUTE] = stand_in
    if stand_in.layer is not None:
        layer.add_module("stand_in_layer", stand_in.layer)


def _through(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Return what the layer of a stand-in computes, times its factor."""
    inner, factor = layer.get_submodule("stand_in_layer"), stand_in_of(layer).factor
    output: torch.Tensor = factor * inner(x)
    return output


def _squeezed(x: torch.Tensor) -> torch.Tensor:
    return x / (1.0 + x.abs())


def _counts(module: nn.Module) -> bool:
    """Tell whether a module is a layer with parameters of its own, or a normalisation."""
    own = next(module.parameters(recurse=False), None) is not None
    return own or isinstance(module, (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm))


def namespace(factory: Any) -> dict[str, Any]:
    """Return the global names of the code of a class, or of a function that builds a network."""
    while isinstance(factory, functools.partial):
        factory = factory.func
    # What a class inherits from PyTorch has the names of PyTorch.
    own = [kind for kind in getattr(factory, "__mro__", ()) if not kind.__module__.startswith("torch")]
    functions = (value for kind in own for value in vars(kind).values())
    found = next((value for value in functions if isinstance(value, types.FunctionType)), factory)
    names: dict[str, Any] = getattr(found, "__globals__", {})
    return names


@contextlib.contextmanager
def _other_value(names: dict[str, Any], name: str, value: Any) -> Iterator[None]:
    """Let a name mean something else for a while."""
    before = {name: names[name]} if name in names else {}
    names[name] = value
    try:
        yield
    finally:
        names.pop(name, None)
        names.update(before)


@contextlib.contextmanager
def _other_methods(kind: type, methods: Methods) -> Iterator[None]:
    """Let a class have other methods for a while."""
    before = {name: vars(kind)[name] for name in methods if name in vars(kind)}
    for name, method in methods.items():
        setattr(kind, name, method)
    try:
        yield
    finally:
        for name in methods:
            delattr(kind, name)
        for name, method in before.items():
            setattr(kind, name, method)


@contextlib.contextmanager
def _other_code(function: Any, instead: Callable[..., Any]) -> Iterator[None]:
    """Let a function do something else for a while, under whatever name it is called."""
    hidden = f"_stands_in_for_{function.__name__}"
    made: dict[str, Any] = {}
    exec(f"def instead(*given, **named):\n    return {hidden}(*given, **named)", made)
    before = function.__code__, function.__defaults__, function.__kwdefaults__
    function.__globals__[hidden] = instead
    function.__code__, function.__defaults__, function.__kwdefaults__ = made["instead"].__code__, None, None
    try:
        yield
    finally:
        function.__code__, function.__defaults__, function.__kwdefaults__ = before
        del function.__globals__[hidden]
