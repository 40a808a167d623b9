"""A rehearsal in float32, on a GPU that is not there: would this call stop where it is meant to run?

Before the first call of a function in a cell, copies of its arguments are labelled as if they lay on a GPU,
and the function is run once with them on the CPU: every operator of PyTorch passes here, asks the labels of
the tensors that it is given, and labels what it returns. Where operators would meet tensors of two devices,
PyTorch itself is asked, with tensors that have a shape and a device and no numbers, whether it would stop.

Numbers are float32 there, as in the notebook: a replay computes in float64, where nobody sees that two types
meet.
What cannot be rehearsed passes.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import re
import shutil
import sys
import tempfile
import types
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook
from torch.overrides import TorchFunctionMode
from torch.utils.data import Dataset

from autograder import faults
from autograder.checks.reaching import lent_objects, namespace_of
from autograder.messages import Message, add_texts
from autograder.replay import Replay, active_replay, preserved_state
from autograder.replay import mode as replay_mode

TEXTS = add_texts(__package__, "rehearsal")
CPU, GPU = "cpu", "cuda"
# How PyTorch says that two types met.
_OF_DEVICES = re.compile(
    r"same device|two (?:different )?devices|found at least two|different device", re.IGNORECASE
)
_OF_TYPES = re.compile(r"dtype|scalar type|(?:Double|Float|Half|BFloat16)(?:Tensor|Type)?\b")
_LABEL = "_rehearsed_on"


class WouldStopError(RuntimeError):
    """The code would stop where its networks are on a GPU; `message` says in which `line`, and why."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.key)
        self.message = message
        self.line = message.details["line"]


class _Rehearsals:
    """What was rehearsed in a cell, and what was found."""

    def __init__(self, found: Callable[[Message], None]) -> None:
        self.found = found
        self.done: set[int] = set()


_rehearsals: ContextVar[_Rehearsals | None] = ContextVar("rehearsals", default=None)
_rehearsing: ContextVar[bool] = ContextVar("rehearsing", default=False)


def rehearsing() -> bool:
    """Tell whether this runs within a rehearsal."""
    return _rehearsing.get()


