"""Backward passes and optimisers' steps that a replay does not look at give what they give when it does."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.checkpoint import checkpoint

from autograder.replay import Replay, replay
from autograder.replay.undispatched import own_optimizers

# Classes whose defaults would not do on the CPU, or that ask for other parameters than these networks have.
_UNUSUAL = {"SparseAdam", "Muon"}
OPTIMIZERS = {
    **{kind.__name__: kind for kind in own_optimizers() if kind.__name__ not in _UNUSUAL},
    "SGD with momentum": functools.partial(torch.optim.SGD, momentum=0.9, weight_decay=0.01),
    "Adam foreach": functools.partial(torch.optim.Adam, foreach=True),
    "Adam fused": functools.partial(torch.optim.Adam, fused=True),
    "Adam amsgrad": functools.partial(torch.optim.Adam, amsgrad=True),
}
LAYERS: list[Callable[[], nn.Module]] = [
    lambda: nn.Linear(6, 6),
    nn.ReLU,
    nn.Tanh,
    lambda: nn.Dropout(0.3),
    lambda: nn.BatchNorm1d(6),
    lambda: nn.LayerNorm(6),
    nn.ELU,
    lambda: nn.Sequential(nn.Unflatten(1, (2, 3)), nn.Conv1d(2, 2, 3, padding=1), nn.Flatten()),
]


def both_ways(program: Callable[[], torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor, list[int]]:
    """Return what a program computes unseen and seen, and how many operators were seen each time."""
    results, counts = [], []
    for watches in (False, True):
        seen = [0]

        def note(*_: Any, seen: list[int] = seen) -> None:
            seen[0] += 1

        with replay(3) as running:
            if watches:
                running.observers.append(note)
            results.append(program())
        counts.append(seen[0])
    return (*results, counts)


def train(
    layers: list[nn.Module], optimizer: Callable[..., torch.optim.Optimizer], steps: int = 3
) -> torch.Tensor:
    """Train a network a little; return all its parameters."""
    network = nn.Sequential(nn.Linear(6, 6), *layers, nn.Linear(6, 1))
    step = optimizer(network.parameters(), lr=1e-2)
    for _ in range(steps):
        step.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(
            network(torch.randn(5, 6)), torch.ones(5, 1)
        ).backward()
        step.step()
    return torch.cat([parameter.detach().ravel() for parameter in network.parameters()])


def assert_same(program: Callable[[], torch.Tensor]) -> None:
    unseen, seen, _ = both_ways(program)
    assert unseen.dtype == seen.dtype
    torch.testing.assert_close(unseen, seen, rtol=1e-12, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(LAYERS), max_size=5), st.sampled_from(sorted(OPTIMIZERS)))
def test_training_is_the_same_seen_and_unseen(layers: list[Callable[[], nn.Module]], name: str) -> None:
    assert_same(lambda: train([layer() for layer in layers], OPTIMIZERS[name]))


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_every_optimiser_steps_the_same_seen_and_unseen(name: str) -> None:
    assert_same(lambda: train([nn.Tanh(), nn.BatchNorm1d(6)], OPTIMIZERS[name]))


def test_second_derivatives_are_the_same_seen_and_unseen() -> None:
    def penalty() -> torch.Tensor:
        critic = nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 1))
        points = torch.randn(5, 6, requires_grad=True)
        (slopes,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
        ((slopes.norm(dim=1) - 1) ** 2).mean().backward()
        return torch.cat(
            [parameter.grad.ravel() for parameter in critic.parameters() if parameter.grad is not None]
        )

    assert_same(penalty)


def test_a_plain_backward_pass_and_step_go_by_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    plain = Replay.__torch_dispatch__

    def noting(self: Replay, func: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(str(func))
        return plain(self, func, *args, **kwargs)

    monkeypatch.setattr(Replay, "__torch_dispatch__", noting)
    with replay(3):
        network = nn.Linear(6, 1)
        optimizer = torch.optim.Adam(network.parameters())
        loss = network(torch.ones(5, 6)).sum()
        calls.clear()
        loss.backward()
        optimizer.step()
    assert not [name for name in calls if not name.startswith(("aten.ones_like", "profiler."))]


# --- what has to be seen ------------------------------------------------------------------------------


class RandomBackward(torch.autograd.Function):
    """Its gradient is random."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        return torch.rand(gradients[0].shape, dtype=torch.float32)


