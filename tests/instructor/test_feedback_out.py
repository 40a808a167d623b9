"""`course feedback`: pages with names, times, model answers; archives as platforms want them."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from autograder.instructor import clock
from autograder.instructor.cli import app
from autograder.instructor.collect.collecting import CollectOptions, Collector
from autograder.instructor.collect.ledger import read_ledger
from autograder.instructor.errors import CourseError
from autograder.instructor.feedback import circumstances
from autograder.instructor.feedback.archive import Packed, pack
from autograder.instructor.feedback.circumstances import figures_of
from autograder.instructor.feedback.model_answers import model_answers
from autograder.instructor.feedback.production import Feedback, FeedbackOptions, give_feedback
from autograder.instructor.intake import Templates
from autograder.instructor.options import Target
from autograder.instructor.settings import Course
from tests.conftest import LAB1, ROOT
from tests.instructor.browser import DESKTOP, PHONE, Visit, open_browser
from tests.instructor.test_store import Desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROSTER = """id,first_name,last_name
10001,Ana,García Hernández
10002,Luis,Paz
10003,Eva,Ríos
10004,Juan,Vega
"""
NAMES = {
    "10001": "Ana García Hernández", "10002": "Luis Paz", "10003": "Eva Ríos", "10004": "Juan Vega",
}  # fmt: skip
NOTEBOOK = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
WORKSHEET = """Identifier,Full name,Last modified (submission)
Participant 71,Ana García Hernández,-
Participant 74,Juan Vega,-
"""


@pytest.fixture(scope="module")
def graded(course: Course, tmp_path_factory: pytest.TempPathFactory, templates: Templates) -> Desk:
    """Four with full automatic marks; 10003 an hour late, 10001 and 10004 a pair, one notebook in English."""
    folder = tmp_path_factory.mktemp("graded")
    desk = Desk(replace(course, timezone="America/Mexico_City", roster="class.csv"), folder, templates)
    (folder / "class.csv").write_text(ROSTER, encoding="utf-8")
    desk.enter()
    desk.hand_in("10001", "2026-11-20 11:00 UTC")
    desk.save("10001", "10004")
    desk.notebook = templates.notebooks[LAB1, "en"]
    desk.hand_in("10002", None)
    desk.save("10002")
    desk.notebook = templates.notebooks[LAB1, "es"]
    desk.hand_in("10003", "2026-11-20 13:00 UTC")
    desk.save("10003")
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        gradebook.update_or_create_student("10002", first_name="Luisa", last_name="Paz")
    return desk


@pytest.fixture(scope="module")
def pages(graded: Desk) -> Feedback:
    """The pages of all, as they are unless something is asked for."""
    return feedback(graded)


@pytest.fixture
def desk(graded: Desk, pages: Feedback, tmp_path: Path, templates: Templates) -> Desk:
    """The same class, to change; its pages are there."""
    shutil.copytree(graded.folder, tmp_path / "class")
    return Desk(graded.course, tmp_path / "class", templates)


def feedback(desk: Desk, **options: object) -> Feedback:
    settings = {"folder": desk.folder, **options}
    return give_feedback(desk.course, LAB1, FeedbackOptions(**settings))  # type: ignore[arg-type]


def text(found: Feedback, student: str) -> str:
    return found.pages[student].read_text(encoding="utf-8")


def collected(desk: Desk, *sources: Path) -> None:
    Collector(desk.course, LAB1, CollectOptions(sources, desk.folder)).run()


def page(desk: Desk, student: str) -> Path:
    return desk.folder / "feedback" / student / LAB1 / f"{LAB1}.html"


def packed_for(desk: Desk, target: Target, names: Mapping[str, str] | None = None) -> Packed:
    """Pack the pages that are there."""
    found = {student: page(desk, student) for student in NAMES}
    ledger = read_ledger(desk.folder, LAB1)
    return pack(desk.folder / "packed.zip", LAB1, target, found, names or NAMES, ledger)


def archive(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            file.writestr(name, NOTEBOOK)
    return path


# --- pages ------------------------------------------------------------------------------------------


def test_pages_have_names_where_a_roster_gives_them(pages: Feedback) -> None:
    assert "Entrega de Ana García Hernández (10001)" in text(pages, "10001")
    assert "Handed in by Luisa Paz (10002)" in text(pages, "10002"), "the gradebook's name counts first"


def test_pages_say_when_it_was_handed_in_and_how_late(pages: Feedback) -> None:
    late = text(pages, "10003")
    assert "La entrega llegó 1 hora tarde. No se descontó nada." in late.replace("\n", " ")
    assert "tarde" not in text(pages, "10001").split("<main>")[0]
    assert "Handed in on" not in text(pages, "10002"), "of whom nobody knows"
    assert "Due on" in text(pages, "10002")


def test_an_extension_stands_on_the_page(desk: Desk) -> None:
    with Gradebook(f"sqlite:///{desk.folder / 'gradebook.db'}") as gradebook:
        gradebook.grant_extension(LAB1, "10003", days=1)
    assert "prórroga de 1 día" in text(feedback(desk, students="10003"), "10003")


def test_what_lateness_costs_stands_on_the_page_as_it_is_now(desk: Desk) -> None:
    (desk.folder / "nbgrader_config.py").write_text(
        'c = get_config()\nc.LateSubmissionPlugin.penalty_method = "zero"\n'
    )
    assert "Se descontaron 70 puntos." in text(feedback(desk, students="10003"), "10003")


def test_the_rule_of_course_toml_stands_on_the_page(desk: Desk) -> None:
    """As the class's configuration has it: 10 % of the full marks a day, at most 50 %, an hour of grace."""
    (desk.folder / "nbgrader_config.py").write_text(
        "c = get_config()\n"
        'c.AssignLatePenalties.plugin_class = "autograder.instructor.grade.late_days.PenaltyPerDay"\n'
        'c.PenaltyPerDay.per_day, c.PenaltyPerDay.cap, c.PenaltyPerDay.of = 10, 50, "full"\n'
        "c.PenaltyPerDay.grace_min = 30\n"
    )
    page = " ".join(text(feedback(desk, students="10003"), "10003").split())
    assert "cuesta, por cada día empezado, el 10 % de la puntuación máxima." in page
    assert "Se descuenta como mucho el 50 %. Los primeros 30 minutos no cuestan nada." in page
    assert "Se descontaron 10 puntos." in page


