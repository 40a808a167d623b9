"""HTML in order: elements that close in the order in which they opened, attributes in one form.

A browser, and a parser that does as browsers do, repairs anything, in a time that grows with the square of
what is unclosed. What comes out here needs no repair, and is made in one pass: reading it takes a time that
grows with its length.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from html import escape, unescape

# Nobody nests deeper by hand, and no library's tables do.
_MAX_DEPTH = 100
# Up to the next "<" at most, so that a text of many is read once.
_TAG = re.compile(r"""<(/?)([A-Za-z][A-Za-z0-9]{0,31})(?=[\s/>])((?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+)>""")
_ATTRIBUTE = re.compile(
    r"""(?<![^\s"'/])([A-Za-z][\w:-]*+)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'=`]++)))?"""
)
_VOID = {"br", "col", "hr", "img"}
# Elements of drawings may end with a slash and hold nothing.
_MAY_BE_EMPTY = {"svg", "rect"}
# Which open elements a tag closes, where nobody wrote their end.
_ENDS = {
    "p": {"p"}, "li": {"li"}, "dt": {"dt", "dd"}, "dd": {"dt", "dd"}, "td": {"td", "th"}, "th": {"td", "th"},
    "tr": {"td", "th", "tr"}, "thead": {"td", "th", "tr"}, "tbody": {"td", "th", "tr", "thead", "tbody"},
    "tfoot": {"td", "th", "tr", "thead", "tbody"},
}  # fmt: skip


class TooDeepError(ValueError):
    """Elements are nested as nobody nests them."""


def well_formed(html: str, allowed: Collection[str]) -> str:
    """Return HTML with every element closed in its place; other tags, and halves of tags, become text.

    Args:
        html: as somebody wrote it.
        allowed: names of the elements that may stay, in lower case.

    Raises:
        TooDeepError: if elements are nested too deeply.
    """
    parts: list[str] = []
    opened: list[str] = []
    end_of_comment = 0
    place = 0
    while (start := html.find("<", place)) != -1:
        parts.append(html[place:start])
        if html.startswith("<!--", start) and end_of_comment != -1:
            # Where no comment ends, none is looked for again.
            end_of_comment = html.find("-->", start + 4)
            if end_of_comment != -1:
                place = end_of_comment + 3
                continue
        tag = _TAG.match(html, start)
        if tag is None or tag[2].lower() not in allowed:
            parts.append("&lt;")
            place = start + 1
            continue
        parts += _closing(tag[2].lower(), opened) if tag[1] else _opening(tag, opened)
        place = tag.end()
    parts.append(html[place:])
    parts += [f"</{name}>" for name in reversed(opened)]
    return "".join(parts)


def _opening(tag: re.Match[str], opened: list[str]) -> list[str]:
    """Return what stands in place of a start tag; keeps account of what is open."""
    name = tag[2].lower()
    parts = []
    while opened and opened[-1] in _ENDS.get(name, ()):
        parts.append(f"</{opened.pop()}>")
    parts.append(f"<{name}{_attributes(tag[3])}>")
    if name in _MAY_BE_EMPTY and tag[3].endswith("/"):
        parts.append(f"</{name}>")
    elif name not in _VOID:
        opened.append(name)
        if len(opened) > _MAX_DEPTH:
            raise TooDeepError(name)
    return parts


def _closing(name: str, opened: list[str]) -> list[str]:
    """Return the ends that an end tag stands for: of all that is open within too, of nothing if it is not."""
    parts: list[str] = []
    if name in opened:
        while not parts or parts[-1] != f"</{name}>":
            parts.append(f"</{opened.pop()}>")
    return parts


def _attributes(text: str) -> str:
    """Return the attributes of a tag, each in double quotes; of two with one name, the first."""
    found: dict[str, str] = {}
    for name, *values in _ATTRIBUTE.findall(text):
        found.setdefault(name.lower(), unescape("".join(values)))
    return "".join(f' {name}="{escape(value)}"' for name, value in found.items())
