"""The rule of course.toml, [late]: a share of the marks for each day, after some grace, up to a cap."""

from __future__ import annotations

import math

from nbgrader.api import Gradebook
from nbgrader.plugins import LateSubmissionPlugin
from nbgrader.preprocessors import AssignLatePenalties
from traitlets import Enum, Float

_DAY_S = 86400.0


class PenaltyPerDay(LateSubmissionPlugin):
    """nbgrader's plugin for lateness, as course.toml sets it up."""

    per_day = Float(0.0, help="percent for each day that has begun since the due date").tag(config=True)
    cap = Float(100.0, help="percent that is taken off at most").tag(config=True)
    grace_min = Float(0.0, help="minutes after the due date that cost nothing").tag(config=True)
    of = Enum(("given", "full"), "given", help="percent of the marks given, or of the full marks").tag(
        config=True
    )
    # Full marks of the submission that is looked at; whoever asks knows them.
    full_marks: float | None = None

    def late_submission_penalty(
        self, student_id: str, score: float, total_seconds_late: float
    ) -> float | None:
        """Return the marks that are taken off; None if nothing is."""
        if total_seconds_late <= 60 * self.grace_min:
            return None
        percent = min(self.cap, self.per_day * math.ceil(total_seconds_late / _DAY_S))
        whole = self.full_marks if self.of == "full" and self.full_marks is not None else score
        return float(min(score, whole * percent / 100))


class AssignCourseLatePenalties(AssignLatePenalties):
    """nbgrader's preprocessor, for `nbgrader autograde`: it tells the rule the full marks."""

    def init_plugin(self) -> None:
        """Set up the plugin for the notebook that is graded."""
        super().init_plugin()
        if isinstance(self.plugin_inst, PenaltyPerDay) and getattr(self, "db_url", None):
            with Gradebook(self.db_url) as gradebook:
                self.plugin_inst.full_marks = float(
                    gradebook.find_notebook(self.notebook_id, self.assignment_id).max_score
                )
