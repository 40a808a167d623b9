"""Which part a parameter plays in what a network computes: the matrix of a linear map, or a vector.

A matrix may be stored as it is or transposed, be a layer's weight, the kernel of a convolution that sees one
pixel, or a factor of an `einsum`; a bias may come with its product or after it, with axes of one. The
operator that uses a parameter tells which number of it stands where, so all of these get the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from autograder.checks.supplied import parameter_values
from autograder.replay import randomness

# Operators that hand on the numbers of a tensor in another shape, or some of them; and all in their places.
_SHAPES = frozenset(["t", "transpose", "permute", "view", "_unsafe_view", "unsqueeze", "squeeze", "expand"])
_PIECES = frozenset(["slice", "select", "split", "split_with_sizes", "unbind"])
_VIEWS = _SHAPES | _PIECES
_COPIES = frozenset(["clone", "_to_copy", "alias", "detach"])
_SCALINGS = frozenset(["mul", "div", "neg"])
_HANDING_ON = _VIEWS | _COPIES | _SCALINGS
# Products, with the positions of their factors; a factor on the left has its outputs in rows.
_PRODUCTS = {"mm": (0, 1), "addmm": (1, 2), "bmm": (0, 1), "baddbmm": (1, 2), "mv": (0,), "addmv": (1,)}
_SUMS = frozenset(["add", "add_", "sub", "sub_"])


@dataclass(frozen=True)
class Role:
    """A parameter as an operator uses it.

    Attributes:
        parameter: of the network.
        matrix: whether it multiplies vectors, or has several axes; biases and gains do not.
        shape: of its numbers in standard order: outputs, inputs, pixels of a kernel.
        places: for each of these numbers, its place in the flat parameter.
    """

    parameter: nn.Parameter
    matrix: bool
    shape: tuple[int, ...]
    places: torch.Tensor

    def standard(self, values: torch.Tensor) -> torch.Tensor:
        """Return numbers that belong to the parameter, as a vector in standard order."""
        return values.detach().reshape(-1)[self.places.to(values.device)]

    def fill(self, seed: int, purpose: str, number: int) -> None:
        """Set the parameter from the seed, the `number`-th of its kind."""
        key = randomness.derive_key(seed, purpose, "matrix" if self.matrix else "vector", number, self.shape)
        values = parameter_values(key, self.shape, matrix=self.matrix).reshape(-1)
        stored = torch.empty_like(values)
        stored[self.places] = values
        with torch.no_grad():
            self.parameter.copy_(stored.reshape(self.parameter.shape))


def fill_roles(roles: Sequence[Role], seed: int, purpose: str = "parameter") -> None:
    """Set parameters from the seed: matrices and vectors, each in the order given."""
    for kind in (True, False):
        for number, role in enumerate(role for role in roles if role.matrix is kind):
            role.fill(seed, purpose, number)


def in_standard_order(roles: Sequence[Role], values: Iterable[torch.Tensor]) -> torch.Tensor:
    """Return what belongs to parameters as one vector: matrices first, each in standard order.

    Args:
        roles: of the parameters, in order of use.
        values: for each of them: its numbers, or its gradient.
    """
    pairs = list(zip(roles, values, strict=True))
    found = [role.standard(value) for kind in (True, False) for role, value in pairs if role.matrix is kind]
    return torch.cat(found) if found else torch.zeros(0, dtype=torch.float64)


@dataclass(frozen=True)
class _Origin:
    """Where the numbers of a tensor come from.

    Attributes:
        parameter: that holds them.
        moved: the place of each in the flat parameter; None: they stand as they do there.
    """

    parameter: nn.Parameter
    moved: torch.Tensor | None = None

    @property
    def places(self) -> torch.Tensor:
        """Return the place of each number, in the tensor's shape."""
        return _in_place(self.parameter) if self.moved is None else self.moved


