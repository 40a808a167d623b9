"""Release a lab: enter it into the gradebook, pack what students get."""

from __future__ import annotations

import zipfile
from pathlib import Path

from course.instructor.build import run_nbgrader, write_source
from course.instructor.settings import Course, CourseError


def release_lab(course: Course, lab: str) -> list[Path]:
    """Enter a built lab into nbgrader's gradebook and pack one zip file per language.

    Returns:
        The zip files, in build/release.

    Raises:
        CourseError: if the lab is unknown or not built.
    """
    course.require_lab(lab)
    notebooks = {language: course.release(lab, language) for language in course.languages}
    missing = [str(path.relative_to(course.root)) for path in notebooks.values() if not path.is_file()]
    if missing:
        raise CourseError(f"{', '.join(missing)} is missing: run `course build {lab}` first.")
    write_source(course, lab)
    built = notebooks[course.language].read_bytes()
    run_nbgrader(course, "generate_assignment", lab, "--force")
    # nbgrader has just written its own copy over ours; the same notebook, in our stable form.
    notebooks[course.language].write_bytes(built)
    folder = course.build / "release"
    folder.mkdir(parents=True, exist_ok=True)
    return [_pack(path, folder / f"{lab}-{language}.zip") for language, path in notebooks.items()]


def _pack(notebook: Path, target: Path) -> Path:
    """Write a zip file that holds a notebook in a folder of its name."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(notebook, f"{notebook.stem}/{notebook.name}")
    return target
