"""The same exports for stock nbgrader.

`nbgrader export --exporter=autograder.instructor.export.plugins.CanvasExport --to=canvas.csv`
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.plugins import ExportPlugin
from traitlets import Bool, Unicode

from autograder.instructor.export.results import known_labs
from autograder.instructor.export.roster import read_roster
from autograder.instructor.export.writer import assignment_headers, results_of, write_export
from autograder.instructor.grade.late import LateRule
from autograder.instructor.options import Format
from autograder.instructor.settings import load_course


class MarksExport(ExportPlugin):
    """Marks for a spreadsheet."""

    system = Format.CSV
    roster = Unicode("", help="A file that says who is in the class; see docs/exports.md").tag(config=True)
    partial = Bool(False, help="Give marks that are not complete as they are so far").tag(config=True)

    def export(self, gradebook: Gradebook) -> None:
        """Write the marks of the chosen assignments, of all that the gradebook knows by default."""
        course = load_course()
        labs = [str(name) for name in self.assignment] or sorted(
            known_labs(gradebook), key=lambda lab: (lab not in course.labs, lab)
        )
        results = replace(results_of(gradebook, labs, LateRule(self.config)), zone=course.zone)
        if self.student:
            chosen = {str(student) for student in self.student}
            results = results.only(chosen)
        roster = read_roster(Path(self.roster)) if self.roster else None
        headers = assignment_headers(course, roster, results)
        path = Path(self.to or f"marks-{self.system}.csv")
        found = write_export(path, self.system, results, roster, headers, partial=self.partial)
        self.log.info("%s: %d students", found.path, found.students)
        for warning in found.warnings:
            self.log.warning(warning)


class CanvasExport(MarksExport):
    """Marks in the format of Canvas's gradebook."""

    system = Format.CANVAS


class MoodleExport(MarksExport):
    """Marks in a format for Moodle's grade import."""

    system = Format.MOODLE
