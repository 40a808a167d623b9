"""Small pictures of what each lab ends with: docs/thumbnails/, made of the figures of solutions/.

docs/thumbnails.toml says which figure. `python -m course.authoring.thumbnails` writes the pictures.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import nbformat
from PIL import Image
from pydantic import ConfigDict, Field

from autograder.instructor.files import write
from autograder.instructor.settings import Course, CourseError, load_course
from autograder.instructor.tables import STRICT_FIELDS, Table, checked, read_toml
from course.authoring.listing import Listing

LISTING = Listing("thumbnails")
# Of a file; and of its picture, in pixels.
MAX_BYTES = 40_000
WIDTH = 480
_COLOURS = (128, 64, 32, 16)

_Text = Annotated[str, Field(strict=True, description="a text in quotes", min_length=1)]


@dataclass(frozen=True)
class Thumbnail:
    """What a lab ends with.

    Attributes:
        cell: of the solution, whose figure it is.
        alt: what it shows, by language.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT_FIELDS

    cell: _Text
    alt: Annotated[dict[str, _Text], Field(description='texts by language, such as alt.en = "…"')]


def load_thumbnails(course: Course) -> dict[str, Thumbnail]:
    """Read the list, in the order of the labs.

    Raises:
        CourseError: if it names no figure for a lab, or one for something else.
    """
    path = LISTING.data(course)
    data, text = read_toml(path)
    if set(data) != set(course.labs):
        wrong = ", ".join(sorted(set(data) ^ set(course.labs)))
        raise CourseError(f"{path.name}: give each lab of course.toml one table, and nothing else: {wrong}.")
    return {lab: checked(Thumbnail, data[lab], Table(path.name, lab, (lab,), text)) for lab in course.labs}


def thumbnail_path(course: Course, lab: str) -> Path:
    """Return where the small picture of a lab lies."""
    return course.root / "docs" / "thumbnails" / f"{lab}.png"


def solution_figure(course: Course, lab: str, cell: str) -> bytes:
    """Return the figure of a cell of a lab's solution, as a PNG file.

    Raises:
        CourseError: if there is no such cell, or it has no figure.
    """
    path = course.solution(lab)
    if not path.is_file():
        raise CourseError(f"{lab} has no solution: run `course build {lab}` first.")
    for found in nbformat.read(path, as_version=4).cells:
        for output in found.get("outputs", ()) if found.id == cell else ():
            if "image/png" in output.get("data", {}):
                return base64.b64decode(output.data["image/png"])
    raise CourseError(f"{LISTING.data(course).name}, {lab}: the solution has no cell {cell!r} with a figure.")


def small(png: bytes) -> bytes:
    """Return a picture made small: WIDTH pixels wide at most, and a file of MAX_BYTES at most.

    Args:
        png: a PNG file.

    Raises:
        CourseError: if no number of colours makes the file small enough.
    """
    with Image.open(io.BytesIO(png)) as opened:
        picture = opened.convert("RGBA")
    on_white = Image.new("RGB", picture.size, "white")
    on_white.paste(picture, mask=picture.getchannel("A"))
    width = min(WIDTH, on_white.width)
    reduced = on_white.resize(
        (width, round(on_white.height * width / on_white.width)), Image.Resampling.LANCZOS
    )
    for colours in _COLOURS:
        file = io.BytesIO()
        reduced.quantize(colours, dither=Image.Dither.NONE).save(file, format="png", optimize=True)
        if file.tell() <= MAX_BYTES:
            return file.getvalue()
    raise CourseError(
        f"A thumbnail of {width} pixels has more than {MAX_BYTES:,} bytes: choose another figure."
    )


def write_thumbnails(course: Course) -> list[Path]:
    """Write the small picture of each lab.

    Raises:
        CourseError: if a figure is missing, or cannot be made small enough.
    """
    made = {
        lab: small(solution_figure(course, lab, each.cell)) for lab, each in load_thumbnails(course).items()
    }
    return [write(thumbnail_path(course, lab), png) for lab, png in made.items()]


def main() -> None:
    """Write the pictures."""
    write_thumbnails(load_course())


if __name__ == "__main__":
    main()
