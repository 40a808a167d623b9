"""What is supplied has no structure that an answer could use by accident, under any seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from autograder import open_lab
from autograder.checks.calling import built
from autograder.checks.sizes import TURN
from autograder.checks.supplied import Supplied
from autograder.judge import record
from autograder.replay import replay
from autograder.session import Lab

SEEDS = st.integers(0, 2**62)
PICTURES = st.integers(9, 17)
property_test = settings(max_examples=60, deadline=None)


def build(supplied: Supplied, seed: int, **sizes: int) -> Any:
    with replay(seed) as running:
        return supplied.at(sizes).build(running)


def opened() -> Lab:
    with record(1):
        return open_lab("any", language="en")


LAB = opened()


# --- pictures ----------------------------------------------------------------------------------------


@property_test
@given(SEEDS, PICTURES)
def test_no_picture_of_pixels_holds_0_or_255_and_each_has_a_range_of_its_own(seed: int, n: int) -> None:
    pixels = build(LAB.supplied_pixels(("n", 12, 10)), seed, n=n)
    assert pixels.dtype == torch.uint8 and pixels.shape == (n, 12, 10)
    darkest, brightest = pixels.flatten(1).amin(dim=1), pixels.flatten(1).amax(dim=1)
    assert int(darkest.min()) > 0 and int(brightest.max()) < 255
    assert len(set(darkest.tolist())) > 2 and len(set(brightest.tolist())) > 2
    # Neither a batch's own range nor one picture's gives the scale of 0 to 255.
    assert int(pixels.max()) - int(pixels.min()) < 254
    assert len(set(pixels.float().flatten(1).mean(dim=1).tolist())) > 2


@property_test
@given(SEEDS, PICTURES)
def test_no_image_comes_up_to_an_end_of_its_range(seed: int, n: int) -> None:
    images = build(LAB.supplied_images(("n", 1, 8, 9)), seed, n=n)
    assert images.dtype == torch.float64 and images.shape == (n, 1, 8, 9)
    assert -1 < float(images.min()) < -0.8 and 0.8 < float(images.max()) < 1
    for numbers in (images.flatten(1).amin(dim=1), images.flatten(1).amax(dim=1)):
        assert len(set(numbers.tolist())) == n
    assert bool((images != 0).all())


# --- numbers -----------------------------------------------------------------------------------------


@property_test
@given(SEEDS, PICTURES)
def test_samples_have_both_signs_and_no_number_twice(seed: int, n: int) -> None:
    samples = build(LAB.supplied_samples(("n", 3, 2)), seed, n=n)
    assert samples.dtype == torch.float64 and samples.shape == (n, 3, 2)
    assert bool((samples > 0).any()) and bool((samples < 0).any()) and bool(samples.isfinite().all())
    assert samples.unique().numel() == samples.numel() and not bool((samples == samples.round()).any())


@property_test
@given(SEEDS)
def test_names_shapes_and_seeds_give_other_numbers_and_the_same_gives_the_same(seed: int) -> None:
    for make in (LAB.supplied_samples, LAB.supplied_images):
        first = build(make((9, 4)), seed)
        assert torch.equal(first, build(make((9, 4)), seed))
        for other in (build(make((9, 4), "other"), seed), build(make((9, 4)), seed + 1)):
            assert not bool((first == other).any())
        # A larger batch does not begin with a smaller one.
        assert not bool((first == build(make((10, 4)), seed)[:9]).any())


@property_test
@given(SEEDS, st.integers(3, 60), st.integers(0, 2))
def test_token_ids_are_whole_numbers_of_their_vocabulary(seed: int, vocabulary: int, first: int) -> None:
    tokens = build(LAB.supplied_tokens(("n", 12), vocabulary, first=first), seed, n=11)
    assert tokens.dtype == torch.int64 and tokens.shape == (11, 12)
    assert first <= int(tokens.min()) and int(tokens.max()) < vocabulary
    assert vocabulary - first < 2 or len(set(tokens.flatten().tolist())) > 1
    assert vocabulary < 9 or tokens.unique(dim=0).shape[0] == 11


@property_test
@given(SEEDS)
def test_integers_lie_in_their_ranges_and_rows_differ(seed: int) -> None:
    rows = [
        tuple(build(number, seed) for number in row)
        for row in LAB.supplied_integers(8, a=(2, 5), b=(10, 10_000))
    ]
    assert all(2 <= a < 5 and 10 <= b < 10_000 for a, b in rows) and len(set(rows)) > 6


@property_test
@given(SEEDS)
def test_batches_differ_in_size_and_number(seed: int) -> None:
    batches = [
        tuple(build(x, seed) for x in case) for case in LAB.supplied_batches("a", "b", sample_shape=(3,))
    ]
    sizes = [len(a) for a, _ in batches]
    assert all(a.shape == b.shape == (len(a), 3) and not bool((a == b).any()) for a, b in batches)
    assert all(x == y or x % y for x in sizes for y in sizes) and len(set(sizes)) == len(sizes)
    assert not torch.equal(batches[0][0][:9], batches[1][0][:9])


@property_test
@given(SEEDS)
def test_results_are_as_many_as_it_takes_and_both_classes_occur(seed: int) -> None:
    for labels, probabilities in (
        tuple(build(x, seed) for x in case) for case in LAB.supplied_results("labels", "probabilities")
    ):
        assert isinstance(labels, np.ndarray) and len(labels) == len(probabilities) >= 17
        assert set(labels.tolist()) == {0, 1}
        assert probabilities.min() >= 0 and probabilities.max() < 1
        # A threshold of 0.5 parts them, and the numbers are no labels.
        assert 0 < (probabilities > 0.5).sum() < len(probabilities)


# --- networks ----------------------------------------------------------------------------------------

NETWORKS: dict[str, tuple[Callable[[], Supplied], tuple[int, ...]]] = {
    "network": (lambda: LAB.supplied_network((3, 2), 4), (3, 2)),
    "generator": (lambda: LAB.supplied_generator((5,), (2,)), (5,)),
    "generator of pictures": (lambda: LAB.supplied_generator((5,), (1, 4, 4), batch_norm=True), (5,)),
    "generator of maps": (lambda: LAB.supplied_generator((5, 1, 1), (1, 4, 4)), (5, 1, 1)),
    "discriminator": (lambda: LAB.supplied_discriminator((1, 4, 4)), (1, 4, 4)),
}


@pytest.mark.parametrize("kind", NETWORKS)
@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_every_input_and_every_parameter_of_a_network_shows_in_its_output(kind: str, seed: int) -> None:
    make, shape = NETWORKS[kind]
    with replay(seed) as running:
        network = make().build(running).eval()
        inputs = torch.randn(30, *shape, requires_grad=True)
        outputs = network(inputs)
        outputs.square().sum().backward()
        assert bool(outputs.isfinite().all()) and outputs.flatten(1).unique(dim=0).shape[0] == 30
        assert all(bool((p.grad != 0).any()) for p in network.parameters())
        assert inputs.grad is not None and bool((inputs.grad != 0).all())
        for p in network.parameters():
            assert p.dtype == torch.float64 and p.unique().numel() == p.numel()


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_network_comes_in_the_mode_of_its_turn(kind: str) -> None:
    make, _ = NETWORKS[kind]
    for turn in range(4):
        with replay(3) as running:
            network = make().at({TURN: turn}).build(running)
            assert all(layer.training is (turn % 2 == 0) for layer in network.modules())


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_pictures_of_a_generator_are_no_pixels_and_have_both_signs(seed: int) -> None:
    with replay(seed) as running:
        network = LAB.supplied_generator((5,), (1, 4, 4)).build(running)
        pictures = network(torch.randn(20, 5)).detach()
        assert float(pictures.abs().max()) < 1 and bool((pictures < 0).any()) and bool((pictures > 0).any())


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_outputs_of_a_discriminator_are_probabilities_and_in_train_mode_dropout_shows(seed: int) -> None:
    with replay(seed) as running:
        network = LAB.supplied_discriminator((1, 4, 4)).build(running)
        images = torch.randn(20, 1, 4, 4)
        once, again = network(images).detach(), network(images).detach()
        assert float(once.min()) > 0 and float(once.max()) < 1 and not torch.equal(once, again)
        assert torch.equal(network.eval()(images), network(images))


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_batch_normalisation_shows_in_which_mode_a_generator_is(seed: int) -> None:
    with replay(seed) as running:
        network: nn.Module = LAB.supplied_generator((5,), (1, 4, 4), batch_norm=True).build(running)
        latent = torch.randn(20, 5)
        assert not torch.allclose(network(latent), network.eval()(latent))


# --- within lists, tuples and dictionaries ------------------------------------------------------------


class Pair(NamedTuple):
    first: Any
    second: Any


def test_what_is_supplied_is_built_wherever_it_lies_in_an_argument() -> None:
    def lengths(sentences: list[torch.Tensor], more: dict[str, Any], pair: Pair) -> torch.Tensor:
        assert type(pair) is Pair and len(pair.first) == pair.second == len(more["rows"][0])
        return torch.cat([*sentences, *more["rows"]])

    with record(1) as recording:
        lab = open_lab("any", language="en")
        rows = [lab.supplied_samples(("n", 2), "a"), lab.supplied_samples(("n", 2), "b")]
        pair = Pair(lab.supplied_samples(("n",)), lab.supplied_size("n"))
        with lab.marks("cat", points=1) as checks:
            checks.fingerprint("cat.values", lengths, rows, {"rows": (rows[0],)}, pair, points=1)
    assert recording.observations["cat.values"].error is None


def test_an_argument_without_anything_supplied_is_handed_on_itself() -> None:
    given = [torch.ones(2), {"a": (1, 2)}]
    with replay(1) as running:
        assert built([given], running)[0] is given


# --- integers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "integers", "error"),
    [
        (torch.int64, True, None),
        (torch.uint8, True, None),
        (torch.float64, True, "not_integers"),
        (torch.bool, True, "not_integers"),
        (torch.int64, False, "not_floating"),
    ],
)
def test_integers_pass_where_they_are_asked_for_and_nowhere_else(
    dtype: torch.dtype, integers: bool, error: str | None
) -> None:
    with record(1) as recording:
        lab = open_lab("any", language="en")
        rows = lab.supplied_samples(("n",))
        with lab.marks("sign", points=1) as checks:
            checks.fingerprint("sign.ids", lambda x: (x > 0).to(dtype), rows, integers=integers, points=1)
    assert recording.observations["sign.ids"].error == error
