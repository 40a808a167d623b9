"""The commonest errors of students, each raised by PyTorch itself in a replay, are told in both languages."""

# A type checker would find what these students did not.
# mypy: disable-error-code="arg-type, attr-defined, call-arg, misc, operator"

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch._subclasses import FakeTensorMode

from autograder import faults
from autograder.messages import Message
from autograder.replay import replay
from autograder.usual_errors import usual_text


def pair() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.rand(9, 1), torch.ones(9, 1)


def weights() -> torch.Tensor:
    return torch.ones(3, requires_grad=True)


def twice() -> None:
    loss = (weights() ** 2).sum()
    loss.backward()
    loss.backward()


def changed_in_place() -> None:
    output = weights().exp()
    output += 1
    output.sum().backward()


def leaf_changed() -> None:
    leaf = weights()
    leaf += 1


def not_in_graph() -> Any:
    return torch.autograd.grad((weights() ** 2).sum(), weights())


def two_devices() -> Any:
    with FakeTensorMode():
        return torch.ones(3, device="cpu") + torch.ones(3, device="meta")


def unbound() -> Any:
    if torch.ones(1).item() > 2:
        loss = 1
    return loss


def endless() -> Any:
    return endless()


def step(network: Any, real: Any) -> Any:
    return network


def values(*found: Any) -> Any:
    return found


def three() -> Any:
    a, b, c = values(1, 2)
    return a, b, c


def two() -> Any:
    a, b = values(1, 2, 3)
    return a, b


def one() -> Any:
    a, b = values(3)[0]
    return a, b


