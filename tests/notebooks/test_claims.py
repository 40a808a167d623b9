"""What a lab's prose says of its outputs is looked at: by a claim that holds, under other seeds too."""

from __future__ import annotations

import pytest

from autograder.instructor.claim_seeds import hold_claims
from autograder.instructor.claims.cells import read_claims
from autograder.instructor.claims.statements import open_statements
from autograder.instructor.settings import Course, load_course
from autograder.instructor.solution import described
from tests.conftest import LAB1, LABS, ROOT


@pytest.fixture(params=[lab for lab in LABS if load_course(ROOT).settings(lab).get("claims")])
def claiming(request: pytest.FixtureRequest) -> str:
    """Every lab of which course.toml says so, in turn."""
    return str(request.param)


def test_every_sentence_about_outputs_has_a_claim(course: Course, claiming: str) -> None:
    found = [f"{statement.prose}: {statement.text}" for statement in open_statements(course, claiming)]
    assert found == [], "\n".join(found)


def test_every_claim_backs_a_sentence_of_the_prose(course: Course, lab: str) -> None:
    assert all(claim.sentences for claim in read_claims(course, lab))


@pytest.mark.slow
def test_claims_hold_under_another_seed(course: Course) -> None:
    """Of one lab: `make audit` executes all of them under three seeds, which takes most of an hour."""
    failed = [each for each in hold_claims(course, LAB1, seeds=2) if not each.passed]
    lines = [line for each in failed for outcome in each.outcomes for line in described(outcome)]
    assert failed == [], "\n".join(lines)