class Record(list[Any]):
    """What a lent object takes note of: a copy of the object notes it here too, but for a rehearsal's."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Record:
        """Return this record itself, or an empty one for a rehearsal."""
        return Record() if rehearsing() else self


@contextlib.contextmanager
def rehearsals(found: Callable[[Message], None], done: set[int]) -> Iterator[None]:
    """Rehearse the calls of the body.

    Args:
        found: takes what would stop.
        done: identities of functions that need no rehearsal any more; those of the body are added.
    """
    rehearsals = _Rehearsals(found)
    rehearsals.done = done
    token = _rehearsals.set(rehearsals)
    try:
        yield
    finally:
        _rehearsals.reset(token)


def rehearsed(
    function: Any,
    args: tuple[Any, ...],
    named: dict[str, Any],
    *,
    stay: bool = True,
    data: bool = False,
    makes: bool = False,
) -> None:
    """Rehearse a call that is about to be made, once in a cell, and tell what would stop.

    Args:
        function: to call.
        args: by position.
        named: by name.
        stay: whether tensors that it returns may be on the GPU.
        data: whether what is lent waits on the CPU, also where the notebook's device is a GPU.
        makes: whether it is to make tensors, so that there is something to see though none is lent.
    """
    now, running = _rehearsals.get(), active_replay()
    identity = id(
        getattr(function, "__func__", type(function) if isinstance(function, nn.Module) else function)
    )
    if now is None or running is None or running.device.type != CPU or identity in now.done or rehearsing():
        return
    lent = [lent.value for lent in lent_objects(function, args, named)]
    if not makes and not any(isinstance(value, (nn.Module, torch.Tensor)) for value in lent):
        return
    if any(isinstance(value, torch.Tensor) and value.is_meta for value in lent):
        return
    if isinstance(function, types.FunctionType) and function.__closure__:
        return  # what it holds would not be copied; what it calls is rehearsed for itself
    now.done.add(identity)
    networks = any(isinstance(value, nn.Module) for value in lent)
    messages = [] if data else _findings(function, args, named, running, GPU, stay=stay)
    if not messages and not networks:
        # Tensors may wait on the CPU while the notebook's device is a GPU.
        messages = _findings(function, args, named, running, CPU, stay=True)
    for message in messages:
        now.found(message)


def _findings(
    function: Any, args: tuple[Any, ...], named: dict[str, Any], running: Replay, place: str, *, stay: bool
) -> list[Message]:
    """Rehearse a call with all that is lent in one place; return what there is to say of it."""
    found: list[Message] = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            rehearsal = _copied(function, args, named, Path(folder), place)
        except Exception:
            return []  # what cannot be copied cannot be rehearsed
        strict = bool(rehearsal.networks)
        names = namespace_of(function)
        try:
            with contextlib.chdir(folder), aside(running), _elsewhere(names), _imaginary_gpu(strict):
                returned = rehearsal.call()
                for setting in _settings_left(running):
                    found.append(Message("left_setting", {"setting": Message(f"setting_{setting}")}))
            tensors = list(_tensors(returned))
            if not stay and any(_where(tensor) == GPU for tensor in tensors):
                found.append(Message("gpu_returned"))
            if running.outer_dtype is torch.float32 and any(t.dtype is torch.float64 for t in tensors):
                found.append(Message("double_returned"))
            if any(_where(each) == CPU for network in rehearsal.networks for each in network.parameters()):
                found.append(Message("network_moved"))
        except WouldStopError as stop:
            found.append(stop.message if place == GPU else Message("gpu_of_notebook", {"line": stop.line}))
        except (Exception, SystemExit) as error:
            # Other errors the call itself will tell.
            if (message := _mixed_types(error)) is not None:
                found.append(message)
    return found


@dataclass(frozen=True)
class _Rehearsal:
    """A call with copies of all that is lent, and the networks among these."""

    call: Callable[[], Any]
    networks: tuple[nn.Module, ...]


def _copied(
    function: Any, args: tuple[Any, ...], named: dict[str, Any], folder: Path, place: str
) -> _Rehearsal:
    """Return a call with copies of all that is lent, labelled as being on a device.

    Places where it is to write are replaced by others in a folder of the rehearsal's own.

    Raises:
        Exception: if something cannot be copied.
    """
    running = active_replay()
    assert running is not None
    token = _rehearsing.set(True)
    try:
        with running.paused():
            function, args, named = copy.deepcopy((function, args, named))
    finally:
        _rehearsing.reset(token)
    for value in (*args, *named.values()):
        if isinstance(value, types.FunctionType) and value.__closure__:
            raise TypeError("what a function has in its closure is not copied")
    lent = [lent.value for lent in lent_objects(function, args, named)]
    with running.paused():
        for value in lent:
            _settle(value, place)
        for value in (*args, *named.values()):
            _leave_behind(value)
    args = tuple(_redirected(value, folder) for value in args)
    named = {name: _redirected(value, folder) for name, value in named.items()}
    networks = tuple(value for value in lent if isinstance(value, nn.Module))
    return _Rehearsal(functools.partial(function, *args, **named), networks)


def _redirected(value: Any, folder: Path) -> Any:
    """Return a place in another folder for a place in the file system, any other value as it is."""
    if not isinstance(value, (str, Path)) or not Path(value).is_absolute():
        return value
    place = folder / Path(value).name
    if Path(value).is_dir():
        shutil.copytree(value, place, dirs_exist_ok=True)
    elif Path(value).is_file():
        shutil.copy(value, place)
    return type(value)(place)


def _settle(value: Any, place: str) -> None:
    """Label an object that was lent, and all its tensors, as being on a device; make them float32."""
    if isinstance(value, torch.Tensor):
        _narrow(value)
        _put(value, place)
    elif isinstance(value, nn.Module):
        value.float()
        for layer in value.modules():
            registered = [*layer.parameters(recurse=False), *layer.buffers(recurse=False)]
            # What is no parameter, buffer or layer of a network stays behind when it moves.
            behind = [tensor for item in _unregistered(layer) for tensor in _tensors(item)]
            for tensor in registered:
                _put(tensor, place)
            for tensor in behind:
                if not any(tensor is one for one in registered):  # recurrent layers list their own
                    _put(tensor, CPU)
    elif isinstance(value, torch.optim.Optimizer):
        for state in value.state.values():
            for tensor in state.values():
                if isinstance(tensor, torch.Tensor) and tensor.ndim:
                    _narrow(tensor)
                    _put(tensor, place)


def _unregistered(layer: nn.Module) -> list[Any]:
    """Return a layer's plain attributes, with parameters in place of the layers that a list or dict holds."""
    registries = vars(nn.Module())
    return [_of_layers(value) for name, value in vars(layer).items() if name not in registries]


