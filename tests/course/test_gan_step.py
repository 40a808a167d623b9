"""What a step, and a function that looks at a network, may do with what is lent to it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from autograder import open_lab
from autograder.judge import record
from autograder.replay import replay
from course.checks.gan_networks import (
    BlindLoss,
    NamedBCELoss,
    blind_generator,
    small_generator,
)
from tests.notebook_code import run_cell

LATENT, SAMPLE = (3, 1, 1), (1, 4, 4)


def step(discriminator: Any, generator: Any, optimizer: Any, loss: Any, images: Any, again: str = "") -> Any:
    """Train a discriminator with separate passes; one of them, or the generator's, is done again."""
    optimizer.zero_grad()
    latent = torch.randn(len(images), *LATENT)
    fake = generator(latent).detach()
    real_output, fake_output = discriminator(images), discriminator(fake)
    if again == "discriminator":
        real_output = discriminator(images)
    if again == "generator":
        generator(latent)
    value = loss(real_output, torch.ones_like(real_output)) + loss(fake_output, torch.zeros_like(fake_output))
    value.backward()
    optimizer.step()
    return value.item(), real_output.mean().item(), fake_output.mean().item()


@pytest.mark.parametrize(
    ("again", "key"), [("", None), ("discriminator", "extra_passes"), ("generator", "extra_passes")]
)
def test_one_pass_gives_loss_and_score(again: str, key: str | None) -> None:
    with record(7):
        lab = open_lab("any", language="en")
    with lab.marks("block", points=1) as block:
        checks = block.gan_step(
            lambda *arguments: step(*arguments, again=again),
            updates="discriminator", latent_shape=LATENT, sample_shape=SAMPLE, separate_passes=True,
        )  # fmt: skip
        checks.scores("block.scores", points=1)
    (result,) = block.results
    assert result.observation is not None and result.observation.error == key
    assert key is None or again in result.message.render("en")


@pytest.mark.parametrize("network", ["discriminator", "generator"])
def test_no_batch_counts_that_went_through_in_eval_mode(network: str) -> None:
    def in_eval(discriminator: Any, generator: Any, *others: Any) -> Any:
        used = {"discriminator": discriminator, "generator": generator}[network]
        used.eval()
        returned = step(discriminator, generator, *others)
        used.train()
        return returned

    with record(7):
        lab = open_lab("any", language="en")
    with lab.marks("block", points=1) as block:
        settings: dict[str, Any] = {
            "updates": "discriminator",
            "latent_shape": LATENT,
            "sample_shape": SAMPLE,
        }
        block.gan_step(in_eval, **settings, separate_passes=True).update("block.update", points=1)
    (result,) = block.results
    assert result.message.key == "pass_in_eval" and network in result.message.render("en")


def test_it_is_the_generator_itself_that_draws_and_learns_statistics() -> None:
    def with_a_copy(discriminator: Any, generator: Any, *others: Any) -> Any:
        return step(discriminator, copy.deepcopy(generator), *others)

    with record(7):
        lab = open_lab("any", language="en")
    with lab.marks("block", points=1) as block:
        checks = block.gan_step(
            with_a_copy,
            updates="discriminator",
            latent_shape=LATENT,
            sample_shape=SAMPLE,
            separate_passes=True,
        )
        checks.update("block.update", points=1)
    (result,) = block.results
    assert result.message.key == "statistics_still" and "generator learns" in result.message.render("en")


def said(step: Callable[..., Any], check: str, **settings: Any) -> str | None:
    """Return the key of what a check of a generator's step says; where values are wrong, of what it finds."""
    with record(7):
        lab = open_lab("any", language="en")
    with lab.marks("block", points=1) as block:
        checks = block.gan_step(step, updates="generator", latent_shape=(3,), sample_shape=(2,), **settings)
        getattr(checks, check)("block.check", points=1)
        error = block.results[-1].observation.error
        return error or str(checks._describe_wrong_loss().key)


@pytest.mark.parametrize("check", ["update", "zero_grad", "isolation"])
def test_a_step_to_the_wrong_side_costs_the_marks_of_update_only(check: str) -> None:
    def numbers(sign: int) -> tuple[float, ...]:
        step = generator_step(
            lambda loss, output: loss.item(),
            lambda loss, output: sign * loss(output, torch.ones_like(output)),
        )
        with record(7):
            lab = open_lab("any", language="en")
        with lab.marks("block", points=1) as block:
            checks = block.gan_step(step, updates="generator", latent_shape=(3,), sample_shape=(2,))
            getattr(checks, check)("block.check", points=1)
            return tuple(block.results[-1].observation.values)

    right, wrong = numbers(1), numbers(-1)
    assert (right != pytest.approx(wrong)) == (check == "update")


