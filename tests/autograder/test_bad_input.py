"""Whatever a student's code returns or raises, a check ends with a message that helps."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from autograder import column, open_lab
from autograder.checks.sizes import LEAST_OF_NETWORK, rounds
from autograder.display import CellView
from autograder.errors import CheckUseError
from autograder.key import AnswerKey
from autograder.replay.randomness import seed_of
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


def first_size(lab: Lab, name: str = "block.check", **options: int) -> int:
    """Return the number that a check draws first for its size."""
    return rounds(seed_of(lab.judge.seed, name), ["n"], **options)[0]["n"]


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
        (lambda n: torch.zeros(n), r"The shape is \({n},\); \({n}, 2\) was expected"),
        (lambda n: torch.zeros(n, 2, dtype=torch.int64), "int64"),
        (lambda n: torch.full((n, 2), torch.nan), "{twice} NaN"),
        (lambda n: torch.full((n, 2), torch.inf), "infinite"),
        (lambda n: torch.full((n, 2), 9.0), "between 0 and 1"),
        (lambda n: torch.empty(n, 2), "torch.empty"),
        (None, "function or a class was expected"),
        (torch.zeros(4, 2), "function or a class was expected"),
        (raising(NotImplementedError()), "no code here yet"),
        (raising(ValueError("too hot")), "ValueError at line .*: “too hot”."),
        (raising(SystemExit(1)), "SystemExit"),
        (raising(RecursionError("deep")), "RecursionError"),
        (raising(NameError("x", name="train_data")), "`train_data` is not defined"),
        (lambda: None, "TypeError"),
        (lambda n: torch.poisson(torch.ones(n, 2)), "aten.poisson"),
    ],
)
def test_bad_tensor_is_described(lab: Lab, function: Any, said: str) -> None:
    n = first_size(lab)
    found = message(lab, "fingerprint", function, lab.supplied_size("n"), shape=("n", 2), low=0.0, high=1.0)
    assert re.search(said.replace("{n}", str(n)).replace("{twice}", str(2 * n)), found), found


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_floating_type_is_accepted_and_widened(lab: Lab, dtype: torch.dtype) -> None:
    def train_data(length: int) -> torch.Tensor:
        angles = 2 * torch.pi * torch.rand(length, dtype=dtype)
        return torch.stack([angles, torch.sin(angles)], dim=1)

    with lab.marks("train_data", points=2) as block:
        length = lab.supplied_size("length")
        assert block.fingerprint(
            "train_data.points", train_data, length, shape=("length", 2), rounded=True, points=2
        )


def test_result_in_a_gradient_graph_is_described(lab: Lab) -> None:
    def graph(n: int) -> torch.Tensor:
        return torch.ones(n, requires_grad=True)

    found = message(lab, "fingerprint", graph, lab.supplied_size("n"), detached=True)
    assert "no_grad()" in found


@pytest.mark.parametrize("bad", [None, lambda n: None, lambda n: torch.zeros(n), lambda n: 3])
def test_column_of_no_matrix_is_described(lab: Lab, bad: Any) -> None:
    assert message(lab, "fingerprint", column(bad, 1), lab.supplied_size("n"))


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
        (nn.Linear(2, 1), "The class `Linear` was expected"),
        (dict, "an nn.Module was expected"),
        (None, "function or a class was expected"),
        (NoForward, "no `forward`"),
        (Unused, "2 parameter tensors are not used"),
        (lambda: nn.Linear(3, 1), "RuntimeError"),
        (lambda: nn.Linear(2, 1), "not the one expected"),
    ],
)
def test_bad_network_is_described(lab: Lab, factory: Any, said: str) -> None:
    assert said in message(lab, "network_output", factory, input_shape=(2,))


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        (lambda: nn.Linear(2, 1), "no dropout is active"),
        (lambda: AlwaysDropping(), "In eval mode the output changes"),
        (lambda: nn.Sequential(nn.Linear(2, 16), nn.Dropout(0.5)), "Dropout(0.5)"),
    ],
)
def test_bad_dropout_is_described(lab: Lab, factory: Any, said: str) -> None:
    assert said in message(lab, "dropout", factory, input_shape=(2,))


class AlwaysDropping(nn.Linear):
    def __init__(self) -> None:
        super().__init__(2, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.dropout(super().forward(x), 0.5)


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        (lambda n: None, "None"),
        (lambda n: 3, "int"),
        (lambda n: torch.zeros(n, 2), "Tensor"),
        (lambda n: [], "0 items"),
        (lambda n: [torch.zeros(2)] * n, "Item 0 is a Tensor"),
        (lambda n: [(torch.zeros(3), 0)] * n, r"shape (3,)"),
        (lambda n: [(torch.zeros(2), 0)] * n, "must hold the rows"),
    ],
)
def test_bad_data_set_is_described(lab: Lab, dataset: Any, said: str) -> None:
    assert said in message(lab, "dataset", lambda rows: dataset(len(rows)), sample_shape=(2,))


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
        size = lab.supplied_size("n")
        block.fingerprint("train_data.points", raising(ValueError("x")), size, shape=("n", 2), points=2)
        assert block.dataset(
            "train_set.pairs", lambda rows: [(r, 0) for r in rows], sample_shape=(2,), points=3
        )
    assert block.score == 3.0


def test_an_author_who_names_no_size_and_says_no_reason_is_told(lab: Lab) -> None:
    with (
        lab.marks("block", points=1) as block,
        pytest.raises(CheckUseError, match="say in one_size why"),
    ):
        block.fingerprint("block.check", lambda: torch.zeros(2), points=1)
    with lab.marks("block", points=1) as block:
        block.fingerprint("block.check", lambda: torch.zeros(2), one_size="it takes no size", points=1)
    observation = block.results[-1].observation
    assert observation is not None and observation.error is None


def test_missing_name_in_a_check_cell_is_named(lab: Lab) -> None:
    with lab.marks("sample", points=4) as block:
        block.fingerprint("sample.points", no_such_name, 4, points=2)  # type: ignore[name-defined]  # noqa: F821
    assert "`no_such_name` is not defined" in block.results[0].message.render("en")
    assert block.score == 0.0


# --- a message claims what was seen, and no more -------------------------------------------------------


def test_a_loss_whose_gradient_is_missing_is_not_said_to_have_another_value(lab: Lab) -> None:
    cases = [tuple(row) for row in lab.supplied_batches("real", "fake", sample_shape=(1,))]
    with lab.marks("block", points=1) as block:
        block.loss("block.check", lambda real, fake: fake.mean() - real.mean().detach(), cases, points=1)
        block.loss("block.other", lambda real, fake: fake.mean() - real.mean(), cases, points=1)
    missing, whole = (result.message.render("en") for result in block.results)
    assert "No gradient reaches these arguments, counted from 1: 1." in missing
    assert "or its gradient" in whole and "counted" not in whole


def test_values_are_told_with_the_shape_that_was_seen(lab: Lab) -> None:
    said = message(lab, "fingerprint", lambda n: torch.ones(n, 3), lab.supplied_size("n"))
    assert f"shape ({first_size(lab)}, 3)" in said and "shape is right" not in said


def test_a_squeezed_output_is_told_once_and_is_the_cause_of_what_follows(lab: Lab) -> None:
    class Squeezed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense = nn.Linear(2, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            output: torch.Tensor = self.dense(x)
            return output.squeeze(1)

    with lab.marks("block", points=2) as block:
        block.network_structure(
            "block.structure", Squeezed, input_shape=(2,), output_shape=(1,), parameters=3, points=1
        )
        block.network_output("block.output", Squeezed, input_shape=(2,), points=1)
    said = [result.message.render("en") for result in block.results]
    n = first_size(lab, "block.structure", count=1, least=LEAST_OF_NETWORK)
    assert said == [f"The shape is ({n},); ({n}, 1) was expected.", "The same cause as above."]


def test_markup_and_colours_are_rendered_and_never_shown(lab: Lab) -> None:
    text = "\x1b[31mred\x1b[0m and **bold** and `a**b**c`"

    def coloured(n: int) -> None:
        raise ValueError(text)

    with lab.marks("block", points=1) as block:
        block.fingerprint("block.check", coloured, lab.supplied_size("n"), points=1)
    view = CellView(block.cell_marks())
    assert "\x1b" not in repr(view) + view._repr_html_()
    assert "[31m" not in repr(view) + view._repr_html_()
    assert "red and <strong>bold</strong> and <code>a**b**c</code>" in view._repr_html_()
    assert "red and bold and `a**b**c`" in repr(view)


@pytest.mark.parametrize(("language", "points"), [("es", "(1 punto): "), ("en", "(1 mark): ")])
def test_a_check_is_called_by_its_label_and_marks_in_words(language: str, points: str) -> None:
    lab = open_lab("lab1_sine_gan", language=language)
    with lab.marks("train_data", points=10) as block:
        size = lab.supplied_size("n")
        block.fingerprint("train_data.angles", lambda n: None, size, points=1)
        block.fingerprint("train_data.without_label", lambda n: None, size, points=2)
    first, second, third = repr(CellView(block.cell_marks())).splitlines()
    assert first.startswith("✗ 3. ") and "train_data" not in first + second + third and "[" not in second
    assert second.strip().startswith("✗ Á" if language == "es" else "✗ A") and points in second
    assert third.strip().startswith("✗ 2 ")
