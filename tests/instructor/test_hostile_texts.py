"""No text that is handed in makes reading it take longer than its length warrants.

Hypothesis makes the texts: few characters, repeated without end, between others. Every function that reads
what students write, and every pattern of every module, is measured at one length and at four times that.
"""

from __future__ import annotations

import ast
import contextlib
import gc
import importlib
import json
import pkgutil
import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import autograder
import autograder.instructor
from autograder.display import CellView
from autograder.execution.outputs import merged_streams
from autograder.instructor.bundle.install_cell import is_install_code
from autograder.instructor.feedback.exporter import error_line, latex_to_page, traceback_of
from autograder.instructor.feedback.outline import split
from autograder.instructor.formulas import to_mathml
from autograder.instructor.grade.people import recipients
from autograder.instructor.intake import rebuilding
from autograder.instructor.intake.attachments import hidden_module
from autograder.instructor.intake.matching import match, recognised
from autograder.instructor.intake.notes import note
from autograder.instructor.intake.outputs import outputs_of
from autograder.instructor.intake.reading import Cell, defined_names, parse
from autograder.instructor.neutral import clean_html, clean_notebook, clean_outputs, hide, markdown_to_page
from autograder.instructor.pages import coloured, highlighted
from autograder.instructor.similarity.submissions import work_of
from autograder.instructor.similarity.tokens import code_parts, word_parts
from autograder.instructor.slicing import needed_cells
from autograder.marks import CellMarks
from autograder.opening import opening
from autograder.rerun.report import error_text

# Processor time. A text of four times the length may take twice what a straight line gives, and a moment.
_MOST_S = 3.0
_GROWTH = 8.0
_MOMENT_S = 0.5
_MEASURES = 5
_LENGTH = 10_000