@pytest.mark.parametrize("check", ["loss", "update", "zero_grad", "isolation"])
def test_how_many_random_numbers_a_step_draws_after_its_loss_changes_no_check(check: str) -> None:
    def numbers(further: int) -> tuple[float, ...]:
        def value(loss: torch.Tensor, output: torch.Tensor) -> float:
            torch.randn(further)
            return loss.item()

        with record(7):
            lab = open_lab("any", language="en")
        with lab.marks("block", points=1) as block:
            step = generator_step(value, towards_one)
            checks = block.gan_step(step, updates="generator", latent_shape=(3,), sample_shape=(2,))
            getattr(checks, check)("block.check", points=1)
            return tuple(block.results[-1].observation.values)

    assert numbers(0) == numbers(5)


def generator_step(
    value: Callable[[torch.Tensor, torch.Tensor], Any], compute: Callable[[Any, torch.Tensor], torch.Tensor]
) -> Callable[..., Any]:
    def step(discriminator: Any, generator: Any, optimizer: Any, loss_function: Any, batch_size: int) -> Any:
        optimizer.zero_grad()
        output = discriminator(generator(torch.randn(batch_size, 3)))
        loss = compute(loss_function, output)
        loss.backward()
        optimizer.step()
        return value(loss, output)

    return step


def towards_one(loss_function: Any, output: torch.Tensor) -> Any:
    return loss_function(output, torch.ones_like(output))


def test_a_mean_output_in_the_place_of_the_loss_is_named() -> None:
    assert (
        said(generator_step(lambda loss, output: output.mean(), towards_one), "loss") == "loss_is_mean_output"
    )


def test_arguments_of_the_loss_in_the_wrong_order_are_named() -> None:
    step = generator_step(
        lambda loss, output: loss, lambda function, output: function(torch.ones_like(output), output)
    )
    assert said(step, "loss") == "loss_arguments_swapped"
    assert said(step, "update") == "moved_beyond_numbers"


# --- loss functions ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [NamedBCELoss(), BlindLoss()])
@pytest.mark.parametrize(
    "names", [("input", "target"), ("output", "labels"), ("outputs", "labels"), ("salida", "etiquetas")]
)
def test_a_loss_takes_its_arguments_by_any_name_that_is_in_use(
    loss: nn.Module, names: tuple[str, str]
) -> None:
    outputs, labels = torch.rand(5, 1), torch.ones(5, 1)
    expected = loss(outputs, labels)
    assert torch.equal(loss(**dict(zip(names, (outputs, labels), strict=True))), expected)
    assert torch.equal(loss(outputs, **{names[1]: labels}), expected)


@pytest.mark.parametrize("call", [lambda loss, t: loss(t), lambda loss, t: loss(t, t, weight=t)])
def test_a_loss_refuses_other_arguments(call: Callable[[Any, torch.Tensor], Any]) -> None:
    with pytest.raises(TypeError, match="output and labels"):
        call(BlindLoss(), torch.rand(3, 1))


# --- what is lent ------------------------------------------------------------------------------------------


def test_generated_pictures_lie_between_minus_one_and_one() -> None:
    with replay(7) as running:
        latent = torch.full((9, 3), 50.0)
        pictures = [small_generator((3,), SAMPLE, running), blind_generator(SAMPLE, running)]
        assert all(bool((network(latent).abs() <= 1).all()) for network in pictures)
        assert bool((small_generator((3,), (2,), running)(latent).abs() > 1).any())


DOUBLE_LABELS = """
import torch
def step(discriminator, generator, optimizer, loss_function, batch_size):
    device = next(generator.parameters()).device
    output = discriminator(generator(torch.randn(batch_size, 3, device=device)))
    loss = loss_function(output, torch.ones(batch_size, 1, dtype=torch.float64, device=device))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
"""


def test_labels_of_another_precision_are_found_as_the_loss_would_find_them() -> None:
    assert said(run_cell(DOUBLE_LABELS)["step"], "loss") == "float_mixed"
    assert said(run_cell(DOUBLE_LABELS.replace("dtype=torch.float64, ", ""))["step"], "loss") != "float_mixed"
