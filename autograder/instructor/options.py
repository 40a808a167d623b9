"""What options of commands may be, and what they are unless somebody says otherwise.

Apart from the code that uses them: the command line reads them before it knows which command is meant.
"""

from __future__ import annotations

from enum import StrEnum

# Seeds that claims are held under, the notebook's own among them.
CLAIM_SEEDS = 3
# For one answer of an audit.
TIME_LIMIT_S = 120.0
# From here on a pair of submissions is listed as alike; 1 is the same. Chosen by measurement: see
# tests/instructor/test_similarity.py.
LIKENESS = 0.7


class Format(StrEnum):
    """A system that an export is for."""

    CSV = "csv"
    CANVAS = "canvas"
    MOODLE = "moodle"

    @property
    def encoding(self) -> str:
        """Return the encoding: a spreadsheet needs the byte order mark, the other systems do not."""
        return "utf-8-sig" if self is Format.CSV else "utf-8"


class Target(StrEnum):
    """What an archive of feedback pages is for."""

    MOODLE = "moodle"
    CANVAS = "canvas"
    STUDENTS = "students"
