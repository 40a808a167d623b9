"""Marks that a person gave to one of a pair, for the other one too: they handed in one notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nbgrader.api import Comment, Grade, Gradebook, MissingEntry, SubmittedNotebook


def share_marks_by_hand(gradebook: Gradebook, lab: str, groups: Iterable[Sequence[str]]) -> list[str]:
    """Give the marks and comments of a person to everybody who handed in the same notebook.

    Who has a mark of their own keeps it, and where a group has different marks nothing is given: somebody
    meant them to be different.

    Args:
        gradebook: a gradebook with an open transaction.
        lab: the lab's id.
        groups: ids of students who handed in together, a group each.

    Returns:
        The students who got a mark or a comment, in order.
    """
    found: set[str] = set()
    for group in groups:
        notebooks = {student: _notebook(gradebook, lab, student) for student in group}
        present = {student: notebook for student, notebook in notebooks.items() if notebook is not None}
        found |= _share_grades({s: {g.name: g for g in n.grades} for s, n in present.items()})
        found |= _share_comments({s: _final_comments(n) for s, n in present.items()})
    return sorted(found)


def _notebook(gradebook: Gradebook, lab: str, student: str) -> SubmittedNotebook | None:
    try:
        return gradebook.find_submission_notebook(lab, lab, student)
    except MissingEntry:
        return None


def _share_grades(grades: dict[str, dict[str, Grade]]) -> set[str]:
    """Give marks; return who got some."""
    found = set()
    for name in {name for given in grades.values() for name in given}:
        cells = {student: given[name] for student, given in grades.items() if name in given}
        settled = [g for g in cells.values() if g.manual_score is not None and not g.needs_manual_grade]
        if len({(g.manual_score, g.extra_credit or 0.0) for g in settled}) != 1:
            continue
        for student, grade in cells.items():
            if grade.manual_score is None:
                grade.manual_score, grade.extra_credit = settled[0].manual_score, settled[0].extra_credit
                grade.needs_manual_grade = False
                found.add(student)
    return found


def _final_comments(notebook: SubmittedNotebook) -> dict[str, Comment]:
    """Return the comments of a notebook but for those on marked answers that changed since: of other work."""
    again = {g.name for g in notebook.grades if g.needs_manual_grade and g.manual_score is not None}
    return {comment.name: comment for comment in notebook.comments if comment.name not in again}


def _share_comments(comments: dict[str, dict[str, Comment]]) -> set[str]:
    """Give comments; return who got some."""
    found = set()
    for name in {name for given in comments.values() for name in given}:
        cells = {student: given[name] for student, given in comments.items() if name in given}
        written = {comment.manual_comment for comment in cells.values() if comment.manual_comment}
        if len(written) != 1:
            continue
        for student, comment in cells.items():
            if not comment.manual_comment:
                comment.manual_comment = next(iter(written))
                found.add(student)
    return found
