"""Intake: from what a student handed in to a notebook that can be graded.

`reading` makes cells of whatever bytes were handed in, `choosing` finds the file that counts and whether it
is the lab's, `matching` finds which of its cells answers which cell of the lab, `beside` finds answers that
are in no answer cell, `rebuilding` grafts all into the lab's own notebook. What had to be put right is said
in `notes`, for the student's report. Nothing here runs a student's code, and nothing here raises on account
of what a student handed in.
"""

from autograder.instructor.intake.notes import Note
from autograder.instructor.intake.rebuilding import Rebuilt, rebuild
from autograder.instructor.intake.templates import Templates

__all__ = ["Note", "Rebuilt", "Templates", "rebuild"]
