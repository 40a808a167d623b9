"""No mark is earned by anything but right observations under the secret seed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from autograder.emission import MIME_TYPE, SEED_VARIABLE
from autograder.instructor.demo import answer
from autograder.instructor.forkserver.client import close_servers
from autograder.instructor.grade import hinting
from autograder.instructor.grade.doubts import doubt, tasks
from autograder.instructor.grade.review import REVIEW_NOTES
from autograder.instructor.grade.trust import Hints, Reference, draw_seed, judge, make_reference
from autograder.instructor.grade.work import Job, Outcome, grade_submission
from autograder.instructor.intake import Templates
from autograder.instructor.kernels.execution import Run, run_notebook
from autograder.instructor.limits import Limits
from autograder.instructor.settings import Course
from autograder.instructor.source import grade_id, is_check_cell
from autograder.key import AnswerKey
from tests.conftest import LAB1
from tests.instructor.conftest import Classroom, usable_isolation, with_code


@pytest.fixture(scope="module")
def reference(course: Course) -> Reference:
    return make_reference(course, LAB1, draw_seed())


@pytest.fixture(scope="module")
def public(course: Course) -> Reference:
    """What anybody who has solved the lab knows."""
    return make_reference(course, LAB1, course.seed(LAB1))


@pytest.fixture(scope="module", autouse=True)
def kernels() -> Iterator[None]:
    yield
    close_servers()


def right_bundle(reference: Reference, block: str) -> dict[str, Any]:
    checks = [
        {"name": o.name, "values": list(o.values), "text": o.text, "error": None, "message": ""}
        for o in reference.observations.values()
        if o.block == block
    ]
    return {
        "format": 1, "lab": LAB1, "block": block, "students": [], "failures": [], "checks": checks,
    }  # fmt: skip


def score(reference: Reference, *bundles: Any, block: str = "generator") -> float:
    outputs = [new_output("display_data", data={MIME_TYPE: bundle}) for bundle in bundles]
    return judge(new_code_cell("", outputs=outputs), f"{block}_check", reference).score


# --- comparing -------------------------------------------------------------------------------------


def test_right_observations_earn_full_marks(reference: Reference) -> None:
    assert score(reference, right_bundle(reference, "generator")) == 8.0


def test_the_reference_has_other_numbers_under_every_seed(reference: Reference, public: Reference) -> None:
    for name, observation in reference.observations.items():
        assert observation.values != public.observations[name].values, name


def test_right_observations_under_the_public_seed_earn_nothing(
    reference: Reference, public: Reference
) -> None:
    for block in reference.blocks:
        assert score(reference, right_bundle(public, block), block=block) == 0.0


def test_a_bundle_of_another_block_earns_nothing(reference: Reference) -> None:
    assert score(reference, right_bundle(reference, "discriminator")) == 0.0


def test_no_bundle_earns_nothing(reference: Reference) -> None:
    assert score(reference) == 0.0


def test_marks_and_digits_are_not_the_kernels_to_say(reference: Reference) -> None:
    bundle = right_bundle(reference, "generator")
    for check in bundle["checks"]:
        check["values"] = [value * 1.01 for value in check["values"]]
        check.update(points=8, digits=1, passed=True, score=8)
    assert score(reference, bundle) == 0.0


def test_the_last_bundle_counts(reference: Reference) -> None:
    right, wrong = right_bundle(reference, "generator"), right_bundle(reference, "generator")
    wrong["checks"] = []
    assert score(reference, right, wrong) == 0.0 and score(reference, wrong, right) == 8.0


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), None, True, "1.0", [1.0], {}, 10**400, 1e308]
)
def test_what_is_no_finite_number_earns_nothing(reference: Reference, value: Any) -> None:
    bundle = right_bundle(reference, "generator")
    for check in bundle["checks"]:
        check["values"] = [value] * len(check["values"])
    assert score(reference, bundle) == 0.0


@pytest.mark.parametrize(
    "bundle",
    [
        None, 3, "text", [], {}, {"format": 1}, {"format": 1, "block": "generator", "checks": 3},
        {"format": 1, "block": "generator", "students": [], "failures": [], "checks": [{"name": []}]},
    ],
)  # fmt: skip
def test_data_of_another_form_earn_nothing_and_are_named(reference: Reference, bundle: Any) -> None:
    output = new_output("display_data", data={MIME_TYPE: bundle})
    marked = judge(new_code_cell("", outputs=[output]), "generator_check", reference)
    assert marked.score == 0.0 and marked.problem is not None and marked.problem.key == "bad_bundle"


def test_a_huge_bundle_is_refused(reference: Reference) -> None:
    bundle = right_bundle(reference, "generator")
    bundle["extra"] = "x" * 300_000
    assert score(reference, bundle) == 0.0


def test_what_a_kernel_says_is_shown_as_text(reference: Reference) -> None:
    bundle = right_bundle(reference, "generator")
    bundle["checks"][0].update(values=[], message="<script>alert(1)</script>")
    output = new_output("display_data", data={MIME_TYPE: bundle})
    html = judge(new_code_cell("", outputs=[output]), "generator_check", reference).view("en")._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;" in html


# --- cheats, in a real kernel ----------------------------------------------------------------------

FORGE = """
def forge(block, *_):
    from IPython.display import display
    display({{"{mime}": {bundles}[block.name], "text/plain": ""}}, raw=True)
