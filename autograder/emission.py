"""Observations that leave a notebook: what a check cell hands to whoever gives the marks.

With `AUTOGRADER_SEED` in the environment, the checks of a lab verify nothing. They run under that seed,
and each check cell displays one JSON bundle with what it observed. A process in which no student's code
ever ran compares the bundles with those of the reference solution; there is nothing here to forge a
mark with, because nothing here knows a right value.
"""

from __future__ import annotations

import math
import os
from typing import Any

from autograder.errors import GraderError
from autograder.marks import CellMarks, Result, Verdict

MIME_TYPE = "application/vnd.autograder.observations+json"
FORMAT = 1
SEED_VARIABLE = "AUTOGRADER_SEED"


def seed_to_emit() -> int | None:
    """Return the seed that `AUTOGRADER_SEED` sets, None where students practise.

    Raises:
        GraderError: if it is not a whole number.
    """
    value = os.environ.get(SEED_VARIABLE)
    if not value:
        return None
    try:
        return int(value)
    except ValueError:
        raise GraderError(f"{SEED_VARIABLE} must be a whole number, not {value!r}") from None


def emit(cell: CellMarks, lab: str) -> None:
    """Display the bundle of a check cell; outside a notebook there is nobody to see it."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        return
    if get_ipython() is not None:
        display({MIME_TYPE: bundle(cell, lab), "text/plain": f"{cell.name}: observed"}, raw=True)


def bundle(cell: CellMarks, lab: str) -> dict[str, Any]:
    """Return what a check cell observed, as JSON data.

    Each check has its numbers, its text, the key of the error that kept it from seeing any, and what to
    say to the student if the observation turns out to be wrong.
    """
    return {
        "format": FORMAT,
        "lab": lab,
        "block": cell.name,
        "students": list(cell.students),
        "checks": [_check(result, cell.language) for result in cell.results if result.observation],
        "failures": [
            result.message.render(cell.language)
            for result in cell.results
            if result.observation is None and result.verdict is Verdict.WRONG
        ],
    }


def _check(result: Result, language: str) -> dict[str, Any]:
    """Return one check as JSON data; JSON has no NaN and no infinity, which are never right."""
    observation = result.observation
    assert observation is not None
    return {
        "name": observation.name,
        "values": [value if math.isfinite(value) else None for value in observation.values],
        "text": observation.text,
        "error": observation.error,
        "message": result.message.render(language),
    }
