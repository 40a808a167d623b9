"""A convolution whose weights are scaled when it is used (equalised learning rate; Karras et al., 2018)."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from autograder.checks.calling import call_student
from autograder.checks.gradients import gradients
from autograder.checks.networks import build
from autograder.checks.supplied import supplied_rows
from autograder.checks.tensors import flat, require_tensor
from autograder.messages import CheckFailed, Message, add_texts
from autograder.replay import Replay, randomness

TEXTS = add_texts(__package__, "convolutions")

# Settings that show every part of the scale: in_channels, out_channels, kernel_size, stride, padding, gain.
Settings = tuple[int, int, int, int, int, int]
_CONVOLUTIONS: tuple[Settings, ...] = (
    (6, 4, 3, 1, 1, 2),
    (5, 3, 1, 1, 0, 1),
    (4, 6, 4, 1, 3, 2),
    (3, 5, 3, 2, 1, 3),
)
_SIDE = 7
_TOLERANCE = 1e-9


class Convolutions:
    """What a student's convolution computes for several settings, with parameters from the seed.

    Args:
        factory: the student's class; called with in_channels, out_channels, kernel_size, stride, padding
            and gain.
    """

    def __init__(self, factory: Any) -> None:
        self._factory = factory
        self._described: Message | None = None

    def outputs(self, running: Replay) -> torch.Tensor:
        """Return the outputs for all settings.

        Raises:
            CheckFailed: if the parameters are not one weight and one bias, an output has another shape, or
                a call changes the parameters.
        """
        self._described = None
        return torch.cat([self._output(settings, running) for settings in _CONVOLUTIONS])

    def describe(self) -> Message:
        """Say what is wrong with the outputs."""
        return self._described or Message("wrong_equalised_output")

    def _output(self, settings: Settings, running: Replay) -> torch.Tensor:
        layer = build(functools.partial(_required(self._factory), *settings), running)
        weight, bias = _weight_and_bias(layer, settings)
        for number, parameter in enumerate((weight, bias)):
            key = randomness.derive_key(running.seed, "convolution", settings, number)
            values = torch.from_numpy(randomness.normal(key, tuple(parameter.shape)))
            with torch.no_grad():
                parameter.copy_(values)
        before = flat([weight, bias])
        x = supplied_rows((2, settings[0], _SIDE, _SIDE), running)
        output = _called(layer, x, settings)
        if not torch.equal(flat([weight, bias]), before):
            raise CheckFailed("convolution_changes")
        self._described = self._described or _describe(layer, weight, bias, x, settings)
        slopes = gradients(require_tensor(call_student(layer, x)), (weight, bias), running)
        return torch.cat([output.reshape(-1), slopes])


def _called(layer: nn.Module, x: torch.Tensor, settings: Settings) -> torch.Tensor:
    """Return the output of a layer.

    Raises:
        CheckFailed: if it has another shape, naming stride and padding that give such a shape.
    """
    with torch.no_grad():
        output = require_tensor(call_student(layer, x))
    _, features, kernel, stride, padding, _ = settings
    expected = (2, features, *[_side(kernel, stride, padding)] * 2)
    if output.shape == expected:
        return output
    like = [
        (s, p) for s in sorted({1, 2, stride}) for p in range(4) if _side(kernel, s, p) == output.shape[-1]
    ]
    like.sort(key=lambda both: (both[0] != stride) + (both[1] != padding))
    details = {"kernel": kernel, "stride": stride, "padding": padding}
    shapes = {"seen": tuple(output.shape), "expected": expected}
    if not like or tuple(output.shape[:2]) != expected[:2]:
        raise CheckFailed("convolution_shape", **details, **shapes)
    seen_stride, seen_padding = like[0]
    raise CheckFailed(
        "convolution_shape_like", **details, **shapes, seen_stride=seen_stride, seen_padding=seen_padding
    )


def _side(kernel: int, stride: int, padding: int) -> int:
    """Return the side of the output."""
    return (_SIDE + 2 * padding - kernel) // stride + 1


def _describe(
    layer: nn.Module, weight: nn.Parameter, bias: nn.Parameter, x: torch.Tensor, settings: Settings
) -> Message | None:
    """Find by what weights and bias are multiplied; return what there is to say, None if it is as asked."""
    inputs, features, kernel, stride, padding, gain = settings
    shown = {"inputs": inputs, "kernel": kernel, "gain": gain}
    given = bias.detach().clone()
    with torch.no_grad():
        bias.zero_()
        alone = _called(layer, x, settings)
        bias.copy_(given)
        by_bias = (_called(layer, x, settings) - alone) / given.reshape(-1, 1, 1)
    plain = F.conv2d(x, weight.detach().reshape(features, inputs, kernel, kernel), None, stride, padding)
    by_weight = alone / plain
    times = float(by_bias.mean())
    if float((by_bias - times).abs().max()) > 1e-6:
        return Message("wrong_equalised_output")
    if abs(times - 1.0) > _TOLERANCE:
        return Message("convolution_bias", {"times": times})
    factor = float(by_weight.median())
    if float((by_weight - factor).abs().max()) > 1e-6:
        return Message("convolution_not_scaled")
    if abs(factor - math.sqrt(gain / (inputs * kernel**2))) > _TOLERANCE:
        return Message("convolution_scale", {"factor": factor, **shown})
    return None


def initial_convolutions(factory: Any, running: Replay) -> torch.Tensor:
    """Return the weights and biases that a student's convolutions begin with, one after the other."""
    parameters: list[nn.Parameter] = []
    for settings in _CONVOLUTIONS:
        layer = build(functools.partial(_required(factory), *settings), running)
        parameters += _weight_and_bias(layer, settings)
    return flat(parameters)


def _required(factory: Any) -> Callable[..., Any]:
    """Return what is a class or a function; `build` explains anything else."""
    if not callable(factory) or isinstance(factory, nn.Module):
        return lambda *settings: factory
    required: Callable[..., Any] = factory
    return required


def _weight_and_bias(layer: nn.Module, settings: tuple[int, ...]) -> list[nn.Parameter]:
    """Return the parameters of a convolution, told apart by their size and not by their names."""
    inputs, features, kernel = settings[:3]
    expected = [features * inputs * kernel**2, features]
    found = sorted(layer.parameters(), key=nn.Parameter.numel, reverse=True)
    sizes = [parameter.numel() for parameter in found]
    if sizes != expected:
        raise CheckFailed("convolution_parameters", seen=sizes, expected=expected)
    return found
