"""What students wrote keeps its look, and runs nowhere."""

from __future__ import annotations

import time
from base64 import b64encode
from html import unescape
from io import BytesIO

import nbformat
import pytest
from jinja2 import Environment
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from autograder.display import CellView
from autograder.instructor import neutral, pages
from autograder.instructor.neutral import clean_html, clean_notebook, clean_outputs, markdown_to_page
from autograder.instructor.wellformed import well_formed
from autograder.marks import CellMarks, Result, Verdict
from autograder.messages import Message

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
    """<div style="background:image-set('https://example.org/x.png' 1x)">x</div>""",
    """<div style="background:-WEBKIT-Image-Set('https://example.org/x.png' 1x)">x</div>""",
    """<div style="background:src('https://example.org/x.png')">x</div>""",
    """<div style="background:linear-gradient(red,red),cross-fade('https://example.org/x.png',2%)">x</div>""",
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
    box = CellView(
        CellMarks("b", 1.0, "en", [Result("b.x", 1.0, Verdict.RIGHT, Message("ok"))])
    )._repr_html_()
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


def test_a_table_may_show_bars_of_colour() -> None:
    bar = '<td style="background: linear-gradient(90deg, rgb(1, 2, 3) 50%, transparent 50%);">1</td>'
    assert "linear-gradient" in clean_html(f"<table><tr>{bar}</tr></table>")


# Each takes from half a minute to hours to read, or becomes gigabytes.
@pytest.mark.parametrize("slow", ["<div>" * 200_000, "".join(f"<b title={n}><p>" for n in range(60_000))])
def test_html_that_is_made_to_take_long_is_shown_as_text(slow: str) -> None:
    assert clean_html(slow).startswith("<pre>&lt;")
    assert markdown_to_page(slow[:20_000]).startswith("<pre>&lt;")


@pytest.mark.parametrize("slow", ["\\begin{a}" * 20_000, "$$a\n\n" * 30_000])
def test_markdown_that_is_made_to_take_long_is_shown_as_text(slow: str) -> None:
    assert markdown_to_page(slow).startswith("<pre>")


def test_html_that_cannot_be_read_stops_no_page() -> None:
    style = f'<a style="color:{"[" * 10_000}">x</a>'
    assert clean_html(style) and markdown_to_page(style)


def test_a_large_picture_within_html_or_markdown_stays() -> None:
    data = f"data:image/png;base64,{'A' * 1_000_000}"
    assert data in clean_html(f'<img src="{data}">') and data in markdown_to_page(f"![x]({data})")


def test_an_output_that_is_too_long_is_shown_the_plain_way() -> None:
    data = {"text/html": "<tr><td>1</td></tr>" * 10_000, "text/plain": "a table"}
    (output,) = clean_outputs([new_output("display_data", data=data)])
    assert output.data == {"text/plain": "a table"}


def test_outputs_that_together_take_too_long_are_shown_the_plain_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neutral, "_PATIENCE_S", -1.0)
    data = {"text/html": "<b>x</b>", "text/plain": "x", "image/png": "AAAA"}
    notebook = new_notebook(cells=[new_code_cell(outputs=[new_output("display_data", data=data)])])
    clean_notebook(notebook)
    assert notebook.cells[0].outputs[0].data == {"text/plain": "x", "image/png": "AAAA"}


def test_what_no_notebook_may_hold_is_dropped() -> None:
    bad = [
        NotebookNode(output_type="display_data", data="<script>", metadata={}),
        NotebookNode(output_type="stream", name="stdout", text=7),
        NotebookNode(output_type="execute_result", data={}, metadata={}, execution_count="<script>"),
        NotebookNode(output_type="error", ename="E", evalue={}, traceback=[["<script>"]]),
    ]
    cell = new_code_cell()
    cell.outputs = [*bad, new_output("stream", text="kept")]
    cell["execution_count"] = "<script>"
    notebook = new_notebook()
    notebook.cells.append(cell)
    clean_notebook(notebook)
    nbformat.validate(notebook)
    assert cell.execution_count is None and [output.text for output in cell.outputs] == ["kept"]


# --- HTML in order -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "ordered"),
    [
        ("<ul><li>a<li>b", "<ul><li>a</li><li>b</li></ul>"),
        ("<b><i>x</b>y</i>", "<b><i>x</i></b>y"),
        ("<table><tr><td>1<td>2<tr></table>", "<table><tr><td>1</td><td>2</td></tr><tr></tr></table>"),
        ("x</div></p>y", "xy"),
        ("<img alt='a > b' alt=c>", '<img alt="a &gt; b">'),
        ("a<!-- <b> -->b<!-- c", "ab&lt;!-- c"),
        ('<svg width="3"><rect rx=1 /></svg>', '<svg width="3"><rect rx="1"></rect></svg>'),
    ],
)  # fmt: skip
def test_html_is_put_in_order(written: str, ordered: str) -> None:
    assert (
        well_formed(written, {"b", "i", "ul", "li", "table", "tr", "td", "img", "p", "div", "svg", "rect"})
        == ordered
    )


