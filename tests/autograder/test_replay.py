"""A replay gives the same numbers everywhere and leaves nothing behind."""

import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import DataLoader

from autograder import ReplayError, replay
from autograder.replay import LOW_PRECISION


def drawn(code: object, seed: int = 1) -> torch.Tensor:
    with replay(seed):
        return code()  # type: ignore[operator]


def test_first_numbers_are_those_written_down_here() -> None:
    """The stream is part of every answer key: it may never change."""
    uniform = drawn(lambda: torch.rand(2))
    normal = drawn(lambda: torch.randn(2))
    order = drawn(lambda: torch.randperm(5))
    assert uniform.tolist() == pytest.approx(EXPECTED_UNIFORM, rel=1e-15)
    assert normal.tolist() == pytest.approx(EXPECTED_NORMAL, rel=1e-14)
    assert order.tolist() == EXPECTED_ORDER


@settings(max_examples=30, deadline=None)
@given(st.integers(), st.lists(st.integers(0, 5), max_size=3))
def test_same_seed_gives_same_numbers(seed: int, shape: list[int]) -> None:
    first = drawn(lambda: torch.randn(shape), seed)
    assert torch.equal(first, drawn(lambda: torch.randn(shape), seed))
    assert first.shape == torch.Size(shape)


def test_other_seed_gives_other_numbers() -> None:
    assert not torch.equal(drawn(lambda: torch.rand(8), 1), drawn(lambda: torch.rand(8), 2))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda: 3 * torch.rand(6), lambda: torch.empty(6).uniform_(0, 3)),
        (lambda: torch.rand(6), lambda: torch.rand(6, 1).flatten()),
        (lambda: torch.rand(2, 3), lambda: torch.rand_like(torch.zeros(2, 3))),
        (lambda: torch.rand(6), lambda: torch.rand(6, dtype=torch.float16)),
        (lambda: torch.rand(6), lambda: torch.rand(6, generator=torch.Generator().manual_seed(3))),
        (lambda: torch.rand(6), lambda: torch.distributions.Uniform(0.0, 1.0).sample((6,))),
        (lambda: torch.randn(6), lambda: torch.normal(0.0, 1.0, (6,))),
        (lambda: torch.randn(6), lambda: torch.zeros(6).normal_()),
        (lambda: torch.randn(6), lambda: torch.normal(torch.zeros(6), torch.ones(6))),
        (lambda: torch.randint(0, 9, (6,)), lambda: torch.randint(9, (6,))),
    ],
)
def test_same_draw_in_other_words_gives_same_numbers(one: object, other: object) -> None:
    assert torch.allclose(drawn(one), drawn(other), rtol=1e-14)


def test_dropout_operator_of_cuda_agrees_with_that_of_the_cpu() -> None:
    ones = torch.ones(4, 5, dtype=torch.float64)
    on_cpu = drawn(lambda: nn.functional.dropout(ones, 0.3, True))
    on_cuda = drawn(lambda: torch.native_dropout(ones, 0.3, True)[0])
    assert torch.allclose(on_cpu, on_cuda, rtol=1e-14)
    assert 0 < int((on_cpu == 0).sum()) < 20


def test_draws_of_another_shape_do_not_shift_later_draws() -> None:
    plain = drawn(lambda: torch.rand(6))
    assert torch.equal(plain, drawn(lambda: (torch.rand(7), torch.rand(6))[1]))


def test_moments_are_those_of_the_distributions() -> None:
    normal, uniform = drawn(lambda: torch.randn(20_000)), drawn(lambda: torch.rand(20_000))
    assert abs(float(normal.mean())) < 0.03 and abs(float(normal.std()) - 1) < 0.03
    assert abs(float(uniform.mean()) - 0.5) < 0.01 and 0 <= float(uniform.min()) <= float(uniform.max()) < 1


def test_permutation_holds_every_index_once() -> None:
    assert sorted(drawn(lambda: torch.randperm(100)).tolist()) == list(range(100))


def test_a_generator_of_ones_own_repeats_its_draws_when_it_is_seeded_again() -> None:
    def twice(first: int, second: int) -> torch.Tensor:
        seeds = (first, second)
        return torch.stack([torch.rand(3, generator=torch.Generator().manual_seed(seed)) for seed in seeds])

    plain = drawn(lambda: torch.stack([torch.rand(3) for _ in range(2)]))
    one, again = drawn(lambda: twice(5, 5))
    assert torch.equal(drawn(lambda: twice(5, 6)), plain) and torch.equal(one, again)


def test_a_generator_that_goes_on_does_not_repeat_its_draws() -> None:
    def going_on() -> torch.Tensor:
        generator = torch.Generator().manual_seed(5)
        return torch.stack([torch.randn(3, generator=generator) for _ in range(2)])

    first, second = drawn(going_on)
    assert not torch.equal(first, second)


