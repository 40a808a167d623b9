"""What an answer key is made of is looked at: a key that would mislead is not written, or not used."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder.instructor import keys
from autograder.instructor.bank import Answer
from autograder.instructor.observe import observe, run_cells
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.trial import Trial
from autograder.key import AnswerKey, enrol
from autograder.observation import Observation
from tests.conftest import ROOT

SEEN = Observation("a.values", "a", 2.0, (1.0, 2.0, 3.0, 4.0), 6)


def trial(name: str, error: str | None = None, **observations: Observation) -> Trial:
    answer = Answer(name, "a", "wrong", "", None, {"en": "no"})
    return Trial(answer, {} if error else {7: observations}, error)


# --- hints that would never be given ---------------------------------------------------------------


def test_a_bank_of_which_no_answer_runs_is_said_with_the_reason() -> None:
    trials = [trial("one", "CourseError: no module"), trial("two", "CourseError: no module")]
    with pytest.raises(CourseError, match="no answer of the bank could be run; one: CourseError: no module"):
        keys._require_seen("lab1", trials, 7)


def test_an_answer_whose_check_cell_observes_nothing_is_named() -> None:
    with pytest.raises(CourseError, match=r"(?s)never be given.*\ntwo: its check cell ran no check$"):
        keys._require_seen("lab1", [trial("one", None, values=SEEN), trial("two")], 7)


def test_answers_that_observe_something_are_fine() -> None:
    keys._require_seen("lab1", [trial("one", None, values=SEEN)], 7)


# --- a key that is older than what a lab imports ---------------------------------------------------


def test_a_key_that_refuses_what_the_solution_observes_now_is_not_used() -> None:
    key = AnswerKey("lab1", 7, {"a": 2.0}, {}, {"a.values": enrol(SEEN, "lab1")}, "")
    keys.require_reference("lab1", key, {"a.values": SEEN})
    changed = replace(SEEN, values=(1.0, 2.0, 3.0, 5.0))
    for seen in ({"a.values": changed}, {}):
        with pytest.raises(CourseError, match=r"refuses the lab's own solution \(a\.values\).*`course build"):
            keys.require_reference("lab1", key, seen)


# --- code that is run as a script ------------------------------------------------------------------


def test_a_missing_module_is_no_answers_fault() -> None:
    own = new_notebook(cells=[new_code_cell("import no_such_module", id="setup")])
    with pytest.raises(CourseError, match=r"lab1, cell 'setup': ModuleNotFoundError"):
        run_cells(own, {}, strict=False, name="lab1")


def test_a_students_cell_may_miss_a_module_as_it_may_fail_in_any_way() -> None:
    theirs = new_code_cell("import no_such_module", id="a", metadata={"nbgrader": {"solution": True}})
    run_cells(new_notebook(cells=[theirs]), {}, strict=False, name="lab1")


@pytest.mark.slow
def test_a_reference_that_fails_its_own_check_says_why(course: Course, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs" / "example_lab", tmp_path / "source_notebooks" / "lab0_example")
    draft = replace(course, root=tmp_path, labs={"lab0_example": {"seed": 2099}})
    path = draft.source("lab0_example")
    wrong = "return torch.randn(n, 2 if n == 10 else n.size)"
    path.write_text(path.read_text().replace("return torch.randn(n, 2)", wrong, 1))
    with pytest.raises(CourseError, match=r"latent\.values: .*AttributeError.*`size` .*`int`"):
        observe(draft, "lab0_example", seed=1)
