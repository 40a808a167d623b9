"""nbgrader's configuration of a course: its nbgrader_config.py calls `configure`, and adds what it wants."""

from __future__ import annotations

import contextlib
from importlib.resources import files
from pathlib import Path

from traitlets.config import Config

from autograder.instructor.errors import CourseError
from autograder.instructor.settings import Course, load_course
from autograder.instructor.stamps import read_times_safely

# Editors' and Python's litter, what running a lab leaves behind, and what is the author's alone.
_NOT_GIVEN_OUT = [
    "claims.toml",
    "demands.toml",
    ".ipynb_checkpoints", "*.pyc", "__pycache__", "answers.toml", "demo_class.toml", "*.gif", "marks.json",
]  # fmt: skip
_GENERATE = [
    "nbconvert.preprocessors.TagRemovePreprocessor",
    "autograder.instructor.preprocessors.SelectLanguage",
    "nbgrader.preprocessors.IncludeHeaderFooter",
    "nbgrader.preprocessors.LockCells",
    "autograder.instructor.preprocessors.ClearSolutionsInLanguage",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.CheckCellMetadata",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.SaveCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]
_AUTOGRADE = [
    "autograder.instructor.preprocessors.ExecuteForGrading",
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "autograder.instructor.grade.late_days.AssignCourseLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
_FEEDBACK = [
    "autograder.instructor.feedback.grades.GetGradesAndGaps",
    "autograder.instructor.preprocessors.NeutraliseOutputs",
    "autograder.instructor.feedback.outline.OutlineFeedback",
]
_FILTERS = {
    "markdown2html": "autograder.instructor.pages.markdown",
    "highlight_code": "autograder.instructor.pages.highlighted",
    "ansi2html": "autograder.instructor.pages.coloured",
    "strip_files_prefix": "autograder.instructor.pages.unchanged",
}


def configure(c: Config, file: str) -> None:
    """Make stock nbgrader commands work in the folder of a course.

    `course build` writes the source notebooks in all languages that nbgrader reads (build/source);
    everything else is nbgrader as it comes: `nbgrader generate_assignment`, `autograde`,
    `generate_feedback`, `export`, formgrader.

    Args:
        c: the configuration, which nbgrader_config.py gets from `get_config()`.
        file: path of nbgrader_config.py, `__file__` there; course.toml lies beside it.

    Raises:
        CourseError: if course.toml is missing or not valid.
    """
    course = load_course(Path(file).parent)
    c.CourseDirectory.course_id = course.id
    # Absolute, so that a class in a folder of its own (`course grade --folder`) finds the labs too.
    c.CourseDirectory.source_directory = str(course.build / "source")
    c.CourseDirectory.release_directory = f"release/{course.language}"
    c.CourseDirectory.ignore = _NOT_GIVEN_OUT
    # One source, several languages: cells of the others go first, then the marks within code cells.
    c.TagRemovePreprocessor.enabled = True
    c.TagRemovePreprocessor.remove_cell_tags = {
        f"lang-{other}" for other in course.languages if other != course.language
    }
    c.SelectLanguage.language = course.language
    c.SelectLanguage.languages = list(course.languages)
    c.GenerateAssignment.preprocessors = _GENERATE
    c.Autograde.autograde_preprocessors = _AUTOGRADE
    # The limit is per cell, in seconds.
    c.Execute.timeout = 300
    c.Execute.shutdown_kernel = "immediate"
    c.ExecutePreprocessor.record_timing = False
    c.OutlineFeedback.course = str(course.root)
    _set_terms(c, course)
    _show_safely(c)
    # Formgrader reads when something was handed in as `course grade` does: no link is followed.
    read_times_safely()


def _set_terms(c: Config, course: Course) -> None:
    """Let due dates and what lateness costs be as course.toml says, where it does."""
    # A lab that is half made has none, and disturbs no other.
    dues = {}
    for lab in course.labs:
        with contextlib.suppress(CourseError):
            if (due := course.due(lab)) is not None:
                dues[lab] = due.isoformat()
    c.DueDates.due = dues
    if course.late:
        c.AssignLatePenalties.plugin_class = "autograder.instructor.grade.late_days.PenaltyPerDay"
        for name, value in course.late.items():
            setattr(c.PenaltyPerDay, name, value)


def _show_safely(c: Config) -> None:
    """Let what students wrote be shown in feedback pages and in formgrader, and not run there."""
    c.GenerateFeedback.exporter_class = "autograder.instructor.feedback.exporter.FeedbackExporter"
    c.GenerateFeedback.preprocessors = _FEEDBACK
    # The same in formgrader, and no network: its template takes from the first folder what is there.
    c.HTMLExporter.preprocessors = ["autograder.instructor.preprocessors.NeutraliseForFormgrader"]
    c.HTMLExporter.filters = _FILTERS
    c.HTMLExporter.extra_template_basedirs = [
        str(files("autograder.instructor") / "templates"),
        str(files("nbgrader") / "server_extensions" / "formgrader" / "templates"),
    ]
