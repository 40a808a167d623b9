"""By what the commonest errors of Python and PyTorch are recognised: class, and a pattern of the text."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import FrameType

import torch
from torch import nn

from autograder.messages import Message

# A name that differs more is another name, and no slip of the pen.
_ALIKE = 0.8
_SHAPE = r"(?:torch\.Size\()?(?P<{0}>\[[\d, -]*\])\)?"
# What the match and the error, where it is at hand, tell further.
Refinement = Callable[[dict[str, str], "BaseException | None"], Message]


@dataclass(frozen=True)
class Usual:
    """One usual error.

    Attributes:
        kind: the name of its class.
        pattern: of its text; its groups fill the gaps of the message.
        key: of the message; its table is in usual_errors.toml.
        refine: what makes the message, if more than the text tells.
    """

    kind: str
    pattern: str
    key: str
    refine: Refinement | None = None


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name that is most like another one, if one is like it enough to be meant."""
    known = [each for each in names if not each.startswith("_")]
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=_ALIKE)), None)


def frames_of(error: BaseException | None) -> list[FrameType]:
    """Return the frames that an error went through, the innermost last."""
    frames, trace = [], error.__traceback__ if error is not None else None
    while trace is not None:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    return frames


# --- what a text alone does not tell -----------------------------------------------------------------


def _of_attribute(found: dict[str, str], error: BaseException | None) -> Message:
    """Tell what an attribute was asked of that does not have it."""
    kind, attribute = found["kind"], found["attribute"]
    if kind == "NoneType":
        return Message("usual_none_attribute", {"attribute": attribute})
    if kind in ("tuple", "list") and hasattr(torch.Tensor, attribute):
        return Message("usual_tuple", {"attribute": attribute, "kind": Message(f"usual_kind_{kind}")})
    owner = getattr(error, "obj", None)
    is_layer = isinstance(owner, nn.Module) and type(owner).__module__.startswith("torch.")
    if is_layer and hasattr(torch.Tensor, attribute):
        return Message("usual_object_for_tensor", found)
    near = nearest(attribute, dir(owner)) if owner is not None else None
    return (
        Message("usual_attribute_near", {**found, "near": near})
        if near
        else Message("usual_attribute", found)
    )


def _of_truth(found: dict[str, str], error: BaseException | None) -> Message:
    """Tell a tensor as a condition; a loss's class that was called in place of an object takes it so too."""
    for frame in frames_of(error):
        built = frame.f_locals.get("self")
        if frame.f_code.co_name == "__init__" and isinstance(built, nn.modules.loss._Loss):
            return Message("usual_class_in_place", {"name": f"nn.{type(built).__name__}"})
    return Message("usual_truth")


def _of_recursion(found: dict[str, str], error: BaseException | None) -> Message:
    """Name the function that calls itself: the one that is there most often."""
    names = [frame.f_code.co_name for frame in frames_of(error)]
    if not names:
        return Message("usual_recursion_somewhere")
    return Message("usual_recursion", {"name": max(set(names), key=names.count)})


def _of_iteration(found: dict[str, str], error: BaseException | None) -> Message:
    """Tell what is no list; an optimiser that receives a network in place of its parameters sees it so."""
    for frame in frames_of(error):
        built = frame.f_locals.get("self")
        if isinstance(built, torch.optim.Optimizer) and frame.f_code.co_name == "__init__":
            return Message("usual_module_for_parameters", found)
    return Message("usual_not_iterable", found)


def _of_list(found: dict[str, str], error: BaseException | None) -> Message:
    return Message("usual_index_of_list", {"kind": Message(f"usual_kind_{found['kind']}")})