"""
CHEATS = {
    "everything is equal": """
class Always(float):
    def __eq__(self, other): return True
    def __getattr__(self, name): return Always()
    def __call__(self, *a, **k): return Always()
make_train_data = make_train_set = Discriminator = Generator = Always()
discriminator_step = generator_step = train = sample = Always()
""",
    "a patched library": """
import autograder.key, autograder.block, autograder.judge, autograder.marks
right = autograder.marks.Verdict.RIGHT
autograder.key.AnswerKey.accepts = lambda self, observation: True
autograder.judge.Emitter.judge = autograder.judge.Practice.judge = lambda self, observation: right
autograder.block.Block.score = property(lambda self: self.points)
autograder.block.Block.run = lambda self, check: self.results.append(
    autograder.marks.Result(check.name, check.points, right, autograder.messages.Message("ok")))
""",
    "a lab of its own": """
from autograder import judge, key, session
own = key.AnswerKey.load(key.installed_keys()["lab1_sine_gan"])
lab = session.Lab("lab1_sine_gan", judge.Practice(own))
import os; os.environ.pop("AUTOGRADER_SEED")
""",
    "rewritten check cells": """
import ast
class Full(ast.NodeTransformer):
    def visit_With(self, node): return ast.Pass()
    def visit_Expr(self, node): return ast.Expr(ast.Constant(14.0))
get_ipython().ast_transformers.append(Full())
""",
    "a display hook": """
import sys
hook = get_ipython().displayhook
type(hook).__call__ = lambda self, value=None: print(14.0)
get_ipython().display_pub.publish = lambda *a, **k: None
""",
    "a comparison turned upside down": """
import torch, math, numpy
torch.equal = torch.allclose = lambda *a, **k: True
math.isfinite = lambda x: True
numpy.isfinite = lambda x: numpy.array(True)
""",
    "forged numbers that are public": "{forge}\nimport autograder.emission\nautograder.emission.emit = forge",
    "forged numbers, shown in every cell": """
{forge}
class Name:
    def __init__(self, name): self.name = name
def show(*a):
    for name in {names}: forge(Name(name))
get_ipython().events.register('post_run_cell', show)
show()
""",
    "no numbers": """
import autograder.emission
bundle = autograder.emission.bundle
def empty(block):
    found = bundle(block)
    for check in found["checks"]:
        check["values"], check["error"] = [float("nan")] * 20, None
    return found
