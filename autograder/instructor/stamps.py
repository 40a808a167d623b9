"""Let formgrader read times of handing in as `course grade` does.

nbgrader reads `timestamp.txt` of every submission to list them, whatever it is: a link to a device would
never end, and one text that is no time, or another encoding, would close the list of the whole class.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from nbgrader.apps.api import NbGraderAPI

from autograder.instructor.grade import times


def read_times_safely() -> None:
    """Replace nbgrader's reading of times, in this process; called by nbgrader_config.py."""
    NbGraderAPI.get_submitted_timestamp = _submitted


def _submitted(api: NbGraderAPI, assignment_id: str, student_id: str) -> datetime | None:
    """Return when a student handed in, None if that is not known."""
    folder = api.coursedir.format_path(api.coursedir.submitted_directory, student_id, assignment_id)
    return times.read_stamp(Path(folder)).when
