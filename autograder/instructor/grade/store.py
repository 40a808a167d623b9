"""Write marks: nbgrader's gradebook, through nbgrader's API alone, and its folder autograded/.

One transaction holds all of a submission: whatever happens, the gradebook has all of it or nothing.
"""

from __future__ import annotations

import contextlib
import logging
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import SaveAutoGrades
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SAWarning
from traitlets import TraitError

from autograder.instructor.environment import environment, path_with_programs
from autograder.instructor.files import put
from autograder.instructor.grade import times
from autograder.instructor.grade.configuration import load_configuration
from autograder.instructor.grade.guard import shown
from autograder.instructor.grade.late import LateRule, update_lateness
from autograder.instructor.grade.locks import GradebookBusy, as_busy, quiet_nbgrader
from autograder.instructor.grade.work import REPORT_CELL
from autograder.instructor.gradebook import Mark, marks_of
from autograder.instructor.settings import CourseError
from autograder.instructor.source import grade_id

# How long to wait for another program that holds the gradebook, formgrader say.
_LOCKED_S = 60.0
_PAUSE_S = 0.5
# How long one attempt waits: SQLite's driver by itself, PostgreSQL because we say so.
_DRIVER_S = 5.0
# What opens and updates it at the same time may find what it is about to make.
_ALSO_OPENING = "already exists"
log = logging.getLogger(__name__)
# Among the cells of a notebook, by grade_id: all of it.
_ALL = "*"
Found = TypeVar("Found")


class SaveTrustedMarks(SaveAutoGrades):
    """nbgrader's SaveAutoGrades, with marks that were given elsewhere, in a transaction of the caller's."""

    def save(
        self,
        gradebook: Gradebook,
        notebook: NotebookNode,
        resources: Mapping[str, Any],
        marks: Mapping[str, float | None],
        earlier: Mapping[str, str],
        waits: Collection[str] = (),
    ) -> None:
        """Save the marks of one notebook.

        Args:
            gradebook: a gradebook with an open transaction.
            notebook: the marked notebook.
            resources: resources of nbgrader's preprocessors.
            marks: marks by grade_id of the check cells; None where a person must give them.
            earlier: sources of the cells of the student's last graded notebook, by grade_id.
            waits: grade_ids of the cells that a person must review: an answer is beside them, or a mark is to
                be confirmed.
        """
        names = resources["nbgrader"]
        self.gradebook, self.marks, self.earlier = gradebook, marks, earlier
        self.waits = frozenset(waits)
        self.written = _written(notebook)
        self.notebook_id, self.assignment_id = names["notebook"], names["assignment"]
        self.student_id = names["student"]
        # SaveAutoGrades.preprocess does the same with a gradebook that it opens itself.
        for index, cell in enumerate(notebook.cells):
            self.preprocess_cell(cell, resources, index)

    def _add_score(self, cell: NotebookNode, resources: Any) -> None:
        name = cell.metadata["nbgrader"]["grade_id"]
        grade = self.gradebook.find_grade(name, self.notebook_id, self.assignment_id, self.student_id)
        before, settled = grade.auto_score, grade.manual_score is not None and not grade.needs_manual_grade
        if name in self.marks:
            grade.auto_score = self.marks[name]
            grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None
            same = grade.auto_score == before
        else:
            super()._add_score(cell, resources)
            same = self.earlier.get(name) == cell.source
            if name in self.waits:  # nbgrader gives 0 to a cell in which nothing is written
                grade.auto_score = None
        if name in self.waits:
            grade.needs_manual_grade = True
            # What answers it may stand anywhere.
            same = same and self.earlier.get(_ALL) == self.written
        # nbgrader would ask a person to confirm every mark again, also where nothing has changed.
        if settled and same:
            grade.needs_manual_grade = False


def _written(notebook: NotebookNode) -> str:
    """Return all that stands in a notebook but for what grading itself writes there."""
    return "\0".join(cell.source for cell in notebook.cells if cell.get("id") != REPORT_CELL)


