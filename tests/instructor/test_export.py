"""Marks leave the gradebook in the formats of other systems: nothing is lost, nothing missing becomes a 0."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from autograder.instructor.cli import app
from autograder.instructor.export import Export, ExportOptions, Format, export_marks
from autograder.instructor.export.lines import lines_with_roster
from autograder.instructor.export.results import read_results
from autograder.instructor.export.roster import read_roster
from autograder.instructor.files import as_csv, number, safe, write
from autograder.instructor.settings import Course, CourseError
from tests.conftest import LAB1, ROOT
from tests.instructor.conftest import MakeClassroom

LAB2 = "lab2_mnist_gan"
# nbgrader reads what it is about to add.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")


# --- a gradebook with one student of each kind -----------------------------------------------------


def add_lab(gradebook: Gradebook, lab: str) -> None:
    gradebook.add_assignment(lab, duedate=datetime(2026, 3, 1))
    gradebook.add_notebook(lab, lab)
    gradebook.add_grade_cell("steps_check", lab, lab, max_score=70, cell_type="code")
    gradebook.add_grade_cell("question", lab, lab, max_score=30, cell_type="markdown")
    gradebook.add_solution_cell("question", lab, lab)


def mark(
    gradebook: Gradebook,
    student: str,
    lab: str,
    automatic: float | None,
    by_hand: float | None,
    penalty: float | None = None,
) -> None:
    gradebook.update_or_create_student(student)
    gradebook.add_submission(lab, student)
    check = gradebook.find_grade("steps_check", lab, lab, student)
    check.auto_score, check.needs_manual_grade = automatic, automatic is None
    question = gradebook.find_grade("question", lab, lab, student)
    question.manual_score, question.needs_manual_grade = by_hand, by_hand is None
    gradebook.find_submission_notebook(lab, lab, student).late_submission_penalty = penalty
    gradebook.db.commit()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course folder: two labs, and students who have finished, wait, were late, died, or did nothing."""
    folder = tmp_path_factory.mktemp("course")
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}", "gan-course") as gradebook:
        add_lab(gradebook, LAB1)
        add_lab(gradebook, LAB2)
        mark(gradebook, "10001", LAB1, 70, 25.5)
        mark(gradebook, "10001", LAB2, 60, 20)
        mark(gradebook, "10002", LAB1, 44, None)
        mark(gradebook, "10003", LAB1, 50, 10, penalty=15)
        mark(gradebook, "10004", LAB1, None, 30)
        mark(gradebook, "10005", LAB1, 5, 0, penalty=20)
        mark(gradebook, "10008", LAB1, None, None)
        gradebook.add_student("10006", first_name="Íñigo", last_name='Peña, "Iñaki"', email="i@uni.es")
        gradebook.add_student("-10007")
        gradebook.db.commit()
    return folder


@pytest.fixture
def export(course: Course, folder: Path, tmp_path: Path) -> Callable[..., Export]:
    def exported(to: str = "csv", **options: object) -> Export:
        settings = {"folder": folder, "output": tmp_path / "marks.csv", **options}
        return export_marks(course, ExportOptions(Format(to), **settings))  # type: ignore[arg-type]

    return exported


def rows(export: Export) -> list[list[str]]:
    with export.path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def table(export: Export, key: str) -> dict[str, dict[str, str]]:
    header, *lines = rows(export)
    return {line[header.index(key)]: dict(zip(header, line, strict=True)) for line in lines}


