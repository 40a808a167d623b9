"""One self-contained page: all pairs that stand out, the most alike side by side, what they share marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, PackageLoader
from markupsafe import Markup, escape
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from autograder.instructor.figures import embed
from autograder.instructor.files import write
from autograder.instructor.similarity.likeness import Comparison, Match
from autograder.instructor.similarity.ranking import CAUTION, Pair, Similarity

_LISTED = 200
_SIDE_BY_SIDE = 25
_GREY, _RED = "#8c959f", "#a40e26"


@dataclass(frozen=True)
class CellPair:
    """One cell of a pair: its name, what both wrote, as HTML, and whether that is the same to the letter."""

    name: str
    first: Markup
    second: Markup
    same: bool


def write_page(path: Path, found: Similarity) -> Path:
    """Write the page.

    Raises:
        CourseError: if it cannot be written.
    """
    # By name: select_autoescape() would not know a template whose name ends in .j2.
    environment = Environment(loader=PackageLoader("autograder.instructor"), autoescape=True)
    html = environment.get_template("similarity.html.j2").render(
        found=found,
        caution=CAUTION,
        listed=found.pairs[:_LISTED],
        views=[(pair, list(_cells(found, pair))) for pair in found.pairs[:_SIDE_BY_SIDE]],
        compared=int((found.code.sizes > 0).sum()),
        plot=embed(_histogram(found)),
    )
    return write(path, html)


def _cells(found: Similarity, pair: Pair) -> list[CellPair]:
    """Return the cells in which both submissions have something in common."""
    first, second = (found.works.index(work) for work in (pair.first, pair.second))
    views = []
    for comparison, ours, theirs in (
        (found.code, pair.first.code, pair.second.code),
        (found.texts, pair.first.texts, pair.second.texts),
    ):
        for name in ours:
            one, other = ours[name], theirs.get(name, "")
            left = _marked(comparison, first, second, one)
            right = _marked(comparison, second, first, other)
            if "<mark" in left or "<mark" in right:
                views.append(CellPair(name, left, right, one.strip() == other.strip()))
    return views


def _marked(comparison: Comparison, first: int, second: int, source: str) -> Markup:
    """Return a cell of one submission, escaped, with what the other submission has too marked."""
    levels = _levels(comparison.matches(first, second, source), len(source))
    parts = []
    for level, run in groupby(range(len(source)), key=lambda place: levels[place]):
        places = list(run)
        text = escape(source[places[0] : places[-1] + 1])
        kind = ("", "common", "rare")[level]
        parts.append(Markup('<mark class="{}">{}</mark>').format(kind, text) if level else text)
    return Markup("").join(parts)


def _levels(matches: Sequence[Match], length: int) -> bytearray:
    """Return for each character whether nobody (0), many (1) or few (2) others share it."""
    levels = bytearray(length)
    for match in sorted(matches, key=lambda match: match.rare):
        levels[match.start : match.end] = bytes([2 if match.rare else 1]) * (match.end - match.start)
    return levels


def _histogram(found: Similarity) -> Figure:
    """Draw how many pairs are how alike, and where the list begins."""
    figure = Figure(figsize=(4.6, 2.5))
    axes = figure.subplots()
    axes.hist(100 * found.all_code, bins=range(0, 105, 5), color=_GREY, log=True)
    axes.axvline(100 * found.threshold, color=_RED, linestyle="--")
    title = "Likeness of the code of all pairs\n(listed: right of the dashed line)"
    axes.set(title=title, xlabel="likeness (%)", ylabel="pairs", xlim=(0, 100))
    axes.set_ylim(bottom=0.5)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    return figure
