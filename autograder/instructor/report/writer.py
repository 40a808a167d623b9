"""`course report`: pages, CSV and JSON for one lab, or for all that somebody has handed in."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path

from autograder.errors import GraderError
from autograder.instructor.report.collect import Collector
from autograder.instructor.report.data import ClassReport
from autograder.instructor.report.data_files import write_data, write_table
from autograder.instructor.report.page import write_index, write_page
from autograder.instructor.settings import Course, CourseError

FOLDER = "report"


def report_lab(
    course: Course, lab: str, folder: Path | None = None, output: Path | None = None
) -> list[Path]:
    """Write the report on one lab.

    Args:
        course: the checkout.
        lab: the lab's id.
        folder: folder that holds submitted/ and the gradebook; None: the checkout.
        output: folder to write to; None: report/ in `folder`.

    Returns:
        The files written, the page first.

    Raises:
        CourseError: if there is nothing to report on.
    """
    target = _target(course, folder, output)
    with contextlib.closing(Collector(course, folder, target)) as collector:
        return write_files(collector.collect(lab), target / f"{lab}.html", folder)


def report_all(
    course: Course,
    folder: Path | None = None,
    output: Path | None = None,
    warn: Callable[[str], None] = lambda line: None,
) -> list[Path]:
    """Write the reports on all labs that somebody has handed in, and an index of them.

    Args and errors: as for `report_lab`; a lab that cannot be reported on is no error if another can.
    `warn` is called with the reason why.

    Returns:
        The files written, the index first.
    """
    target = _target(course, folder, output)
    reports: list[ClassReport] = []
    left_out: list[str] = []
    files: list[Path] = []
    with contextlib.closing(Collector(course, folder, target)) as collector:
        for lab in collector.labs():
            try:
                report = collector.collect(lab)
            except (CourseError, GraderError) as error:
                left_out.append(f"{lab} is left out: {error}")
                continue
            reports.append(report)
            files += write_files(report, target / f"{lab}.html", folder)
        if not reports and left_out:
            raise CourseError("\n".join(left_out))
        if not reports:
            where = collector.store.folder("submitted", "STUDENT", "LAB")
            raise CourseError(f"Nobody has handed in anything yet: submissions are expected in {where}.")
    for line in left_out:
        warn(line)
    return [write_index(reports, target / "index.html"), *files]


def write_files(report: ClassReport, page: Path, folder: Path | None = None) -> list[Path]:
    """Write a page, and CSV and JSON of the same name beside it."""
    return [
        write_page(report, page, folder),
        write_table(report, page.with_suffix(".csv")),
        write_data(report, page.with_suffix(".json")),
    ]


def collect_report(course: Course, lab: str, folder: Path, notes: Mapping[str, str]) -> ClassReport:
    """Return what there is to say about a class whose report will lie in its own folder."""
    with contextlib.closing(Collector(course, folder, folder)) as collector:
        return collector.collect(lab, notes)


def _target(course: Course, folder: Path | None, output: Path | None) -> Path:
    target = output or (folder or course.root) / FOLDER
    if target.exists() and not target.is_dir():
        raise CourseError(f"{target} is a file; --output names a folder.")
    return target.absolute()
