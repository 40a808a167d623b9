"""`nbgrader generate_feedback`: a page that says what was seen, in the lab's language, without a network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.api import Gradebook

from autograder.instructor.build import run_nbgrader
from autograder.instructor.demo import answer
from autograder.instructor.feedback.exporter import error_line, latex_to_page, traceback_of
from autograder.instructor.feedback.outline import language_of, split
from autograder.instructor.formulas import to_mathml
from autograder.instructor.neutral import hide, markdown_to_page
from autograder.instructor.source import grade_id
from tests.conftest import LAB1
from tests.instructor.browser import DESKTOP, PHONE, Visit, open_browser
from tests.instructor.conftest import Classroom, MakeClassroom, picture, showing, with_code

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SCRIPT = "<script>document.title='hacked'</script><img src=x onerror=\"document.title='hacked'\">"
PASTED = "Mi dibujo: ![dibujo](attachment:dibujo.png)\n\n$$\\min_G \\max_D V(D, G)$$"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@dataclass
class Pages:
    """A class whose feedback nbgrader has written."""

    room: Classroom

    def path(self, student: str) -> Path:
        return self.room.folder / "feedback" / student / LAB1 / f"{LAB1}.html"

    def text(self, student: str) -> str:
        return self.path(student).read_text(encoding="utf-8")

    @property
    def seed(self) -> str:
        record = self.room.folder / "grading" / LAB1 / "submissions" / "marked.json"
        return str(json.loads(record.read_text())["seed"])


@pytest.fixture(scope="module")
def pages(make_classroom: MakeClassroom, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """A class graded by `course grade`, partly marked by hand, with feedback from stock nbgrader."""
    room = make_classroom(tmp_path_factory.mktemp("class"))
    wrong = room.notebook(mistakes=("d_step_no_zero_grad",))
    room.hand_in("marked", room.identified(wrong, "marked"))
    room.hand_in("english", room.identified(room.notebook(language="en"), "english"))
    room.hand_in("untidy", room.identified(untidy(room.notebook()), "untidy"))
    dies = with_code(room.identified(room.notebook(), "dying"), "generator", "import os; os._exit(1)")
    room.hand_in("dying", dies)
    room.hand_in("silent", room.identified(room.notebook("identity"), "silent"))
    room.hand_in("damaged", b'{"cells": [')
    room.grade()
    with Gradebook(f"sqlite:///{room.folder / 'gradebook.db'}") as gradebook:
        grade = gradebook.find_grade("question_models", LAB1, LAB1, "marked")
        grade.manual_score, grade.needs_manual_grade = 6.5, False
        comment = gradebook.find_comment("question_models", LAB1, LAB1, "marked")
        comment.manual_comment = f"Bien **pensado**: $P(y \\mid x)$ {SCRIPT}"
        gradebook.find_comment("generator", LAB1, LAB1, "marked").manual_comment = "Muy claro."
        gradebook.find_submission_notebook(LAB1, LAB1, "english").late_submission_penalty = 5
        gradebook.db.commit()
    run_nbgrader(room.course, "generate_feedback", LAB1, course_folder=room.folder)
    yield Pages(room)


def untidy(notebook: NotebookNode) -> NotebookNode:
    """Return a notebook that printed and drew, fails, shows HTML and holds a picture that is lost."""
    code = "\n".join([
        "import os",
        "raise ValueError('no <b>es</b> así, seed ' + os.environ.get('AUTOGRADER_SEED', ''))",
    ])  # fmt: skip
    changed = with_code(answer(notebook, {"question_gif": PASTED}), "sample", code)
    display = new_code_cell("show()", outputs=[new_output("display_data", data={"text/html": SCRIPT})])
    changed.cells[4:4] = [new_markdown_cell(f"texto {SCRIPT}"), display]
    changed = showing(changed, ["sample"], new_output("stream", text="line\n" * 100))
    return showing(changed, ["plot-real", "film", "curves", "final"], picture("what I saw"))


# --- what it says ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_refused_check_says_what_was_seen_and_the_hint(pages: Pages, browser: Browser) -> None:
    part = Visit(browser, pages.path("marked")).page.locator("#part-discriminator_step_check")
    said = part.inner_text()
    assert "6. El paso del discriminador" in said and "11 / 14" in said
    assert "Los gradientes de antes se suman a los nuevos" in said


@pytest.mark.slow
def test_marks_and_comments_given_by_hand_are_shown(pages: Pages, browser: Browser) -> None:
    page = Visit(browser, pages.path("marked")).page
    question = page.locator("#part-question_models").inner_text()
    assert "6.5 / 8" in question and "Comentario de quien califica" in question
    assert "Bien pensado" in question
    assert "Muy claro." in page.locator("#part-generator_check").inner_text()


@pytest.mark.slow
def test_marks_come_first_with_a_link_to_each_part(pages: Pages, browser: Browser) -> None:
    page = Visit(browser, pages.path("marked")).page
    rows = page.locator("nav tbody tr")
    assert rows.count() == 7 + 4
    assert page.locator("nav tfoot").inner_text().split("\t")[-1] == "73.5 / 100"
    page.get_by_role("link", name="Pregunta 1").click()
    assert page.url.endswith("#part-question_models")


@pytest.mark.slow
def test_what_nobody_has_marked_yet_is_not_0(pages: Pages, browser: Browser) -> None:
    page = Visit(browser, pages.path("marked")).page
    assert "por calificar / 7" in page.locator("#part-question_minimax").inner_text()
    assert "Faltan 22 puntos por calificar." in page.locator("header").inner_text()
    dying = Visit(browser, pages.path("dying")).page
    assert "por calificar / 10" in dying.locator("nav").inner_text()
    assert "El programa se cerró en la celda generator" in dying.locator(".notes").inner_text()


@pytest.mark.slow
def test_what_could_not_be_graded_has_no_total_and_says_why(pages: Pages, browser: Browser) -> None:
    page = Visit(browser, pages.path("damaged")).page
    said = page.locator("body").inner_text()
    assert "no tiene puntos, tampoco 0" in said and "no es JSON (línea 1)" in said
    assert "0 / 100" not in said and page.locator("nav, section").count() == 0


@pytest.mark.slow
def test_an_answer_that_nobody_wrote_is_said_in_the_language_of_the_lab(pages: Pages) -> None:
    assert "No hay respuesta." in pages.text("silent") and "No response." not in pages.text("silent")


@pytest.mark.slow
def test_the_page_speaks_the_language_of_the_lab(pages: Pages) -> None:
    assert '<html lang="es">' in pages.text("marked") and "Tus puntos" in pages.text("marked")
    assert '<html lang="en">' in pages.text("english") and "Your marks" in pages.text("english")


@pytest.mark.slow
def test_marks_taken_off_for_being_late_are_shown(pages: Pages, browser: Browser) -> None:
    table = Visit(browser, pages.path("english")).page.locator("nav").inner_text()
    assert "Deduction for handing in late\t−5" in table and "65 / 100" in table


@pytest.mark.slow
def test_an_error_is_one_line_and_the_rest_is_folded(pages: Pages, browser: Browser) -> None:
    visit = Visit(browser, pages.path("untidy"))
    visit.page.locator("#part-sample_check details").first.evaluate("part => { part.open = true }")
    shown = visit.page.locator("#part-sample_check").inner_text()
    assert "Al calificar, esta celda se detuvo con un error:" in shown
    assert "La celda se detuvo con ValueError: no <b>es</b> así" in shown
    assert "Traceback" not in shown and "\x1b" not in shown
    visit.open_all()
    assert "Traceback" in visit.page.locator("#part-sample_check").inner_text()


@pytest.mark.slow
def test_the_page_says_whose_outputs_it_shows(pages: Pages, browser: Browser) -> None:
    for student, words in (("untidy", "De quién son las salidas."), ("english", "Whose outputs these are.")):
        assert words in Visit(browser, pages.path(student)).page.locator(".whose").inner_text()


@pytest.mark.slow
def test_a_long_output_is_folded(pages: Pages) -> None:
    assert "<summary>Salida de 100 líneas</summary>" in pages.text("untidy")


# --- what it must not say or do --------------------------------------------------------------------


@pytest.mark.slow
def test_the_secret_seed_is_on_no_page_and_in_no_marked_notebook(pages: Pages) -> None:
    assert "seed …" in pages.text("untidy")
    for folder in ("feedback", "autograded"):
        for path in (pages.room.folder / folder).rglob("*.*"):
            assert pages.seed not in path.read_text(encoding="utf-8"), path


@pytest.mark.slow
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
@pytest.mark.parametrize("student", ["marked", "untidy", "dying", "silent", "damaged", "english"])
def test_pages_need_no_network_run_no_script_fit_and_are_accessible(
    pages: Pages, student: str, width: int, browser: Browser
) -> None:
    visit = Visit(browser, pages.path(student), width)
    visit.open_all()
    assert visit.page.title() != "hacked"
    assert visit.page.locator("script, iframe, link").count() == 0
    assert visit.too_wide == 0
    assert visit.violations() == []
    assert visit.requests == [] and visit.complaints == []


@pytest.mark.slow
def test_formulas_and_pictures_are_drawn(pages: Pages, browser: Browser) -> None:
    visit = Visit(browser, pages.path("untidy"))
    visit.open_all()
    formula = visit.page.locator("#part-question_gif math[display=block] munder").first
    assert formula.bounding_box() is not None
    sizes = visit.page.locator("img[src]").evaluate_all("all => all.map(image => image.naturalWidth)")
    assert len(sizes) >= 4 and min(sizes) > 100


@pytest.mark.slow
def test_a_page_can_be_printed(pages: Pages, browser: Browser) -> None:
    visit = Visit(browser, pages.path("marked"), width=688)  # A4 less its margins
    visit.page.emulate_media(media="print")
    assert visit.too_wide == 0
    assert visit.page.pdf(format="A4").startswith(b"%PDF")


# --- parts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tex",
    [
        r"\text{<img src=x onerror=run()>}", r"\href{javascript:run()}{x}", r"\style{x:y}{x}",
        r"\class{a}{x}",
        r"\text{&lt;script&gt;}", r'\color{red"><script>}x', "<script>run()</script>", r"\frac{", "{" * 1500,
        "x" * 5000, r"\unknown{x}",
    ],
)  # fmt: skip
def test_no_formula_brings_more_than_mathematics_into_a_page(tex: str) -> None:
    for display in (False, True):
        html = to_mathml(tex, display=display)
        tags = {part.split(">")[0].split(" ")[0].strip("/") for part in html.split("<")[1:]}
        assert tags <= {"math", "mrow", "mi", "mo", "mn", "mtext", "mspace", "mstyle", "code", "pre"}
        opened = [part.split(">")[0] for part in html.split("<")[1:]]
        assert not any(name in tag for tag in opened for name in ("href", "onerror", "style=", "javascript"))


@pytest.mark.parametrize("tex", [r"\frac{", "x" * 5000])
def test_a_formula_that_cannot_be_read_is_shown_as_it_was_written(tex: str) -> None:
    assert to_mathml(tex) == f'<code class="tex">{tex}</code>'


def test_a_student_cannot_write_a_placeholder_of_a_formula() -> None:
    html = markdown_to_page('$x$ <span class="formula-0"></span><span class="formula-0-0"></span>')
    assert html.count("<math") == 1


@pytest.mark.parametrize(
    "source", ['![$x > 1$](a.png "$y$")', '<b title="$x$">a</b>', '[$x$](https://e.org "$y$")']
)
def test_a_formula_within_an_attribute_stays_there(source: str) -> None:
    html = markdown_to_page(source)
    assert not any("<math" in tag.split(">")[0] for tag in html.split("<img")[1:] + html.split("<b ")[1:])
    assert html.count("<math") <= 1


def test_a_picture_that_is_lost_stops_no_page() -> None:
    html = markdown_to_page("see ![my drawing](attachment:drawing.png)")
    assert "my drawing" in html and "src" not in html


def test_a_picture_that_a_cell_holds_is_shown() -> None:
    html = markdown_to_page("![a](attachment:a.png)", {"a.png": {"image/png": "iVBORw0KGgo="}})
    assert 'src="data:image/png;base64,iVBORw0KGgo="' in html


def test_a_latex_output_is_a_formula() -> None:
    assert latex_to_page("$\\displaystyle x &lt; 1$").startswith("<math")


def test_a_syntax_error_names_the_line_and_no_file_that_nobody_has() -> None:
    error = NotebookNode(ename="SyntaxError", evalue="invalid syntax (1302772928.py, line 7)")
    assert error_line(error) == "SyntaxError: invalid syntax (line 7)"


def test_an_error_without_end_is_cut() -> None:
    output = new_output(
        "error", ename="E", evalue="x" * 9999, traceback=["\x1b[31mred\x1b[0m " + "y" * 99_999]
    )
    assert len(error_line(output)) < 600 and error_line(output).endswith("…")
    assert len(traceback_of(output)) < 21_000


def test_a_secret_is_hidden_wherever_it_stands() -> None:
    data = {"text": "a 123 b", "more": [{"deep": "x123"}], "number": 5}
    assert hide(data, "123") == {"text": "a … b", "more": [{"deep": "x…"}], "number": 5}


@pytest.mark.parametrize(
    ("metadata", "source", "language"),
    [
        ({"language": "en"}, "", "en"),
        ({}, 'lab = open_lab("x", language="en", device=device)', "en"),
        ({}, 'lab = open_lab("x", language="fr")', "fr"),
        ({"language": {"x": 1}}, 'lab = open_lab("x", language="no such")', "es"),
        ({}, "", "es"),
    ],
)
def test_the_language_is_found_also_where_an_editor_lost_it(
    metadata: dict[str, object], source: str, language: str
) -> None:
    assert language_of(new_notebook(cells=[new_code_cell(source)], metadata=metadata)) == language


def test_every_cell_of_a_notebook_is_in_one_part(classroom: Classroom) -> None:
    cells = classroom.notebook().cells
    found = [
        cell["id"]
        for part in split(cells)
        for cell in (*part.context, *part.answers, *([part.graded] if part.is_check else []),
                     *([part.question] if part.question else []))
    ]  # fmt: skip
    assert sorted(found) == sorted(cell["id"] for cell in cells)
    titles = {str(grade_id(part.graded)): part.title for part in split(cells) if part.graded is not None}
    assert titles["train_check"] == "8. El ciclo de entrenamiento"
    assert titles["question_gif"] == "Pregunta 3"
