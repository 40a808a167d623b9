"""Trusted marks: given by comparing what a student's kernel observed with what the reference observes.

No student's code runs in this process, and no student's kernel knows an expected value. What comes from
a kernel is data of limited size and known form; anything else earns nothing.
"""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nbformat import NotebookNode

from autograder.display import CellView
from autograder.emission import FORMAT, MIME_TYPE
from autograder.instructor.grade.marked import MarkedText
from autograder.instructor.intake.notes import Note, note, reason
from autograder.instructor.observe import observe
from autograder.instructor.settings import Course
from autograder.key import AnswerKey, agree
from autograder.labels import heading_of
from autograder.marks import UNWRITTEN, CellMarks, Result, Verdict, earned
from autograder.messages import Message, Translated
from autograder.observation import Observation

MAX_BUNDLE_BYTES = 256 * 1024
_MAX_NUMBERS = 4096
_MAX_TEXT = 2000
IDENTITY = "identity"


@dataclass(frozen=True)
class Reference:
    """What the reference solution observes under the secret seed of one grading run.

    Attributes:
        lab: the lab's id.
        seed: the secret seed.
        blocks: full marks by block, in order.
        observations: by name of the check, in order.
    """

    lab: str
    seed: int
    blocks: Mapping[str, float]
    observations: Mapping[str, Observation]


def draw_seed() -> int:
    """Return a seed that nobody can guess."""
    return secrets.randbits(62)


def make_reference(course: Course, lab: str, seed: int) -> Reference:
    """Run the reference solution once under a seed.

    Raises:
        CourseError: if the reference fails its own checks.
    """
    recording = observe(course, lab, seed=seed)
    return Reference(lab, seed, dict(recording.blocks), dict(recording.observations))


@dataclass
class MarkedBlock:
    """The marks of one check cell.

    Attributes:
        name: of the block.
        points: full marks.
        results: one entry per check, in order.
        students: who the identity cell names.
        problem: what was wrong with what the kernel handed on, if anything.
        heard: whether the kernel handed on anything that could be read.
    """

    name: str
    points: float
    results: list[Result]
    students: tuple[str, ...] = ()
    problem: Note | None = None
    heard: bool = True

    @property
    def score(self) -> float:
        """Return the marks earned: a plain float between 0 and the full marks."""
        return earned(self.results, self.points)

    @property
    def failed(self) -> list[Result]:
        """Return the checks that were refused."""
        return [result for result in self.results if not result.passed]

    def view(self, language: str, headings: Mapping[str, Mapping[str, str]] | None = None) -> CellView:
        """Return how the block looks, under its heading if that is known."""
        heading = heading_of(self.name, headings or {}, language)
        return CellView(CellMarks(self.name, self.points, language, self.results, self.students, heading))


def block_of(check_cell: str) -> str:
    """Return the name of the block that a check cell holds; `course build` makes sure of it."""
    return check_cell.removesuffix("_check")


def judge(cell: NotebookNode, check_cell: str, reference: Reference) -> MarkedBlock:
    """Give the marks of one executed check cell.

    Args:
        cell: with the outputs of a student's kernel.
        check_cell: its grade_id.
        reference: what is right.
    """
    name = block_of(check_cell)
    bundle, problem = _bundle(cell, name, check_cell)
    seen = {check["name"]: check for check in bundle["checks"]}
    expected = [o for o in reference.observations.values() if o.block == name]
    results = [_judge_check(o, seen.get(o.name)) for o in expected]
    if name == IDENTITY:
        results = [_identity(check) for check in bundle["checks"]]
    results += [Result(name, 0.0, Verdict.WRONG, _said(text)) for text in bundle["failures"]]
    return MarkedBlock(
        name,
        reference.blocks.get(name, 0.0),
        results,
        tuple(bundle["students"]),
        problem,
        heard=bundle is not _NOTHING,
    )


def _judge_check(expected: Observation, seen: Mapping[str, Any] | None) -> Result:
    """Compare one observation with the expected one."""
    if seen is None:
        return Result(expected.name, expected.points, Verdict.WRONG, _NOT_OBSERVED)
    observation = observation_of(seen, expected)
    if agree(expected, observation):
        return Result(expected.name, expected.points, Verdict.RIGHT, Message("ok"), observation)
    return Result(expected.name, expected.points, Verdict.WRONG, _said(seen["message"]), observation)


def observation_of(check: Mapping[str, Any], expected: Observation) -> Observation:
    """Return what a check of a bundle saw; name, marks and digits are not the kernel's to say."""
    values = tuple(math.nan if value is None else float(value) for value in check["values"])
    return Observation(
        name=expected.name,
        block=expected.block,
        points=expected.points,
        values=values,
        digits=expected.digits,
        text=check["text"],
        error=check["error"],
    )


