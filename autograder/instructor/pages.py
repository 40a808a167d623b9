"""What nbgrader's pages ask for to show a cell, in a time that no student can stretch.

Pages are made in the instructor's own programs, formgrader's among them: a cell that takes long is shown as
it was written, and so is all that follows once a page has taken long enough.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, MutableMapping
from html import escape
from typing import Any

from jinja2 import pass_context
from nbconvert.filters import ansi2html
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers.python import PythonLexer

from autograder.instructor.neutral import as_text, markdown_to_page

# Processor time for what is rendered on one page.
PATIENCE_S = 10.0
# Longer code is shown without colours: a lexer takes time that grows with the square of some texts.
_MAX_CODE = 20_000
# ansi2html copies all that follows at every colour.
_MAX_COLOURED = 50_000
_DEADLINE = "course_show_until"


def out_of_patience(resources: MutableMapping[str, Any]) -> bool:
    """Tell whether a page has taken long enough; its time begins when this is first asked."""
    if _DEADLINE not in resources:
        resources[_DEADLINE] = time.thread_time() + PATIENCE_S
    return bool(time.thread_time() > resources[_DEADLINE])


@pass_context
def markdown(context: Mapping[str, Any], source: str, attachments: Mapping[str, Any] | None = None) -> str:
    """Return a Markdown cell as HTML, where nbconvert's templates ask for `markdown2html`."""
    if out_of_patience(context["resources"]):
        return as_text(source)
    held = attachments if attachments is not None else context.get("cell", {}).get("attachments")
    return markdown_to_page(source, held)


@pass_context
def highlighted(context: Mapping[str, Any], source: str, **_: Any) -> str:
    """Return a code cell as HTML, where nbconvert's templates ask for `highlight_code`."""
    if len(source) > _MAX_CODE or out_of_patience(context["resources"]):
        return f'<div class="highlight">{as_text(source)}</div>'
    # The lexer for IPython's own syntax takes minutes for a long line of dots.
    return str(highlight(source, PythonLexer(), HtmlFormatter(cssclass="highlight hl-ipython3")))


def coloured(text: str) -> str:
    """Return what a program printed as HTML, where nbconvert's templates ask for `ansi2html`."""
    return str(ansi2html(text)) if len(text) <= _MAX_COLOURED else escape(text)


def unchanged(text: str) -> str:
    """Return a text as it is, where nbconvert looks for links to a folder that no notebook has any more."""
    return text
