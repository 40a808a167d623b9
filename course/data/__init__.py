"""Data sets of the course: each has a form that needs no download."""

from course.data.batches import Batches
from course.data.digits import Digits, load_digits
from course.data.sine import sine_points

__all__ = ["Batches", "Digits", "load_digits", "sine_points"]
