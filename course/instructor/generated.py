"""The generated brain images that come with the course: made by lab 4's solution, for lab 6."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

from autograder.session import record
from course.data.brains import CLASSES, COUNTS
from course.data.generated import strip_path, write_strip
from course.instructor.environment import environment
from course.instructor.observe import run_cells
from course.instructor.settings import Course, CourseError
from course.instructor.source import read_source, select_language

LAB = "lab4_wgan_gp"
# In place of lab 4's own: the generator must not see the pictures that lab 6 validates and tests with. Both
# are split off as in lab 6.
_DATA = """
CLASS = {name!r}
rest, test = split_brains(load_brains({source!r}))
training, _ = split_brains(rest, test_share=0.25)
real_images = training.of_class(CLASS)
test_images = test.of_class(CLASS)
"""


def build_generated(course: Course, report: Callable[[str], None] = lambda line: None) -> list[Path]:
    """Write the course's own generated pictures of both classes, where they are missing.

    Trained in float32, they differ from machine to machine: so they are kept once they are there.

    Returns:
        The files written.

    Raises:
        CourseError: if lab 4's solution fails.
    """
    missing = [name for name in CLASSES if not strip_path(name).is_file()]
    for name in missing:
        report(f"{LAB}: pictures of class {name}")
        with tempfile.TemporaryDirectory() as folder:
            pictures = export_pictures(course, name, Path(folder))
            write_strip(pictures[-COUNTS[name] :], strip_path(name))
    return [strip_path(name) for name in missing]


def export_pictures(course: Course, name: str, folder: Path, *, source: str = "phantoms") -> list[Path]:
    """Run lab 4's solution with one class of lab 6's training pictures; return what it exported, in order.

    Args:
        course: the checkout.
        name: of the class: "no" or "yes".
        folder: to run in; the pictures go to generated/<name>/ there.
        source: of `load_brains`: "phantoms", or "mri" with COURSE_DATA set.
    """
    notebook = select_language(read_source(course.source(LAB)), course.language)
    cells = [cell for cell in notebook.cells if cell.id == "data"]
    if len(cells) != 1:
        raise CourseError(f"{LAB} has no cell `data` that chooses its pictures.")
    cells[0].source = _DATA.format(name=name, source=source)
    quiet = {"COURSE_DEVICE": "cpu", "COURSE_PROGRESS": "off", "COURSE_MODE": "practice", "MPLBACKEND": "Agg"}
    with (
        record(course.seed(LAB)),
        environment(**quiet),
        contextlib.chdir(folder),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        run_cells(notebook, {}, strict=True, name=LAB)
    return sorted((folder / "generated" / name).glob("*.png"))
