"""Text answers."""

from __future__ import annotations

from autograder.messages import CheckFailed, Message
from autograder.observation import normalise_text


def require_text(answer: object) -> str:
    """Return an answer in its normal form.

    Raises:
        CheckFailed: if it is no text, or empty.
    """
    if not isinstance(answer, str):
        raise CheckFailed("not_text", seen=type(answer).__name__)
    normal = normalise_text(answer)
    if not normal:
        raise CheckFailed("empty_text")
    return normal


def describe_wrong(answer: str) -> Message:
    """Return the message for a wrong answer: it repeats the student's own words only."""
    return Message("wrong_text", {"seen": answer.strip()[:60]})
