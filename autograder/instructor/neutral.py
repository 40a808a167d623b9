"""Show what students wrote without running it: HTML that keeps its look and loses its scripts.

nbgrader's feedback and formgrader put a student's Markdown and HTML outputs into a page of the
instructor's. nbconvert's own `sanitize_html` would also take headings, tables and pictures.
"""

from __future__ import annotations

import base64
import io
import math
import re
import secrets
import string
import time
import warnings
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import nbformat
import nh3
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from PIL import Image
from pygments.token import STANDARD_TYPES

from autograder.instructor.formulas import to_mathml
from autograder.instructor.wellformed import TooDeepError, well_formed

_TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "code", "col", "colgroup", "dd", "del", "details", "div",
    "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins",
    "kbd", "li", "mark", "ol", "p", "pre", "rect", "s", "samp", "small", "span", "strong", "sub", "summary",
    "sup", "svg", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var",
}  # fmt: skip
# No positions and no sizes beyond a cell: nothing that could cover another part of the page.
_STYLES = {
    "background", "background-color", "border", "border-collapse", "border-left", "border-radius", "color",
    "font-family", "font-size", "font-style", "font-weight", "line-height", "margin", "padding", "text-align",
    "text-decoration", "vertical-align", "white-space",
}  # fmt: skip
_SHOWN_ANYWHERE = {"title", "aria-label", "role", "style"}
_ATTRIBUTES = {
    "a": {"href"}, "img": {"alt", "width", "height", "src"}, "svg": {"width", "height", "rx", "fill"},
    "rect": {"width", "height", "rx", "fill"}, "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"}, "div": {"class"}, "span": {"class"}, "code": {"class"},
    "pre": {"class"}, "table": {"class"},
}  # fmt: skip
# Names that styles of ours or of tables know. Any other might be one that the page's own scripts or styles
# take for a part of it: a bar that stays in place, a sheet over everything.
_CLASSES = {
    "dataframe", "highlight", "hl-ipython3", "tex", *(short for short in STANDARD_TYPES.values() if short),
}  # fmt: skip
_PLACEHOLDER = "formula-"
_COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}|[a-zA-Z]{1,30}|(?:rgb|hsl)a?\([\d\s.,%/-]{1,60}\)")
# Of one picture, in all its pixels: a few kB of it can unfold to gigabytes in a browser.
_MAX_PIXELS = 40_000_000
_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*")
_EMBEDDED = re.compile(r"data:image/\w+;base64,[A-Za-z0-9+/=]*")
# What may be called in a style: image-set("…") and others would load a picture as well as url(…) does.
_COLOUR_CALLS = {"rgb", "rgba", "hsl", "hsla", "linear-gradient"}
_OF_NAMES = f"{string.ascii_letters}{string.digits}_-"
# Longer HTML, pictures not counted, is shown as text: a page with it would not open in a browser.
_MAX_HTML = 50_000
# mistune looks for the other end of each of these as far as the text goes: within these limits, what is made
# to take long takes a second or two.
_MAX_MARKDOWN = 20_000
_MAX_STARTS = 500
_STARTS = ("<", "\\[", "\\(", "\\begin{")
# A run of white space is tried from each of its characters on.
_SPACES = re.compile(r"[^\S\n]{101,}")
# Processor time for all outputs of a notebook; what is left then is shown as plain text alone.
_PATIENCE_S = 20.0
# Of one text that a program printed; of a longer one, the beginning and the end are shown.
_MAX_TEXT = 100_000
_PYTHON = {"python", "python3", "py", "ipython", "ipython3"}
_LINK = re.compile(r"(?:https?://|mailto:|#)", re.IGNORECASE)
_PICTURE_TYPES = ("image/png", "image/jpeg", "image/gif")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
# TeX commands with which MathJax makes links and styles.
_ACTIVE_TEX = re.compile(r"\\(href|style|class|cssId|require|html\w*|data)\b")


def clean_html(html: str) -> str:
    """Return HTML without scripts, forms, frames, handlers and anything that loads from elsewhere."""
    cleaned = _cleaned(html)
    return _beginning(html) if cleaned is None else cleaned


def _cleaned(html: str) -> str | None:
    """Return clean HTML, None if it is too long or nested too deeply to be shown."""
    if _length(html) > _MAX_HTML:
        return None
    try:
        # Lone surrogates are valid in JSON, and in no page.
        ordered = well_formed(html.encode("utf-8", "replace").decode(), _TAGS)
    except TooDeepError:
        return None
    return nh3.clean(
        ordered,
        tags=_TAGS,
        attributes={**_ATTRIBUTES, "*": _SHOWN_ANYWHERE},
        attribute_filter=_filtered,
        url_schemes={"http", "https", "mailto", "data"},
    )


def _filtered(tag: str, name: str, value: str) -> str | None:
    """Return the value with which an attribute may stay, None if it may not."""
    if name == "style":
        return _clean_style(value)
    if name == "class":
        kept = [word for word in value.split() if word in _CLASSES or word.startswith(_PLACEHOLDER)]
        return " ".join(kept) or None
    if name == "fill":
        return value if _COLOUR.fullmatch(value.strip()) else None
    if name == "href":
        return value if _LINK.match(value) else None
    if name == "src":
        return value if _PICTURE.fullmatch(value) and _unfolds_well(value.partition(",")[2]) else None
    return value


