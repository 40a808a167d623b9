"""The generated brain images that come with the course: made by lab 4's solution, for lab 6."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

from autograder.instructor.environment import environment
from autograder.instructor.observe import run_cells
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.source import read_lab
from autograder.judge import record
from course.data.brains import CLASSES, COUNTS
from course.data.generated import strip_path, write_strip

# In place of lab 4's own: the generator must not see the pictures that lab 6 validates and tests with. Both
# are split off as in lab 6.
DATA = """
CLASS = {name!r}
rest, test = split_brains(load_brains({source!r}))
training, _ = split_brains(rest, test_share=0.25)
real_images = training.of_class(CLASS)
test_images = test.of_class(CLASS)
"""


def build_generated(
    course: Course, lab: str, report: Callable[[str], None] = lambda line: None
) -> list[Path]:
    """Write the course's own generated pictures of both classes, where they are missing.

    Trained in float32, they differ from machine to machine: so they are kept once they are there.

    Args:
        course: the checkout.
        lab: that they are for; `options.pictures_by` in its table of course.toml names the lab whose solution
            makes them, with a cell `data` that chooses real pictures and with exports.
        report: called with a line before each class.

    Returns:
        The files written.

    Raises:
        CourseError: if the solution fails.
    """
    maker = course.settings(lab)["options"]["pictures_by"]
    missing = [name for name in CLASSES if not strip_path(name).is_file()]
    for name in missing:
        report(f"{maker}: pictures of class {name}")
        with tempfile.TemporaryDirectory() as folder:
            pictures = export_pictures(course, maker, name, Path(folder))
            write_strip(pictures[-COUNTS[name] :], strip_path(name))
    return [strip_path(name) for name in missing]


def export_pictures(
    course: Course, lab: str, name: str, folder: Path, *, source: str = "phantoms"
) -> list[Path]:
    """Run a lab's solution with one class of lab 6's training pictures; return what it exported, in order.

    Args:
        course: the checkout.
        lab: whose solution it is.
        name: of the class: "no" or "yes".
        folder: to run in; the pictures go to generated/<name>/ there.
        source: of `load_brains`: "phantoms", or "mri" with COURSE_DATA set.
    """
    notebook = read_lab(course, lab)
    cells = [cell for cell in notebook.cells if cell.id == "data"]
    if len(cells) != 1:
        raise CourseError(f"{lab} has no cell `data` that chooses its pictures.")
    cells[0].source = DATA.format(name=name, source=source)
    quiet = {"COURSE_DEVICE": "cpu", "COURSE_PROGRESS": "off", "COURSE_MODE": "practice", "MPLBACKEND": "Agg"}
    with (
        record(course.seed(lab)),
        environment(**quiet),
        contextlib.chdir(folder),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        run_cells(notebook, {}, strict=True, name=lab)
    return sorted((folder / "generated" / name).glob("*.png"))
