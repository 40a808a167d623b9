"""Pack feedback pages as a platform's bulk upload wants them.

Moodle ("Upload multiple feedback files in a zip", `mod/assign/feedback/file/importziplib.php` of its source)
finds a person by the participant's number in `Name_number_assignsubmission_file_…`. Canvas ("Upload
Submissions") finds a submission by user and attachment in the name that it gave to the file when it was
downloaded. `course collect` remembers both.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder.instructor.collect.ledger import Ledger
from autograder.instructor.collect.platforms import Platform
from autograder.instructor.errors import CourseError
from autograder.instructor.files import write
from autograder.instructor.options import Target

_UNFIT = re.compile(r'[\x00-\x1f<>:"/\\|?*]+')


@dataclass(frozen=True)
class Packed:
    """A written archive.

    Attributes:
        path: the file.
        names: what each student's page is called in it, by id.
        left_out: students whose pages are not in it: the platform could not say whose they are.
    """

    path: Path
    names: Mapping[str, str]
    left_out: tuple[str, ...]


def pack(
    path: Path, lab: str, target: Target, pages: Mapping[str, Path], names: Mapping[str, str], ledger: Ledger
) -> Packed:
    """Write an archive of pages.

    Args:
        path: the file to write.
        lab: the lab's id.
        target: what it is for.
        pages: the page of each student, by id.
        names: names of students, by id.
        ledger: what was collected.

    Raises:
        CourseError: if no page can be packed, or the file cannot be written.
    """
    if target is Target.STUDENTS:
        called = {student: _readable(student, names.get(student, "")) for student in pages}
    else:
        prefixes = _prefixes(Platform(target), names, ledger)
        called = {s: f"{prefixes[s]}_{lab}.html" for s in pages if s in prefixes}
    if not called:
        raise CourseError(
            f"No page can be packed for {target.capitalize()}: what it calls a submission is known once the "
            f"download was collected. Type `course collect {lab} FILE` with the zip file that it gave; what "
            "lies in submitted/ stays."
        )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for student, name in called.items():
            archive.write(pages[student], name)
    return Packed(write(path, content.getvalue()), called, tuple(sorted(pages.keys() - called.keys())))


def _prefixes(platform: Platform, names: Mapping[str, str], ledger: Ledger) -> dict[str, str]:
    """Return how the names of each student's files begin on a platform, by id."""
    found = {}
    if platform is Platform.MOODLE:
        # Whom only a list named, such as the second of a pair, has a participant's number all the same.
        for label, student in ledger.matches.items():
            kind, _, number = label.partition(":")
            if kind == Platform.MOODLE and number.isdigit():
                name = _UNFIT.sub(" ", names.get(student, student)).replace("_", " ")
                found[student] = f"{name}_{number}_assignsubmission_file"
    for student, collected in ledger.students.items():
        sender = collected.sender
        if sender.platform is platform and sender.prefix:
            found[student] = sender.prefix
    if platform is Platform.MOODLE:
        # `…_onlinetext` is another plugin of Moodle's; files go to the one for files.
        found = {
            s: re.sub(r"_assignsubmission_[a-z]+$", "_assignsubmission_file", p) for s, p in found.items()
        }
    return found


def _readable(student: str, name: str) -> str:
    """Return a file's name for people: id and name, with nothing that a system forbids."""
    return _UNFIT.sub("_", f"{student} {name}".strip()).strip(". ")[:150] + ".html"
