"""Sizes are drawn from the seed: one that is written down in an answer does not pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from autograder import column, open_lab
from autograder.block import Block
from autograder.checks.sizes import BATCHES, LEAST, LEAST_OF_NETWORK, TURN, drawn_sizes, resolved, rounds
from autograder.errors import CheckUseError
from autograder.judge import record
from autograder.key import agree
from autograder.observation import Observation
from autograder.session import Lab

SEEDS = st.integers(0, 2**62)
NAMES = st.lists(st.text("abcdefgh", min_size=1, max_size=3), min_size=1, unique=True)


def no_multiples(sizes: tuple[int, ...]) -> bool:
    return all(a == b or a % b for a in sizes for b in sizes) and len(set(sizes)) == len(sizes)


# --- what is drawn -----------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(SEEDS, st.text(max_size=20), st.integers(2, 40), st.data())
def test_no_drawn_size_is_a_multiple_of_another(seed: int, purpose: str, least: int, data: Any) -> None:
    count = data.draw(st.integers(1, least))
    sizes = drawn_sizes(seed, purpose, count, least)
    assert len(sizes) == count and no_multiples(sizes)
    assert all(least <= size < 2 * least for size in sizes)
    assert sizes == drawn_sizes(seed, purpose, count, least)


def test_every_size_of_the_range_is_drawn_and_seed_and_purpose_decide() -> None:
    first = [drawn_sizes(seed, "batches", BATCHES)[0] for seed in range(200)]
    assert set(first) == set(range(LEAST, 2 * LEAST))
    assert len({drawn_sizes(1, f"purpose {number}", BATCHES) for number in range(50)}) > 25


@settings(max_examples=200, deadline=None)
@given(SEEDS, NAMES.filter(lambda names: len(names) <= 4), st.booleans())
def test_every_call_has_sizes_of_its_own(seed: int, names: list[str], alone: bool) -> None:
    found = rounds(seed, names, alone=alone)
    assert [sizes.pop(TURN) for sizes in found] == list(range(2 + alone))
    if alone:
        assert found.pop() == dict.fromkeys(names, 1)
    assert no_multiples(tuple(size for sizes in found for size in sizes.values()))


@settings(max_examples=200, deadline=None)
@given(SEEDS, NAMES.filter(lambda names: len(names) <= 3))
def test_few_sizes_still_differ_in_a_call_and_from_call_to_call(seed: int, names: list[str]) -> None:
    """A network may take (n, source, target), and large batches take long."""
    one, other = rounds(seed, names, alone=False, least=LEAST_OF_NETWORK)
    for sizes in (one, other):
        assert no_multiples(tuple(sizes[name] for name in names))
    assert all(one[name] != other[name] for name in names)


def test_a_name_that_comes_twice_is_one_size_and_no_name_is_one_call() -> None:
    assert rounds(3, ["n", "n"]) == rounds(3, ["n"])
    assert rounds(3, []) == [{TURN: 0}]


def test_the_names_of_a_shape_stand_for_sizes() -> None:
    assert resolved(("n", 1, "side", "side"), {"n": 9, "side": 14}) == (9, 1, 14, 14)
    assert resolved((3, 4), {}) == (3, 4) and resolved((), {}) == ()
    with pytest.raises(CheckUseError, match="names a size 'm' that no argument has"):
        resolved(("n", "m"), {"n": 9})


# --- what a check does with them ---------------------------------------------------------------------


def observe(run: Callable[[Lab, Block], Any], seed: int = 5) -> Observation:
    """Return what the check of a cell observes."""
    with record(seed) as recording:
        lab = open_lab("any", language="en")
        with lab.marks("cell", points=1) as block:
            run(lab, block)
    (observation,) = recording.observations.values()
    return observation


def fingerprint(function: Any, *given: Any, seed: int = 5, **options: Any) -> Observation:
    """Return what a fingerprint observes; of what is given, functions make arguments from the lab."""

    def run(lab: Lab, block: Block) -> None:
        arguments = [argument(lab) if callable(argument) else argument for argument in given]
        block.fingerprint("cell.check", function, *arguments, points=1, **options)

    return observe(run, seed)


def size(name: str) -> Callable[[Lab], Any]:
    return lambda lab: lab.supplied_size(name)


def samples(*shape: int | str) -> Callable[[Lab], Any]:
    return lambda lab: lab.supplied_samples(shape)


def test_a_function_is_called_for_several_sizes_one_of_them_1() -> None:
    seen: list[int] = []
    fingerprint(lambda n: seen.append(n) or torch.ones(n), size("n"))
    assert len(seen) == 3 and seen[-1] == 1 and no_multiples(tuple(seen[:2])) and min(seen[:2]) >= LEAST
    seen.clear()
    fingerprint(lambda n: seen.append(n) or torch.ones(n), size("n"), alone=False, least=20)
    assert len(seen) == 2 and min(seen) >= 20 and max(seen) < 40


def test_one_name_is_one_size_in_all_arguments_of_a_call() -> None:
    seen: list[tuple[int, ...]] = []

    def function(n: int, rows: torch.Tensor, others: torch.Tensor, m: int) -> torch.Tensor:
        seen.append((n, *rows.shape, *others.shape, m))
        return rows.sum(dim=1)

    fingerprint(function, size("n"), samples("n", "m"), samples("m", 3), size("m"), shape=("n",))
    for n, rows, columns, others, three, m in seen:
        assert n == rows and columns == others == m and three == 3
    assert all(n != m for n, *_, m in seen[:2]) and len(set(seen)) == 3


RIGHT = lambda n: torch.arange(2.0 * n).reshape(n, 2)  # noqa: E731


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shape", [("n", 2), None])
def test_no_length_that_is_written_down_passes(seed: int, shape: Any) -> None:
    right = fingerprint(RIGHT, size("n"), shape=shape, seed=seed)
    assert right.error is None
    for written in (1, *range(LEAST, 2 * LEAST)):
        wrong = fingerprint(lambda n, written=written: RIGHT(written), size("n"), shape=shape, seed=seed)
        assert not agree(right, wrong), written


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: x.reshape(12, -1).mean(dim=1),
        lambda x: x[:9].mean(dim=1),
        lambda x: x.sum(dim=1) / 12,
        lambda x: x.squeeze().mean(dim=1),
        lambda x: torch.cat([x.mean(dim=1), torch.zeros(1, device=x.device)])[: len(x) + (len(x) == 1)],
    ],
)
def test_code_that_is_right_for_some_sizes_only_does_not_pass(seed: int, wrong: Any) -> None:
    right = fingerprint(lambda x: x.mean(dim=1), samples("n", "m"), seed=seed)
    assert right.error is None
    assert not agree(right, fingerprint(wrong, samples("n", "m"), seed=seed))


def test_a_data_set_of_a_fixed_length_does_not_pass() -> None:
    def run(function: Any) -> Observation:
        return observe(lambda lab, block: block.dataset("cell.check", function, sample_shape=(2,), points=1))

    assert run(lambda rows: [(row, 0) for row in rows]).error is None
    for length in (1, *range(LEAST, 2 * LEAST)):
        wrong = run(lambda rows, length=length: [(rows[i % len(rows)], 0) for i in range(length)])
        assert wrong.error == "dataset_length"


class Fixed(nn.Module):
    """A network whose batches have as many rows as are written down here."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.rows, self.layer = rows, nn.Linear(2, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x.reshape(self.rows, -1, 2)).reshape(self.rows, 3)