_DEVICE = r"(?:cpu|cuda|mps|xpu|meta)(?::\d+)?"
_NONE = r"'NoneType'|\bNoneType\b"
USUAL = (
    Usual("RuntimeError", r"does not require grad and does not have a grad_fn", "usual_no_graph"),
    Usual("RuntimeError", r"grad can be implicitly created only for scalar outputs", "usual_many_outputs"),
    Usual(
        "RuntimeError",
        r"mat1 and mat2 shapes cannot be multiplied "
        r"\((?P<rows>\d+)x(?P<columns>\d+) and (?P<other_rows>\d+)x(?P<other_columns>\d+)\)",
        "usual_matrices",
    ),
    Usual("RuntimeError", r"view size is not compatible", "usual_view"),
    Usual("RuntimeError", r"all elements of input should be between 0 and 1", "usual_outside_input"),
    Usual("RuntimeError", r"all elements of target should be between 0 and 1", "usual_outside_target"),
    Usual("RuntimeError", r"Boolean value of Tensor with more than one value", "usual_truth", _of_truth),
    Usual("RuntimeError", r"Trying to backward through the graph a second time", "usual_backward_twice"),
    Usual(
        "RuntimeError",
        r"modified by an inplace operation: \[torch\.[\w.]+ (?P<shape>\[[^\]]*\])\]",
        "usual_inplace",
    ),
    Usual("RuntimeError", r"a leaf Variable that requires grad .*in-place operation", "usual_inplace_leaf"),
    Usual("RuntimeError", r"a view of a leaf Variable that requires grad", "usual_inplace_leaf"),
    Usual("RuntimeError", r"Can't call numpy\(\) on Tensor that requires grad", "usual_numpy"),
    Usual(
        "RuntimeError",
        rf"Expected all tensors to be on the same "
        rf"device.*?\b(?P<first>{_DEVICE})\b.*?\b(?P<second>{_DEVICE})\b",
        "usual_devices",
    ),
    Usual(
        "RuntimeError",
        r"Tensor on device (?P<first>[a-z]+(?::\d+)?) is not on the expected device "
        r"(?P<second>[a-z]+(?::\d+)?)",
        "usual_devices",
    ),
    Usual(
        "RuntimeError",
        r"Expected (?P<alone>\d)D \(unbatched\) or (?P<batched>\d)D .*input to (?P<layer>\w+), "
        r"but got input of size: " + _SHAPE.format("shape"),
        "usual_axes_of_shape",
    ),
    Usual("ValueError", r"expected (?P<expected>.+?) input \(got (?P<seen>\d)D input\)", "usual_axes"),
    Usual(
        "RuntimeError",
        r"expected input(?P<shape>\[[\d, ]+\]) to have (?P<expected>\d+) channels, but got (?P<seen>\d+) "
        r"channels",
        "usual_channels",
    ),
    Usual(
        "RuntimeError",
        r"padded input size per channel: \((?P<seen>[\dx ]+)\)\. Kernel size: \((?P<kernel>[\dx ]+)\)",
        "usual_kernel",
    ),
    Usual(
        "RuntimeError",
        r"The size of tensor a \((?P<first>\d+)\) must match the size of tensor b \((?P<second>\d+)\) "
        r"at non-singleton dimension (?P<axis>\d+)",
        "usual_sizes",
    ),
    Usual(
        "RuntimeError",
        r"Sizes of tensors must match except in dimension (?P<axis>\d+)\. "
        r"Expected size (?P<first>\d+) but got size (?P<second>\d+)",
        "usual_cat",
    ),
    Usual(
        "RuntimeError",
        r"stack expects each tensor to be equal size, but got (?P<first>\[[\d, ]*\]) at entry \d+ "
        r"and (?P<second>\[[\d, ]*\])",
        "usual_stack",
    ),
    Usual(
        "ValueError",
        rf"Using a target size \({_SHAPE.format('target')}\) that is different to the input size "
        rf"\({_SHAPE.format('output')}\)",
        "usual_target_size",
    ),
    Usual(
        "TypeError",
        r"(?P<function>[\w.<>]+)\(\) missing \d+ required (?:positional|keyword-only) arguments?: "
        r"(?P<names>.+)",
        "usual_argument_missing",
    ),
    Usual(
        "TypeError",
        r"(?P<function>[\w.<>]+)\(\) takes (?:from \d+ to )?(?P<expected>\d+) positional arguments? "
        r"but (?P<seen>\d+) (?:was|were) given",
        "usual_arguments_too_many",
    ),
    Usual(
        "TypeError",
        r"(?P<function>[\w.<>]+)\(\) got an unexpected keyword argument '(?P<name>\w+)'",
        "usual_argument_unknown",
    ),
    Usual(
        "TypeError",
        r"(?P<function>[\w.<>]+)\(\) got multiple values for argument '(?P<name>\w+)'",
        "usual_argument_twice",
    ),
    Usual("AttributeError", r"before Module\.__init__\(\) call", "usual_super"),
    Usual(
        "AttributeError",
        r"'(?P<kind>\w+)' object has no attribute '(?P<attribute>\w+)'",
        "usual_attribute",
        _of_attribute,
    ),
    Usual(
        "AttributeError",
        r"module '(?P<kind>[\w.]+)' has no attribute '(?P<attribute>\w+)'",
        "usual_module_attribute",
    ),
    Usual(
        "ValueError",
        r"not enough values to unpack \(expected (?:at least )?(?P<expected>\d+), got (?P<seen>\d+)\)",
        "usual_unpack_few",
    ),
    Usual("ValueError", r"too many values to unpack \(expected (?P<expected>\d+)", "usual_unpack_many"),
    Usual("TypeError", r"cannot unpack non-iterable (?P<kind>(?!NoneType)\w+)", "usual_unpack_one"),
    Usual("TypeError", _NONE, "usual_none"),
    Usual(
        "RuntimeError",
        r"mat1 and mat2 must have the same dtype, but got (?P<first>\w+) and (?P<second>\w+)",
        "usual_dtypes",
    ),
    Usual(
        "RuntimeError",
        r"Input type \((?P<first>[\w. ]+)\) and (?:weight|bias) type \((?P<second>[\w. ]+)\) should be the "
        r"same",
        "usual_dtypes",
    ),
    Usual("RuntimeError", r"Found dtype (?P<seen>\w+) but expected (?P<expected>\w+)", "usual_dtype"),
    Usual(
        "RuntimeError",
        r"expected (?:scalar type|target dtype to be) (?P<expected>\w+)(?: or \w+)?,? but (?:found|got) "
        r"(?P<seen>\w+)",
        "usual_dtype",
    ),
    Usual(
        "RuntimeError",
        r"one of the following scalar types: (?P<expected>\w+)\b.*but got "
        r"torch\.(?:cuda\.)?(?P<seen>\w+?)Tensor",
        "usual_dtype",
    ),
    Usual(
        "RuntimeError",
        r"result type (?P<first>\w+) can't be cast to the desired output type (?P<second>\w+)",
        "usual_dtypes",
    ),
    Usual("RuntimeError", r"^mean\(\).*Got: (?P<seen>\w+)", "usual_mean_of_integers"),
    Usual(
        "RuntimeError",
        r"shape '(?P<shape>\[[\d, -]+\])' is invalid for input of size (?P<seen>\d+)",
        "usual_reshape",
    ),
    Usual(
        "IndexError",
        r"Dimension out of range \(expected to be in range of \[(?P<low>-?\d+), (?P<high>\d+)\], "
        r"but got (?P<seen>-?\d+)\)",
        "usual_axis",
    ),
    Usual("IndexError", r"index out of range in self", "usual_index_of_table"),
    Usual(
        "IndexError",
        r"index (?P<seen>-?\d+) is out of bounds for (?:dimension|axis) (?P<axis>\d+) with size "
        r"(?P<size>\d+)",
        "usual_index_of_tensor",
    ),
    Usual("IndexError", r"(?P<kind>list|tuple) index out of range", "usual_index_of_list", _of_list),
    Usual("IndexError", r"too many indices for tensor of dimension (?P<axes>\d+)", "usual_indices"),
    Usual("IndexError", r"Target (?P<seen>-?\d+) is out of bounds", "usual_class_outside"),
    Usual(
        "ValueError",
        r"Expected more than 1 value per channel when training, got input size " + _SHAPE.format("shape"),
        "usual_one_value",
    ),
    Usual("UnboundLocalError", r"local variable '(?P<name>\w+)'", "usual_unbound"),
    Usual("RecursionError", r"", "usual_recursion", _of_recursion),
    Usual(
        "RuntimeError",
        r"Tensor with (?P<seen>\d+) elements cannot be converted to Scalar",
        "usual_one_number",
    ),
    Usual("RuntimeError", r"appears to not have been used in the graph", "usual_not_in_graph"),
    Usual("ValueError", r"optimizer got an empty parameter list", "usual_no_parameters"),
    Usual("TypeError", r"'(?P<kind>\w+)' object is not iterable", "usual_not_iterable", _of_iteration),
    Usual("TypeError", r"'(?P<kind>\w+)' object is not callable", "usual_not_callable"),
    Usual(
        "TypeError",
        r"(?P<function>\w+)\(\): argument '(?P<name>\w+)' \(position \d+\) must be Tensor, not (?P<kind>\w+)",
        "usual_not_tensor",
    ),
    Usual(
        "TypeError",
        r"unsupported operand type\(s\) for (?P<operator>[^:]+): '(?P<left>[\w.]+)' and "
        r"'(?P<right>[\w.]+)'",
        "usual_operands",
    ),
    Usual("RuntimeError", r"Error\(s\) in loading state_dict for (?P<kind>\w+)", "usual_state"),
    Usual("ReplayError", r"the random operator (?P<name>[\w.]+) is not supported", "usual_random_operator"),
    Usual("KeyError", r"^(?P<name>.{1,60})$", "usual_key"),
    Usual(
        "RuntimeError",
        r"The expanded size .*Target sizes: (?P<expected>\[[\d, ]+\])\.\s+Tensor sizes: "
        r"(?P<seen>\[[\d, ]*\])",
        "usual_expand",
    ),
    Usual(
        "RuntimeError",
        r"output with shape (?P<seen>\[[\d, ]*\]) doesn't match the broadcast shape "
        r"(?P<expected>\[[\d, ]+\])",
        "usual_result_shape",
    ),
)
