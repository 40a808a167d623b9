"""A replay gives the same numbers everywhere and leaves nothing behind."""

import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import DataLoader

from autograder import ReplayError
from autograder.checks.calling import call_student
from autograder.replay import LOW_PRECISION, replay
from tests.notebook_code import run_cell


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


def plain_rows() -> torch.Tensor:
    return torch.stack([torch.rand(3) for _ in range(2)])


START = (
    "import copy, random\nimport numpy as np\nimport torch\nfrom torch import manual_seed, default_generator"
)


def in_a_notebook(expression: str, before: str = "", *given: object, seed: int = 1) -> torch.Tensor:
    """Return what a function of a notebook, that was there before the replay, returns in one."""
    body = "".join(f"    {line}\n" for line in before.splitlines())
    names = run_cell(f"{START}\ndef f(*given):\n{body}    return {expression}\n")
    with replay(seed):
        return call_student(names["f"], *given)


SEEDINGS = [
    "torch.manual_seed(5)",
    "torch.random.manual_seed(5)",
    "manual_seed(5)",
    "torch.default_generator.manual_seed(5)",
    "default_generator.manual_seed(5)",
    "torch.set_rng_state(torch.Generator().manual_seed(5).get_state())",
    "torch.random.set_rng_state(torch.Generator().manual_seed(5).get_state())",
    "torch.default_generator.set_state(torch.Generator().manual_seed(5).get_state())",
]


@pytest.mark.parametrize("seeding", SEEDINGS)
def test_however_a_program_seeds_once_is_as_never_and_in_a_loop_repeats(seeding: str) -> None:
    once = in_a_notebook("torch.stack([torch.rand(3) for _ in range(2)])", seeding)
    assert torch.equal(once, drawn(plain_rows))
    looped = in_a_notebook(
        "torch.stack(rows)", f"rows = []\nfor _ in range(2): {seeding}; rows += [torch.rand(3)]"
    )
    assert torch.equal(looped, drawn(plain_rows)[[0, 0]])


def test_ways_of_seeding_with_one_seed_lead_to_the_same_place() -> None:
    rows = in_a_notebook(
        "torch.stack(rows)", "rows = []\n" + "\n".join(f"{way}; rows += [torch.rand(3)]" for way in SEEDINGS)
    )
    assert torch.equal(rows, drawn(plain_rows)[[0] * len(SEEDINGS)])


@pytest.mark.parametrize(
    ("read", "put_back"),
    [
        ("torch.get_rng_state()", "torch.set_rng_state(state)"),
        ("torch.random.get_rng_state()", "torch.random.set_rng_state(state)"),
        ("torch.default_generator.get_state()", "torch.default_generator.set_state(state)"),
        ("torch.get_rng_state()", "torch.default_generator.set_state(state)"),
    ],
)
@pytest.mark.parametrize("drawn_before", [0, 2])
def test_a_state_that_is_put_back_repeats_what_came_after_it(
    read: str, put_back: str, drawn_before: int
) -> None:
    first, second, third = in_a_notebook(
        "torch.stack([first, second, torch.rand(3)])",
        f"for _ in range({drawn_before}): torch.rand(3)\nstate = {read}\nfirst = torch.rand(3)\n{put_back}\n"
        "second = torch.rand(3)",
    )
    assert torch.equal(first, second) and not torch.equal(first, third)
    plain = drawn(lambda: torch.stack([torch.rand(3) for _ in range(drawn_before + 2)]))
    assert torch.equal(first, plain[-2]) and torch.equal(third, plain[-1])


def test_draws_within_a_fork_do_not_move_those_after_it() -> None:
    inside, after = in_a_notebook(
        "torch.stack([inside, torch.rand(3)])",
        "with torch.random.fork_rng(devices=[]):\n    torch.manual_seed(5)\n    inside = torch.rand(3)",
    )
    assert torch.equal(after, drawn(plain_rows)[0])
    assert inside.shape == after.shape


def test_draws_of_a_data_loader_and_of_workers_alike_follow_the_seed() -> None:
    order = "[int(x) for row in torch.utils.data.DataLoader(range(20), 5, shuffle=True) for x in row]"
    rows = in_a_notebook(
        "torch.tensor(rows)", f"rows = []\nfor _ in range(2): torch.manual_seed(5); rows += [{order}]"
    )
    assert torch.equal(rows[0], rows[1]) and sorted(rows[0].tolist()) == list(range(20))


# --- every way into a tensor is wide -----------------------------------------------------------------


@pytest.mark.parametrize(
    "expression",
    [
        "torch.tensor([0.1], dtype=torch.float32)",
        "torch.as_tensor([0.1], dtype=torch.float32)",
        "torch.asarray([0.1], dtype=torch.float32)",
        "given[0].new_tensor([0.1])",
        "given[0].new_tensor([0.1], dtype=torch.float32)",
        "given[0].new_full((1,), 0.1)",
        "given[0].float().new_tensor([0.1])",
        "torch.full((1,), 0.1, dtype=torch.float32)",
        "torch.full_like(given[0], 0.1, dtype=torch.float32)",
        "torch.scalar_tensor(0.1, dtype=torch.float32).reshape(1)",
        "torch.FloatTensor([0.1])",
        "torch.FloatTensor((0.1,))",
        "torch.FloatTensor(np.array([0.1]))",
        "torch.FloatTensor(1).fill_(0.1)",
        "torch.FloatTensor(1, 1).fill_(0.1)[0]",
        "torch.Tensor([0.1])",
        "torch.Tensor(1).fill_(0.1)",
        "torch.tensor([0.1]).float()",
        "torch.tensor([0.1]).type(torch.float32)",
        "torch.tensor([0.1]).type(torch.FloatTensor)",
        "torch.tensor([0.1]).type('torch.FloatTensor')",
        "torch.tensor([0.1]).to(torch.float32)",
        "torch.from_numpy(np.array([0.1])).float()",
        "tensor([0.1], dtype=torch.float32)",
        "as_tensor([0.1], dtype=torch.float32)",
        "FloatTensor([0.1])",
    ],
)
def test_a_number_keeps_its_digits_on_every_way_into_a_tensor(expression: str) -> None:
    names = run_cell(
        f"{START}\nfrom torch import tensor, as_tensor, FloatTensor\ndef f(*given): return {expression}"
    )
    with replay(1):
        made = call_student(names["f"], torch.zeros(1))
    assert made.dtype is torch.float64 and made.tolist() == [0.1]


