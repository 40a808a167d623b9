"""Release a lab: enter it into the gradebook, pack what students get."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

from autograder.instructor.build import write_source
from autograder.instructor.bundle import bundle_labs
from autograder.instructor.bundle.packing import require_built
from autograder.instructor.grade.assignment import Update, enter_or_update
from autograder.instructor.grade.store import Store
from autograder.instructor.keys import is_stale
from autograder.instructor.settings import Course, CourseError


def release_lab(
    course: Course,
    lab: str,
    folder: Path | None = None,
    report: Callable[[str], None] = lambda line: None,
    *,
    force: bool = False,
) -> list[Path]:
    """Enter a built lab into a gradebook, or update the version that it knows, and bundle it.

    Args:
        course: the checkout; what is built there stays as it is.
        lab: the lab's id.
        folder: folder of a class, with its gradebook; None: the checkout.
        report: function that is called with each thing that the instructor should know, one sentence each.
        force: whether to release what was built although its sources have changed since.

    Returns:
        The zip files, in build/release of the checkout, or in release/ of the folder.

    Raises:
        CourseError: if the lab is unknown or not built, has changed since, or cannot be packed.
    """
    require_built(course, lab)
    if is_stale(course, lab):
        changed = f"{lab} has changed since it was built"
        if not force:
            raise CourseError(
                f"{changed}: run `course build {lab}` first, or release what was built with --force."
            )
        report(f"{changed}; what was built is released.")
    with contextlib.closing(Store(course.root, folder=folder)) as store:
        write_source(course, lab)
        update = enter_or_update(course, lab, store, update=True)
        store.update_lateness(lab)
    for line in _said(lab, update, f" --folder {shlex.quote(str(folder))}" if folder else ""):
        report(line)
    return list(bundle_labs(course, [lab], folder and folder / "release"))


def _said(lab: str, update: Update, where: str) -> Iterator[str]:
    """Yield what an update did to a gradebook that knew the lab; `where`: the option that names it."""
    if update.entered:
        return
    for what, cells in (("new", update.added), ("gone", update.removed), ("other points", update.changed)):
        if cells:
            yield f"{lab}, {what}: {', '.join(cells)}."
    if update.kept is not None:
        yield f"What had been given for the cells that are gone is kept in {update.kept}."
    if update.again:
        who = "1 submission has" if update.again == 1 else f"{update.again} submissions have"
        yield f"{who} to be graded again: `course grade {lab}{where}` does it."
