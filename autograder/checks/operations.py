"""Operators of a forward pass by the names of PyTorch's layers, with the settings that differ from theirs.

An operator is named from its own arguments, so a layer and the function it stands for read the same. What
they do not tell (how an input was padded, how a weight is parametrised) is asked of the layer that ran it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.utils import parametrize

_MISSING = object()
# Says nothing of what a layer computes.
_OF_NO_ACCOUNT = ("self", "device", "dtype", "inplace")


@dataclass
class Operation:
    """One operation of a forward pass.

    Attributes:
        kind: name of the layer, such as "Conv".
        arguments: what is always said of it.
        settings: what differs from PyTorch's defaults, such as "stride=2".
        size: of its output, where it is said.
    """

    kind: str
    arguments: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    size: str = ""

    @property
    def short(self) -> str:
        """Return the operation without its settings."""
        return self._said(self.arguments)

    def __str__(self) -> str:
        return self._said((*self.arguments, *self.settings))

    def _said(self, parts: Sequence[str]) -> str:
        inner = f"({', '.join(parts)})" if parts else ""
        return f"{self.kind}{inner}" + (f" {self.size}" if self.size else "")


@dataclass(frozen=True)
class Call:
    """One operator as it ran.

    Attributes:
        name: of the operator, without its overload.
        args: positional arguments, as many as differ from the operator's defaults.
        named: arguments by name.
        output: what it returned.
        layer: the innermost module that ran it, if any.
    """

    name: str
    args: tuple[Any, ...]
    named: Mapping[str, Any]
    output: Any
    layer: nn.Module | None = None

    def argument(self, index: int, default: Any = None) -> Any:
        """Return a positional argument, or the default that the operator has."""
        return self.args[index] if len(self.args) > index else default


def operation_of(call: Call) -> Operation | None:
    """Return what an operator is called, None where there is nothing worth telling of it."""
    if isinstance(call.layer, _ConvNd) and "pad" in call.name:
        return None  # its padding mode says it
    if call.name in _SIMPLE:
        return Operation(_SIMPLE[call.name])
    for names, naming in _NAMING:
        if names.fullmatch(call.name):
            return naming(call)
    return None


def operation_of_layer(layer: nn.Module) -> Operation | None:
    """Return what a layer of PyTorch is called that ran none of the operators above.

    None for what only changes a shape, for dropout in eval mode, for losses, and for modules made of others.
    """
    silent = (nn.Flatten, nn.Unflatten, nn.Identity, nn.modules.dropout._DropoutNd, nn.modules.loss._Loss)
    if isinstance(layer, silent) or next(layer.children(), None) is not None:
        return None
    if not type(layer).__module__.startswith("torch.nn.modules."):
        return None
    arguments, settings = [], []
    for name, parameter in inspect.signature(type(layer).__init__).parameters.items():
        value = getattr(layer, name, _MISSING)
        if name in _OF_NO_ACCOUNT or value is _MISSING or isinstance(value, torch.Tensor):
            continue
        if parameter.default is inspect.Parameter.empty:
            arguments.append(_plain(value))
        elif value != parameter.default:
            settings.append(f"{name}={_plain(value)}")
    return Operation(type(layer).__name__, tuple(arguments), tuple(settings))


def parametrisation(layer: nn.Module | None) -> tuple[str, ...]:
    """Return the settings that say how the weight of a layer is parametrised, if it is."""
    if layer is None:
        return ()
    found: list[object] = []
    if parametrize.is_parametrized(layer, "weight"):
        found += layer.parametrizations["weight"]  # type: ignore[index]
    found += [h for h in layer._forward_pre_hooks.values() if type(h).__module__.startswith("torch.nn.utils")]
    return tuple(f"weight={type(each).__name__.lstrip('_')}" for each in found)


def differing(*settings: tuple[str, Any, Any]) -> tuple[str, ...]:
    """Return the settings that differ from their defaults; each is (name, value, default)."""
    return tuple(f"{name}={_plain(value)}" for name, value, default in settings if value != default)


def _plain(value: Any) -> str:
    """Return a setting as a person would write it: one number for several that are the same."""
    if isinstance(value, (list, tuple)):
        if len(set(value)) == 1:
            return _plain(value[0])
        return f"({', '.join(_plain(each) for each in value)})"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _same(value: Any, number: int) -> bool:
    return all(each == number for each in value)


# --- naming of single operators ----------------------------------------------------------------------


def _linear(call: Call) -> Operation:
    weight = call.args[-1]
    layer = call.layer if isinstance(call.layer, nn.Linear) else None
    without = layer.bias is None if layer else call.name == "mm"
    settings = (*differing(("bias", not without, True)), *parametrisation(layer))
    return Operation("Linear", (f"{weight.shape[0]}→{weight.shape[1]}",), settings)


def _convolution(call: Call) -> Operation:
    source, weight, bias, stride, padding, dilation, transposed, output_padding, groups = call.args
    layer = call.layer if isinstance(call.layer, _ConvNd) else None
    mode = layer.padding_mode if layer else "zeros"
    if layer is not None:
        padding = layer.padding
    settings = [
        ("stride", stride, 1),
        ("padding", padding, 0),
        ("dilation", dilation, 1),
        ("output_padding", output_padding, 0),
    ]
    given = [each for each in settings if isinstance(each[1], str) or not _same(each[1], each[2])]
    other = differing(
        ("groups", groups, 1), ("bias", bias is not None, True), ("padding_mode", mode, "zeros")
    )
    return Operation(
        "ConvTranspose" if transposed else "Conv",
        (f"{source.shape[1]}→{call.output.shape[1]}", _by(weight.shape[2:])),
        (*differing(*given), *other, *parametrisation(layer)),
        _by(call.output.shape[2:]),
    )


def _by(sizes: Sequence[int]) -> str:
    return "x".join(str(size) for size in sizes)


def _batch_norm(call: Call) -> Operation:
    """Name batch normalisation, or that of instances: the same operator, each sample's channels alone."""
    source, weight = call.args[0], call.args[1]
    momentum, eps = call.args[-2], call.args[-1]
    if _of_instances(call.layer, source, weight):
        return Operation(
            "InstanceNorm", (), differing(("eps", eps, 1e-5), ("affine", weight is not None, False))
        )
    settings = [("eps", eps, 1e-5), ("momentum", momentum, 0.1), ("affine", weight is not None, True)]
    if call.name == "native_batch_norm":
        settings.append(("track_running_stats", call.args[3] is not None, True))
    return Operation("BatchNorm", (), differing(*settings))


