"""What a call of a student's code leaves changed: nothing that its text does not allow.

Before and after every call all that it could reach is compared: the modes of all layers, `requires_grad`,
which objects a network is made of and what they hold, gradients, optimisers' settings, tensors, lists and
dictionaries lent, random state, PyTorch's settings, the notebook's names, the working folder. What differs is
a *finding*, and is put back where that is possible, so that it costs its own marks and no others.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy

from autograder.checks.reaching import Lent, lent_objects, namespace_of
from autograder.messages import Message, add_texts
from autograder.replay import Replay, active_replay

TEXTS = add_texts(__package__, "guard")
# A working folder with more entries than this is somebody's home; it is not listed before every call.
_MOST_ENTRIES = 2000
Mode = Literal["train", "eval"]


@dataclass(frozen=True)
class May:
    """What a text allows a call to change.

    Attributes:
        train: networks and optimisers that it trains: parameters, gradients and statistics move.
        fill: tensors, networks, lists and dictionaries that it is to write in.
        set_mode: whether it decides in which mode networks are left; or the one, "train" or "eval", that it
            may leave them in besides the one in which they are.
        seed: whether it may seed as it likes.
        own_seed: whether it is given a seed for a generator of its own, not for those of the whole program.
        write: whether it writes files in the working folder.
        stay: whether tensors that it returns may stay on the device where its networks are; a text that wants
            them on the CPU is rehearsed.
        data: whether what is lent are data that wait on the CPU: that is where the call is rehearsed.
        makes: whether it makes tensors for networks out of none: it is rehearsed though none is lent.
    """

    train: tuple[Any, ...] = ()
    fill: tuple[Any, ...] = ()
    set_mode: bool | Mode = False
    seed: bool = False
    own_seed: bool = False
    write: bool = False
    stay: bool = True
    data: bool = False
    makes: bool = False


NOTHING = May()


@dataclass
class Findings:
    """What calls left changed, in order, each said once."""

    messages: list[Message] = field(default_factory=list)

    def add(self, message: Message) -> None:
        """Keep a finding."""
        if message not in self.messages:
            self.messages.append(message)


_findings: ContextVar[Findings | None] = ContextVar("findings", default=None)


@contextlib.contextmanager
def collecting() -> Iterator[Findings]:
    """Collect what the calls of the body leave changed.

    Yields:
        The findings, which fill while the body runs.
    """
    found = Findings()
    token = _findings.set(found)
    try:
        yield found
    finally:
        _findings.reset(token)


Apart = Callable[[Any], Any]


@contextlib.contextmanager
def guarded(function: Any, args: tuple[Any, ...], named: dict[str, Any], may: May) -> Iterator[Apart]:
    """Compare the world before and after the body, in which a student's function is called.

    What is found goes to those who collect; a call that raises an exception is none of this module's matter,
    but the world is put back all the same.

    Yields:
        A function for what the call returns: of a tensor or an array that was lent it makes a copy, which
        stays as it is when the lent one is put back.
    """
    found = _findings.get()
    if found is None:
        yield lambda returned: returned
        return
    lent = [lent.value for lent in lent_objects(function, args, named)]
    versions = [(t, t._version) for t in lent if isinstance(t, torch.Tensor) and not t.is_inference()]
    arrays = [array for array in lent if isinstance(array, np.ndarray)]
    with _unobserved():
        before = _facts(function, args, named, may)
    finished = False
    try:
        yield lambda returned: _apart(
            returned, [t for t, version in versions if t._version != version], arrays
        )
        finished = True
    finally:
        with _unobserved():
            differing = [message for fact in before if (message := fact()) is not None]
        if finished:
            for message in differing:
                found.add(message)


def _apart(returned: Any, changed: list[torch.Tensor], arrays: list[np.ndarray]) -> Any:
    """Return what a call returned, with copies of what lies where changed tensors or lent arrays lie."""
    if not changed and not arrays:
        return returned
    if isinstance(returned, (list, tuple)) and type(returned) in (list, tuple):
        return type(returned)(_apart(value, changed, arrays) for value in returned)
    if isinstance(returned, np.ndarray) and any(np.may_share_memory(returned, array) for array in arrays):
        return returned.copy()
    if isinstance(returned, torch.Tensor) and any(_share(returned, tensor) for tensor in changed):
        return returned.clone()
    return returned


def _share(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Tell whether two tensors lie in the same memory."""
    return one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


@contextlib.contextmanager
def _unobserved() -> Iterator[None]:
    """Look without being seen by the replay and its observers, and without gradients."""
    running = active_replay()
    with running.paused() if running else contextlib.nullcontext():
        yield


