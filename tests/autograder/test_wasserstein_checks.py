"""Checks of Wasserstein GANs: losses, interpolation, penalty, steps, rounds; and pictures as files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import nn

from autograder import open_lab
from autograder.checks.sizes import BATCHES, drawn_sizes
from autograder.key import AnswerKey
from autograder.replay.randomness import seed_of
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


def batch_sizes(lab: Lab) -> tuple[int, ...]:
    """Return the sizes of the batches of a cell's checks."""
    return lab.marks("block", points=1).batch_sizes


# --- losses ----------------------------------------------------------------------------------------


def loss_seen(lab: Lab, function: Any) -> tuple[tuple[float, ...], str]:
    return seen(lab, "loss", function, lab.supplied_batches("real", "fake", sample_shape=(1,)))


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda real, fake: None, "returns None"),
        (lambda real, fake: fake, "as one number; it returns Tensor ({n}, 1)"),
        (lambda real, fake: fake.mean().item(), "No gradient flows through the loss"),
        (lambda real, fake: fake.mean().detach(), "No gradient flows through the loss"),
        (lambda real, fake: fake.mean() / 0.0, "NaN or infinite"),
        (0.5, "A function or a class was expected"),
    ],
)
def test_what_is_no_loss_is_described(lab: Lab, function: Any, said: str) -> None:
    n, *_ = drawn_sizes(seed_of(lab.judge.seed, "block.check"), "batches", BATCHES)
    assert said.replace("{n}", str(n)) in loss_seen(lab, function)[1]


def test_a_loss_of_equal_value_and_another_gradient_is_told_apart(lab: Lab) -> None:
    whole, _ = loss_seen(lab, lambda real, fake: fake.mean() - real.mean())
    cut, _ = loss_seen(lab, lambda real, fake: fake.mean().detach() - real.mean())
    assert len(whole) == len(cut) and whole != cut


# --- parameters that a function changes ------------------------------------------------------------


def clip(parameters: Callable[[Any], Any] = lambda network: network.parameters()) -> Callable[..., None]:
    def clip_weights(network: Any, limit: float) -> None:
        with torch.no_grad():
            for parameter in parameters(network):
                parameter.clamp_(-limit, limit)

    return clip_weights


def clip_known_layers(network: Any, limit: float) -> None:
    known = (layer for layer in network.modules() if isinstance(layer, (nn.Conv2d, nn.Linear)))
    clip(lambda network: [p for layer in known for p in layer.parameters()])(network, limit)


def clip_and_clear(network: Any, limit: float) -> None:
    clip()(network, limit)
    network.zero_grad()


def freeze_parameters(network: Any, limit: float) -> None:
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
        (freeze_parameters, "leaves `requires_grad = False` on parameters of `network`"),
        (lambda network, limit: delattr(network[1], "bias"), "they cannot be trained"),
        (
            lambda network, limit: [p.clamp_(-limit, limit) for p in network.parameters()],
            "was changed in place",
        ),
        (
            lambda network, limit: nn.utils.clip_grad_norm_(network.parameters(), limit),
            "gradients changed",
        ),
        (clip_and_clear, "their gradients changed too"),
        (clip(lambda network: network.state_dict().values()), "statistics of the normalisation changed"),
        (clip_known_layers, "stayed outside"),
        (clip_known_layers, "in gains, norm.weight, norm.bias, dense.2.weight, dense.2.bias."),
        (lambda network, limit: clip()(network, limit / 2), "ll parameters lie within the limits"),
        (lambda network, limit: clip()(network, 0.2), "outside [-0.0584, 0.0584] in all parameters"),
        (3, "A function or a class was expected"),
    ],
)
def test_wrong_changes_of_parameters_are_described(lab: Lab, function: Any, said: str) -> None:
    assert said in seen(lab, "clipped_parameters", function)[1]


