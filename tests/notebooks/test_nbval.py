"""nbval re-executes the solutions; the outputs of check cells must be the same to the letter."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from autograder.instructor.settings import Course

OPTIONS = (
    "--nbval",
    "--nbval-current-env",
    "--nbval-kernel-startup-timeout=120",
    "--nbval-cell-timeout=600",
    "-p",
    "no:cacheprovider",
    "-q",
)


@pytest.mark.slow
def test_solution_notebook_passes_nbval(course: Course, lab: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "pytest", *OPTIONS, str(course.solution(lab))],
        cwd=course.root,
        # Exploration is not compared, and `course build` has run all of it.
        env={**os.environ, "COURSE_MODE": "grading"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3000:]
    assert "passed" in result.stdout