# Something that was so before; called again it puts that back, and returns what to say if it was not so.
Fact = Callable[[], Message | None]


def _facts(function: Any, args: tuple[Any, ...], named: dict[str, Any], may: May) -> list[Fact]:
    """Take note of all that the call could change."""
    trained, filled = _ids(may.train), _ids(may.fill)
    facts: list[Fact] = [*_settings()]
    if not may.seed:
        facts.append(_global_seeding() if may.own_seed else _seeding())
    if not may.write:
        facts.append(_files(Path.cwd()))
    if (namespace := namespace_of(function)) is not None:
        facts.append(_names(namespace))
    for lent in lent_objects(function, args, named):
        free = id(lent.value) in filled
        if isinstance(lent.value, nn.Module):
            learns = id(lent.value) in trained
            facts += _network_facts(lent, may, moves=free or learns, learns=learns)
        elif isinstance(lent.value, torch.optim.Optimizer) and not free:
            facts.append(_optimizer(lent))
        elif isinstance(lent.value, torch.Tensor) and not free and not lent.value.is_meta:
            facts.append(_tensor(lent))
        elif isinstance(lent.value, np.ndarray) and not free:
            facts.append(_array(lent))
        elif isinstance(lent.value, (list, dict)) and not free:
            facts.append(_container(lent))
    return facts


def _ids(objects: tuple[Any, ...]) -> set[int]:
    """Return the identities of objects, those in lists and dictionaries among them included."""
    found: set[int] = set()
    for value in objects:
        found.add(id(value))
        if isinstance(value, (list, tuple)):
            found |= _ids(tuple(value))
        elif isinstance(value, dict):
            found |= _ids(tuple(value.values()))
    return found


# --- PyTorch, Python and the notebook ----------------------------------------------------------------


def _settings() -> Iterator[Fact]:
    """Yield facts about the settings that hold for a whole program."""
    yield _setting("default_dtype", torch.get_default_dtype, torch.set_default_dtype)
    yield _setting("grad_mode", torch.is_grad_enabled, _set_grad_enabled)
    yield _setting("default_device", torch.get_default_device, _set_default_device)
    yield _setting("threads", torch.get_num_threads, torch.set_num_threads)
    # A replay only warns of what is not deterministic; who asks for determinism asks for errors.
    yield _setting("deterministic", torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode)
    yield _setting("folder", os.getcwd, os.chdir)


def _set_grad_enabled(enabled: bool) -> None:
    torch.set_grad_enabled(enabled)


def _set_default_device(device: torch.device) -> None:
    torch.set_default_device(None if device.type == "cpu" else device)


def _setting(name: str, read: Callable[[], Any], write: Callable[[Any], None]) -> Fact:
    """Return the fact that a setting is as it is."""
    before = read()

    def compare() -> Message | None:
        if read() == before:
            return None
        write(before)
        return Message("left_setting", {"setting": Message(f"setting_{name}")})

    return compare


def _seeding() -> Fact:
    """Return the fact that nobody seeded."""
    running = active_replay()
    before = _seedings(running)

    def compare() -> Message | None:
        return Message("left_seeded") if _seedings(running) != before else None

    return compare


def _global_seeding() -> Fact:
    """Return the fact that nobody seeded what the whole program draws from, or that it was put back."""
    running = active_replay()
    before, state, others = _seedings(running), b"", 0
    if running is not None:
        state, others = running.generator.state(), running.generator.seeded_others

    def compare() -> Message | None:
        if running is None or _seedings(running) == before:
            return None
        is_back = running.generator.state() == state and running.generator.seeded_others == others
        return None if is_back else Message("left_seeded_global")

    return compare


def _seedings(running: Replay | None) -> int:
    """Return how often the replay's program seeded so far."""
    if running is None:
        return 0
    running.generator.look()
    return running.draws.seedings


def _files(folder: Path) -> Fact:
    """Return the fact that a folder holds what it holds."""
    before = _listing(folder)

    def compare() -> Message | None:
        after = _listing(folder)
        if before is None or after is None or before == after:
            return None
        changed = sorted(name for name, _ in before ^ after)
        return Message("left_file", {"name": changed[0]})

    return compare


def _listing(folder: Path) -> set[tuple[str, tuple[int, int] | None]] | None:
    """Return names, sizes and times of the files of a folder, and the names of its folders."""
    found: set[tuple[str, tuple[int, int] | None]] = set()
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if len(found) > _MOST_ENTRIES:
                return None
            if entry.is_dir(follow_symlinks=False):
                found.add((entry.name, None))
            else:
                status = entry.stat(follow_symlinks=False)
                found.add((entry.name, (status.st_size, status.st_mtime_ns)))
    return found