class Folders:
    """The folders of a course, as nbgrader's own configuration names them."""

    def __init__(self, config: Path, *, folder: Path | None = None, db_url: str | None = None) -> None:
        """Read the configuration; nothing is opened or made.

        Args:
            config: the folder that holds nbgrader_config.py.
            folder: folder that holds submitted/, autograded/ and the gradebook, and perhaps an
                nbgrader_config.py of its own; None: the same.
            db_url: another gradebook than the configuration's.

        Raises:
            CourseError: if there is no such folder, or the configuration is not valid.
        """
        if folder is not None and not folder.is_dir():
            raise CourseError(f"There is no folder {folder}. --folder names the one that holds submitted/.")
        self.config = load_configuration(config, folder)
        self.root = (folder or config).resolve()
        self.config.CourseDirectory.root = str(self.root)
        if db_url is not None:
            self.config.CourseDirectory.db_url = db_url
        try:
            self.coursedir = CourseDirectory(config=self.config)
        except TraitError as error:
            raise CourseError(f"CourseDirectory, as nbgrader_config.py sets it up: {error}") from None
        self.db_url: str = self.coursedir.db_url

    @property
    def has_gradebook(self) -> bool:
        """Tell whether there is a gradebook; of another machine's database, whether one is named."""
        database = make_url(self.db_url)
        return database.get_backend_name() != "sqlite" or Path(str(database.database)).is_file()

    def folder(self, step: str, student: str, lab: str) -> Path:
        """Return the folder of a submission: step is "submitted", "autograded" or "feedback"."""
        name = getattr(self.coursedir, f"{step}_directory")
        return Path(self.coursedir.format_path(name, student, lab))

    def submissions(self, lab: str, pattern: str = "*") -> list[str]:
        """Return the students whose folder of a lab matches a shell pattern, in order."""
        parent = self.folder("submitted", "X", lab).parent.parent
        found = (path.parent.name for path in parent.glob(f"{pattern}/{lab}") if path.is_dir())
        return sorted(found)

    def misplaced(self, lab: str, labs: Collection[str]) -> list[str]:
        """Return a sentence for each thing in submitted/ that nobody would find by its name.

        Args:
            lab: the lab's id.
            labs: those of the course.
        """
        found = []
        for student in sorted(self.folder("submitted", "X", lab).parent.parent.glob("*")):
            if not student.is_dir() or (student / lab).is_dir():
                continue
            names: list[str] = []
            with contextlib.suppress(OSError):  # a folder that nobody may read
                names = [path.name for path in islice(student.iterdir(), 100)]
            odd = [n for n in names if n not in labs and (_plain(n) == _plain(lab) or n.endswith(".ipynb"))]
            found += [
                f"{shown(student.name)}/{shown(name)} was not found by its name: submissions lie in "
                f"submitted/STUDENT/{lab}/."
                for name in odd[:1]
            ]
        return found


def _plain(name: str) -> str:
    """Return the name of a folder without what people write differently."""
    return "".join(c for c in name.casefold() if c.isalnum())


