"""Pack what students get, always with the same bytes for the same content."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from string import Template

import nbformat

from autograder.instructor.bundle.install_cell import install_cell
from autograder.instructor.bundle.wheel import build_wheel, library_wheel, wheel_name
from autograder.instructor.files import write
from autograder.instructor.releases import read_release
from autograder.instructor.settings import Course, CourseError
from autograder.language import spoken

_README = {"es": "LEEME.md"}
_OTHER_README = "README.md"
_TIME = (1980, 1, 1, 0, 0, 0)


def bundle_labs(
    course: Course,
    labs: Sequence[str],
    folder: Path | None = None,
    left_out: Callable[[str], None] | None = None,
) -> Iterator[Path]:
    """Pack labs, and yield each zip file as soon as it is written: one per lab and language.

    Args:
        course: the checkout.
        labs: ids of built labs.
        folder: where the files go; None: build/release.
        left_out: called with the reason why a lab cannot be packed, which then disturbs no other; None: that
            is an error.

    Raises:
        CourseError: if a lab is unknown, not built or without notes, or a file cannot be written.
    """
    folder = folder or course.build / "release"
    contents: dict[tuple[str, str], dict[str, str]] = {}
    for lab in labs:
        try:
            require_built(course, lab)
            contents |= {(lab, x): _texts(course, lab, x) for x in course.languages}
        except CourseError as error:
            if left_out is None:
                raise
            left_out(f"{lab} is left out: {error}")
    wheels = dict(filter(None, [build_wheel(course), library_wheel(course)]))
    for (lab, language), texts in contents.items():
        files = {name: text.encode() for name, text in texts.items()}
        yield write(folder / f"{lab}-{language}.zip", _zipped(lab, {**files, **wheels}))


def require_built(course: Course, lab: str) -> None:
    """Raise unless a lab's notebooks are there.

    Raises:
        CourseError: if the lab is unknown or not built.
    """
    paths = [course.release(course.require_lab(lab), language) for language in course.languages]
    missing = [str(path.relative_to(course.root)) for path in paths if not path.is_file()]
    if missing:
        raise CourseError(f"{', '.join(missing)} is missing: run `course build {lab}` first.")


def _texts(course: Course, lab: str, language: str) -> dict[str, str]:
    """Return the notebook and the notes of one zip file, by name."""
    notebook, notes = read_release(course, lab, language), _notes(course, lab, language)
    notebook.cells.insert(0, install_cell(language, wheel_name(course), course.packages[0]))
    nbformat.validate(notebook)
    text = nbformat.writes(notebook, indent=1, sort_keys=True, ensure_ascii=False)
    return {f"{lab}.ipynb": text.rstrip("\n") + "\n", _README.get(language, _OTHER_README): notes}


def _notes(course: Course, lab: str, language: str) -> str:
    """Return the notes that go with a lab: how to open it, its data, how to check and to hand in.

    Raises:
        CourseError: if nobody has written on the lab's data in this language.
    """
    texts = resources.files(__package__) / "notes"
    data = course.notes(lab, language)
    if not data.is_file():
        raise CourseError(
            f"{lab} has no notes on its data in {language!r}: write them into "
            f"{data.relative_to(course.root)}."
        )
    frame = Template((texts / f"frame.{spoken(language)}.md").read_text(encoding="utf-8"))
    title = course.titles(lab).get(language, lab)
    text = data.read_text(encoding="utf-8").strip()
    return frame.substitute(lab=lab, title=title, data=text, wheel=wheel_name(course))


def _zipped(lab: str, files: Mapping[str, bytes]) -> bytes:
    """Return a zip file that holds a folder of the lab's name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(f"{lab}/{name}", _TIME)
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()
