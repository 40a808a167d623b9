"""Claims: what the prose says of outputs stands beside it as code that nobody but the build runs."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch

from autograder.instructor import build
from autograder.instructor.claim_seeds import SeveralSeeds, hold_claims
from autograder.instructor.claims import seeds
from autograder.instructor.claims.cells import Claim, fits, read_claims
from autograder.instructor.claims.examine import Finding, findings_of
from autograder.instructor.claims.exceptions import load_exceptions
from autograder.instructor.claims.statements import open_statements
from autograder.instructor.claims.words import says_something
from autograder.instructor.deciding import deciding_digest
from autograder.instructor.keys import build_key
from autograder.instructor.observe import observe
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.solution import Outcome, described, execute_solution
from autograder.instructor.source import code_cells, read_lab
from autograder.replay import replay
from tests.conftest import ROOT
from tests.notebook_code import run_cell

LAB = "lab1_clouds"
PROSE = """\
# %% [markdown] id="cloud-es" tags=["lang-es"]
# ## La nube
# La nube tiene 100 puntos. Se acerca al origen.

# %% [markdown] id="cloud-en" tags=["lang-en"]
# ## The cloud
# The cloud has 100 points. It approaches the origin.

# %% id="cloud"
cloud = list(range(100))

"""
CLAIM = """\
# %% id="claim-cloud" tags=["active-py", "claim"]
# es: La nube tiene 100 puntos.
# en: The cloud has 100 points.
assert len(cloud) == 100

"""


def own(tmp_path: Path, text: str) -> Course:
    """Return a course with one lab."""
    path = tmp_path / "source_notebooks" / LAB / f"{LAB}.py"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return Course(tmp_path, "es", ("es", "en"), {LAB: {"seed": 1}})


# --- how a claim is written ------------------------------------------------------------------------------


def test_a_claim_names_its_sentence_in_every_language(tmp_path: Path) -> None:
    (claim,) = read_claims(own(tmp_path, PROSE + CLAIM), LAB)
    (sentence,) = claim.sentences
    assert sentence.text == {"es": "La nube tiene 100 puntos.", "en": "The cloud has 100 points."}
    assert sentence.prose == {"es": "cloud-es", "en": "cloud-en"}


def test_a_claim_may_back_several_sentences_and_quote_them_in_part(tmp_path: Path) -> None:
    more = CLAIM.replace("assert", "# es: Se acerca …\n# en: It approaches …\nassert")
    (claim,) = read_claims(own(tmp_path, PROSE + more), LAB)
    assert [sentence.text["en"] for sentence in claim.sentences] == [
        "The cloud has 100 points.",
        "It approaches the origin.",
    ]


LATER = """\
# %% [markdown] id="later-es" tags=["lang-es"]
# Más tarde.

# %% [markdown] id="later-en" tags=["lang-en"]
# Later.

