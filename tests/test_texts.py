"""Whatever is said to students is said in every language, with the same details."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.catalogue import fields, load
from autograder.checks.family import installed_families
from autograder.instructor.feedback.exporter import FeedbackText
from autograder.instructor.grade.marked import MarkedText
from autograder.instructor.intake.notes import Note, Reason
from autograder.language import LANGUAGES
from autograder.messages import Message
from autograder.rerun.texts import Text as RerunText
from course.texts import CourseText
from tests.conftest import ROOT

FILES = sorted(
    path
    for package in ("autograder", "course")
    for path in (ROOT / package).rglob("*.toml")
    if "templates" not in path.parts
)
# What an instructor reads is English only, as the commands are.
FOR_INSTRUCTORS = {"review_reasons.toml"}
# Of all families of checks too.
assert installed_families()
KINDS: list[type[Message]] = [Message, RerunText, CourseText, Note, Reason, FeedbackText, MarkedText]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_file_of_texts_is_complete(path: Path) -> None:
    expected = {"en"} if path.name in FOR_INSTRUCTORS else set(LANGUAGES)
    texts = load(str(path.parent), path.stem)
    assert texts and all(set(entry) == expected for entry in texts.values())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_text_has_the_same_fields_in_every_language(kind: type[Message]) -> None:
    assert kind.texts()
    for key, texts in kind.texts().items():
        assert set(texts) == set(LANGUAGES), key
        assert len({fields(text) for text in texts.values()}) == 1, key