def roster_file(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "roster.csv"
    path.write_bytes(text.encode(encoding))
    return path


CANVAS_ROSTER = """Student,ID,SIS User ID,SIS Login ID,Section,GAN de la curva seno (771),Other (9)
    Points Possible,,,,,100,10
"García, Ana",501,10001,ana@uni.es,A,,
"Wait, Will",502,10002,will@uni.es,A,,
"Nobody, Ned",599,19999,ned@uni.es,B,,
Test Student,600,,,A,,
"""


# --- marks ------------------------------------------------------------------------------------------


def test_marks_of_a_person_count(export: Callable[..., Export]) -> None:
    assert table(export(), "student")["10001"][f"{LAB1} total"] == "95.5"


def test_a_submission_that_waits_for_a_person_is_blank(export: Callable[..., Export]) -> None:
    line = table(export(), "student")["10002"]
    assert (line[f"{LAB1} total"], line[f"{LAB1} automatic"]) == ("", "44")
    assert line[f"{LAB1} state"] == "waiting for a person"


def test_partial_gives_what_is_there(export: Callable[..., Export]) -> None:
    found = table(export(partial=True), "student")
    assert (found["10002"][f"{LAB1} total"], found["10004"][f"{LAB1} total"]) == ("44", "30")


def test_partial_makes_no_zero_of_a_notebook_that_could_not_be_read(export: Callable[..., Export]) -> None:
    assert table(export(partial=True), "student")["10008"][f"{LAB1} total"] == ""


def test_a_check_cell_without_a_mark_is_not_a_zero(export: Callable[..., Export]) -> None:
    line = table(export(), "student")["10004"]
    assert (line[f"{LAB1} total"], line[f"{LAB1} automatic"], line[f"{LAB1} by hand"]) == ("", "", "30")


def test_who_handed_in_nothing_is_blank(export: Callable[..., Export]) -> None:
    found = table(export(), "student")
    assert found["10006"][f"{LAB1} total"] == "" and found["10002"][f"{LAB2} total"] == ""
    assert found["10006"][f"{LAB1} state"] == "nothing handed in"


def test_late_penalty_is_taken_off(export: Callable[..., Export]) -> None:
    line = table(export(), "student")["10003"]
    assert (line[f"{LAB1} total"], line[f"{LAB1} late penalty"]) == ("45", "15")


def test_a_late_penalty_takes_no_more_than_there_is(export: Callable[..., Export]) -> None:
    assert table(export(), "student")["10005"][f"{LAB1} total"] == "0"


def test_those_who_wait_are_named(export: Callable[..., Export]) -> None:
    (warning,) = export().warnings
    assert "3 submissions still to be marked by a person" in warning
    assert "10002, 10004, 10008" in warning


def test_one_lab_alone(export: Callable[..., Export]) -> None:
    assert export(lab=LAB2).labs == (LAB2,)


def test_reading_a_gradebook_takes_the_same_number_of_queries_for_any_class(folder: Path) -> None:
    from sqlalchemy import event

    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}", "gan-course") as gradebook:
        seen: list[str] = []
        event.listen(gradebook.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
        results = read_results(gradebook, [LAB1])
    assert len(results.marks) == 6 and len(seen) < 14


# --- Canvas -----------------------------------------------------------------------------------------


def test_canvas_finds_the_columns_it_looks_for(export: Callable[..., Export]) -> None:
    header, points, *_ = rows(export("canvas"))
    assert header == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", LAB1, LAB2]
    assert "Points Possible" in points[0] and points[5:] == ["100", "100"]


def test_canvas_rows_have_what_the_roster_says(export: Callable[..., Export], tmp_path: Path) -> None:
    found = export("canvas", lab=LAB1, roster=roster_file(tmp_path, CANVAS_ROSTER))
    assert rows(found)[2] == ["García, Ana", "501", "10001", "ana@uni.es", "A", "95.5"]


def test_canvas_keeps_its_own_assignment(export: Callable[..., Export], tmp_path: Path) -> None:
    found = export("canvas", lab=LAB1, roster=roster_file(tmp_path, CANVAS_ROSTER))
    assert rows(found)[0][5] == "GAN de la curva seno (771)"


def test_a_lab_that_canvas_does_not_have_is_named(export: Callable[..., Export], tmp_path: Path) -> None:
    found = export("canvas", lab=LAB2, roster=roster_file(tmp_path, CANVAS_ROSTER))
    assert any("no assignment titled as lab2_mnist_gan" in warning for warning in found.warnings)


def test_students_of_the_roster_without_a_submission_are_blank(
    export: Callable[..., Export], tmp_path: Path
) -> None:
    found = table(export("canvas", roster=roster_file(tmp_path, CANVAS_ROSTER)), "ID")
    assert [found[i][LAB2] for i in ("599", "600")] == ["", ""]


def test_students_with_marks_and_not_in_the_roster_come_last_and_are_named(
    export: Callable[..., Export], tmp_path: Path
) -> None:
    found = export("canvas", roster=roster_file(tmp_path, CANVAS_ROSTER))
    assert [row[2] for row in rows(found)[-4:]] == ["10003", "10004", "10005", "10008"]
    assert any("4 students with marks not in the roster" in warning for warning in found.warnings)


# --- Moodle -----------------------------------------------------------------------------------------


def test_moodle_can_match_by_number_name_or_address(export: Callable[..., Export]) -> None:
    found = export("moodle")
    header = ["First name", "Last name", "ID number", "Username", "Email address", LAB1, LAB2]
    assert rows(found)[0] == header
    assert table(found, "ID number")["10006"]["Email address"] == "i@uni.es"


def test_moodle_gets_nobody_whom_it_does_not_know(export: Callable[..., Export], tmp_path: Path) -> None:
    text = "Nombre,Apellido(s),Número de ID,Dirección de correo\nAna,García,10001,ana@uni.es\n"
    found = export("moodle", roster=roster_file(tmp_path, text))
    assert [row[2] for row in rows(found)[1:]] == ["10001"]
    assert any("left out" in warning and "10003" in warning for warning in found.warnings)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_rosters_of_any_program_are_read(tmp_path: Path, encoding: str) -> None:
    path = roster_file(tmp_path, "Apellido(s);Nombre;Número de ID\r\nPeña;Íñigo;7\r\n", encoding)
    (entry,) = read_roster(path).entries
    assert (entry.sortable_name, entry.number) == ("Peña, Íñigo", "7")


def test_only_a_spreadsheet_gets_a_byte_order_mark(export: Callable[..., Export]) -> None:
    starts = {to: export(to).path.read_bytes()[:3] == b"\xef\xbb\xbf" for to in ("csv", "canvas", "moodle")}
    assert starts == {"csv": True, "canvas": False, "moodle": False}


# --- who is who -------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["SIS User ID", "SIS Login ID", "Username", "Email address", "student_id"])
def test_a_student_is_found_by_any_id(folder: Path, tmp_path: Path, column: str) -> None:
    roster = read_roster(roster_file(tmp_path, f"name,{column}\nAna,10001\n"))
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}", "gan-course") as gradebook:
        lines = lines_with_roster(read_results(gradebook, [LAB1]), roster)
    assert (lines[0].student, lines[0].marks[LAB1].total) == ("10001", 95.5)


