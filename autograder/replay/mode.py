"""Replay: seeded, portable re-execution of PyTorch code in float64.

Training in float32 is chaotic: the same program with the same seed gives other numbers on another
device, instruction set or PyTorch release. Inside `with replay(seed):` the same program gives the same
numbers everywhere (to about 1e-12), because

- every random operator is served from keyed, portable random numbers (`autograder.replay.randomness`),
- float16, bfloat16 and float32 become float64 in every operator and factory call,
- one thread and deterministic algorithms are used.

All global state is put back on exit, also after an exception.
"""

from __future__ import annotations

import contextlib
import functools
import random
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from autograder.errors import ReplayError
from autograder.replay import random_operators
from autograder.replay.randomness import KeyedDraws, derive_key

LOW_PRECISION = frozenset({torch.float16, torch.bfloat16, torch.float32})

# Called after every operator with (operator, args, kwargs, output).
Observer = Callable[[Any, tuple[Any, ...], dict[str, Any], Any], None]


def widen_dtype(dtype: torch.dtype | None) -> torch.dtype | None:
    """Return float64 for a floating dtype of lower precision, any other dtype unchanged."""
    return torch.float64 if dtype in LOW_PRECISION else dtype


def _widen(value: Any) -> Any:
    """Widen a tensor, or the tensors in a list, to float64 where they are of lower precision."""
    if isinstance(value, torch.Tensor):
        return value.to(torch.float64) if value.dtype in LOW_PRECISION else value
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], torch.Tensor):
        return [_widen(item) for item in value]
    return value


class Replay(TorchDispatchMode):
    """The dispatch mode behind `replay`: sees every operator, after autograd.

    Attributes:
        seed: the seed of all random numbers in this replay.
        device: where the library puts what it supplies to the code under test.
        draws: the keyed random numbers.
        observers: called after each operator, for checks that need to know what was computed.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        super().__init__()
        self.seed = seed
        self.device = device
        self.draws = KeyedDraws(seed)
        self.observers: list[Observer] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Keep PyTorch from wrapping `__torch_dispatch__`: that doubles the cost of every operator.

        The wrapper only matters to torch.compile, which graded code does not use.
        """
        return False

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Serve random operators from the keyed draws; widen everything else to float64."""
        kwargs = kwargs or {}
        is_random, may_widen = _operator_traits(func)
        if kwargs and kwargs.get("dtype") in LOW_PRECISION:
            kwargs = {**kwargs, "dtype": torch.float64}
        if is_random:
            output = random_operators.serve(func, args, kwargs, self.draws)
        elif may_widen:
            for value in args:
                if (isinstance(value, torch.Tensor) and value.dtype in LOW_PRECISION) or (
                    type(value) is list and value and isinstance(value[0], torch.Tensor)
                ):
                    args = tuple(_widen(item) for item in args)
                    break
            output = func(*args, **kwargs)
        else:
            output = func(*args, **kwargs)
            if func is _LIFT_FRESH:
                output = _widen(output)
        for observer in self.observers:
            observer(func, args, kwargs, output)
        return output


_LIFT_FRESH = torch.ops.aten.lift_fresh.default


@functools.cache
def _operator_traits(func: Any) -> tuple[bool, bool]:
    """Return whether an operator is random, and whether its arguments may be replaced by wide copies.

    Arguments of views and in-place operators may not: the copy would lose the aliasing.
    """
    is_random = torch.Tag.nondeterministic_seeded in func.tags
    aliases = any(argument.alias_info is not None for argument in func._schema.arguments)
    return is_random, not aliases


_active: Replay | None = None


@contextlib.contextmanager
def replay(seed: int, device: str | torch.device = "cpu") -> Iterator[Replay]:
    """Run the body reproducibly: portable random numbers, float64, one thread.

    Args:
        seed: any integer; selects all random numbers of the body.
        device: where `Replay.device` points; operators run where the body puts its tensors.

    Yields:
        The running `Replay`.

    Raises:
        ReplayError: when replays are nested, or when the body uses a random operator that the
            replay does not know.

    Example:
        >>> with replay(1):
        ...     torch.rand(2, dtype=torch.float32).dtype
        torch.float64
    """
    global _active
    if _active is not None:
        raise ReplayError("a replay is already running: replays cannot be nested")
    mode = Replay(int(seed), torch.device(device))
    with _preserved_state(), _patched_functions(mode), torch.enable_grad():
        _set_state(mode)
        _active = mode
        try:
            with mode:
                yield mode
        finally:
            _active = None


def _set_state(mode: Replay) -> None:
    """Set the global state that a replay needs."""
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    # Without warn_only an operator that has no deterministic CUDA version would raise; float64 makes
    # the remaining differences as small as those between devices.
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    word = derive_key(mode.seed, "global") % 2**32
    random.seed(word)
    np.random.seed(word)


@contextlib.contextmanager
def _preserved_state() -> Iterator[None]:
    """Put back, on exit, every piece of global state that a replay or its body may change."""
    dtype = torch.get_default_dtype()
    threads = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark = torch.backends.cudnn.benchmark
    cudnn_deterministic = torch.backends.cudnn.deterministic
    gradients = torch.is_grad_enabled()
    torch_state = torch.get_rng_state()
    python_state = random.getstate()
    numpy_state = np.random.get_state()
    try:
        yield
    finally:
        torch.set_default_dtype(dtype)
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
        torch.backends.cudnn.benchmark = benchmark
        torch.backends.cudnn.deterministic = cudnn_deterministic
        torch.set_grad_enabled(gradients)
        torch.set_rng_state(torch_state)
        random.setstate(python_state)
        np.random.set_state(numpy_state)


@contextlib.contextmanager
def _patched_functions(mode: Replay) -> Iterator[None]:
    """Replace, for the time of a replay, the few functions that the dispatcher does not see.

    - `torch.tensor` and `torch.as_tensor` round to their dtype before any operator runs;
    - seeding must act on the keyed draws;
    - `Module.train` is followed so that train and eval flags can be put back.
    """
    flags: list[tuple[weakref.ref[nn.Module], bool]] = []
    plain_train = nn.Module.train

    def train(self: nn.Module, mode: bool = True) -> nn.Module:
        flags.append((weakref.ref(self), self.training))
        return plain_train(self, mode)

    def widened(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> torch.Tensor:
            if "dtype" in kwargs:
                kwargs["dtype"] = widen_dtype(kwargs["dtype"])
            return function(*args, **kwargs)

        return call

    def manual_seed(seed: int) -> torch.Generator:
        mode.draws.reseed(int(seed))
        return torch.default_generator

    replacements: list[tuple[Any, str, Any]] = [
        (torch, "tensor", widened(torch.tensor)),
        (torch, "as_tensor", widened(torch.as_tensor)),
        (torch, "manual_seed", manual_seed),
        (torch.random, "manual_seed", manual_seed),
        (nn.Module, "train", train),
    ]
    originals = [(owner, name, getattr(owner, name)) for owner, name, _ in replacements]
    try:
        for owner, name, replacement in replacements:
            setattr(owner, name, replacement)
        yield
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)
        for reference, training in reversed(flags):
            module = reference()
            if module is not None:
                module.training = training
