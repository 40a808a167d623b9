"""Checks of networks that grow: stand-ins for parts, stages, equalised convolutions, moving averages."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from autograder import open_lab
from autograder.block import Block
from autograder.key import AnswerKey
from autograder.session import Lab
from tests.one_check import Check, message, numbers


@pytest.fixture
def lab(lab1_key: AnswerKey) -> Lab:
    return open_lab("lab1_sine_gan", language="en", key=lab1_key)


# --- a network that grows, as a student might write it ------------------------------------------------
# Its parts are named like those of a lab, and broken: stand-ins take their places.


def broken(*arguments: Any, **named: Any) -> Any:
    raise NotImplementedError


Layer: Callable[..., Any] = broken
Norm: Callable[..., Any] = broken
Wide: Callable[..., Any] = broken
PARTS = {"Layer": "convolution", "Norm": "normalisation", "Wide": "block", "blend": "fade"}


class Growing(nn.Module):
    """Latent vectors to pictures of one channel, up to 16 x 16."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(Norm(), Layer(3, 4, 4, padding=3))
        self.blocks = nn.ModuleList([Wide(4, 4), Wide(4, 2)])
        self.colours = nn.ModuleList([Layer(width, 1, 1, padding=0, gain=1) for width in (4, 4, 2)])

    def grown(self, z: torch.Tensor, steps: int) -> list[torch.Tensor]:
        maps = [self.first(z)]
        for block in list(self.blocks)[:steps]:
            maps.append(block(F.interpolate(maps[-1], scale_factor=2)))
        return maps

    def forward(self, z: torch.Tensor, alpha: float, steps: int) -> torch.Tensor:
        maps = self.grown(z, steps)
        new = self.colours[steps](maps[-1])
        if steps == 0:
            return new
        old = F.interpolate(self.colours[steps - 1](maps[-2]), scale_factor=2)
        return blend(alpha, old, new)  # type: ignore[name-defined]  # noqa: F821


def output(
    factory: Any = Growing,
    stages: tuple[tuple[float, int], ...] = ((1.0, 0), (0.0, 2), (1.0, 2)),
    parts: dict[str, str] = PARTS,
    **options: Any,
) -> Check:
    def check(block: Block) -> Any:
        network = block.growing_network(
            factory,
            parts=parts,
            input_shape=lambda size: (3, 1, 1),
            output_shape=lambda size: (1, size, size),
        )
        return network.output("block.check", stages, points=1, **options)

    return check


def test_broken_parts_cost_nothing_where_stand_ins_take_their_places(lab: Lab) -> None:
    assert len(numbers(lab, output())) > 4


def test_names_mean_what_they_meant_after_a_check(lab: Lab) -> None:
    numbers(lab, output())
    assert Layer is broken and "blend" not in globals()
    message(lab, output(functools.partial(Growing, "too much")))
    assert Layer is broken and "blend" not in globals()