@pytest.mark.parametrize("rows", [1, *range(LEAST_OF_NETWORK, 2 * LEAST_OF_NETWORK)])
def test_a_network_for_batches_of_one_size_does_not_pass(rows: int) -> None:
    shapes = {"input_shape": (2,), "output_shape": (3,), "parameters": 9}

    def structure(factory: Any) -> Observation:
        return observe(lambda lab, block: block.network_structure("cell.check", factory, **shapes, points=1))

    def output(factory: Any) -> Observation:
        return observe(
            lambda lab, block: block.network_output("cell.check", factory, input_shape=(2,), points=1)
        )

    for check in (structure, output):
        right = check(lambda: nn.Linear(2, 3))
        assert right.error is None and not agree(right, check(lambda: Fixed(rows)))


def test_batches_of_a_step_and_of_a_loss_have_other_sizes_under_another_seed() -> None:
    def sizes(seed: int) -> tuple[tuple[int, ...], list[int]]:
        seen: list[int] = []
        with record(seed):
            lab = open_lab("any", language="en")
            with lab.marks("cell", points=1) as block:
                cases = lab.supplied_batches("a", "b", sample_shape=(2,))
                block.loss("cell.check", lambda a, b: seen.append(len(a)) or (a - b).mean(), cases, points=1)
                return block.batch_sizes, seen

    found = [sizes(seed) for seed in range(20)]
    for batches, seen in found:
        assert no_multiples(batches) and len(batches) == BATCHES
        assert no_multiples(tuple(dict.fromkeys(seen))) and len(set(seen)) == BATCHES
    assert len({batches for batches, _ in found}) > 10 and len({tuple(seen) for _, seen in found}) > 10


