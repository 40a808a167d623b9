"""How marks look: boxes as HTML in a notebook, plain text elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

from autograder.messages import text

if TYPE_CHECKING:
    from autograder.block import Result

# Colours that keep their contrast on light and dark notebook themes: text is set with its background.
GREEN, AMBER, RED, GREY = "#116329", "#9a6700", "#cf222e", "#57606a"
# What a check cell displays beside its box: the same marks as data, for programs.
MARKS_MIME = "application/vnd.autograder.marks+json"
_TINTS = {GREEN: "#e6f4ea", AMBER: "#fff8e1", RED: "#fdecea", GREY: "#f0f2f4"}


class View(Protocol):
    """Anything that can be shown as HTML and as text."""

    def _repr_html_(self) -> str: ...


def show(view: View) -> None:
    """Display a view in a notebook, print it elsewhere (also where IPython is absent)."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        print(view)
        return
    if get_ipython() is None:
        print(view)
    else:
        display(view)


def _as_html(message: str) -> str:
    """Return a message as HTML, with what stands in backticks as code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(message))


def number(value: float) -> str:
    """Return a number of marks without needless zeros."""
    return f"{value:g}"


def box(colour: str, title: str, body: str) -> str:
    """Return a box with a coloured edge; title and body are HTML already."""
    return (
        f'<div style="border-left:6px solid {colour};background:{_TINTS[colour]};color:#1f2328;'
        'padding:8px 12px;margin:4px 0;font-family:sans-serif;line-height:1.45">'
        f'<div style="color:{colour};font-weight:bold">{title}</div>{body}</div>'
    )


class BlockView:
    """The marks of one block, wherever they were given, with a line per check.

    Args:
        name: of the block.
        points: its full marks.
        score: the marks earned.
        results: one entry per check, in order.
        language: of the messages.
        students: the ids of those who hand in, if they are known.
    """

    def __init__(
        self,
        name: str,
        points: float,
        score: float,
        results: Sequence[Result],
        language: str,
        students: Sequence[str] = (),
    ) -> None:
        self._students = students
        self._name = name
        self._points = points
        self._score = score
        self._results = results
        self._language = language

    @property
    def _state(self) -> tuple[str, str]:
        """Return colour and symbol of the whole block."""
        results = self._results
        if any(result.passed is None for result in results):
            return GREY, "●"
        if results and all(result.passed for result in results):
            return GREEN, "✓"
        return (AMBER, "◐") if self._score > 0 else (RED, "✗")

    def _title(self) -> str:
        if any(result.passed is None for result in self._results):
            return f"{self._name}: {text('observed', self._language)}"
        marks = text("marks", self._language)
        return f"{self._name}: {number(self._score)} / {number(self._points)} {marks}"

    def _line(self, result: Result) -> tuple[str, str, str]:
        symbol = {True: "✓", False: "✗", None: "●"}[result.passed]
        label = f"{result.name} [{number(result.points)}]"
        return symbol, label, result.message.render(self._language)

    def __repr__(self) -> str:
        lines = [f"{self._state[1]} {self._title()}"]
        for result in self._results:
            symbol, label, message = self._line(result)
            lines.append(f"  {symbol} {label}: {message}")
        return "\n".join(lines)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        checks = [
            {
                "name": r.name,
                "points": r.points,
                "passed": r.passed,
                "message": r.message.render(self._language),
            }
            for r in self._results
        ]
        data = {
            "format": 1,
            "block": self._name,
            "score": self._score,
            "points": self._points,
            "language": self._language,
            "students": list(self._students),
            "checks": checks,
        }
        return {MARKS_MIME: data}

    def _repr_html_(self) -> str:
        colour, symbol = self._state
        rows = []
        for result in self._results:
            mark, label, message = self._line(result)
            hue = {True: GREEN, False: RED, None: GREY}[result.passed]
            failed = f"border-left:3px solid {RED};background:{_TINTS[RED]};padding:2px 8px;margin:2px 0"
            rows.append(
                f'<div style="{failed if result.passed is False else ""}">'
                f'<span style="color:{hue};font-weight:bold">{mark}</span> '
                f"<code>{escape(label)}</code> {_as_html(message)}</div>"
            )
        return box(colour, f"{symbol} {escape(self._title())}", "".join(rows))


def bar(score: float, points: float, width: int = 160, height: int = 10) -> str:
    """Return a small bar picture as SVG; `points` may be 0."""
    share = min(max(score / points, 0.0), 1.0) if points > 0 else 0.0
    colour = GREEN if share >= 1.0 else AMBER if share > 0 else GREY
    return (
        f'<svg width="{width}" height="{height}" role="img" aria-label="{share:.0%}">'
        f'<rect width="{width}" height="{height}" rx="3" fill="#d0d7de"/>'
        f'<rect width="{share * width:.1f}" height="{height}" rx="3" fill="{colour}"/></svg>'
    )


def text_bar(score: float, points: float, width: int = 20) -> str:
    """Return the same bar in characters."""
    filled = round(width * min(max(score / points, 0.0), 1.0)) if points > 0 else 0
    return "█" * filled + "·" * (width - filled)


def table(header: list[str], rows: list[list[str]]) -> str:
    """Return an HTML table; cells are HTML already."""

    def cells(tag: str, row: list[str]) -> str:
        style = "text-align:left;padding:2px 14px 2px 0"
        # A header without a text would be announced as one: an empty cell is no header.
        return "".join(
            f'<{tag if cell else "td"} style="{style}">{cell}</{tag if cell else "td"}>' for cell in row
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f'<table style="border-collapse:collapse"><tr>{cells("th", header)}</tr>{body}</table>'


def as_json_number(value: float) -> int | float:
    """Return a whole number as int, so that the JSON reads as a person would write it."""
    return int(value) if float(value).is_integer() else value
