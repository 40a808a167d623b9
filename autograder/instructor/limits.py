"""How much of the machine one submission may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field

from autograder.instructor.tables import STRICT_FIELDS, Table, checked

MB = 2**20
_Time = Annotated[float, Field(strict=True, gt=0, description="a positive number of seconds")]
_Count = Annotated[int, Field(strict=True, gt=0, description="a positive number, and whole")]
_IN_COURSE = Table("course.toml", "[grading]")


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

    __pydantic_config__: ClassVar[ConfigDict] = STRICT_FIELDS

    cell_cpu_s: _Time = 60.0
    notebook_cpu_s: _Time = 300.0
    idle_s: _Time = 60.0
    memory_mb: _Count = 4096
    processes: _Count = 64
    disk_mb: _Count = 256
    files: _Count = 20_000
    output_mb: _Count = 4
    outputs: _Count = 1000

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any], table: Table = _IN_COURSE) -> Limits:
        """Return the limits that course.toml sets in its section [grading].

        Raises:
            CourseError: for a name that does not exist, or a value that is no positive number.
        """
        return checked(cls, settings, table)
