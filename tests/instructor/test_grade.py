"""`course grade`: every submission of a class ends with marks or on the list of those to review."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell

from autograder.instructor.demo import answer
from autograder.instructor.grade import engine
from autograder.instructor.grade.grader import Grading
from autograder.instructor.grade.review import needs_review
from autograder.instructor.grade.terminal import marks_text
from autograder.instructor.grade.work import Outcome
from autograder.instructor.intake.attachments import attachments
from autograder.instructor.report.collect import Collector
from autograder.instructor.settings import CourseError
from autograder.instructor.source import grade_id, is_check_cell
from tests.conftest import LAB1, ROOT
from tests.instructor.browser import open_browser
from tests.instructor.conftest import Classroom, MakeClassroom, usable_isolation, with_code

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def graded(
    make_classroom: MakeClassroom, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Classroom, Grading]]:
    """A class with everything that goes wrong, graded once."""
    room = make_classroom(tmp_path_factory.mktemp("class"))
    complete = room.notebook()
    half = room.notebook("identity", "train_data", "discriminator", "generator")
    room.hand_in("complete", room.identified(complete, "complete"))
    room.hand_in("english", room.identified(room.notebook(language="en"), "english"))
    room.hand_in("half-done", room.identified(half, "half-done"))
    room.hand_in("blank", room.templates.notebooks[LAB1, "es"])
    room.enrol("bobby")
    room.hand_in("alice", room.identified(complete, "alice", "bobby"))
    room.hand_in("carol", room.identified(half, "carol", "danny"))
    room.hand_in("danny", room.identified(complete, "danny", "carol"))
    room.hand_in("evelyn", room.identified(complete, "evelyn", "../../mallory"))
    room.hand_in("frank", room.identified(complete, "somebody-else"))
    room.hand_in("damaged", b'{"cells": [')
    room.hand_in("empty-file", b"")
    room.hand_in("renamed", room.identified(complete, "renamed"), "Copy of lab (1).ipynb")
    room.hand_in("shadow", room.identified(complete, "shadow"))
    for name, text in (("torch.py", "raise SystemExit"), ("random.py", ""), ("points.csv", "1,2")):
        room.hand_in("shadow", text.encode(), name)
    dies = with_code(room.identified(complete, "dies-early"), "discriminator_step", "import os; os._exit(1)")
    room.hand_in("dies-early", dies)
    loops = with_code(room.identified(complete, "loops"), "generator", "while True: pass")
    room.hand_in("loops", loops)
    script = "<script>document.title = 'hacked'</script><img src=x onerror=\"document.title='hacked'\">"
    html = room.identified(complete, "html-page")
    html.cells.insert(4, new_markdown_cell(f"text {script}"))
    html.cells.insert(4, new_raw_cell(script))
    html.cells.insert(5, new_code_cell(f"from IPython.display import *\ndisplay(HTML({script!r}))\n"
            f"display({{'image/png': '\"> ' + {script!r}, 'text/latex': {script!r}}}, raw=True)\n"
                                       "Javascript(\"document.title = 'hacked'\")"))  # fmt: skip
    room.hand_in("html-page", html)
    (room.folder / "submitted" / "nothing" / LAB1).mkdir(parents=True)
    yield room, room.grade()


def outcome_of(graded: tuple[Classroom, Grading], student: str) -> Outcome:
    return next(outcome for outcome in graded[1].outcomes if outcome.student == student)


def test_every_submission_has_an_outcome(graded: tuple[Classroom, Grading]) -> None:
    room, grading = graded
    folders = sorted(path.name for path in (room.folder / "submitted").iterdir())
    assert sorted(outcome.student for outcome in grading.outcomes) == folders


@pytest.mark.parametrize(
    ("student", "marks"),
    [
        ("complete", 70), ("english", 70), ("half-done", 30), ("blank", 0), ("renamed", 70), ("shadow", 70),
        ("html-page", 70), ("loops", 70), ("frank", 70), ("evelyn", 70),
    ],
)  # fmt: skip
def test_marks_are_those_that_the_work_deserves(
    graded: tuple[Classroom, Grading], student: str, marks: float
) -> None:
    assert graded[0].totals()[student] == marks


def test_what_is_put_right_or_goes_wrong_is_said_in_the_submission(
    graded: tuple[Classroom, Grading],
) -> None:
    said = {outcome.student: set(outcome.note_keys) for outcome in graded[1].outcomes}
    assert {s: keys for s, keys in said.items() if keys} == {
        "blank": {"nobody", "nothing_written"},
        "alice": {"partner"},
        "carol": {"partner_own"},
        "danny": {"partner_own"},
        "evelyn": {"partner_bad_id"},
        "frank": {"other_identity"},
        "damaged": {"not_json"},
        "empty-file": {"empty_file"},
        "nothing": {"empty_folder"},
        "renamed": {"wrong_name"},
        "shadow": {"skipped_file"},
        "dies-early": {"died"},
        "loops": {"cell_stopped"},
    }
    for outcome in graded[1].outcomes:
        path = graded[0].folder / "autograded" / outcome.student / LAB1 / f"{LAB1}.ipynb"
        first = nbformat.read(path, as_version=4).cells[0]
        assert all(note in first.source for note in outcome.notes)


def test_marks_of_two_who_hand_in_together_go_to_both(graded: tuple[Classroom, Grading]) -> None:
    totals = graded[0].totals()
    assert totals["alice"] == totals["bobby"] == 70
    assert (graded[0].folder / "autograded" / "bobby" / LAB1 / f"{LAB1}.ipynb").is_file()


def test_who_has_a_submission_of_their_own_keeps_its_marks(graded: tuple[Classroom, Grading]) -> None:
    totals = graded[0].totals()
    assert (totals["carol"], totals["danny"]) == (30, 70)


def test_an_id_that_is_a_path_makes_no_student(graded: tuple[Classroom, Grading]) -> None:
    room, _ = graded
    assert not any("mallory" in student for student in room.totals())
    assert not list(room.folder.parent.glob("**/mallory"))


def test_what_could_not_be_run_has_no_marks_and_waits_for_a_person(
    graded: tuple[Classroom, Grading],
) -> None:
    marks = graded[0].marks()
    for student in ("damaged", "empty-file", "nothing"):
        assert set(marks[student].values()) == {None} and needs_review(outcome_of(graded, student))
        assert marks_text(outcome_of(graded, student)) == "–"


def test_a_submission_that_died_keeps_what_was_finished(graded: tuple[Classroom, Grading]) -> None:
    marks = graded[0].marks()["dies-early"]
    finished = {
        "identity_check": 0.0,
        "train_data_check": 10.0,
        "discriminator_check": 12.0,
        "generator_check": 8.0,
    }
    assert {name: mark for name, mark in marks.items() if mark is not None} == finished
    assert "4 cells without marks" in marks_text(outcome_of(graded, "dies-early"))
    grader = graded[0].grader()
    with grader.store.transaction() as gradebook:
        assert gradebook.find_submission(LAB1, "dies-early").needs_manual_grade
    grader.close()


def test_the_log_has_every_submission_and_no_notebook(graded: tuple[Classroom, Grading]) -> None:
    assert graded[1].log is not None
    log = json.loads(graded[1].log.read_text())
    assert len(log["submissions"]) == len(graded[1].outcomes) and log["isolation"] == usable_isolation()
    assert all("notebook" not in entry and "marks" in entry for entry in log["submissions"])
    assert graded[1].log.stat().st_mode & 0o077 == 0


def test_the_next_run_has_nothing_to_do(graded: tuple[Classroom, Grading]) -> None:
    again = graded[0].grade()
    assert again.outcomes == [] and len(again.plan.skip) == len(graded[1].outcomes)


def test_only_what_changed_is_run_again(graded: tuple[Classroom, Grading]) -> None:
    room, _ = graded
    room.hand_in("half-done", room.identified(room.notebook("identity", "train_data"), "half-done"))
    assert [outcome.student for outcome in room.grade().outcomes] == ["half-done"]
    assert room.totals()["half-done"] == 10


def test_what_the_gradebook_lost_is_stored_again_without_a_run(graded: tuple[Classroom, Grading]) -> None:
    room, _ = graded
    grader = room.grader()
    with grader.store.transaction() as gradebook:
        gradebook.remove_submission(LAB1, "complete")
    grader.close()
    grading = room.grade()
    assert grading.plan.grade == [] and [o.student for o in grading.outcomes] == ["complete"]
    assert room.totals()["complete"] == 70


def mark_question(room: Classroom, student: str, score: float) -> None:
    """Give a mark by hand, as formgrader does."""
    with closing(room.grader()) as grader, grader.store.transaction() as gradebook:
        grade = gradebook.find_grade("question_models", LAB1, LAB1, student)
        grade.manual_score, grade.needs_manual_grade = score, False


def question_of(room: Classroom, student: str) -> tuple[float | None, bool]:
    """Return a person's mark, and whether a person is asked to review it."""
    with closing(room.grader()) as grader, grader.store.transaction() as gradebook:
        grade = gradebook.find_grade("question_models", LAB1, LAB1, student)
        return grade.manual_score, grade.needs_manual_grade