class OtherOrder(Growing):
    """The same network: layers made in another order, under other names, the old way last."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.rgb = nn.ModuleDict(
            {str(s): Layer(w, 1, 1, padding=0, gain=1) for s, w in ((2, 2), (1, 4), (0, 4))}
        )
        self.second, self.third = Wide(4, 2), Wide(4, 4)
        self.beginning = Layer(3, 4, 4, padding=3)
        self.norm = Norm(1e-8)

    def forward(self, z: torch.Tensor, alpha: float, steps: int) -> torch.Tensor:
        x = self.beginning(self.norm(z))
        picture = self.rgb["0"](x)
        for step in range(1, steps + 1):
            x = (self.third, self.second)[step - 1](x.repeat_interleave(2, 2).repeat_interleave(2, 3))
            old, picture = F.interpolate(picture, scale_factor=2), self.rgb[str(step)](x)
        return (1 - alpha) * old + alpha * picture if steps else picture


def test_order_and_names_of_layers_do_not_matter_nor_does_a_blend_in_place_of_the_function(lab: Lab) -> None:
    assert numbers(lab, output(OtherOrder)) == pytest.approx(numbers(lab, output()), rel=1e-12)


class Ungained(Growing):
    def __init__(self) -> None:
        super().__init__()
        self.colours = nn.ModuleList([Layer(width, 1, 1, padding=0) for width in (4, 4, 2)])


class UnnormalisedBlocks(Growing):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Wide(4, 4, False), Wide(4, 2, use_pixel_norm=False)])


class Reversed(Growing):
    def forward(self, z: torch.Tensor, alpha: float, steps: int) -> torch.Tensor:
        maps = self.grown(z, steps)
        new = self.colours[steps](maps[-1])
        old = new if steps == 0 else F.interpolate(self.colours[steps - 1](maps[-2]), scale_factor=2)
        return alpha * old + (1 - alpha) * new


@pytest.mark.parametrize("network", [Ungained, UnnormalisedBlocks, Reversed])
def test_settings_of_parts_and_the_direction_of_the_blend_show(lab: Lab, network: type[Growing]) -> None:
    assert numbers(lab, output(network))[4:] != pytest.approx(numbers(lab, output())[4:], rel=1e-6)


class Listed(Growing):
    def __init__(self) -> None:
        super().__init__()
        del self.blocks
        self.blocks = [Wide(4, 4), Wide(4, 2)]  # type: ignore[assignment]


class Ungrown(Growing):
    def forward(self, z: torch.Tensor, alpha: float, steps: int) -> torch.Tensor:
        return super().forward(z, alpha, min(steps, 1))


class WithoutBlocks(Growing):
    def grown(self, z: torch.Tensor, steps: int) -> list[torch.Tensor]:
        maps = [self.first(z)]
        for step in range(steps):
            maps.append(F.interpolate(maps[-1], scale_factor=2)[:, : 2 if step else 4])
        return maps


class OwnAlpha(Growing):
    def forward(self, z: torch.Tensor, alpha: float, steps: int) -> torch.Tensor:
        return super().forward(z, 1.0, steps)


class Remembering(Growing):
    def forward(self, z: torch.Tensor, alpha: float, steps: int) -> torch.Tensor:
        self.alpha = max(getattr(self, "alpha", 0.0), alpha)
        return super().forward(z, self.alpha if steps else alpha, steps)


class Uneven(Growing):
    def forward(self, z: torch.Tensor, alpha: float, steps: int) -> torch.Tensor:
        if steps == 0:
            return super().forward(z, alpha, steps)
        maps = self.grown(z, steps)
        return blend(alpha, maps[0], maps[-1])  # type: ignore[name-defined]  # noqa: F821


class Narrow(Growing):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Wide(4, 3), Wide(4, 2)])


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (Listed, r"2 layers are used that the network does not know.*ModuleList"),
        (Ungrown, r"steps = 2 .* shape of the output is \((\d), 1, 8, 8\); \(\1, 1, 16, 16\) was expected"),
        (WithoutBlocks, "`Wide` was not used"),
        (Remembering, "called with alpha = 0 and `blend` with 1"),
        (OwnAlpha, "called with alpha = 0.5 and `blend` with 1"),
        (Uneven, r"`blend` received two tensors of different shapes: \((\d), 4, 4, 4\) and \(\1, 4, 8, 8\)"),
        (Narrow, "for 4 channels and received 3"),
        (lambda: None, "a NoneType; an nn.Module was expected"),
        (None, "A function or a class was expected"),
    ],
)
def test_what_does_not_fit_is_named(lab: Lab, network: Any, said: str) -> None:
    assert re.search(said, message(lab, output(network)), re.DOTALL)


def test_wrong_values_come_with_the_operations_seen(lab: Lab) -> None:
    said = message(lab, output())  # the key of another lab knows no such check
    assert (
        "(1, 0), (0, 2), (1, 2)" in said
        and "Conv(4→2, 3x3, padding=1, Wide, use_pixel_norm=True) 16x16" in said
    )


def test_a_network_that_has_not_grown_needs_no_blocks(lab: Lab) -> None:
    assert numbers(lab, output(WithoutBlocks, stages=((1.0, 0),)))


class Endless(Growing):
    """Grows as far as it is asked to: but the last stage is too small."""

    def forward(self, z: torch.Tensor, alpha: float, steps: int) -> torch.Tensor:
        picture = super().forward(z, alpha, min(steps, 2))
        return F.interpolate(picture, size=4 * 2 ** min(steps, 7))


def test_shapes_are_checked_far_beyond_what_is_computed(lab: Lab) -> None:
    assert numbers(lab, output(Endless, shapes_up_to=512))
    said = message(lab, output(Endless, shapes_up_to=1024))
    assert "steps = 8" in said and "1, 1024, 1024) was expected" in said


class Statistic(nn.Module):
    def __init__(self, when: str) -> None:
        super().__init__()
        self.layer, self.when = Layer(2, 3), when

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.when == "never":
            return self.layer(x[:, :2])
        return add_channel(self.layer(x[:, :2]))  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(("when", "said"), [("never", "`add_channel` was not used"), ("last", None)])
def test_a_function_of_the_batch_has_a_stand_in_too(lab: Lab, when: str, said: str | None) -> None:
    def check(block: Block) -> Any:
        return block.assembled_output(
            "block.check",
            functools.partial(Statistic, when),
            parts={"Layer": "convolution", "add_channel": "batch_channel"},
            input_shape=(2, 5, 5),
            output_shape=(4, 5, 5) if when == "last" else (3, 5, 5),
            points=1,
        )

    if said is None:
        assert numbers(lab, check)
    else:
        assert said in message(lab, check)


class Single(nn.Module):
    """One layer between drawn widths, unless one of them is written down."""

    def __init__(self, in_channels: int, out_channels: int, written_down: int | None = None) -> None:
        super().__init__()
        self.layer = Layer(in_channels, written_down or out_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)


class Double(nn.Module):
    """Two layers, or one that is used twice where its widths agree."""

    def __init__(self, in_channels: int, out_channels: int, once: bool = False) -> None:
        super().__init__()
        self.first = Layer(in_channels, out_channels)
        same = once and in_channels == out_channels
        self.second = self.first if same else Layer(out_channels, out_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(x))


def test_an_assembled_network_is_made_with_drawn_sizes_and_with_equal_ones(lab: Lab) -> None:
    def check(network: Any) -> Check:
        return lambda block: block.assembled_output(
            "block.check",
            network,
            parts={"Layer": "convolution"},
            sizes=("in", "out"),
            input_shape=("in", 5, 5),
            output_shape=("out", 5, 5),
            points=1,
        )

    assert numbers(lab, check(Single))
    for width in (3, 4, 5):
        assert "was expected" in message(lab, check(functools.partial(Single, written_down=width)))
    assert numbers(lab, check(functools.partial(Double, once=True))) != numbers(lab, check(Double))


# --- equalised convolutions ----------------------------------------------------------------------------


class Plain(nn.Conv2d):
    """A convolution whose weights are not scaled."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *options: int) -> None:
        super().__init__(inputs, outputs, kernel, *options[:2])
        self.factor = options[2] / inputs
        nn.init.normal_(self.weight)
        nn.init.zeros_(self.bias)  # type: ignore[arg-type]


