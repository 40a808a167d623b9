"""The reference of the library: a page for each of its packages, which Sphinx fills from the docstrings."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator

import autograder

# What a page of Sphinx's says of a module.
_MODULE = """\
```{{eval-rst}}
.. automodule:: {name}
   :members:
   :member-order: bysource
   :ignore-module-all:
```
"""


def reference_pages(title: str, about: str) -> dict[str, str]:
    """Return the reference: its pages in Markdown, by name without ending; `index` leads to the others.

    Args:
        title: of the first page.
        about: what stands below it.
    """
    pages = {package: _page(package, modules) for package, modules in packages().items()}
    return {"index": "\n".join([f"# {title}", "", about, "", "```{toctree}", *pages, "```", ""]), **pages}


def packages() -> dict[str, list[str]]:
    """Return the modules of each package of the library, by the package's name; it is one of them."""
    found: dict[str, list[str]] = {autograder.__name__: [autograder.__name__]}
    for name, is_package in _walked():
        if is_package:
            found[name] = [name]
        else:
            found[name.rpartition(".")[0]].append(name)
    return found


def _walked() -> Iterator[tuple[str, bool]]:
    """Yield every module of the library, and whether it is a package; programs are left out."""
    for module in pkgutil.walk_packages(autograder.__path__, f"{autograder.__name__}."):
        if not module.name.endswith(".__main__"):
            yield module.name, module.ispkg


def _page(package: str, modules: list[str]) -> str:
    """Return the page of a package."""
    parts = [f"# `{package}`", ""]
    for name in modules:
        parts += [f"## `{name}`", ""] if name != package else []
        parts += [_MODULE.format(name=name)]
    return "\n".join(parts)
