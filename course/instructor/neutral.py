"""Show what students wrote without running it: HTML that keeps its look and loses its scripts.

nbgrader's feedback and formgrader put a student's Markdown and HTML outputs into a page of the
instructor's. nbconvert's own `sanitize_html` would also take headings, tables and pictures.
"""

from __future__ import annotations

import math
import re
import secrets
import time
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import bleach
import nbformat
from bleach.css_sanitizer import CSSSanitizer
from jinja2 import pass_context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from course.instructor.formulas import to_mathml

_TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "code", "col", "colgroup", "dd", "del", "details", "div",
    "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins",
    "kbd", "li", "mark", "ol", "p", "pre", "rect", "s", "samp", "small", "span", "strong", "sub", "summary",
    "sup", "svg", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var",
}  # fmt: skip
# No positions and no sizes beyond a cell: nothing that could cover another part of the page.
_STYLES = [
    "background", "background-color", "border", "border-collapse", "border-left", "border-radius", "color",
    "font-family", "font-size", "font-style", "font-weight", "line-height", "margin", "padding", "text-align",
    "text-decoration", "vertical-align", "white-space",
]  # fmt: skip
_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*")
_EMBEDDED = re.compile(r"data:image/\w+;base64,[A-Za-z0-9+/=]*")
# What may be called in a style: image-set("…") and others would load a picture as well as url(…) does.
_CALL = re.compile(r"([\w-]*)\(")
_COLOUR_CALLS = {"rgb", "rgba", "hsl", "hsla", "linear-gradient"}
# Reading HTML takes time that grows with the square of its length, where somebody wants it to. Beyond this,
# pictures not counted, it is shown as text.
_MAX_HTML = 50_000
_MAX_MARKDOWN = 20_000
_MAX_TAGS_IN_MARKDOWN = 500
# Processor time for all outputs of a notebook; what is left then is shown as plain text alone.
_PATIENCE_S = 60.0
_LINK = re.compile(r"(?:https?://|mailto:|#)", re.IGNORECASE)
_PICTURE_TYPES = ("image/png", "image/jpeg", "image/gif")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
# TeX commands with which MathJax makes links and styles.
_ACTIVE_TEX = re.compile(r"\\(href|style|class|cssId|require|html\w*|data)\b")


def _is_allowed(tag: str, name: str, value: str) -> bool:
    """Tell whether an attribute may stay."""
    if name == "style":
        # Colours, never pictures from elsewhere; a backslash could spell "url" otherwise.
        return "\\" not in value and {call.lower() for call in _CALL.findall(value)} <= _COLOUR_CALLS
    if name in ("title", "aria-label", "role"):
        return True
    if name == "class":
        return tag in ("div", "span", "code", "pre", "table")
    if tag == "a":
        return name == "href" and _LINK.match(value) is not None
    if tag == "img":
        return name in ("alt", "width", "height") or (name == "src" and bool(_PICTURE.fullmatch(value)))
    if tag in ("svg", "rect"):
        return name in ("width", "height", "rx", "fill")
    return tag in ("td", "th") and name in ("colspan", "rowspan", "scope")


def clean_html(html: str) -> str:
    """Return HTML without scripts, forms, frames, handlers and anything that loads from elsewhere."""
    if _length(html) > _MAX_HTML:
        return _as_text(html)
    try:
        cleaned: str = bleach.clean(
            html,
            tags=_TAGS,
            attributes=_is_allowed,
            protocols=["http", "https", "mailto", "data"],
            css_sanitizer=CSSSanitizer(allowed_css_properties=_STYLES),
            strip_comments=True,
        )
    except RecursionError:
        return _as_text(html)
    # Tags that nobody closes are repeated in all that follows.
    return cleaned if _length(cleaned) <= 10 * _MAX_HTML else _as_text(html)


def _length(text: str) -> int:
    """Return how long a text is without the pictures that it holds."""
    return len(_EMBEDDED.sub("", text))


def _as_text(source: str) -> str:
    """Return the beginning of what cannot be shown otherwise, as it was written."""
    return f"<pre>{escape(source[:_MAX_HTML], quote=False)}</pre>"


@pass_context
def markdown_in_formgrader(context: Mapping[str, Any], source: str) -> str:
    """Return a Markdown cell as HTML, where nbconvert's templates ask for `markdown2html`."""
    return markdown_to_page(source, context.get("cell", {}).get("attachments"))


