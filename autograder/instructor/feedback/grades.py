"""Fetch marks and comments for a feedback page; what has no mark yet is not a 0."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import GetGrades
from nbgrader.utils import is_grade, is_task


class GetGradesAndGaps(GetGrades):
    """nbgrader's GetGrades, which gives 0 to what nobody has marked; here such a cell is `waiting`."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: Any, cell_index: int
    ) -> tuple[NotebookNode, Any]:
        """Return a cell with its marks and comment in its metadata."""
        cell, resources = super().preprocess_cell(cell, resources, cell_index)
        if is_grade(cell) or is_task(cell):
            data = cell.metadata.nbgrader
            grade = self.gradebook.find_grade(
                data["grade_id"], self.notebook_id, self.assignment_id, self.student_id
            )
            data["waiting"] = grade.manual_score is None and grade.auto_score is None
        return cell, resources
