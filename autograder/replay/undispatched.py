"""What a replay need not look at: backward passes and steps of optimisers, where nothing is random or narrow.

Most operators of a training run are those of `backward` and of the optimiser, and calling Python for each
takes longer than most of them. They may go by unseen where it is known beforehand that none of them draws a
random number or makes a narrow tensor: where no narrow tensor has come up and all that they start from is
float64, every node of the graph is PyTorch's own, and no code of a program's hooks into them. Wherever that
is not so, they are looked at.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch._C import _len_torch_dispatch_stack
from torch.optim import optimizer as optimizers
from torch.utils._python_dispatch import _disable_current_modes

from autograder.replay.precision import LOW_PRECISION

# What `backward` and `grad` call.
_BACKWARD = "_engine_run_backward"


class Undispatched:
    """Lets operators go by unseen where a replay need not look at them.

    Args:
        is_watched: tells whether somebody wants to see every operator.

    Attributes:
        saw_narrow: whether an operator was given a narrow tensor: the graph may remember it.
    """

    def __init__(self, is_watched: Callable[[], bool]) -> None:
        self.saw_narrow = False
        self._is_watched = is_watched
        self._has_hooks = False

    def replacements(self) -> list[tuple[Any, str, Callable[..., Any]]]:
        """Return what has to stand in for functions of PyTorch."""
        hooks = [
            (torch.Tensor, "register_hook"),
            (torch.Tensor, "register_post_accumulate_grad_hook"),
            (torch.autograd.graph.saved_tensors_hooks, "__enter__"),
        ]
        steps = [(kind, "step") for kind in own_optimizers()]
        return [
            (torch.autograd, _BACKWARD, self._backward(getattr(torch.autograd, _BACKWARD))),
            *((owner, name, self._noting(getattr(owner, name))) for owner, name in hooks),
            *((kind, name, self._step(kind, getattr(kind, name))) for kind, name in steps),
        ]

    def _noting(self, register: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that registers a hook and has that known."""

        @functools.wraps(register)
        def call(*args: Any, **kwargs: Any) -> Any:
            self._has_hooks = True
            return register(*args, **kwargs)

        return call

    def _backward(self, run: Callable[..., Any]) -> Callable[..., Any]:
        """Return a backward pass that is unseen where it may be."""

        @functools.wraps(run)
        def call(outputs: Sequence[Any], gradients: Sequence[Any], *args: Any, **kwargs: Any) -> Any:
            if self._must_see() or not (_are_wide(gradients) and _is_plain(outputs)):
                return run(outputs, gradients, *args, **kwargs)
            with _disable_current_modes():
                return run(outputs, gradients, *args, **kwargs)

        return call

    def _step(self, kind: type[torch.optim.Optimizer], step: Callable[..., Any]) -> Callable[..., Any]:
        """Return an optimiser's step that is unseen where it may be."""

        @functools.wraps(step)
        def call(self_: torch.optim.Optimizer, *args: Any, **kwargs: Any) -> Any:
            if type(self_) is not kind or args or kwargs or self._must_see() or not _may_step_unseen(self_):
                return step(self_, *args, **kwargs)
            with _disable_current_modes():
                return step(self_)

        return call

    def _must_see(self) -> bool:
        return self.saw_narrow or self._has_hooks or self._is_watched() or _len_torch_dispatch_stack() != 1


@functools.cache
def own_optimizers() -> tuple[type[torch.optim.Optimizer], ...]:
    """Return PyTorch's own optimisers, but for those that evaluate a closure."""
    kinds = (getattr(torch.optim, name) for name in torch.optim.__all__)
    found = [k for k in kinds if isinstance(k, type) and issubclass(k, torch.optim.Optimizer)]
    return tuple(kind for kind in found if kind not in (torch.optim.Optimizer, torch.optim.LBFGS))


def _may_step_unseen(optimizer: torch.optim.Optimizer) -> bool:
    """Tell whether all that an optimiser works on is wide, and nothing hooks into its step."""
    hooks = (
        optimizer._optimizer_step_pre_hooks,
        optimizer._optimizer_step_post_hooks,
        optimizers._global_optimizer_pre_hooks,
        optimizers._global_optimizer_post_hooks,
    )
    return not any(hooks) and _are_wide(_tensors_of(optimizer))


def _tensors_of(optimizer: torch.optim.Optimizer) -> Iterator[Any]:
    """Yield the parameters of an optimiser, their gradients, and what it remembers of them."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            yield parameter
            yield parameter.grad
            yield from optimizer.state.get(parameter, {}).values()
        yield from (value for name, value in group.items() if name != "params")


def _are_wide(values: Iterable[Any]) -> bool:
    """Tell whether no value is a tensor of low precision, or one of a class that a program made."""
    return all(
        type(value) in (torch.Tensor, torch.nn.Parameter) and value.dtype not in LOW_PRECISION
        for value in values
        if isinstance(value, torch.Tensor)
    )


def _is_plain(outputs: Sequence[Any]) -> bool:
    """Tell whether a backward pass from here runs nothing but PyTorch's own nodes, in float64."""
    pending = [output.grad_fn for output in outputs if type(output) is torch.Tensor]
    if len(pending) != len(outputs):
        return False
    seen = set()
    while pending:
        node = pending.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if isinstance(node, torch.autograd.function.BackwardCFunction):
            return False
        variable = getattr(node, "variable", None)
        if variable is not None and variable.dtype in LOW_PRECISION:
            return False
        pending += [following for following, _ in node.next_functions]
    return True
