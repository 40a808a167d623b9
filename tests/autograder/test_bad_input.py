"""Whatever a student's code returns or raises, a check ends with a message that helps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from autograder import column, open_lab
from autograder.key import AnswerKey
from autograder.session import Lab
from course.training import LossHistory


@pytest.fixture
def lab(lab1_key: AnswerKey) -> Lab:
    return open_lab("lab1_sine_gan", language="en", key=lab1_key)


def message(lab: Lab, check: str, *args: Any, **kwargs: Any) -> str:
    """Run one check that must fail; return what it says."""
    with lab.marks("block", points=1) as block:
        assert getattr(block, check)("block.check", *args, points=1, **kwargs) is False
    assert block.score == 0.0
    return block.results[-1].message.render("en")


def raising(error: BaseException) -> Any:
    def function(*args: object) -> None:
        raise error

    return function


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda n: None, "returns None"),
        (lambda n: [[0.0, 0.0]] * n, "returns a list"),
        (lambda n: np.zeros((n, 2)), "torch.from_numpy"),
        (lambda n: torch.zeros(n), r"\(4,\)"),
        (lambda n: torch.zeros(n, 2, dtype=torch.int64), "int64"),
        (lambda n: torch.full((n, 2), torch.nan), "8 NaN"),
        (lambda n: torch.full((n, 2), torch.inf), "infinite"),
        (lambda n: torch.full((n, 2), 9.0), "between 0 and 1"),
        (lambda n: torch.empty(n, 2), "torch.empty"),
        (None, "function or a class was expected"),
        (torch.zeros(4, 2), "function or a class was expected"),
        (raising(NotImplementedError()), "no code here yet"),
        (raising(ValueError("too hot")), "ValueError at line .*: too hot"),
        (raising(SystemExit(1)), "SystemExit"),
        (raising(RecursionError("deep")), "RecursionError"),
        (raising(NameError("x", name="train_data")), "`train_data` does not exist yet"),
        (lambda: None, "TypeError"),
        (lambda n: torch.poisson(torch.ones(n, 2)), "aten.poisson"),
    ],
)
def test_bad_tensor_is_described(lab: Lab, function: Any, said: str) -> None:
    import re

    found = message(lab, "fingerprint", function, 4, shape=(4, 2), low=0.0, high=1.0)
    assert re.search(said, found), found


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_floating_type_is_accepted_and_widened(lab: Lab, dtype: torch.dtype) -> None:
    def train_data(length: int) -> torch.Tensor:
        angles = 2 * torch.pi * torch.rand(length, dtype=dtype)
        return torch.stack([angles, torch.sin(angles)], dim=1)

    with lab.marks("train_data", points=2) as block:
        assert block.fingerprint("train_data.points", train_data, 1024, shape=(1024, 2), points=2)


def test_result_in_a_gradient_graph_is_described(lab: Lab) -> None:
    found = message(lab, "fingerprint", lambda n: torch.ones(n, requires_grad=True), 4, detached=True)
    assert "no_grad()" in found


@pytest.mark.parametrize("bad", [None, lambda n: None, lambda n: torch.zeros(n), lambda n: 3])
def test_column_of_no_matrix_is_described(lab: Lab, bad: Any) -> None:
    assert message(lab, "fingerprint", column(bad, 1), 4)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "None"),
        ("3", "str"),
        (True, "bool"),
        (torch.zeros(2), "(2,)"),
        (float("nan"), "NaN"),
        (1.0, "not the one expected"),
    ],
)
def test_bad_scalar_is_described(lab: Lab, value: Any, said: str) -> None:
    assert said in message(lab, "scalars", lambda: value, [()])


class NoForward(nn.Module):
    pass


class Unused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used, self.unused = nn.Linear(2, 1), nn.Linear(2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.used(x)


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        (nn.Linear(2, 1), "the class `Linear` was expected"),
        (dict, "an nn.Module was expected"),
        (None, "function or a class was expected"),
        (NoForward, "no `forward`"),
        (Unused, "2 parameter tensors are not used"),
        (lambda: nn.Linear(3, 1), "RuntimeError"),
        (lambda: nn.Linear(2, 1), "not the one expected"),
    ],
)
def test_bad_network_is_described(lab: Lab, factory: Any, said: str) -> None:
    assert said in message(lab, "network_output", factory, input_shape=(4, 2))


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        (lambda: nn.Linear(2, 1), "no dropout is active"),
        (lambda: AlwaysDropping(), "in eval mode the output changes"),
        (lambda: nn.Sequential(nn.Linear(2, 16), nn.Dropout(0.5)), "Dropout(0.5)"),
    ],
)
def test_bad_dropout_is_described(lab: Lab, factory: Any, said: str) -> None:
    assert said in message(lab, "dropout", factory, input_shape=(64, 2))


class AlwaysDropping(nn.Linear):
    def __init__(self) -> None:
        super().__init__(2, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.dropout(super().forward(x), 0.5)


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        (None, "None"),
        (3, "int"),
        (torch.zeros(4, 2), "Tensor"),
        ([], "0 items"),
        ([torch.zeros(2)] * 4, "item 0 is a Tensor"),
        ([(torch.zeros(3), 0)] * 4, r"shape (3,)"),
        ([(torch.zeros(2), 0)] * 4, "do not hold the rows"),
    ],
)
def test_bad_data_set_is_described(lab: Lab, dataset: Any, said: str) -> None:
    assert said in message(lab, "dataset", lambda rows: dataset, shape=(4, 2))


@pytest.mark.parametrize("updates", ["discriminator", "generator"])
@pytest.mark.parametrize(
    ("step", "said"),
    [
        (None, "function or a class was expected"),
        (lambda *args: None, "returns None"),
        (lambda *args: torch.zeros(3), "(3,)"),
        (lambda *args: (1.0, 2.0), "tuple"),
        (lambda *args: float("nan"), "NaN"),
        (lambda *args: 0.7, "`loss_function` was not used"),
        (lambda: 0.7, "TypeError"),
    ],
)
def test_bad_training_step_is_described(lab: Lab, updates: str, step: Any, said: str) -> None:
    with lab.marks("block", points=1) as block:
        checks = block.gan_step(step, updates=updates, latent_shape=(2,), sample_shape=(2,))
        for index, name in enumerate(("loss", "update", "zero_grad", "isolation")):
            assert getattr(checks, name)(f"block.{index}", points=0.25) is False
    assert said in block.results[0].message.render("en")


@pytest.mark.parametrize(
    ("train", "said"),
    [
        (None, "function or a class was expected"),
        (lambda *args, **kwargs: None, "returns None"),
        (lambda *args, **kwargs: 3, "it returns int"),
        (lambda *args, **kwargs: LossHistory(), "0 of the discriminator"),
        (lambda: None, "TypeError"),
    ],
)
def test_bad_training_run_is_described(lab: Lab, train: Any, said: str) -> None:
    with lab.marks("block", points=1) as block:
        run = block.gan_training(train, latent_shape=(2,), sample_shape=(2,))
        for index, name in enumerate(("steps", "optimizers", "final_losses")):
            assert getattr(run, name)(f"block.{index}", points=0.3) is False
    assert said in block.results[0].message.render("en")


def test_error_in_one_check_leaves_the_next_alone(lab: Lab) -> None:
    with lab.marks("train_data", points=10) as block:
        block.fingerprint("train_data.points", raising(ValueError("x")), 4, shape=(4, 2), points=2)
        assert block.dataset(
            "train_set.pairs", lambda rows: [(r, 0) for r in rows], shape=(1024, 2), points=3
        )
    assert block.score == 3.0


def test_missing_name_in_a_check_cell_is_named(lab: Lab) -> None:
    with lab.marks("sample", points=4) as block:
        block.fingerprint("sample.points", no_such_name, 4, points=2)  # type: ignore[name-defined]  # noqa: F821
    assert "`no_such_name` does not exist yet" in block.results[0].message.render("en")
    assert block.score == 0.0
