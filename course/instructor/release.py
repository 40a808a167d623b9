"""Release a lab: enter it into the gradebook, pack what students get."""

from __future__ import annotations

from pathlib import Path

from course.instructor.build import run_nbgrader, write_source
from course.instructor.bundle import bundle_labs
from course.instructor.bundle.packing import require_built
from course.instructor.settings import Course


def release_lab(course: Course, lab: str) -> list[Path]:
    """Enter a built lab into nbgrader's gradebook and bundle it.

    Returns:
        The zip files, in build/release.

    Raises:
        CourseError: if the lab is unknown or not built, or cannot be packed.
    """
    require_built(course, lab)
    notebook = course.release(lab, course.language)
    write_source(course, lab)
    built = notebook.read_bytes()
    run_nbgrader(course, "generate_assignment", lab, "--force")
    # nbgrader has just written its own copy over ours; the same notebook, in our stable form.
    notebook.write_bytes(built)
    return list(bundle_labs(course, [lab]))