autograder.emission.bundle = empty
""",
    "the seed of practice": "import os\nos.environ['AUTOGRADER_SEED'] = '2023'\nlab.seed = 2023",
}


def own_cell(code: str) -> nbformat.NotebookNode:
    """Return a cell as intake takes one in that a student added."""
    cell: nbformat.NotebookNode = new_code_cell(code, id="extra-1")
    return cell


def graded(classroom: Classroom, reference: Reference, cheat: str, public: Reference) -> Outcome:
    notebook = classroom.notebook("identity")
    bundles = {name: right_bundle(public, name) for name in public.blocks}
    forge = FORGE.format(mime=MIME_TYPE, bundles=repr(bundles))
    code = cheat.replace("{forge}", forge).replace("{names}", repr(list(bundles)))
    place = next(i for i, cell in enumerate(notebook.cells) if "identity" in str(cell.metadata))
    notebook.cells.insert(place, own_cell(code))
    for name in classroom.answers.keys() - {"identity"}:
        # An answer that was never touched earns nothing in any case.
        notebook = with_code(notebook, name, "mine = 1")
    return grade_submission(job(classroom, notebook, reference))


def job(classroom: Classroom, notebook: nbformat.NotebookNode, reference: Reference) -> Job:
    return Job(
        student="10001",
        notebook=nbformat.writes(notebook),
        language="es",
        notes=(),
        usable=True,
        files={},
        reference=reference,
        key=classroom.course.key(LAB1).read_text(),
        isolation=usable_isolation(),
        limits=Limits(),
        modules=("torch", "autograder", "course.plots"),
    )


@pytest.mark.slow
@pytest.mark.parametrize("cheat", list(CHEATS))
def test_a_cheat_earns_nothing(
    classroom: Classroom, reference: Reference, public: Reference, cheat: str
) -> None:
    outcome = graded(classroom, reference, CHEATS[cheat], public)
    assert {mark for mark in outcome.marks.values() if mark is not None} == {0.0}


@pytest.mark.slow
def test_the_same_forgery_with_the_secret_numbers_would_have_worked(
    classroom: Classroom, reference: Reference
) -> None:
    """The attack itself is sound: only the numbers are missing."""
    forged = CHEATS["forged numbers that are public"]
    assert sum(graded(classroom, reference, forged, reference).marks.values()) == 70.0  # type: ignore[arg-type]


@pytest.mark.slow
def test_an_honest_notebook_earns_full_marks_and_shows_nothing_secret(
    classroom: Classroom, reference: Reference
) -> None:
    outcome = grade_submission(job(classroom, classroom.notebook(), reference))
    assert sum(mark or 0 for mark in outcome.marks.values()) == 70.0 and outcome.note_keys == []
    assert str(reference.seed) not in outcome.notebook and MIME_TYPE not in outcome.notebook
    numbers = [value for o in reference.observations.values() for value in o.values]
    assert not any(repr(v) in outcome.notebook for v in numbers if not float(v).is_integer())


@pytest.mark.slow
def test_a_known_mistake_gets_its_hint(classroom: Classroom, reference: Reference) -> None:
    notebook = classroom.notebook(mistakes=("d_step_no_zero_grad",))
    outcome = grade_submission(job(classroom, notebook, reference))
    failed = {check.name: check.hint for check in outcome.checks if not check.passed}
    assert list(failed) == ["discriminator_step.zero_grad"]
    assert "Old gradients" in str(failed["discriminator_step.zero_grad"])
    assert "gradientes" in outcome.notebook


def test_a_hint_is_given_only_to_what_failed(reference: Reference, lab1_key: AnswerKey) -> None:
    bundle = right_bundle(reference, "generator")
    cell = new_code_cell("", outputs=[new_output("display_data", data={MIME_TYPE: bundle})])
    marked = judge(cell, "generator_check", reference)
    hints = Hints(lab1_key)
    hints.apply(marked, cell, "generator_check")
    assert hints.found == {} and marked.score == 8.0


def test_an_outcome_survives_being_written(classroom: Classroom) -> None:
    outcome = Outcome("10001", "graded", "{}", {"a_check": 1.0, "b_check": None}, notes=["ñ"])
    data = json.loads(json.dumps(outcome.as_json()))
    assert Outcome.from_json(data) == outcome and asdict(outcome)["notes"] == ["ñ"]


# --- marks before hints ----------------------------------------------------------------------------

# The library, patched: it observes a second answer too, and takes its numbers if a check is run again.
SECOND_TRY = """
def _second(generator, num_samples):
    with torch.no_grad():
        return generator(torch.randn((num_samples, 2), device=device)).cpu()
