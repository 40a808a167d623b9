"""Due dates by the course's clock, what lateness costs, who has more time."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook
from traitlets.config import Config
from typer.testing import CliRunner

from autograder.instructor.cli import app
from autograder.instructor.export.writer import ExportOptions, export_marks
from autograder.instructor.extend import Extended, ExtendOptions, extend
from autograder.instructor.grade.late import LateRule
from autograder.instructor.grade.late_days import AssignCourseLatePenalties, PenaltyPerDay
from autograder.instructor.grade.store import Folders
from autograder.instructor.intake import Templates
from autograder.instructor.options import Format
from autograder.instructor.report.collect import Collector
from autograder.instructor.report.writer import report_lab
from autograder.instructor.settings import Course, CourseError, load_course
from tests.conftest import LAB1
from tests.instructor.test_store import Desk

COURSE = '[course]\nlanguage = "es"\nlanguages = ["es"]\ntimezone = "America/Mexico_City"\n'
LAB = "[labs.one]\nseed = 1\n"
DAY_S = 86400
# As course.toml would say it: due on 20 November at 12:00 UTC, 10 % a day, at most 25 %, an hour of grace.
RULE = f"""c = get_config()
c.DueDates.due = {{"{LAB1}": "2026-11-20T12:00:00"}}
c.AssignLatePenalties.plugin_class = "autograder.instructor.grade.late_days.PenaltyPerDay"
c.PenaltyPerDay.per_day = 10
c.PenaltyPerDay.cap = 25
c.PenaltyPerDay.grace_min = 60
"""
FULL = 70.0


# --- course.toml ------------------------------------------------------------------------------------


def course_of(folder: Path, text: str) -> Course:
    (folder / "course.toml").write_text(text, encoding="utf-8")
    return load_course(folder)


@pytest.mark.parametrize(
    ("said", "utc"),
    [
        ("2026-11-20T23:59:00", datetime(2026, 11, 21, 5, 59)),  # by the course's clock
        ("2026-11-20T23:59:00-05:00", datetime(2026, 11, 21, 4, 59)),
        ("2026-11-20T23:59:00Z", datetime(2026, 11, 20, 23, 59)),
        ("2026-11-20", datetime(2026, 11, 21, 5, 59, 59)),  # the end of the day
    ],
)
def test_a_lab_is_due_by_the_courses_clock(tmp_path: Path, said: str, utc: datetime) -> None:
    assert course_of(tmp_path, f"{COURSE}{LAB}due = {said}\n").due("one") == utc
    assert course_of(tmp_path, COURSE + LAB).due("one") is None


def test_model_answers_are_out_from_the_beginning_of_their_day(tmp_path: Path) -> None:
    course = course_of(tmp_path, f"{COURSE}{LAB}model_answers = 2026-12-01\n")
    assert course.model_answers("one") == datetime(2026, 12, 1, 6)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (COURSE.replace("Mexico_City", "Mexico") + LAB, "line 4.*no time zone.*Did you mean"),
        (f"{COURSE}{LAB}[late]\nper_day = 110\n", r"line 8, \[late\]: per_day must be a percentage"),
        (f"{COURSE}{LAB}[late]\nperday = 10\n", "no key 'perday'. Did you mean per_day"),
        (f"{COURSE}{LAB}[late]\nper_day = 10\nof = 'all'\n", '"given" or "full"'),
        (f"{COURSE}late = 10\n{LAB}", "late"),
    ],
)
def test_what_course_toml_may_not_say_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CourseError, match=said):
        course_of(tmp_path, text)


def test_a_due_date_in_quotation_marks_is_refused_where_the_lab_is_used(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"line 7, \[labs.one\]: '2026-11-20' is not a time.*quotation"):
        course_of(tmp_path, f'{COURSE}{LAB}due = "2026-11-20"\n').due("one")


def test_nbgraders_configuration_gets_what_course_toml_says(tmp_path: Path) -> None:
    labs = f"{LAB}due = 2026-11-20T23:59:00\n[labs.two]\ndue = 1\n"
    text = f"{COURSE}{labs}[late]\nper_day = 10\ncap = 50\ngrace_min = 15\n"
    course_of(tmp_path, text)
    (tmp_path / "nbgrader_config.py").write_text(
        "from autograder.instructor.configuration import configure\nconfigure(get_config(), __file__)\n"
    )
    rule = LateRule(Folders(tmp_path).config, tmp_path)
    assert rule.terms.due("one") == datetime(2026, 11, 21, 5, 59)
    assert rule.terms.due("two") is None, "a lab that is half made disturbs no other"
    assert rule.described() == (
        "Lateness costs 10 % of the marks given for each day begun, at most 50 %. "
        "The first 15 minutes cost nothing."
    )


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("", "Lateness costs nothing."),
        ('c.LateSubmissionPlugin.penalty_method = "zero"', "Lateness costs all marks."),
        (RULE.split("\n", 1)[1], "Lateness costs 10 % of the marks given for each day begun, at most 25 %."),
    ],
)
def test_every_rule_can_be_told(extra: str, said: str) -> None:
    c = Config()
    exec(extra, {"c": c})
    assert LateRule(c, Path()).described().startswith(said)


# --- what lateness costs ----------------------------------------------------------------------------


def rule_of(**settings: Any) -> LateRule:
    c = Config()
    c.AssignLatePenalties.plugin_class = PenaltyPerDay
    for name, value in settings.items():
        setattr(c.PenaltyPerDay, name, value)
    return LateRule(c, Path())


@pytest.mark.parametrize(
    ("late_s", "penalty"),
    [
        (0, None), (900, None), (901, 8), (DAY_S, 8), (DAY_S + 1, 16), (4.5 * DAY_S, 40), (400 * DAY_S, 40),
    ],
)  # fmt: skip
def test_each_day_begun_costs_its_share_up_to_the_cap(late_s: float, penalty: float | None) -> None:
    rule = rule_of(per_day=10, cap=50, grace_min=15)
    assert rule.penalty("s", 80, late_s, 100) == (None if penalty is None else pytest.approx(penalty))


def test_the_share_may_be_of_the_full_marks_and_never_takes_more_than_there_is() -> None:
    rule = rule_of(per_day=10, of="full")
    assert rule.penalty("s", 80, 60, 100) == pytest.approx(10)
    assert rule.penalty("s", 4, 60, 100) == pytest.approx(4)


def test_stock_nbgrader_applies_the_rule_to_full_marks_too(desk: Desk) -> None:
    config = Folders(desk.course.root, folder=desk.folder).config
    config.PenaltyPerDay.of = "full"
    names = {
        "notebook": LAB1, "assignment": LAB1, "student": "10003",
        "db_url": f"sqlite:///{desk.folder / 'gradebook.db'}",
    }  # fmt: skip
    with Gradebook(names["db_url"]) as gradebook:
        gradebook.find_assignment(LAB1).duedate = datetime(2026, 11, 20, 12)
        full = gradebook.find_notebook(LAB1, LAB1).max_score
        gradebook.db.commit()
    AssignCourseLatePenalties(config=config).preprocess(desk.notebook, {"nbgrader": names})
    assert desk.stored("10003")[1] == pytest.approx(0.2 * full)


# --- a class ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def graded(course: Course, tmp_path_factory: pytest.TempPathFactory, templates: Templates) -> Desk:
    """One punctual, one within the grace, one two days late."""
    desk = Desk(replace(course, timezone="America/Mexico_City"), tmp_path_factory.mktemp("late"), templates)
    (desk.folder / "nbgrader_config.py").write_text(RULE)
    desk.enter(due=None)
    for student, stamp in {
        "10001": "2026-11-20 11:00", "10002": "2026-11-20 12:59", "10003": "2026-11-22 11:00",
    }.items():  # fmt: skip
        desk.hand_in(student, stamp)
        desk.save(student)
    return desk


def enrol_another(desk: Desk) -> None:
    """Let there be a student who has not handed in."""
    with Gradebook(f"sqlite:///{desk.folder / 'gradebook.db'}") as gradebook:
        gradebook.add_student("10004", first_name="Juan", last_name="Vega", email="juan@uni.example")


@pytest.fixture
def desk(graded: Desk, tmp_path: Path, templates: Templates) -> Desk:
    shutil.copytree(graded.folder, tmp_path / "class")
    return Desk(graded.course, tmp_path / "class", templates)


def extended(desk: Desk, *students: str, **options: Any) -> Extended:
    return extend(desk.course, LAB1, ExtendOptions(students, folder=desk.folder, **options))


def test_marks_are_stored_with_what_lateness_costs(desk: Desk) -> None:
    assert [desk.stored(s)[1] for s in ("10001", "10002", "10003")] == [0, 0, 0.2 * FULL]
    desk.settle()
    with Gradebook(f"sqlite:///{desk.folder / 'gradebook.db'}") as gradebook:
        assert gradebook.find_assignment(LAB1).duedate == datetime(2026, 11, 20, 12), "formgrader shows it"


def test_another_due_date_counts_at_once_in_report_and_export(desk: Desk) -> None:
    later = RULE.replace("2026-11-20T12", "2026-11-22T12")
    (desk.folder / "nbgrader_config.py").write_text(later)
    assert desk.totals()["10003"] == FULL
    assert desk.settle() == ["10003"]
    assert desk.stored("10003")[1] == 0


@pytest.mark.parametrize(
    ("options", "penalty"),
    [({"days": 2}, 0), ({"days": 1, "hours": 12}, 0.1 * FULL), ({"until": "2026-11-22 06:00"}, 0)],
)
def test_an_extension_takes_lateness_away_at_once(desk: Desk, options: Any, penalty: float) -> None:
    """06:00 in Mexico City is 12:00 UTC."""
    found = extended(desk, "10003", reason="ill", **options)
    assert found.penalties == ["10003"]
    assert found.extensions["10003"].reason == "ill"
    assert desk.stored("10003")[1] == pytest.approx(penalty)
    assert desk.totals()["10003"] == pytest.approx(FULL - penalty)


def test_an_extension_counts_for_who_hands_in_afterwards(desk: Desk) -> None:
    enrol_another(desk)
    extended(desk, "JUAN@uni.example", days=3)
    desk.hand_in("10004", "2026-11-23 11:00")
    desk.save("10004")
    assert desk.stored("10004")[1] == 0
    desk.settle()
    assert desk.stored("10004")[1] == 0


def test_an_extension_can_be_taken_away_also_one_of_the_gradebooks(desk: Desk) -> None:
    with Gradebook(f"sqlite:///{desk.folder / 'gradebook.db'}") as gradebook:
        gradebook.grant_extension(LAB1, "10003", days=2)
    desk.settle()
    assert desk.stored("10003")[1] == 0, "one that another program gave counts"
    assert not extended(desk, "10003", remove=True).extensions
    assert desk.stored("10003")[1] == pytest.approx(0.2 * FULL)


def test_a_roster_can_say_who_has_more_time(desk: Desk) -> None:
    roster = desk.folder / "class.csv"
    roster.write_text(
        'id,name,extension days\n10001,Ana,\n10003,Eva,"1,5"\n77777,Nobody,3\n', encoding="utf-8"
    )
    found = extended(desk, roster=roster)
    assert {s: e.longer for s, e in found.extensions.items() if s == "10003"} == {
        "10003": timedelta(days=1.5)
    }
    assert desk.stored("10003")[1] == pytest.approx(0.1 * FULL)
    roster.write_text("id,extension days\n10003,two\n")
    with pytest.raises(CourseError, match="'two' as extension: write a number of days"):
        extended(desk, roster=roster)


@pytest.mark.parametrize(
    ("students", "options", "said"),
    [
        (("10003", "10009", "ana"), {"days": 1}, "Nobody of the class is 10009, ana"),
        (("10003",), {}, "Say how long"),
        (("10003",), {"days": 1, "until": "2026-11-25 10:00"}, "Say how long"),
        (("10003",), {"until": "05/11/2026 10:00"}, "mean one time only"),
        (("10003",), {"until": "2026-11-19 10:00"}, "must be longer than nothing"),
        (("10003",), {"days": -1}, "must be longer than nothing"),
        (("10003",), {"days": float("nan")}, "must be numbers"),
        (("10003",), {"days": 1e9}, "at most ten years"),
    ],
)
def test_what_cannot_be_meant_changes_nothing(desk: Desk, students: Any, options: Any, said: str) -> None:
    with pytest.raises(CourseError, match=said):
        extended(desk, *students, **options)
    assert not (desk.folder / "grading" / LAB1 / "extensions.json").exists()


def test_extensions_that_cannot_be_read_stop_everything_that_counts_lateness(desk: Desk) -> None:
    path = desk.folder / "grading" / LAB1 / "extensions.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    with pytest.raises(CourseError, match=r"extensions\.json.*backup"):
        desk.settle()


# --- where it is shown ------------------------------------------------------------------------------


def test_the_report_says_when_it_was_due_what_lateness_costs_and_who_has_more_time(desk: Desk) -> None:
    extended(desk, "10003", days=1)
    report_lab(desk.course, LAB1, desk.folder, desk.folder)
    page = (desk.folder / f"{LAB1}.html").read_text()
    assert "Due on Friday 20 November 2026, 06:00" in page
    assert "Lateness costs 10 % of the marks given for each day begun, at most 25 %." in page
    assert "Extension: 24 h 00 min." in page
    assert "course extend lab1_sine_gan 10003 --days 1" in page
    data = json.loads((desk.folder / f"{LAB1}.json").read_text())
    late = next(row for row in data["students"] if row["student"] == "10003")
    assert (late["handed_in"], late["due"]) == ("2026-11-22T11:00:00Z", "2026-11-21T12:00:00Z")
    assert (late["extension_s"], late["late_s"]) == (DAY_S, 23 * 3600)
    with closing(Collector(desk.course, desk.folder)) as collector:
        assert "late" in next(r for r in collector.collect(LAB1).rows if r.student == "10003").review_reasons


def test_the_export_for_spreadsheets_says_when_it_was_handed_in_and_how_late(desk: Desk) -> None:
    path = desk.folder / "marks.csv"
    export_marks(desk.course, ExportOptions(Format.CSV, lab=LAB1, folder=desk.folder, output=path))
    header, *lines = [line.split(",") for line in path.read_text(encoding="utf-8-sig").splitlines()]
    late = dict(zip(header, next(line for line in lines if line[0] == "10003"), strict=True))
    assert late[f"{LAB1} handed in"] == "2026-11-22 05:00", "by the course's clock"
    assert (late[f"{LAB1} late hours"], late[f"{LAB1} late penalty"]) == ("47", "14")


def test_the_command_gives_lists_and_takes_extensions(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")

    def typed(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["extend", LAB1, *arguments, "--folder", str(desk.folder)])
        assert result.exit_code == 0, result.output
        return result.output

    enrol_another(desk)
    assert "no extensions" in typed()
    said = typed("10003", "10004", "--days", "2", "--reason", "ill")
    assert "due 2026-11-20 12:00, UTC" in said
    assert "Juan Vega" in said and "2 days" in said and "2026-11-22 12:00" in said
    assert "something else is taken off for lateness: 10003" in said
    assert "10004" not in typed("10004", "--remove")


def test_a_date_alone_is_a_day(tmp_path: Path) -> None:
    course = course_of(tmp_path, f"{COURSE}{LAB}due = {date(2026, 11, 20)}\n")
    assert course.due("one") == datetime(2026, 11, 21, 5, 59, 59)