def _of_layers(value: Any) -> Any:
    """Return a value with the parameters and buffers in place of layers in it."""
    if isinstance(value, (list, tuple)):
        return [_of_layers(item) for item in value]
    if isinstance(value, dict):
        return [_of_layers(item) for item in value.values()]
    return [*value.parameters(), *value.buffers()] if isinstance(value, nn.Module) else value


def _settings_left(running: Replay) -> list[str]:
    """Return what a program changed that a replay changes too: there it would not be seen."""
    left = {
        "default_dtype": torch.get_default_dtype() is not running.outer_dtype,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "grad_mode": not torch.is_grad_enabled(),
    }
    return [name for name, is_left in left.items() if is_left]


def _narrow(tensor: torch.Tensor) -> None:
    """Make a tensor of the replay float32, in place."""
    if tensor.dtype is torch.float64:
        tensor.data = tensor.data.to(torch.float32)


def _mixed_types(error: BaseException) -> Message | None:
    """Return what to say of an error of PyTorch's that two floating types met in a student's line."""
    if not isinstance(error, RuntimeError) or not _OF_TYPES.search(faults.text_of(error)):
        return None
    line = faults.own_line(error, __file__, replay_mode.__file__)
    return None if line is None else Message("float_mixed", {"line": line, "said": faults.first_line(error)})


def _leave_behind(value: Any) -> None:
    """Label the tensors of a data set as being on the CPU: batches are moved by who trains with them."""
    if isinstance(value, Dataset):
        for tensor in _tensors(vars(value)):
            _narrow(tensor)
            _put(tensor, CPU)


@contextlib.contextmanager
def aside(running: Replay) -> Iterator[None]:
    """Let the body draw without the replay's draws moving on, and watch nothing."""
    token = _rehearsing.set(True)
    draws, observers = copy.deepcopy(running.draws), list(running.observers)
    running.observers.clear()
    try:
        with running.paused(), preserved_state(), running.generator.aside():
            torch.set_default_dtype(running.outer_dtype)
            torch.use_deterministic_algorithms(False)
            yield
    finally:
        _rehearsing.reset(token)
        vars(running.draws).update(vars(draws))
        running.observers[:] = observers


@contextlib.contextmanager
def _elsewhere(namespace: dict[str, Any] | None) -> Iterator[None]:
    """Let the notebook's names for its device stand for the GPU, as they would there; put all names back."""
    before = dict(namespace or {})
    gradients = torch.is_grad_enabled()
    # Also where a check needs no gradients: that a call switches them off for good would not be seen.
    torch.set_grad_enabled(True)
    available, from_numpy = torch.cuda.is_available, torch.from_numpy
    # The student's code is told that there is one; PyTorch's own code is not, it would begin to use it.
    torch.cuda.is_available = lambda: sys._getframe(1).f_globals.get("__name__") == "__main__" or available()
    # An array that becomes a tensor is seen by no mode of PyTorch's.
    torch.from_numpy = lambda ndarray: _put(from_numpy(ndarray), CPU)
    try:
        for name, value in before.items():
            if namespace is not None and isinstance(value, torch.device) and value.type == CPU:
                namespace[name] = torch.device(GPU, 0)
        yield
    finally:
        torch.cuda.is_available, torch.from_numpy = available, from_numpy
        torch.set_grad_enabled(gradients)
        if namespace is not None:
            namespace.clear()
            namespace.update(before)


def _put(tensor: torch.Tensor, device: str | None) -> torch.Tensor:
    """Label a tensor, and return it; None takes a label away."""
    with contextlib.suppress(AttributeError):
        if device is None:
            vars(tensor).pop(_LABEL, None)
        else:
            setattr(tensor, _LABEL, device)
    return tensor


def _where(tensor: torch.Tensor) -> str | None:
    """Return the device of a tensor's label, None if nobody knows where it comes from."""
    found: str | None = vars(tensor).get(_LABEL)
    return found


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors in arguments."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors(item)


def _device_of(value: Any) -> str | None:
    """Return which of the two devices somebody names, None for what is no device."""
    if isinstance(value, bool) or not isinstance(value, (str, int, torch.device)):
        return None
    with contextlib.suppress(RuntimeError):
        return CPU if torch.device(value).type == CPU else GPU
    return None