from IPython.display import display as _show
import autograder.emission as _e
_first = sample
_tried, _state = {}, {"again": False}
def _emit(block, lab):
    if _state["again"]:
        _tried[block.name] = _e.bundle(block, lab)
    elif block.name not in _tried:
        _show({_e.MIME_TYPE: _e.bundle(block, lab)}, raw=True, display_id=block.name)
        _state["again"] = True
        globals()["sample"] = _second
        exec(In[-1], globals())
        globals()["sample"] = _first
        _state["again"] = False
        _show({_e.MIME_TYPE: _e.bundle(block, lab)}, raw=True, display_id=block.name + "later")
    else:
        _show({_e.MIME_TYPE: _tried[block.name]}, raw=True, display_id=block.name, update=True)
def _late(*_):
    for name, bundle in _tried.items():
        if bundle:
            for known in (name, name + "later"):
                _show({_e.MIME_TYPE: bundle}, raw=True, display_id=known, update=True)
get_ipython().events.register("pre_run_cell", _late)
_e.emit = _emit
"""


@pytest.mark.slow
def test_a_second_try_comes_too_late(classroom: Classroom, reference: Reference) -> None:
    """The first answer is wrong; the second, right one is handed on after the check cell has ended."""
    wrong = "def sample(generator, num_samples):\n    return torch.zeros(num_samples, 2)"
    notebook = answer(classroom.notebook("identity", "sample"), {"sample": wrong})
    place = next(i for i, cell in enumerate(notebook.cells) if grade_id(cell) == "sample_check")
    notebook.cells.insert(place, own_cell(SECOND_TRY))
    outcome = grade_submission(job(classroom, notebook, reference))
    assert outcome.marks["sample_check"] == 0.0


@pytest.mark.slow
def test_a_kernel_is_not_told_which_checks_were_refused(
    classroom: Classroom, reference: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hints come from another kernel, which runs what they need under the public seed and nothing else."""
    runs: list[tuple[list[str], str]] = []

    def spy(notebook: nbformat.NotebookNode, *, variables: dict[str, str], **options: Any) -> Run:
        runs.append(
            ([str(grade_id(c)) for c in notebook.cells if is_check_cell(c)], variables[SEED_VARIABLE])
        )
        return run_notebook(notebook, variables=variables, **options)

    monkeypatch.setattr(hinting, "run_notebook", spy)
    notebook = classroom.notebook(mistakes=("d_step_no_zero_grad",))
    outcome = grade_submission(job(classroom, notebook, reference))
    (first, secret), (second, seed) = runs
    assert len(first) == 8 and secret == str(reference.seed)
    assert second == ["discriminator_step_check"] and seed == str(
        AnswerKey.loads(classroom.course.key(LAB1).read_text()).seed
    )
    assert {c.name: bool(c.hint) for c in outcome.checks if not c.passed} == {
        "discriminator_step.zero_grad": True
    }


@pytest.mark.slow
def test_what_happens_in_the_second_run_costs_no_mark(classroom: Classroom, reference: Reference) -> None:
    """There the kernel dies; in the first run it does not."""
    notebook = with_code(
        classroom.notebook(mistakes=("d_step_no_zero_grad",)),
        "train_data",
        f"import os\nif os.environ[{SEED_VARIABLE!r}] != '{reference.seed}': os._exit(1)",
    )
    outcome = grade_submission(job(classroom, notebook, reference))
    assert outcome.status == "graded" and sum(mark or 0 for mark in outcome.marks.values()) == 67.0


