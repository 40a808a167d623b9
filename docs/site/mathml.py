"""Formulas as MathML, which browsers draw themselves: no script, no font, nothing from the network."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.util import logging

from autograder.instructor.formulas import to_mathml

_LOGGER = logging.getLogger(__name__)


def _formula(node: Any, *, display: bool) -> str:
    """Return a formula; Sphinx hears of one that cannot be read."""
    html = to_mathml(node.astext(), display=display)
    if not html.startswith("<math"):
        _LOGGER.warning("a formula cannot be read: %s", node.astext(), location=node)
    return html


def _visit_inline(translator: Any, node: Any) -> None:
    translator.body.append(_formula(node, display=False))
    raise nodes.SkipNode


def _visit_block(translator: Any, node: Any) -> None:
    html = _formula(node, display=True)
    translator.body.append(
        html if isinstance(node.parent, nodes.paragraph) else f'<div class="formula">{html}</div>'
    )
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (_visit_inline, None), (_visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
