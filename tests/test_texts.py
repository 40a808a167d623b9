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
from course.diagrams.texts import DiagramText
from course.texts import CourseText
from tests.conftest import ROOT

# Words that sentences are recognised by, or that reviews are made of.
NO_TEXTS = {"words.toml", "grammar.toml"}
FILES = sorted(
    path
    for package in ("autograder", "course")
    for path in (ROOT / package).rglob("*.toml")
    if "templates" not in path.parts and path.name not in NO_TEXTS
)
# What an instructor reads is English only, as the commands are.
FOR_INSTRUCTORS = {"review_reasons.toml"}
# Of all families of checks too.
assert installed_families()
KINDS: list[type[Message]] = [
    Message,
    RerunText,
    CourseText,
    DiagramText,
    Note,
    Reason,
    FeedbackText,
    MarkedText,
]


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


def sentences() -> list[tuple[str, str, str]]:
    """Return what checks say: texts that end as a sentence does."""
    # What stands in for other libraries speaks as they do.
    others = {key for package in ("jhwutils", "lautils") for key in load(f"autograder.{package}", "texts")}
    texts = {key: entry for key, entry in Message.texts().items() if key not in others}
    found = [(key, lang, entry[lang].strip()) for key, entry in texts.items() for lang in entry]
    return [row for row in found if row[2].endswith((".", "?", "!")) and " " in row[2]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_begins_with_a_capital(language: str) -> None:
    begins = {key: text.lstrip("¿¡(“«")[:1] for key, lang, text in sentences() if lang == language}
    assert len(begins) > 150
    assert {key for key, first in begins.items() if first.islower()} == set()


def test_no_text_holds_what_a_reader_would_see_as_a_mark() -> None:
    """Markup that is rendered is that of code and of bold; a backtick that opens code closes it."""
    for key, entry in Message.texts().items():
        for text in entry.values():
            assert text.count("`") % 2 == 0 and text.count("**") % 2 == 0, key
            assert "\x1b" not in text and not text.startswith("**"), key


def test_rules_say_what_must_be() -> None:
    """What is asked for reads as a rule, and not as what was seen: of those that once did not."""
    must = {
        "wrong_parts", "classifier_loss", "classifier_penalty_unused", "prediction_differs",
        "export_early", "export_pixels", "labels_swapped", "wrong_loss_sum", "wrong_average", "wrong_round",
        "wrong_equalised_initialisation", "interpolation_outside", "wrong_penalty_value", "round_differs",
    }  # fmt: skip
    for key in must:
        texts = Message.texts()[key]
        assert "must" in texts["en"] and "deb" in texts["es"].lower(), key