def test_names_that_a_notebook_has_mean_what_they_meant_after_a_call() -> None:
    names = run_cell("from torch import tensor, FloatTensor, get_rng_state\ndef f(): return tensor([0.1])")
    before = dict(names)
    with replay(1):
        call_student(names["f"])
        with pytest.raises(ZeroDivisionError):
            call_student(run_cell("def g(): 1 / 0", names)["g"])
    assert {name: names[name] for name in before} == before
    assert names["tensor"] is torch.tensor and names["FloatTensor"] is torch.FloatTensor


def test_the_type_of_a_tensor_can_be_asked_for_within_a_replay() -> None:
    assert in_a_notebook("isinstance(given[0], torch.FloatTensor) or True", "", torch.ones(1)) is True


# --- inference mode ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expression",
    [
        "torch.rand(6)",
        "torch.randn(2, 3).float() * 0.1",
        "torch.nn.functional.dropout(torch.ones(4, 5), 0.3)",
        "torch.nn.functional.interpolate(torch.rand(1, 1, 3, 3), scale_factor=2, mode='bilinear')",
        "torch.nn.functional.linear(torch.rand(2, 3), torch.rand(4, 3))",
        "torch.nn.functional.conv2d(torch.rand(1, 2, 5, 5), torch.rand(3, 2, 3, 3))",
        "torch.nn.functional.batch_norm(torch.rand(4, 3), None, None, training=True)",
        "torch.matmul(torch.rand(2, 3, 4), torch.rand(4, 5))",
        "torch.einsum('ij,jk->ik', torch.rand(2, 3), torch.rand(3, 4))",
        "torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Dropout(0.5))(torch.ones(4, 2)).detach()",
        "torch.softmax(torch.rand(3, 4), dim=1)",
        "torch.empty(6).uniform_(0, 3)",
        "torch.randperm(7).double()",
    ],
)
def test_inference_mode_gives_the_numbers_of_no_grad(expression: str) -> None:
    found = []
    for mode in ("inference_mode", "no_grad"):
        returned = in_a_notebook("kept", f"with torch.{mode}(): kept = {expression}")
        assert returned.dtype is torch.float64
        found.append(returned.clone())
    assert torch.allclose(*found, rtol=1e-14, atol=0.0)


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


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_what_half_precision_loses_is_lost(dtype: torch.dtype) -> None:
    third = drawn(lambda: (torch.ones(2) / 3).to(dtype).float())
    assert third.tolist() == [torch.tensor(1 / 3).to(dtype).item()] * 2


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
        torch.as_tensor,
        torch.asarray,
        torch.FloatTensor,
        torch.Tensor.new_tensor,
        torch.get_rng_state,
        torch.random.get_rng_state,
        random.seed,
        np.random.seed,
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


@pytest.mark.cuda
def test_the_random_state_of_a_gpu_is_put_back() -> None:
    torch.cuda.manual_seed_all(3)
    before = [state.tolist() for state in torch.cuda.get_rng_state_all()]
    with replay(1):
        torch.cuda.manual_seed_all(4)
        torch.rand(3, device="cuda")
    assert [state.tolist() for state in torch.cuda.get_rng_state_all()] == before


@pytest.mark.slow
def test_a_device_for_all_tensors_holds_after_a_replay_in_which_it_was_first_set() -> None:
    """PyTorch collects the functions that make tensors when it first needs them: not those of a replay."""
    code = (
        "import torch\nfrom autograder.replay import replay\n"
        "with replay(1):\n    torch.set_default_device('meta')\n    torch.set_default_device(None)\n"
        "with replay(1):\n    torch.set_default_device('meta')\n    torch.ones(1)\n"
        "    torch.set_default_device(None)\n"
        "torch.set_default_device('meta')\nprint(torch.tensor([1.0]).device, torch.asarray([1.0]).device)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["meta", "meta"]


def test_replay_ignores_what_was_drawn_before_it() -> None:
    torch.rand(5)
    random.random()
    first = drawn(lambda: torch.rand(3))
    torch.rand(50)
    assert torch.equal(first, drawn(lambda: torch.rand(3)))


def test_narrow_dtypes_are_those_below_float64() -> None:
    assert {torch.float16, torch.bfloat16, torch.float32} == LOW_PRECISION


EXPECTED_UNIFORM = [0.5002353220984551, 0.3484956731248018]
EXPECTED_NORMAL = [-1.1490457282544733, -0.7907371815243095]
EXPECTED_ORDER = [4, 0, 1, 2, 3]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("inplace", [True, False])
def test_dropout_draws_alike_in_inference_mode(training: bool, inplace: bool) -> None:
    def dropped(mode: type[torch.no_grad] | type[torch.inference_mode]) -> torch.Tensor:
        with replay(3), mode():
            return torch.nn.functional.dropout(torch.ones(40), 0.3, training, inplace).clone()

    assert torch.equal(dropped(torch.inference_mode), dropped(torch.no_grad))
    assert bool((dropped(torch.inference_mode) == 0).any()) == training
