"""Write a feedback page: one file that needs no network and runs no script."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from html import unescape
from pathlib import Path
from typing import Any

from nbconvert.exporters import HTMLExporter
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from pygments.formatters import HtmlFormatter

from autograder.catalogue import load
from autograder.instructor import pages
from autograder.instructor.formulas import to_mathml
from autograder.messages import Message
from autograder.rerun.report import error_text

_TEMPLATES = Path(__file__).parent.parent / "templates"
# Longer outputs are folded: marks should be found quickly.
_LINES = 15
_MAX_TRACEBACK = 20_000
_MAX_ERROR = 500
_BEST_FIRST = (
    "text/html", "image/png", "image/jpeg", "image/gif", "text/markdown", "text/latex", "text/plain",
)  # fmt: skip
_TEXTS = load(__package__, "page")


class FeedbackText(Message):
    """A text of a feedback page."""

    @staticmethod
    def texts() -> Mapping[str, Mapping[str, str]]:
        """Return the texts by key and language."""
        return _TEXTS


class FeedbackExporter(HTMLExporter):
    """nbconvert's HTML exporter with the course's template, whatever the configuration names for others."""

    def __init__(self, config: Any = None, **options: Any) -> None:
        # Formgrader configures HTMLExporter itself, for pages of its own.
        ours = {"template_name": "course_feedback", "extra_template_basedirs": [str(_TEMPLATES)]}
        super().__init__(config=config, **{**options, **ours})

    def default_filters(self) -> Iterator[tuple[str, Callable[..., Any]]]:
        """Yield the filters of nbconvert, and ours."""
        yield from super().default_filters()
        yield "prose", pages.markdown
        yield "highlight_code", pages.highlighted
        yield "latex", latex_to_page
        yield "unescape", unescape
        yield "plain", strip_ansi
        yield "best", best_of
        yield "error_line", error_line
        yield "traceback", traceback_of
        yield "marks", lambda value: f"{round(value, 2):g}"
        yield "say", lambda key, language, **details: FeedbackText(key, details).render(language)
        # Every colour of this style has enough contrast with the grey behind it.
        yield "colours", lambda selector: HtmlFormatter(style="xcode").get_style_defs(selector)
        yield "is_long", lambda text: text.count("\n") > _LINES


def best_of(output: NotebookNode) -> tuple[str, str]:
    """Return the kind and the content of the best way to show an output; both empty if there is none."""
    data = output.get("data", {})
    kind = next((kind for kind in _BEST_FIRST if kind in data), "")
    content = data.get(kind, "")
    return kind, "".join(content) if isinstance(content, list) else str(content)


def latex_to_page(text: str) -> str:
    """Return a LaTeX output, which is escaped already, as MathML."""
    tex = unescape(text).strip()
    match = re.fullmatch(r"\$\$(.*)\$\$|\\\[(.*)\\\]|\$\\displaystyle (.*)\$|\$(.*)\$", tex, re.DOTALL)
    inner = next((part for part in match.groups() if part is not None), tex) if match else tex
    return to_mathml(inner, display=True)


def error_line(output: NotebookNode) -> str:
    """Return what an error says, without where it happened."""
    line = strip_ansi(f"{output.get('ename', '')}: {error_text(output)}").strip()
    return line if len(line) <= _MAX_ERROR else f"{line[:_MAX_ERROR]} …"


def traceback_of(output: NotebookNode) -> str:
    """Return where an error happened, as plain text of limited length."""
    text = strip_ansi("\n".join(str(line) for line in output.get("traceback", [])))
    return text if len(text) <= _MAX_TRACEBACK else f"… {text[-_MAX_TRACEBACK:]}"
