"""Build the wheel that students install, from the checkout and without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from autograder.instructor.settings import Course, CourseError

_SOURCES = ("pyproject.toml", "README.md", "LICENSE", "autograder", "course")
# The first moment that a zip file can name: the same bytes for the same sources.
_EPOCH = "315532800"


def build_wheel(course: Course) -> tuple[str, bytes]:
    """Return the name and the content of the wheel.

    Raises:
        CourseError: with the end of pip's output, if it cannot be built.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Apart from the checkout: setuptools leaves files there, and packs what it finds among them.
        _copy_sources(course.root, folder / "source")
        options = [
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--no-build-isolation",
            "--no-index",
        ]
        target = [f"--wheel-dir={folder}", str(folder / "source")]
        command = [sys.executable, "-m", "pip", "wheel", *options, *target]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": _EPOCH}
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        wheels = list(folder.glob("*.whl"))
        if result.returncode != 0 or not wheels:
            tail = "\n".join((result.stdout + result.stderr).strip().splitlines()[-10:])
            raise CourseError(f"The wheel cannot be built (it needs pip and setuptools 77 or newer):\n{tail}")
        return wheels[0].name, wheels[0].read_bytes()


def _copy_sources(root: Path, target: Path) -> None:
    """Copy what the wheel is built from, with the same permissions everywhere."""
    target.mkdir()
    for name in _SOURCES:
        if (root / name).is_dir():
            shutil.copytree(root / name, target / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        else:
            shutil.copy(root / name, target / name)
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
