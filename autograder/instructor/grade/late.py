"""What lateness costs, by the rule of the class: nbgrader's AssignLatePenalties and its plugin.

A penalty may depend on the marks, and marks by hand come in later; due dates and extensions change. So it is
computed anew whenever marks are stored, shown or handed on.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.plugins import LateSubmissionPlugin
from nbgrader.preprocessors import AssignLatePenalties
from traitlets.config import Config

from autograder.instructor.grade.late_days import PenaltyPerDay
from autograder.instructor.grade.terms import Terms
from autograder.instructor.gradebook import Mark, lateness, marks_of
from autograder.instructor.settings import CourseError

_VERY_LATE_S = 365 * 86400.0


class LateRule:
    """The rule of a class."""

    def __init__(self, config: Config, root: Path | None = None) -> None:
        """Set up the plugin that the configuration names.

        Args:
            config: nbgrader's configuration.
            root: folder of the class; None: the one that the configuration names, or the working folder.

        Raises:
            CourseError: if that is not possible.
        """
        self.terms = Terms(config, root or Path(str(config.CourseDirectory.get("root", "") or ".")))
        try:
            preprocessor = AssignLatePenalties(config=config)
            preprocessor.init_plugin()
        except Exception as error:  # the plugin may be anybody's
            raise CourseError(
                f"AssignLatePenalties, as nbgrader_config.py sets it up: {type(error).__name__}: {error}"
            ) from None
        self._plugin = preprocessor.plugin_inst

    def penalty(self, student: str, score: float, late_s: float, full_marks: float) -> float | None:
        """Return what is taken off, from 0 to all marks; None if nothing is.

        Args:
            student: the student's id.
            score: marks given, before anything is taken off.
            late_s: seconds after the due date.
            full_marks: of the lab.

        Raises:
            CourseError: if the plugin fails, or returns no number.
        """
        if late_s <= 0:
            return None
        try:
            if isinstance(self._plugin, PenaltyPerDay):
                self._plugin.full_marks = full_marks
            found = self._plugin.late_submission_penalty(student, score, late_s)
            if found is None:
                return None
            found = float(found)
            if not math.isfinite(found):
                raise ValueError(f"{found} is no penalty")
        except Exception as error:  # the plugin may be anybody's
            raise CourseError(
                f"The rule for late submissions, {type(self._plugin).__name__}, cannot be applied to "
                f"{student}: {type(error).__name__}: {error}"
            ) from None
        return max(0.0, min(found, score))

    def applied(self, marks: Iterable[Mark]) -> list[Mark]:
        """Return marks with due dates and penalties as they are now, whatever the gradebook holds.

        Where nobody knows when a submission was handed in, a penalty was given by a person, and stays.
        """
        timed = (self.terms.applied(mark) for mark in marks)
        return [m if m.timestamp is None else replace(m, late_penalty=self.of(m)) for m in timed]

    def of(self, mark: Mark) -> float:
        """Return what is taken off for the lateness of a mark."""
        return self.penalty(mark.student, mark.score, mark.late_s, mark.max_score) or 0.0

    @property
    def per_day(self) -> PenaltyPerDay | None:
        """Return the rule of course.toml, None if the class has another."""
        return self._plugin if isinstance(self._plugin, PenaltyPerDay) else None

    def described(self) -> str:
        """Return the rule as a sentence."""
        rule = self.per_day
        if rule is None:
            method = getattr(self._plugin, "penalty_method", None)
            if type(self._plugin) is LateSubmissionPlugin and method in ("none", "zero"):
                return "Lateness costs nothing." if method == "none" else "Lateness costs all marks."
            return f"{type(self._plugin).__name__} of nbgrader_config.py says what lateness costs."
        of = "full marks" if rule.of == "full" else "marks given"
        grace = f" The first {rule.grace_min:g} minutes cost nothing." if rule.grace_min else ""
        cap = f", at most {rule.cap:g} %" if rule.cap < 100 else ""
        return f"Lateness costs {rule.per_day:g} % of the {of} for each day begun{cap}.{grace}"

    def doubted(self, marks: Iterable[Mark], students: Collection[str]) -> list[Mark]:
        """Return marks with those of some students open, where lateness would cost them something.

        Args:
            marks: marks of a lab.
            students: ids of those whose time of handing in nobody knows, since what says so cannot be read.
        """
        return [
            replace(
                m,
                late_unknown=m.due is not None
                and bool(self.penalty(m.student, m.score, _VERY_LATE_S, m.max_score)),
            )
            if m.student in students
            else m
            for m in marks
        ]


def update_lateness(
    gradebook: Gradebook, lab: str, rule: LateRule, when_of: Callable[[str], datetime | None]
) -> list[str]:
    """Apply a rule to all stored submissions of a lab; what is right already is not touched.

    Args:
        gradebook: a gradebook with an open transaction.
        lab: the lab's id.
        rule: rule for late submissions.
        when_of: function that returns when a graded submission was handed in, None where only the gradebook
            may know.

    Returns:
        The students whose penalty changed, in order.

    Raises:
        CourseError: if the rule cannot be applied.
    """
    changed = []
    _enter_due(gradebook, lab, rule.terms.due(lab))
    for before in marks_of(gradebook, lab):
        mark = rule.terms.applied(before)
        if mark.extension != before.extension:
            gradebook.find_submission(lab, mark.student).extension = mark.extension or None
        when = when_of(mark.student) or mark.timestamp
        if when is None:
            continue
        if when != mark.timestamp:
            gradebook.find_submission(lab, mark.student).timestamp = when
        penalty = rule.penalty(mark.student, mark.score, lateness(when, mark.due), mark.max_score)
        if abs((penalty or 0.0) - mark.late_penalty) > 1e-9:
            notebook = gradebook.find_submission_notebook(lab, lab, mark.student)
            notebook.late_submission_penalty = penalty
            changed.append(mark.student)
    return changed


def _enter_due(gradebook: Gradebook, lab: str, due: datetime | None) -> None:
    """Let nbgrader's own programs show when a lab is due, where course.toml says so."""
    with contextlib.suppress(MissingEntry):
        assignment = gradebook.find_assignment(lab)
        if due is not None and assignment.duedate != due:
            assignment.duedate = due
