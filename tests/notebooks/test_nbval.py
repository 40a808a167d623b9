"""nbval re-executes the solutions; the outputs of check cells must be the same to the letter."""

from __future__ import annotations

import subprocess
import sys

import pytest

from course.instructor.settings import Course


@pytest.mark.slow
def test_solution_notebooks_pass_nbval(course: Course) -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval",
        "--nbval-current-env",
        "-p",
        "no:cacheprovider",
        "-q",
    ]
    result = subprocess.run(
        [*command, "--nbval-kernel-startup-timeout=120", "--nbval-cell-timeout=600", "solutions"],
        cwd=course.root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3000:]
    assert "passed" in result.stdout