def test_times_are_told_in_the_language_and_the_zone() -> None:
    when, zone = datetime(2026, 11, 21, 5, 59), ZoneInfo("America/Mexico_City")
    assert clock.shown(when, zone, "es").startswith("viernes 20 de noviembre de 2026, 23:59 (")
    assert clock.shown(when, zone, "en").startswith("Friday 20 November 2026, 23:59 (")
    assert clock.shown(when, zone, "xx-nobody").startswith("Friday")
    assert clock.duration(93_784, "es") == "1 día 2 horas 3 minutos"
    assert clock.duration(20, "en") == "1 minute"


def test_figures_of_the_class_are_there_on_request_and_for_enough_students(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for student in ("10001", "10002", "10003", "10004"):
        desk.mark(student, 5)
    few = feedback(desk, class_figures=True, students="10001")
    assert "would say what single students have" in few.warnings[0]
    assert 'id="class"' not in text(few, "10001")
    monkeypatch.setattr(circumstances, "LEAST_OF_A_CLASS", 4)
    page = text(feedback(desk, class_figures=True, students="10001"), "10001")
    assert "De 4 entregas calificadas por completo: media" in page


def test_figures_count_each_student_once_and_mark_the_pages_own() -> None:
    found = figures_of([0, 55, 100, 100, 49.9], 100, own=55)
    assert found is not None
    assert (found.count, found.median, found.highest) == (5, 55, 2)
    assert [count for _, _, count, _ in found.bars] == [1, 0, 0, 0, 1, 1, 0, 0, 0, 2]
    assert [own for *_, own in found.bars].index(True) == 5
    assert figures_of([1, 2, 3, 4], 100, own=1) is None


# --- model answers ----------------------------------------------------------------------------------


def dated(desk: Desk, monkeypatch: pytest.MonkeyPatch, moment: object) -> None:
    """Let course.toml give a date for the model answers of lab 1."""
    labs = {**desk.course.labs, LAB1: {**desk.course.labs[LAB1], "model_answers": moment}}
    changed = replace(desk.course, labs=labs)
    monkeypatch.setattr(circumstances, "load_course", lambda root: changed)


def test_model_answers_are_given_out_from_their_date_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    dated(desk, monkeypatch, date(2999, 1, 1))
    assert "Respuesta modelo" not in text(feedback(desk, students="10001"), "10001")
    dated(desk, monkeypatch, date(2020, 1, 1))
    found = feedback(desk, students="1000[12]")
    spanish, english = text(found, "10001"), text(found, "10002")
    assert "Un modelo discriminativo aprende" in spanish
    assert "A discriminative model learns" in english and "Un modelo discriminativo" not in english
    assert "BEGIN SOLUTION" not in spanish


def test_no_model_answer_is_given_out_where_no_date_is(pages: Feedback) -> None:
    assert "Respuesta modelo" not in text(pages, "10001")
    assert 'id="class"' not in text(pages, "10001"), "nor figures of the class"


def test_every_answer_of_a_lab_has_a_model_in_both_languages() -> None:
    spanish, english = model_answers(ROOT, LAB1, "es"), model_answers(ROOT, LAB1, "en")
    assert spanish.keys() == english.keys() and "question_models" in spanish and "identity" not in spanish
    assert "torch.rand" in spanish["train_data"].source
    assert model_answers(ROOT, LAB1, "fr")["question_models"].source == spanish["question_models"].source


# --- archives ---------------------------------------------------------------------------------------


def test_moodles_archive_has_the_names_that_its_upload_reads(desk: Desk) -> None:
    worksheet = desk.folder / "worksheet.csv"
    worksheet.write_text(WORKSHEET, encoding="utf-8")
    download = archive(
        desk.folder / "download.zip",
        f"Ana García Hernández_71_assignsubmission_file/{LAB1}.ipynb",
        f"PAZ Luisa_72_assignsubmission_file_{LAB1}.ipynb",
    )
    collected(desk, download, worksheet)
    packed = packed_for(desk, Target.MOODLE)
    with zipfile.ZipFile(packed.path) as file:
        assert sorted(file.namelist()) == [
            f"Ana García Hernández_71_assignsubmission_file_{LAB1}.html",
            f"Juan Vega_74_assignsubmission_file_{LAB1}.html",  # who handed in with 10001
            f"PAZ Luisa_72_assignsubmission_file_{LAB1}.html",
        ]
        assert (
            file.read(f"PAZ Luisa_72_assignsubmission_file_{LAB1}.html") == page(desk, "10002").read_bytes()
        )
    assert packed.left_out == ("10003",)


def test_canvas_archive_has_user_and_attachment_as_canvas_gave_them(desk: Desk) -> None:
    download = archive(
        desk.folder / "download.zip",
        f"garciahernandezana_9001_555_{LAB1}.ipynb",
        f"riosaeva_LATE_9003_556_{LAB1}-2.ipynb",
    )
    desk.folder.joinpath("class.csv").write_text(
        "Student,ID,SIS User ID\n" + "".join(f"x,900{n},1000{n}\n" for n in range(1, 5))
    )
    collected(desk, download)
    packed = packed_for(desk, Target.CANVAS)
    assert set(packed.names.values()) == {
        f"garciahernandezana_9001_555_{LAB1}.html", f"riosaeva_LATE_9003_556_{LAB1}.html",
    }  # fmt: skip


def test_an_archive_for_people_has_id_and_name(desk: Desk) -> None:
    packed = packed_for(desk, Target.STUDENTS, {**NAMES, "10002": '../../Luis P"a:z'})
    assert set(packed.names.values()) == {
        "10001 Ana García Hernández.html", "10002 .._.._Luis P_a_z.html", "10003 Eva Ríos.html",
        "10004 Juan Vega.html",
    }  # fmt: skip
    assert not packed.left_out


def test_an_archive_for_a_platform_that_nothing_came_from_is_refused(desk: Desk) -> None:
    with pytest.raises(CourseError, match="course collect"):
        packed_for(desk, Target.MOODLE)


# --- the command ------------------------------------------------------------------------------------


def test_the_command_says_what_it_wrote_and_who_waits(desk: Desk) -> None:
    with Gradebook(f"sqlite:///{desk.folder / 'gradebook.db'}") as gradebook:
        gradebook.find_grade("question_models", LAB1, LAB1, "10002").needs_manual_grade = True
        gradebook.db.commit()
    options = ["--folder", str(desk.folder), "--zip", "students", "--students", "1000[12]"]
    result = CliRunner().invoke(app, ["feedback", LAB1, *options])
    assert result.exit_code == 0, result.output
    assert "1 still wait for marks, and their pages say so: 10002" in result.output
    assert f"{LAB1}-feedback-students.zip: 2 pages" in result.output


def test_nothing_graded_and_nobody_chosen_are_said(desk: Desk, course: Course, tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="No student with marks"):
        feedback(desk, students="9*")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(CourseError, match="There is no gradebook"):
        give_feedback(course, LAB1, FeedbackOptions(folder=empty))


# --- in a browser -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_a_page_with_everything_can_be_used_by_everybody(
    desk: Desk, browser: Browser, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(circumstances, "LEAST_OF_A_CLASS", 4)
    for student in ("10001", "10002", "10003", "10004"):
        desk.mark(student, 5)
    dated(desk, monkeypatch, date(2020, 1, 1))
    found = feedback(desk, class_figures=True, students="10003")
    visit = Visit(browser, found.pages["10003"], width)
    visit.open_all()
    assert visit.too_wide == 0
    assert visit.violations() == []
    assert visit.complaints == []
