"""Write marks: nbgrader's gradebook, through nbgrader's API alone, and its folder autograded/.

One transaction holds all of a submission: whatever happens, the gradebook has all of it or nothing.
"""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import NbGrader
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties, SaveAutoGrades
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError, SAWarning

from course.instructor.environment import environment, path_with_programs
from course.instructor.files import put
from course.instructor.settings import CourseError
from course.instructor.source import grade_id

_LOCKED_S = 60.0
_MAX_STAMP = 1000


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
            gradebook: with a transaction that is open.
            notebook: as it was marked.
            resources: as nbgrader's preprocessors have them.
            marks: by grade_id of the check cells; None where a person must look.
            earlier: what the cells of the student's last graded notebook held, by grade_id.
            waits: cells that a person must look at: an answer is beside them, or a mark is to be confirmed.
        """
        names = resources["nbgrader"]
        self.gradebook, self.marks, self.earlier = gradebook, marks, earlier
        self.waits = frozenset(waits)
        self.notebook_id, self.assignment_id = names["notebook"], names["assignment"]
        self.student_id = names["student"]
        # SaveAutoGrades.preprocess would open a gradebook of its own.
        super(SaveAutoGrades, self).preprocess(notebook, resources)

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
            same = self.earlier.get(name) == cell.source and name not in self.waits
            if name in self.waits:  # nbgrader gives 0 to a cell in which nothing is written
                grade.auto_score = None
        if name in self.waits:
            grade.needs_manual_grade = True
        # nbgrader would ask a person to confirm every mark again, also where nothing has changed.
        if settled and same:
            grade.needs_manual_grade = False


class Folders:
    """The folders of a course, as nbgrader's own configuration names them."""

    def __init__(self, config: Path, *, folder: Path | None = None, db_url: str | None = None) -> None:
        """Read the configuration; nothing is opened or made.

        Args:
            config: the folder that holds nbgrader_config.py.
            folder: holds submitted/, autograded/ and the gradebook; None: the same.
            db_url: another gradebook than the configuration's.

        Raises:
            CourseError: if there is no such folder.
        """
        if folder is not None and not folder.is_dir():
            raise CourseError(f"There is no folder {folder}. --folder names the one that holds submitted/.")
        app = NbGrader()
        with contextlib.chdir(config):
            app.load_config_file()
        self.root = (folder or config).resolve()
        app.config.CourseDirectory.root = str(self.root)
        if db_url is not None:
            app.config.CourseDirectory.db_url = db_url
        self.config = app.config
        self.coursedir = CourseDirectory(config=app.config)
        self.db_url: str = self.coursedir.db_url

    def folder(self, step: str, student: str, lab: str) -> Path:
        """Return the folder of a submission: step is "submitted", "autograded" or "feedback"."""
        name = getattr(self.coursedir, f"{step}_directory")
        return Path(self.coursedir.format_path(name, student, lab))

    def submissions(self, lab: str, pattern: str = "*") -> list[str]:
        """Return the students whose folder of a lab matches a shell pattern, in order."""
        parent = self.folder("submitted", "X", lab).parent.parent
        found = (path.parent.name for path in parent.glob(f"{pattern}/{lab}") if path.is_dir())
        return sorted(found)


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
            folder: holds submitted/, autograded/ and the gradebook; None: the same.
            db_url: another gradebook than the configuration's.
            must_exist: whether a gradebook that is not there is an error; else it is made.

        Raises:
            CourseError: if it cannot be opened.
        """
        super().__init__(config, folder=folder, db_url=db_url)
        database = make_url(self.db_url)
        if (
            must_exist
            and database.get_backend_name() == "sqlite"
            and not Path(str(database.database)).is_file()
        ):
            raise CourseError(
                f"There is no gradebook at {database.database}: nothing was graded there yet. "
                "`course grade LAB` does it; --folder names the folder that holds submitted/."
            )
        try:
            with environment(PATH=path_with_programs()):
                self._gradebook = Gradebook(self.db_url, self.coursedir.course_id)
        except Exception as error:  # SQLAlchemy and its drivers raise classes of their own
            raise CourseError(
                f"The gradebook cannot be opened: {type(error).__name__}: {str(error).splitlines()[0]}. "
                "CourseDirectory.db_url in nbgrader_config.py says where it is."
            ) from None

    def close(self) -> None:
        """Close the gradebook."""
        self._gradebook.close()

    # --- the gradebook -----------------------------------------------------------------------------

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Gradebook]:
        """Yield the gradebook; what is done in the body is saved at its end as a whole, or not at all.

        nbgrader's API commits after every step; here its session joins a transaction of ours, which
        those commits do not end.
        """
        gradebook = self._gradebook
        connection = gradebook.engine.connect()
        outer = connection.begin()
        gradebook.db.remove()
        gradebook.db.configure(bind=connection, join_transaction_mode="rollback_only")
        try:
            with warnings.catch_warnings():
                # nbgrader reads what it is about to add; SQLAlchemy then says that it is not added yet.
                warnings.simplefilter("ignore", SAWarning)
                yield gradebook
                gradebook.db.flush()
            outer.commit()
        except BaseException:
            outer.rollback()
            raise
        finally:
            gradebook.db.remove()
            gradebook.db.configure(bind=gradebook.engine)
            connection.close()

    def full_marks(self, lab: str) -> dict[str, float] | None:
        """Return the full marks of a lab's graded cells, None if the gradebook does not know the lab."""
        with self.transaction() as gradebook:
            try:
                notebook = gradebook.find_notebook(lab, lab)
            except MissingEntry:
                return None
            return {cell.name: float(cell.max_score) for cell in notebook.grade_cells}

    def students(self) -> set[str]:
        """Return the ids of all students that the gradebook knows."""
        with self.transaction() as gradebook:
            return {student.id for student in gradebook.students}

    def has(self, student: str, lab: str) -> bool:
        """Tell whether a submission is in the gradebook and in autograded/."""
        if not (self.folder("autograded", student, lab) / f"{lab}.ipynb").is_file():
            return False
        with self.transaction() as gradebook:
            try:
                gradebook.find_submission(lab, student)
            except MissingEntry:
                return False
        return True

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
            students: who get the marks.
            lab: the lab's id.
            notebook: the marked notebook, as JSON text.
            marks: by grade_id of the check cells; None where a person must look.
            owner: whose folder it lies in.
            waits: cells that a person must look at.

        Raises:
            OperationalError: if the gradebook stays locked.
        """
        content = nbformat.reads(notebook, as_version=4)
        timestamp = self._timestamp(owner, lab)
        deadline = time.monotonic() + _LOCKED_S
        while True:
            try:
                with self.transaction() as gradebook:
                    for student in students:
                        self._save_one(gradebook, student, lab, content, marks, timestamp, waits)
                break
            except OperationalError as error:
                # Another program, formgrader say, may be writing.
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
        for student in students:
            self._write_autograded(student, lab, notebook, owner)

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
        given = {"timestamp": timestamp} if timestamp else {}
        gradebook.update_or_create_submission(lab, student, **given)
        names = {"student": student, "assignment": lab, "notebook": lab, "db_url": self.db_url}
        earlier = self._graded_cells(student, lab)
        resources = {"nbgrader": names}
        SaveTrustedMarks(config=self.config).save(gradebook, notebook, resources, marks, earlier, waits)
        self._assign_late_penalty(gradebook, student, lab)

    def _assign_late_penalty(self, gradebook: Gradebook, student: str, lab: str) -> None:
        """Apply the course's rule for late submissions, as nbgrader's AssignLatePenalties does."""
        rule = AssignLatePenalties(config=self.config)
        rule.init_plugin()
        submission = gradebook.find_submission(lab, student)
        notebook = gradebook.find_submission_notebook(lab, lab, student)
        notebook.late_submission_penalty = None
        late_s = submission.total_seconds_late
        if late_s > 0:
            penalty = rule.plugin_inst.late_submission_penalty(student, notebook.score, late_s)
            if penalty is not None:
                notebook.late_submission_penalty = rule._check_late_penalty(notebook, penalty)

    def _timestamp(self, student: str, lab: str) -> datetime | None:
        """Return when a submission was handed in, if its folder says so."""
        try:
            found: datetime = utils.parse_utc(self._stamp(student, lab).decode().strip())
        except (ValueError, OverflowError):
            return None
        return found

    def _stamp(self, student: str, lab: str) -> bytes:
        """Return the content of timestamp.txt, nothing if there is none.

        Students may hand one in: a link would lead out of the folder, a pipe would never end.
        """
        path = self.folder("submitted", student, lab) / "timestamp.txt"
        with contextlib.suppress(OSError):
            if path.is_file() and not path.is_symlink() and path.stat().st_size <= _MAX_STAMP:
                return path.read_bytes()
        return b""

    def _graded_cells(self, student: str, lab: str) -> dict[str, str]:
        """Return what the cells of the last graded notebook held, by grade_id; nothing if there is none."""
        path = self.folder("autograded", student, lab) / f"{lab}.ipynb"
        try:
            notebook = nbformat.read(path, as_version=4)
        except (OSError, ValueError, nbformat.ValidationError):
            return {}
        return {str(name): cell.source for cell in notebook.cells if (name := grade_id(cell)) is not None}

    def _write_autograded(self, student: str, lab: str, notebook: str, owner: str) -> None:
        """Write the marked notebook where nbgrader's feedback and formgrader look for it."""
        target = self.folder("autograded", student, lab)
        put(target / f"{lab}.ipynb", notebook.encode())
        if stamp := self._stamp(owner, lab):
            put(target / "timestamp.txt", stamp)
