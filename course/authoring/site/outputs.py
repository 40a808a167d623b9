"""What a solution showed, so that everybody can read it on a page: figures with words, films that wait."""

from __future__ import annotations

import ast
import base64
import re
from dataclasses import dataclass
from html import escape

import nbformat
from nbformat import NotebookNode

from autograder.language import set_language
from course import diagrams
from course.diagrams.diagram import Diagram

_PNG, _HTML = "image/png", "text/html"
_FILM = re.compile(r'<img [^>]*src="data:image/gif;base64,(?P<data>[A-Za-z0-9+/=\s]+)"[^>]*>')


@dataclass(frozen=True)
class Figure:
    """A picture of a page.

    Attributes:
        cell: the name of the cell that it belongs to, the same in all languages.
        alt: what it shows, in words.
        png: the file.
    """

    cell: str
    alt: str
    png: bytes


def take_figure(cell: NotebookNode, name: str, title: str, redrawn_in: str | None) -> Figure | None:
    """Return the figure of a cell, and leave it as the cell's one picture, with its words.

    Args:
        cell: with its outputs; of these, the one with the figure keeps nothing else.
        name: of the cell.
        title: what the figure shows, where its output does not say it.
        redrawn_in: a language to draw a diagram anew in; None: it stays as it is.

    Returns:
        None, if the cell has none.
    """
    output = next((each for each in cell.outputs if _PNG in each.get("data", {})), None)
    if output is None:
        return None
    drawn = _diagram(cell.source, redrawn_in) if redrawn_in else None
    alt = drawn.alt if drawn else output.metadata.get(_PNG, {}).get("alt") or title
    data = base64.b64encode(drawn.png).decode() if drawn else output.data[_PNG]
    output.data, output.metadata = nbformat.from_dict({_PNG: data}), nbformat.from_dict({})
    cell.metadata["mystnb"] = {"image": {"alt": alt}}
    return Figure(name, alt, base64.b64decode(data))


def take_film(cell: NotebookNode, address: str, summary: str) -> bytes | None:
    """Return the film of a cell, a GIF file; the page has one instead that moves when a reader asks for it.

    Args:
        cell: with its outputs.
        address: where the page will find the file.
        summary: what a reader clicks.

    Returns:
        None, if the cell has none.
    """
    for output in cell.outputs:
        film = _FILM.search(output.get("data", {}).get(_HTML, ""))
        if film is not None:
            picture = f'<img alt="{escape(summary)}" loading="lazy" src="{address}">'
            html = f'<details class="film"><summary>{escape(summary)}</summary>{picture}</details>'
            output.data = nbformat.from_dict({_HTML: html})
            return base64.b64decode(film["data"])
    return None


def tidy_tables(cell: NotebookNode, label: str) -> None:
    """Make a cell's tables readable by everybody: no empty headings, and the keyboard can scroll wide ones.

    Args:
        cell: with its outputs.
        label: what the tables are about.
    """
    for output in cell.outputs:
        table = output.get("data", {}).get(_HTML, "")
        if table.startswith("<table"):
            table = table.replace("<th></th>", "<td></td>")
            region = f'<div class="wide" role="group" tabindex="0" aria-label="{escape(label)}">'
            output.data = nbformat.from_dict({_HTML: f"{region}{table}</div>"})


def _diagram(source: str, language: str) -> Diagram | None:
    """Return the diagram that a cell consists of, drawn in a language; None, if it is something else."""
    match ast.parse(source).body:
        case [ast.Expr(ast.Call(ast.Attribute(ast.Name("diagrams"), name), [], []))] if (
            name in diagrams.__all__
        ):
            set_language(language)
            try:
                found = getattr(diagrams, name)()
            finally:
                set_language(None)
            return found if isinstance(found, Diagram) else None
    return None
