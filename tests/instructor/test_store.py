"""The gradebook: what lateness costs, a class folder's own configuration, and another program that holds it.

No kernel runs here: marks are stored as `course grade` stores them.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook, InvalidEntry
from nbgrader.apps.api import NbGraderAPI
from sqlalchemy.exc import IntegrityError, OperationalError

from autograder.instructor.export.writer import ExportOptions, export_marks
from autograder.instructor.grade.locks import GradebookBusy, as_busy
from autograder.instructor.grade.records import Record, Records
from autograder.instructor.grade.store import Folders, Store
from autograder.instructor.grade.work import Outcome
from autograder.instructor.intake import Templates
from autograder.instructor.options import Format
from autograder.instructor.report.collect import Collector
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.source import grade_id, is_check_cell, is_graded
from autograder.instructor.stamps import read_times_safely
from tests.conftest import LAB1, ROOT

DUE = datetime(2026, 11, 20, 12)
ZERO = 'c = get_config()\nc.LateSubmissionPlugin.penalty_method = "zero"\n'


class Desk:
    """A class in a folder of its own."""

    def __init__(self, course: Course, folder: Path, templates: Templates) -> None:
        self.course, self.folder = course, folder
        self.notebook = templates.notebooks[LAB1, "es"]

    @contextmanager
    def store(self) -> Iterator[Store]:
        with closing(Store(self.course.root, folder=self.folder)) as store:
            yield store

    def enter(self, due: datetime | None = DUE) -> None:
        with self.store() as store, store.transaction() as gradebook:
            gradebook.update_or_create_assignment(LAB1, duedate=due)
            gradebook.update_or_create_notebook(LAB1, LAB1)
            for cell in filter(is_graded, self.notebook.cells):
                kind = {"max_score": cell.metadata.nbgrader.points, "cell_type": cell.cell_type}
                gradebook.update_or_create_grade_cell(grade_id(cell), LAB1, LAB1, **kind)
            for cell in self.notebook.cells:
                if cell.metadata.get("nbgrader", {}).get("solution"):
                    gradebook.update_or_create_solution_cell(grade_id(cell), LAB1, LAB1)

    def hand_in(self, student: str, stamp: str | None) -> None:
        folder = self.folder / "submitted" / student / LAB1
        folder.mkdir(parents=True, exist_ok=True)
        if stamp is None:
            (folder / "timestamp.txt").unlink(missing_ok=True)
        else:
            (folder / "timestamp.txt").write_text(stamp)

    def save(self, owner: str, *partners: str) -> None:
        """Store full automatic marks."""
        marks = {
            str(grade_id(cell)): float(cell.metadata.nbgrader.points)
            for cell in self.notebook.cells
            if is_check_cell(cell)
        }
        with self.store() as store:
            store.save([owner, *partners], LAB1, nbformat.writes(self.notebook), marks, owner=owner)

    def mark(self, student: str, points: float) -> None:
        """Mark all open questions, as formgrader does, which knows nothing of lateness."""
        with Gradebook(f"sqlite:///{self.folder / 'gradebook.db'}") as gradebook:
            for grade in gradebook.find_submission_notebook(LAB1, LAB1, student).grades:
                if grade.cell_type == "markdown":
                    grade.manual_score, grade.needs_manual_grade = points, False
            gradebook.db.commit()

    def settle(self) -> list[str]:
        """Do what `course grade` does at its end."""
        with self.store() as store:
            return store.update_lateness(LAB1)

    def stored(self, student: str) -> tuple[datetime | None, float]:
        """Return time and penalty in the gradebook."""
        with Gradebook(f"sqlite:///{self.folder / 'gradebook.db'}") as gradebook:
            found = gradebook.find_submission(LAB1, student)
            return found.timestamp, found.late_submission_penalty or 0.0

    def totals(self) -> dict[str, float | None]:
        """Return the totals of the report, after making sure that the export has the same."""
        with closing(Collector(self.course, self.folder)) as collector:
            reported = {row.student: row.total for row in collector.collect(LAB1).rows}
        path = self.folder / "marks.csv"
        export_marks(self.course, ExportOptions(Format.CSV, lab=LAB1, folder=self.folder, output=path))
        lines = [line.split(",") for line in path.read_text(encoding="utf-8-sig").splitlines()]
        column = lines[0].index(f"{LAB1} total")
        exported = {line[0]: line[column] for line in lines[1:]}
        assert exported == {s: "" if total is None else f"{total:g}" for s, total in reported.items()}
        return reported


@pytest.fixture(scope="module")
def gradebook(course: Course, tmp_path_factory: pytest.TempPathFactory, templates: Templates) -> Path:
    """A gradebook that knows lab 1: making one takes nbgrader a while."""
    desk = Desk(course, tmp_path_factory.mktemp("empty"), templates)
    desk.enter()
    return desk.folder / "gradebook.db"


@pytest.fixture
def desk(course: Course, tmp_path: Path, templates: Templates, gradebook: Path) -> Desk:
    shutil.copy(gradebook, tmp_path)
    return Desk(course, tmp_path, templates)


@pytest.fixture
def strict(desk: Desk) -> Desk:
    """A class in which who is late gets nothing."""
    (desk.folder / "nbgrader_config.py").write_text(ZERO)
    return desk


LATE, PUNCTUAL = "2026-11-20 12:01", "2026-11-20 11:59"


# --- lateness --------------------------------------------------------------------------------------


def test_marks_by_hand_of_who_was_late_are_taken_off_too(strict: Desk) -> None:
    for student, stamp in (("late", LATE), ("punctual", PUNCTUAL)):
        strict.hand_in(student, stamp)
        strict.save(student)
        strict.mark(student, 5)
    assert strict.stored("late")[1] == 70
    assert strict.totals() == {"late": 0, "punctual": 90}, "right before the next grading, too"
    assert strict.settle() == ["late"]
    assert (strict.stored("late")[1], strict.stored("punctual")[1]) == (90, 0)
    assert strict.totals() == {"late": 0, "punctual": 90}
    assert strict.settle() == [], "once more changes nothing"


def test_partners_are_late_together(strict: Desk) -> None:
    strict.hand_in("ana", LATE)
    strict.save("ana", "bea")
    strict.mark("bea", 5)
    assert strict.settle() == ["bea"]
    assert (strict.stored("ana")[1], strict.stored("bea")[1]) == (70, 90)


def test_a_stamp_that_is_removed_takes_the_penalty_with_it(strict: Desk) -> None:
    strict.hand_in("ana", LATE)
    strict.save("ana", "bea")
    strict.hand_in("ana", None)
    strict.save("ana", "bea")
    strict.settle()
    assert strict.stored("ana") == strict.stored("bea") == (None, 0)


@pytest.mark.parametrize("change", ["due date", "no due date", "extension"])
def test_more_time_takes_the_penalty_back(strict: Desk, change: str) -> None:
    strict.hand_in("ana", LATE)
    strict.save("ana")
    strict.mark("ana", 5)
    strict.settle()
    with strict.store() as store, store.transaction() as gradebook:
        if change == "extension":
            gradebook.grant_extension(LAB1, "ana", hours=1)
        else:
            later = DUE + timedelta(hours=1) if change == "due date" else None
            gradebook.update_or_create_assignment(LAB1, duedate=later)
    assert strict.totals() == {"ana": 90}
    assert strict.settle() == ["ana"] and strict.stored("ana")[1] == 0


def test_an_extension_without_a_due_date_stops_nothing(strict: Desk) -> None:
    strict.enter(due=None)
    strict.hand_in("ana", LATE)
    strict.save("ana")
    with strict.store() as store, store.transaction() as gradebook:
        gradebook.grant_extension(LAB1, "ana", hours=1)
    strict.save("ana")
    assert strict.settle() == [] and strict.stored("ana") == (datetime(2026, 11, 20, 12, 1), 0)


@pytest.mark.parametrize(
    ("stamp", "penalty"),
    [
        ("2026-11-20 13:30 +0100", 70),
        ("2026-11-20 12:30 +0100", 0),
        ("2026-11-20 1:00 PM", 70),
        ("9" * 40 + "h", 0),
    ],
)
def test_a_time_counts_as_it_is_meant(strict: Desk, stamp: str, penalty: float) -> None:
    strict.hand_in("ana", stamp)
    strict.save("ana")
    assert strict.stored("ana")[1] == penalty


def test_a_total_waits_where_lateness_would_cost_something_and_is_not_known(strict: Desk) -> None:
    for student, stamp in (("ana", "yesterday"), ("eva", PUNCTUAL)):
        strict.hand_in(student, stamp)
        strict.save(student, *(["bea"] if student == "ana" else []))
        strict.mark(student, 5)
        keys = ["unreadable_time"] if student == "ana" else []
        recipients = ("ana", "bea") if student == "ana" else ("eva",)
        outcome = Outcome(student, "graded", "", {}, recipients=recipients, note_keys=keys)
        Records(strict.folder, LAB1).write(student, Record(outcome, "", "", 1, stored=True))
    strict.mark("bea", 5)
    assert strict.totals() == {"ana": None, "bea": None, "eva": 90}
    options = ExportOptions(Format.CSV, lab=LAB1, folder=strict.folder, output=strict.folder / "marks.csv")
    assert any("2 submissions came late" in line for line in export_marks(strict.course, options).warnings)
    (strict.folder / "nbgrader_config.py").write_text(ZERO.replace("zero", "none"))
    assert strict.totals() == {"ana": 90, "bea": 90, "eva": 90}


def test_nbgrader_finds_a_time_that_it_reads_right(strict: Desk) -> None:
    strict.hand_in("ana", "Fri, 20 Nov 2026 23:59:00 -0600")
    strict.save("ana")
    path = strict.folder / "autograded" / "ana" / LAB1 / "timestamp.txt"
    assert path.read_text() == "2026-11-21 05:59:00 UTC\n"
    strict.hand_in("ana", "yesterday")
    strict.save("ana")
    assert not path.exists()


def test_a_penalty_that_a_person_gave_stays(strict: Desk) -> None:
    strict.hand_in("ana", None)
    strict.save("ana")
    strict.mark("ana", 5)
    with strict.store() as store, store.transaction() as gradebook:
        gradebook.find_submission_notebook(LAB1, LAB1, "ana").late_submission_penalty = 10
    assert strict.settle() == [] and strict.totals() == {"ana": 80}


PLUGIN = """
from nbgrader.plugins import BasePlugin
class PerDay(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return {returned}
c = get_config()
c.AssignLatePenalties.plugin_class = PerDay
"""


@pytest.mark.parametrize(("returned", "penalty"), [("score / 10", 7), ("1e9", 70), ("-5", 0), ("None", 0)])
def test_a_plugin_of_the_instructors_own_decides(desk: Desk, returned: str, penalty: float) -> None:
    (desk.folder / "nbgrader_config.py").write_text(PLUGIN.format(returned=returned))
    desk.hand_in("ana", LATE)
    desk.save("ana")
    assert desk.stored("ana")[1] == pytest.approx(penalty)


@pytest.mark.parametrize("returned", ["1 / 0", "float('nan')", "'a lot'"])
def test_a_plugin_that_fails_is_named(desk: Desk, returned: str) -> None:
    (desk.folder / "nbgrader_config.py").write_text(PLUGIN.format(returned=returned))
    desk.hand_in("ana", LATE)
    with pytest.raises(CourseError, match="The rule for late submissions, PerDay, cannot be applied to ana"):
        desk.save("ana")


# --- a class folder's own configuration --------------------------------------------------------------


def test_the_folders_own_configuration_is_on_top_of_the_checkouts(tmp_path: Path) -> None:
    before = Folders(ROOT, folder=tmp_path).config
    (tmp_path / "nbgrader_config.py").write_text(f'{ZERO}c.CourseDirectory.course_id = "other"\n')
    after = Folders(ROOT, folder=tmp_path)
    assert after.config.LateSubmissionPlugin.penalty_method == "zero"
    assert after.coursedir.course_id == "other" and after.root == tmp_path
    assert after.config.TagRemovePreprocessor == before.TagRemovePreprocessor


def test_a_folder_may_begin_with_the_checkouts_configuration(tmp_path: Path) -> None:
    config = f'{ZERO}load_subconfig("{ROOT / "nbgrader_config.py"}")\nc.CourseDirectory.root = "elsewhere"\n'
    (tmp_path / "nbgrader_config.py").write_text(config)
    folders = Folders(ROOT, folder=tmp_path)
    assert folders.db_url == f"sqlite:///{tmp_path / 'gradebook.db'}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("c = get_config()\nc.A.b = 1 / 0\n", r"nbgrader_config\.py, line 2: ZeroDivisionError"),
        ("c = get_config()\n\nc.A.b = = 1\n", r"nbgrader_config\.py, line 3: SyntaxError"),
        ("import no_such_module\n", r"nbgrader_config\.py, line 1: ModuleNotFoundError"),
        ("exit(3)\n", r"nbgrader_config\.py, line 1: SystemExit"),
        (ZERO.replace("zero", "all"), "AssignLatePenalties, as nbgrader_config.py sets it up: TraitError"),
        ("get_config().CourseDirectory.course_id = 3\n", "CourseDirectory, as nbgrader_config.py sets it up"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_configuration_is_named_with_its_place(
    tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "nbgrader_config.py").write_text(content)
    with pytest.raises(CourseError, match=message):
        Store(ROOT, folder=tmp_path)


# --- another program holds the gradebook -------------------------------------------------------------


@pytest.fixture(params=["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
def lock(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Path], sqlite3.Connection]:
    """Hold a gradebook as another program may; our driver gives up soon."""
    connect = sqlite3.connect
    monkeypatch.setattr("sqlite3.dbapi2.connect", lambda *a, **o: connect(*a, **{**o, "timeout": 0.1}))

    def held(folder: Path) -> sqlite3.Connection:
        other = connect(folder / "gradebook.db", isolation_level=None, check_same_thread=False)
        other.execute(request.param)
        return other

    return held


@contextmanager
def released_after(seconds: float, other: sqlite3.Connection) -> Iterator[None]:
    """Let the other program go on after a while."""
    timer = threading.Timer(seconds, other.rollback)
    timer.start()
    yield
    timer.join()
    other.close()


def test_who_finds_the_gradebook_held_waits_and_says_so(
    strict: Desk, lock: Callable[[Path], sqlite3.Connection], caplog: pytest.LogCaptureFixture
) -> None:
    strict.hand_in("ana", PUNCTUAL)
    with strict.store() as store, released_after(1.0, lock(strict.folder)):
        store.save(["ana"], LAB1, nbformat.writes(strict.notebook), {}, owner="ana")
    assert strict.stored("ana")[0] is not None
    assert [record.getMessage() for record in caplog.records] == [
        "The gradebook cannot be used now: database is locked. Waiting up to 60 s for it."
    ]


def test_who_has_waited_in_vain_says_it_in_one_line_and_does_not_wait_again(
    strict: Desk,
    lock: Callable[[Path], sqlite3.Connection],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("autograder.instructor.grade.store._LOCKED_S", 1.0)
    with strict.store() as store:
        transaction, attempts = store.transaction, [0, 0]

        def counted(turn: int, *, write: bool) -> AbstractContextManager[Gradebook]:
            attempts[turn] += 1
            return transaction(write=write)

        other = lock(strict.folder)
        for turn in range(2):
            monkeypatch.setattr(store, "transaction", partial(counted, turn))
            with pytest.raises(GradebookBusy, match="database is locked"):
                store.transact(lambda gradebook: gradebook.update_or_create_student("ana"))
        assert attempts[0] > 1 and attempts[1] == 1
        other.close()
        assert store.transact(lambda gradebook: gradebook.update_or_create_student("ana").id) == "ana"
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_gradebook_that_is_held_when_it_is_opened_is_waited_for(
    strict: Desk, lock: Callable[[Path], sqlite3.Connection]
) -> None:
    with released_after(1.0, lock(strict.folder)), strict.store() as store:
        assert store.full_marks(LAB1)


def test_work_that_is_tried_again_starts_afresh(strict: Desk) -> None:
    attempts: list[int] = []

    def work(gradebook: Gradebook) -> None:
        gradebook.add_student(f"s{len(attempts)}")
        attempts.append(1)
        if len(attempts) < 3:
            raise OperationalError("UPDATE", {}, sqlite3.OperationalError("database is locked"))

    with strict.store() as store:
        store.transact(work)
        assert store.students() == {"s2"}


def test_a_full_disk_is_not_waited_for(strict: Desk) -> None:
    attempts: list[int] = []

    def work(gradebook: Gradebook) -> None:
        attempts.append(1)
        full = sqlite3.OperationalError("database or disk is full")
        full.sqlite_errorname = "SQLITE_FULL"
        raise OperationalError("UPDATE", {}, full)

    with strict.store() as store, pytest.raises(GradebookBusy, match="disk is full"):
        store.transact(work)
    assert len(attempts) == 1


class PostgreSQLError(Exception):
    """An error as psycopg raises it."""

    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("server said so")
        self.sqlstate = sqlstate


@pytest.mark.parametrize("sqlstate", ["55P03", "40001", "40P01", "57P01", "08006", None])
def test_postgresqls_states_pass_too(sqlstate: str | None) -> None:
    busy = as_busy(OperationalError("UPDATE", {}, PostgreSQLError(sqlstate)))
    assert busy is not None and busy.passing


def test_nbgraders_own_errors_are_seen_through() -> None:
    def as_nbgrader_does(error: Exception) -> Exception:
        try:
            try:
                raise error
            except Exception as found:
                raise InvalidEntry(*found.args)  # noqa: B904
        except InvalidEntry as entry:
            return entry

    locked = sqlite3.OperationalError("database is locked")
    assert as_busy(as_nbgrader_does(OperationalError("UPDATE", {}, locked)))
    twice = sqlite3.IntegrityError("UNIQUE constraint failed")
    assert as_busy(as_nbgrader_does(IntegrityError("INSERT", {}, twice))) is None
    assert as_busy(ValueError()) is None


# --- what nobody would find ------------------------------------------------------------------------


def test_a_folder_that_is_nearly_called_as_the_lab_is_named(strict: Desk) -> None:
    (strict.folder / "submitted" / "ana" / "Lab1-Sine GAN").mkdir(parents=True)
    (strict.folder / "submitted" / "bea" / "lab2_mnist_gan").mkdir(parents=True)
    strict.hand_in("eva", PUNCTUAL)
    with strict.store() as store:
        found = store.misplaced(LAB1, strict.course.labs)
    assert len(found) == 1 and found[0].startswith("ana/Lab1-Sine GAN was not found")


def test_what_a_student_has_counts_lateness_and_tells_of_marks_by_hand(strict: Desk) -> None:
    strict.hand_in("late", LATE)
    strict.save("late")
    with strict.store() as store:
        assert store.mark("nobody", LAB1) is None
        held = store.mark("late", LAB1)
    assert held is not None and (held.so_far, held.marked_by_hand) == (0.0, False)
    strict.mark("late", 5)
    with strict.store() as store:
        marked = store.mark("late", LAB1)
    assert marked is not None and marked.marked_by_hand


def test_formgrader_reads_no_time_through_a_link_and_bears_with_words(strict: Desk) -> None:
    read_times_safely()
    strict.hand_in("words", "2026-11-25 10:00 UTC maybe")
    strict.hand_in("right", "2026-11-20 11:59 -0600")
    strict.hand_in("link", PUNCTUAL)
    stamp = strict.folder / "submitted" / "link" / LAB1 / "timestamp.txt"
    stamp.unlink()
    stamp.symlink_to("/dev/zero")
    with strict.store() as store:
        api = NbGraderAPI(store.coursedir)
        times = {
            student: api.get_submitted_timestamp(LAB1, student) for student in ("words", "right", "link")
        }
    assert times == {"words": None, "right": datetime(2026, 11, 20, 17, 59), "link": None}