def _names(namespace: dict[str, Any]) -> Fact:
    """Return the fact that a notebook's names stand for what they stand for."""
    before = dict(namespace)

    def compare() -> Message | None:
        changed = [n for n in namespace if not _is_own(n) and namespace[n] is not before.get(n, before)]
        gone = [n for n in before if n not in namespace and not _is_own(n)]
        if not changed and not gone:
            return None
        for name in changed:
            if name in before:
                namespace[name] = before[name]
            else:
                del namespace[name]
        namespace.update({name: before[name] for name in gone})
        return Message("left_global", {"name": (changed + gone)[0]})

    return compare


def _is_own(name: str) -> bool:
    """Tell whether a name is Python's own, such as `__warningregistry__`."""
    return name.startswith("__") and name.endswith("__")


# --- what was lent -----------------------------------------------------------------------------------


def _network_facts(lent: Lent, may: May, *, moves: bool, learns: bool) -> Iterator[Fact]:
    """Yield facts about a network that was lent.

    Args:
        lent: the network.
        may: what is allowed.
        moves: whether its numbers may change.
        learns: whether its gradients may.
    """
    network: nn.Module = lent.value
    numbers = [*network.parameters(), *network.buffers()]
    if any(is_lazy(tensor) for tensor in numbers):
        return  # the first call makes them
    yield _parts(lent, network)
    if may.set_mode is not True:
        yield _modes(lent, network, may.set_mode or None)
    yield _trainable(lent, network)
    yield _hooks(lent, network)
    if any(tensor.is_meta for tensor in numbers):
        return
    if not moves:
        yield _numbers(lent, network)
    if not learns:
        yield _gradients(lent, network)


def _parts(lent: Lent, network: nn.Module) -> Fact:
    """Return the fact that a network is made of the parameters, buffers and layers that it is made of."""

    def parts() -> dict[str, int]:
        named = [*network.named_parameters(), *network.named_buffers(), *network.named_modules()]
        return {name: id(part) for name, part in named}

    # Kept, so that no new part can have an old one's identity.
    before, held = parts(), [*network.parameters(), *network.buffers(), *network.modules()]

    def compare() -> Message | None:
        after = parts() if held else {}
        differing = sorted(
            name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
        )
        return Message("left_replaced", {"network": lent.label, "part": differing[0]}) if differing else None

    return compare


def _modes(lent: Lent, network: nn.Module, allowed: Mode | None) -> Fact:
    """Return the fact that all layers are in the modes in which they are, or in the one that is allowed."""
    before = [(layer, layer.training) for layer in network.modules()]

    def compare() -> Message | None:
        differing = [
            (layer, mode)
            for layer, mode in before
            if layer.training is not mode and _mode(layer.training) != allowed
        ]
        for layer, mode in differing:
            layer.training = mode
        if not differing:
            return None
        layer, mode = differing[0]
        said = {"was": _mode(mode), "left": _mode(not mode), "network": lent.label}
        if layer is network:
            return Message("left_mode", said)
        return Message("left_mode_of_layer", {**said, "layer": type(layer).__name__})

    return compare


def _mode(training: bool) -> Mode:
    return "train" if training else "eval"


def _trainable(lent: Lent, network: nn.Module) -> Fact:
    """Return the fact that parameters want the gradients that they want."""
    before = [(parameter, parameter.requires_grad) for parameter in network.parameters()]

    def compare() -> Message | None:
        differing = [
            (parameter, wants) for parameter, wants in before if parameter.requires_grad is not wants
        ]
        for parameter, wants in differing:
            if parameter.is_leaf:
                parameter.requires_grad_(wants)
        if not differing:
            return None
        return Message("left_requires_grad", {"network": lent.label, "left": not differing[0][1]})

    return compare


def _hooks(lent: Lent, network: nn.Module) -> Fact:
    """Return the fact that as many hooks watch a network as do."""
    before = [(layer, _count_hooks(layer)) for layer in network.modules()]

    def compare() -> Message | None:
        more = any(_count_hooks(layer) != count for layer, count in before)
        return Message("left_hook", {"network": lent.label}) if more else None

    return compare


def _count_hooks(layer: nn.Module) -> int:
    return sum(
        len(getattr(layer, name))
        for name in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    )