def test_parameters_may_be_clipped_as_data_or_copied(lab: Lab) -> None:
    def copied(network: Any, limit: float) -> None:
        for parameter in network.parameters():
            parameter.data = parameter.data.clamp(-limit, limit)

    right, _ = seen(lab, "clipped_parameters", clip())
    assert len(right) >= 4 and seen(lab, "clipped_parameters", copied)[0] == right


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (
            lambda network, limit: [p.clamp(-limit, limit) for p in network.parameters()],
            "stayed as they were",
        ),
        (3, "A function or a class was expected"),
    ],
)
def test_wrong_changes_of_another_network_are_described(lab: Lab, function: Any, said: str) -> None:
    assert said in seen(lab, "parameters_after", function, lab.supplied_discriminator(SHAPE), 0.1)[1]


# --- interpolation ---------------------------------------------------------------------------------


def mixed(draw: Callable[[int], torch.Tensor]) -> Callable[..., torch.Tensor]:
    return lambda real, fake: real + draw(len(real)).to(real.device) * (fake - real)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (mixed(lambda n: torch.rand(n, *SHAPE)), "one weight per sample"),
        (lambda real, fake: 0.25 * real + 0.5 * fake, "0.25 times the real one plus 0.5 times the generated"),
        (mixed(lambda n: torch.randn(n, 1, 1, 1)), "outside the segment"),
        (mixed(lambda n: torch.rand(1)), "the same weight"),
        (mixed(lambda n: torch.rand(n, 1, 1, 1).sqrt()), "not those of one `torch.rand`"),
        (lambda real, fake: real[:, 0], "The shape is ({n}, 4, 4); ({n}, 1, 4, 4) was expected"),
        (None, "A function or a class was expected"),
    ],
)
def test_wrong_interpolations_are_described(lab: Lab, function: Any, said: str) -> None:
    said = said.replace("{n}", str(batch_sizes(lab)[0]))
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
        return real + torch.rand(len(real), 1, 1, 1, device=real.device) * (fake - real)

    assert "Your code sets a seed" in seen(lab, "interpolation", seeded, sample_shape=SHAPE)[1]


# --- gradient penalty ------------------------------------------------------------------------------


def penalty(critic: Any, samples: torch.Tensor, *, create_graph: bool = True) -> torch.Tensor:
    samples = samples.detach().requires_grad_()
    (slopes,) = torch.autograd.grad(critic(samples).sum(), samples, create_graph=create_graph)
    return ((slopes.flatten(1).norm(dim=1) - 1) ** 2).mean()


def without_graph(critic: Any, samples: torch.Tensor) -> torch.Tensor:
    return penalty(critic, samples, create_graph=False)


def through_backward(critic: Any, samples: torch.Tensor) -> torch.Tensor:
    samples = samples.detach().requires_grad_()
    critic(samples).sum().backward(create_graph=True)
    assert samples.grad is not None
    return ((samples.grad.flatten(1).norm(dim=1) - 1) ** 2).mean()


@pytest.mark.parametrize(
    ("function", "order", "said"),
    [
        (without_graph, "gradient", "`create_graph=True`"),
        (through_backward, "gradient", "leaves gradients in the parameters of `critic`"),
        (lambda critic, samples: critic(samples), "value", "must be one number"),
        (lambda critic, samples: critic(samples).mean(), "value", "The value of the penalty"),
        (lambda critic, samples: critic(samples).mean(), "gradient", "parameters is not the one expected"),
        (lambda critic, samples: 0.5, "value", "a torch.Tensor was expected"),
        (None, "value", "A function or a class was expected"),
    ],
)
def test_wrong_penalties_are_described(lab: Lab, function: Any, order: str, said: str) -> None:
    assert said in seen(lab, "gradient_penalty", function, sample_shape=SHAPE, order=order)[1]


def test_the_graph_of_a_penalty_costs_its_own_marks_only(lab: Lab) -> None:
    options = {"sample_shape": SHAPE, "order": "value"}
    values, _ = seen(lab, "gradient_penalty", penalty, **options)
    assert len(values) >= 4 and len(set(values)) == len(values)
    assert seen(lab, "gradient_penalty", without_graph, **options)[0] == values