def _of_instances(layer: nn.Module | None, source: torch.Tensor, weight: torch.Tensor | None) -> bool:
    if isinstance(layer, nn.modules.batchnorm._BatchNorm):
        return False
    if isinstance(layer, nn.modules.instancenorm._InstanceNorm):
        return True
    return source.ndim > 2 and source.shape[0] == 1 and not isinstance(weight, nn.Parameter)


def _layer_norm(call: Call) -> Operation:
    _, shape, weight, _, eps = call.args
    settings = differing(("eps", eps, 1e-5), ("elementwise_affine", weight is not None, True))
    return Operation(
        "LayerNorm",
        (_plain(list(shape)) if len(shape) == 1 else f"({', '.join(map(str, shape))})",),
        settings,
    )


def _group_norm(call: Call) -> Operation:
    weight, groups, eps = call.args[1], call.args[6], call.args[7]
    return Operation(
        "GroupNorm", (str(groups),), differing(("eps", eps, 1e-5), ("affine", weight is not None, True))
    )


def _leaky(call: Call) -> Operation:
    slope = call.argument(1, 0.01)
    return Operation("LeakyReLU", (f"{slope:.4g}",) if slope != 0.01 else ())


def _elu(call: Call) -> Operation:
    alpha, scale = call.argument(1, 1.0), call.argument(2, 1.0)
    if scale != 1.0:
        return Operation("SELU")
    return Operation("ELU", (), differing(("alpha", alpha, 1.0)))


