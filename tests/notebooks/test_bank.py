"""The bank is well formed, and its mistakes get messages that name them."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.instructor.bank import load_bank, load_judged_hints
from autograder.instructor.observe import practise, run_cells, script_environment
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.source import grade_id, read_source, select_language
from autograder.instructor.trial import excerpt, run_trials
from autograder.session import Lab
from tests.conftest import LAB1

BANK = load_bank(Path(__file__).parents[2] / "source_notebooks" / LAB1 / "answers.toml")


def failed_checks(lab: Lab) -> list[str]:
    sections = lab.summary(None).as_json()["sections"]
    return [check["name"] for section in sections for check in section["checks"] if not check["passed"]]


def practise_cell(course: Course, cell: str, code: str, language: str = "es") -> Lab:
    """Answer one cell as a student, and run what decides its marks: nothing after its check cell."""
    part = excerpt(select_language(read_source(course.source(LAB1)), language), cell, LAB1)
    with script_environment("cpu"):
        lab = run_cells(part, {cell: code}, strict=False, name=LAB1)["lab"]
    assert isinstance(lab, Lab)
    return lab


def test_bank_is_as_large_as_a_measurement_needs(course: Course, lab: str) -> None:
    kinds = [answer.kind for answer in load_bank(course.bank(lab)).values()]
    assert kinds.count("wrong") >= 35 and kinds.count("equivalent") >= 10


def test_every_wrong_answer_names_its_check(course: Course, lab: str) -> None:
    bank = load_bank(course.bank(lab))
    assert [a.id for a in bank.values() if a.kind == "wrong" and not a.check] == []


# Of these a check sees wrong numbers, as of many mistakes, and says what it can of them.
WRONG_NUMBERS = {
    "train_data_written_length",
    "checkpoint_half_precision",
    "checkpoint_never_again",
    "pixel_norm_constant_length",
    "conv_block_one_convolution",
    "truncated_fixed_psi",
    "mcnemar_above_one",
}


@pytest.mark.slow
def test_a_wrong_answer_without_a_hint_is_told_by_its_check_or_by_the_hint_of_another(
    course: Course, lab: str
) -> None:
    path = course.bank(lab)
    told = WRONG_NUMBERS.union(*(entry.true_of for entry in load_judged_hints(path)))
    wrong = [answer for answer in load_bank(path).values() if answer.kind == "wrong"]
    unhinted = [answer for answer in wrong if not answer.hint and answer.id not in told]
    for trial in run_trials(course, lab, unhinted, [7]):
        assert trial.observations[7][str(trial.answer.check)].error is not None, trial.answer.id


@pytest.mark.parametrize(
    ("name", "section"),
    [("discriminator_leaky_relu", "discriminator"), ("d_step_swapped_labels", "discriminator_step")],
)
def test_mistake_costs_marks_in_its_own_section_only(course: Course, name: str, section: str) -> None:
    lab = practise(course, LAB1, {BANK[name].cell: BANK[name].code})
    refused = failed_checks(lab)
    assert refused and all(check.startswith(f"{section}.") for check in refused)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("d_step_swapped_labels", ["discriminator_step.zero_grad", "discriminator_step.isolation"]),
        ("d_step_uniform_latent", ["discriminator_step.zero_grad", "discriminator_step.isolation"]),
        ("d_step_sum_of_halves", ["discriminator_step.zero_grad", "discriminator_step.isolation"]),
        ("d_step_no_zero_grad", ["discriminator_step.loss", "discriminator_step.update"]),
        ("d_step_no_detach", ["discriminator_step.loss", "discriminator_step.zero_grad"]),
        ("discriminator_leaky_relu", ["discriminator.structure", "discriminator.dropout"]),
        ("train_learning_rate", ["train.steps"]),
    ],
)
def test_mistake_leaves_the_marks_of_what_is_right(course: Course, name: str, kept: list[str]) -> None:
    lab = practise_cell(course, BANK[name].cell, BANK[name].code)
    assert set(kept) <= set(lab.messages()) - set(failed_checks(lab))


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("name", ["d_step_no_zero_grad", "generator_tanh", "train_set_rows_only"])
def test_known_mistake_gets_its_hint_in_the_language_of_the_notebook(
    course: Course, name: str, language: str
) -> None:
    answer = BANK[name]
    lab = practise_cell(course, answer.cell, answer.code, language)
    assert answer.hint[language] in lab.messages().values()


@pytest.mark.parametrize(
    ("cell", "old", "new", "said"),
    [
        ("discriminator", "nn.Dropout(0.3)", "nn.Dropout(0.2)", "Dropout(0.2)"),
        ("discriminator", "nn.Linear(256, 128)", "nn.Linear(256, 120)", "RuntimeError"),
        ("generator", "nn.ReLU()", "nn.GELU()", "GELU"),
        ("discriminator_step", "torch.ones((n, 1)", "torch.full((n, 1), 0.8", "11 de otro valor"),
        ("train", "lr=0.001", "lr=0.003", "lr=0.003"),
        ("train", "batch_size=32", "batch_size=16", "320 del discriminador"),
    ],
)
def test_mistake_that_the_bank_does_not_know_is_described(
    course: Course, cell: str, old: str, new: str, said: str
) -> None:
    source = select_language(read_source(course.source(LAB1)), "es")
    (solved,) = [c.source for c in source.cells if grade_id(c) == cell]
    assert old in solved
    lab = practise_cell(course, cell, solved.replace(old, new))
    refused = failed_checks(lab)
    said_of_them = [message for check, message in lab.messages().items() if check in refused]
    assert any(said in message for message in said_of_them), said_of_them


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[answer]", "cannot be read"),
        ("answers = 1\n", "only .*answer.* entries belong here, not answers"),
        ('[[answer]]\nid = "a"\n', "a: "),
        ('[[answer]]\nid = "a"\ncell = "c"\nkind = "bad"\ncode = ""\n', "kind must be"),
        ('[[answer]]\nid = "a"\ncell = "c"\nkind = "wrong"\ncode = 3\n', "must be texts"),
        ('[[answer]]\nid = "a"\ncell = "c"\nkind = "wrong"\ncode = ""\n' * 2, "used twice"),
        ('[[answer]]\nid = "a"\ncell = "c"\nkind = "wrong"\ncode = ""\nhint.es = "x"\n', "every language"),
        ('[[answer]]\nid = "a"\ncell = "c"\nkind = "equivalent"\ncode = ""\ncheck = "x"\n', "no check"),
    ],
)
def test_bad_bank_is_described(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(text)
    with pytest.raises(CourseError, match=said):
        load_bank(path)


def test_answer_to_an_unknown_cell_is_described(course: Course) -> None:
    with pytest.raises(CourseError, match="no student cell nowhere"):
        practise(course, LAB1, {"nowhere": "x = 1"})
