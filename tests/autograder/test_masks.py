"""What a dropout multiplies by, whatever is done with its product afterwards."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F

from autograder.checks.masks import Masks
from autograder.replay import replay


def masks_of(program: Callable[[torch.Tensor], torch.Tensor]) -> list[torch.Tensor]:
    """Return the masks of a program that gets two rows of three numbers."""
    masks = Masks()
    with replay(1) as running:
        rows = torch.randn(2, 3)
        with running.observing(masks.observe):
            program(rows)
    return masks.used()


DROPPED = masks_of(lambda x: F.dropout(x, 0.4))


def leaky(x: torch.Tensor) -> torch.Tensor:
    return torch.where(x < 0, 0.2 * x, x)


@pytest.mark.parametrize(
    "program",
    [
        lambda x: F.dropout(3 * x, 0.4),
        lambda x: (torch.rand_like(x) < 0.6) * x / 0.6,
        lambda x: x * (torch.rand(2, 3) < 0.6).double() * (1 / 0.6),
        lambda x: torch.where(torch.rand(2, 3) < 0.6, x, torch.zeros(())) / 0.6,
        lambda x: leaky(F.dropout(x, 0.4)),
        lambda x: leaky((torch.rand_like(x) < 0.6) * x / 0.6),
        lambda x: torch.maximum(F.dropout(x, 0.4), 0.2 * F.relu(x)),
        lambda x: F.dropout(leaky(x), 0.4),
    ],
)
def test_a_mask_is_the_same_however_it_is_laid_on_and_whatever_follows(
    program: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    (mask,) = masks_of(program)
    torch.testing.assert_close(mask.reshape(2, 3), DROPPED[0].reshape(2, 3))


@pytest.mark.parametrize(
    "program",
    [
        lambda x: (torch.rand_like(x) < 0.6) * x,
        lambda x: (torch.rand_like(x) < 0.6) * x / 0.5,
        lambda x: F.dropout(x, 0.4) * 0.6,
        lambda x: F.dropout(x, 0.5),
    ],
)
def test_another_scale_is_another_mask(program: Callable[[torch.Tensor], torch.Tensor]) -> None:
    (mask,) = masks_of(program)
    assert not torch.allclose(mask.reshape(2, 3), DROPPED[0].reshape(2, 3))
