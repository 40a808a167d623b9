"""Checks of the labs on images: modes, weights, optimisers, checkpoints, separate passes."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from autograder import open_lab
from autograder.key import AnswerKey
from autograder.session import Lab


@pytest.fixture
def lab(lab1_key: AnswerKey) -> Lab:
    return open_lab("lab1_sine_gan", language="en", key=lab1_key)


def message(lab: Lab, check: str, *args: Any, **kwargs: Any) -> str:
    """Run one check that must fail; return what it says."""
    with lab.marks("block", points=1) as block:
        assert getattr(block, check)("block.check", *args, points=1, **kwargs) is False
    return block.results[-1].message.render("en")


def numbers(lab: Lab, check: str, *args: Any, **kwargs: Any) -> tuple[float, ...]:
    """Run one check; return what it observes."""
    with lab.marks("block", points=1) as block:
        getattr(block, check)("block.check", *args, points=1, **kwargs)
    observation = block.results[-1].observation
    assert observation is not None and observation.error is None
    return observation.values


# --- what the library supplies ---------------------------------------------------------------------


def test_pixels_are_bytes_and_integers_lie_in_their_range(lab: Lab) -> None:
    seen: list[Any] = []

    def look(pixels: torch.Tensor) -> torch.Tensor:
        seen.append(pixels)
        return pixels.float()

    numbers(lab, "fingerprint", look, lab.supplied_pixels(("n", 28, 28)))
    assert all(pixels.dtype == torch.uint8 and pixels.shape[1:] == (28, 28) for pixels in seen)
    assert len({len(pixels) for pixels in seen}) == 3

    cases: list[tuple[int, int]] = []
    rows = lab.supplied_integers(8, a=(2, 5), b=(10, 1000))
    numbers(lab, "scalars", lambda a, b: cases.append((a, b)) or a + b, rows)
    assert {a for a, _ in cases} <= {2, 3, 4} and len({b for _, b in cases}) > 4
    assert all(10 <= b < 1000 for _, b in cases)


def test_two_names_give_two_tensors_and_one_name_the_same(lab: Lab) -> None:
    arguments = [lab.supplied_samples(("n",), name) for name in ("a", "b", "a")]
    differences = numbers(lab, "fingerprint", lambda a, b, c: torch.stack([a - b, a - c]), *arguments)
    assert any(differences[3:])
    zeros = numbers(lab, "fingerprint", lambda a, b, c: a - c, *arguments)
    assert not any(zeros[2:])


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (lambda before: before, None),
        (lambda before: False, "gets `generator` in train mode and leaves it in eval mode"),
        (lambda before: True, "gets `generator` in eval mode and leaves it in train mode"),
    ],
)
def test_a_network_left_in_another_mode_is_refused(lab: Lab, left: Any, said: str | None) -> None:
    def generate(generator: nn.Module, count: int) -> torch.Tensor:
        before = generator.training
        generator.eval()
        device = next(generator.parameters()).device
        images = generator(torch.randn(count, 3, device=device)).detach()
        generator.train(left(before))
        return images

    generator = lab.supplied_generator((3,), (1, 4, 4), batch_norm=True)
    found = message(lab, "fingerprint", generate, generator, lab.supplied_size("n"), shape=("n", 1, 4, 4))
    assert said in found if said else "mode" not in found


# --- weights ---------------------------------------------------------------------------------------


def normal_weights(layer: nn.Module) -> None:
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(layer.weight, 0.5, 0.02)


def normal_gains(layer: nn.Module) -> None:
    if isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)


def zero_biases(layer: nn.Module) -> None:
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(layer.weight, 0.0, 0.02)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def reset_statistics(layer: nn.Module) -> None:
    if isinstance(layer, nn.BatchNorm2d):
        layer.running_mean.add_(1.0)  # type: ignore[union-attr]
        nn.init.normal_(layer.weight, 1.0, 0.02)
        nn.init.zeros_(layer.bias)


@pytest.mark.parametrize(
    ("function", "kind", "said"),
    [
        (None, "convolutions", "A function or a class was expected"),
        (lambda layer: None, "convolutions", "the convolutions stayed as they were"),
        (normal_weights, "batch_norms", "batch normalisation .* stayed as they were"),
        (normal_weights, "convolutions", "their mean is 0.5 and their deviation 0.02"),
        (normal_gains, "batch_norms", "its gain has mean 0.99.* its bias, mean 0.46"),
        (zero_biases, "convolutions", "The bias of a convolution"),
        (reset_statistics, "batch_norms", "The statistics of normalisation"),
        (lambda layer: layer.weights, "convolutions", "AttributeError"),
    ],
)
def test_wrong_initialisation_is_described(lab: Lab, function: Any, kind: str, said: str) -> None:
    assert re.search(said, message(lab, "initialisation", function, kind=kind))


# --- optimisers ------------------------------------------------------------------------------------

Adam = torch.optim.Adam
SETTINGS = {"lr": 0.01, "betas": (0.5, 0.9), "latent_shape": (3,), "sample_shape": (1, 4, 4)}


def both(make: Callable[..., Any]) -> Callable[..., Any]:
    return lambda d, g: (make(d.parameters()), make(g.parameters()))


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda d, g: None, "returns None"),
        (
            lambda d, g: Adam(d.parameters()),
            "must return 2 things: discriminator, generator. It returns Adam",
        ),
        (lambda d, g: (d, g), "The optimiser of the discriminator is Sequential"),
        (lambda d, g: (Adam(g.parameters()), Adam(d.parameters())), "all parameters of the discriminator"),
        (
            both(lambda p: Adam(p, 0.01)),
            r"is Adam\(betas=\(0.9, 0.999\)\); Adam\(lr=0.01, betas=\(0.5, 0.9\)\)",
        ),
        (both(lambda p: torch.optim.RMSprop(p, 0.01)), "is RMSprop"),
    ],
)
def test_wrong_optimizers_are_described(lab: Lab, function: Any, said: str) -> None:
    assert re.search(said, message(lab, "optimizers", function, **SETTINGS))


def test_optimizers_are_observed_by_how_they_move(lab: Lab) -> None:
    right = numbers(lab, "optimizers", both(lambda p: Adam(p, 0.01, (0.5, 0.9))), **SETTINGS)
    other = numbers(lab, "optimizers", both(lambda p: Adam(p, 0.01, (0.5, 0.99))), **SETTINGS)
    assert right[:2] == other[:2] and right[3:] != other[3:]


# --- checkpoints -----------------------------------------------------------------------------------


def save(path: str, epoch: int, networks: Any, optimizers: Any) -> None:
    states = [x.state_dict() for x in (*networks.values(), *optimizers.values())]
    torch.save((epoch, states), path)


def load(path: str, networks: Any, optimizers: Any) -> int:
    epoch, states = torch.load(path)
    for x, state in zip((*networks.values(), *optimizers.values()), states, strict=True):
        x.load_state_dict(state)
    return int(epoch)


def load_without(part: str) -> Callable[..., int]:
    def incomplete(path: str, networks: Any, optimizers: Any) -> int:
        kept = {name: [b.clone() for b in n.buffers()] for name, n in networks.items()}
        epoch = load(path, networks, {} if part == "optimizers" else optimizers)
        if part == "statistics":
            for name, network in networks.items():
                for buffer, value in zip(network.buffers(), kept[name], strict=True):
                    buffer.copy_(value)
        return epoch

    return incomplete


@pytest.mark.parametrize(
    ("functions", "said"),
    [
        ((None, load), "A function or a class was expected"),
        ((lambda *arguments: None, load), "There is no file at `path`"),
        ((save, lambda path, networks, optimizers: None), "returns None"),
        ((save, lambda *arguments: load(*arguments) + 1), "loading returned"),
        ((save, lambda path, n, o: int(torch.load(path)[0])), "the parameters of the networks"),
        ((save, load_without("statistics")), "the statistics of batch normalisation"),
    ],
)
def test_wrong_checkpoints_are_described(lab: Lab, functions: tuple[Any, Any], said: str) -> None:
    assert said in message(lab, "checkpoint", *functions)


def test_a_checkpoint_without_the_memory_of_the_optimisers_is_described(lab: Lab) -> None:
    def load_networks(path: str, networks: Any, optimizers: Any) -> int:
        epoch, states = torch.load(path)
        for network, state in zip(networks.values(), states, strict=False):
            network.load_state_dict(state)
        return int(epoch)

    assert "the memory of the optimisers" in message(lab, "checkpoint", save, load_networks)


@pytest.mark.parametrize("by_path", [True, False])
def test_a_checkpoint_that_is_kept_in_memory_is_none(lab: Lab, by_path: bool) -> None:
    kept: dict[str, Any] = {}

    def keep(path: str, epoch: int, networks: Any, optimizers: Any) -> None:
        states = [copy.deepcopy(x.state_dict()) for x in (*networks.values(), *optimizers.values())]
        kept[path if by_path else ""] = (epoch, states)
        Path(path).touch()

    def take(path: str, networks: Any, optimizers: Any) -> int:
        epoch, states = kept[path if by_path else ""]
        for x, state in zip((*networks.values(), *optimizers.values()), states, strict=True):
            x.load_state_dict(state)
        return int(epoch)

    said = "KeyError" if by_path else "stayed in memory"
    assert said in message(lab, "checkpoint", keep, take)


def test_a_checkpoint_that_knows_its_own_names_only_does_not_serve(lab: Lab) -> None:
    def save_two(path: str, epoch: int, networks: Any, optimizers: Any) -> None:
        names = ("discriminator", "generator")
        states = [parts[name].state_dict() for parts in (networks, optimizers) for name in names]
        torch.save((epoch, states), path)

    assert "KeyError" in message(lab, "checkpoint", save_two, load)


def test_a_checkpoint_of_several_files_is_none(lab: Lab) -> None:
    def save_both(path: str, epoch: int, networks: Any, optimizers: Any) -> None:
        save(path, epoch, networks, {})
        torch.save([x.state_dict() for x in optimizers.values()], f"{path}.optimizers")

    def load_both(path: str, networks: Any, optimizers: Any) -> int:
        for optimizer, state in zip(optimizers.values(), torch.load(f"{path}.optimizers"), strict=True):
            optimizer.load_state_dict(state)
        return load(path, networks, {})

    said = message(lab, "checkpoint", save_both, load_both)
    assert "goes into one file, `path`" in said and "checkpoint.pt.optimizers" in said


def test_checkpoints_leave_no_file_behind(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    numbers(lab, "checkpoint", save, load)
    assert list(tmp_path.iterdir()) == []


# --- separate passes -------------------------------------------------------------------------------


def step(
    *, passes: str = "separate", returned: Callable[..., Any] = lambda *values: values
) -> Callable[..., Any]:
    def discriminator_step(d: Any, g: Any, optimizer: Any, loss_function: Any, real: Any) -> Any:
        optimizer.zero_grad()
        fake = g(torch.randn(len(real), 3, 1, 1, device=real.device)).detach()
        outputs = (d(real), d(fake)) if passes == "separate" else d(torch.cat([real, fake])).chunk(2)
        loss = loss_function(outputs[0], torch.ones_like(outputs[0]))
        loss = loss + loss_function(outputs[1], torch.zeros_like(outputs[1]))
        loss.backward()
        optimizer.step()
        return returned(loss.item(), outputs[0].mean().item(), outputs[1].mean().item())

    return discriminator_step


def observed(lab: Lab, function: Any, check: str) -> tuple[tuple[float, ...], str]:
    with lab.marks("block", points=1) as block:
        checks = block.gan_step(
            function,
            updates="discriminator",
            latent_shape=(3, 1, 1),
            sample_shape=(1, 4, 4),
            separate_passes=True,
        )
        getattr(checks, check)("block.check", points=1)
    observation = block.results[-1].observation
    assert observation is not None
    return observation.values, block.results[-1].message.render("en")


def test_passing_real_and_generated_samples_together_shows(lab: Lab) -> None:
    apart, _ = observed(lab, step(), "loss")
    together, said = observed(lab, step(passes="joint"), "loss")
    assert len(apart) == len(together) == 4 and all(a != b for a, b in zip(apart, together, strict=True))
    assert "each in a pass of its own" in said


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (lambda *values: values[0], "must return 3 things: loss, D(x), D(G(z)). It returns float"),
        (lambda *values: values[:2], "It returns tuple (2)"),
        (lambda *values: None, "returns None"),
        (lambda loss, real, fake: (loss, real, [fake]), "A number was expected and this is list"),
        (lambda loss, real, fake: (loss, real, 0.5), "The mean outputs of the discriminator"),
    ],
)
def test_wrong_scores_are_described(lab: Lab, returned: Callable[..., Any], said: str) -> None:
    assert said in observed(lab, step(returned=returned), "scores")[1]


def test_latent_vectors_with_two_axes_do_not_fit(lab: Lab) -> None:
    def flat(d: Any, g: Any, optimizer: Any, loss_function: Any, real: Any) -> Any:
        return g(torch.randn(len(real), 3, device=real.device))

    assert "RuntimeError" in observed(lab, flat, "loss")[1]