def asking(critic: Any, samples: torch.Tensor) -> torch.Tensor:
    next(critic.parameters())
    return penalty(critic, samples)


def test_a_critic_that_is_only_called_is_enough_where_the_notebook_has_such_a_one(lab: Lab) -> None:
    options = {"sample_shape": SHAPE, "order": "value"}
    assert seen(lab, "gradient_penalty", asking, **options)[0]
    assert seen(lab, "gradient_penalty", penalty, **options, called=True)[0]
    assert "parameters" in seen(lab, "gradient_penalty", asking, **options, called=True)[1]


# --- steps -----------------------------------------------------------------------------------------


def critic_step(
    weight: float = 10.0,
    *,
    sign: float = 1.0,
    use_loss: bool = True,
    use_penalty: bool = True,
    detach: bool = True,
    clear: str = "early",
    backward: bool = True,
) -> Callable[..., Any]:
    def step(
        critic: Any, generator: Any, optimizer: Any, loss_function: Any, penalty_function: Any, real: Any
    ) -> Any:
        if clear == "early":
            optimizer.zero_grad()
        fake = generator(torch.randn(len(real), 3, device=real.device))
        fake = fake.detach() if detach else fake
        scores = critic(real), critic(fake)
        wasserstein = sign * (loss_function(*scores) if use_loss else scores[1].mean() - scores[0].mean())
        gp = penalty_function(critic, real, fake) if use_penalty else torch.zeros((), device=real.device)
        loss = wasserstein + weight * gp
        if backward:
            loss.backward()
        if clear == "late":
            optimizer.zero_grad()
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
    fake = generator(torch.randn(len(real), 3, device=real.device))
    loss = loss_function(critic(real), critic(fake.detach())) + 10 * penalty_function(critic, real, fake)
    loss.backward()
    optimizer.step()


@pytest.mark.parametrize(
    ("function", "check", "said"),
    [
        (critic_step(use_loss=False), "loss", "`loss_function` was not used"),
        (critic_step(use_penalty=False), "loss", "`penalty_function` was not used"),
        (critic_step(weight=1.0), "loss", "what each of them receives"),
        (critic_step(detach=False), "isolation", "The loss of the critic filled the generator's gradients"),
        (penalised_through_the_generator, "isolation", "Cut the generated samples off"),
        (lambda *arguments: None, "scores", "returns None"),
        (lambda *arguments: (1.0, 2.0), "scores", "loss, Wasserstein, penalty. It returns tuple (2)"),
        (lambda *arguments: (1.0, 2.0, 3.0), "update", "`step()` of the optimiser was not called"),
        (critic_step(clear="late"), "update", "`zero_grad()` cleared the gradients before `step()`"),
        (critic_step(backward=False), "update", "when `step()` was called they had no gradients"),
    ],
)
def test_wrong_critic_steps_are_described(lab: Lab, function: Any, check: str, said: str) -> None:
    assert said in step_seen(lab, function, check)[1]


@pytest.mark.parametrize(
    "wrong",
    [
        critic_step(weight=1.0),
        critic_step(sign=-1.0),
        critic_step(use_loss=False),
        critic_step(use_loss=False, sign=-1.0),
        critic_step(use_penalty=False),
    ],
)
def test_a_wrong_loss_costs_no_marks_for_zero_grad_and_isolation(lab: Lab, wrong: Any) -> None:
    for check in ("zero_grad", "isolation"):
        right, other = (step_seen(lab, function, check)[0] for function in (critic_step(), wrong))
        assert right == pytest.approx(other, rel=1e-9)


def test_gradients_from_before_show_whatever_the_loss_is(lab: Lab) -> None:
    for sign in (1.0, -1.0):
        kept = critic_step(sign=sign, clear="never")
        assert "`zero_grad()`" in step_seen(lab, kept, "zero_grad")[1]