def test_a_student_who_could_be_two_of_the_roster_stops_the_export(
    export: Callable[..., Export], tmp_path: Path
) -> None:
    path = roster_file(tmp_path, "name,username\nAna,10001\nEva,10001\n")
    with pytest.raises(CourseError, match=r"'10001' could be Ana or Eva"):
        export(roster=path)


def test_two_students_with_marks_who_are_one_of_the_roster_stop_the_export(
    export: Callable[..., Export], tmp_path: Path
) -> None:
    path = roster_file(tmp_path, "name,id number,username\nAna,10001,10002\n")
    with pytest.raises(CourseError, match=r"10001 and 10002 both have marks for lab1_sine_gan"):
        export(roster=path)


# --- names that are not harmless ---------------------------------------------------------------------


@given(st.text())
def test_no_text_begins_as_a_formula(text: str) -> None:
    shown = safe(text)
    assert shown.lstrip()[:1] not in tuple("=+-@") or not shown.strip()
    assert not any(sign in shown for sign in "\r\n\t\0")


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_a_text_comes_back_whole_but_for_an_apostrophe(text: str) -> None:
    assert safe(text) in (text, f"'{text}")


Cells = st.one_of(st.none(), st.text(), st.floats(-1e6, 1e6))


@given(st.lists(st.lists(Cells, min_size=2, max_size=6), min_size=1, max_size=5))
def test_every_cell_comes_back_from_the_file_where_it_was(table: list[list[str | float | None]]) -> None:
    read = list(csv.reader(io.StringIO(as_csv(table), newline="")))
    wanted = [
        ["" if c is None else safe(c) if isinstance(c, str) else number(c) for c in row] for row in table
    ]
    assert read == wanted


