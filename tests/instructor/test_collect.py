"""`course collect`: whatever a platform gives, each file reaches its student, once, and nothing is lost."""

from __future__ import annotations

import json
import stat
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from autograder.instructor.cli import app
from autograder.instructor.collect import archives, staging
from autograder.instructor.collect.collecting import Collection, CollectOptions, Collector, State
from autograder.instructor.settings import Course, CourseError
from tests.conftest import LAB1

ROSTER = """Student,ID,SIS User ID,SIS Login ID,Section
"García Hernández, Ana",9001,10001,ana.garcia,A
"Paz, Luis",9002,10002,luis.paz,A
"Ríos, Eva",9003,10003,eva.rios,A
"Vega, Juan",9004,10004,juan.vega,B
"""
NOTEBOOK = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
CHANGED = NOTEBOOK.replace('"metadata": {}', '"metadata": {"changed": true}')
WORKSHEET = """Identifier,Full name,Email address,Status,Last modified (submission)
Participant 71,Ana García Hernández,,Submitted,"Friday, 20 November 2026, 11:58 PM"
Participant 72,Luis Paz,,Submitted,"Saturday, 21 November 2026, 1:30 AM"
Participant 73,Eva Ríos,,No submission,-
"""


@dataclass
class Desk:
    """A class that is known by a roster alone, in a folder of its own."""

    course: Course
    folder: Path

    def zip(self, files: Mapping[str, str | bytes], name: str = "download.zip") -> Path:
        path = self.folder / name
        with zipfile.ZipFile(path, "w") as archive:
            for inner, content in files.items():
                archive.writestr(inner, content)
        return path

    def file(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def collect(self, *sources: Path, **options: object) -> Collection:
        settings = {"folder": self.folder, "roster": self.folder / "class.csv", **options}
        return Collector(
            self.course,
            LAB1,
            CollectOptions(sources, **settings),  # type: ignore[arg-type]
        ).run()

    def path(self, student: str, name: str = f"{LAB1}.ipynb") -> Path:
        return self.folder / "submitted" / student / LAB1 / name

    def submitted(self) -> dict[str, str]:
        """Everything that lies in submitted/, by path."""
        root = self.folder / "submitted"
        return {
            str(path.relative_to(root)): path.read_text(errors="replace")
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }


@pytest.fixture
def desk(course: Course, tmp_path: Path) -> Desk:
    found = Desk(replace(course, timezone="America/Mexico_City"), tmp_path)
    found.file("class.csv", ROSTER)
    return found


def states(found: Collection) -> dict[str, State]:
    return {result.student: result.state for result in found.results}


def moodle(name: str, number: int, file: str = f"{LAB1}.ipynb") -> str:
    return f"{name}_{number}_assignsubmission_file/{file}"


# --- whose a file is --------------------------------------------------------------------------------


def test_canvas_files_go_to_whom_canvas_means_by_its_number(desk: Desk) -> None:
    archive = desk.zip({
        f"garciahernandezana_9001_555_{LAB1}.ipynb": NOTEBOOK,
        "garciahernandezana_9001_556_data.csv": "1",
        f"pazluis_LATE_9002_557_{LAB1}-1.ipynb": NOTEBOOK,
        f"somebodyelse_9003_558_{LAB1}.ipynb": NOTEBOOK,
    })  # fmt: skip
    found = desk.collect(archive)
    assert states(found) == dict.fromkeys(("10001", "10002", "10003"), State.NEW)
    assert set(desk.submitted()) == {
        f"10001/{LAB1}/{LAB1}.ipynb", f"10001/{LAB1}/data.csv", f"10002/{LAB1}/{LAB1}-1.ipynb",
        f"10003/{LAB1}/{LAB1}.ipynb",
    }  # fmt: skip
    assert [result.student for result in found.results if result.late] == ["10002"]
    assert found.absent == {"10004": "Juan Vega"}


def test_canvas_names_are_enough_where_the_roster_has_no_canvas_number(desk: Desk) -> None:
    desk.file("class.csv", "id,first_name,last_name\n10001,Ana,García Hernández\n10002,Luis,Paz\n")
    archive = desk.zip({f"garcíahernándezana_1_2_{LAB1}.ipynb": NOTEBOOK, "pazluis_3_text.html": "<p>"})
    assert set(states(desk.collect(archive))) == {"10001", "10002"}


@pytest.mark.parametrize("around", ["", "Curso-Lab 1-33/"])
@pytest.mark.parametrize("between", ["/", "_", "_/"])
def test_moodle_files_go_to_whom_moodle_names(desk: Desk, around: str, between: str) -> None:
    archive = desk.zip({
        f"{around}Ana García Hernández_71_assignsubmission_file{between}{LAB1}.ipynb": NOTEBOOK,
        f"{around}PAZ Luis_72_assignsubmission_file{between}my notebook.ipynb": NOTEBOOK,
    })  # fmt: skip
    desk.collect(archive)
    assert set(desk.submitted()) == {f"10001/{LAB1}/{LAB1}.ipynb", f"10002/{LAB1}/my notebook.ipynb"}


def test_what_a_student_calls_a_file_makes_it_nobody_elses(desk: Desk) -> None:
    """A folder below one's own that is called as Moodle calls those of others."""
    archive = desk.zip({
        moodle("Ana García Hernández", 71): NOTEBOOK,
        moodle("Luis Paz", 72, f"Ana García Hernández_71_assignsubmission_file/{LAB1}.ipynb"): CHANGED,
        moodle("Luis Paz", 72, f"10003/{LAB1}/{LAB1}.ipynb"): CHANGED,
    })  # fmt: skip
    desk.collect(archive)
    assert desk.path("10001").read_text() == NOTEBOOK
    assert not (desk.folder / "submitted" / "10003").exists()


@pytest.mark.parametrize(
    ("path", "student"),
    [
        (f"10001/{LAB1}/{LAB1}.ipynb", "10001"),
        (f"submitted/10001/{LAB1}/{LAB1}.ipynb", "10001"),
        ("10001/work.ipynb", "10001"),
        ("everything/10001/work.ipynb", "10001"),
        ("10001_lab.ipynb", "10001"),
        (f"{LAB1}-10001.ipynb", "10001"),
        ("ANA.GARCIA.ipynb", "10001"),
        ("García Hernández, Ana/lab.ipynb", "10001"),
        ("Hernandez Garcia Ana - lab 1.ipynb", "10001"),
        ("100011.ipynb", None),
        ("10001 and 10002.ipynb", "10001"),  # who is named first; the identity cell names both
        ("work of 10001, 10002.ipynb", None),
    ],
)
def test_plain_names_say_who_it_is_or_nobody_is_meant(desk: Desk, path: str, student: str | None) -> None:
    found = desk.collect(desk.zip({path: NOTEBOOK}))
    assert [result.student for result in found.results] == ([student] if student else [])
    assert bool(found.strangers) == (student is None)


def test_a_folder_is_collected_like_an_archive(desk: Desk) -> None:
    path = desk.folder / "class" / "10002" / "lab.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(NOTEBOOK)
    (path.parent / "secret.csv").symlink_to("/etc/passwd")
    found = desk.collect(desk.folder / "class")
    assert set(desk.submitted()) == {f"10002/{LAB1}/lab.ipynb"}
    assert found.results[0].notes == ("secret.csv: a link, or no ordinary file",)


def test_who_is_unknown_is_listed_and_a_person_can_say_who_it_is(desk: Desk) -> None:
    archive = desk.zip({moodle("Nobody Here", 99): NOTEBOOK, moodle("Luis Paz", 72): NOTEBOOK})
    found = desk.collect(archive)
    assert [(s.sender.label, s.files) for s in found.strangers] == [("moodle:99", (f"{LAB1}.ipynb",))]
    assert states(desk.collect(archive, matches=("moodle:99=10003",)))["10003"] is State.NEW
    assert states(desk.collect(archive))["10003"] is State.UNCHANGED, "it is remembered"


@pytest.mark.parametrize("text", ["moodle:99", "moodle:99=77777", "99=10003"])
def test_a_match_that_names_nobody_is_refused(desk: Desk, text: str) -> None:
    with pytest.raises(CourseError, match="--match"):
        desk.collect(matches=(text,))


def test_ids_of_a_roster_that_name_no_folder_are_not_used(desk: Desk) -> None:
    desk.file("class.csv", "id,username,first_name,last_name\n../../x,ana,Ana,García\na/b,,Luis,Paz\n")
    found = desk.collect(desk.zip({moodle("Ana García", 71): NOTEBOOK, moodle("Luis Paz", 72): NOTEBOOK}))
    assert states(found) == {"ana": State.NEW}
    assert [s.sender.key for s in found.strangers] == ["72"]


def test_two_of_one_name_are_nobody_until_a_person_says_who(desk: Desk) -> None:
    archive = desk.zip({moodle("Luis Paz", 72): NOTEBOOK, moodle("Paz Luis", 73): CHANGED})
    found = desk.collect(archive)
    assert not found.results
    assert {s.sender.key for s in found.strangers} == {"72", "73"}
    assert "10002" in found.strangers[0].why


def test_nothing_is_collected_for_a_class_that_nobody_knows(desk: Desk) -> None:
    with pytest.raises(CourseError, match="who is in the class"):
        desk.collect(desk.zip({"10001.ipynb": NOTEBOOK}), roster=None)


def test_the_gradebook_and_the_courses_roster_say_who_is_in_the_class(desk: Desk) -> None:
    with Gradebook(f"sqlite:///{desk.folder / 'gradebook.db'}", "gan-course") as gradebook:
        gradebook.add_student("ana.garcia")
        gradebook.add_student("s01", first_name="Pía", last_name="Sol")
    desk.course = replace(desk.course, roster="class.csv")
    found = desk.collect(desk.zip({"10001.ipynb": NOTEBOOK, "s01.ipynb": NOTEBOOK}), roster=None)
    assert set(states(found)) == {"ana.garcia", "s01"}, "as the gradebook calls them"
    desk.course = replace(desk.course, roster="gone.csv")
    with pytest.raises(CourseError, match=r"no file gone\.csv"):
        desk.collect(roster=None)


# --- any number of times ------------------------------------------------------------------------------


def test_the_same_archive_changes_nothing_a_second_time(desk: Desk) -> None:
    archive = desk.zip({"10001.ipynb": NOTEBOOK})
    desk.collect(archive)
    before = desk.path("10001", "10001.ipynb").stat().st_mtime_ns
    assert states(desk.collect(archive)) == {"10001": State.UNCHANGED}
    assert desk.path("10001", "10001.ipynb").stat().st_mtime_ns == before


def test_a_new_attempt_replaces_the_one_before_which_is_kept(desk: Desk) -> None:
    first = desk.zip({"10001/lab.ipynb": NOTEBOOK, "10001/old.csv": "1"}, "first.zip")
    second = desk.zip({"10001/lab.ipynb": CHANGED}, "second.zip")
    desk.collect(first)
    assert states(desk.collect(second)) == {"10001": State.CHANGED}
    assert desk.submitted() == {f"10001/{LAB1}/lab.ipynb": CHANGED}
    earlier = desk.folder / "grading" / LAB1 / "earlier" / "10001" / "1"
    assert sorted(path.name for path in earlier.iterdir()) == ["lab.ipynb", "old.csv"]
    assert states(desk.collect(first)) == {"10001": State.OLD}, "an old download undoes nothing"
    assert desk.submitted() == {f"10001/{LAB1}/lab.ipynb": CHANGED}


def test_what_was_corrected_by_hand_stays_until_somebody_gives_it_up(desk: Desk) -> None:
    first = desk.zip({"10001/lab.ipynb": NOTEBOOK}, "first.zip")
    second = desk.zip({"10001/lab.ipynb": CHANGED}, "second.zip")
    desk.collect(first)
    desk.path("10001", "lab.ipynb").write_text("by hand")
    assert states(desk.collect(first)) == {"10001": State.UNCHANGED}
    for _ in range(2):
        assert states(desk.collect(second)) == {"10001": State.KEPT}, "said until somebody decides"
    assert desk.path("10001", "lab.ipynb").read_text() == "by hand"
    assert states(desk.collect(second, replace="10001")) == {"10001": State.CHANGED}
    assert desk.path("10001", "lab.ipynb").read_text() == CHANGED
    earlier = desk.folder / "grading" / LAB1 / "earlier" / "10001" / "1" / "lab.ipynb"
    assert earlier.read_text() == "by hand", "nothing is lost"


def test_what_lay_there_before_counts_as_put_by_hand(desk: Desk) -> None:
    desk.path("10001").parent.mkdir(parents=True)
    desk.path("10001").write_text("by hand")
    assert states(desk.collect(desk.zip({"10001.ipynb": NOTEBOOK}))) == {"10001": State.KEPT}


def test_looking_at_a_notebook_in_jupyter_corrects_nothing(desk: Desk) -> None:
    desk.collect(desk.zip({"10001/lab.ipynb": NOTEBOOK}))
    copy = desk.path("10001", ".ipynb_checkpoints/lab-checkpoint.ipynb")
    copy.parent.mkdir()
    copy.write_text(NOTEBOOK)
    assert states(desk.collect(desk.zip({"10001/lab.ipynb": CHANGED}))) == {"10001": State.CHANGED}


def test_a_ledger_that_cannot_be_read_stops_before_anything_is_overwritten(desk: Desk) -> None:
    desk.collect(desk.zip({"10001.ipynb": NOTEBOOK}))
    (desk.folder / "grading" / LAB1 / "collected.json").write_text("{")
    with pytest.raises(CourseError, match=r"collected\.json.*backup"):
        desk.collect(desk.zip({"10001.ipynb": CHANGED}))


# --- times ------------------------------------------------------------------------------------------


def test_moodles_worksheet_gives_times_in_the_courses_zone(desk: Desk) -> None:
    archive = desk.zip({moodle("A. García", 71): NOTEBOOK, moodle("Luis Paz", 72): NOTEBOOK})
    desk.collect(archive, desk.file("worksheet.csv", WORKSHEET))
    # Mexico City is six hours behind UTC. The worksheet also says who participant 71 is.
    assert desk.path("10001", "timestamp.txt").read_text() == "2026-11-21 05:58:00 UTC\n"
    assert desk.path("10002", "timestamp.txt").read_text() == "2026-11-21 07:30:00 UTC\n"


def test_the_worksheet_may_come_later(desk: Desk) -> None:
    desk.collect(desk.zip({moodle("Luis Paz", 72): NOTEBOOK}))
    assert desk.collect(desk.file("worksheet.csv", WORKSHEET)).stamps == ["10002"]
    assert desk.path("10002", "timestamp.txt").read_text() == "2026-11-21 07:30:00 UTC\n"


def test_canvas_gives_times_by_its_own_list(desk: Desk) -> None:
    archive = desk.zip({f"pazluis_LATE_9002_557_{LAB1}.ipynb": NOTEBOOK})
    said = [
        {"user_id": 9002, "submitted_at": "2026-11-21T07:30:00Z"},
        {"user_id": 9001, "submitted_at": None},
    ]
    found = desk.collect(archive, desk.file("submissions.json", json.dumps(said)))
    assert desk.path("10002", "timestamp.txt").read_text() == "2026-11-21 07:30:00 UTC\n"
    assert not found.warnings


def test_a_time_that_somebody_corrected_stays(desk: Desk) -> None:
    archive, worksheet = desk.zip({moodle("Luis Paz", 72): NOTEBOOK}), desk.file("w.csv", WORKSHEET)
    desk.collect(archive, worksheet)
    desk.path("10002", "timestamp.txt").write_text("2026-11-20 12:00 UTC")
    later = desk.file("later.csv", WORKSHEET.replace("1:30 AM", "2:30 AM"))
    assert "by hand" in desk.collect(archive, later).results[0].notes[0]
    assert desk.path("10002", "timestamp.txt").read_text() == "2026-11-20 12:00 UTC"


def test_the_time_of_an_attempt_is_not_that_of_the_next(desk: Desk) -> None:
    desk.collect(desk.zip({moodle("Luis Paz", 72): NOTEBOOK}), desk.file("w.csv", WORKSHEET))
    found = desk.collect(desk.zip({moodle("Luis Paz", 72): CHANGED}))
    assert states(found) == {"10002": State.CHANGED}
    assert not desk.path("10002", "timestamp.txt").exists()
    assert found.results[0].when is None


def test_no_student_says_when_they_handed_in(desk: Desk) -> None:
    early = "2026-01-01 00:00 UTC"
    archive = desk.zip({
        moodle("Luis Paz", 72): NOTEBOOK, moodle("Luis Paz", 72, "timestamp.txt"): early,
    })  # fmt: skip
    found = desk.collect(archive)
    assert not desk.path("10002", "timestamp.txt").exists()
    assert found.results[0].notes[0].startswith("timestamp.txt: not taken")


def test_times_of_nbgraders_own_folders_are_taken(desk: Desk) -> None:
    desk.collect(
        desk.zip({f"10001/{LAB1}/lab.ipynb": NOTEBOOK, f"10001/{LAB1}/timestamp.txt": "2026-11-20 1:00 UTC"})
    )
    assert desk.path("10001", "timestamp.txt").read_text() == "2026-11-20 1:00 UTC"


def test_a_time_that_could_be_two_is_listed_and_not_written(desk: Desk) -> None:
    desk.collect(desk.zip({"10001.ipynb": NOTEBOOK}))
    found = desk.collect(
        desk.file("times.csv", "id,submitted at\n10001,05/11/2026 10:00\n55555,2026-11-20 10:00\n")
    )
    assert "10001" in found.warnings[0] and "05/11/2026" in found.warnings[0]
    assert "55555" in found.warnings[1]
    assert not desk.path("10001", "timestamp.txt").exists()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("list.csv", "id,first_name\n10001,Ana\n", "no column says when"),
        ("list.json", '{"errors": []}', "no list of submissions"),
        ("list.json", "[", "no JSON"),
        ("list.csv", "", "no column says when"),
    ],
)
def test_a_list_without_times_is_refused(desk: Desk, name: str, text: str, said: str) -> None:
    with pytest.raises(CourseError, match=said):
        desk.collect(desk.file(name, text))