@pytest.mark.parametrize(
    "written", ["si P<Q y Q>R", "List<int>", "D(x)<D(G(z))", "a <b sin cerrar", "<script>x", "1 < 2"]
)
def test_what_is_no_tag_of_a_page_is_text_and_nothing_is_lost(written: str) -> None:
    assert unescape(clean_html(written)) == written


@pytest.mark.parametrize(
    "written", [*ATTACKS, "<ul><li>a<li>b", "<b><i>x</b>y</i>", '<img alt="a &lt; b">', "a & b"]
)
def test_what_was_cleaned_stays_as_it_is_when_a_page_cleans_it_again(written: str) -> None:
    assert clean_html(clean_html(written)) == clean_html(written)


def test_lists_within_lists_are_read_at_once() -> None:
    start = time.process_time()
    assert clean_html("<ul><li>" * 6250).startswith("<pre>&lt;ul")
    assert clean_html("<ul><li>x</li></ul>" * 2500).count("<li>") == 2500
    assert time.process_time() - start < 5


def test_a_long_answer_is_shown_to_its_end() -> None:
    assert "the end" in markdown_to_page(f"{'word ' * 20_000}the end")
    assert "the end" in markdown_to_page("```python\n" + "a = 1\n" * 3000 + "```\nthe end")


def test_what_is_shown_as_text_stays_as_it_is_when_a_page_cleans_it_again() -> None:
    for html in ("<b>&</b>" * 20_000, "<div>" * 200):
        assert clean_html(clean_html(html)) == clean_html(html)


@pytest.mark.parametrize("style", [
    "color: red; position: fixed", "position:fixed;color:red", 'font-family: "a;position:fixed"; color: red',
])  # fmt: skip
def test_of_a_style_only_colours_and_the_like_stay(style: str) -> None:
    cleaned = clean_html(f"<b style='{style}'>x</b>")
    assert "position" not in cleaned and "color" in cleaned


def test_a_text_without_end_is_shown_from_both_its_ends() -> None:
    (output,) = clean_outputs([new_output("stream", text="a" * 10**6 + "z")])
    assert len(output.text) < 110_000 and output.text.startswith("a") and output.text.endswith("z")
    assert "[… 900101 …]" in output.text


# --- pages -------------------------------------------------------------------------------------------


def test_a_page_that_has_taken_long_shows_the_rest_as_it_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Environment()
    page.filters |= {"md": pages.markdown, "code": pages.highlighted}
    rendered = page.from_string("{{ text | md }} {{ text | code }}").render
    assert "<strong>" in rendered(text="**x**", resources={}, cell={})
    monkeypatch.setattr(pages, "PATIENCE_S", -1.0)
    assert rendered(text="**x**", resources={}, cell={}).count("<pre>**x**</pre>") == 2


def test_long_code_and_long_prints_are_shown_without_colours() -> None:
    page = Environment()
    page.filters |= {"code": pages.highlighted, "print": pages.coloured}
    shown = page.from_string("{{ text | code }}{{ text | print }}").render(text="a." * 50_000, resources={})
    assert "<span" not in shown and shown.count("a.a.") > 0


@pytest.mark.parametrize(
    "html",
    [
        '<div class="modal-backdrop">over everything</div>',
        '<div class="navbar navbar-fixed-top">a bar of the page itself</div>',
        '<svg width="9"><rect fill="url(https://example.invalid/seen)"></rect></svg>',
    ],
)
def test_nothing_reaches_beyond_its_cell(html: str) -> None:
    cleaned = clean_html(html)
    assert "class=" not in cleaned and "url(" not in cleaned
    assert clean_html('<svg><rect fill="#ff0000"></rect></svg>').count('fill="#ff0000"') == 1
    assert 'class="dataframe"' in clean_html('<table class="dataframe other"></table>')


def test_a_picture_that_unfolds_to_gigabytes_is_left_out() -> None:
    def png(width: int) -> str:
        buffer = BytesIO()
        Image.new("1", (width, width)).save(buffer, "png")
        return b64encode(buffer.getvalue()).decode()

    small, bomb = png(10), png(14_000)
    kept = [
        clean_outputs([new_output("display_data", {"image/png": data})])[0].data for data in (small, bomb)
    ]
    assert (set(kept[0]), set(kept[1])) == ({"image/png"}, set())
    assert "src=" not in clean_html(f'<img src="data:image/png;base64,{bomb}">')
