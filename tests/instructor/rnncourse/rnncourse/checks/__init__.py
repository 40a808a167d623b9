"""Checks of this course's own."""
