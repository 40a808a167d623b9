"""What functions and layers of PyTorch take."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Mapping
from typing import Any

import libcst as cst

# As the field calls them: the name, then where it is found.
_ROOTS = {
    "torch": ("torch", ""),
    "nn": ("torch.nn", ""),
    "F": ("torch.nn.functional", ""),
    "DataLoader": ("torch.utils.data", "DataLoader"),
}


def parameters_of(call: cst.Call) -> Mapping[str, inspect.Parameter]:
    """Return the parameters of what is called, in order; none where PyTorch does not tell."""
    first, *rest = cst.Module([]).code_for_node(call.func).split(".")
    if first not in _ROOTS:
        return {}
    module, name = _ROOTS[first]
    found: Any = importlib.import_module(module)
    try:
        for part in [*filter(None, [name]), *rest]:
            found = getattr(found, part)
        return inspect.signature(found).parameters
    except (AttributeError, TypeError, ValueError):
        return {}


def positional_names(call: cst.Call) -> list[str]:
    """Return the parameters of what is called that may be given with and without keyword, in order."""
    names = []
    for name, parameter in parameters_of(call).items():
        if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
            break
        names.append(name)
    return names


def is_default(call: cst.Call, argument: cst.Arg) -> bool:
    """Tell whether an argument says what holds without it."""
    known = parameters_of(call)
    names = positional_names(call)
    index = call.args.index(argument)
    name = argument.keyword.value if argument.keyword else names[index] if index < len(names) else ""
    if name not in known:
        return False
    try:
        value = ast.literal_eval(cst.Module([]).code_for_node(argument.value))
    except (ValueError, SyntaxError):
        return False
    default = known[name].default
    return type(value) is type(default) and bool(value == default)


def is_next(call: cst.Call, index: int) -> bool:
    """Tell whether an argument with a keyword would be the same one without it."""
    names = positional_names(call)
    keyword = call.args[index].keyword
    return keyword is not None and index < len(names) and names[index] == keyword.value
