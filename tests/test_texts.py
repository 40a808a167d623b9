"""Whatever is said to students is said in every language, with the same details."""

from __future__ import annotations

import string

import pytest

from autograder.checks.family import installed_families
from autograder.instructor.feedback.texts import FeedbackText
from autograder.instructor.grade.marked import MarkedText
from autograder.instructor.intake.notes import Note, Reason
from autograder.language import LANGUAGES
from autograder.messages import Message
from autograder.rerun.texts import Text as RerunText
from course.texts import Text as CourseText

# Of all families of checks too.
assert installed_families()
KINDS: list[type[Message]] = [Message, RerunText, CourseText, Note, Reason, FeedbackText, MarkedText]


def gaps(text: str) -> set[str]:
    """Return the names of the details that a text leaves room for."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_text_has_the_same_gaps_in_every_language(kind: type[Message]) -> None:
    assert kind.texts()
    for key, texts in kind.texts().items():
        assert set(texts) == set(LANGUAGES), key
        assert len({frozenset(gaps(text)) for text in texts.values()}) == 1, key
