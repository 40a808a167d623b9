"""What a feedback page says besides the marks: who, when, how late, how the class did, and model answers."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry

from autograder.instructor import clock
from autograder.instructor.feedback.model_answers import model_answers
from autograder.instructor.grade.late_days import PenaltyPerDay
from autograder.instructor.gradebook import lateness
from autograder.instructor.settings import load_course

# With fewer, figures of a class say what single students have.
LEAST_OF_A_CLASS = 5
_BARS = 10


@dataclass(frozen=True)
class ClassFigures:
    """How a class did.

    Attributes:
        count: number of complete marks.
        mean: their mean.
        median: their median.
        bars: for each stretch of marks, from where to where, how many have so many, and whether the page's
            own student is among them.
    """

    count: int
    mean: float
    median: float
    bars: tuple[tuple[float, float, int, bool], ...]

    @property
    def highest(self) -> int:
        """Return how many have the marks that most have."""
        return max(count for _, _, count, _ in self.bars)


@dataclass(frozen=True)
class Circumstances:
    """What a page says besides the marks.

    Attributes:
        name: the student's name; empty if nobody knows it.
        handed_in: when, for people; empty if that is not known.
        due: when it was due, with the student's extension.
        extension: how much later than for others.
        late: how late it was; empty if it was not.
        rule: what lateness costs, where course.toml says so: texts of the page, with their details.
        class_figures: None where they were not asked for, or are too few.
        answers: model answers, by grade_id; empty before their time.
    """

    name: str = ""
    handed_in: str = ""
    due: str = ""
    extension: str = ""
    late: str = ""
    rule: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    class_figures: ClassFigures | None = None
    answers: Mapping[str, NotebookNode] = field(default_factory=dict)


def circumstances_of(
    names: Mapping[str, Any],
    language: str,
    root: Path | None,
    known_as: Mapping[str, str],
    totals: Sequence[float],
    rule: PenaltyPerDay | None = None,
) -> Circumstances:
    """Return what there is to say of a submission.

    Args:
        names: nbgrader's resources: student, assignment, db_url, score, max_score.
        language: of the page.
        root: folder of the course; None: nothing is known of it.
        known_as: names of students, by id, that count where the gradebook has none.
        totals: complete marks of the class, if the page is to say how it did.
        rule: what lateness costs; None: no rule of course.toml.
    """
    student, lab = str(names["student"]), str(names["assignment"])
    course = load_course(root) if root else None
    zone: tzinfo = course.zone if course else UTC
    answers: Mapping[str, NotebookNode] = {}
    if root and course and lab in course.labs:
        start = course.model_answers(lab)
        if start is not None and start <= datetime.now(UTC).replace(tzinfo=None):
            answers = model_answers(root, lab, language)
    name, when, due, extension_s = _from_gradebook(str(names["db_url"]), student, lab)
    late_s = lateness(when, due)
    return Circumstances(
        name=name or known_as.get(student, ""),
        handed_in=clock.shown(when, zone, language) if when else "",
        due=clock.shown(due, zone, language) if due else "",
        extension=clock.duration(extension_s, language) if extension_s > 0 else "",
        late=clock.duration(late_s, language) if late_s > 0 else "",
        rule=tuple(_rule(rule)) if rule and due else (),
        class_figures=figures_of(totals, float(names["max_score"]), names.get("score")),
        answers=answers,
    )


def _rule(rule: PenaltyPerDay) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the texts that say what lateness costs."""
    details = {"per_day": f"{rule.per_day:g}", "cap": f"{rule.cap:g}", "grace": f"{rule.grace_min:g}"}
    yield ("rule_full" if rule.of == "full" else "rule_given"), details
    if rule.cap < 100:
        yield "rule_cap", details
    if rule.grace_min:
        yield "rule_grace", details


def _from_gradebook(
    db_url: str, student: str, lab: str
) -> tuple[str, datetime | None, datetime | None, float]:
    """Return name, time of handing in, due date with its extension, and the extension's seconds."""
    with Gradebook(db_url) as gradebook:
        try:
            submission = gradebook.find_submission(lab, student)
        except MissingEntry:
            return "", None, None, 0.0
        person, due = submission.student, submission.assignment.duedate
        name = " ".join(part for part in (person.first_name, person.last_name) if part)
        extension = submission.extension
        if due and extension:
            due += extension
        return name, submission.timestamp, due, extension.total_seconds() if due and extension else 0.0


def figures_of(totals: Sequence[float], full: float, own: float | None) -> ClassFigures | None:
    """Return how a class did; None where too few have all their marks.

    Args:
        totals: complete marks.
        full: full marks.
        own: marks of the page's student.
    """
    if len(totals) < LEAST_OF_A_CLASS or full <= 0:
        return None
    width = full / _BARS

    def bar(total: float) -> int:
        return min(max(int(total / width + 1e-9), 0), _BARS - 1)

    counts = [0] * _BARS
    for total in totals:
        counts[bar(total)] += 1
    mine = None if own is None else bar(own)
    bars = tuple((place * width, (place + 1) * width, n, place == mine) for place, n in enumerate(counts))
    return ClassFigures(len(totals), statistics.fmean(totals), statistics.median(totals), bars)