@pytest.mark.slow
def test_what_is_only_looked_at_is_not_run_and_costs_no_mark(
    classroom: Classroom, reference: Reference
) -> None:
    outcome = grade_submission(job(classroom, classroom.notebook(), reference))
    was_run = {
        cell.id: cell.execution_count is not None
        for cell in nbformat.reads(outcome.notebook, as_version=4).cells
        if cell.cell_type == "code"
    }
    assert sum(mark or 0 for mark in outcome.marks.values()) == 70.0
    assert was_run["setup"] and was_run["train"] and not was_run["run"] and not was_run["film"]


@pytest.mark.slow
def test_an_answer_may_use_what_exploration_defines(classroom: Classroom, reference: Reference) -> None:
    notebook = with_code(classroom.notebook(), "sample", "assert len(fixed_latent) == 500")
    assert "fixed_latent =" in next(cell.source for cell in notebook.cells if cell.id == "plot-untrained")
    outcome = grade_submission(job(classroom, notebook, reference))
    assert sum(mark or 0 for mark in outcome.marks.values()) == 70.0


def test_the_second_run_holds_what_a_check_needs_and_no_more(classroom: Classroom) -> None:
    notebook = classroom.notebook()
    place = next(i for i, cell in enumerate(notebook.cells) if grade_id(cell) == "train")
    notebook.cells.insert(place, own_cell("while True: pass"))
    names = [c.id for c in hinting.hint_notebook(notebook, ["train"]).cells]
    answers_before = {"identity", "train_data", "discriminator", "generator", "discriminator_step", "train"}
    assert names[0] == "setup" and names[-1] == "train_check" and answers_before <= {*names}
    assert "extra-1" in names and "sample" not in names and "plot-real" not in names
    assert [name for name in names if name.endswith("_check")] == ["train_check"]
    skipped = hinting.hint_notebook(notebook, ["train"], skipped=[place])
    assert "extra-1" not in [c.id for c in skipped.cells]


# --- marks that a person should doubt --------------------------------------------------------------


def doubts(
    notebook: nbformat.NotebookNode, reference: Reference, *blocks: str, keep: str = ""
) -> dict[str, Any]:
    """Return the marks and the notes of blocks in which all is right, or what `keep` names only."""
    marked = {}
    for name in blocks:
        bundle = right_bundle(reference, name)
        bundle["checks"] = [c for c in bundle["checks"] if keep in c["name"]]
        cell = new_code_cell("", outputs=[new_output("display_data", data={MIME_TYPE: bundle})])
        marked[name] = judge(cell, f"{name}_check", reference)
    notes = doubt(notebook, marked, reference)
    return {**{name: block.score for name, block in marked.items()}, "notes": [n.key for n in notes]}


def with_own_cell(notebook: nbformat.NotebookNode, code: str) -> nbformat.NotebookNode:
    notebook.cells.insert(3, own_cell(code))
    return notebook


COMMENT = "def sample(generator, num_samples):\n    # mine\n    raise NotImplementedError()"


@pytest.mark.parametrize("change", [{}, {"sample": COMMENT}])
def test_right_numbers_of_an_untouched_answer_earn_nothing_and_are_for_a_person_to_see(
    classroom: Classroom, reference: Reference, change: dict[str, str]
) -> None:
    notebook = answer(classroom.notebook("identity"), change)
    assert doubts(notebook, reference, "sample") == {"sample": 0.0, "notes": ["untouched_answer"]}
    assert "untouched_answer" in REVIEW_NOTES


@pytest.mark.parametrize(
    "code",
    [
        "def sample(generator, num_samples): ...",
        "from helper import sample",
        "from helper import *",
        "%matplotlib inline\nsample = lambda *a: a",
        "%run helper.py",
    ],
)
def test_an_answer_in_a_cell_of_ones_own_counts(
    classroom: Classroom, reference: Reference, code: str
) -> None:
    notebook = with_own_cell(classroom.notebook("identity"), code)
    assert doubts(notebook, reference, "sample") == {"sample": 4.0, "notes": ["answer_elsewhere"]}
    assert "answer_elsewhere" not in REVIEW_NOTES