# --- hostile archives -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "10001/../../../escaped.ipynb", "../escaped.ipynb", "/tmp/escaped.ipynb", "C:/escaped.ipynb",
        "10001\\..\\..\\escaped.ipynb", "10001/a\nb.ipynb", f"10001/{'x' * 300}.ipynb", "10001//x.ipynb",
        f"10001/{'a/' * 40}x.ipynb",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_its_folder(desk: Desk, path: str) -> None:
    archive = desk.zip({path: NOTEBOOK, "10002/lab.ipynb": NOTEBOOK})
    before = {p for p in desk.folder.parent.rglob("*") if "escaped" in p.name}
    found = desk.collect(archive)
    assert set(desk.submitted()) == {f"10002/{LAB1}/lab.ipynb"}
    assert {p for p in desk.folder.parent.rglob("*") if "escaped" in p.name} == before
    assert found.strangers or any(result.notes for result in found.results), "and it is said"


def test_links_and_encrypted_files_are_refused(desk: Desk) -> None:
    path = desk.folder / "links.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("10001/link.ipynb")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("10001/locked.ipynb", NOTEBOOK)
        archive.writestr("10001/lab.ipynb", NOTEBOOK)
    data = bytearray(path.read_bytes())
    place = data.rindex(b"10001/locked.ipynb") - 46
    data[place + 8] |= 1  # of the flags in the directory at the end
    path.write_bytes(data)
    found = desk.collect(path)
    assert set(desk.submitted()) == {f"10001/{LAB1}/lab.ipynb"}
    assert len(found.results[0].notes) == 2


