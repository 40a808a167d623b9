"""What a network does in one forward pass, seen from below its layers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from autograder.checks.operations import Call, Operation, operation_of, operation_of_layer
from autograder.checks.roles import Uses

_WEIGHTED = ("Linear", "Conv", "ConvTranspose")
_NO_BIAS = "bias=False"
_VIEWS = ("view", "reshape", "unsqueeze", "expand", "t")


@dataclass
class Trace:
    """What a network did in one forward pass, seen from below the layers.

    Attributes:
        operations: in order, such as "Linear(2→256)".
        uses: the parameters that were used, and the parts that they play.
    """

    operations: list[Operation] = field(default_factory=list)
    uses: Uses = field(default_factory=Uses)
    # Masks that were drawn, each with the operation that drew it.
    _drawn: list[tuple[torch.Tensor, Operation]] = field(default_factory=list)
    # Views of parameters; and parameters times a number, with the number.
    _views: list[torch.Tensor] = field(default_factory=list)
    _scaled: list[tuple[torch.Tensor, float]] = field(default_factory=list)
    # Layers that are running, each with the number of operations before it.
    _layers: list[tuple[nn.Module, int]] = field(default_factory=list)
    _recurrent: int = 0

    def observe(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """Take note of one operator; an observer of `Replay`."""
        if self._recurrent:
            return
        self.uses.observe(func, args, output)
        layer = self._layers[-1][0] if self._layers else None
        call = Call(func._schema.name.removeprefix("aten::"), args, kwargs, output, layer)
        if call.name in ("bernoulli_", "native_dropout"):
            self._note_dropout(call)
        elif call.name in ("mul", "mul_"):
            self._note_product(call)
        elif call.name in ("add", "add_"):
            self._note_sum(call)
        elif call.name in _VIEWS:
            self._note_view(call)
        elif operation := operation_of(call):
            self.operations.append(operation)
            self._note_scale(call, operation)

    def _is_parameter(self, value: Any) -> bool:
        return isinstance(value, nn.Parameter) or any(value is view for view in self._views)

    @contextlib.contextmanager
    def naming_layers(self) -> Iterator[None]:
        """Ask the layers that run what their operators do not tell.

        Recurrent layers are noted by their names, with their parameters in the order of their definition:
        what they do inside, step by step, differs from machine to machine and between a layer and its cell in
        a loop.
        """
        handles = [
            register_module_forward_pre_hook(self._enter),
            register_module_forward_hook(self._leave, always_call=True),
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
            self._layers.clear()
            self._recurrent = 0

    def _enter(self, module: nn.Module, inputs: Any) -> None:
        if isinstance(module, (nn.RNNBase, nn.RNNCellBase)):
            size = f"{module.input_size}→{module.hidden_size}"
            operation = Operation(type(module).__name__, (size,))
            if self.operations[-1:] != [operation]:  # a cell in a loop is said once
                self.operations.append(operation)
            self.uses.note_layer(module.parameters())
            self._recurrent += 1
        self._layers.append((module, len(self.operations)))

    def _leave(self, module: nn.Module, inputs: Any, output: Any) -> None:
        while self._layers:
            layer, before = self._layers.pop()
            if layer is module:
                break
        else:
            return
        if isinstance(module, (nn.RNNBase, nn.RNNCellBase)):
            self._recurrent -= 1
        elif not self._recurrent and before == len(self.operations):
            operation = operation_of_layer(module)
            self.operations += [operation] if operation else []

    def _note_dropout(self, call: Call) -> None:
        """Take note of a dropout: on CUDA it is one operator, a CPU draws a mask and then multiplies."""
        value = call.argument(1, 0.5)
        if not isinstance(value, (int, float)):
            return
        if call.name == "native_dropout":
            probability, shape = float(value), call.output[1].shape
        else:
            probability, shape = 1.0 - float(value), call.output.shape
        # Whole channels are dropped: one number stands for each.
        channels = len(shape) > 2 and all(size == 1 for size in shape[2:])
        layer = call.layer if isinstance(call.layer, nn.modules.dropout._DropoutNd) else None
        kind = type(layer).__name__ if layer else f"Dropout{len(shape) - 2}d" if channels else "Dropout"
        operation = Operation(kind, (f"{probability:.3g}",))
        self.operations.append(operation)
        if call.name != "native_dropout":
            self._drawn.append((call.output, operation))

    def _note_product(self, call: Call) -> None:
        """Take note of the product of a weight and a number."""
        numbers = [float(v) for v in call.args if _is_number(v)]
        if numbers and any(self._is_parameter(value) for value in call.args):
            self._scaled.append((call.output, numbers[0]))

    def _note_sum(self, call: Call) -> None:
        """Take note of a parameter that is added, and of alpha dropout, which shifts the mask it drew."""
        for mask, operation in self._drawn:
            if call.args[0] is mask and "Alpha" not in operation.kind:
                operation.kind = "AlphaDropout" if operation.kind == "Dropout" else "FeatureAlphaDropout"
        added = next((value for value in call.args[:2] if self._is_parameter(value)), None)
        if added is None or isinstance(call.layer, nn.Linear):
            return
        last = self.operations[-1] if self.operations else None
        if last is not None and last.kind in _WEIGHTED and _NO_BIAS in last.settings:
            last.settings = tuple(each for each in last.settings if each != _NO_BIAS)
        else:
            self.operations.append(Operation("+ Parameter", (", ".join(map(str, added.shape)),)))

    def _note_view(self, call: Call) -> None:
        """Take note of another form of a parameter, or of one that was scaled."""
        if self._is_parameter(call.args[0]):
            self._views.append(call.output)
        self._scaled += [(call.output, scale) for weight, scale in self._scaled if weight is call.args[0]]

    def _note_scale(self, call: Call, operation: Operation) -> None:
        """Say by what number the weight of an operation was multiplied."""
        for weight, scale in self._scaled:
            if any(weight is value for value in call.args):
                operation.settings += (f"weight×{scale:.4g}",)

    def describe(self) -> str:
        """Return the operations as a line for a message, with the settings that are not PyTorch's own."""
        return ", ".join(str(operation) for operation in self.operations) or "—"

    def layers(self) -> str:
        """Return the layers with weights as a line for a message; it is evidence: see `Message.evidence`."""
        weighted = [operation.short for operation in self.operations if "→" in operation.short]
        return ", ".join(weighted) or "—"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) or (isinstance(value, torch.Tensor) and value.ndim == 0)