class Store(Folders):
    """The gradebook and the folders of a course."""

    def __init__(
        self,
        config: Path,
        *,
        folder: Path | None = None,
        db_url: str | None = None,
        must_exist: bool = False,
    ) -> None:
        """Open the gradebook.

        Args:
            config: the folder that holds nbgrader_config.py.
            folder: folder that holds submitted/, autograded/ and the gradebook; None: the same.
            db_url: another gradebook than the configuration's.
            must_exist: whether a gradebook that is not there is an error; else it is made.

        Raises:
            CourseError: if it cannot be opened; a `GradebookBusy` if another program holds it.
        """
        super().__init__(config, folder=folder, db_url=db_url)
        self.late_rule = LateRule(self.config, self.root)
        self._gave_up = False
        database = make_url(self.db_url)
        # Another machine's database that does not answer when it is opened is perhaps none: no waiting.
        self._is_file = database.get_backend_name() == "sqlite"
        if must_exist and not self.has_gradebook:
            raise CourseError(
                f"There is no gradebook at {database.database}: nothing was graded there yet. "
                "`course grade LAB` does it; --folder names the folder that holds submitted/."
            )
        self._gradebook = self._patiently(self._open)

    def _open(self) -> Gradebook:
        """Open the gradebook once.

        Raises:
            CourseError: if it cannot be opened.
        """
        try:
            with environment(PATH=path_with_programs()), quiet_nbgrader():
                return Gradebook(self.db_url, self.coursedir.course_id)
        except Exception as error:  # SQLAlchemy and its drivers raise classes of their own
            busy = as_busy(error)
            if busy is not None and busy.passing and self._is_file:
                raise busy from None
            if _ALSO_OPENING in str(error):
                raise GradebookBusy("Another program is making the gradebook.") from None
            raise CourseError(
                f"The gradebook cannot be opened: {type(error).__name__}: {str(error).splitlines()[0]}. "
                "CourseDirectory.db_url in nbgrader_config.py says where it is."
            ) from None

    def close(self) -> None:
        """Close the gradebook."""
        self._gradebook.close()

    # --- the gradebook -----------------------------------------------------------------------------

    @contextlib.contextmanager
    def transaction(self, *, write: bool = False) -> Iterator[Gradebook]:
        """Yield the gradebook; what is done in the body is saved at its end as a whole, or not at all.

        nbgrader's API commits after every step; here its session joins a transaction of ours, which
        those commits do not end.

        Args:
            write: whether to wait for the right to write at once, and not at the first change.

        Raises:
            GradebookBusy: if the gradebook did not take it; `transact` tries again.
        """
        gradebook = self._gradebook
        try:
            with contextlib.ExitStack() as stack:
                stack.enter_context(quiet_nbgrader())
                connection = stack.enter_context(gradebook.engine.connect())
                outer = connection.begin()
                self._begin(connection, write=write)
                gradebook.db.remove()
                gradebook.db.configure(bind=connection, join_transaction_mode="rollback_only")
                stack.callback(gradebook.db.configure, bind=gradebook.engine)
                stack.callback(gradebook.db.remove)
                # nbgrader reads what it is about to add; SQLAlchemy then says that it is not added yet.
                stack.enter_context(warnings.catch_warnings())
                warnings.simplefilter("ignore", SAWarning)
                yield gradebook
                gradebook.db.flush()
                outer.commit()
        except Exception as error:
            # Whatever was not committed is rolled back with the connection.
            busy = as_busy(error)
            if busy is None:
                raise
            raise busy from error

    def _begin(self, connection: Connection, *, write: bool) -> None:
        """Begin a transaction so that who has to wait is told so, at its start where that is possible."""
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {round(1000 * _DRIVER_S)}")
        elif write and connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    def transact(self, work: Callable[[Gradebook], Found], *, write: bool = True) -> Found:
        """Do some work in a transaction; as a whole once more while another program holds the gradebook.

        Args:
            work: function to call with the gradebook, perhaps several times.
            write: whether it changes anything.

        Raises:
            GradebookBusy: if the gradebook did not take it, after waiting.
        """

        def once() -> Found:
            with self.transaction(write=write) as gradebook:
                return work(gradebook)

        return self._patiently(once)

    def _patiently(self, attempt: Callable[[], Found]) -> Found:
        """Try until the gradebook is free again; who has waited in vain before does not wait again.

        Raises:
            GradebookBusy: if it does not become free.
        """
        begin, said = time.monotonic(), False
        while True:
            try:
                found = attempt()
            except GradebookBusy as busy:
                late = time.monotonic() - begin > _LOCKED_S
                if not busy.passing or late or self._gave_up:
                    self._gave_up = self._gave_up or busy.passing
                    raise
                if not said:
                    log.warning("%s Waiting up to %g s for it.", busy, _LOCKED_S)
                    said = True
                time.sleep(_PAUSE_S)
            else:
                self._gave_up = False
                return found

    def full_marks(self, lab: str) -> dict[str, float] | None:
        """Return the full marks of a lab's graded cells, None if the gradebook does not know the lab."""

        def read(gradebook: Gradebook) -> dict[str, float] | None:
            try:
                notebook = gradebook.find_notebook(lab, lab)
            except MissingEntry:
                return None
            return {cell.name: float(cell.max_score) for cell in notebook.grade_cells}

        return self.transact(read, write=False)

    def students(self) -> set[str]:
        """Return the ids of all students that the gradebook knows."""
        return self.transact(lambda gradebook: {s.id for s in gradebook.students}, write=False)

    def has(self, student: str, lab: str) -> bool:
        """Tell whether a submission is in the gradebook and in autograded/."""
        if not (self.folder("autograded", student, lab) / f"{lab}.ipynb").is_file():
            return False

        def read(gradebook: Gradebook) -> bool:
            try:
                gradebook.find_submission(lab, student)
            except MissingEntry:
                return False
            return True

        return self.transact(read, write=False)

    def mark(self, student: str, lab: str) -> Mark | None:
        """Return what a student has for a lab, with what lateness costs now; None if there is nothing.

        Raises:
            GradebookBusy: if the gradebook cannot be read.
        """

        def read(gradebook: Gradebook) -> Mark | None:
            return next((mark for mark in marks_of(gradebook, lab) if mark.student == student), None)

        found = self.transact(read, write=False)
        return None if found is None else self.late_rule.applied([found])[0]

    def update_lateness(self, lab: str) -> list[str]:
        """Apply the rule for late submissions to all that is stored; return whose penalty changed.

        Raises:
            GradebookBusy: if the gradebook did not take it.
            CourseError: if the rule cannot be applied.
        """

        def when_of(student: str) -> datetime | None:
            return times.read_stamp(self.folder("autograded", student, lab)).when

        return self.transact(lambda gradebook: update_lateness(gradebook, lab, self.late_rule, when_of))

    def save(
        self,
        students: Sequence[str],
        lab: str,
        notebook: str,
        marks: Mapping[str, float | None],
        owner: str,
        waits: Collection[str] = (),
    ) -> None:
        """Save a graded submission for everybody who handed it in.

        Args:
            students: ids of those who get the marks.
            lab: the lab's id.
            notebook: the marked notebook, as JSON text.
            marks: marks by grade_id of the check cells; None where a person must give them.
            owner: id of the student whose folder it lies in.
            waits: grade_ids of the cells that a person must review.

        Raises:
            GradebookBusy: if the gradebook did not take it, after waiting; it has nothing of it then.
        """
        content = nbformat.reads(notebook, as_version=4)
        when = self.stamp(owner, lab).when

        def write(gradebook: Gradebook) -> None:
            for student in students:
                self._save_one(gradebook, student, lab, content, marks, when, waits)

        self.transact(write)
        for student in students:
            self._write_autograded(student, lab, notebook, when)

    def _save_one(
        self,
        gradebook: Gradebook,
        student: str,
        lab: str,
        notebook: NotebookNode,
        marks: Mapping[str, float | None],
        timestamp: datetime | None,
        waits: Collection[str],
    ) -> None:
        """Save a submission for one student."""
        gradebook.update_or_create_student(student)
        gradebook.update_or_create_submission(lab, student, timestamp=timestamp)
        names = {"student": student, "assignment": lab, "notebook": lab, "db_url": self.db_url}
        earlier = self._graded_cells(student, lab)
        resources = {"nbgrader": names}
        SaveTrustedMarks(config=self.config).save(gradebook, notebook, resources, marks, earlier, waits)
        self._assign_late_penalty(gradebook, student, lab)

    def _assign_late_penalty(self, gradebook: Gradebook, student: str, lab: str) -> None:
        """Apply the rule for late submissions, as nbgrader's AssignLatePenalties does."""
        submission = gradebook.find_submission(lab, student)
        notebook = gradebook.find_submission_notebook(lab, lab, student)
        longer = submission.extension or timedelta()
        due = submission.assignment.duedate
        stored = Mark(
            student, lab, timestamp=submission.timestamp, due=due + longer if due else None, extension=longer
        )
        late_s = self.late_rule.terms.applied(stored).late_s
        full = float(notebook.max_score)
        notebook.late_submission_penalty = self.late_rule.penalty(student, notebook.score, late_s, full)

    def stamp(self, student: str, lab: str) -> times.Stamp:
        """Return when a submission was handed in, as its folder says."""
        return times.read_stamp(self.folder("submitted", student, lab))

    def _graded_cells(self, student: str, lab: str) -> dict[str, str]:
        """Return what the cells of the last graded notebook held, by grade_id; nothing if there is none."""
        path = self.folder("autograded", student, lab) / f"{lab}.ipynb"
        try:
            notebook = nbformat.read(path, as_version=4)
        except (OSError, ValueError, nbformat.ValidationError):
            return {}
        cells = {str(name): cell.source for cell in notebook.cells if (name := grade_id(cell)) is not None}
        return {**cells, _ALL: _written(notebook)}

    def _write_autograded(self, student: str, lab: str, notebook: str, when: datetime | None) -> None:
        """Write the marked notebook where nbgrader's feedback and formgrader look for it."""
        target = self.folder("autograded", student, lab)
        put(target / f"{lab}.ipynb", notebook.encode())
        if when is None:
            (target / times.NAME).unlink(missing_ok=True)
        else:
            put(target / times.NAME, times.written(when))