@given(st.floats(-1000, 1000))
def test_marks_come_back_to_four_places(value: float) -> None:
    assert abs(float(number(value)) - value) <= 5.001e-5


def test_an_id_that_looks_like_a_formula_is_named(export: Callable[..., Export]) -> None:
    found = export("canvas")
    assert any("apostrophe" in warning and "-10007" in warning for warning in found.warnings)
    assert "'-10007" in [row[2] for row in rows(found)]


# --- bad input ---------------------------------------------------------------------------------------


def test_a_folder_without_a_gradebook_is_named_and_stays_empty(course: Course, tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"There is no gradebook .*gradebook\.db"):
        export_marks(course, ExportOptions(Format.CSV, folder=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_lab_that_nobody_graded_is_named(export: Callable[..., Export]) -> None:
    with pytest.raises(CourseError, match=r"no marks for lab3_dcgan\. Labs that it knows: lab1_sine_gan"):
        export(lab="lab3_dcgan")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no column says who is who.*it has none"),
        (b"name,colour\nAna,red\n", "no column says who is who.*'name', 'colour'"),
        (b"name,username\n", "no students below"),
        (b"PK\x03\x04\x00\x00", "no CSV file. From a spreadsheet, save the sheet as CSV"),
    ],
)
def test_a_roster_that_is_none_is_described(
    export: Callable[..., Export], tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "roster.csv").write_bytes(content)
    with pytest.raises(CourseError, match=message):
        export(roster=tmp_path / "roster.csv")


def test_a_roster_that_is_missing_is_named(export: Callable[..., Export], tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"nowhere\.csv cannot be read: No such file"):
        export(roster=tmp_path / "nowhere.csv")


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "out"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reader:
        assert write(pipe, "a,b\n") == pipe
        assert reader.stdout is not None and reader.stdout.read() == b"a,b\n"
    assert pipe.is_fifo()


def test_a_file_that_cannot_be_written_is_named(export: Callable[..., Export], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CourseError, match=r"cannot be written"):
        export(output=tmp_path / "file" / "marks.csv")


# --- the real thing ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_stock_nbgrader_exports_with_our_plugins(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "canvas.csv"
    command = [
        *(sys.executable, "-m", "nbgrader", "export"),
        "--exporter=autograder.instructor.export.plugins.CanvasExport",
        f"--to={target}",
        f"--db=sqlite:///{folder / 'gradebook.db'}",
        f"--assignment=['{LAB1}']",
        "--CanvasExport.partial=True",
    ]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    with target.open(encoding="utf-8", newline="") as file:
        found = {row[2]: row[5] for row in csv.reader(file)}
    assert (found["SIS User ID"], found["10001"], found["10002"]) == (LAB1, "95.5", "44")


@pytest.mark.slow
def test_both_of_a_pair_get_the_marks_of_their_graded_notebook(
    make_classroom: MakeClassroom, tmp_path: Path
) -> None:
    room = make_classroom(tmp_path)
    room.enrol("20002")
    room.hand_in("20001", room.identified(room.notebook("train_data"), "20001", "20002"))
    room.grade()
    found = export_marks(room.course, ExportOptions(Format.CSV, folder=tmp_path, partial=True))
    marks = {student: line[f"{LAB1} automatic"] for student, line in table(found, "student").items()}
    assert marks == {"20001": "10", "20002": "10"}


# --- the command ---------------------------------------------------------------------------------------


def test_the_command_says_what_is_blank_and_where_the_file_is(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    path = tmp_path / "canvas.csv"
    arguments = ["export", LAB1, "--to", "canvas", "--folder", str(folder), "--output", str(path)]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "300"})
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())  # however wide the terminal is
    assert "left blank (--partial gives what is there): 10002" in said
    assert f"{path}: 8 students, {LAB1}" in said


def test_the_command_names_the_systems_that_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(app, ["export", "--to", "xls"], env={"COLUMNS": "300"})
    assert result.exit_code == 2 and "'csv', 'canvas', 'moodle'" in result.output
