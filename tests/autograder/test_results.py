"""Results that are looked at more closely before a check takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from autograder.checks.initialisation import initialised
from autograder.checks.results import loadable, plain_number, whole_number
from autograder.messages import CheckFailed
from autograder.replay import replay

ROWS = torch.rand(3, 2)


@pytest.mark.parametrize(
    ("wrap", "result"),
    [
        (plain_number, torch.tensor(1.5)),
        (plain_number, np.float32(1.5)),
        (plain_number, np.array(1.5)),
        (plain_number, True),
        (whole_number, 3.0),
        (whole_number, np.floor(3.5)),
        (whole_number, torch.tensor(3)),
        (loadable, [(row, None) for row in ROWS]),
        (loadable, [(row, object()) for row in ROWS]),
    ],
)
def test_a_result_of_another_kind_is_refused(wrap: Any, result: Any) -> None:
    with pytest.raises(CheckFailed):
        wrap(lambda: result)()


@pytest.mark.parametrize(
    ("wrap", "result"),
    [
        (plain_number, 1.5),
        (plain_number, 2),
        (plain_number, np.float64(1.5)),
        (whole_number, 3),
        (whole_number, np.int64(3)),
        (loadable, [(row, 0) for row in ROWS]),
        (loadable, torch.utils.data.TensorDataset(ROWS, torch.zeros(3))),
        (loadable, [(row, "real") for row in ROWS]),
        # What is none of it is said by the check that takes it.
        (plain_number, None),
        (loadable, 3),
        (loadable, [*ROWS]),
        (loadable, []),
    ],
)
def test_a_result_of_the_kind_asked_for_is_handed_on(wrap: Any, result: Any) -> None:
    assert wrap(lambda: result)() is result


def test_what_is_no_function_is_left_to_the_check() -> None:
    assert plain_number(3) == 3  # type: ignore[arg-type]


def first(layer: nn.Module) -> None:
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(layer.weight, 0.0, 0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)
        nn.init.zeros_(layer.bias)


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("convolutions", nn.Linear),
        ("convolutions", nn.PReLU),
        ("batch_norms", nn.LayerNorm),
        ("batch_norms", nn.GroupNorm),
    ],
)
def test_layers_of_another_kind_stay_as_they_are(kind: str, changed: type[nn.Module]) -> None:
    def function(layer: Any) -> None:
        first(layer)
        if isinstance(layer, changed):
            nn.init.ones_(layer.weight)

    other = "batch_norms" if kind == "convolutions" else "convolutions"
    with replay(7) as running:
        initialised(function, other, running)
        initialised(first, kind, running)
        with pytest.raises(CheckFailed) as failed:
            initialised(function, kind, running)
    assert failed.value.message.key == "initialisation_other"
    assert failed.value.message.details["layer"] == changed.__name__
