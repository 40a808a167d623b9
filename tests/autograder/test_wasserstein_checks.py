"""Checks of Wasserstein GANs: losses, interpolation, penalty, steps, rounds; and pictures as files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from autograder import open_lab
from autograder.key import AnswerKey
from autograder.session import Lab

SHAPE = (1, 4, 4)


@pytest.fixture
def lab(lab1_key: AnswerKey) -> Lab:
    return open_lab("lab1_sine_gan", language="en", key=lab1_key)


def seen(lab: Lab, check: str, *args: Any, **kwargs: Any) -> tuple[tuple[float, ...], str]:
    """Run one check; return what it observes and what it says."""
    with lab.marks("block", points=1) as block:
        getattr(block, check)("block.check", *args, points=1, **kwargs)
    observation = block.results[-1].observation
    assert observation is not None
    return observation.values, block.results[-1].message.render("en")


# --- losses ----------------------------------------------------------------------------------------


def loss_seen(lab: Lab, function: Any) -> tuple[tuple[float, ...], str]:
    return seen(lab, "loss", function, lab.supplied_batches("real", "fake", sample_shape=(1,)))


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda real, fake: None, "returns None"),
        (lambda real, fake: fake, r"as one number; it returns Tensor (17, 1)"),
        (lambda real, fake: fake.mean().item(), "no gradient flows through the loss"),
        (lambda real, fake: fake.mean().detach(), "no gradient flows through the loss"),
        (lambda real, fake: fake.mean() / 0.0, "NaN or infinite"),
        (0.5, "a function or a class was expected"),
    ],
)
def test_what_is_no_loss_is_described(lab: Lab, function: Any, said: str) -> None:
    assert said in loss_seen(lab, function)[1]


def test_a_loss_of_equal_value_and_another_gradient_is_told_apart(lab: Lab) -> None:
    whole, _ = loss_seen(lab, lambda real, fake: fake.mean() - real.mean())
    cut, _ = loss_seen(lab, lambda real, fake: fake.mean().detach() - real.mean())
    assert len(whole) == len(cut) and whole != cut


# --- parameters that a function changes ------------------------------------------------------------


def replace_parameters(network: Any, limit: float) -> None:
    for parameter in network.parameters():
        parameter.requires_grad_(False)
        parameter.clamp_(-limit, limit)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (
            lambda network, limit: [p.clamp(-limit, limit) for p in network.parameters()],
            "stayed as they were",
        ),
        (replace_parameters, "they cannot be trained"),
        (
            lambda network, limit: [p.clamp_(-limit, limit) for p in network.parameters()],
            "in-place operation",
        ),
        (3, "a function or a class was expected"),
    ],
)
def test_wrong_changes_of_parameters_are_described(lab: Lab, function: Any, said: str) -> None:
    assert said in seen(lab, "parameters_after", function, lab.supplied_discriminator(SHAPE), 0.1)[1]


# --- interpolation ---------------------------------------------------------------------------------


def mixed(draw: Callable[[int], torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda real, fake: real + draw(len(real)) * (fake - real)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (mixed(lambda n: torch.rand(n, *SHAPE)), "one weight per sample"),
        (mixed(lambda n: torch.randn(n, 1, 1, 1)), "outside the segment"),
        (mixed(lambda n: torch.rand(1)), "the same weight"),
        (mixed(lambda n: torch.rand(n, 1, 1, 1).sqrt()), "not those of one `torch.rand`"),
        (lambda real, fake: real[:, 0], "the shape is (17, 4, 4); (17, 1, 4, 4) was expected"),
        (None, "a function or a class was expected"),
    ],
)
def test_wrong_interpolations_are_described(lab: Lab, function: Any, said: str) -> None:
    assert said in seen(lab, "interpolation", function, sample_shape=SHAPE)[1]


def test_both_directions_of_an_interpolation_look_the_same(lab: Lab) -> None:
    there, _ = seen(lab, "interpolation", mixed(lambda n: torch.rand(n, 1, 1, 1)), sample_shape=SHAPE)
    back, _ = seen(lab, "interpolation", mixed(lambda n: 1 - torch.rand(n, 1, 1, 1)), sample_shape=SHAPE)
    assert there == pytest.approx(back, rel=1e-12)


def test_weights_that_stay_in_one_half_are_told_apart(lab: Lab) -> None:
    right, _ = seen(lab, "interpolation", mixed(lambda n: torch.rand(n, 1, 1, 1)), sample_shape=SHAPE)
    folded = mixed(lambda n: 0.5 - (torch.rand(n, 1, 1, 1) - 0.5).abs())
    values, said = seen(lab, "interpolation", folded, sample_shape=SHAPE)
    assert values != right and "not those of one `torch.rand`" in said


def test_an_interpolation_that_seeds_anew_is_told_apart(lab: Lab) -> None:
    def seeded(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(0)
        return real + torch.rand(len(real), 1, 1, 1) * (fake - real)

    right, _ = seen(lab, "interpolation", mixed(lambda n: torch.rand(n, 1, 1, 1)), sample_shape=SHAPE)
    assert seen(lab, "interpolation", seeded, sample_shape=SHAPE)[0] != right


# --- gradient penalty ------------------------------------------------------------------------------


def penalty(critic: Any, samples: torch.Tensor, *, create_graph: bool = True) -> torch.Tensor:
    samples.requires_grad_()
    (slopes,) = torch.autograd.grad(critic(samples).sum(), samples, create_graph=create_graph)
    return ((slopes.flatten(1).norm(dim=1) - 1) ** 2).mean()


def without_graph(critic: Any, samples: torch.Tensor) -> torch.Tensor:
    return penalty(critic, samples, create_graph=False)


def through_backward(critic: Any, samples: torch.Tensor) -> torch.Tensor:
    samples.requires_grad_()
    critic(samples).sum().backward(create_graph=True)
    assert samples.grad is not None
    return ((samples.grad.flatten(1).norm(dim=1) - 1) ** 2).mean()


@pytest.mark.parametrize(
    ("function", "order", "said"),
    [
        (without_graph, "gradient", "`create_graph=True`"),
        (through_backward, "gradient", "left gradients in the critic's parameters"),
        (lambda critic, samples: critic(samples), "value", "must be one number"),
        (lambda critic, samples: critic(samples).mean(), "value", "the value of the penalty"),
        (lambda critic, samples: critic(samples).mean(), "gradient", "parameters is not the one expected"),
        (lambda critic, samples: 0.5, "value", "a torch.Tensor was expected"),
        (None, "value", "a function or a class was expected"),
    ],
)
def test_wrong_penalties_are_described(lab: Lab, function: Any, order: str, said: str) -> None:
    assert said in seen(lab, "gradient_penalty", function, sample_shape=SHAPE, order=order)[1]


def test_the_graph_of_a_penalty_costs_its_own_marks_only(lab: Lab) -> None:
    options = {"sample_shape": SHAPE, "order": "value"}
    values, _ = seen(lab, "gradient_penalty", penalty, **options)
    assert len(values) >= 4 and len(set(values)) == len(values)
    assert seen(lab, "gradient_penalty", without_graph, **options)[0] == values


# --- steps -----------------------------------------------------------------------------------------


def critic_step(
    weight: float = 10.0, *, use_loss: bool = True, use_penalty: bool = True, detach: bool = True
) -> Callable[..., Any]:
    def step(
        critic: Any, generator: Any, optimizer: Any, loss_function: Any, penalty_function: Any, real: Any
    ) -> Any:
        optimizer.zero_grad()
        fake = generator(torch.randn(len(real), 3))
        fake = fake.detach() if detach else fake
        scores = critic(real), critic(fake)
        wasserstein = loss_function(*scores) if use_loss else scores[1].mean() - scores[0].mean()
        gp = penalty_function(critic, real, fake) if use_penalty else torch.zeros(())
        loss = wasserstein + weight * gp
        loss.backward()
        optimizer.step()
        return loss.item(), wasserstein.item(), gp.item()

    return step


def step_seen(lab: Lab, function: Any, check: str, updates: str = "critic") -> tuple[tuple[float, ...], str]:
    with lab.marks("block", points=1) as block:
        checks = block.wasserstein_step(function, updates=updates, latent_shape=(3,), sample_shape=SHAPE)
        getattr(checks, check)("block.check", points=1)
    observation = block.results[-1].observation
    assert observation is not None
    return observation.values, block.results[-1].message.render("en")


def penalised_through_the_generator(
    critic: Any, generator: Any, optimizer: Any, loss_function: Any, penalty_function: Any, real: Any
) -> None:
    fake = generator(torch.randn(len(real), 3))
    loss = loss_function(critic(real), critic(fake.detach())) + 10 * penalty_function(critic, real, fake)
    loss.backward()
    optimizer.step()


@pytest.mark.parametrize(
    ("function", "check", "said"),
    [
        (critic_step(use_loss=False), "loss", "`loss_function` was not used"),
        (critic_step(use_penalty=False), "loss", "`penalty_function` was not used"),
        (critic_step(weight=1.0), "loss", "what each of them receives"),
        (critic_step(detach=False), "isolation", "the loss of the critic filled the generator's gradients"),
        (penalised_through_the_generator, "isolation", "Cut the generated samples off"),
        (lambda *arguments: None, "scores", "returns None"),
        (lambda *arguments: (1.0, 2.0), "scores", "loss, Wasserstein, penalty. It returns tuple (2)"),
        (lambda *arguments: (1.0, 2.0, 3.0), "update", "parameters of the critic did not change"),
    ],
)
def test_wrong_critic_steps_are_described(lab: Lab, function: Any, check: str, said: str) -> None:
    assert said in step_seen(lab, function, check)[1]


def test_the_weight_of_the_penalty_costs_no_marks_for_zero_grad_and_isolation(lab: Lab) -> None:
    for check in ("zero_grad", "isolation"):
        right, light = (step_seen(lab, critic_step(weight), check)[0] for weight in (10.0, 1.0))
        assert right == pytest.approx(light, rel=1e-9)


def test_a_step_trains_the_critic_or_the_generator(lab: Lab) -> None:
    with pytest.raises(ValueError, match="'critic' or 'generator', not 'discriminator'"):
        lab.marks("block", points=1).wasserstein_step(
            print, updates="discriminator", latent_shape=(3,), sample_shape=SHAPE
        )


# --- rounds ----------------------------------------------------------------------------------------


def same_batch(batches: Any, critic_step: Any, generator_step: Any, critic_steps: int) -> Any:
    batch = next(batches)
    numbers = [critic_step(batch) for _ in range(critic_steps)]
    return *numbers[-1], generator_step(len(batch))


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (same_batch, "received the same batch"),
        (lambda b, c, g, n: (*c(next(b)), g(8)), "there were 1 and 1"),
        (lambda b, c, g, n: c(b), "received a generator; a batch was expected"),
        (lambda b, c, g, n: ([c(next(b)) for _ in range(n)], g(8)), "must return 4 things"),
        (lambda b, c, g, n: None, "there were 0 and 0"),
    ],
)
def test_wrong_rounds_are_described(lab: Lab, function: Any, said: str) -> None:
    assert said in seen(lab, "rounds", function)[1]


# --- pictures as files -----------------------------------------------------------------------------


def exporter(
    pixels: Callable[[torch.Tensor], torch.Tensor] = lambda images: ((images + 1) * 127.5).round(),
    name: str = "epoch_{epoch:03d}_image_{number:02d}.png",
    first: int = 15,
) -> Callable[..., None]:
    def export(images: torch.Tensor, folder: str, epoch: int, first_epoch: int) -> None:
        if epoch < first:
            return
        Path(folder).mkdir(parents=True, exist_ok=True)
        for number, picture in enumerate(pixels(images).to(torch.uint8).numpy(), start=1):
            Image.fromarray(picture[0]).save(Path(folder) / name.format(epoch=epoch, number=number))

    return export


def export_text(images: torch.Tensor, folder: str, epoch: int, first_epoch: int) -> None:
    exporter()(images, folder, epoch, first_epoch)
    for path in Path(folder).glob("*.png"):
        path.write_text("not a picture")


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (exporter(first=0), "after epoch 14 there are files already"),
        (exporter(first=16), "`epoch_015_image_01.png` is missing; the folder holds: —"),
        (exporter(name="image_{number}.png"), "is missing; the folder holds: image_1.png"),
        (exporter(pixels=lambda images: images * 255), "their pixels (from"),
        (exporter(pixels=lambda images: images[:, :, :8]), "has (8, 16) pixels; (16, 16) were expected"),
        (export_text, "is no picture that can be read"),
        (None, "a function or a class was expected"),
    ],
)
def test_wrong_exports_are_described(lab: Lab, function: Any, said: str) -> None:
    assert said in seen(lab, "exported_images", function)[1]


def test_exports_leave_no_file_behind(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    values, _ = seen(lab, "exported_images", exporter())
    assert len(values) >= 4 and list(tmp_path.iterdir()) == []
