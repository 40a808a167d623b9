"""What a lab's prose says of its outputs is looked at by a claim.

Whether the claims hold is asked where the outputs are made: by `course build` for the notebook's seed, by
`make audit` for three. A training ends elsewhere on another processor: a suite that executed them would
fail by luck.
"""

from __future__ import annotations

import pytest

from autograder.instructor.claims.cells import read_claims
from autograder.instructor.claims.statements import open_statements
from autograder.instructor.settings import Course, load_course
from tests.conftest import LABS, ROOT


@pytest.fixture(params=[lab for lab in LABS if load_course(ROOT).settings(lab).get("claims")])
def claiming(request: pytest.FixtureRequest) -> str:
    """Every lab of which course.toml says so, in turn."""
    return str(request.param)


def test_every_sentence_about_outputs_has_a_claim(course: Course, claiming: str) -> None:
    found = [f"{statement.prose}: {statement.text}" for statement in open_statements(course, claiming)]
    assert found == [], "\n".join(found)


def test_every_claim_backs_a_sentence_of_the_prose(course: Course, lab: str) -> None:
    assert all(claim.sentences for claim in read_claims(course, lab))
