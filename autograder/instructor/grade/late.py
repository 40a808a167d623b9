"""What lateness costs, by the rule of the class: nbgrader's AssignLatePenalties and its plugin.

A penalty may depend on the marks, and marks by hand come in later; due dates and extensions change. So it is
computed anew whenever marks are stored, shown or handed on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import datetime

from nbgrader.api import Gradebook
from nbgrader.preprocessors import AssignLatePenalties
from traitlets.config import Config

from autograder.instructor.gradebook import Mark, lateness, marks_of
from autograder.instructor.settings import CourseError

_VERY_LATE_S = 365 * 86400.0


class LateRule:
    """The rule of a class."""

    def __init__(self, config: Config) -> None:
        """Set up the plugin that the configuration names.

        Raises:
            CourseError: if that is not possible.
        """
        try:
            preprocessor = AssignLatePenalties(config=config)
            preprocessor.init_plugin()
        except Exception as error:  # the plugin may be anybody's
            raise CourseError(
                f"AssignLatePenalties, as nbgrader_config.py sets it up: {type(error).__name__}: {error}"
            ) from None
        self._plugin = preprocessor.plugin_inst

    def penalty(self, student: str, score: float, late_s: float) -> float | None:
        """Return what is taken off, from 0 to all marks; None if nothing is.

        Raises:
            CourseError: if the plugin fails, or returns no number.
        """
        if late_s <= 0:
            return None
        try:
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
        """Return marks with the penalties that the rule gives now, whatever the gradebook holds.

        Where nobody knows when a submission was handed in, a penalty was given by a person, and stays.
        """
        return [
            m
            if m.timestamp is None
            else replace(m, late_penalty=self.penalty(m.student, m.score, m.late_s) or 0.0)
            for m in marks
        ]

    def doubted(self, marks: Iterable[Mark], students: Collection[str]) -> list[Mark]:
        """Return marks with those of some students open, where lateness would cost them something.

        Args:
            marks: marks of a lab.
            students: ids of those whose time of handing in nobody knows, since what says so cannot be read.
        """
        return [
            replace(
                m, late_unknown=m.due is not None and bool(self.penalty(m.student, m.score, _VERY_LATE_S))
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
    for mark in marks_of(gradebook, lab):
        when = when_of(mark.student) or mark.timestamp
        if when is None:
            continue
        if when != mark.timestamp:
            gradebook.find_submission(lab, mark.student).timestamp = when
        penalty = rule.penalty(mark.student, mark.score, lateness(when, mark.due))
        if abs((penalty or 0.0) - mark.late_penalty) > 1e-9:
            notebook = gradebook.find_submission_notebook(lab, lab, mark.student)
            notebook.late_submission_penalty = penalty
            changed.append(mark.student)
    return changed
