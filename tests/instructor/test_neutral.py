"""What students wrote keeps its look, and runs nowhere."""

from __future__ import annotations

import pytest
from nbformat.v4 import new_output

from autograder.block import Result
from autograder.display import BlockView
from autograder.messages import Message
from course.instructor.neutral import clean_html, clean_outputs, markdown_to_page

ATTACKS = [
    "<script>run()</script>",
    '<img src="x" onerror="run()">',
    '<a href="javascript:run()">x</a>',
    '<a href="data:text/html,<script>run()</script>">x</a>',
    '<iframe src="https://example.org"></iframe>',
    '<form action="https://example.org"><input name="x"></form>',
    '<div style="position:fixed;top:0">x</div>',
    '<img src="https://example.org/pixel.png">',
    '<svg onload="run()"><script>run()</script></svg>',
    '<object data="x.swf"></object><embed src="x"><link rel="stylesheet" href="x"><base href="x">',
    "<style>body{display:none}</style><meta http-equiv=refresh content=0>",
    '<div style="background:url(https://example.org/x.png)">x</div>',
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_active_is_left(attack: str) -> None:
    elements = ("<script", "<iframe", "<form", "<object", "<embed", "<link", "<base", "<style", "<meta")
    attributes = ("onerror", "onload", "javascript:", "data:text", "position", "example.org")
    for html in (clean_html(attack), markdown_to_page(f"text\n\n{attack}\n\nmore")):
        assert not any(element in html for element in elements)
        for tag in [part.split(">")[0] for part in html.split("<")[1:]]:
            assert not any(attribute in tag for attribute in attributes)


def test_headings_tables_code_pictures_and_formulas_are_kept() -> None:
    html = markdown_to_page(
        "# T\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\nx < 1\n```\n\n$a < b$ `c<d`"
    )
    for part in ("<h1", "<table>", "<td>1</td>", "highlight", "<mo>&lt;</mo>", "<code>c&lt;d</code>"):
        assert part in html
    picture = '<img alt="film" src="data:image/gif;base64,R0lGOD==">'
    assert clean_html(picture) == picture


def test_boxes_of_the_grader_keep_their_colours() -> None:
    box = BlockView("b", 1.0, 1.0, [Result("b.x", 1.0, True, Message("ok"))], "en")._repr_html_()
    cleaned = clean_html(box)
    assert "border-left" in cleaned and "background" in cleaned and "color:" in cleaned.replace(": ", ":")


def test_links_made_of_formulas_are_text() -> None:
    assert "\\href" not in markdown_to_page("$\\href{javascript:run()}{x}$")


@pytest.mark.parametrize("kind", ["image/png", "application/json", "text/latex", "application/x-else"])
def test_a_script_in_place_of_a_picture_or_formula_is_no_script(kind: str) -> None:
    (output,) = clean_outputs([new_output("display_data", data={kind: '"><script>run()</script>'})])
    assert "<script" not in str(output.data)


def test_pictures_stay() -> None:
    (output,) = clean_outputs([new_output("display_data", data={"image/png": "iVBORw0KGgo=\n"})])
    assert output.data == {"image/png": "iVBORw0KGgo=\n"}


def test_scripts_widgets_and_drawings_are_dropped_from_outputs() -> None:
    data = {
        "application/javascript": "run()",
        "image/svg+xml": "<svg/>",
        "text/html": "<b>x</b>",
        "text/plain": "x",
    }
    (output,) = clean_outputs([new_output("display_data", data=data)])
    assert output.data == {"text/html": "<b>x</b>", "text/plain": "x"}
