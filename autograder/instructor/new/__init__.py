"""`course new`: a lab from a template, or a whole course on this library; and how a lab is taken back."""

from autograder.instructor.new.course import CourseOptions, new_course
from autograder.instructor.new.lab import new_lab
from autograder.instructor.new.removal import remove_lab

__all__ = ["CourseOptions", "new_course", "new_lab", "remove_lab"]
