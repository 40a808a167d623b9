"""nbgrader's configuration of this course: stock nbgrader commands work from this folder.

`course build` writes the bilingual source notebooks that nbgrader reads (build/source); everything
else is nbgrader as it comes: `nbgrader generate_assignment`, `autograde`, `generate_feedback`,
`export`, formgrader.
"""

from importlib.resources import files
from pathlib import Path

from autograder.instructor.stamps import read_times_safely

c = get_config()  # noqa: F821  (nbgrader defines it)

c.CourseDirectory.course_id = "gan-course"
# Absolute, so that a class in a folder of its own (`course grade --folder`) finds the labs too.
c.CourseDirectory.source_directory = str(Path(__file__).parent / "build" / "source")
c.CourseDirectory.release_directory = "release/es"
c.CourseDirectory.ignore = [
    ".ipynb_checkpoints",
    "*.pyc",
    "__pycache__",
    "answers.toml",
    "*.gif",
    "marks.json",
]

# One source, two languages: the other language's cells go first, then the marks within code cells.
# The English release: see autograder/instructor/build.py.
c.TagRemovePreprocessor.enabled = True
c.TagRemovePreprocessor.remove_cell_tags = {"lang-en"}
c.SelectLanguage.language = "es"
c.GenerateAssignment.preprocessors = [
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

c.Autograde.autograde_preprocessors = [
    "autograder.instructor.preprocessors.ExecuteForGrading",
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
# The limit is per cell, in seconds.
c.Execute.timeout = 300
c.Execute.shutdown_kernel = "immediate"
c.ExecutePreprocessor.record_timing = False

# What students wrote is shown in feedback pages and in formgrader, and must not run there.
c.GenerateFeedback.exporter_class = "autograder.instructor.feedback.exporter.FeedbackExporter"
c.GenerateFeedback.preprocessors = [
    "autograder.instructor.feedback.grades.GetGradesAndGaps",
    "autograder.instructor.preprocessors.NeutraliseOutputs",
    "autograder.instructor.feedback.outline.OutlineFeedback",
]
# The same in formgrader, and no network: its template takes from the first folder what is there.
c.HTMLExporter.preprocessors = ["autograder.instructor.preprocessors.NeutraliseForFormgrader"]
c.HTMLExporter.filters = {
    "markdown2html": "autograder.instructor.pages.markdown",
    "highlight_code": "autograder.instructor.pages.highlighted",
    "ansi2html": "autograder.instructor.pages.coloured",
    "strip_files_prefix": "autograder.instructor.pages.unchanged",
}
c.HTMLExporter.extra_template_basedirs = [
    str(files("autograder.instructor") / "templates"),
    str(files("nbgrader") / "server_extensions" / "formgrader" / "templates"),
]
# Formgrader reads when something was handed in as `course grade` does: no link is followed.
read_times_safely()