@dataclass
class Uses:
    """The parameters that a forward pass uses, in order of first use, with their roles.

    Attributes:
        roles: by the id of a parameter.
        last: the parameters of the last operator that used any, with those of additions behind it.
    """

    roles: dict[int, Role] = field(default_factory=dict)
    last: list[nn.Parameter] = field(default_factory=list)
    # Tensors made of parameters, with their origin; kept, so that no other tensor gets their id.
    _made: dict[int, tuple[torch.Tensor, _Origin]] = field(default_factory=dict)

    def observe(self, func: Any, args: tuple[Any, ...], output: Any) -> None:
        """Take note of one operator, of its positional arguments and of what it returned."""
        name = func._schema.name.removeprefix("aten::")
        if name.endswith("_"):
            # What is written into is not used: a layer may set its parameters in its first call.
            args = (None, *args[1:]) if args and isinstance(args[0], nn.Parameter) else args
        if any(is_lazy(value) for value in args):
            return
        if name in _HANDING_ON and self._hand_on(name, func, args, output):
            return
        used = []
        for position, value in enumerate(args):
            for each in value if isinstance(value, (list, tuple)) else [value]:
                if isinstance(each, torch.Tensor) and (origin := self._origin(each)) is not None:
                    used.append(origin.parameter)
                    if id(origin.parameter) not in self.roles:
                        self.roles[id(origin.parameter)] = _role(name, position, args, origin)
        if used:
            # A bias that is added belongs to the product before it.
            self.last = self.last + used if name in _SUMS else used

    def note_layer(self, parameters: Iterable[nn.Parameter]) -> None:
        """Take note of a layer that is used as a whole, its parameters in the order of their definition."""
        self.last = list(parameters)
        for parameter in self.last:
            self.roles.setdefault(id(parameter), _natural(parameter))

    def roles_of(self, network: nn.Module) -> list[Role]:
        """Return the roles of a network's parameters that were used, in order of first use."""
        own = {id(parameter) for parameter in network.parameters()}
        return [role for key, role in self.roles.items() if key in own]

    def _origin(self, tensor: torch.Tensor) -> _Origin | None:
        if id(tensor) in self._made:
            return self._made[id(tensor)][1]
        return _Origin(tensor) if isinstance(tensor, nn.Parameter) else None

    def _hand_on(self, name: str, func: Any, args: tuple[Any, ...], output: Any) -> bool:
        """Take note that an operator makes another form of a parameter; tell whether it does."""
        tensors = [value for value in args[:2] if isinstance(value, torch.Tensor) and value.ndim > 0]
        origin = self._origin(tensors[0]) if len(tensors) == 1 else None
        if origin is None:
            return False
        places = func(origin.places, *args[1:]) if name in _VIEWS else origin.places
        several = isinstance(output, (list, tuple))
        for tensor, where in zip(output, places, strict=True) if several else [(output, places)]:
            self._made[id(tensor)] = (tensor, _Origin(origin.parameter, where))
        return True


def _role(name: str, position: int, args: tuple[Any, ...], origin: _Origin) -> Role:
    """Return the role of a parameter that an operator gets at a position."""
    places = _as_matrix(name, position, args, origin.places)
    if places is None or not _complete(places, origin.parameter):
        return _natural(origin.parameter)
    return Role(origin.parameter, True, tuple(places.shape), places.reshape(-1))


def _as_matrix(name: str, position: int, args: tuple[Any, ...], places: torch.Tensor) -> torch.Tensor | None:
    """Return places with outputs in rows, where an operator uses them as a matrix or a kernel, else None."""
    if name == "convolution" and position == 1:
        if any(size != 1 for size in places.shape[2:]):
            return places
        transposed = args[6]
        return places.flatten(1).t() if transposed else places.flatten(1)
    if position not in _PRODUCTS.get(name, ()):
        return None
    if places.ndim == 3 and bool((places == places[:1]).all()):
        places = places[0]
    if places.ndim != 2:
        return None
    return places if position == _PRODUCTS[name][0] else places.t()


def _complete(places: torch.Tensor, parameter: nn.Parameter) -> bool:
    """Tell whether each number of a parameter stands in one place."""
    if places.numel() != parameter.numel():
        return False
    seen = torch.zeros(parameter.numel(), dtype=torch.bool)
    seen[places.reshape(-1)] = True
    return bool(seen.all())


def _natural(parameter: nn.Parameter) -> Role:
    """Return the role that a parameter's shape tells: axes of one do not count."""
    shape = tuple(size for size in parameter.shape if size != 1)
    return Role(parameter, len(shape) > 1, shape, _in_place(parameter).reshape(-1))


def _in_place(parameter: nn.Parameter) -> torch.Tensor:
    """Return the place of each number of a parameter, in its shape."""
    return torch.arange(parameter.numel()).reshape(parameter.shape)