def _clean_style(style: str) -> str | None:
    """Return the declarations of a style that may stay, None if something in it could load a picture."""
    # Colours, never pictures from elsewhere; a backslash could spell "url" otherwise.
    if "\\" in style or not all(_calls_colour(before) for before in style.split("(")[:-1]):
        return None
    declarations = [part.strip() for part in style.split(";")]
    kept = [part for part in declarations if part.partition(":")[0].strip().lower() in _STYLES]
    return "; ".join(kept)


def _calls_colour(before: str) -> bool:
    """Tell whether what stands before a parenthesis is the name of a function that makes colours."""
    return before[len(before.rstrip(_OF_NAMES)) :].lower() in _COLOUR_CALLS


def _length(text: str) -> int:
    """Return how long a text is without the pictures that it holds."""
    return len(_EMBEDDED.sub("", text))


def as_text(source: str) -> str:
    """Return what cannot be shown otherwise, as it was written."""
    return f"<pre>{escape(source, quote=False)}</pre>"


def _beginning(html: str) -> str:
    """Return the beginning of HTML as text, short enough to be left alone when it is cleaned again."""
    most = _MAX_HTML // 10
    return as_text(html if len(html) <= most else f"{html[:most]}\n[… {len(html) - most} …]")


def markdown_to_page(source: str, attachments: Mapping[str, Any] | None = None) -> str:
    """Return a Markdown cell as HTML that is safe to show and needs no script: formulas are MathML.

    Args:
        source: of the cell.
        attachments: pictures that the cell holds, by name.
    """
    if _length(source) > _MAX_MARKDOWN or any(source.count(start) > _MAX_STARTS for start in _STARTS):
        return as_text(source)
    source = _SPACES.sub(" " * 100, source)
    renderer = _Renderer(escape=False, exclude_anchor_links=True, attachments=dict(attachments or {}))
    try:
        html = _cleaned(MarkdownWithMath(renderer=renderer).render(_without_active_tex(source)))
    except Exception:  # whatever the parser stumbles over: nothing that a student wrote stops a page
        html = None
    if html is None:
        return as_text(source)
    return renderer.placeholder.sub(lambda match: renderer.formulas[int(match[1])], html)


class _Renderer(IPythonRenderer):
    """nbconvert's renderer, with formulas as MathML, which goes into the page after all else was cleaned."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.formulas: list[str] = []
        # Nobody can write a placeholder of their own; in an attribute it is escaped, and stays one.
        self._name = f"{_PLACEHOLDER}{secrets.token_hex(16)}"
        self.placeholder = re.compile(rf'<span class="{self._name}-(\d+)"></span>')

    def _embed_image_or_attachment(self, src: str) -> str:
        # nbconvert's own raises where a picture is missing; here its text stands in for it.
        if src.startswith("attachment:") and src.removeprefix("attachment:") not in self.attachments:
            return ""
        return str(super()._embed_image_or_attachment(src))

    def block_code(self, code: str, info: str | None = None) -> str:
        """Render a block of code; whoever names another language has it without colours.

        Among the lexers of five hundred languages are some, IPython's too, that can be made to take minutes.
        """
        words = (info or "").split()
        return str(super().block_code(code, "python" if words and words[0].lower() in _PYTHON else None))

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
    if kind not in _PICTURE_TYPES or not isinstance(data, str) or not _BASE64.fullmatch(data):
        return False
    return _unfolds_well(data)


def _unfolds_well(data: str) -> bool:
    """Tell whether a picture in base64 is none at all, or one of a size that a browser can show."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of many pixels: that is what is asked here
            with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
                return picture.width * picture.height <= _MAX_PIXELS
    except Image.DecompressionBombError:
        return False
    except Exception:  # whatever it is, no browser will unfold it
        return True


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
    if output.output_type == "error":
        lines = _shortened("\n".join(output.traceback)).split("\n")
        texts = {name: _shortened(output[name]) for name in ("ename", "evalue")}
        return NotebookNode({**output, **texts, "traceback": lines})
    if output.output_type == "stream":
        return NotebookNode({**output, "text": _shortened("".join(output.text))})
    data: dict[str, Any] = {}
    for kind, content in output.data.items():
        text = "".join(content) if isinstance(content, list) else content
        if not isinstance(text, str):
            continue
        if is_picture(kind, text):
            data[kind] = text
        elif kind == "text/plain":
            data[kind] = _shortened(text)
        elif hurry or ("text/plain" in output.data and _length(text) > _MAX_HTML):
            continue
        elif kind == "text/html":
            data[kind] = clean_html(text)
        elif kind == "text/markdown":
            data[kind] = clean_html(_without_active_tex(text))
        elif kind == "text/latex":
            data[kind] = escape(_without_active_tex(_shortened(text)), quote=False)
    return NotebookNode({**output, "data": NotebookNode(data), "metadata": NotebookNode()})


def _shortened(text: str) -> str:
    """Return a text that a page can hold: its beginning, how much is left out, and its end."""
    half = _MAX_TEXT // 2 - 50
    left_out = len(text) - 2 * half
    return text if len(text) <= _MAX_TEXT else f"{text[:half]}\n[… {left_out} …]\n{text[-half:]}"


def _without_active_tex(text: str) -> str:
    return _ACTIVE_TEX.sub(r"\\text{\1}", text)
