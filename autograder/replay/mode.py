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
from torch.utils._device import _device_constructors
from torch.utils._python_dispatch import TorchDispatchMode

from autograder.errors import ReplayError
from autograder.replay import random_operators
from autograder.replay.generator import FollowedGenerator
from autograder.replay.legacy import type_of_tensor, wide_float_tensor
from autograder.replay.precision import HALF_PRECISION, LOW_PRECISION, is_narrow, widen, widen_dtype
from autograder.replay.randomness import KeyedDraws, derive_key
from autograder.replay.undispatched import Undispatched

# Called after every operator with (operator, args, kwargs, output).
Observer = Callable[[Any, tuple[Any, ...], dict[str, Any], Any], None]


class Replay(TorchDispatchMode):
    """The dispatch mode behind `replay`: sees every operator, after autograd.

    Attributes:
        seed: the seed of all random numbers in this replay.
        device: where the library puts what it supplies to the code under test.
        draws: the keyed random numbers.
        generator: PyTorch's own generator, whose seeding the draws follow.
        undispatched: what goes by unseen, where nothing of it is random or narrow.
        observers: called after each operator, for checks that need to know what was computed.
        replacements: what stands in for functions of PyTorch, by the identity of the function.
        outer_dtype: the default dtype outside.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seed = seed
        self.device = device
        self.draws = KeyedDraws(seed)
        self.generator = FollowedGenerator(self.draws)
        self.observers: list[Observer] = []
        self.replacements: dict[int, Any] = {}
        self.outer_dtype = torch.get_default_dtype()
        self.undispatched = Undispatched(lambda: self._paused or bool(self.observers))
        self._paused = False

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
        if self._paused:
            return func(*args, **kwargs)
        is_random, may_widen, is_composite = _operator_traits(func)
        if is_composite and torch.is_inference_mode_enabled():
            # There nothing takes an operator apart before it comes here.
            with self:
                return func.decompose(*args, **kwargs)
        rounding = kwargs.get("dtype") if kwargs else None
        if rounding in LOW_PRECISION:
            kwargs = {**kwargs, "dtype": torch.float64}
        if is_random:
            with self.paused():
                self.generator.follow()
            output = random_operators.serve(func, args, kwargs, self.draws)
        elif may_widen:
            if any(is_narrow(value) for value in args):
                self.undispatched.saw_narrow = True
                args = tuple(widen(item) for item in args)
            output = func(*args, **kwargs)
            if rounding in HALF_PRECISION and func is _TO_COPY:
                output = output.to(rounding).to(torch.float64)
        else:
            output = func(*args, **kwargs)
            if func is _LIFT_FRESH:
                output = widen(output)
        for observer in self.observers:
            observer(func, args, kwargs, output)
        return output

    @contextlib.contextmanager
    def observing(self, observer: Observer) -> Iterator[None]:
        """Let an observer see the operators of the body."""
        self.observers.append(observer)
        try:
            yield
        finally:
            self.observers.remove(observer)

    @property
    def is_paused(self) -> bool:
        """Tell whether operators run as they are now."""
        return self._paused

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Let operators of the body run as they are, unseen by observers."""
        before, self._paused = self._paused, True
        try:
            yield
        finally:
            self._paused = before

    @contextlib.contextmanager
    def replacing(self, namespace: dict[str, Any] | None) -> Iterator[None]:
        """Let names that a program has for functions of PyTorch stand for what replaces these.

        `from torch import tensor` binds a function before a replay can put another in its place.
        """
        swapped = {name: value for name, value in (namespace or {}).items() if id(value) in self.replacements}
        if namespace is not None:
            namespace.update({name: self.replacements[id(value)] for name, value in swapped.items()})
        try:
            yield
        finally:
            if namespace is not None:
                namespace.update(swapped)


_LIFT_FRESH = torch.ops.aten.lift_fresh.default
_TO_COPY = torch.ops.aten._to_copy.default


