"""Let a course be found that is not installed: the one in whose folder the tool chain runs."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from autograder.instructor.environment import environment
from autograder.instructor.settings import Course
from autograder.key import KEYS

# The first in alphabetical order counts: see `autograder.key.installed_keys`.
_NAME = "0-course-of-this-folder"
_PACKAGE = "_course_of_this_folder"


@contextlib.contextmanager
def present(course: Course) -> Iterator[None]:
    """Let code in the body, and programs that it starts, find a course's packages and its answer keys.

    Its keys count before those of an installed course with the same labs.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _declare_keys(course, folder)
        paths = [name, str(course.package(course.packages[0].split(".")[0]).parent)]
        before = os.environ.get("PYTHONPATH")
        with environment(PYTHONPATH=os.pathsep.join([*paths, *([before] if before else [])])):
            sys.path[:0] = paths
            try:
                yield
            finally:
                for path in paths:
                    sys.path.remove(path)


def _declare_keys(course: Course, folder: Path) -> None:
    """Write an entry point that names the folder of the course's keys, as an installed course has one."""
    (folder / _PACKAGE).mkdir()
    (folder / _PACKAGE / "keys").symlink_to(course.key("any").parent)
    metadata = folder / f"{_PACKAGE}-0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {_PACKAGE}\nVersion: 0\n")
    (metadata / "entry_points.txt").write_text(f"[{KEYS}]\n{_NAME} = {_PACKAGE}\n")
