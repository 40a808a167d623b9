"""Students read headings where data have ids; a key brings them, in every language of the course."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import course.checks.gan  # noqa: F401  (its labels)
from autograder.instructor.headings import headings_of
from autograder.instructor.settings import Course
from autograder.instructor.source import read_source
from autograder.key import AnswerKey
from autograder.labels import heading_of, label_of


def test_every_block_and_every_question_of_a_lab_is_called_by_its_heading(course: Course, lab: str) -> None:
    key = AnswerKey.load(course.key(lab))
    found = headings_of(lab, read_source(course.source(lab)), course.languages)
    assert set(found) >= {lab, *key.blocks, *key.manual}
    for texts in found.values():
        assert set(texts) == set(course.languages)
        assert not any(word in text for text in texts.values() for word in ("puntos)", "marks)", "#", "_"))


def test_keys_hold_the_headings_of_their_sources(course: Course, lab: str) -> None:
    """`course build` writes them without building the key again: they decide nothing."""
    found = headings_of(lab, read_source(course.source(lab)), course.languages)
    assert AnswerKey.load(course.key(lab)).headings == found


def test_every_check_of_a_lab_has_a_label_that_tells_it_from_the_others_of_its_cell(
    course: Course, lab: str
) -> None:
    key = AnswerKey.load(course.key(lab))
    for language in course.languages:
        for block in key.blocks:
            labels = [label_of(name, language) for name, entry in key.checks.items() if entry.block == block]
            assert all(labels) and len(set(labels)) == len(labels), (block, labels)


def test_a_key_without_headings_is_read_all_the_same(lab1_key: AnswerKey) -> None:
    data = json.loads(lab1_key.dumps())
    del data["headings"]
    old = AnswerKey.loads(json.dumps(data))
    assert old == replace(lab1_key, headings={})
    assert heading_of("train_data", old.headings, "es") == "train_data"


@pytest.mark.parametrize(
    ("language", "called"), [("es", "3. Los datos de entrenamiento"), ("en", "3. The training data")]
)
def test_a_block_is_called_in_the_language_of_the_notebook(
    lab1_key: AnswerKey, language: str, called: str
) -> None:
    assert heading_of("train_data", lab1_key.headings, language) == called