class Misspelt(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(2, 1)

    def forward(self, x: torch.Tensor) -> Any:
        return self.hiden(x)


class WithoutSuper(nn.Module):
    def __init__(self) -> None:
        self.hidden = nn.Linear(2, 1)


nothing: Any = None
number: Any = 3
INTEGERS: dict[str, Any] = {"dtype": torch.long}
ERRORS: list[tuple[str, Callable[[], Any], str, str]] = [
    (
        "no graph",
        lambda: torch.ones(3).sum().backward(),
        "no depende de ningún parámetro",
        "depends on no parameter",
    ),
    ("not scalar", lambda: weights().backward(), "varios números", "several numbers"),
    ("matrices", lambda: nn.Linear(100, 256)(torch.ones(32, 784)), "32x784 y 100x256", "784 columns"),
    ("view", lambda: torch.ones(3, 4).t().view(-1), "`reshape`", "Use `reshape`"),
    (
        "not in [0, 1]",
        lambda: nn.BCELoss()(torch.ones(9, 1) * 5, pair()[1]),
        "salidas fuera de [0, 1]",
        "outputs outside",
    ),
    ("labels", lambda: nn.BCELoss()(pair()[0], pair()[1] * 5), "etiquetas fuera de [0, 1]", "labels outside"),
    ("class", lambda: nn.BCELoss(*pair()).backward(), "`nn.BCELoss` es una clase", "`nn.BCELoss` is a class"),
    ("layer", lambda: nn.BCELoss(torch.ones(1)).detach(), "un objeto `BCELoss`", "an object `BCELoss`"),
    (
        "tuple",
        lambda: torch.autograd.grad(weights().sum(), weights(), allow_unused=True).norm(),
        "una tupla",
        "a tuple",
    ),
    ("twice", twice, "dos veces", "asked twice"),
    ("in place", changed_in_place, "de forma [3]", "of shape [3]"),
    ("leaf in place", leaf_changed, "`torch.no_grad()`", "`torch.no_grad()`"),
    ("numpy", lambda: weights().numpy(), "`.detach()`", "`.detach()`"),
    ("devices", lambda: torch.ones(3) + torch.ones(3, device="meta"), "dos dispositivos", "two devices"),
    (
        "axes",
        lambda: nn.Conv2d(3, 6, 3)(torch.ones(4, 784)),
        "`conv2d` recibió una entrada de forma [4, 784]",
        "must have 4 axes",
    ),
    ("axes of norm", lambda: nn.BatchNorm2d(3)(torch.ones(4, 3)), "de 2 ejes", "of 2 axes"),
    (
        "channels",
        lambda: nn.Conv2d(3, 6, 3)(torch.ones(4, 1, 8, 8)),
        "para 3 canales y recibió 1",
        "3 channels and received 1",
    ),
    ("kernel", lambda: nn.Conv2d(3, 6, 9)(torch.ones(4, 3, 8, 8)), "9x9", "8x8"),
    (
        "sizes",
        lambda: torch.ones(3, 4) + torch.ones(3, 5),
        "tamaños 4 y 5 en el eje 1",
        "sizes 4 and 5 along axis 1",
    ),
    ("cat", lambda: torch.cat([torch.ones(3, 4), torch.ones(3, 5)]), "tamaños 4 y 5", "sizes 4 and 5"),
    ("stack", lambda: torch.stack([torch.ones(3), torch.ones(4)]), "[3] y [4]", "[3] and [4]"),
    (
        "target",
        lambda: nn.BCELoss()(torch.rand(9, 1), torch.ones(9)),
        "forma [9] y salidas de forma [9, 1]",
        "shape [9] and outputs of shape [9, 1]",
    ),
    ("argument missing", lambda: step(1), "sin `real`", "without `real`"),
    (
        "arguments missing",
        lambda: nn.Bilinear(1, 1, 1)(),
        "`Bilinear` se le llamó sin `input1`, `input2`",
        "without `input1`, `input2`",
    ),
    (
        "too many",
        lambda: step(1, 2, 3),
        "recibió 3 argumentos por posición y admite 2",
        "received 3 arguments",
    ),
    ("keyword", lambda: step(1, fake=2), "el nombre `fake`", "the name `fake`"),
    ("keyword twice", lambda: step(1, network=2), "dos veces el argumento `network`", "`network` twice"),
    ("None attribute", lambda: nothing.shape, "`shape` a un None", "asked of a None"),
    ("None index", lambda: nothing[0], "Se usó un None", "A None was used"),
    ("None call", lambda: nothing(3), "Se usó un None", "A None was used"),
    ("None sum", lambda: nothing + 1, "Se usó un None", "A None was used"),
    (
        "unpack few",
        three,
        "esperaban 3 valores a la vez y llegaron 2",
        "3 values were expected at once and 2",
    ),
    (
        "unpack many",
        two,
        "esperaban 2 valores a la vez y llegaron más",
        "2 values were expected at once and more",
    ),
    ("unpack one", one, "de tipo `int`", "of type `int`"),
    (
        "integers",
        lambda: nn.Linear(3, 2)(torch.ones(4, 3, **INTEGERS)),
        "int64 y float32",
        "int64 and float32",
    ),
    (
        "integers to a convolution",
        lambda: nn.Conv2d(1, 2, 3)(torch.ones(1, 1, 8, 8, **INTEGERS)),
        "int64 y float32",
        "int64 and float32",
    ),
    (
        "integers as labels",
        lambda: nn.BCELoss()(pair()[0], torch.ones(9, 1, **INTEGERS)),
        "es int64 y debe ser float32",
        "is int64 and must be float32",
    ),
    (
        "floats as classes",
        lambda: F.cross_entropy(torch.rand(9, 2), torch.ones(9)),
        "es float32 y debe ser int64",
        "is float32 and must be int64",
    ),
    (
        "floats as indices",
        lambda: nn.Embedding(3, 2)(torch.ones(3)),
        "es float32 y debe ser int64",
        "is float32 and must be int64",
    ),
    (
        "logits",
        lambda: F.binary_cross_entropy_with_logits(pair()[0], torch.ones(9, 1, **INTEGERS)),
        "float32 y int64",
        "float32 and int64",
    ),
    ("mean", lambda: torch.ones(3, **INTEGERS).mean(), "int64", "int64"),
    (
        "reshape",
        lambda: torch.ones(784).view(3, 28, 28),
        "784 números no cabe en la forma [3, 28, 28]",
        "784 numbers",
    ),
    ("axis", lambda: torch.ones(3).sum(1), "el eje 1 de un tensor cuyos ejes van de -1 a 0", "Axis 1"),
    ("table", lambda: nn.Embedding(3, 2)(torch.tensor([5])), "la tabla", "the table"),
    ("index", lambda: torch.ones(3)[5], "el índice 5 del eje 0, que tiene 3", "Index 5"),
    ("list", lambda: [1, 2][3], "la lista no tiene", "the list does not have"),
    ("indices", lambda: torch.ones(3)[0, 0], "los 1 ejes", "the 1 axes"),
    ("class label", lambda: F.cross_entropy(torch.rand(9, 2), torch.full((9,), 2)), "etiqueta 2", "label 2"),
    ("one value", lambda: nn.BatchNorm1d(3)(torch.ones(1, 3)), "(forma [1, 3])", "(shape [1, 3])"),
    ("unbound", unbound, "`loss` se usa antes", "`loss` is used before"),
    ("endless", endless, "`endless` se llama a sí misma", "`endless` calls itself"),
    ("condition", lambda: bool(torch.ones(3) > 2), "como condición", "as a condition"),
    ("item", lambda: torch.ones(3).item(), "que tiene 3", "has 3 numbers"),
    ("not in graph", not_in_graph, "no depende", "does not depend"),
    ("no parameters", lambda: torch.optim.SGD([], lr=0.1), "ningún parámetro", "no parameters"),
    (
        "network",
        lambda: torch.optim.Adam(nn.Linear(2, 1)),
        "`.parameters()`",
        "(`Linear`). Pass its parameters",
    ),
    ("not iterable", lambda: list(number), "de tipo `int`", "its type is `int`"),
    ("not callable", lambda: torch.ones(3)(2), "de tipo `Tensor`", "of type `Tensor`"),
    ("super", WithoutSuper, "`super().__init__()`", "`super().__init__()`"),
    (
        "not a tensor",
        lambda: nn.Linear(3, 2)([1, 2, 3]),
        "`linear` recibió como `input` un valor de tipo `list`",
        "`list` as `input`",
    ),
    ("misspelt layer", lambda: Misspelt()(torch.ones(3, 2)), "tiene `hidden`", "it has `hidden`"),
    ("misspelt method", lambda: torch.ones(3).summ(), "tiene `sum`", "it has `sum`"),
    ("no attribute", lambda: [1].shape, "una lista", "a list"),
    ("module", lambda: torch.autograd.gradd, "`torch.autograd` no tiene `gradd`", "no `gradd`"),
    ("key", lambda: {"a": 1}["b"], "la clave 'b'", "no key 'b'"),
    ("operands", lambda: number + "a", "`int` y `str`", "`int` and `str`"),
    (
        "state",
        lambda: nn.Linear(2, 3).load_state_dict(nn.Linear(3, 3).state_dict()),
        "la red `Linear`",
        "network `Linear`",
    ),
    (
        "random operator",
        lambda: torch.poisson(torch.ones(3)),
        "El sorteo `aten.poisson",
        "The draw `aten.poisson",
    ),
    (
        "expand",
        lambda: torch.ones(3).expand(4, 5),
        "[3] no se puede extender a la forma [4, 5]",
        "[3] cannot",
    ),
    ("result", lambda: torch.ones(3).add_(torch.ones(4, 3)), "forma [4, 3]", "shape [4, 3]"),
]


def explained(function: Callable[[], Any]) -> Message:
    with replay(3):
        try:
            function()
        except Exception as error:
            return faults.explain(error)
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize(
    ("function", "spanish", "english"), [row[1:] for row in ERRORS], ids=[row[0] for row in ERRORS]
)
def test_a_usual_error_is_told_in_both_languages(
    function: Callable[[], Any], spanish: str, english: str
) -> None:
    message = explained(function)
    said = {language: message.render(language) for language in ("es", "en")}
    assert spanish in said["es"] and english in said["en"]
    for text in said.values():
        assert text.endswith(".") and text[0].isupper() and not text.endswith("..")
        assert "ouble" not in text and "float64" not in text
        assert "It says" not in text and "Dice" not in text


def test_what_is_told_does_not_change_what_is_observed() -> None:
    message = explained(lambda: nn.Linear(100, 256)(torch.ones(32, 784)))
    detail = "mat1 and mat2 shapes cannot be multiplied (32x784 and 100x256)"
    expected = {"error": "RuntimeError", "detail": detail}
    assert message.evidence() == Message("raised", expected).evidence()


@pytest.mark.parametrize(
    ("said", "first", "second"),
    [
        ("but found at least two devices, cuda:0 and cpu!", "cuda:0", "cpu"),
        ("but got mat1 is on cpu, different from other tensors on cuda:0 (when checking)", "cpu", "cuda:0"),
    ],
)
def test_two_devices_are_named_as_every_release_names_them(said: str, first: str, second: str) -> None:
    told = usual_text("RuntimeError", f"Expected all tensors to be on the same device, {said}")
    assert told is not None and f"{first} and {second}" in told.render("en")


@pytest.mark.cuda
def test_two_devices_are_named() -> None:
    said = explained(lambda: torch.ones(3, device="cuda") + torch.ones(3)).render("es")
    assert "cuda:0 y cpu" in said or "cpu y cuda:0" in said
    said = explained(lambda: nn.Linear(3, 1)(torch.ones(2, 3, device="cuda"))).render("en")
    assert "cuda:0" in said and "cpu" in said and "It says" not in said


def test_an_unusual_error_is_quoted_plainly_with_the_types_that_a_student_sees() -> None:
    def coloured() -> None:
        raise RuntimeError("\x1b[31mexpected\x1b[0m scalar type Double at torch.float64\x1b[K\nmore")

    said = explained(coloured).render("en")
    assert "It says: “expected scalar type Float at torch.float32”." in said


def test_an_error_is_the_same_evidence_wherever_a_check_put_its_folder_and_its_objects() -> None:
    def message() -> Message:
        with tempfile.TemporaryDirectory() as folder:
            return explained(lambda: Path(f"{folder}/generated/picture {object()!r}.png").read_text())

    first, second = message(), message()
    assert first.evidence() == second.evidence()
    assert "…/generated/picture" in first.render("en") and tempfile.gettempdir() not in first.render("en")


@pytest.mark.parametrize("above", ["", "/work-1/2026", "/work-1/2026/tmpk3_9x0ab"])
def test_a_folder_made_for_one_check_is_left_out_wherever_it_lies(above: str) -> None:
    text = f"No such file: '{tempfile.gettempdir()}{above}/tmpab12_cd3/generated/one.png'"
    assert faults.steady(text) == "No such file: '…/generated/one.png'"


def test_a_long_line_is_cut_at_the_end_of_a_word() -> None:
    def wordy() -> None:
        raise ValueError("x" * 20 + " " + "several words " * 40)

    said = explained(wordy).render("en")
    assert "several words…”." in said or "words several…”." in said


def test_an_error_of_which_only_the_text_is_left_is_told_with_the_types_that_it_names() -> None:
    told = usual_text("RuntimeError", "Found dtype Long but expected Double")
    assert told is not None and "int64 and must be float64" in told.render("en")
    assert usual_text("RuntimeError", "something else") is None


# --- names that are not there ------------------------------------------------------------------------

loss_function = nn.BCELoss()


def misspelt(real_batch: torch.Tensor) -> Any:
    return loss_funtion(real_bach, real_batch)  # type: ignore[name-defined]  # noqa: F821


def unknown(real_batch: torch.Tensor) -> Any:
    return wasserstein(real_batch)  # type: ignore[name-defined]  # noqa: F821


def test_a_name_that_is_misspelt_in_a_function_is_told_with_its_line_and_the_nearest_name() -> None:
    said = explained(lambda: misspelt(torch.ones(2)))
    assert said.key == "name_missing"
    assert "`loss_funtion` no está definido en la línea " in said.render("es")
    assert "Ahí existe `loss_function`" in said.render("es")
    assert "There is a `loss_function` there" in said.render("en")
    assert "Run" not in said.render("en")


def test_a_name_that_is_like_no_other_is_one_that_a_cell_defines() -> None:
    said = explained(lambda: unknown(torch.ones(2))).render("en")
    assert "`wasserstein` is not defined at line" in said and "Run (or complete) the cell" in said