def random_function() -> torch.Tensor:
    x = torch.ones(4, requires_grad=True)
    RandomBackward.apply(x).sum().backward()
    return x.grad


def tensors_hook() -> torch.Tensor:
    x = torch.ones(4, requires_grad=True)
    x.register_hook(lambda gradient: torch.rand(4, dtype=torch.float32))
    (2 * x).sum().backward()
    return x.grad


def accumulating_hook() -> torch.Tensor:
    x, drawn = torch.ones(4, requires_grad=True), []
    x.register_post_accumulate_grad_hook(lambda _: drawn.append(torch.rand(4)))
    (2 * x).sum().backward()
    return drawn[0]


def modules_hook() -> torch.Tensor:
    layer = nn.Linear(4, 4)
    layer.register_full_backward_hook(lambda *_: (torch.rand(2, 4),))
    x = torch.ones(2, 4, requires_grad=True)
    layer(x).sum().backward()
    return x.grad


def recomputed(use_reentrant: bool) -> torch.Tensor:
    x = torch.ones(2, 4, requires_grad=True)
    checkpoint(
        lambda y: nn.functional.dropout(y, 0.5) * torch.rand(4), x, use_reentrant=use_reentrant
    ).sum().backward()
    return x.grad


def saved_tensors() -> torch.Tensor:
    x = torch.ones(4, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: torch.rand(4)):
        y = x * x
    y.sum().backward()
    return x.grad


def steps_hook() -> torch.Tensor:
    drawn, x = [], nn.Parameter(torch.ones(4))
    optimizer = torch.optim.SGD([x], lr=0.1)
    optimizer.register_step_post_hook(lambda *_: drawn.append(torch.rand(4)))
    x.sum().backward()
    optimizer.step()
    return drawn[0]


def own_optimiser() -> torch.Tensor:
    class Noisy(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            super().step(closure)
            for group in self.param_groups:
                for parameter in group["params"]:
                    parameter.data += torch.rand(4)

    x = nn.Parameter(torch.ones(4))
    optimizer = Noisy([x], lr=0.1)
    x.sum().backward()
    optimizer.step()
    return x.detach()


def closure() -> torch.Tensor:
    x = nn.Parameter(torch.ones(4))
    optimizer = torch.optim.SGD([x], lr=0.1)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = (x * torch.rand(4)).sum()
        value.backward()
        return value

    optimizer.step(loss)
    return x.detach()


def narrow_leaf() -> torch.Tensor:
    x = NARROW.clone().requires_grad_()
    (x.double() * torch.rand(4)).sum().backward()
    return x.grad


NARROW = torch.ones(4)


@pytest.mark.parametrize(
    "program",
    [
        random_function, tensors_hook, accumulating_hook, modules_hook, saved_tensors, steps_hook,
        own_optimiser, closure, narrow_leaf,
        functools.partial(recomputed, use_reentrant=True),
        functools.partial(recomputed, use_reentrant=False),
    ],
)  # fmt: skip
def test_code_that_draws_in_a_backward_pass_or_a_step_is_served_and_widened(
    program: Callable[[], torch.Tensor],
) -> None:
    unseen, seen, counts = both_ways(program)
    assert torch.equal(unseen, seen) and unseen.dtype == seen.dtype and counts[1] > 0


def test_functions_are_put_back() -> None:
    before = (torch.autograd._engine_run_backward, torch.optim.Adam.step, torch.Tensor.register_hook)
    with replay(1):
        assert torch.autograd._engine_run_backward is not before[0]
    assert before == (torch.autograd._engine_run_backward, torch.optim.Adam.step, torch.Tensor.register_hook)
