"""How what a student's code computes depends on its parameters and on what it gets."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from autograder.messages import CheckFailed, add_texts
from autograder.replay import Replay, randomness

TEXTS = add_texts(__package__, "gradients")


def gradients(
    output: torch.Tensor,
    wanted: Sequence[torch.Tensor],
    running: Replay,
    *,
    cut: str = "gradient_cut",
    keep: bool = False,
) -> torch.Tensor:
    """Return the gradients of an output, its elements weighed by the seed, one after the other.

    A value may be right though a `.detach()` on the way to it keeps a layer from being trained.

    Args:
        output: computed from `wanted`, of any shape.
        wanted: tensors that require gradients.
        running: the replay.
        cut: key of what is said if the output does not depend on one of them, as far as autograd knows; where
            it is empty, some may have no part in the output, and count as 0.
        keep: whether the graph is needed once more.

    Raises:
        CheckFailed: with that key.
    """
    key = randomness.derive_key(running.seed, "weights of outputs", tuple(output.shape))
    weights = torch.from_numpy(randomness.normal(key, (math.prod(output.shape),))).reshape(output.shape)
    reached: Sequence[torch.Tensor | None] = [None] * len(wanted)
    if output.requires_grad and wanted:
        weighed = (output * weights.to(output.device, output.dtype)).sum()
        reached = torch.autograd.grad(weighed, wanted, allow_unused=True, retain_graph=keep)
    missing = sum(gradient is None for gradient in reached)
    if missing and cut:
        raise CheckFailed(cut, count=missing)
    return torch.cat([*map(flat_gradient, reached, wanted), torch.zeros(0, device=output.device)])


def flat_gradient(gradient: torch.Tensor | None, of: torch.Tensor) -> torch.Tensor:
    """Return a gradient as a vector, zeros where there is none."""
    return torch.zeros(of.numel(), device=of.device) if gradient is None else gradient.detach().reshape(-1)