def generator_step(sign: float = 1.0, *, named: bool = False) -> Callable[..., float]:
    def step(critic: Any, generator: Any, optimizer: Any, loss_function: Any, batch_size: int) -> float:
        optimizer.zero_grad()
        device = next(generator.parameters()).device
        scores = critic(generator(torch.randn(batch_size, 3, device=device)))
        loss = sign * (loss_function(scores_fake=scores) if named else loss_function(scores))
        loss.backward()
        optimizer.step()
        return float(loss)

    return step


def test_the_sign_of_the_generators_loss_costs_its_own_marks_only(lab: Lab) -> None:
    for check, alike in {"loss": False, "update": False, "zero_grad": True, "isolation": True}.items():
        right, wrong = (step_seen(lab, generator_step(s), check, "generator")[0] for s in (1.0, -1.0))
        assert (wrong == pytest.approx(right, rel=1e-9)) is alike, check


def test_the_functions_lent_take_the_names_that_the_text_gives_their_arguments(lab: Lab) -> None:
    def named(
        critic: Any, generator: Any, optimizer: Any, loss_function: Any, penalty_function: Any, real: Any
    ) -> Any:
        optimizer.zero_grad()
        fake = generator(torch.randn(len(real), 3, device=real.device)).detach()
        wasserstein = loss_function(scores_real=critic(real), scores_fake=critic(fake))
        gp = penalty_function(critic=critic, real_images=real, fake_images=fake)
        loss = wasserstein + 10.0 * gp
        loss.backward()
        optimizer.step()
        return loss.item(), wasserstein.item(), gp.item()

    for check in ("loss", "scores", "update"):
        assert step_seen(lab, named, check)[0] == step_seen(lab, critic_step(), check)[0]
    by_name, by_place = (
        step_seen(lab, generator_step(named=n), "loss", "generator")[0] for n in (True, False)
    )
    assert by_name == by_place and by_name


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


def played(
    *, lost: int = 0, size: Any = len, returned: Callable[[Any, float], Any] = lambda c, g: (*c[-1], g)
) -> Callable[..., Any]:
    def train_round(batches: Any, critic_step: Any, generator_step: Any, critic_steps: int) -> Any:
        numbers = []
        for _ in range(critic_steps):
            batch = next(batches)
            numbers.append(critic_step(real_images=batch))
        for _ in range(lost):
            next(batches)
        return returned(numbers, generator_step(batch_size=size(batch)))

    return train_round


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (same_batch, "received the same batch"),
        (lambda b, c, g, n: (*c(next(b)), g(8)), "there were 1 and 1"),
        (lambda b, c, g, n: c(b), "received a generator; a batch was expected"),
        (lambda b, c, g, n: ([c(next(b)) for _ in range(n)], g(8)), "must return 4 things"),
        (lambda b, c, g, n: None, "there were 0 and 0"),
        (played(lost=1), "Each step takes one by `next(batches)`, and none is lost"),
        (played(size=lambda batch: batch), "received a Tensor; the size of the last batch was expected"),
        (played(size=lambda batch: 16), "received 16; the last batch held"),
        (played(returned=lambda c, g: (*c[0], g)), "the three that the critic's last step gave"),
        (played(returned=lambda c, g: (g, *c[-1])), "the three that the critic's last step gave"),
    ],
)
def test_wrong_rounds_are_described(lab: Lab, function: Any, said: str) -> None:
    assert said in seen(lab, "rounds", function)[1]


def test_steps_of_a_round_may_be_called_by_name(lab: Lab) -> None:
    values, _ = seen(lab, "rounds", played())
    assert len(values) >= 4
    assert values == seen(lab, "rounds", lambda b, c, g, n: played()(b, c, g, n))[0]


# --- pictures as files -----------------------------------------------------------------------------


def rounded(images: torch.Tensor) -> torch.Tensor:
    return ((images + 1) * 127.5).round()