class Scaled(Plain):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(self.factor * x)


class ScaledWeights(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int, *options: int) -> None:
        super().__init__()
        self.constants = nn.Parameter(torch.zeros(1, outputs, 1, 1))
        self.taps = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.factor, self.options = options[2] / inputs, options[:2]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.constants + F.conv2d(x, self.factor * self.taps, None, *self.options)


class Unbiased(nn.Conv2d):
    def __init__(self, inputs: int, outputs: int, kernel: int, *options: int) -> None:
        super().__init__(inputs, outputs, kernel, *options[:2], bias=False)


def convolution(factory: Any, aspect: str = "output") -> Check:
    return lambda block: block.equalised_convolution("block.check", factory, aspect=aspect, points=1)


@pytest.mark.parametrize("aspect", ["output", "initialisation"])
def test_it_does_not_matter_what_is_scaled_nor_how_parameters_are_named_and_shaped(
    lab: Lab, aspect: str
) -> None:
    one, other = (numbers(lab, convolution(layer, aspect)) for layer in (Scaled, ScaledWeights))
    assert one == pytest.approx(other, rel=1e-12)


def test_the_scale_shows_in_the_output_and_not_at_the_start(lab: Lab) -> None:
    scaled, plain = (numbers(lab, convolution(layer)) for layer in (Scaled, Plain))
    assert scaled != plain
    scaled, plain = (numbers(lab, convolution(layer, "initialisation")) for layer in (Scaled, Plain))
    assert scaled == plain


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        (Unbiased, r"hold \[216\] numbers; \[216, 4\] were expected"),
        (
            lambda *settings: Plain(*settings[:3], 1, 0, 2),
            r"\(2, 4, 5, 5\), as with stride 1 and padding 0; \(2, 4, 7, 7\) was expected",
        ),
        (None, "an nn.Module was expected"),
        (broken, "no code here yet"),
    ],
)
def test_what_is_no_such_convolution_is_named(lab: Lab, factory: Any, said: str) -> None:
    assert re.search(said, message(lab, convolution(factory)))


