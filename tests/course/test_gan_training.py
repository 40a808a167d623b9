"""A whole training: its short last batch, what its steps receive, what is called at the end of an epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from autograder import open_lab
from autograder.judge import record
from course.checks.gan_training import TRAINING_BATCH
from course.training import LossHistory

End = Callable[[Any, int, nn.Module, nn.Module], None]


def at_the_end(call: Any, epoch: int, discriminator: nn.Module, generator: nn.Module) -> None:
    call(epoch, generator)


def train_with(
    end: End = at_the_end,
    *,
    size: Callable[[torch.Tensor], Any] = len,
    drop_last: bool = False,
    swapped: bool = False,
    before: bool = False,
) -> Callable[..., Any]:
    """Return a training that is right, but for what is asked of it here."""

    def train(
        discriminator: Any, generator: Any, train_set: Any, num_epochs: int, d_step: Any, g_step: Any,
        on_epoch_end: Any = None,
    ) -> LossHistory:  # fmt: skip
        history = LossHistory()
        loader = DataLoader(train_set, batch_size=32, shuffle=True, drop_last=drop_last)
        optimizers = [torch.optim.Adam(each.parameters(), lr=0.001) for each in (discriminator, generator)]
        networks = (generator, discriminator) if swapped else (discriminator, generator)
        loss = nn.BCELoss()
        for epoch in range(num_epochs):
            if before and on_epoch_end is not None:
                end(on_epoch_end, epoch, discriminator, generator)
            for samples, _ in loader:
                d_loss = d_step(discriminator, generator, optimizers[0], loss, samples)
                g_loss = g_step(*networks, optimizers[1], loss, size(samples))
                history.record(discriminator=d_loss, generator=g_loss)
            if not before and on_epoch_end is not None:
                end(on_epoch_end, epoch, discriminator, generator)
        return history

    return train


def said(train: Callable[..., Any], check: str) -> tuple[str | None, str]:
    """Return the key of what a check of a training finds wrong, and what it says."""
    with record(7):
        lab = open_lab("any", language="en")
    with lab.marks("block", points=1) as block:
        checks = block.gan_training(train, latent_shape=(2,), sample_shape=(2,))
        getattr(checks, check)("block.check", points=1)
    observation = block.results[-1].observation
    assert observation is not None
    return observation.error, block.results[-1].message.render("en")


@pytest.mark.parametrize(
    ("end", "key"),
    [
        (lambda call, epoch, d, g: None, "epoch_end_calls"),
        (lambda call, epoch, d, g: [call(epoch, g), call(epoch, g)], "epoch_end_calls"),
        (lambda call, epoch, d, g: call(), "epoch_end_arguments"),
        (lambda call, epoch, d, g: call(epoch), "epoch_end_arguments"),
        (lambda call, epoch, d, g: call(epoch, g, d), "epoch_end_arguments"),
        (lambda call, epoch, d, g: call(g, epoch), "epoch_end_generator"),
        (lambda call, epoch, d, g: call(epoch, d), "epoch_end_generator"),
        (lambda call, epoch, d, g: call(float(epoch), g), "epoch_end_type"),
        (lambda call, epoch, d, g: call(epoch + 1, g), "epoch_end_number"),
        (lambda call, epoch, d, g: call(0, g), "epoch_end_number"),
    ],
)
def test_the_end_of_an_epoch_is_told_once_with_its_number_and_the_generator(end: End, key: str) -> None:
    assert said(train_with(end), "epoch_end")[0] == key


def test_the_end_of_an_epoch_is_not_its_beginning() -> None:
    assert said(train_with(before=True), "epoch_end")[0] == "epoch_end_place"


@pytest.mark.parametrize(
    "end",
    [
        at_the_end,
        lambda call, epoch, d, g: call(epoch=epoch, generator=g),
        lambda call, epoch, d, g: call(epoch, generator=g),
        lambda call, epoch, d, g: call(torch.tensor(epoch), g),
    ],
)
def test_the_end_of_an_epoch_may_be_told_by_position_or_name(end: End) -> None:
    assert said(train_with(end), "epoch_end")[0] is None


def test_a_mistake_at_the_end_of_an_epoch_costs_nothing_else() -> None:
    train = train_with(lambda call, epoch, d, g: call())
    assert said(train, "steps")[0] is None and said(train, "optimizers")[0] is None


@pytest.mark.parametrize(
    ("train", "key"),
    [
        (train_with(drop_last=True), "wrong_steps"),
        (train_with(size=lambda samples: TRAINING_BATCH), "step_batch_size"),
        (train_with(size=lambda samples: samples), "step_batch_size_type"),
        (train_with(swapped=True), "step_networks"),
        (train_with(), None),
    ],
)
def test_what_a_step_receives_is_looked_at(train: Callable[..., Any], key: str | None) -> None:
    assert said(train, "steps")[0] == key


def test_batches_of_another_size_cost_nothing_at_the_end_of_an_epoch() -> None:
    assert said(train_with(drop_last=True), "epoch_end")[0] is None


def test_the_batch_size_is_said_where_it_is_wrong() -> None:
    text = said(train_with(size=lambda samples: TRAINING_BATCH), "steps")[1]
    assert "received 32" in text and "len(real_samples)" in text