def test_seeding_once_changes_nothing_but_seeding_in_a_loop_repeats() -> None:
    def seeded_once() -> torch.Tensor:
        torch.manual_seed(5)
        return torch.stack([torch.rand(3) for _ in range(2)])

    def seeded_in_the_loop() -> torch.Tensor:
        rows = []
        for _ in range(2):
            torch.manual_seed(5)
            rows.append(torch.rand(3))
        return torch.stack(rows)

    plain = drawn(lambda: torch.stack([torch.rand(3) for _ in range(2)]))
    assert torch.equal(drawn(seeded_once), plain)
    first, second = drawn(seeded_in_the_loop)
    assert torch.equal(first, second)


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.zeros(2, dtype=torch.float32),
        lambda: torch.tensor([0.1], dtype=torch.float16),
        lambda: torch.tensor([0.1]),
        lambda: torch.ones(2).float(),
        lambda: torch.ones(2).half(),
        lambda: torch.FloatTensor([1.0]) * 2,
        lambda: torch.from_numpy(np.ones(2, dtype=np.float32)) * 2,
        lambda: nn.Linear(2, 3)(torch.ones(1, 2)),
        lambda: nn.Linear(2, 3, dtype=torch.bfloat16)(torch.ones(1, 2)),
    ],
)
def test_narrow_floats_become_float64(make: object) -> None:
    assert drawn(make).dtype is torch.float64


def test_python_number_keeps_its_digits_in_a_narrow_tensor() -> None:
    assert drawn(lambda: torch.tensor(0.1, dtype=torch.float32)).item() == 0.1


def test_integers_stay_integers() -> None:
    assert drawn(lambda: torch.zeros(2, dtype=torch.int32)).dtype is torch.int32


def test_uninitialised_memory_is_filled_with_nan() -> None:
    assert bool(drawn(lambda: torch.empty(3)).isnan().all())


def test_data_loader_shuffles_reproducibly() -> None:
    def order() -> torch.Tensor:
        return torch.cat(list(DataLoader(torch.arange(20), batch_size=6, shuffle=True)))

    assert torch.equal(drawn(order), drawn(order))
    assert sorted(drawn(order).tolist()) == list(range(20))


def test_training_with_adam_and_dropout_is_reproducible() -> None:
    def run() -> torch.Tensor:
        network = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 1))
        optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
        for _ in range(5):
            optimizer.zero_grad()
            network(torch.randn(16, 2)).square().mean().backward()
            optimizer.step()
        return torch.cat([p.detach().flatten() for p in network.parameters()])

    assert torch.equal(drawn(run), drawn(run))


def test_unknown_random_operator_is_named() -> None:
    with pytest.raises(ReplayError, match=r"aten\.poisson"):
        drawn(lambda: torch.poisson(torch.ones(2)))


def test_replays_cannot_be_nested() -> None:
    with replay(1), pytest.raises(ReplayError, match="nested"), replay(2):
        pass


def _global_state() -> tuple[object, ...]:
    return (
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.backends.cudnn.benchmark,
        torch.backends.cudnn.deterministic,
        torch.is_grad_enabled(),
        torch.get_rng_state().tolist(),
        random.getstate(),
        np.random.get_state()[1].tolist(),
        torch.manual_seed,
        torch.tensor,
        nn.Module.train,
    )


@pytest.mark.parametrize("fails", [False, True])
def test_all_global_state_is_put_back(fails: bool) -> None:
    torch.manual_seed(0)
    network = nn.Linear(1, 1)
    before = _global_state()
    try:
        with replay(3):
            torch.manual_seed(1)
            torch.rand(3)
            random.random()
            np.random.rand()
            torch.set_grad_enabled(False)
            torch.set_default_dtype(torch.float16)
            network.eval()
            if fails:
                raise KeyError("in the body")
    except KeyError:
        assert fails
    assert _global_state() == before
    assert network.training


def test_replay_ignores_what_was_drawn_before_it() -> None:
    torch.rand(5)
    random.random()
    first = drawn(lambda: torch.rand(3))
    torch.rand(50)
    assert torch.equal(first, drawn(lambda: torch.rand(3)))


def test_narrow_dtypes_are_those_below_float64() -> None:
    assert {torch.float16, torch.bfloat16, torch.float32} == LOW_PRECISION


EXPECTED_UNIFORM = [0.6167609004292209, 0.7385996864237325]
EXPECTED_NORMAL = [-0.7900073466425757, 0.5506280361635966]
EXPECTED_ORDER = [4, 3, 2, 0, 1]
