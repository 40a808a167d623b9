"""Names that other libraries do not promise to keep, each with what to do when it is gone.

An installed wheel is not pinned: a new release of a library may take such a name away. These tests are then
the first to fail, and say where to begin. Where a public name does the same, it is used instead.
"""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType
from typing import Any

import pytest
import torch
from ipykernel.heartbeat import Heartbeat
from ipykernel.kernelapp import IPKernelApp
from nbconvert.filters.markdown_mistune import IPythonRenderer
from nbformat.v4 import new_code_cell
from nbgrader.preprocessors import SaveAutoGrades
from torch import nn


@pytest.fixture
def dispatch() -> ModuleType:
    try:
        return importlib.import_module("torch.utils._python_dispatch")
    except ImportError:
        pytest.fail(
            "PyTorch's dispatch modes have moved: import TorchDispatchMode in autograder/replay from where "
            "it is now; without it nothing can be replayed."
        )


def operators(dispatch: ModuleType, module: nn.Module, *inputs: torch.Tensor) -> list[str]:
    """Return the operators that a module calls, as a dispatch mode sees them."""
    seen = []

    class Recorder(dispatch.TorchDispatchMode):  # type: ignore[misc, name-defined]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append(func._schema.name.removeprefix("aten::"))
            return func(*args, **(kwargs or {}))

    with Recorder():
        module(*inputs)
    return seen


def test_torch_dispatch_mode(dispatch: ModuleType) -> None:
    assert hasattr(dispatch, "TorchDispatchMode"), (
        "torch.utils._python_dispatch has no TorchDispatchMode: look for its new name, and use it in "
        "autograder/replay."
    )


def test_should_skip_dynamo(dispatch: ModuleType) -> None:
    class Plain(dispatch.TorchDispatchMode):  # type: ignore[misc, name-defined]
        @classmethod
        def _should_skip_dynamo(cls) -> bool:
            return False

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            return func(*args, **(kwargs or {}))

    assert Plain.__torch_dispatch__.__code__.co_filename == __file__, (
        "TorchDispatchMode._should_skip_dynamo no longer keeps PyTorch from wrapping __torch_dispatch__. "
        "Marks stay the same, each operator of a replay costs twice as much: look in __init_subclass__ for "
        "another way, or drop the override in autograder/replay and raise the limits of the benchmark."
    )


def test_schema_of_an_operator() -> None:
    schema = getattr(torch.ops.aten.normal_.default, "_schema", None)
    assert schema is not None and schema.name == "aten::normal_", (
        "Operators have no _schema any more: autograder/replay (random_operators) needs name, argument "
        "names, defaults and mutability of an operator; find where PyTorch keeps them."
    )
    mean = schema.arguments[1]
    assert (mean.name, mean.default_value, mean.has_default_value()) == ("mean", 0.0, True)
    assert schema.arguments[0].alias_info.is_write


@pytest.mark.parametrize(
    ("module", "known"),
    [
        (nn.BatchNorm1d(2).eval(), {"native_batch_norm", "_native_batch_norm_legit_no_training"}),
        (nn.BatchNorm1d(2), {"native_batch_norm"}),
        (nn.Softmax(1), {"_softmax"}),
        (nn.LogSigmoid(), {"log_sigmoid_forward"}),
    ],
    ids=["batch-norm-eval", "batch-norm", "softmax", "log-sigmoid"],
)
def test_operators_behind_layers(dispatch: ModuleType, module: nn.Module, known: set[str]) -> None:
    seen = operators(dispatch, module, torch.ones(3, 2))
    assert known & set(seen), (
        f"{module} calls {seen} now: add its operator to _ACTIVATIONS in autograder/checks/networks.py, or "
        "messages that describe a network leave the layer out."
    )


def test_save_auto_grades_add_score() -> None:
    called = []

    class Saver(SaveAutoGrades):  # type: ignore[misc]
        def _add_score(self, cell: Any, resources: Any) -> None:
            called.append(cell.metadata.nbgrader.grade_id)

    cell = new_code_cell(metadata={"nbgrader": {"grade": True, "grade_id": "a", "schema_version": 3}})
    Saver().preprocess_cell(cell, {}, 0)
    assert called == ["a"], (
        "nbgrader's SaveAutoGrades saves marks without _add_score: SaveTrustedMarks in "
        "autograder/instructor/grade/store.py must save the marks of `marks` where nbgrader does it now. "
        "Until then the gradebook would hold what a student's own kernel showed."
    )


def test_renderer_embed_image_or_attachment() -> None:
    called = []

    class Renderer(IPythonRenderer):  # type: ignore[misc]
        def _embed_image_or_attachment(self, src: str) -> str:
            called.append(src)
            return ""

    Renderer(attachments={}).image("text", "attachment:gone.png")
    assert called == ["attachment:gone.png"], (
        "nbconvert embeds pictures without IPythonRenderer._embed_image_or_attachment: in "
        "autograder/instructor/neutral.py, an attachment that is missing must show its text in another way, "
        "or the whole cell is shown as plain text."
    )


def test_kernel_app_try_bind_socket() -> None:
    found = (
        inspect.signature(IPKernelApp._try_bind_socket) if hasattr(IPKernelApp, "_try_bind_socket") else None
    )
    assert found is not None and list(found.parameters) == ["self", "s", "port"], (
        "ipykernel binds its sockets in another place than IPKernelApp._try_bind_socket(s, port): "
        "autograder/instructor/kernels/app.py must hand it the sockets that are bound already, there."
    )


def test_heartbeat_try_bind_socket() -> None:
    assert hasattr(Heartbeat, "_try_bind_socket"), (
        "ipykernel's Heartbeat binds its socket in another place than _try_bind_socket: "
        "autograder/instructor/kernels/app.py must hand it the socket that is bound already, there."
    )


def test_fake_tensors_tell_devices_apart() -> None:
    try:
        fake = importlib.import_module("torch._subclasses.fake_tensor")
        mode = fake.FakeTensorMode()
    except (ImportError, AttributeError):
        pytest.fail(
            "torch._subclasses.fake_tensor.FakeTensorMode is gone: autograder/checks/rehearsal.py asks it "
            "whether PyTorch would take tensors of two devices; find what stands for it, or rehearse nothing."
        )
    with mode:
        there, here = torch.empty(2, 3, device="cuda"), torch.empty(2, 3)
        with pytest.raises(RuntimeError, match="device"):
            torch.cat([there, here])
        assert torch.cat([there, there]).device.type == "cuda"


@pytest.mark.parametrize("name", ["device", "is_cuda", "data"])
def test_attributes_of_tensors_pass_function_modes(name: str) -> None:
    seen = []

    class Recorder(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append(func)
            return func(*args, **(kwargs or {}))

    tensor = torch.zeros(2)
    with Recorder():
        getattr(tensor, name)
    assert vars(torch._C.TensorBase)[name].__get__ in seen, (
        f"Reading tensor.{name} no longer passes TorchFunctionMode as the getter of torch._C.TensorBase: "
        "autograder/checks/rehearsal.py labels tensors by it; look up how PyTorch names the getter now."
    )