@functools.cache
def _operator_traits(func: Any) -> tuple[bool, bool, bool]:
    """Return whether an operator is random, may take wide copies of arguments, and is made of others.

    Arguments of views and in-place operators may not: the copy would lose the aliasing.
    """
    is_random = torch.Tag.nondeterministic_seeded in func.tags
    aliases = any(argument.alias_info is not None for argument in func._schema.arguments)
    is_composite = func.has_kernel_for_dispatch_key(torch.DispatchKey.CompositeImplicitAutograd)
    return is_random, not aliases, is_composite


_active: Replay | None = None


def active_replay() -> Replay | None:
    """Return the replay that runs, if any."""
    return _active


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
    with preserved_state(), torch.enable_grad():
        _set_state(mode)
        _active = mode
        try:
            with _patched_functions(mode), mode:
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
    torch.manual_seed(word)
    mode.generator.start()


@contextlib.contextmanager
def preserved_state() -> Iterator[None]:
    """Put back, on exit, every piece of global state that a replay or its body may change."""
    dtype = torch.get_default_dtype()
    threads = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark = torch.backends.cudnn.benchmark
    cudnn_deterministic = torch.backends.cudnn.deterministic
    gradients = torch.is_grad_enabled()
    device = torch.get_default_device()
    torch_state = torch.get_rng_state()
    cuda_states = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    python_state = random.getstate()
    numpy_state = np.random.get_state()
    try:
        yield
    finally:
        if cuda_states is not None:
            torch.cuda.set_rng_state_all(cuda_states)
        torch.set_default_dtype(dtype)
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
        torch.backends.cudnn.benchmark = benchmark
        torch.backends.cudnn.deterministic = cudnn_deterministic
        torch.set_grad_enabled(gradients)
        if torch.get_default_device() != device:
            torch.set_default_device(None if device.type == "cpu" else device)
        torch.set_rng_state(torch_state)
        random.setstate(python_state)
        np.random.set_state(numpy_state)


@contextlib.contextmanager
def _patched_functions(mode: Replay) -> Iterator[None]:
    """Replace, for the time of a replay, the few functions that the dispatcher does not see.

    - What makes tensors of numbers rounds to its dtype before any operator runs;
    - seeding, and reading the generator's state, must act on the keyed draws;
    - `Module.train` is followed so that train and eval flags can be put back.
    """
    _device_constructors()  # PyTorch keeps a list of them: not of those that stand in for them here
    flags: list[tuple[weakref.ref[nn.Module], bool]] = []
    plain_train = nn.Module.train

    def train(self: nn.Module, mode: bool = True) -> nn.Module:
        flags.append((weakref.ref(self), self.training))
        return plain_train(self, mode)

    wide = wide_float_tensor(lambda: mode.is_paused)
    replaced: list[tuple[Any, str, Any]] = [
        (torch, "tensor", _widened(torch.tensor, mode)),
        (torch, "as_tensor", _widened(torch.as_tensor, mode)),
        (torch, "asarray", _widened(torch.asarray, mode)),
        (torch, "FloatTensor", wide),
        (torch.Tensor, "type", type_of_tensor(wide)),
        (torch.Tensor, "new_tensor", _widened(torch.Tensor.new_tensor, mode)),
        *mode.generator.replacements(),
        *mode.undispatched.replacements(),
        (nn.Module, "train", train),
    ]
    originals = [(owner, name, getattr(owner, name)) for owner, name, _ in replaced]
    mode.replacements = {
        id(original): new for (*_, original), (*_, new) in zip(originals, replaced, strict=True)
    }
    try:
        for owner, name, replacement in replaced:
            setattr(owner, name, replacement)
        yield
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)
        for reference, training in reversed(flags):
            module = reference()
            if module is not None:
                module.training = training


def _widened(function: Callable[..., torch.Tensor], running: Replay) -> Callable[..., torch.Tensor]:
    """Return a function that makes a wide tensor where another would make a narrow one."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> torch.Tensor:
        if "dtype" in kwargs and not running.is_paused:
            kwargs["dtype"] = widen_dtype(kwargs["dtype"])
        return function(*args, **kwargs)

    return call