def _hardtanh(call: Call) -> Operation:
    low, high = call.argument(1, -1.0), call.argument(2, 1.0)
    if (low, high) == (0, 6):
        return Operation("ReLU6")
    return Operation("Hardtanh", (), differing(("min_val", low, -1.0), ("max_val", high, 1.0)))


def _gelu(call: Call) -> Operation:
    return Operation("GELU", (), differing(("approximate", call.named.get("approximate", "none"), "none")))


def _softplus(call: Call) -> Operation:
    return Operation("Softplus", (), differing(("beta", call.argument(1, 1), 1)))


def _softmax(call: Call) -> Operation:
    return Operation("LogSoftmax" if "log" in call.name else "Softmax", (f"dim={call.args[1]}",))


def _pool(call: Call) -> Operation:
    kind = "MaxPool" if "max" in call.name else "AvgPool"
    dims = re.sub(r".*pool(\d)d.*", r"\1", call.name)
    kernel = call.args[1]
    stride = call.argument(2) or kernel
    padding = call.argument(3, [0])
    settings = differing(("stride", list(stride), list(kernel)), ("padding", _plain(padding), "0"))
    return Operation(f"{kind}{dims}d", (_plain(kernel),), settings)


def _adaptive_pool(call: Call) -> Operation:
    kind, dims = ("Max" if "max" in call.name else "Avg"), call.name[-2]
    return Operation(f"Adaptive{kind}Pool{dims}d", (_plain(call.args[1]),))


def _upsample(call: Call) -> Operation:
    mode = call.name.removeprefix("upsample_").rstrip("123d").rstrip("_")
    return Operation("Upsample", (mode,), (), _by(call.output.shape[2:]))


def _shuffle(call: Call) -> Operation:
    return Operation(
        "PixelShuffle" if call.name == "pixel_shuffle" else "PixelUnshuffle", (str(call.args[1]),)
    )


def _pad(call: Call) -> Operation:
    kind, dims = call.name.partition("_pad")[::2]
    name = f"{kind.capitalize()}Pad" + (dims if dims != "_nd" else "")
    return Operation(name, (_plain(list(call.args[1])),))


_SIMPLE = {
    "relu": "ReLU",
    "relu_": "ReLU",
    "sigmoid": "Sigmoid",
    "sigmoid_": "Sigmoid",
    "tanh": "Tanh",
    "tanh_": "Tanh",
    "silu": "SiLU",
    "mish": "Mish",
    "hardswish": "Hardswish",
    "hardsigmoid": "Hardsigmoid",
    "log_sigmoid_forward": "LogSigmoid",
    "_prelu_kernel": "PReLU",
}
_NAMING: tuple[tuple[re.Pattern[str], Callable[[Call], Operation]], ...] = tuple(
    (re.compile(pattern), naming)
    for pattern, naming in [
        (r"addmm|mm", _linear),
        (r"convolution", _convolution),
        (r"native_batch_norm|_native_batch_norm_legit_no_training", _batch_norm),
        (r"native_layer_norm", _layer_norm),
        (r"native_group_norm", _group_norm),
        (r"leaky_relu_?", _leaky),
        (r"elu_?", _elu),
        (r"hardtanh_?", _hardtanh),
        (r"gelu", _gelu),
        (r"softplus", _softplus),
        (r"_(log_)?softmax", _softmax),
        (r"(max|avg)_pool\dd(_with_indices)?", _pool),
        (r"_?adaptive_(max|avg)_pool\dd", _adaptive_pool),
        (r"upsample_\w+", _upsample),
        (r"pixel_(un)?shuffle", _shuffle),
        (r"(reflection|replication|constant)_pad\w+", _pad),
    ]
)