@pytest.mark.parametrize("code", ["import helper", "x = 1", "def sample("])
def test_a_cell_that_defines_no_answer_is_none(classroom: Classroom, reference: Reference, code: str) -> None:
    notebook = with_own_cell(classroom.notebook("identity"), code)
    assert doubts(notebook, reference, "sample")["notes"] == ["untouched_answer"]


def test_answers_are_written_in_a_complete_notebook_and_untouched_in_a_new_one(
    templates: Templates, course: Course, answers: dict[str, str]
) -> None:
    complete = answer(templates.notebooks[LAB1, "es"], answers)
    assert all(task.is_written for task in tasks(complete))
    for notebook in templates.notebooks.values():
        found = tasks(notebook)
        assert len(found) >= 8
        assert not any(task.is_written or task.is_written_elsewhere for task in found)


def test_nothing_right_but_what_the_library_could_answer_is_for_a_person_to_see(
    classroom: Classroom, reference: Reference
) -> None:
    seen = doubts(classroom.notebook(), reference, "discriminator_step", "train_data", keep="zero_grad")
    assert seen == {"discriminator_step": 3.0, "train_data": 0.0, "notes": ["weak_only"]}
    assert "weak_only" in REVIEW_NOTES
    assert doubts(classroom.notebook(), reference, "discriminator_step", keep="p")["notes"] == []


def test_the_checks_that_the_library_could_answer_are_known(reference: Reference) -> None:
    weak = {name for name, observation in reference.observations.items() if observation.weak}
    assert weak == {
        "train_set.pairs", "discriminator_step.zero_grad", "discriminator_step.isolation",
        "generator_step.zero_grad", "generator_step.isolation", "train.epoch_end",
    }  # fmt: skip


# --- a checkpoint, in a kernel ---------------------------------------------------------------------

SAVE = """
import copy, torch
kept = []
def states(networks, optimizers):
    return [{name: x.state_dict() for name, x in parts.items()} for parts in (networks, optimizers)]
def restore(epoch, held, networks, optimizers):
    for parts, states in zip((networks, optimizers), held):
        for name, x in parts.items():
            x.load_state_dict(states[name])
    return epoch
"""
IN_FILE = """
def save_checkpoint(path, epoch, networks, optimizers):
    torch.save((epoch, states(networks, optimizers)), path)
def load_checkpoint(path, networks, optimizers):
    print("loading")
    return restore(*torch.load(path), networks, optimizers)
"""
IN_MEMORY = """
def save_checkpoint(path, epoch, networks, optimizers):
    kept.append(copy.deepcopy((epoch, states(networks, optimizers))))
    open(path, "w").write(str(len(kept) - 1))
def load_checkpoint(path, networks, optimizers):
    return restore(*kept[int(open(path).read())], networks, optimizers)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("code", "error"), [(IN_FILE, None), (IN_MEMORY, "checkpoint_in_memory")])
def test_a_checkpoint_has_to_be_in_its_file(code: str, error: str | None) -> None:
    check = (
        "with lab.marks('checkpoint', points=9) as checks:\n"
        "    checks.checkpoint('checkpoint.resume', save_checkpoint, load_checkpoint, points=9)"
    )
    opening = "from autograder import open_lab\nlab = open_lab('lab3_dcgan', language='en')"
    notebook = new_notebook(cells=[new_code_cell(source) for source in (opening, SAVE + code, check)])
    where = hinting.Surroundings(usable_isolation(), Limits(), {}, ("torch", "autograder"))
    run = where.run(notebook, seed=7)
    bundles = [o["data"][MIME_TYPE] for o in run.notebook.cells[2].outputs if MIME_TYPE in o.get("data", {})]
    (check_seen,) = bundles[0]["checks"]
    assert check_seen["error"] == error and bool(check_seen["values"]) == (error is None)
    assert run.notebook.cells[2].outputs[0]["output_type"] == "display_data"
