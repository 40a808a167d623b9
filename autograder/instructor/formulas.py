"""Formulas that a page shows without a script: TeX becomes MathML, which browsers draw themselves.

latex2mathml reads the TeX. It writes what it reads without escaping it, so its text is never used: its tree
is written anew here, with the elements and attributes of mathematics and no others.
"""

from __future__ import annotations

from html import escape, unescape
from itertools import pairwise
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element

# Longer ones are no formulas, and nested ones would take long.
_MAX_TEX = 2000
_ELEMENTS = {
    "math", "menclose", "mfrac", "mi", "mn", "mo", "mover", "mpadded", "mphantom", "mroot", "mrow", "mspace",
    "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable", "mtd", "mtext", "mtr", "munder", "munderover",
}  # fmt: skip
_ATTRIBUTES = {
    "accent", "accentunder", "columnalign", "columnlines", "columnspacing", "depth", "display",
    "displaystyle", "fence", "form", "height", "largeop", "linethickness", "lspace", "mathsize",
    "mathvariant", "maxsize", "minsize", "movablelimits", "notation", "rowlines", "rowspacing", "rspace",
    "scriptlevel", "separator", "stretchy", "symmetric", "tabindex", "voffset", "width",
}  # fmt: skip
# Operators whose limits stand below them in a formula of its own.
_WITH_LIMITS = {"min", "max", "inf", "sup", "lim"}


def to_mathml(tex: str, *, display: bool = False) -> str:
    """Return a formula as MathML; as code, if it cannot be read.

    Args:
        tex: without its dollar signs.
        display: whether it stands on a line of its own.
    """
    try:
        if len(tex) > _MAX_TEX:
            raise ValueError("too long")
        tree = convert_to_element(tex, display="block" if display else "inline")
        _arrange(tree, display)
        if display:  # a narrow page scrolls it, and the keyboard has to reach it for that
            tree.set("tabindex", "0")
        return _written(tree, top=True)
    except Exception:  # whatever latex2mathml stumbles over: a student's formula is a student's text
        shown = escape(tex, quote=False)
        return f'<pre class="tex">{shown}</pre>' if display else f'<code class="tex">{shown}</code>'


def _arrange(tree: Element, display: bool) -> None:
    """Put limits below their operator, and a thin space behind the name of a function."""
    for parent in list(tree.iter()):
        if display and parent.tag == "msub" and (parent[0].text or "") in _WITH_LIMITS:
            parent.tag = "munder"
        children = list(parent)
        for index, (child, following) in reversed(list(enumerate(pairwise(children)))):
            is_name = child.tag == "mi" and len(unescape(child.text or "")) > 1
            if is_name and following.tag in ("mi", "mn", "msub", "msup", "mfrac", "mover"):
                parent.insert(index + 1, Element("mspace", width="0.167em"))


def _written(element: Element, *, top: bool = False) -> str:
    """Return an element and all in it as text, escaped.

    Raises:
        ValueError: if it is no element of mathematics.
    """
    if element.tag not in _ELEMENTS:
        raise ValueError(element.tag)
    attributes = {name: unescape(value) for name, value in element.attrib.items() if name in _ATTRIBUTES}
    if top:
        attributes["xmlns"] = "http://www.w3.org/1998/Math/MathML"
    start = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
    inner = escape(unescape(element.text or ""), quote=False)
    inner += "".join(_written(child) + escape(unescape(child.tail or ""), quote=False) for child in element)
    return f"<{element.tag}{start}>{inner}</{element.tag}>"