def exporter(
    pixels: Callable[[torch.Tensor], torch.Tensor] = rounded,
    name: str = "epoch_{epoch:03d}_image_{number:02d}.png",
    since: int = 0,
    folder: Callable[[str], str] = lambda folder: folder,
    kind: str = "PNG",
    mode: str = "L",
    extra: str = "",
) -> Callable[..., None]:
    def export(images: torch.Tensor, received: str, epoch: int, first_epoch: int) -> None:
        if epoch < first_epoch + since:
            return
        target = Path(folder(received))
        target.mkdir(parents=True, exist_ok=True)
        for number, picture in enumerate(pixels(images).to(torch.uint8).numpy(), start=1):
            path = target / name.format(epoch=epoch, number=number)
            Image.fromarray(picture[0]).convert(mode).save(path, format=kind)
        if extra:
            (Path(received) / extra).write_text("more")

    return export


def export_text(images: torch.Tensor, folder: str, epoch: int, first_epoch: int) -> None:
    exporter()(images, folder, epoch, first_epoch)
    for path in Path(folder).glob("*.png"):
        path.write_text("not a picture")


def export_folder_first(images: torch.Tensor, folder: str, epoch: int, first_epoch: int) -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    exporter()(images, folder, epoch, first_epoch)


def stretched(images: torch.Tensor) -> torch.Tensor:
    low, high = images.min(), images.max()
    return ((images - low) / (high - low) * 255).round()


def write_to_the_pictures(images: torch.Tensor) -> torch.Tensor:
    return images.add_(1).mul_(127.5).round_()


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (exporter(since=-99), "there are files already; the first one to export must be"),
        (export_folder_first, "the folder is there already, and before epoch"),
        (exporter(since=1), "the first one to export, there were no files; after epoch"),
        (exporter(since=999), "there is no file, and the first one to export is"),
        (exporter(name="image_{number}.png"), "is missing; the folder holds: image_1.png"),
        (exporter(name="epoch_{epoch:03d}_image_0{number}.png"), "image_10.png` is missing"),
        (exporter(folder=lambda folder: "pictures"), "lies outside the folder received"),
        (exporter(folder=lambda folder: f"{folder}/more"), "lies outside the folder received"),
        (exporter(extra="list.txt"), "The file `list.txt` should not be there"),
        (exporter(kind="BMP"), "is a BMP file; PNG is asked for"),
        (exporter(mode="RGB"), "is a picture of mode RGB; grey is asked for"),
        (exporter(mode="P"), "is a picture of mode P; grey is asked for"),
        (exporter(pixels=lambda images: images * 255), "their pixels (from"),
        (exporter(pixels=stretched), "their pixels (from"),
        (exporter(pixels=lambda images: (images + 1) * 127.5), "their pixels (from"),
        (exporter(pixels=write_to_the_pictures), "changes the tensor that it gets as `images`"),
        (exporter(pixels=lambda images: images[:, :, :8]), "has (8, "),
        (export_text, "is no picture that can be read"),
        (None, "A function or a class was expected"),
    ],
)
def test_wrong_exports_are_described(lab: Lab, function: Any, said: str) -> None:
    assert said in seen(lab, "exported_images", function)[1]


@pytest.mark.parametrize(
    "pixels",
    [
        lambda images: ((images * 0.5 + 0.5).clamp(0, 1) * 255).round(),
        lambda images: ((images.float() + 1) / 2 * 255).round(),
        lambda images: ((images + 1) * 127.5 + 0.5).floor(),
    ],
)
def test_pixels_may_be_rounded_in_any_way_that_the_text_allows(lab: Lab, pixels: Any) -> None:
    assert seen(lab, "exported_images", exporter(pixels))[0] == seen(lab, "exported_images", exporter())[0]


def test_exports_leave_no_file_behind(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    values, _ = seen(lab, "exported_images", exporter())
    assert len(values) >= 4 and list(tmp_path.iterdir()) == []