def test_what_unfolds_to_more_than_anybody_hands_in_is_left_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "MAX_BYTES", 10_000)
    path = desk.folder / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("10001/bomb.csv", b"0" * 10**7)
        archive.writestr("10001/lab.ipynb", NOTEBOOK)
    assert desk.collect(path).results[0].notes == ("bomb.csv: too large",)
    assert set(desk.submitted()) == {f"10001/{LAB1}/lab.ipynb"}
    monkeypatch.setattr(archives, "MAX_BYTES", 10**6)
    with pytest.raises(CourseError, match="holds more than"):
        desk.collect(path)


def test_a_damaged_file_costs_its_own_place_alone(desk: Desk) -> None:
    path = desk.zip({"10001.ipynb": NOTEBOOK * 50, "10002.ipynb": NOTEBOOK})
    data = bytearray(path.read_bytes())
    data[200] ^= 0xFF
    path.write_bytes(data)
    found = desk.collect(path)
    assert states(found) == {"10001": State.FAILED, "10002": State.NEW}
    assert "damaged" in found.results[0].notes[0]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nothing", b"Rar!\x1a\x07"])
def test_what_is_no_archive_is_said_to_be_none(desk: Desk, content: bytes) -> None:
    path = desk.folder / "download.zip"
    path.write_bytes(content)
    with pytest.raises(CourseError, match="no zip file that can be read"):
        desk.collect(path)
    with pytest.raises(CourseError, match="no file or folder"):
        desk.collect(desk.folder / "missing.zip")


