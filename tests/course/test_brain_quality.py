"""The split that all labs on brain images share, and how far generated pictures are from real ones."""

from __future__ import annotations

import hashlib

import pytest
import torch

from course.data import Brains, brain_phantoms, split_brains
from course.metrics import sliced_wasserstein


@pytest.fixture(scope="module")
def brains() -> Brains:
    return brain_phantoms()


def test_the_split_is_stratified_complete_and_always_the_same(brains: Brains) -> None:
    training, test = split_brains(brains)
    assert [int((part.labels == 1).sum()) for part in (training, test)] == [124, 31]
    assert [len(training), len(test)] == [202, 51]
    together = torch.cat([training.pixels, test.pixels]).flatten(1)
    assert len(together.unique(dim=0)) == len(brains.pixels.flatten(1).unique(dim=0)) == 253
    # A generator trained last month must not meet its pictures in this month's test.
    digest = hashlib.sha256(test.pixels.numpy().tobytes()).hexdigest()
    assert digest.startswith("616989a473e2101d")


def test_one_class_is_chosen_by_name(brains: Brains) -> None:
    assert brains.of_class("no").shape == (98, 1, 32, 32)
    assert torch.equal(brains.of_class("yes"), brains.images[98:])
    with pytest.raises(ValueError, match="choose one of no, yes"):
        brains.of_class("maybe")


def test_sliced_wasserstein_is_the_distance_of_a_shift_and_knows_no_order() -> None:
    images = torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert sliced_wasserstein(images, images.flip(0)) == pytest.approx(0.0, abs=1e-12)
    shifted = sliced_wasserstein(images, images + 0.5)
    assert shifted == pytest.approx(2 * sliced_wasserstein(images, images + 0.25), rel=1e-5)
    assert shifted == pytest.approx(sliced_wasserstein(images + 0.5, images), rel=1e-12)


def test_sliced_wasserstein_tells_brains_from_noise(brains: Brains) -> None:
    training, test = split_brains(brains)
    floor = sliced_wasserstein(test.images, training.images)
    noise = sliced_wasserstein(torch.rand_like(test.images) * 2 - 1, training.images)
    assert floor < 0.1 < noise


@pytest.mark.parametrize("samples", [torch.zeros(0, 1, 8, 8), torch.zeros(3, 1, 8, 9)])
def test_pictures_that_cannot_be_compared_are_described(samples: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="two sets of pictures of one shape are needed"):
        sliced_wasserstein(samples, torch.zeros(3, 1, 8, 8))
