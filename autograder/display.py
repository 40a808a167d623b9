"""How marks look: boxes as HTML in a notebook, plain text elsewhere."""

from __future__ import annotations

import re
from html import escape
from typing import Any, Protocol

from autograder.labels import label_of, number, points_of
from autograder.marks import CellMarks, Result
from autograder.messages import text
from autograder.quoting import plain

# Marks as data, for programs that read an executed notebook.
MARKS_MIME = "application/vnd.autograder.marks+json"

# Colours that keep their contrast on light and dark notebook themes: text is set with its background.
GREEN, AMBER, RED, GREY = "#116329", "#9a6700", "#cf222e", "#57606a"
_BOLD = re.compile(r"\*\*([^*\n]{1,200})\*\*")
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


def as_html(message: str) -> str:
    """Return a message as HTML: with what stands in backticks as code, and between two stars as bold."""
    parts = re.split("`([^`]+)`", escape(plain(message)))
    for index, part in enumerate(parts):
        parts[index] = f"<code>{part}</code>" if index % 2 else _BOLD.sub(r"<strong>\1</strong>", part)
    return "".join(parts)


def as_text(message: str) -> str:
    """Return a message as plain text: backticks stay, marks of bold go."""
    parts = re.split("(`[^`]+`)", plain(message))
    return "".join(part if index % 2 else _BOLD.sub(r"\1", part) for index, part in enumerate(parts))


def box(colour: str, title: str, body: str) -> str:
    """Return a box with a coloured edge; title and body are HTML already."""
    return (
        f'<div style="border-left:6px solid {colour};background:{_TINTS[colour]};color:#1f2328;'
        'padding:8px 12px;margin:4px 0;font-family:sans-serif;line-height:1.45">'
        f'<div style="color:{colour};font-weight:bold">{title}</div>{body}</div>'
    )


class CellView:
    """How the marks of a check cell look, wherever they were given: a line per check, what ended it first.

    Args:
        cell: the marks.
    """

    def __init__(self, cell: CellMarks) -> None:
        self._cell = cell

    @property
    def _state(self) -> tuple[str, str]:
        """Return colour and symbol of the whole cell."""
        results = self._cell.results
        if results and all(result.passed for result in results):
            return GREEN, "✓"
        return (AMBER, "◐") if self._cell.score > 0 else (RED, "✗")

    def _title(self) -> str:
        cell = self._cell
        if cell.points == 0:
            return cell.heading or cell.name
        marks = f"{number(cell.score)} / {number(cell.points)} {text('marks', cell.language)}"
        return f"{cell.heading or cell.name}: {marks}"

    def _lines(self) -> list[Result]:
        """Return the results as they are shown: an error of the cell itself first, it explains the rest."""
        return sorted(self._cell.results, key=lambda result: not result.is_of_cell)

    def _label(self, result: Result) -> tuple[str, str]:
        """Return what a check is called, and its marks."""
        language = self._cell.language
        points = points_of(result.points, language) if result.points else ""
        return label_of(result.name, language), points

    def _notices(self) -> list[str]:
        return [notice.render(self._cell.language) for notice in self._cell.notices]

    def _message(self, result: Result) -> str:
        return result.message.render(self._cell.language)

    def __repr__(self) -> str:
        lines = [f"{self._state[1]} {self._title()}"]
        lines += [f"  ! {as_text(said)}" for said in self._notices()]
        for result in self._lines():
            label, points = self._label(result)
            said = f"{label} ({points})" if label and points else label or points
            symbol = "✓" if result.passed else "✗"
            lines.append(f"  {symbol} {said}{': ' if said else ''}{as_text(self._message(result))}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        colour, symbol = self._state
        rows = [f"<div>{as_html(said)}</div>" for said in self._notices()]
        for result in self._lines():
            label, points = self._label(result)
            said = f"<strong>{escape(label)}</strong>" if label else ""
            said += f" ({escape(points)})" if label and points else escape(points)
            failed = f"border-left:3px solid {RED};background:{_TINTS[RED]};padding:2px 8px;margin:2px 0"
            rows.append(
                f'<div style="{"" if result.passed else failed}">'
                f'<span style="color:{GREEN if result.passed else RED};font-weight:bold">'
                f"{'✓' if result.passed else '✗'}</span> "
                f"{said}{': ' if said else ''}{as_html(self._message(result))}</div>"
            )
        return box(colour, f"{symbol} {escape(self._title())}", "".join(rows))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """Return all forms, and the marks as data."""
        return {"text/html": self._repr_html_(), "text/plain": repr(self), MARKS_MIME: self._cell.as_json()}


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