def test_a_students_own_zip_is_unpacked_where_the_notebook_is_in_it(desk: Desk) -> None:
    inner = desk.zip({"work/lab.ipynb": NOTEBOOK, "../out.ipynb": NOTEBOOK}, "inner.zip").read_bytes()
    found = desk.collect(desk.zip({moodle("Luis Paz", 72, "work.zip"): inner}))
    assert desk.path("10002", "work/lab.ipynb").read_text() == NOTEBOOK
    assert found.results[0].notes == ("../out.ipynb: a path that leads out of its folder",)
    assert not list(desk.folder.rglob("out.ipynb"))


def test_a_students_own_zip_of_a_million_names_is_left_as_it_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading the list of entries alone would take gigabytes."""
    monkeypatch.setattr(staging, "_DIRECTORY_BYTES", 5000)
    inner = desk.zip({f"{number}.ipynb": "" for number in range(200)}, "inner.zip").read_bytes()
    commented = inner[:-2] + b"\x04\x00text"
    for content in (inner, commented):
        found = desk.collect(desk.zip({moodle("Luis Paz", 72, "work.zip"): content}), replace="*")
        assert "too many files" in found.results[0].notes[0]
    assert list(desk.submitted()) == [f"10002/{LAB1}/work.zip"]
    found = desk.collect(desk.zip({moodle("Eva Ríos", 73, "work.zip"): b"PK\x03\x04"}))
    assert "no archive" in found.results[0].notes[0]


def test_a_submission_that_cannot_be_written_stops_no_other(desk: Desk) -> None:
    blocker = desk.folder / "submitted" / "10001"
    blocker.parent.mkdir()
    blocker.write_text("a file where a folder should be")
    found = desk.collect(desk.zip({"10001.ipynb": NOTEBOOK, "10002.ipynb": NOTEBOOK}))
    assert states(found) == {"10001": State.FAILED, "10002": State.NEW}


# --- the command ------------------------------------------------------------------------------------


def test_the_command_says_who_is_new_unknown_and_missing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = desk.zip({moodle("Luis Paz", 72): NOTEBOOK, moodle("Nobody Here", 99): NOTEBOOK})
    data = desk.folder / "collected.json"
    options = ["--folder", str(desk.folder), "--roster", str(desk.folder / "class.csv"), "--json", str(data)]
    result = CliRunner().invoke(app, ["collect", LAB1, str(archive), *options])
    assert result.exit_code == 0, result.output
    for line in (
        f"{LAB1}: 1 new",
        "new: 10002 Luis Paz",
        "moodle:99 (Nobody Here)",
        "--match moodle:99=STUDENT",
        "not handed in (3): 10001 Ana García Hernández",
    ):
        assert line in result.output
    found = json.loads(data.read_text())
    assert found["submissions"][0]["state"] == "new"
    assert found["unknown"][0]["key"] == "moodle:99"


def test_nothing_but_the_class_is_written(desk: Desk) -> None:
    before = {path.name for path in desk.folder.iterdir()}
    desk.collect(desk.zip({"10001.ipynb": NOTEBOOK}))
    assert {path.name for path in desk.folder.iterdir()} - before == {"download.zip", "submitted", "grading"}
    assert [path.name for path in (desk.folder / "grading" / LAB1).iterdir()] == ["collected.json"]
