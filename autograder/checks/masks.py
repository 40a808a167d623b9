"""The masks by which a network drops values, whether PyTorch's dropout draws them or a student's own.

`torch.rand_like(x) > p` and `nn.Dropout(p)` drop other values for the same random numbers, and are both
right. So a mask is observed in one form: where a number of [0, 1) is less than the share that is kept, times
the scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

_COMPARISONS = {"lt": True, "le": True, "gt": False, "ge": False}
_COPIES = ("_to_copy", "clone", "detach", "alias", "view", "unsqueeze", "expand")


@dataclass
class _Mask:
    """A tensor that a network drew to multiply with, and its one form.

    Attributes:
        tensor: as the network has it.
        numbers: that it was made of, uniform on [0, 1); None for a mask that PyTorch drew.
        kept: the share of values that it is true for, if it is made of such numbers.
        form: its one form, without its scale.
        scale: that it was multiplied by, if it is made of such numbers.
    """

    tensor: torch.Tensor
    numbers: torch.Tensor | None
    kept: float
    form: torch.Tensor
    scale: float = 1.0


@dataclass
class _Product:
    """What was multiplied by a mask, or such a product times a number.

    Attributes:
        tensor: the product.
        place: of the mask among those that were used.
        factor: the number.
        of: the product that was multiplied by it, None for a mask's own.
        uses: how many operators took it.
    """

    tensor: torch.Tensor
    place: int
    factor: float = 1.0
    of: _Product | None = None
    uses: int = 0

    @property
    def scales_mask(self) -> bool:
        """Tell whether the number scales all that the mask chose: nothing took the product without it.

        `where(x < 0, 0.2 * x, x)` is an activation, and no scale.
        """
        return self.of is not None and self.of.uses == 1 and (self.of.of is None or self.of.scales_mask)


class Masks:
    """Takes note of what dropouts multiply by; an observer of `Replay`."""

    def __init__(self) -> None:
        self._numbers: list[torch.Tensor] = []
        self._masks: list[_Mask] = []
        self._products: list[_Product] = []
        self._used: list[torch.Tensor] = []
        # What was multiplied by a number, with the number.
        self._enlarged: list[tuple[torch.Tensor, float]] = []

    def used(self) -> list[torch.Tensor]:
        """Return the masks that something was multiplied by, in order: 0 where a value was dropped."""
        found = list(self._used)
        for product in self._products:
            if product.scales_mask:
                found[product.place] = found[product.place] * product.factor
        return found

    def observe(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """Take note of one operator."""
        for product in self._products:
            product.uses += any(value is product.tensor for value in args)
        name = func._schema.name.removeprefix("aten::")
        base = name.removesuffix("_")
        if name in ("rand", "rand_like") or (name == "uniform_" and len(args) == 1):
            self._numbers.append(output)
        elif name == "bernoulli" or (name == "bernoulli_" and not _is_tensor(args[1:2])):
            self._masks.append(_Mask(output, None, 0.0, output))
        elif name == "native_dropout":
            keep = 1.0 - float(args[1])
            self._used.append(output[1].to(torch.float64) / keep if keep else output[1].to(torch.float64))
        elif base in _COMPARISONS:
            self._compared(base, args, output)
        elif base in ("logical_not", "bitwise_not"):
            self._negated(args[0], output)
        elif base in _COPIES:
            self._copied(args[0], output)
        elif base in ("mul", "div"):
            self._multiplied(base, args, output)
        elif base in ("where", "masked_fill"):
            self._chosen(base, args, output)

    def _mask(self, tensor: Any) -> _Mask | None:
        """Return what is known of a tensor, if it is a mask."""
        return next((mask for mask in reversed(self._masks) if mask.tensor is tensor), None)

    def _compared(self, name: str, args: tuple[Any, ...], output: torch.Tensor) -> None:
        """Take note of a mask made by comparing numbers with a share."""
        numbers, share = args[0], args[1]
        if not any(numbers is known for known in self._numbers) or not isinstance(share, (int, float)):
            return
        kept = float(share) if _COMPARISONS[name] else 1.0 - float(share)
        self._masks.append(_Mask(output, numbers, kept, (numbers < kept).to(torch.float64)))

    def _negated(self, value: Any, output: torch.Tensor) -> None:
        mask = self._mask(value)
        if mask is not None and mask.numbers is not None:
            kept = 1.0 - mask.kept
            self._masks.append(_Mask(output, mask.numbers, kept, (mask.numbers < kept).to(torch.float64)))

    def _copied(self, value: Any, output: torch.Tensor) -> None:
        """Follow a mask through a change of type or shape."""
        if any(value is known for known in self._numbers):
            self._numbers.append(output)
        mask = self._mask(value)
        if mask is None:
            return
        form = output if mask.numbers is None else mask.form.reshape(output.shape)
        numbers = None if mask.numbers is None else mask.numbers.reshape(output.shape)
        self._masks.append(_Mask(output, numbers, mask.kept, form, mask.scale))

    def _multiplied(self, name: str, args: tuple[Any, ...], output: torch.Tensor) -> None:
        """Take note of a scale, or of what is multiplied by a mask."""
        factor = _number(args[1])
        mask = self._mask(args[0]) or self._mask(args[1])
        if factor is not None and mask is not None:
            scale = mask.scale * (factor if name == "mul" else 1.0 / factor)
            form = output if mask.numbers is None else mask.form
            self._masks.append(_Mask(output, mask.numbers, mask.kept, form, scale))
        elif factor is not None:
            self._scaled(args[0], factor if name == "mul" else 1.0 / factor, output)
        elif mask is not None and name == "mul":
            self._use(mask, args[1] if args[0] is mask.tensor else args[0], output)

    def _chosen(self, name: str, args: tuple[Any, ...], output: torch.Tensor) -> None:
        """Take note of values that a mask chooses, with zeros in place of the others."""
        if name == "where":
            mask, (there, elsewhere) = self._mask(args[0]), args[1:3]
            keeps, values = _is_zero(elsewhere), elsewhere if _is_zero(there) else there
        else:
            mask, values, keeps = self._mask(args[1]), args[0], False
        zero = args[2] if name == "masked_fill" or keeps else args[1]
        if mask is None or mask.numbers is None or not _is_zero(zero):
            return
        kept = mask.kept if keeps else 1.0 - mask.kept
        form = (mask.numbers < kept).to(torch.float64)
        self._use(_Mask(output, mask.numbers, kept, form), values, output)

    def _use(self, mask: _Mask, values: Any, output: torch.Tensor) -> None:
        """Take note of values that a mask was laid upon, perhaps scaled before."""
        form = mask.form.to(torch.float64).clone()
        form = form if mask.numbers is None else form * mask.scale
        # A mask that has its scale leaves what comes before it to the layers.
        is_scaled = bool((form[form != 0] != 1).any())
        before = next((factor for tensor, factor in self._enlarged if tensor is values), 1.0)
        self._used.append(form if is_scaled else before * form)
        self._products.append(_Product(output, len(self._used) - 1))

    def _scaled(self, value: Any, factor: float, output: torch.Tensor) -> None:
        """Take note of a scale that comes after the mask, or may come before one."""
        self._enlarged.append((output, factor))
        for product in self._products:
            if product.tensor is value:
                self._products.append(_Product(output, product.place, factor, product))
                return


def _is_tensor(values: tuple[Any, ...]) -> bool:
    return bool(values) and isinstance(values[0], torch.Tensor)


def _is_zero(value: Any) -> bool:
    return not bool(value.any()) if isinstance(value, torch.Tensor) else value == 0


def _number(value: Any) -> float | None:
    """Return a number, or a tensor with one number and no axes, as a float."""
    if isinstance(value, torch.Tensor) and value.ndim == 0:
        return float(value)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
