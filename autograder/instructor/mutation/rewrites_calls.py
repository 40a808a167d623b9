"""Rewrites of calls: another way of PyTorch to the same numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import libcst as cst
import libcst.matchers as m

from autograder.instructor.mutation.base import (
    Edit,
    Solution,
    called_name,
    keyword,
    renamed_call,
    with_arguments,
)
from autograder.instructor.mutation.signatures import positional_names

_SAME = {
    "view": ("reshape",),
    "reshape": ("view",),
    "cat": ("concat", "concatenate"),
    "no_grad": ("inference_mode",),
    "inference_mode": ("no_grad",),
}
# Functions of PyTorch that tensors have as methods too, with the same arguments after the first.
_ELEMENTWISE = ("sin", "cos", "exp", "log", "sqrt", "abs", "square", "clamp", "relu", "sigmoid", "tanh")
_METHODS = (*_ELEMENTWISE, "mean", "sum", "std", "var", "flatten", "reshape")
_FUNCTIONAL = {"ReLU": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "LeakyReLU": "leaky_relu"}
_LOSSES = {
    "BCELoss": "binary_cross_entropy",
    "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
    "MSELoss": "mse_loss",
    "CrossEntropyLoss": "cross_entropy",
}
_LAYERS = ("Linear", "Conv2d", "ConvTranspose2d", "BatchNorm2d", "Dropout")


def exchange_equal(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Call what does the same under another name: `reshape` for `view`, `inference_mode` for `no_grad`."""
    for call in solution.find(m.Call(func=m.Attribute())):
        for name in _SAME.get(called_name(call), ()):
            yield [(call, renamed_call(call, name))]