def test_a_supplied_network_comes_in_train_and_eval_mode_in_turn() -> None:
    modes: list[bool] = []

    def function(network: nn.Module, n: int) -> torch.Tensor:
        modes.append(network.training)
        return torch.ones(n)

    fingerprint(function, lambda lab: lab.supplied_network((2,), 1), size("n"))
    assert modes[-3:] == [True, False, True]  # after the rehearsal
    modes.clear()

    def run(lab: Lab, block: Block) -> None:
        cases = [(lab.supplied_network((2,), 1),)] * 4
        block.scalars("cell.check", lambda network: modes.append(network.training) or 1.0, cases, points=1)

    observe(run)
    assert modes[-4:] == [True, False, True, False]


def test_one_of_the_sets_that_a_number_is_made_of_is_larger_than_a_batch() -> None:
    sizes: list[int] = []

    def run(lab: Lab, block: Block) -> None:
        cases = [(lab.supplied_samples(("n", 2), f"set {turn}"),) for turn in range(4)]
        block.scalars("cell.check", lambda rows: sizes.append(len(rows)) or 1.0, cases, points=1)

    observe(run)
    *small, large = sizes[-4:]
    assert max(small) < 20 and large > 1024 and large % 2 == 1


# --- what an author is told --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        ((), {}, "name a size of its arguments, or say in one_size why there is none"),
        ((samples(4, 2),), {}, "name a size of its arguments"),
        ((7,), {"one_size": ""}, "name a size of its arguments"),
        ((size("n"),), {"shape": ("m", 2)}, "names a size 'm' that no argument has"),
    ],
)
def test_a_check_without_a_size_is_its_authors_mistake(given: Any, options: Any, said: str) -> None:
    with pytest.raises(CheckUseError, match=said):
        fingerprint(lambda *arguments: torch.ones(4, 2), *given, **options)


def test_an_author_may_say_why_there_is_one_size() -> None:
    calls: list[int] = []
    observation = fingerprint(
        lambda: calls.append(1) or torch.ones(4), shape=(4,), one_size="the text asks for four numbers"
    )
    assert observation.error is None and calls == [1]


def test_a_column_takes_the_sizes_of_the_function_that_it_is_of() -> None:
    right = fingerprint(column(RIGHT, 1), size("n"), shape=("n",))
    assert right.error is None
    assert not agree(right, fingerprint(column(lambda n: RIGHT(12), 1), size("n"), shape=("n",)))


class Ended(nn.Module):
    """A layer with something after it that nobody asked for."""

    def __init__(self, end: nn.Module) -> None:
        super().__init__()
        self.layer, self.end = nn.Linear(3, 2), end

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.end(self.layer(inputs))


@pytest.mark.parametrize("end", [nn.ReLU(), nn.LeakyReLU(0.2), nn.Softplus(threshold=0.5)])
@pytest.mark.parametrize("seed", range(5))
def test_what_follows_a_network_sees_both_signs_of_each_output(end: nn.Module, seed: int) -> None:
    def output(factory: Any) -> Observation:
        positive = torch.full((1, 3), 5.0)  # with these weights and biases, outputs may have one sign
        return observe(
            lambda lab, block: block.network_output("cell.check", factory, inputs=[positive], points=1), seed
        )

    right = output(lambda: nn.Linear(3, 2))
    assert right.error is None and not agree(right, output(lambda: Ended(end)))
