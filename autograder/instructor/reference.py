"""The reference page: every check and everything that is supplied, with signatures, from the docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_type_hints

from autograder.block import Block
from autograder.checks.base import Checks
from autograder.checks.supplied import Supplies
from autograder.instructor.files import write
from autograder.session import Lab

_HEAD = """\
# Checks and what is supplied

Written by `course reference` from the docstrings; edit those.

A check cell opens a block of marks and calls checks, which never raise on account of a student's code:

```python
with lab.marks("real_samples", points=4) as checks:
    n = lab.supplied_size("n")  # several sizes, which the seed decides
    checks.fingerprint("real_samples.values", real_samples, n, shape=("n", 2), points=4)
```

What stands below comes with the library and with packages that are installed here. A package brings checks of
its own by an entry point: see [authoring.md](authoring.md).
"""
_SECTION = re.compile(r"^(Args|Returns|Raises|Attributes|Yields):$")


def reference() -> str:
    """Return the page in Markdown."""
    block, lab = type(Block.__new__(Block)), type(Lab.__new__(Lab))
    parts = [_HEAD, "## Checks\n", *_index(block, Checks), *_families(block, Checks, "checks")]
    parts += ["## What is supplied\n", *_index(lab, Supplies), *_families(lab, Supplies, "lab")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(parts)).rstrip("\n") + "\n"


def write_reference(path: Path) -> Path:
    """Write the page; a folder that is missing is made.

    Raises:
        CourseError: if that is not possible.
    """
    return write(path, reference())


def _kinds(composed: type, base: type) -> list[type]:
    """Return the classes that a class is put together of and that have methods, the library's own first."""
    kinds = [kind for kind in composed.__mro__ if issubclass(kind, base) and kind is not base]
    kinds = [kind for kind in kinds if kind.__name__ != composed.__name__ and _methods(kind)]
    return sorted(kinds, key=lambda kind: not kind.__module__.startswith("autograder."))


def _index(composed: type, base: type) -> Iterator[str]:
    """Yield the names of all methods, a list item for each class."""
    for kind in _kinds(composed, base):
        names = ", ".join(f"`{name}`" for name in _methods(kind))
        yield f"- {_first_line(kind)}: {names}"
    yield ""


def _families(composed: type, base: type, name: str) -> Iterator[str]:
    """Yield the sections of all classes that a class is put together of."""
    for kind in _kinds(composed, base):
        methods = _methods(kind)
        yield f"### {_first_line(kind)} `{kind.__module__}`\n"
        for method in methods.values():
            is_called = not isinstance(vars(kind)[method.__name__], property)
            yield from _method(method, f"{name}.{method.__name__}", "####", is_called=is_called)
            yield from _grouped(method, f"{name}.{method.__name__}{'(…)' if is_called else ''}")


def _grouped(method: Callable[..., Any], name: str) -> Iterator[str]:
    """Yield the checks of the group that a method prepares, if it prepares one."""
    group = get_type_hints(method).get("return")
    if isinstance(group, type) and group.__name__.endswith("Checks"):
        for kind in reversed(group.__mro__):
            for each in _methods(kind).values():
                yield from _method(each, f"{name}.{each.__name__}", "#####")


def _methods(kind: type) -> dict[str, Callable[..., Any]]:
    """Return the public methods that a class itself has, a property's getter among them."""
    found = {name: value.fget if isinstance(value, property) else value for name, value in vars(kind).items()}
    return {n: v for n, v in found.items() if inspect.isfunction(v) and not n.startswith("_")}


def _method(method: Callable[..., Any], name: str, level: str, *, is_called: bool = True) -> Iterator[str]:
    """Yield one method: its signature, what it does, and its arguments."""
    signature = inspect.signature(method)
    parameters = [p.replace(annotation=p.empty) for p in signature.parameters.values() if p.name != "self"]
    shown = signature.replace(parameters=parameters, return_annotation=signature.empty)
    yield f"{level} `{name}{shown}`\n" if is_called else f"{level} `{name}`\n"
    yield from _described(inspect.getdoc(method) or "")


def _described(docstring: str) -> Iterator[str]:
    """Yield a Google style docstring as Markdown: a list item for each argument."""
    section = ""
    for line in _joined(docstring.splitlines()):
        heading = _SECTION.match(line)
        if heading:
            section = heading[1]
            if section != "Args":
                yield f"\n{section}:\n"
        elif section in ("Args", "Raises") and ": " in line:
            name, _, text = line.strip().partition(": ")
            yield f"- `{name}`: {text}"
        else:
            yield line.strip()
    yield ""


def _joined(lines: list[str]) -> list[str]:
    """Return lines with the continuation of an argument's text joined to it."""
    found: list[str] = []
    for line in lines:
        if line.startswith("        ") and found and found[-1].startswith("    "):
            found[-1] += f" {line.strip()}"
        else:
            found.append(line)
    return found


def _first_line(kind: type) -> str:
    return (inspect.getdoc(kind) or kind.__name__).splitlines()[0].rstrip(".")