def markdown_to_page(source: str, attachments: Mapping[str, Any] | None = None) -> str:
    """Return a Markdown cell as HTML that is safe to show and needs no script: formulas are MathML.

    Args:
        source: of the cell.
        attachments: pictures that the cell holds, by name.
    """
    if _length(source) > _MAX_MARKDOWN or source.count("<") > _MAX_TAGS_IN_MARKDOWN:
        return _as_text(source)
    renderer = _Renderer(escape=False, exclude_anchor_links=True, attachments=dict(attachments or {}))
    try:
        html = MarkdownWithMath(renderer=renderer).render(_without_active_tex(source))
    except Exception:  # whatever the parser stumbles over: nothing that a student wrote stops a page
        html = _as_text(source)
    return renderer.placeholder.sub(lambda match: renderer.formulas[int(match[1])], clean_html(html))


class _Renderer(IPythonRenderer):
    """nbconvert's renderer, with formulas as MathML, which goes into the page after all else was cleaned."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.formulas: list[str] = []
        # Nobody can write a placeholder of their own; in an attribute it is escaped, and stays one.
        self._name = f"formula-{secrets.token_hex(16)}"
        self.placeholder = re.compile(rf'<span class="{self._name}-(\d+)"></span>')

    def _embed_image_or_attachment(self, src: str) -> str:
        # nbconvert's own raises where a picture is missing; here its text stands in for it.
        if src.startswith("attachment:") and src.removeprefix("attachment:") not in self.attachments:
            return ""
        return str(super()._embed_image_or_attachment(src))

    def _keep(self, tex: str, *, display: bool) -> str:
        self.formulas.append(to_mathml(tex, display=display))
        return f'<span class="{self._name}-{len(self.formulas) - 1}"></span>'

    def block_math(self, body: str) -> str:
        """Render a formula on a line of its own."""
        return self._keep(body, display=True)

    def inline_math(self, body: str) -> str:
        """Render a formula within a line."""
        return self._keep(body, display=False)

    def latex_environment(self, name: str, body: str) -> str:
        """Render an environment, such as align."""
        return self._keep(f"\\begin{{{name}}}{body}\\end{{{name}}}", display=True)


def clean_notebook(notebook: NotebookNode) -> None:
    """Take out of all outputs what a browser would run, and what no notebook may hold: no page would open."""
    until = time.thread_time() + _PATIENCE_S
    for cell in notebook.cells:
        if cell.cell_type == "code":
            # A kernel in a student's hands may say that it counted to <img …>.
            count = cell.get("execution_count")
            cell.execution_count = count if isinstance(count, int) else None
            cell.outputs = clean_outputs(filter(_is_valid, cell.outputs), until)


def _is_valid(output: NotebookNode) -> bool:
    """Tell whether an output has the form that the notebook format gives it."""
    try:
        nbformat.validate(output, ref="output", version=4)
    except nbformat.ValidationError:
        return False
    return True


def clean_outputs(outputs: Iterable[NotebookNode], until: float = math.inf) -> list[NotebookNode]:
    """Return outputs of a cell with nothing in them that a browser would run.

    Args:
        outputs: of the cell.
        until: when, on this thread's clock of processor time, only plain text and pictures are kept.
    """
    return [_clean_output(output, hurry=time.thread_time() > until) for output in outputs]


def is_picture(kind: str, data: Any) -> bool:
    """Tell whether data of a media type are a PNG, JPEG or GIF picture in base64."""
    return kind in _PICTURE_TYPES and isinstance(data, str) and bool(_BASE64.fullmatch(data))


def hide(value: Any, secret: str) -> Any:
    """Return JSON data with a secret taken out of all texts in them."""
    if isinstance(value, str):
        return value.replace(secret, "…")
    if isinstance(value, Mapping):
        return NotebookNode({name: hide(item, secret) for name, item in value.items()})
    if isinstance(value, list):
        return [hide(item, secret) for item in value]
    return value


def _clean_output(output: NotebookNode, *, hurry: bool) -> NotebookNode:
    if "data" not in output:
        return output
    data: dict[str, Any] = {}
    for kind, content in output.data.items():
        text = "".join(content) if isinstance(content, list) else content
        if not isinstance(text, str):
            continue
        if kind == "text/plain" or is_picture(kind, text):
            data[kind] = text
        elif hurry or ("text/plain" in output.data and _length(text) > _MAX_HTML):
            continue
        elif kind == "text/html":
            data[kind] = clean_html(text)
        elif kind == "text/markdown":
            data[kind] = clean_html(_without_active_tex(text))
        elif kind == "text/latex":
            data[kind] = escape(_without_active_tex(text), quote=False)
    return NotebookNode({**output, "data": NotebookNode(data), "metadata": NotebookNode()})


def _without_active_tex(text: str) -> str:
    return _ACTIVE_TEX.sub(r"\\text{\1}", text)