"""


def test_a_claim_backs_the_nearest_prose_or_the_one_that_it_names(tmp_path: Path) -> None:
    named = CLAIM.replace("# es", "# of: cloud\n# es", 1)
    assert read_claims(own(tmp_path, PROSE + LATER + named), LAB)
    with pytest.raises(CourseError, match=r"is in no sentence of 'later-es', which says: 'Más tarde\.'"):
        read_claims(own(tmp_path / "other", PROSE + LATER + CLAIM), LAB)


def test_prose_without_a_language_is_quoted_in_that_of_the_course(tmp_path: Path) -> None:
    answer = '# %% [markdown] id="answer"\n# Está cerca.\n\n'
    claim = CLAIM.replace("La nube tiene 100 puntos.", "Está cerca.").replace(
        "# en: The cloud has 100 points.\n", ""
    )
    assert read_claims(own(tmp_path, PROSE + answer + claim), LAB)


def test_a_claim_that_depends_on_the_seed_says_nothing_of_one_run(tmp_path: Path) -> None:
    """On another machine the same seed ends elsewhere."""
    dependent = CLAIM.replace('"claim"]', '"claim", "seed-dependent"]')
    for some in ("algunas semillas", "esta semilla"):
        sentences = {
            "La nube tiene": f"Con {some} la nube tiene",
            "The cloud has": "With some seeds the cloud has",
        }
        prose, claim = PROSE, dependent
        for old, new in sentences.items():
            prose, claim = prose.replace(old, new), claim.replace(old, new)
        course = own(tmp_path / some, prose + claim)
        if some == "algunas semillas":
            assert read_claims(course, LAB)[0].seed_dependent
        else:
            with pytest.raises(CourseError, match="speaks of one run"):
                read_claims(course, LAB)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("has 100 points. It", "has 200 points. It", "is in no sentence of 'cloud-en'"),
        ("# en: The cloud has 100 points.\n", "", "one line for each language"),
        ("# en: The cloud", "# fr: The cloud", "one line for each language"),
        ("# es: La nube tiene 100 puntos.\n# en: The cloud has 100 points.\n", "", "not none"),
        ("# es: La nube tiene 100 puntos.", "# es: …", "fits more than one sentence"),
        ("assert len(cloud) == 100", "print(len(cloud))", "asserts nothing"),
        ("assert len(cloud) == 100", "assert len(cloud", "no Python"),
        ('"active-py", ', "", "write `# %%"),
        ("# es: La nube tiene", "# of: clouds\n# es: La nube tiene", "Did you mean 'cloud'"),
        ('"claim"]', '"claim", "seed-dependent"]', "its sentence does not say so"),
    ],
)
def test_a_claim_that_does_not_fit_is_described(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = PROSE + CLAIM
    assert old in text
    with pytest.raises(CourseError, match=said):
        read_claims(own(tmp_path, text.replace(old, new)), LAB)


@pytest.mark.parametrize(
    ("quotation", "sentence", "fitting"),
    [
        ("It is 5.", "It is 5.", True),
        ("It is 5.", "It is 51", False),
        ("It … 5 …", "It is 5 or so.", True),
        ("… 5.", "It is 5.", True),
        ("It is", "It is 5.", False),
    ],
)
def test_a_quotation_is_whole_but_for_what_it_leaves_out(
    quotation: str, sentence: str, fitting: bool
) -> None:
    assert fits(quotation, sentence) == fitting


# --- what is found ----------------------------------------------------------------------------------------


def test_what_a_false_assertion_compared_is_told() -> None:
    code = "width = 3\nassert width < 5\nassert 0 < loss(width) < 0.5"
    first, second = findings_of("claim-a", code, {"loss": lambda width: 0.25 * width})
    assert first.holds and first.compared == {"width": "3"}
    assert second == Finding(3, "0 < loss(width) < 0.5", False, {"loss(width)": "0.75"})


def test_numbers_of_tensors_are_told_as_numbers() -> None:
    (found,) = findings_of("claim-a", "assert mean < 1", {"mean": torch.tensor(2.0)})
    assert found.compared == {"mean": "2"}


def test_an_assertion_about_many_tells_the_one_that_fails() -> None:
    (found,) = findings_of("claim-a", "assert all(x < 3 for x in xs)", {"xs": [1, 2, 7, 9]})
    assert not found.holds and found.compared == {"x": "7"}


def test_an_error_is_told_with_its_line() -> None:
    (found,) = findings_of("claim-a", "x = 1\nassert missing < x", {})
    assert (found.line, found.holds, found.error) == (2, False, "NameError: name 'missing' is not defined")


def outcome(*, holds: bool) -> Outcome:
    claim = Claim("claim-a", "assert x < 1", (), seed_dependent=False)
    return Outcome(claim, (Finding(1, "x < 1", holds, {"x": "0.5" if holds else "2"}),))


def test_a_claim_that_fails_is_described() -> None:
    assert described(outcome(holds=False)) == ["Claim 'claim-a':", "  line 1: x < 1: x is 2"]


# --- seeds ------------------------------------------------------------------------------------------------


def test_a_claim_holds_under_all_seeds_or_says_that_it_depends_on_them() -> None:
    outcomes = (outcome(holds=True), outcome(holds=False), outcome(holds=True))
    usual = SeveralSeeds(outcomes[0].claim, outcomes)
    assert (usual.held, usual.passed, usual.compared) == (2, False, {"x": ["0.5", "2", "0.5"]})
    dependent = replace(usual.claim, seed_dependent=True)
    assert SeveralSeeds(dependent, outcomes).passed
    assert not SeveralSeeds(dependent, (outcome(holds=False),)).passed


@pytest.fixture
def shifted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shift the seeds of notebooks, for one test."""
    for owner, name in seeds._SEEDING:
        monkeypatch.setattr(owner, name, getattr(owner, name))
    seeds.shift_seeds(1000)


DRAW = """
torch.manual_seed(3)
np.random.seed(seed=3)
random.seed(3)
drawn = torch.rand(1).item(), np.random.rand(), random.random(), np.random.default_rng(3).random()
"""
NAMES = {"torch": torch, "np": np, "random": random}


def drawn(seed: int, name: str = "tests") -> tuple[float, ...]:
    code = DRAW.replace("3", str(seed))
    found: tuple[float, ...] = run_cell(code, {**NAMES, "__name__": name})["drawn"]
    return found


