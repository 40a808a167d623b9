"""Intake: from what a student handed in to a notebook that can be graded.

`reading` makes cells of whatever bytes were handed in, `matching` finds which of them answers which cell
of the lab, `rebuilding` grafts them into the lab's own notebook. What had to be put right is said in
`notes`, for the student's report. Nothing here runs a student's code, and nothing here raises on account
of what a student handed in.
"""

from course.instructor.intake.notes import Note
from course.instructor.intake.rebuilding import Rebuilt, Templates, rebuild

__all__ = ["Note", "Rebuilt", "Templates", "rebuild"]
