"""How much of the machine one submission may use."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from autograder.instructor.settings import CourseError

MB = 2**20


@dataclass(frozen=True)
class Limits:
    """What one submission may use. Time is processor time: a busy machine must not change a mark.

    Attributes:
        cell_cpu_s: processor time of one cell.
        notebook_cpu_s: processor time of a whole notebook.
        idle_s: how long a cell may wait, without using the processor, for something that never comes; a
            notebook five times as long.
        memory_mb: memory of all its processes together, private and shared.
        processes: number of processes.
        disk_mb: what it may write, in its folder and in /tmp each, and in any one file.
        files: number of files and folders that it may have there, in each.
        output_mb: what one cell may print and show.
        outputs: how many outputs one cell may show: pictures, tables, stretches of print.
    """

    cell_cpu_s: float = 60.0
    notebook_cpu_s: float = 300.0
    idle_s: float = 60.0
    memory_mb: int = 4096
    processes: int = 64
    disk_mb: int = 256
    files: int = 20_000
    output_mb: int = 4
    outputs: int = 1000

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> Limits:
        """Return the limits that course.toml sets in its section [grading].

        Raises:
            CourseError: for a name that does not exist, or a value that is no positive number.
        """
        names = [field.name for field in fields(cls)]
        for name, value in settings.items():
            if name not in names:
                raise CourseError(f"course.toml: [grading] has no {name!r}. It takes {', '.join(names)}.")
            if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
                raise CourseError(f"course.toml: [grading] {name} must be a positive number, not {value!r}.")
        return cls(**settings)