@pytest.mark.usefixtures("shifted")
def test_the_notebooks_own_seeds_are_shifted_and_a_librarys_are_not() -> None:
    assert drawn(3, name="__main__") == drawn(1003) != drawn(3)


@pytest.mark.usefixtures("shifted")
def test_seeds_within_a_replay_stay_as_they_are() -> None:
    with replay(7):
        assert drawn(3, name="__main__") == drawn(3)


# --- sentences without a claim -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "language"),
    [
        ("Acierta el 97 % de las veces.", "es"),
        ("La distancia ronda 0.2.", "es"),
        ("Las curvas se acercan.", "es"),
        ("Los dígitos son legibles.", "es"),
        ("Hacen falta 30 épocas.", "es"),
        ("It is right 97 % of the time.", "en"),
        ("The curves approach each other.", "en"),
        ("The digits are legible.", "en"),
        ("Generated pictures help.", "en"),
        ("Der Abstand ist 0,2.", "de"),
    ],
)
def test_a_sentence_about_outputs_is_recognised(sentence: str, language: str) -> None:
    assert says_something(sentence, language)


@pytest.mark.parametrize(
    ("sentence", "language"),
    [
        ("Pistas: `nn.Dropout(0.3)`.", "es"),
        ("¿Se acercan las curvas?", "es"),
        ("Escribe la función.", "es"),
        ("Return the loss, `lr=0.001`.", "en"),
        ("Do the digits look better?", "en"),
    ],
)
def test_code_questions_and_tasks_are_no_such_sentences(sentence: str, language: str) -> None:
    assert not says_something(sentence, language)


def open_of(course: Course) -> list[tuple[str, str]]:
    return [(statement.prose, statement.text) for statement in open_statements(course, LAB)]


def test_a_sentence_about_outputs_without_a_claim_is_listed(tmp_path: Path) -> None:
    course = own(tmp_path, PROSE + CLAIM)
    assert open_of(course) == [
        ("cloud-es", "Se acerca al origen."),
        ("cloud-en", "It approaches the origin."),
    ]


EXCEPTION = """\
[[exception]]
kind = "theory"
text.es = "Se acerca …"
text.en = "It approaches …"
reason = "The law of large numbers."
"""


def test_a_declared_exception_is_not_listed(tmp_path: Path) -> None:
    course = own(tmp_path, PROSE + CLAIM)
    course.unclaimed(LAB).write_text(EXCEPTION, encoding="utf-8")
    assert open_of(course) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("It approaches …", "It recedes …", r"line 1, exception 1: no sentence .* 'It recedes …' \(en\)"),
        ('"theory"', '"because"', "kind must be definition, task"),
        ('reason = "The law of large numbers."\n', "", "reason must be a text"),
        ("text.en", "text.fr", "languages of the course"),
        ("[[exception]]", "[[exceptions]]", r"only \[\[exception\]\] entries"),
    ],
)
def test_an_exception_that_does_not_fit_is_described(tmp_path: Path, old: str, new: str, said: str) -> None:
    course = own(tmp_path, PROSE + CLAIM)
    course.unclaimed(LAB).write_text(EXCEPTION.replace(old, new), encoding="utf-8")
    with pytest.raises(CourseError, match=said):
        open_statements(course, LAB)


ANSWER = """\
# %% [markdown] id="question" nbgrader={"grade": true, "grade_id": "question", "points": 1, "solution": true}
# ### BEGIN SOLUTION
# es: La nube se acerca al origen.
# en: The cloud approaches the origin.
# ### END SOLUTION

"""


def test_a_model_answer_is_read_in_each_language(tmp_path: Path) -> None:
    course = own(
        tmp_path,
        PROSE.replace(" Se acerca al origen.", "").replace(" It approaches the origin.", "") + ANSWER,
    )
    said = [("question", "La nube se acerca al origen."), ("question", "The cloud approaches the origin.")]
    assert said == [found for found in open_of(course) if found[0] == "question"]


def test_a_lab_needs_no_list_of_exceptions(tmp_path: Path) -> None:
    assert load_exceptions(own(tmp_path, PROSE), LAB) == ()


# --- a claim is nobody's but the build's --------------------------------------------------------------------


EXAMPLE = "lab0_example"
SAMPLES = """\
# %% id="samples"
torch.manual_seed(3)
samples = torch.randn(1000)

"""


