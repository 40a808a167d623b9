"""A simulated class: who hands in what, and what grading it shows."""

from __future__ import annotations

from autograder.instructor.demo.showing import run
from autograder.instructor.demo.students import Student, answer, first_lab, hand_in, simulated_class

__all__ = ["Student", "answer", "first_lab", "hand_in", "run", "simulated_class"]