def test_force_runs_again_and_keeps_marks_given_by_hand(graded: tuple[Classroom, Grading]) -> None:
    room, _ = graded
    mark_question(room, "complete", 7)
    assert [o.student for o in room.grade(force=True, students="compl*").outcomes] == ["complete"]
    assert question_of(room, "complete") == (7, False)


def test_an_answer_that_changed_after_it_was_marked_is_looked_at_again(
    graded: tuple[Classroom, Grading],
) -> None:
    room, _ = graded
    mark_question(room, "complete", 7)
    changed = room.identified(room.notebook(), "complete")
    room.hand_in("complete", answer(changed, {"question_models": "Something else."}))
    room.grade(students="compl*")
    assert question_of(room, "complete") == (7, True)


@pytest.fixture(scope="module")
def feedback(graded: tuple[Classroom, Grading]) -> list[Path]:
    """The pages that stock nbgrader makes of the class."""
    room, _ = graded
    arguments = ["--CourseDirectory.root=" + str(room.folder), "--quiet"]
    subprocess.run(
        [sys.executable, "-m", "nbgrader", "generate_feedback", LAB1, "--force", *arguments],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    return sorted((room.folder / "feedback").glob(f"*/{LAB1}/{LAB1}.html"))


def test_nbgrader_makes_feedback_of_all(graded: tuple[Classroom, Grading], feedback: list[Path]) -> None:
    assert len(feedback) == len(graded[1].outcomes) + 1  # bobby has no folder of his own


def test_no_page_of_feedback_runs_a_students_script(feedback: list[Path]) -> None:
    with open_browser() as browser:
        tab = browser.new_page()
        for path in feedback:
            tab.goto(path.as_uri(), wait_until="load")
            assert tab.title() != "hacked", path.parent.parent.name


# --- runs that end early ---------------------------------------------------------------------------


def test_a_run_that_is_killed_goes_on_and_ends_with_the_same_marks(classroom: Classroom) -> None:
    half = classroom.notebook("identity", "train_data", "discriminator")
    for number in range(8):
        notebook = classroom.notebook() if number % 2 else half
        classroom.hand_in(f"s{number}", classroom.identified(notebook, f"s{number}"))
    expected = {f"s{number}": 70.0 if number % 2 else 22.0 for number in range(8)}
    process = subprocess.Popen(
        [sys.executable, "-m", "autograder.instructor.cli", "grade", LAB1, "--folder", str(classroom.folder),
         "--isolation", usable_isolation(), "--workers", "2"],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    children: list[psutil.Process] = []
    records = classroom.folder / "grading" / LAB1 / "submissions"
    while process.poll() is None and len(list(records.glob("s*.json"))) < 3:
        children = psutil.Process(process.pid).children(recursive=True)
        time.sleep(0.05)
    process.kill()
    process.wait()
    done = {path.stem: path.read_text() for path in records.glob("s*.json")}
    assert 0 < len(done) < 8
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive, "kernels outlived the run that was killed"

    grading = classroom.grade()
    assert classroom.totals() == expected
    assert len(grading.plan.grade) == 8 - len(done)
    stored = {name for name, text in done.items() if json.loads(text)["stored"]}
    assert all((records / f"{name}.json").read_text() == done[name] for name in stored)


def test_a_transaction_that_fails_leaves_nothing_behind(classroom: Classroom) -> None:
    classroom.hand_in("s1", classroom.notebook())
    grader = classroom.grader()
    notebook = nbformat.writes(classroom.notebook())
    marks = {str(grade_id(c)): 1.0 for c in classroom.notebook().cells if is_check_cell(c)}
    with pytest.raises(RuntimeError, match="power cut"), grader.store.transaction() as gradebook:
        grader.store._save_one(gradebook, "s1", LAB1, nbformat.reads(notebook, 4), marks, None, ())
        raise RuntimeError("power cut")
    assert not grader.store.has("s1", LAB1) and "s1" not in grader.store.students()
    grader.store.save(["s1"], LAB1, notebook, marks, owner="s1")
    grader.close()
    assert classroom.totals()["s1"] == len(marks)


def test_a_gradebook_that_stays_locked_loses_nothing(
    classroom: Classroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.instructor.grade.store._LOCKED_S", 0.0)
    classroom.hand_in("first", classroom.identified(classroom.notebook("train_data"), "first"))
    grader = classroom.grader()
    with sqlite3.connect(classroom.folder / "gradebook.db") as other:
        other.execute("BEGIN EXCLUSIVE")
        grading = grader.run()
        other.rollback()
    grader.close()
    assert grading.unstored == ["first"]
    again = classroom.grade()
    assert again.plan.grade == [] and again.unstored == [] and classroom.totals()["first"] == 10


def test_a_busy_machine_changes_no_mark(classroom: Classroom) -> None:
    """The cell needs three of its five seconds of processor time, and waits for the processor much longer."""
    cell = "import time\nstart = time.process_time()\nwhile time.process_time() - start < 3: pass"
    notebook = with_code(classroom.identified(classroom.notebook("train_data"), "alone"), "train_data", cell)
    classroom.hand_in("alone", notebook)
    loop = "import time\nend = time.monotonic() + 120\nwhile time.monotonic() < end: pass"
    hogs = [subprocess.Popen([sys.executable, "-c", loop]) for _ in range(2 * (os.cpu_count() or 1))]
    try:
        (outcome,) = classroom.grade().outcomes
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()
    assert outcome.note_keys == [] and outcome.marks["train_data_check"] == 10


def test_late_submissions_keep_their_time(classroom: Classroom) -> None:
    classroom.hand_in("late", classroom.identified(classroom.notebook("identity"), "late"))
    classroom.hand_in("late", b"2026-11-20 10:00:00 UTC", "timestamp.txt")
    classroom.grade()
    grader = classroom.grader()
    with grader.store.transaction() as gradebook:
        assert str(gradebook.find_submission(LAB1, "late").timestamp) == "2026-11-20 10:00:00"
    grader.close()
    assert (classroom.folder / "autograded" / "late" / LAB1 / "timestamp.txt").is_file()


def test_times_that_cannot_be_read_are_listed_and_cost_nothing(classroom: Classroom) -> None:
    (classroom.folder / "nbgrader_config.py").write_text(
        'c = get_config()\nc.LateSubmissionPlugin.penalty_method = "zero"\n'
    )
    stamps = {"forty": "9" * 40 + "h", "twice": "05/11/2026 10:00", "late": "2026-11-20 20:00 -0600"}
    for student, stamp in stamps.items():
        classroom.hand_in(student, classroom.identified(classroom.notebook("train_data"), student))
        classroom.hand_in(student, stamp.encode(), "timestamp.txt")
    with closing(classroom.grader()) as grader:
        with grader.store.transaction() as gradebook:
            gradebook.update_or_create_assignment(LAB1, duedate=datetime(2026, 11, 20, 23, 59))
        outcomes = {outcome.student: outcome for outcome in grader.run().outcomes}
    listed = {student for student, outcome in outcomes.items() if needs_review(outcome)}
    assert listed == {"forty", "twice"}
    assert "05/11/2026 10:00" in "".join(outcomes["twice"].notes)
    with closing(Collector(classroom.course, classroom.folder)) as collector:
        rows = {row.student: row for row in collector.collect(LAB1).rows}
    assert {s for s, row in rows.items() if "unreadable_time" in row.review_reasons} == listed
    assert {s: row.mark.late_penalty for s, row in rows.items() if row.mark} == {
        "forty": 0, "twice": 0, "late": 10,
    }  # fmt: skip


# --- submissions that mean harm ----------------------------------------------------------------------

# JSON may spell what no file can hold; a kernel's own messages never do.
SURROGATES = """
import json
get_ipython().kernel.session.pack = lambda content: json.dumps(content, default=str).encode()
raise ValueError("\\ud800 and \\udfff")
"""


@pytest.fixture(scope="module")
def besieged(
    make_classroom: MakeClassroom, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Classroom, Grading]:
    """A class in which some try to harm others, or whoever grades them."""
    room = make_classroom(tmp_path_factory.mktemp("besieged"))
    little = room.notebook("identity")
    room.hand_in("surrogates", with_code(room.identified(little, "surrogates"), "identity", SURROGATES))
    ids = 'student_id_1 = "\\x1b[2J\\n# \\ud800 [bold]"'
    room.hand_in("escapes", with_code(room.identified(little, "escapes"), "identity", ids))
    room.hand_in("latin-1", room.identified(little, "latin-1"), os.fsdecode(b"pr\xe1ctica\n\x1b[2J.ipynb"))
    linked = room.hand_in("linked", room.identified(little, "linked")).with_name("timestamp.txt")
    linked.symlink_to("/etc/passwd")
    piped = room.hand_in("piped", room.identified(little, "piped")).with_name("timestamp.txt")
    os.mkfifo(piped)
    room.enrol("bobby")
    room.hand_in("alice", room.identified(room.notebook(), "alice", "bobby"))
    room.grade()
    room.hand_in("mallory", room.identified(little, "mallory", "Bobby"))
    return room, room.grade(force=True)


def test_text_that_no_file_can_hold_stops_no_grading(besieged: tuple[Classroom, Grading]) -> None:
    room, grading = besieged
    assert outcome_of(besieged, "surrogates").status == "graded" and len(grading.outcomes) == 7
    path = room.folder / "autograded" / "surrogates" / LAB1 / f"{LAB1}.ipynb"
    assert "? and ?" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("student", ["escapes", "latin-1"])
def test_a_note_is_one_line_without_commands_to_a_terminal(
    besieged: tuple[Classroom, Grading], student: str
) -> None:
    outcome = outcome_of(besieged, student)
    assert outcome.status == "graded" and outcome.notes
    assert all(note.isprintable() for note in outcome.notes)


@pytest.mark.parametrize("student", ["linked", "piped"])
def test_a_timestamp_that_is_no_file_is_none(besieged: tuple[Classroom, Grading], student: str) -> None:
    assert outcome_of(besieged, student).status == "graded"
    assert not (besieged[0].folder / "autograded" / student / LAB1 / "timestamp.txt").exists()


def test_who_names_anothers_partner_takes_nothing_away(besieged: tuple[Classroom, Grading]) -> None:
    room, _ = besieged
    assert room.totals() | {"bobby": 70, "alice": 70, "mallory": 0} == room.totals()
    mallory = outcome_of(besieged, "mallory")
    assert mallory.recipients == ("mallory",) and needs_review(mallory)
    assert outcome_of(besieged, "alice").recipients == ("alice", "bobby")


# --- another scheduler -----------------------------------------------------------------------------


def test_a_worker_that_is_killed_costs_nothing_but_time(classroom: Classroom, tmp_path: Path) -> None:
    for number in range(6):
        classroom.hand_in(f"s{number}", classroom.identified(classroom.notebook(), f"s{number}"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    local = ["--host", "127.0.0.1", "--no-dashboard"]
    scheduler = ["scheduler", "--port", str(port), *local]
    worker = ["worker", address, "--nthreads", "1", "--no-nanny", *local]
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "dask", *command],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for command in (scheduler, worker, worker)
    ]
    try:
        wait_for_workers(address, 2)
        grader = classroom.grader(scheduler=address)
        victims: list[psutil.Process] = []

        def kill_a_worker(outcome: Outcome) -> None:
            if not victims:
                victims.extend(psutil.Process(processes[1].pid).children(recursive=True))
                processes[1].kill()

        grading = grader.run(kill_a_worker)
        grader.close()
        assert [o.status for o in grading.outcomes] == ["graded"] * 6
        assert classroom.totals() == {f"s{number}": 70.0 for number in range(6)}
        assert not psutil.wait_procs(victims, timeout=30)[1], "kernels outlived their worker"
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)


def wait_for_workers(address: str, count: int) -> None:
    from distributed import Client

    with Client(address, timeout=60) as client:
        client.wait_for_workers(count, timeout=60)


def test_a_port_that_another_grading_has_taken_is_no_concern(recwarn: pytest.WarningsRecorder) -> None:
    with closing(socket.socket()) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Taken already, perhaps: then nobody need take it.
        with contextlib.suppress(OSError):
            other.bind(("", 8787))
            other.listen()
        with engine.connect(None, 1):
            pass
    assert [str(w.message) for w in recwarn if "8787" in str(w.message)] == []


# --- what is said before anything runs -------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "Nobody has handed in lab1_sine_gan: submissions are expected in"),
        ({"isolation": "docker"}, "There is no isolation 'docker'"),
        ({"workers": 0}, "--workers must be at least 1, not 0"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(
    classroom: Classroom, options: dict[str, object], message: str
) -> None:
    with pytest.raises(CourseError, match=message):
        classroom.grader(**options)
    assert list(classroom.folder.iterdir()) == []


def test_a_pattern_that_matches_nobody_is_named(classroom: Classroom) -> None:
    classroom.hand_in("s1", classroom.notebook())
    with pytest.raises(CourseError, match=r"No student matches --students 'x\*'; 1 have handed"):
        classroom.grader(students="x*")


def test_kernels_that_do_not_start_are_named_before_any_submission_is_run(
    classroom: Classroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = f"{classroom.folder}/s"
    monkeypatch.setattr("autograder.instructor.grade.children.server_address", lambda *arguments: nobody)
    classroom.hand_in("s1", classroom.notebook())
    with pytest.raises(CourseError, match="Kernels do not work here with --isolation fork"):
        classroom.grade(isolation="fork")
    assert classroom.grader().plan.grade == ["s1"]


def test_a_scheduler_that_does_not_answer_is_named(classroom: Classroom) -> None:
    classroom.hand_in("s1", classroom.notebook())
    with pytest.raises(CourseError, match=r"No dask scheduler answers at tcp://127\.0\.0\.1:9"):
        classroom.grade(scheduler="tcp://127.0.0.1:9")


def test_a_gradebook_that_cannot_be_opened_is_named(classroom: Classroom) -> None:
    classroom.hand_in("ana", b"no notebook")
    with pytest.raises(CourseError, match=r"The gradebook cannot be opened: .*db_url"):
        classroom.grader(db_url="sqlite:////nowhere/at/all/gradebook.db")


def test_files_that_would_hide_a_library_are_not_used(tmp_path: Path) -> None:
    for name in ("torch.py", "helper.py", "data/torch.csv", "numpy/__init__.py", "sitecustomize.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "link.csv").symlink_to("/etc/passwd")
    files, notes = attachments(tmp_path)
    assert sorted(files) == ["data/torch.csv", "helper.py"]
    assert sorted(n.details["file"] for n in notes) == [
        "link.csv",
        "numpy/__init__.py",
        "sitecustomize.py",
        "torch.py",
    ]
