"""The one error that is meant for an instructor."""

from __future__ import annotations


class CourseError(Exception):
    """Something an instructor can put right; the message says what and how."""
