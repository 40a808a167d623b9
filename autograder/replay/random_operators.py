"""PyTorch's random operators, served from keyed, portable random numbers.

One function per family of operators. Operators of one family share their draws, so that codes which
say the same in other words agree: `2 * rand(n)` and `empty(n).uniform_(0, 2)`; `nn.Dropout` on a CPU
(which calls `bernoulli_`) and on CUDA (which calls `native_dropout`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from autograder.errors import ReplayError
from autograder.replay import randomness
from autograder.replay.randomness import KeyedDraws

Arguments = dict[str, Any]


def serve(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], draws: KeyedDraws) -> Any:
    """Compute a random operator from the keyed draws.

    Args:
        func: the overload that the dispatcher would call, for example `aten.rand.default`.
        args: its positional arguments.
        kwargs: its keyword arguments.
        draws: the source of all random numbers.

    Returns:
        What the operator would return, with the replay's own random numbers.

    Raises:
        ReplayError: for a random operator that is not known here.
    """
    name = func._schema.name.removeprefix("aten::")
    bound = _bind(func, args, kwargs)
    family = _FAMILIES.get(name)
    if family is not None:
        return family(name, bound, draws)
    if bound.get("dropout_p") == 0.0 or bound.get("dropout") == 0.0:
        return func(*args, **kwargs)  # random only through its dropout, which is off
    raise ReplayError(
        f"the random operator {func} is not supported in graded code: its numbers would differ from "
        "machine to machine. Use torch.rand, torch.randn, torch.randint, torch.randperm or nn.Dropout."
    )


@functools.cache
def _parameters(func: Any) -> tuple[tuple[str, Any], ...]:
    """Return the names and defaults of an operator's arguments.

    A schema gives a default dtype as a bare number; None stands for it here.
    """
    return tuple(
        (a.name, a.default_value if a.has_default_value() and a.name != "dtype" else None)
        for a in func._schema.arguments
    )


def _bind(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """Give every argument of a call its name."""
    parameters = _parameters(func)
    bound: Arguments = dict(parameters)
    for (name, _), value in zip(parameters, args, strict=False):
        bound[name] = value
    bound.update(kwargs)
    return bound


def _shape(bound: Arguments) -> tuple[int, ...]:
    """Return the shape of the result: the `size` argument, or that of the tensor arguments."""
    if bound.get("size") is not None:
        return tuple(bound["size"])
    tensors = [t for name, t in bound.items() if isinstance(t, torch.Tensor) and name != "out"]
    return tuple(torch.broadcast_shapes(*[tensor.shape for tensor in tensors]))


def _next_key(family: str, shape: Sequence[int], bound: Arguments, draws: KeyedDraws) -> int:
    """Return the key of a draw; a generator that was passed decides whether it repeats an earlier one."""
    generator: torch.Generator | None = bound.get("generator")
    if generator is None:
        return draws.next_key(family, shape)
    state = generator.get_state().numpy().tobytes()
    torch.rand((), generator=generator, device=generator.device)  # it moves on, as if it had drawn
    return draws.key_at(state, family, shape)


def _deliver(values: np.ndarray, bound: Arguments, *, in_place: bool, dtype: torch.dtype) -> Any:
    """Put the drawn values where the operator would: into `out`, into `self`, or a new tensor."""
    source = torch.from_numpy(np.ascontiguousarray(values)).reshape(values.shape)
    if isinstance(bound.get("out"), torch.Tensor):
        return bound["out"].resize_(source.shape).copy_(source)
    if in_place:
        return bound["self"].copy_(source)
    device = bound.get("device")
    if device is None:
        tensors = [value for value in bound.values() if isinstance(value, torch.Tensor)]
        device = tensors[0].device if tensors else "cpu"
    return source.to(device=device, dtype=dtype)


def _wide(dtype: torch.dtype | None, default: torch.dtype = torch.float64) -> torch.dtype:
    """Return the dtype of a result: as asked for, but never a narrow float."""
    if dtype is None:
        return default
    return torch.float64 if dtype.is_floating_point else dtype


def _continuous(
    family: str, transform: Callable[[np.ndarray, Arguments], np.ndarray]
) -> Callable[[str, Arguments, KeyedDraws], Any]:
    """Make the server of a continuous distribution: draw the standard form, then transform it."""
    draw = randomness.normal if family == "normal" else randomness.uniform

    def server(name: str, bound: Arguments, draws: KeyedDraws) -> Any:
        shape = _shape(bound)
        standard = draw(_next_key(family, shape, bound, draws), shape)
        values = transform(standard, bound)
        return _deliver(values, bound, in_place=name.endswith("_"), dtype=_wide(bound.get("dtype")))

    return server


def _number(value: Any, default: float) -> np.ndarray:
    """Return a parameter of a distribution as a float or a NumPy array."""
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().to(torch.float64).numpy()
    return np.asarray(default if value is None else value, dtype=np.float64)


def _affine_normal(z: np.ndarray, bound: Arguments) -> np.ndarray:
    values: np.ndarray = _number(bound.get("mean"), 0.0) + _number(bound.get("std"), 1.0) * z
    return values


def _affine_uniform(u: np.ndarray, bound: Arguments) -> np.ndarray:
    low, high = _number(bound.get("from"), 0.0), _number(bound.get("to"), 1.0)
    values: np.ndarray = low + (high - low) * u
    return values


def _integer(name: str, bound: Arguments, draws: KeyedDraws) -> Any:
    """Serve randint, randint_like and random_."""
    shape = _shape(bound)
    if name == "random_":
        low, high = bound.get("from") or 0, bound.get("to")
        if high is None:
            like = bound["self"].dtype
            high = 2**53 if like.is_floating_point else torch.iinfo(like).max
    else:
        low, high = bound.get("low") or 0, bound["high"]
    values = randomness.integers(_next_key("integer", shape, bound, draws), shape, low, high)
    like_dtype = bound["self"].dtype if name == "randint_like" else torch.int64
    dtype = _wide(bound.get("dtype"), default=_wide(like_dtype))
    return _deliver(values, bound, in_place=name == "random_", dtype=dtype)


def _permutation(name: str, bound: Arguments, draws: KeyedDraws) -> Any:
    """Serve randperm."""
    length = bound["n"]
    values = randomness.permutation(_next_key("permutation", (length,), bound, draws), length)
    return _deliver(values, bound, in_place=False, dtype=_wide(bound.get("dtype"), torch.int64))


def _kept(bound: Arguments, draws: KeyedDraws, shape: tuple[int, ...], probability: Any) -> np.ndarray:
    """Draw a mask that is True with the given probability."""
    return randomness.uniform(_next_key("uniform", shape, bound, draws), shape) < np.asarray(probability)


def _bernoulli(name: str, bound: Arguments, draws: KeyedDraws) -> Any:
    """Serve bernoulli and bernoulli_, with the probability as tensor or number."""
    like: torch.Tensor = bound["self"]
    probability = bound.get("p")
    if probability is None:
        probability = like if name == "bernoulli" else 0.5
    mask = _kept(bound, draws, tuple(like.shape), _number(probability, 0.5))
    return _deliver(mask.astype(np.float64), bound, in_place=name == "bernoulli_", dtype=_wide(like.dtype))


def _dropout(name: str, bound: Arguments, draws: KeyedDraws) -> tuple[torch.Tensor, torch.Tensor]:
    """Serve native_dropout, which returns (output, mask)."""
    values: torch.Tensor = bound["input"].to(torch.float64)
    keep = 1.0 - bound["p"]
    if bound["train"] is False:
        return values.clone(), torch.ones_like(values, dtype=torch.bool)
    mask = torch.from_numpy(_kept(bound, draws, tuple(values.shape), keep)).to(values.device)
    return values * mask * (1.0 / keep if keep > 0.0 else 0.0), mask


def _multinomial(name: str, bound: Arguments, draws: KeyedDraws) -> Any:
    """Serve multinomial: inverse transform with replacement, Gumbel top-k without."""
    weights = _number(bound["self"], 0.0)
    rows, count = np.atleast_2d(weights), bound["num_samples"]
    if bound["replacement"]:
        shape = (len(rows), count)
        u = randomness.uniform(_next_key("multinomial", shape, bound, draws), shape)
        edges = np.cumsum(rows, axis=1) / rows.sum(axis=1, keepdims=True)
        picks = np.stack([np.searchsorted(e, x, side="right") for e, x in zip(edges, u, strict=True)])
    else:
        u = randomness.uniform(_next_key("multinomial", rows.shape, bound, draws), rows.shape)
        with np.errstate(divide="ignore"):
            scores = np.log(rows) - np.log(-np.log1p(-u))
        picks = np.argsort(-scores, axis=1, kind="stable")[:, :count]
    return _deliver(
        picks.reshape(*weights.shape[:-1], count).astype(np.int64),
        bound,
        in_place=False,
        dtype=torch.int64,
    )


_normal = _continuous("normal", _affine_normal)
_uniform = _continuous("uniform", _affine_uniform)

_FAMILIES: dict[str, Callable[[str, Arguments, KeyedDraws], Any]] = {
    "rand": _uniform,
    "rand_like": _uniform,
    "uniform": _uniform,
    "uniform_": _uniform,
    "randn": _normal,
    "randn_like": _normal,
    "normal": _normal,
    "normal_": _normal,
    "log_normal_": _continuous("normal", lambda z, a: np.exp(a["mean"] + a["std"] * z)),
    "exponential_": _continuous("exponential", lambda u, a: -np.log1p(-u) / a["lambd"]),
    "cauchy_": _continuous("cauchy", lambda u, a: a["median"] + a["sigma"] * np.tan(np.pi * (u - 0.5))),
    "geometric_": _continuous(
        "geometric", lambda u, a: np.ceil(np.log1p(-u) / np.log1p(-a["p"])).clip(min=1.0)
    ),
    "randint": _integer,
    "randint_like": _integer,
    "random_": _integer,
    "randperm": _permutation,
    "bernoulli": _bernoulli,
    "bernoulli_": _bernoulli,
    "native_dropout": _dropout,
    "multinomial": _multinomial,
}