def as_method(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Write `x.sin()` for `torch.sin(x)`."""
    for call in solution.find(m.Call(func=m.Attribute(value=m.Name("torch")))):
        if called_name(call) in _METHODS and call.args and call.args[0].keyword is None:
            first = call.args[0].value.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
            method = cst.Attribute(first, cst.Name(called_name(call)))
            yield [(call, with_arguments(call.with_changes(func=method), call.args[1:]))]


def as_function(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Write `torch.mean(x)` for `x.mean()`; a cell that uses NumPy may mean its arrays."""
    if m.findall(solution.module, m.Name("np")):
        return
    for call in solution.find(m.Call(func=m.Attribute())):
        function = call.func
        if called_name(call) in _METHODS and not m.matches(function.value, m.Name()):
            arguments = [cst.Arg(function.value), *call.args]
            name = cst.Attribute(cst.Name("torch"), cst.Name(called_name(call)))
            yield [(call, with_arguments(call.with_changes(func=name), arguments))]


def name_arguments(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Give the last argument without a keyword by its keyword."""
    for call in solution.find(m.Call(func=m.Attribute())):
        names = positional_names(call)
        plain = [a for a in call.args if a.keyword is None]
        if plain and len(plain) <= len(names) and not any(a.star for a in call.args):
            index = len(plain) - 1
            named = keyword(names[index], plain[index].value)
            yield [(call, with_arguments(call, [*call.args[:index], named, *call.args[index + 1 :]]))]


def shape_as_tuple(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Write `torch.zeros((n, 2))` for `torch.zeros(n, 2)`, and the other way round."""
    for call in solution.find(m.Call(func=m.Attribute(value=m.Name("torch")))):
        if called_name(call) not in ("zeros", "ones", "rand", "randn", "empty"):
            continue
        plain = [a for a in call.args if a.keyword is None and not a.star]
        rest = [a for a in call.args if a not in plain]
        if len(plain) == 1 and isinstance(plain[0].value, cst.Tuple):
            each = [cst.Arg(e.value) for e in plain[0].value.elements if isinstance(e, cst.Element)]
            yield [(call, with_arguments(call, [*each, *rest]))]
        elif len(plain) > 1:
            shape = cst.Tuple([cst.Element(a.value) for a in plain])
            yield [(call, with_arguments(call, [cst.Arg(shape), *rest]))]


def size_otherwise(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Write `x.shape[0]` for `len(x)`, and the other way round."""
    for call in solution.find(m.Call(func=m.Name("len"), args=[m.Arg(m.Name())])):
        name = cst.Module([]).code_for_node(call.args[0].value)
        # A list has a length and no shape; so may the elements that a comprehension goes through.
        element = m.CompFor(target=m.Name(name))
        if not m.findall(solution.module, element) and m.findall(
            solution.module, m.Call(func=m.Attribute(value=m.Name("torch")), args=[m.AtLeastN(n=1)])
        ):
            yield [(call, cst.parse_expression(f"{name}.shape[0]"))]
    first = m.Subscript(
        value=m.Attribute(attr=m.Name("shape")),
        slice=[m.SubscriptElement(slice=m.Index(value=m.Integer("0")))],
    )
    for node in solution.find(first):
        yield [(node, cst.Call(cst.Name("len"), [cst.Arg(node.value.value)]))]


def move_to_device(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Write `torch.randn(n).to(device)` for `torch.randn(n, device=device)`."""
    for call in solution.find(m.Call(func=m.Attribute(value=m.Name("torch")))):
        places = [a for a in call.args if a.keyword is not None and a.keyword.value == "device"]
        if places:
            made = with_arguments(call, [a for a in call.args if a not in places])
            moved = cst.Call(cst.Attribute(made, cst.Name("to")), [cst.Arg(places[0].value)])
            yield [(call, moved)]


def draw_in_place(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Write `torch.empty(n).normal_()` for `torch.randn(n)`."""
    for call in solution.find(m.Call(func=m.Attribute(value=m.Name("torch")))):
        method = {"rand": "uniform_", "randn": "normal_"}.get(called_name(call))
        if method is not None:
            empty = renamed_call(call, "empty")
            yield [(call, cst.Call(cst.Attribute(empty, cst.Name(method))))]


def swap_factors(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Write `b * a` for `a * b`."""
    for node in solution.find(m.BinaryOperation(operator=m.Multiply())):
        if not any(isinstance(side, cst.BinaryOperation) for side in (node.left, node.right)):
            yield [(node, node.with_changes(left=node.right, right=node.left))]


def functional_loss(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Write `nn.functional.binary_cross_entropy` for `nn.BCELoss()`."""
    for call in solution.find(m.Call(func=m.Attribute(value=m.Name("nn")), args=[])):
        if called_name(call) in _LOSSES:
            yield [(call, cst.parse_expression(f"nn.functional.{_LOSSES[called_name(call)]}"))]


def functional_activation(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Let a layer of the answer's own call `nn.functional.relu`, for all `nn.ReLU()`."""
    for kind, function in _FUNCTIONAL.items():
        yield from _own(
            solution,
            kind,
            f"class My{kind}(nn.Module):\n"
            "    def __init__(self, *args):\n"
            "        super().__init__()\n"
            "        self.args = args\n"
            "    def forward(self, x):\n"
            f"        return nn.functional.{function}(x, *self.args)\n",
        )


def subclass_layer(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Use a subclass of a layer in its place."""
    for kind in _LAYERS:
        yield from _own(solution, kind, f"class My{kind}(nn.{kind}):\n    pass\n")


def partial_layer(solution: Solution) -> Iterator[Sequence[Edit]]:
    """Make layers by `functools.partial`."""
    for kind in _LAYERS:
        yield from _own(solution, kind, f"My{kind} = __import__('functools').partial(nn.{kind})\n")


def _own(solution: Solution, kind: str, definition: str) -> Iterator[Sequence[Edit]]:
    """Yield the edits that define something at the top and use it for all layers of a kind."""
    layers = list(solution.find(m.Call(func=m.Attribute(value=m.Name("nn"), attr=m.Name(kind)))))
    if layers and not any(a.keyword for call in layers for a in call.args if kind in _FUNCTIONAL):
        first = solution.module.body[0]
        new = cst.parse_statement(definition)
        uses: list[Edit] = [(call.func, cst.Name(f"My{kind}")) for call in layers]
        # The definition last: what it stands before is another node once its calls are exchanged.
        yield [*uses, (first, cst.FlattenSentinel([new, first]))]