def _numbers(lent: Lent, network: nn.Module) -> Fact:
    """Return the fact that parameters, and statistics outside of training, hold what they hold."""
    held = [(name, value, _copy(value)) for name, value in network.named_parameters()]
    for prefix, layer in network.named_modules():
        if not layer.training:
            held += [
                (f"{prefix}.{name}".removeprefix("."), value, _copy(value))
                for name, value in layer.named_buffers(recurse=False)
            ]

    def compare() -> Message | None:
        differing = [(name, value, copy) for name, value, copy in held if not _same(value, copy)]
        for _, value, copy in differing:
            if value.shape == copy.shape:
                value.data.copy_(copy)
        return (
            Message("left_numbers", {"network": lent.label, "part": differing[0][0]}) if differing else None
        )

    return compare


def _gradients(lent: Lent, network: nn.Module) -> Fact:
    """Return the fact that parameters hold the gradients that they hold."""
    before = [(p, None if p.grad is None else _copy(p.grad)) for p in network.parameters()]

    def compare() -> Message | None:
        if all(_same_gradient(parameter, copy) for parameter, copy in before):
            return None
        left = any(p.grad is not None and bool(p.grad.any()) for p, _ in before)
        for parameter, copy in before:
            parameter.grad = copy
        return Message("left_gradients" if left else "cleared_gradients", {"network": lent.label})

    return compare


def _same_gradient(parameter: nn.Parameter, copy: torch.Tensor | None) -> bool:
    """Tell whether a parameter's gradient is what it was; none and zeros are the same."""
    gradient = parameter.grad
    if gradient is None or copy is None:
        other = gradient if copy is None else copy
        return other is None or not bool(other.any())
    return _same(gradient, copy)


def _optimizer(lent: Lent) -> Fact:
    """Return the fact that an optimiser has the parameters and the settings that it has."""
    optimizer: torch.optim.Optimizer = lent.value

    def settings() -> list[dict[str, Any]]:
        return [
            {name: [id(p) for p in value] if name == "params" else value for name, value in group.items()}
            for group in optimizer.param_groups
        ]

    before = settings()

    def compare() -> Message | None:
        after = settings()
        if repr(before) == repr(after):
            return None
        del optimizer.param_groups[len(before) :]
        for group, old in zip(optimizer.param_groups, before, strict=False):
            group.update({name: value for name, value in old.items() if name != "params"})
        return Message("left_optimizer", {"optimizer": lent.label})

    return compare


def _tensor(lent: Lent) -> Fact:
    """Return the fact that a tensor holds what it holds."""
    tensor: torch.Tensor = lent.value
    copy = _copy(tensor)

    def compare() -> Message | None:
        # That it asks for a gradient afterwards is the field's own habit, and nobody is harmed.
        if _same(tensor, copy):
            return None
        if tensor.shape == copy.shape:
            tensor.data.copy_(copy)
        return Message("left_argument", {"argument": lent.label})

    return compare


def _array(lent: Lent) -> Fact:
    """Return the fact that an array of NumPy holds what it holds."""
    array: np.ndarray = lent.value
    copy = array.copy()

    def compare() -> Message | None:
        if array.shape == copy.shape and array.dtype == copy.dtype and array.tobytes() == copy.tobytes():
            return None
        if array.shape == copy.shape:
            array[...] = copy
        return Message("left_argument", {"argument": lent.label})

    return compare


def _container(lent: Lent) -> Fact:
    """Return the fact that a list or a dictionary holds the objects that it holds."""
    value: list[Any] | dict[Any, Any] = lent.value
    before = value.copy()

    def compare() -> Message | None:
        if _same_items(value, before):
            return None
        value.clear()
        if isinstance(value, dict):
            value.update(before)
        else:
            value.extend(before)
        return Message("left_container", {"argument": lent.label})

    return compare


def _same_items(one: list[Any] | dict[Any, Any], other: list[Any] | dict[Any, Any]) -> bool:
    """Tell whether two lists or dictionaries hold the same objects."""
    if len(one) != len(other):
        return False
    if isinstance(one, dict):
        return all(name in other and one[name] is other[name] for name in one)
    return all(a is b for a, b in zip(one, other, strict=True))


def _copy(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().clone()


def _same(tensor: torch.Tensor, copy: torch.Tensor) -> bool:
    """Tell whether a tensor holds what a copy of it holds; NaN is the same as NaN."""
    if tensor.shape != copy.shape or tensor.dtype != copy.dtype or tensor.device != copy.device:
        return False
    one = tensor.detach()
    return torch.equal(one, copy) or bool(
        one.is_floating_point() and torch.allclose(one, copy, rtol=0.0, atol=0.0, equal_nan=True)
    )