# --- texts ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hostile:
    """A text of any length: what is repeated, what stands between repetitions, and at both ends."""

    unit: str
    between: str = ""
    start: str = ""
    end: str = ""
    run: int = 0

    def of(self, length: int) -> str:
        """Return the text with about so many characters; `run` 0 repeats one unit alone."""
        if not self.run:
            middle = self.unit * (length // len(self.unit) + 1)
        else:
            part = self.unit * self.run + self.between
            middle = part * (length // len(part) + 1)
        return self.start + middle[:length] + self.end


ALPHABETS = (
    " \t\n\r\f\v\u00a0\u2028", "()[]{}", "`~*_#>-+|", "<>/ab=\"' ", "\\$^_{}&", "'\"\\rfb\n",
    "0123456789.eE_", "#!%?@.,:;=", "éß𝔸\u0301\u200d\ufeff\ud83d", "ab_", "\x00\x1b[0m;",
    "data:image/png;base64,A",
)  # fmt: skip
WORDS = (
    "exit", "quit", "!pip", "%", "-m ", "input(", "lab = open_lab(", "autograder.", "from autograder import ",
    "def a", "class ", "student_id_1 = '", "open_lab('a", ".marks('", "language=", "# ", "(1 puntos)", "**",
    "<ul><li>", "<b title=1><p>", "<table><tr><td>", "<!--", "-->", "<a href='", "<img src=\"",
    "style='color:", "</b>", "<svg><rect/>", "\\[", "\\begin{a}", "\\end{a}", "\\frac{", "\\left(",
    "$$", "\\html", "](", "![", "- a\n", "> ", "|a|b|\n|-|-|\n", "```\n", "<<<<<<<\n", "=======\n",
    ">>>>>>>\n", "a.", "...", "r\"", "f'{",
    "\x1b[31m", "&lt;", "&#x", "url(", "rgb(", "data:image/png;base64,", "\\\n", "lambda ", "1_",
)  # fmt: skip
PIECES = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from(ALPHABETS).flatmap(lambda letters: st.text(letters, min_size=1, max_size=6)),
)
TEXTS = st.builds(
    Hostile,
    unit=PIECES,
    between=PIECES,
    start=st.one_of(st.just(""), PIECES),
    end=st.one_of(st.just(""), PIECES),
    run=st.sampled_from([0, 0, 1, 30, 1000]),
)
# What strangers found: each of these took minutes, or hours.
FOUND = (
    Hostile(" ", start="exit", end="x"),
    Hostile("\n", end="x"),
    Hostile("<ul><li>"),
    Hostile(" ", start="# x", end="x"),
    Hostile("a.", start="x = "),
    Hostile("a", start="<b style='color:", end="'>"),
    Hostile("<b title=1><table></b></table><p>"),
    Hostile("\\\\["),
    Hostile("1", start="# ("),
    Hostile("...", start="```ipython\n"),
)


# --- what reads them --------------------------------------------------------------------------------


class _Page(dict[str, Any]):
    """What a template knows while it is filled."""

    def __init__(self) -> None:
        super().__init__(resources={}, cell={})


def _notebook(text: str) -> bytes:
    lines = text.split("\n")[:1500]
    outputs = [{"output_type": "stream", "name": "stdout", "text": lines}] + [
        {"output_type": "display_data", "data": {"text/html": line, "text/plain": line}} for line in lines
    ]
    cells = [{"cell_type": "code", "source": line, "metadata": {}, "outputs": []} for line in lines]
    whole = {"cell_type": "code", "source": text, "metadata": {}, "outputs": outputs, "id": text}
    return json.dumps({"cells": [whole, *cells], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


TEMPLATE = [
    Cell("code", "def step(real):\n    ...", "step", "step"),
    Cell("code", "lab.marks('step')", "step_check", "step_check"),
    Cell("markdown", "Write your answer.", "question", "question"),
]


def _match(text: str) -> object:
    cells = [Cell("code", text), Cell("markdown", text), *(Cell("code", line) for line in text.split()[:100])]
    return match(TEMPLATE, cells), recognised(TEMPLATE, cells)


def _clean(text: str) -> None:
    kinds = ("text/html", "text/markdown", "text/latex", "text/plain", "image/png")
    outputs = [new_output("display_data", data={kind: text}) for kind in kinds]
    outputs += [
        new_output("stream", text=text),
        new_output("error", ename=text, evalue=text, traceback=[text]),
    ]
    clean_outputs(outputs)


def _clean_many(text: str) -> None:
    pieces = [text[start : start + 200] for start in range(0, len(text), 200)]
    outputs = [new_output("display_data", data={"text/html": piece}) for piece in pieces]
    clean_notebook(new_notebook(cells=[new_code_cell(outputs=outputs)]))


def _pieces(text: str) -> None:
    pieces = (text[start : start + 2] for start in range(0, len(text), 2))
    merged_streams([NotebookNode(output_type="stream", name="stdout", text=piece) for piece in pieces])


def _identity(text: str) -> None:
    cell = new_code_cell(text, metadata={"nbgrader": {"grade_id": "identity", "solution": True}})
    work_of("x", new_notebook(cells=[cell]))


def _outline(text: str) -> None:
    check = new_code_cell("x", metadata={"nbgrader": {"grade_id": "a_check", "grade": True, "points": 1}})
    question = {"grade_id": "q", "grade": True, "solution": True, "points": 1}
    asked = [
        new_markdown_cell(f"# {text}\n**{text}"),
        new_markdown_cell(text, metadata={"nbgrader": question}),
    ]
    list(split([new_markdown_cell(text), new_markdown_cell(f"# {text}"), check, *asked]))


def _notes(text: str) -> None:
    for language in ("es", "en"):
        note("not_run", cell=text, line=text).render(language)
        note("several_notebooks", file=text, others=text).render(language)


def _parts_of_page(text: str) -> None:
    error = new_output("error", ename=text, evalue=text, traceback=text.split("\n"))
    error_line(error), traceback_of(error), error_text(error)
    CellView(CellMarks("b", 1.0, "en"))._repr_html_()


READERS: dict[str, Callable[[str], object]] = {
    "a file": lambda text: parse(text.encode("utf-8", "replace"), "x.ipynb"),
    "a notebook": lambda text: parse(_notebook(text), "x.ipynb"),
    "matching": _match,
    "what is not run": lambda text: rebuilding._harmless(text, "code", "x", []),
    "names": defined_names,
    "text of a cell": lambda text: (Cell("code", text).text, Cell("code", text).names),
    "the install cell": is_install_code,
    "notes": _notes,
    "people": lambda text: recipients("x", [text, f"x {text}"], [text], [text], {text: "y"}),
    "names of files": lambda text: hidden_module(Path(f"{text[:200]}.py".replace("\0", ""))),
    "outputs handed in": lambda text: outputs_of(
        {"cell_type": "code", "outputs": [{"output_type": "stream", "name": "stdout", "text": [text, text]}]}
    ),
    "many outputs": _clean_many,
    "streams": _pieces,
    "HTML": clean_html,
    "outputs": _clean,
    "the secret": lambda text: hide({"a": [text]}, text[:8] or "x"),
    "identity": _identity,
    "tokens of code": lambda text: code_parts(text, ()),
    "words": word_parts,
    "the outline": _outline,
    "errors": _parts_of_page,
    "LaTeX": latex_to_page,
    "colours": coloured,
    "the lab": opening,
    "what is needed": lambda text: needed_cells([new_code_cell(text)]),
}
# Longer texts than these are shown as they were written.
BOUNDED: dict[str, tuple[Callable[[str], object], int]] = {
    "Markdown": (markdown_to_page, 4900),
    "a formula": (to_mathml, 490),
    "code on a page": (lambda text: highlighted(_Page(), text), 4900),  # type: ignore[arg-type]
}


def _patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield all patterns of all modules, by name."""
    for package in (autograder, autograder.instructor):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name.endswith("__main__"):
                continue
            for name, value in vars(importlib.import_module(found.name)).items():
                if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                    yield f"{found.name.rpartition('.')[2]}.{name}", value


# What only ever reads the course's own sources, and the instructor's roster.
OURS = {"sentences._SOLUTION", "source._MARKED_TEXT", "source._MARKED_CODE", "roster._ASSIGNMENT"}
PATTERNS = {name: pattern for name, pattern in _patterns() if name not in OURS}


# --- measured ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def _patience() -> Iterator[None]:
    """Fail in place of waiting for hours: patterns look for signals while they search."""

    def give_up(number: int, frame: object) -> None:
        raise AssertionError("it takes far too long")

    before = signal.signal(signal.SIGPROF, give_up)
    signal.setitimer(signal.ITIMER_PROF, 2 * _MOST_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _seconds(read: Callable[[str], object], text: str) -> float:
    """Return the processor time of this thread alone: no other thread's, no collection of others' garbage."""
    gc.disable()
    start = time.thread_time()
    try:
        with _patience():
            read(text)
        return time.thread_time() - start
    finally:
        gc.enable()


def _check(read: Callable[[str], object], hostile: Hostile, length: int = _LENGTH) -> None:
    """Fail when reading grows faster than the text: a machine's hiccup is measured again, growth stays."""
    measured = []
    for _ in range(_MEASURES):
        short, long = _seconds(read, hostile.of(length)), _seconds(read, hostile.of(4 * length))
        if long < _MOST_S and long < _GROWTH * short + _MOMENT_S:
            return
        measured.append((short, long))
    raise AssertionError(f"{hostile}: seconds for a text and one of four times its length: {measured}")


def _hostile(test: Callable[..., None]) -> Callable[..., None]:
    """Try a test on what was found and on what hypothesis makes: the same texts every time."""
    settled = settings(
        derandomize=True,
        deadline=None,
        max_examples=15,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    for found in FOUND:
        test = example(hostile=found)(test)
    return settled(given(hostile=TEXTS)(test))


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
@_hostile
def test_reading_takes_a_time_that_grows_with_the_text(name: str, hostile: Hostile) -> None:
    _check(READERS[name], hostile)


@pytest.mark.slow
@pytest.mark.parametrize("name", BOUNDED)
@_hostile
def test_what_is_bounded_is_quick_up_to_its_bound(name: str, hostile: Hostile) -> None:
    read, length = BOUNDED[name]
    _check(read, hostile, length)


@pytest.mark.slow
@pytest.mark.parametrize("name", PATTERNS)
@_hostile
def test_no_pattern_searches_longer_than_the_text_warrants(name: str, hostile: Hostile) -> None:
    _check(lambda text: [PATTERNS[name].match(text), sum(1 for _ in PATTERNS[name].finditer(text))], hostile)


def test_the_measure_finds_the_pattern_that_stopped_a_class() -> None:
    slow = re.compile(r"^(?P<indent>\s*)(?:exit|quit)\s*(?:\(.*\))?\s*;?\s*$")
    with pytest.raises(AssertionError):
        _check(slow.match, FOUND[0], 500)


@pytest.mark.parametrize(
    "nested",
    [
        "(" * 20_000, "-" * 20_000 + "1", "[" * 90 + "]" * 90, "1+" * 20_000 + "1", "a" + ".a" * 20_000,
        "if 1:\n" + " if 1:\n" * 2000, "\x00", "\ud800", "f'{" * 500, "lambda: " * 20_000, "not " * 20_000,
        "x" + "[0]" * 20_000,
    ],
)  # fmt: skip
def test_code_nested_without_end_stops_no_process(nested: str) -> None:
    with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        ast.parse(nested)
    assert defined_names(nested) == set()
    assert rebuilding._harmless(nested, "code", "x", []) == nested
