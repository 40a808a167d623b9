"""Formgrader on this course: open questions are marked in a browser, and the marks arrive everywhere."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from nbformat.v4 import new_output

from autograder.instructor.build import run_nbgrader
from autograder.instructor.demo import answer
from autograder.instructor.export import ExportOptions, Format, export_marks
from autograder.instructor.report import writer as reporting
from tests.conftest import LAB1, ROOT
from tests.instructor.browser import DESKTOP, open_browser
from tests.instructor.conftest import Classroom, MakeClassroom, picture, showing, with_code
from tests.instructor.jupyter import Server, formgrader_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Route

pytestmark = pytest.mark.slow

QUESTIONS = {"question_models": 8, "question_minimax": 6.5, "question_gif": 0, "question_quality": 7.5}
COMMENT = "Bien **visto**: $p_G = p_{data}$"
SCRIPT = "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 2'>"
HOSTILE_NAME = "<img src=x onerror=window.pwned=3>"
HOSTILE_ANSWER = f"Es $P(x)$. {SCRIPT}\n\n$$\\min_G \\max_D V$$\n\n$\\href{{javascript:window.pwned=4}}{{x}}$"
HOSTILE_CODE = f"""from IPython.display import HTML, Javascript, display
display(HTML({SCRIPT!r}))
display(Javascript("window.pwned = 5"))
print({SCRIPT!r})"""


@dataclass
class Desk:
    """An instructor's browser at formgrader: what is not on this machine cannot be reached."""

    server: Server
    context: BrowserContext
    room: Classroom
    wanted: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.route("**/*", self._let_through)

    def _let_through(self, route: Route) -> None:
        if route.request.url.startswith((self.server.address, "data:")):
            route.continue_()
        else:
            self.wanted.append(route.request.url)
            route.abort()

    def open(self, path: str) -> Page:
        """Open a page of formgrader, and wait until its table is filled."""
        page = self.context.new_page()
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(f"{self.server.address}/formgrader/{path}?token={self.server.token}", wait_until="load")
        page.wait_for_load_state("networkidle")
        return page

    def submission(self, student: str) -> Page:
        """Open the page on which a student's notebook is marked, as a person finds it."""
        page = self.open(f"gradebook/{LAB1}/{LAB1}")
        row = page.locator("tbody tr").filter(
            has=page.locator("a.name-shown").get_by_text(student, exact=True)
        )
        row.locator("a.name-hidden").click()
        page.wait_for_load_state("networkidle")
        return page

    def exported(self, student: str) -> dict[str, str]:
        """Return a student's row of `course export`."""
        options = ExportOptions(Format.CSV, lab=LAB1, folder=self.room.folder)
        with export_marks(self.room.course, options).path.open(encoding="utf-8-sig", newline="") as file:
            return next(row for row in csv.DictReader(file) if row["student"] == student)

    def reported(self) -> dict[str, Any]:
        """Return what `course report` says."""
        reporting.report_lab(self.room.course, LAB1, self.room.folder)
        return dict(json.loads((self.room.folder / "report" / f"{LAB1}.json").read_text()))

    def waiting(self) -> set[str]:
        """Return who waits for marks by hand, as the report says."""
        return {row["student"] for row in self.reported()["students"] if "by_hand" in row["review_reasons"]}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def desk(
    browser: Browser, make_classroom: MakeClassroom, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    """A class in a folder of its own, graded by `course grade`, with what students wrote to do harm."""
    room = make_classroom(tmp_path_factory.mktemp("class"))
    drawn = showing(room.notebook(), ["film", "curves"], picture("what alice saw"))
    room.hand_in("alice", room.identified(drawn, "alice"))
    hostile = answer(room.notebook(), {"question_models": HOSTILE_ANSWER})
    outputs = [new_output("display_data", data={"text/html": SCRIPT, "application/javascript": "pwned = 5"})]
    hostile = showing(hostile, ["film"], *outputs, new_output("stream", text=SCRIPT))
    room.hand_in("mallory", with_code(room.identified(hostile, "mallory"), "generator", HOSTILE_CODE))
    room.hand_in(HOSTILE_NAME, room.identified(room.notebook("identity"), "someone"))
    room.grade()
    config = ROOT / "nbgrader_config.py"
    (room.folder / "nbgrader_config.py").write_text(f"load_subconfig({str(config)!r})\n")
    with (
        formgrader_server(room.folder, tmp_path_factory.mktemp("jupyter")) as server,
        closing(browser.new_context(viewport={"width": DESKTOP, "height": 900})) as context,
    ):
        yield Desk(server, context, room)


@dataclass
class Marked:
    """What was so before a person marked alice's questions, and after."""

    waiting_before: set[str]
    total_before: str
    desk: Desk


@pytest.fixture(scope="module")
def marked(desk: Desk) -> Marked:
    """All questions of alice marked in formgrader, by mouse and keyboard, with a comment on the first."""
    before = Marked(desk.waiting(), desk.exported("alice")[f"{LAB1} total"], desk)
    page = desk.submission("alice")
    for question, score in QUESTIONS.items():
        field = page.locator(f"#{question}")
        field.fill(f"{score:g}")
        with page.expect_response("**/formgrader/api/grade/*") as saved:
            field.press("Escape")
        assert saved.value.ok
    comment = page.locator("#question_models-comment")
    comment.fill(COMMENT)
    with page.expect_response("**/formgrader/api/comment/*") as saved:
        comment.press("Escape")
    assert saved.value.ok
    return before


# --- what formgrader shows --------------------------------------------------------------------------


def test_the_list_of_assignments_has_the_lab_and_its_submissions(desk: Desk) -> None:
    row = desk.open("manage_assignments").locator("tbody tr").filter(has_text=LAB1)
    assert row.locator(".num-submissions").inner_text() == "3"


def test_the_list_of_submissions_has_the_marks_of_course_grade(desk: Desk) -> None:
    page = desk.open(f"manage_submissions/{LAB1}")
    row = page.locator("tbody tr").filter(has_text="mallory")
    assert "70 / 100" in row.inner_text() and "needs manual grading" in row.inner_text()


def test_formulas_are_drawn_without_the_network(desk: Desk) -> None:
    page = desk.submission("mallory")
    cell = page.locator(".nbgrader_cell").filter(has=page.locator("#question_models"))
    assert cell.locator("math").count() == 3
    assert cell.locator("math[display='block']").bounding_box() is not None
    assert "$" not in cell.inner_text()


def test_questions_are_marked_beside_what_the_student_saw(desk: Desk) -> None:
    shown = desk.submission("alice")
    assert shown.locator(".output img").count() == 2
    assert "De quién son las salidas." in shown.locator("body").inner_text()
    assert "se entregó sin salidas" in desk.submission("mallory").locator("body").inner_text()


def test_every_picture_has_a_text_that_stands_for_it(desk: Desk) -> None:
    pictures = desk.submission("alice").locator(".output img")
    alternatives = pictures.evaluate_all("all => all.map(picture => picture.alt)")
    assert alternatives and not any("No description" in text for text in alternatives)


def test_the_keyboard_leads_from_field_to_field_and_to_the_next_submission(desk: Desk) -> None:
    page = desk.submission("alice")
    page.locator("#question_models").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "question_models_extra_credit"
    first = page.url
    with page.expect_navigation():
        page.keyboard.press("Control+,")
    assert page.url != first


# --- where marks arrive -----------------------------------------------------------------------------


def test_before_that_everybody_waits_and_no_total_is_given(marked: Marked) -> None:
    assert {"alice", "mallory"} <= marked.waiting_before and marked.total_before == ""


def test_a_mark_given_in_formgrader_is_in_the_export(marked: Marked) -> None:
    row = marked.desk.exported("alice")
    assert (row[f"{LAB1} by hand"], row[f"{LAB1} total"]) == ("22", "92")
    assert row[f"{LAB1} state"] == "complete"


def test_the_others_are_still_blank_in_the_export(marked: Marked) -> None:
    assert marked.desk.exported("mallory")[f"{LAB1} total"] == ""


def test_fewer_wait_in_the_report(marked: Marked) -> None:
    assert marked.waiting_before - marked.desk.waiting() == {"alice"}


def test_the_report_has_the_marks_question_by_question(marked: Marked) -> None:
    (row,) = (row for row in marked.desk.reported()["students"] if row["student"] == "alice")
    assert {name: row["marks"][name] for name in QUESTIONS} == QUESTIONS


def test_mark_and_comment_are_in_the_feedback(marked: Marked, browser: Browser) -> None:
    room = marked.desk.room
    run_nbgrader(room.course, "generate_feedback", LAB1, "--student=alice", course_folder=room.folder)
    page = browser.new_page()
    page.goto((room.folder / "feedback" / "alice" / LAB1 / f"{LAB1}.html").as_uri())
    question = page.locator("#part-question_models")
    assert "8 / 8" in question.inner_text() and "Bien visto" in question.inner_text()
    assert question.locator("strong", has_text="visto").count() == 1
    page.close()


def test_formgrader_shows_the_mark_when_it_is_opened_again(marked: Marked) -> None:
    page = marked.desk.submission("alice")
    assert page.locator("#question_minimax").input_value() == "6.5"
    assert page.locator("#question_models-comment").input_value() == COMMENT


# --- what must not happen ---------------------------------------------------------------------------


@pytest.mark.parametrize("student", ["mallory", HOSTILE_NAME])
def test_nothing_that_a_student_wrote_runs_where_it_is_marked(desk: Desk, student: str) -> None:
    page = desk.submission(student)
    page.locator(".name-hidden .glyphicon, span.name-hidden").first.click()
    assert page.evaluate("window.pwned") is None


@pytest.mark.parametrize(
    "path", [f"manage_submissions/{LAB1}", f"gradebook/{LAB1}/{LAB1}", "manage_students"]
)
def test_nothing_that_a_student_wrote_runs_in_a_list(desk: Desk, path: str) -> None:
    assert desk.open(path).evaluate("window.pwned") is None


def test_no_page_asked_for_anything_beyond_this_machine(desk: Desk, marked: Marked) -> None:
    desk.open("manage_assignments")
    desk.submission("alice")
    assert desk.wanted == []


def test_no_script_of_formgraders_failed(desk: Desk, marked: Marked) -> None:
    desk.submission("alice")
    assert desk.complaints == []
