"""Running one check of a lab on its own, for tests of what it says or observes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograder.block import Block
from autograder.session import Lab

Check = Callable[[Block], Any]


def message(lab: Lab, check: Check) -> str:
    """Run one check that must fail; return what it says."""
    with lab.marks("block", points=1) as block:
        assert check(block) is False
    return block.results[-1].message.render("en")


def numbers(lab: Lab, check: Check) -> tuple[float, ...]:
    """Run one check; return what it observes."""
    with lab.marks("block", points=1) as block:
        check(block)
    observation = block.results[-1].observation
    assert observation is not None and observation.error is None, observation
    return observation.values