@pytest.fixture
def copy(course: Course, tmp_path: Path) -> Course:
    """Return a course that holds the example lab of the authors' guide and its key, to build into.

    A cell that draws numbers stands before the lab's question.
    """
    shutil.copytree(ROOT / "docs" / "example_lab", tmp_path / "source_notebooks" / EXAMPLE)
    (tmp_path / "course" / "keys").mkdir(parents=True)
    for name in ("course.toml", "nbgrader_config.py"):
        shutil.copy(course.root / name, tmp_path)
    copied = replace(course, root=tmp_path, labs={EXAMPLE: {"seed": 7}})
    insert(copied, SAMPLES)
    build_key(copied, EXAMPLE)
    return copied


def insert(course: Course, cells: str) -> None:
    """Put cells before the question of the example lab."""
    path = course.source(EXAMPLE)
    place = '# %% [markdown] id="question-text-es"'
    path.write_text(path.read_text(encoding="utf-8").replace(place, cells + place), encoding="utf-8")


def with_claim(course: Course, assertion: str, name: str = "claim-ten") -> Course:
    """Add a claim about the samples of the example lab."""
    insert(
        course,
        f'# %% id="{name}" tags=["active-py", "claim"]\n# es: Diez muestras de un generador sin entrenar:\n'
        f"# en: Ten samples of an untrained generator:\n{assertion}\n\n",
    )
    return course


def test_a_claim_decides_no_observation_and_is_no_code_of_the_lab(copy: Course) -> None:
    digest, observed = deciding_digest(copy, EXAMPLE), observe(copy, EXAMPLE, seed=5).observations
    with_claim(copy, "assert len(samples) == 0")
    assert deciding_digest(copy, EXAMPLE) == digest
    assert not any("claim" in cell.id for cell in code_cells(read_lab(copy, EXAMPLE)))
    assert observe(copy, EXAMPLE, seed=5).observations == observed


def test_nbgraders_source_has_no_claims(copy: Course) -> None:
    with_claim(copy, "assert len(samples) == 1000")
    notebook = nbformat.read(build.write_source(copy, EXAMPLE), as_version=4)
    assert read_claims(copy, EXAMPLE)
    assert not any(cell.cell_type == "raw" or "claim" in cell.id for cell in notebook.cells)


def without_claims(path: Path) -> str:
    """Return a source notebook as if nobody had written claims."""
    mark = "\n# %% "
    cells = path.read_text(encoding="utf-8").split(mark)
    return mark.join(cell for cell in cells if '"claim"' not in cell.split("\n")[0])


def test_a_name_that_nobody_defines_is_told_before_anything_runs(tmp_path: Path) -> None:
    other = CLAIM.replace("claim-cloud", "claim-size").replace(
        "assert len", "points = len(cloud)\nassert len"
    )
    course = own(tmp_path, PROSE + other + CLAIM.replace("len(cloud)", "points"))
    with pytest.raises(CourseError, match=r"lab1_clouds, claim 'claim-cloud': no cell defines points\."):
        execute_solution(course, LAB)


def test_a_false_claim_stops_the_build(copy: Course) -> None:
    with_claim(copy, "torch.rand(1)\nassert len(samples) == 999")
    with pytest.raises(CourseError) as raised:
        build.build_solution(copy, EXAMPLE)
    said = str(raised.value)
    assert EXAMPLE in said and "“Ten samples of an untrained generator:”" in said
    assert "line 4: len(samples) == 999: len(samples) is 1000" in said
    assert not copy.solution(EXAMPLE).exists()


def test_claims_leave_no_trace_in_the_solution(copy: Course) -> None:
    """Its cells, their numbers and what they draw are as if no claim had been run."""
    with_claim(copy, "import random\ntorch.rand(1)\nsamples = 3\nassert random.random() < 2")
    insert(copy, '# %% id="drawn"\nprint(samples.mean(), torch.rand(3))\n\n')
    executed = execute_solution(copy, EXAMPLE)
    copy.source(EXAMPLE).write_text(without_claims(copy.source(EXAMPLE)), encoding="utf-8")
    without = execute_solution(copy, EXAMPLE)
    assert executed.outcomes and not without.outcomes
    numbered = [[(c.id, c.execution_count) for c in code_cells(x.notebook)] for x in (executed, without)]
    assert numbered[0] == numbered[1]
    said = [[c.outputs for c in x.notebook.cells if c.id == "drawn"] for x in (executed, without)]
    assert said[0] == said[1] != [[]]


def test_other_seeds_give_other_outputs_and_the_same_marks(copy: Course) -> None:
    with_claim(copy, "assert len(samples) == 1000")
    with_claim(copy, "assert samples.mean() < 1", "claim-mean")
    found = {each.claim.id: each for each in hold_claims(copy, EXAMPLE, seeds=2)}
    assert found["claim-ten"].held == 2
    first, second = found["claim-mean"].compared["samples.mean()"]
    assert first != second