def _identity(check: Mapping[str, Any]) -> Result:
    """Return the result of the identity check, which is worth nothing and refuses only what is empty."""
    passed = check["error"] is None
    verdict = Verdict.RIGHT if passed else Verdict.WRONG
    return Result(IDENTITY, 0.0, verdict, Message("ok") if passed else _said(check["message"]))


def _said(text: str) -> Message:
    """Return a message that a student's kernel wrote."""
    return Message("hint", {"hint": text})


_NOT_OBSERVED = Message("hint", {"hint": MarkedText("not_observed")})


# --- what a kernel hands on ------------------------------------------------------------------------

_NOTHING: dict[str, Any] = {"checks": [], "failures": [], "students": []}


def _bundle(cell: NotebookNode, block: str, check_cell: str) -> tuple[dict[str, Any], Note | None]:
    """Return the last valid bundle of a block among a cell's outputs, and what was wrong with others."""
    problem: Note | None = None
    found: dict[str, Any] | None = None
    for output in cell.get("outputs", []):
        data = output.get("data")
        if not isinstance(data, dict) or MIME_TYPE not in data:
            continue
        bundle = data[MIME_TYPE]
        if not _is_small(bundle):
            problem = note("bad_bundle", cell=check_cell, reason=reason("size"))
        elif not _is_bundle(bundle) or bundle["block"] != block:
            problem = note("bad_bundle", cell=check_cell, reason=reason("form"))
        else:
            found = bundle
    if found is not None:
        return found, problem
    return _NOTHING, problem or note("bad_bundle", cell=check_cell, reason=reason("absent"))


def _is_small(bundle: Any) -> bool:
    try:
        return len(json.dumps(bundle)) <= MAX_BUNDLE_BYTES
    except (TypeError, ValueError, RecursionError):
        return False


def _is_bundle(bundle: Any) -> bool:
    """Tell whether data have the form that `autograder.emission.bundle` gives them."""
    return (
        isinstance(bundle, dict)
        and bundle.get("format") == FORMAT
        and isinstance(bundle.get("block"), str)
        and _is_list(bundle.get("students"), _is_text, 2)
        and _is_list(bundle.get("failures"), _is_text, 10)
        and _is_list(bundle.get("checks"), _is_check, 100)
    )


def _is_list(data: Any, is_item: Any, most: int) -> bool:
    return isinstance(data, list) and len(data) <= most and all(is_item(item) for item in data)


def _is_text(data: Any) -> bool:
    return isinstance(data, str) and len(data) <= _MAX_TEXT


def _is_number(data: Any) -> bool:
    # JSON knows integers of any length; none that a float cannot hold is right.
    if data is None:
        return True
    return isinstance(data, (int, float)) and not isinstance(data, bool) and abs(data) < 1e308


def _is_check(data: Any) -> bool:
    return (
        isinstance(data, dict)
        and _is_text(data.get("name"))
        and _is_list(data.get("values"), _is_number, _MAX_NUMBERS)
        and (data.get("text") is None or _is_text(data["text"]))
        and (data.get("error") is None or _is_text(data["error"]))
        and _is_text(data.get("message"))
    )


# --- hints -----------------------------------------------------------------------------------------


@dataclass
class Hints:
    """Finds hints for checks that failed, by what the same code observes under the public seed.

    The answer key holds what known wrong answers observe under that seed and no other.

    Attributes:
        key: the lab's answer key.
        found: names of the checks that were given a hint, with the hint, in English if there is one.
    """

    key: AnswerKey
    found: dict[str, str] = field(default_factory=dict)

    def apply(self, marked: MarkedBlock, cell: NotebookNode, check_cell: str) -> None:
        """Give hints to the failed checks of a block.

        Args:
            marked: the block; its messages are replaced where there is a hint.
            cell: the same check cell, run under the public seed.
            check_cell: its grade_id.
        """
        bundle, _ = _bundle(cell, marked.name, check_cell)
        seen = {check["name"]: check for check in bundle["checks"]}
        practised = {
            result.name: observation_of(seen[result.name], result.observation)
            for result in marked.results
            if result.observation is not None and result.name in seen
        }
        refused = {name for name, observation in practised.items() if not self.key.accepts(observation)}
        for index, result in enumerate(marked.results):
            if result.passed or result.observation is None or result.name not in practised:
                continue
            if result.observation.error in UNWRITTEN:
                continue
            hint = self.key.hint(practised[result.name], refused)
            if hint is not None:
                message = Message("hint", {"hint": Translated(hint)})
                marked.results[index] = replace(result, message=message)
                self.found[result.name] = Translated(hint).render("en")


def wants_hints(marked: Sequence[MarkedBlock]) -> list[str]:
    """Return the names of the blocks whose failures may have a hint."""
    return [
        block.name
        for block in marked
        if any(
            result.observation is not None and result.observation.error not in UNWRITTEN
            for result in block.failed
        )
    ]
