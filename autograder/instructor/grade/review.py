"""Which graded submissions a person should review."""

from __future__ import annotations

from autograder.instructor.grade.work import Outcome

# Notes after which a person should review a submission, though it has all its marks.
REVIEW_NOTES = {
    "another_lab", "answer_beside", "bad_bundle", "bad_folder_name", "cell_stopped", "copies_differ",
    "died", "folder_id", "hidden_code", "identity_incomplete", "import_lost", "meddles", "meddles_file",
    "moved_answer", "no_device", "no_run", "nothing_written", "old_checks", "other_identity", "output_cut",
    "outputs_cut", "partner_bad_id", "partner_own", "partner_taken", "partner_twice", "partner_unknown",
    "picture_missing", "several_notebooks", "startup_file", "too_many_notebooks", "unknown_cells",
    "unreadable_time", "unrecognised", "untouched_answer", "weak_only",
}  # fmt: skip


def needs_review(outcome: Outcome) -> bool:
    """Tell whether a person should review a submission."""
    return outcome.status != "graded" or bool(REVIEW_NOTES & set(outcome.note_keys))
