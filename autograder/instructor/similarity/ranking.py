"""Read the submissions of a lab and rank all pairs by how alike they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autograder.instructor.grade.store import Folders
from autograder.instructor.intake import Templates
from autograder.instructor.options import LIKENESS
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.similarity.likeness import Comparison, compare_code, compare_texts
from autograder.instructor.similarity.submissions import Work, read_work, work_of
from autograder.instructor.source import is_student_cell, read_lab

CAUTION = "Likeness is a reason to look at two submissions side by side. It is no proof of anything."

Advance = Callable[[str], None]


@dataclass(frozen=True)
class SimilarityOptions:
    """What to compare.

    Attributes:
        threshold: likeness, from 0 to 1, from which pairs are listed.
        folder: folder that holds submitted/; None: the checkout.
    """

    threshold: float = LIKENESS
    folder: Path | None = None


@dataclass(frozen=True)
class Pair:
    """Two submissions.

    Attributes:
        first: work of one student.
        second: work of another student.
        code: likeness of their code, from 0 to 1.
        texts: likeness of their answers to open questions; None if one of them has none.
        same_cells: code cells that are the same to the letter, and not as the lab gives them.
        remark: sentence to read before judging; empty where there is none.
    """

    first: Work
    second: Work
    code: float
    texts: float | None
    same_cells: tuple[str, ...]
    remark: str = ""


@dataclass(frozen=True)
class Similarity:
    """The likeness of a class.

    Attributes:
        lab: the lab's id.
        threshold: likeness from which pairs are listed.
        works: all submissions that were compared.
        pairs: those at least as alike as the threshold, the most alike first.
        together: pairs that handed in together.
        all_code: likeness of the code of every pair that did not hand in together.
        left_out: why submissions were not compared, by student.
        code: the comparison of code.
        texts: the comparison of texts.
        wall_s: seconds that it took.
    """

    lab: str
    threshold: float
    works: tuple[Work, ...]
    pairs: tuple[Pair, ...]
    together: tuple[tuple[str, str], ...]
    all_code: np.ndarray
    left_out: dict[str, str]
    code: Comparison
    texts: Comparison
    wall_s: float = 0.0


def find_similar(
    course: Course, lab: str, options: SimilarityOptions, advance: Advance = lambda student: None
) -> Similarity:
    """Compare all submissions of a lab.

    Args:
        course: the checkout.
        lab: the lab's id.
        options: threshold and folder.
        advance: function that is called with each student whose submission was read.

    Raises:
        CourseError: if there is nothing to compare.
    """
    started = time.monotonic()
    course.require_lab(lab)
    if not 0.0 <= options.threshold <= 1.0:
        raise CourseError(f"--threshold must lie between 0 and 1, not {options.threshold:g}.")
    folders = Folders(course.root, folder=options.folder)
    students = folders.submissions(lab)
    if len(students) < 2:
        where = folders.folder("submitted", "STUDENT", lab)
        raise CourseError(
            f"There are {len(students)} submissions of {lab}, too few to compare; they are expected in "
            f"{where}."
        )
    templates = Templates.load(course, lab)
    places = {student: folders.folder("submitted", student, lab) for student in students}
    works, left_out = [], {}
    for student, work, why in read_work(places, lab, templates, course.language):
        advance(student)
        if work is None:
            left_out[student] = why
        else:
            works.append(work)
    return _compare(course, lab, templates, works, left_out, options.threshold, started)


def _compare(
    course: Course,
    lab: str,
    templates: Templates,
    works: list[Work],
    left_out: dict[str, str],
    threshold: float,
    started: float,
) -> Similarity:
    """Compare what was read."""
    notebooks = [templates.notebooks[lab, language] for language in templates.languages(lab)]
    cells = [cell for notebook in notebooks for cell in notebook.cells]
    solution = read_lab(course, lab)
    code = compare_code(
        works, [c.source for c in cells if c.cell_type == "code"], work_of("reference", solution)
    )
    texts = compare_texts(works, [c.source for c in cells if c.cell_type == "markdown"])
    left_out |= {
        work.student: "nothing is written in its code cells"
        for work, size in zip(works, code.sizes, strict=True)
        if not size
    }
    given = {c.source.strip() for c in cells if is_student_cell(c)}
    pairs, together, all_code = [], [], []
    for first, second in _pairs(code.sizes):
        one, other = works[first], works[second]
        mutual = (one.names(other.student), other.names(one.student))
        if all(mutual):
            together.append((one.student, other.student))
            continue
        value = float(code.likeness[first, second])
        all_code.append(value)
        if value >= threshold:
            both = texts.sizes[first] and texts.sizes[second]
            words = float(texts.likeness[first, second]) if both else None
            pairs.append(Pair(one, other, value, words, _same_cells(one, other, given), _remark(one, other)))
    pairs.sort(key=lambda pair: (-pair.code, pair.first.student, pair.second.student))
    return Similarity(
        lab,
        threshold,
        tuple(works),
        tuple(pairs),
        tuple(together),
        np.array(all_code),
        left_out,
        code,
        texts,
        time.monotonic() - started,
    )


def _pairs(sizes: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield all pairs of submissions that have code of their own."""
    written = [int(place) for place in np.flatnonzero(sizes)]
    for place, first in enumerate(written):
        for second in written[place + 1 :]:
            yield first, second


def _same_cells(one: Work, other: Work, given: set[str]) -> tuple[str, ...]:
    return tuple(
        name
        for name, source in one.code.items()
        if source.strip() == other.code.get(name, "").strip() and source.strip() not in given
    )


def _remark(one: Work, other: Work) -> str:
    """Say that one of the two names the other as a partner; if both do, they are no finding."""
    for first, second in ((one, other), (other, one)):
        if first.names(second.student):
            return f"{first.student} names {second.student} as a partner"
    return ""