class _ImaginaryGPU(TorchFunctionMode):
    """Sees every function of PyTorch, and keeps the labels.

    Args:
        strict: whether numbers on the GPU may not be asked for by NumPy: where no network was lent, data may
            be meant to stay on the CPU.
    """

    def __init__(self, strict: bool) -> None:
        super().__init__()
        self._strict = strict
        # Where the numbers of tensors lie that were made on the GPU: a parameter of them is another tensor.
        self._made: set[int] = set()

    def registered(self, layer: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        """Label the parameter of a layer that is made in a rehearsal: it lies where its numbers were made."""
        if parameter is not None and _where(parameter) is None:
            _put(parameter, GPU if parameter.data_ptr() in self._made else CPU)

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run a function where the labels allow it, and label what it returns."""
        kwargs = dict(kwargs or {})
        if func in _SPECIAL:
            return _SPECIAL[func](self, func, args, kwargs)
        asked = _device_of(kwargs.get("device"))
        if asked is not None:
            kwargs["device"] = CPU
        given = [tensor for tensor in _tensors((args, kwargs)) if tensor.device.type == CPU]
        places = {_where(tensor) for tensor in given}
        if asked is None and {CPU, GPU} <= places and func not in _MIXING:
            _require_one_device(func, args, kwargs)
        returned = func(*args, **kwargs)
        if asked is None:
            asked = self._inherited(given, places)
        for tensor in _tensors(returned):
            if not any(tensor is one for one in given):
                _put(tensor, asked)
            if asked == GPU and not given:
                self._made.add(tensor.data_ptr())
        return returned

    @staticmethod
    def _inherited(given: list[torch.Tensor], places: set[str | None]) -> str | None:
        """Return where a result lies: where its tensors do; on the CPU if it is made of none."""
        if not given:
            return CPU
        if GPU in places:
            return GPU
        return CPU if places == {CPU} else None


@contextlib.contextmanager
def _imaginary_gpu(strict: bool) -> Iterator[None]:
    """Let every function of PyTorch that the body calls, and every layer that it makes, pass here."""
    mode = _ImaginaryGPU(strict)
    new_layers = register_module_parameter_registration_hook(mode.registered)
    try:
        with mode:
            yield
    finally:
        new_layers.remove()


def _moved(mode: _ImaginaryGPU, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Serve `tensor.to(…)`, `tensor.cuda()` and `tensor.cpu()`."""
    tensor, *others = args
    name = func.__name__
    target = {"cuda": GPU, "cpu": CPU}.get(name)
    kept: list[Any] = []
    if name in ("to", "type_as"):
        for value in [*others, *[kwargs.pop(key) for key in ("device", "other") if key in kwargs]]:
            if isinstance(value, torch.Tensor):
                target = _where(value)
                kept.append(value.dtype)
            elif (device := _device_of(value)) is not None:
                target = device
            elif isinstance(value, torch.dtype):
                kept.append(value)
        kwargs.pop("non_blocking", None)
    else:
        kwargs = {}
    returned = tensor.to(*kept, **kwargs) if kept or kwargs else tensor
    before = _where(tensor)
    target = before if target is None else target
    if returned is tensor and target != before:
        returned = tensor.clone()
    if returned is not tensor:
        _put(returned, target)
    return returned


def _asked_device(mode: _ImaginaryGPU, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Serve `tensor.device`."""
    return torch.device(GPU, 0) if _where(args[0]) == GPU else func(*args, **kwargs)


def _asked_whether_cuda(mode: _ImaginaryGPU, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Serve `tensor.is_cuda`."""
    return _where(args[0]) == GPU or func(*args, **kwargs)


def _to_numpy(mode: _ImaginaryGPU, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Serve `tensor.numpy()` and NumPy's own question: a tensor on a GPU has no such array."""
    if mode._strict and _where(args[0]) == GPU and not kwargs.get("force"):
        raise WouldStopError(Message("gpu_numpy", {"line": _line(), "shape": tuple(args[0].shape)}))
    return func(*args, **kwargs)


def _assigned(mode: _ImaginaryGPU, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Serve `tensor.data = …`."""
    returned = func(*args, **kwargs)
    if isinstance(args[1], torch.Tensor):
        _put(args[0], _where(args[1]))
    return returned


def _differentiated(mode: _ImaginaryGPU, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Serve `torch.autograd.grad`: a gradient lies where the tensor lies that it belongs to."""
    _require_gradients_in_place(args[0] if args else kwargs["outputs"], kwargs.get("grad_outputs"))
    returned = func(*args, **kwargs)
    inputs = kwargs.get("inputs", args[1] if len(args) > 1 else ())
    for gradient, tensor in zip(returned, _tensors(inputs), strict=False):
        if isinstance(gradient, torch.Tensor):
            _put(gradient, _where(tensor))
    return returned


def _run_backward(mode: _ImaginaryGPU, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Serve `tensor.backward(…)`."""
    _require_gradients_in_place(args[0], args[1] if len(args) > 1 else kwargs.get("gradient"))
    return func(*args, **kwargs)


def _require_gradients_in_place(outputs: Any, gradients: Any) -> None:
    """Raise `WouldStopError` if a gradient that a pass starts from does not lie where its tensor lies."""
    for output, gradient in zip(_tensors(outputs), _tensors(gradients), strict=False):
        if _where(output) == GPU and _where(gradient) == CPU:
            raise WouldStopError(Message("gpu_mixed", {"line": _line(), "shape": tuple(gradient.shape)}))


def _packed(mode: _ImaginaryGPU, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Serve `pack_padded_sequence`: wherever its sequences lie, it takes their lengths on the CPU only."""
    if _where(args[1]) == GPU:
        raise WouldStopError(Message("gpu_lengths", {"line": _line()}))
    returned = func(*args, **kwargs)
    for tensor in _tensors(returned):
        _put(tensor, _where(args[0]))
    return returned


_SET_DATA = vars(torch._C.TensorBase)["data"].__set__
_SPECIAL: dict[Any, Callable[[_ImaginaryGPU, Any, tuple[Any, ...], dict[str, Any]], Any]] = {
    torch.Tensor.to: _moved,
    torch.Tensor.cuda: _moved,
    torch.Tensor.cpu: _moved,
    torch.Tensor.type_as: _moved,
    vars(torch._C.TensorBase)["device"].__get__: _asked_device,
    vars(torch._C.TensorBase)["is_cuda"].__get__: _asked_whether_cuda,
    torch.Tensor.numpy: _to_numpy,
    torch.Tensor.__array__: _to_numpy,
    _SET_DATA: _assigned,
    torch.autograd.grad: _differentiated,
    torch.Tensor.backward: _run_backward,
    torch._C._VariableFunctions._pack_padded_sequence: _packed,
}
# These take tensors of two devices.
_MIXING = {torch.Tensor.copy_, torch.Tensor.__setitem__}


def _require_one_device(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raise `WouldStopError` if PyTorch would not take the tensors of an operator from two devices.

    PyTorch is asked with tensors that have no numbers; see `torch._subclasses.FakeTensorMode`.
    """
    from torch._subclasses.fake_tensor import FakeTensorMode

    with contextlib.suppress(ImportError), _without_replay():
        mode = FakeTensorMode()
        try:
            with mode:
                pretended = _pretended((args, kwargs))
                func(*pretended[0], **pretended[1])
        except WouldStopError:
            raise
        except RuntimeError as error:
            if _OF_DEVICES.search(faults.text_of(error)):
                raise WouldStopError(_mixed(args, kwargs)) from None
        except Exception:
            return


@contextlib.contextmanager
def _without_replay() -> Iterator[None]:
    running = active_replay()
    with running.paused() if running else contextlib.nullcontext():
        yield


def _pretended(value: Any) -> Any:
    """Return arguments with tensors that have a shape and a device, and no numbers."""
    if isinstance(value, torch.Tensor):
        return torch.empty(value.shape, dtype=value.dtype, device=_where(value) or GPU)
    if isinstance(value, (list, tuple)):
        items = [_pretended(item) for item in value]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, dict):
        return {key: _pretended(item) for key, item in value.items()}
    return value


def _mixed(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Message:
    """Say which tensor is on the CPU, and where the others are needed."""
    behind = next(t for t in _tensors((args, kwargs)) if _where(t) == CPU and t.ndim)
    return Message("gpu_mixed", {"line": _line(), "shape": tuple(behind.shape)})


def _line() -> Message:
    """Return the line of the student's code that runs now."""
    return faults.running_line()
