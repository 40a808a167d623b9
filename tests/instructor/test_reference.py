"""docs/reference.md: every check and everything that is supplied, as their docstrings say."""

from __future__ import annotations

import re

import pytest

from autograder.block import Block
from autograder.checks.base import Checks
from autograder.checks.supplied import Supplies
from autograder.instructor import reference
from autograder.session import Lab
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")


def test_the_page_is_fresh() -> None:
    assert reference.reference() == PAGE, "run `course reference` and commit"


def public(composed: type, base: type) -> set[str]:
    """Return the methods that cells call, of all families."""
    kinds = [kind for kind in composed.__mro__ if issubclass(kind, base) and kind is not base]
    return {name for kind in kinds for name in vars(kind) if not name.startswith("_")}


@pytest.mark.parametrize(
    ("composed", "base", "name"),
    [(type(Block.__new__(Block)), Checks, "checks"), (type(Lab.__new__(Lab)), Supplies, "lab")],
    ids=["checks", "lab"],
)
def test_everything_that_a_cell_may_call_has_a_heading(composed: type, base: type, name: str) -> None:
    headings = set(re.findall(rf"^#### `{name}\.(supplied_\w+|\w+)[(`]", PAGE, re.MULTILINE))
    expected = public(composed, base) - {"score"}
    if name == "lab":
        expected = {each for each in expected if each.startswith("supplied_")}
    assert expected and headings >= expected