class Odd(nn.Module):
    """A convolution that is wrong in one way."""

    def __init__(self, wrong: str, *settings: Any) -> None:
        super().__init__()
        inputs, outputs, kernel, stride, padding, gain = settings
        self.wrong, self.scale = wrong, (gain / (inputs * kernel**2)) ** 0.5
        mode = "replicate" if wrong == "border" else "zeros"
        stride = 1 if wrong == "stride" else stride
        self.layer = nn.Conv2d(inputs, outputs, kernel, stride, padding, padding_mode=mode)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.wrong == "shrinks":
            self.layer.weight.data *= self.scale
            return self.layer(x)
        if self.wrong == "scaled bias":
            return self.scale * self.layer(x)
        out = self.layer(x * self.scale * (2.0 if self.wrong == "scale" else 1.0))
        return out + self.layer.bias.reshape(-1, 1, 1) if self.wrong == "bias twice" else out


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("shrinks", "changes the numbers of `layer.weight` in your network"),
        ("stride", "as with stride 1 and padding 1"),
        ("bias twice", "The bias enters the output multiplied by 2"),
        ("scaled bias", "The bias enters the output multiplied by 0.1925"),
        ("scale", "With 6 input channels, kernel 3 and gain 2, the weights enter multiplied by 0.3849"),
        ("border", "padded with zeros"),
    ],
)
def test_what_differs_in_a_convolution_is_said(lab: Lab, wrong: str, said: str) -> None:
    assert said in message(lab, convolution(functools.partial(Odd, wrong)))


# --- moving averages -----------------------------------------------------------------------------------


@torch.no_grad()
def average_in_place(average: nn.Module, network: nn.Module, decay: float) -> None:
    for ours, theirs in zip(average.parameters(), network.parameters(), strict=True):
        ours.lerp_(theirs, 1 - decay)


def average_both(average: nn.Module, network: nn.Module, decay: float) -> None:
    average_in_place(average, network, decay)
    average_in_place(network, average, decay)


def average_states(average: nn.Module, network: nn.Module, decay: float) -> None:
    ours, theirs = average.state_dict(), network.state_dict()
    average.load_state_dict({name: decay * ours[name] + (1 - decay) * theirs[name] for name in ours})


def moving_average(function: Any) -> Check:
    return lambda block: block.moving_average("block.check", function, points=1)


def test_averages_agree_however_they_are_computed(lab: Lab) -> None:
    one, other = (numbers(lab, moving_average(f)) for f in (average_in_place, average_states))
    assert one == pytest.approx(other, rel=1e-12)


def test_the_decay_shows(lab: Lab) -> None:
    swapped = numbers(lab, moving_average(lambda a, n, decay: average_in_place(a, n, 1 - decay)))
    assert swapped[2:] != pytest.approx(numbers(lab, moving_average(average_in_place))[2:], rel=1e-6)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda a, n, decay: None, "parameters of `average` stayed as they were"),
        (lambda a, n, decay: average_in_place(n, a, decay), "parameters of `average` stayed as they were"),
        (average_both, "changes the numbers of `0.weight` in `network`"),
        (lambda a, n, decay: next(a.parameters()).mul_(decay), "leaf Variable"),
        (
            lambda a, n, decay: n.load_state_dict(a.state_dict()),
            "parameters of `average` stayed as they were",
        ),
        (None, "A function or a class was expected"),
    ],
)
def test_what_is_no_such_average_is_named(lab: Lab, function: Any, said: str) -> None:
    assert said in message(lab, moving_average(function))


# --- checkpoints at a stage ----------------------------------------------------------------------------


@pytest.mark.parametrize("counter", ["epoch", "stage"])
def test_a_checkpoint_is_described_by_what_the_training_counts(lab: Lab, counter: str) -> None:
    def save(path: str, number: int, networks: Any, optimizers: Any) -> None:
        torch.save([number, *(n.state_dict() for n in (*networks.values(), *optimizers.values()))], path)

    def load(path: str, networks: Any, optimizers: Any) -> int:
        number, *states = torch.load(path)
        for holder, state in zip((*networks.values(), *optimizers.values()), states, strict=True):
            holder.load_state_dict(state)
        return int(number) + 1

    def check(block: Block) -> Any:
        return block.checkpoint("block.check", save, load, counter=counter, points=1)

    assert re.search(f"^(?i:{counter}) .* was saved", message(lab, check))
