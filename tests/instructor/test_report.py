"""`course report`: one page on a class that was really graded, and the same as CSV and JSON."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from nbgrader.api import Gradebook

from autograder.instructor.grade.grader import Grading
from autograder.instructor.grade.records import Records
from autograder.instructor.grade.work import CheckRecord, Outcome
from autograder.instructor.gradebook import Mark
from autograder.instructor.report import writer as reporting
from autograder.instructor.report.data import ClassReport, StudentReport, blocks_of, check_stats, hint_stats
from autograder.instructor.report.data_files import write_data, write_table
from autograder.instructor.report.figures import histogram
from autograder.instructor.report.page import write_page
from autograder.instructor.report.review_reasons import REASON_BY_KEY, command_for, review_reasons_of, urgent
from autograder.instructor.settings import Course, CourseError
from tests.conftest import LAB1, ROOT
from tests.instructor.browser import DESKTOP, PHONE, Visit, open_browser
from tests.instructor.conftest import Classroom, MakeClassroom, with_code

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOSTILE = "<img src=x onerror=alert(1)>&'\""
QUESTIONS = ("question_models", "question_minimax", "question_gif", "question_quality")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@dataclass
class Reported:
    """A class that was graded, and the report on it."""

    room: Classroom
    grading: Grading
    folder: Path

    @property
    def page(self) -> Path:
        return self.folder / f"{LAB1}.html"

    @property
    def data(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / f"{LAB1}.json").read_text()))

    def student(self, name: str) -> dict[str, Any]:
        return next(row for row in self.data["students"] if row["student"] == name)


@pytest.fixture(scope="module")
def reported(make_classroom: MakeClassroom, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reported]:
    """A class with a pair, mistakes, a late, a damaged and a dying notebook, really graded."""
    room = make_classroom(tmp_path_factory.mktemp("class"))
    complete = room.notebook()
    room.enrol("bobby")
    room.hand_in("alice", room.identified(complete, "alice", "bobby"))
    room.hand_in("careless", room.identified(room.notebook(mistakes=("d_step_no_zero_grad",)), "careless"))
    room.hand_in("forgetful", room.identified(room.notebook(mistakes=("d_step_no_zero_grad",)), "forgetful"))
    room.hand_in("half-done", room.identified(room.notebook("identity", "train_data"), "half-done"))
    room.hand_in("damaged", b'{"cells": [')
    dies = with_code(room.identified(complete, "dying"), "discriminator_step", "import os; os._exit(1)")
    room.hand_in("dying", dies)
    room.hand_in("tardy", room.identified(complete, "tardy"))
    room.hand_in("tardy", b"2026-11-20 10:00:00 UTC", "timestamp.txt")
    room.hand_in(HOSTILE.replace("/", ""), room.identified(complete, "someone"), "Copy <b>of</b> lab.ipynb")
    grading = room.grade()
    with Gradebook(f"sqlite:///{room.folder / 'gradebook.db'}") as gradebook:
        gradebook.find_assignment(LAB1).duedate = datetime(2026, 11, 19, 10)
        gradebook.add_student("absent")
        for question in QUESTIONS:
            grade = gradebook.find_grade(question, LAB1, LAB1, "tardy")
            grade.manual_score, grade.needs_manual_grade = 5, False
        gradebook.db.commit()
    page = room.folder / "feedback" / "alice" / LAB1 / f"{LAB1}.html"
    page.parent.mkdir(parents=True)
    page.write_text("<!doctype html><title>alice's feedback</title>")
    reporting.report_lab(room.course, LAB1, room.folder)
    yield Reported(room, grading, room.folder / "report")


# --- what it says ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_every_student_has_a_row_also_both_of_a_pair(reported: Reported) -> None:
    students = {row["student"] for row in reported.data["students"]}
    assert students >= {"alice", "bobby", "careless", "damaged", "dying", "tardy", HOSTILE}
    assert reported.student("alice")["partners"] == ["bobby"]
    assert reported.student("bobby")["automatic"] == 70


@pytest.mark.slow
def test_a_mark_that_nobody_gave_is_blank_and_not_0(reported: Reported) -> None:
    with (reported.folder / f"{LAB1}.csv").open(newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert rows["alice"]["automatic"] == "70" and rows["alice"]["by_hand"] == rows["alice"]["total"] == ""
    assert rows["tardy"]["by_hand"] == "20" and rows["tardy"]["total"] == "90"
    assert {rows["damaged"][name] for name in ("automatic", "by_hand", "train_check", *QUESTIONS)} == {""}
    assert rows["dying"]["generator_check"] == "8" and rows["dying"]["train_check"] == ""
    assert (rows["half-done"]["train_data.angles"], rows["half-done"]["generator.output"]) == ("1", "0")


@pytest.mark.slow
def test_checks_say_how_many_passed_and_why_others_did_not(reported: Reported) -> None:
    checks = {check["name"]: check for check in reported.data["checks"]}
    keys = ("passed", "wrong", "unwritten", "unrun")
    assert [checks["discriminator_step.zero_grad"][key] for key in keys] == [3, 2, 1, 0]
    assert [checks["train_data.angles"][key] for key in keys] == [7, 0, 0, 0]
    assert next(iter(checks)) == "train_data.angles" and checks["train_set.pairs"]["block"] == "train_data"


@pytest.mark.slow
def test_hints_are_sentences_with_how_many_got_them(reported: Reported) -> None:
    (hint,) = reported.data["hints"]
    assert (hint["count"], hint["of"]) == (2, 7) and hint["checks"] == ["discriminator_step.zero_grad"]
    assert "29 % (2 of 7):</strong> Old gradients are added" in reported.page.read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("student", "reasons"),
    [
        ("damaged", ["unusable"]),
        ("dying", ["incomplete", "by_hand"]),
        ("tardy", ["late"]),
        (HOSTILE, ["identity", "repaired", "by_hand"]),
        ("alice", ["by_hand"]),
        ("half-done", []),
    ],
)
def test_who_is_to_be_reviewed_is_said_with_the_reason(
    reported: Reported, student: str, reasons: list[str]
) -> None:
    assert reported.student(student)["review_reasons"] == reasons


@pytest.mark.slow
def test_late_is_measured_from_the_due_date(reported: Reported) -> None:
    assert reported.student("tardy")["late_s"] == 24 * 3600
    assert "24 h 00 min late" in reported.page.read_text()


@pytest.mark.slow
def test_what_grading_took_is_said(reported: Reported) -> None:
    times = reported.data["times"]
    assert times["submissions"] == 7 and times["runs"] == 1
    assert times["cpu_s"] > 0 and times["wall_s"] == pytest.approx(reported.grading.wall_s, abs=0.1)
    assert reported.student("alice")["seconds"] > 0


@pytest.mark.slow
def test_who_has_not_handed_in_is_listed(reported: Reported) -> None:
    assert reported.data["not_handed_in"] == ["absent"]


@pytest.mark.slow
def test_links_lead_to_feedback_pages_where_there_are_some(reported: Reported) -> None:
    assert reported.student("alice")["feedback"] == f"../feedback/alice/{LAB1}/{LAB1}.html"
    assert reported.student("careless")["feedback"] is None


# --- how it looks ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_the_page_needs_no_network_fits_the_window_and_is_accessible(
    reported: Reported, width: int, browser: Browser
) -> None:
    visit = Visit(browser, reported.page, width)
    visit.open_all()
    assert visit.too_wide == 0
    assert visit.violations() == []
    assert visit.requests == [] and visit.complaints == []


@pytest.mark.slow
def test_a_telephone_shows_shares_and_automatic_marks_without_scrolling(
    reported: Reported, browser: Browser
) -> None:
    page = Visit(browser, reported.page, PHONE).page
    row = page.locator("#students-table tbody tr", has_text="tardy")
    share = page.get_by_role("row", name="discriminator.output").get_by_text("%")
    for shown in (row.locator("td.n").first, share):
        box = shown.bounding_box()
        assert box is not None and box["x"] + box["width"] <= PHONE


@pytest.mark.slow
def test_ids_and_texts_of_students_are_text(reported: Reported, browser: Browser) -> None:
    visit = Visit(browser, reported.page)
    assert HOSTILE in visit.page.locator("#students-table").inner_text()
    assert visit.page.locator("img[src='x'], #students-table b").count() == 0
    assert visit.complaints == []


@pytest.mark.slow
def test_a_table_is_sorted_and_searched_in_the_page(reported: Reported, browser: Browser) -> None:
    page = Visit(browser, reported.page).page
    table = page.locator("#students-table")
    table.get_by_role("button", name="automatic").click()
    marks = table.locator("tbody tr td:nth-child(4)").all_inner_texts()
    assert marks == ["10", "67", "67", "70", "70", "70", "70", "–", "–"]
    page.get_by_label("Find").fill("tardy")
    assert table.locator("tbody tr:visible").count() == 1
    assert page.locator("output").inner_text() == "1 of 9"


@pytest.mark.slow
def test_a_link_of_the_page_opens_the_feedback(reported: Reported, browser: Browser) -> None:
    page = Visit(browser, reported.page).page
    page.locator("#students-table").get_by_role("link", name="alice").click()
    assert page.title() == "alice's feedback"


@pytest.mark.slow
def test_on_paper_nothing_is_cut(reported: Reported, browser: Browser) -> None:
    upright, across = 703, 1033  # A4 less its margins, in CSS pixels
    visit = Visit(browser, reported.page, width=upright)
    visit.page.emulate_media(media="print")
    wide = visit.page.locator(".students").evaluate("part => { part.remove(); return part.outerHTML }")
    assert visit.too_wide == 0
    visit.page.set_viewport_size({"width": across, "height": upright})
    visit.page.locator("main").evaluate("(main, part) => { main.innerHTML = part }", wide)
    assert visit.page.locator("#students-table").is_visible() and visit.too_wide == 0


@pytest.mark.slow
def test_what_is_folded_is_printed_and_header_rows_are_repeated(reported: Reported, browser: Browser) -> None:
    page = Visit(browser, reported.page).page
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    heads = page.locator("thead").evaluate_all("all => all.map(e => getComputedStyle(e).display)")
    assert set(heads) == {"table-header-group"}
    assert page.pdf().startswith(b"%PDF")


# --- errors and other cases ------------------------------------------------------------------------


@pytest.mark.slow
def test_without_a_lab_all_labs_and_an_index_are_written(
    reported: Reported, tmp_path: Path, browser: Browser
) -> None:
    result = course("report", "--folder", str(reported.room.folder), "--output", str(tmp_path / "out"))
    assert result.returncode == 0, result.stderr
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["index.html", f"{LAB1}.csv", f"{LAB1}.html", f"{LAB1}.json"]
    visit = Visit(browser, tmp_path / "out" / "index.html", PHONE)
    assert visit.too_wide == 0 and visit.violations() == [] and visit.complaints == []
    visit.page.get_by_role("link", name="Sine GAN").click()
    assert visit.page.title() == "Sine GAN: report"


@pytest.mark.slow
def test_what_changed_or_came_since_the_grading_is_said(reported: Reported, tmp_path: Path) -> None:
    room = reported.room
    new = room.hand_in("newcomer", room.notebook())
    again = room.hand_in("careless", b"x", "notes.txt")
    try:
        reporting.report_lab(room.course, LAB1, room.folder, tmp_path)
    finally:
        again.unlink()
        new.unlink()
        new.parent.rmdir()
        new.parent.parent.rmdir()
    rows = {row["student"]: row for row in json.loads((tmp_path / f"{LAB1}.json").read_text())["students"]}
    assert rows["newcomer"]["review_reasons"] == ["ungraded"] and rows["newcomer"]["automatic"] is None
    assert "changed" in rows["careless"]["review_reasons"]


@pytest.mark.slow
def test_records_of_earlier_versions_can_be_read(reported: Reported) -> None:
    records = Records(reported.room.folder, LAB1)
    path = records.folder / "submissions" / "careless.json"
    before = path.read_text()
    data = json.loads(before)
    for check in data["outcome"]["checks"]:
        del check["error"]
    try:
        path.write_text(json.dumps(data))
        record = records.read("careless")
    finally:
        path.write_text(before)
    assert record is not None and {check.error for check in record.outcome.checks} == {None}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("report", "lab0"), "There is no lab 'lab0'"),
        (("report", "--folder", "nowhere/at/all"), "There is no folder nowhere/at/all"),
        (("grade", LAB1, "--folder", "nowhere/at/all"), "There is no folder nowhere/at/all"),
        (("export", "--folder", "nowhere/at/all"), "There is no folder nowhere/at/all"),
        (("similarity", LAB1, "--folder", "nowhere/at/all"), "There is no folder nowhere/at/all"),
        (("report", LAB1, "--folder", "docs"), "There is no gradebook at"),
    ],
)
def test_what_is_wrong_is_said_without_a_traceback(arguments: tuple[str, ...], message: str) -> None:
    result = course(*arguments)
    assert result.returncode == 1
    assert message in result.stderr and "Traceback" not in result.stderr


@pytest.mark.slow
def test_a_lab_that_nobody_handed_in_is_named(reported: Reported) -> None:
    with pytest.raises(CourseError, match="Nobody has handed in lab2_mnist_gan: submissions are expected in"):
        reporting.report_lab(reported.room.course, "lab2_mnist_gan", reported.room.folder)


def course(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "autograder.instructor.cli", *arguments],
        cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False,
    )  # fmt: skip


# --- parts -----------------------------------------------------------------------------------------


def row(student: str = "s1", *, marks: dict[str, float | None], **more: Any) -> StudentReport:
    """Return a student with a check cell worth 7 and a question worth 3."""
    mark = Mark(student, "lab", given=marks, points={"steps_check": 7.0, "question": 3.0}, begun=True)
    mark.manual = ("question",)
    mark.waits = tuple(cell for cell, given in marks.items() if given is None)
    return StudentReport(student, "graded", mark, **more)


def a_report(rows: list[StudentReport]) -> ClassReport:
    marks = [found.mark for found in rows if found.mark]
    return ClassReport("lab", "Lab", datetime.now(UTC), rows, blocks=blocks_of(marks, ["steps", "question"]))


def test_a_total_waits_for_all_marks_and_counts_the_deduction() -> None:
    waiting = row(marks={"steps_check": 7.0, "question": None})
    assert (waiting.automatic, waiting.by_hand, waiting.total) == (7.0, None, None)
    done = row(marks={"steps_check": 7.0, "question": 3.0})
    assert done.mark is not None
    assert replace(done, mark=replace(done.mark, late_penalty=2.0)).total == 8.0


def test_what_course_grade_never_saw_is_no_hint_and_no_check() -> None:
    assert check_stats([], {}) == [] and hint_stats([]) == []


def test_a_hint_that_a_submission_got_twice_counts_once() -> None:
    checks = [CheckRecord(name, 1.0, False, "Detach it.") for name in ("a.x", "a.y")]
    outcomes = [Outcome("s1", "graded", "", {}, checks=checks),
                Outcome("s2", "graded", "", {}, checks=[CheckRecord("a.x", 1.0, True)])]  # fmt: skip
    (hint,) = hint_stats(outcomes)
    assert (hint.count, hint.of, hint.checks) == (1, 2, ("a.x", "a.y"))


def test_a_submission_that_the_gradebook_did_not_take_is_listed() -> None:
    outcome = Outcome("s1", "graded", "", {})
    found = row(marks={"steps_check": 7.0, "question": 3.0}, outcome=outcome)
    assert review_reasons_of(found, changed=False, stored=False) == ("unstored",)


def test_a_notebook_that_nobody_signed_is_listed_and_not_urgent() -> None:
    outcome = Outcome("s1", "graded", "", {}, note_keys=["nobody"])
    found = review_reasons_of(
        row(marks={"steps_check": 7.0, "question": 3.0}, outcome=outcome), changed=False, stored=True
    )
    assert found == ("unsigned",) and not urgent(found)


def test_a_command_names_a_student_whatever_the_id() -> None:
    command = command_for(REASON_BY_KEY["unusable"], "lab", "a[b] $(c)", Path("my folder"))
    assert command == "course grade lab --students 'a[[]b] $(c)' --folder 'my folder'"


@pytest.mark.parametrize("student", ["=1+1", "+1", "-1", "@x"])
def test_no_id_is_a_formula_in_a_spreadsheet(tmp_path: Path, student: str) -> None:
    path = write_table(
        a_report([row(student, marks={"steps_check": 1.0, "question": None})]), tmp_path / "x.csv"
    )
    with path.open(newline="") as file:
        assert next(csv.DictReader(file))["student"] == f"'{student}"


def test_a_histogram_says_in_words_what_it_shows() -> None:
    picture = histogram([0, 4.9, 5, 70], 70, "Marks", "marks", "students")
    assert picture is not None and picture.address.startswith("data:image/svg+xml;base64,")
    assert picture.alt == "Histogram. Marks, students by marks: 0 to 5: 2; 5 to 10: 1; 65 to 70: 1."
    assert histogram([], 70, "Marks", "marks", "students") is None


@pytest.mark.parametrize("full", [0.0, 0.5, 1.0, 7.0, 123456.0])
def test_a_histogram_is_drawn_whatever_the_full_marks(full: float) -> None:
    assert histogram([0.0, full], full, "Marks", "marks", "students") is not None


def test_a_thousand_students_are_folded_and_those_who_need_a_look_come_first(
    tmp_path: Path, browser: Browser
) -> None:
    rows = [row(f"s{n:04d}", marks={"steps_check": float(n % 8), "question": 3.0}) for n in range(999)]
    lost = row("lost", marks={"steps_check": None, "question": 3.0}, review_reasons=("unmarked",))
    path = write_page(a_report([*rows, lost]), tmp_path / "report.html")
    visit = Visit(browser, path, PHONE)
    assert visit.page.get_by_text("lost", exact=True).first.is_visible()
    assert not visit.page.locator("#students-table").is_visible()
    assert visit.too_wide == 0
    visit.page.get_by_text("All 1000 students").click()
    assert visit.page.locator("#students-table tbody tr:visible").count() == 1000


def test_json_holds_what_the_page_shows(tmp_path: Path) -> None:
    report = a_report([row(marks={"steps_check": 7.0, "question": None})])
    data = json.loads(write_data(report, tmp_path / "x.json").read_text())
    assert data["students"][0]["marks"] == {"steps_check": 7.0, "question": None}
    assert (data["max_automatic"], data["max_by_hand"], data["times"]) == (7.0, 3.0, None)


def test_a_class_that_nbgrader_graded_has_a_page_that_says_what_is_missing(
    course: Course, tmp_path: Path
) -> None:
    page = write_page(a_report([row(marks={"steps_check": 7.0, "question": 3.0})]), tmp_path / "x.html")
    assert "This class was graded with <code>nbgrader autograde</code>" in page.read_text()
