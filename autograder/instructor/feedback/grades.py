"""Fetch marks and comments for a feedback page; what has no mark yet is not a 0."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import GetGrades


class GetGradesAndGaps(GetGrades):
    """nbgrader's GetGrades, which gives 0 to what nobody has marked; here such a cell is `waiting`."""

    def _get_score(self, cell: NotebookNode, resources: Any) -> None:
        super()._get_score(cell, resources)
        data = cell.metadata.nbgrader
        grade = self.gradebook.find_grade(
            data["grade_id"], self.notebook_id, self.assignment_id, self.student_id
        )
        data["waiting"] = grade.manual_score is None and grade.auto_score is None
