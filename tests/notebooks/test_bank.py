"""The grader refuses every known wrong answer by the right check, and accepts every equivalent one."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.session import Lab
from course.instructor.bank import Answer, load_bank
from course.instructor.observe import practise
from course.instructor.settings import Course, CourseError

LAB1 = "lab1_sine_gan"
BANK = load_bank(Path(__file__).parents[2] / "source_notebooks" / LAB1 / "answers.toml")


def failed_checks(lab: Lab) -> list[str]:
    sections = lab.summary(None).as_json()["sections"]
    return [check["name"] for section in sections for check in section["checks"] if not check["passed"]]


@pytest.mark.parametrize("answer", [a for a in BANK.values() if a.kind == "wrong"], ids=lambda a: a.id)
def test_wrong_answer_is_refused_by_its_check(course: Course, answer: Answer) -> None:
    lab = practise(course, LAB1, {answer.cell: answer.code})
    refused = failed_checks(lab)
    assert answer.check in refused
    block = {"train_data": ("train_data", "train_set")}.get(answer.cell, (answer.cell,))
    assert all(name.startswith(block) for name in refused), "a mistake costs marks in its own cell only"


@pytest.mark.parametrize("answer", [a for a in BANK.values() if a.kind == "equivalent"], ids=lambda a: a.id)
def test_equivalent_answer_gets_full_marks(course: Course, answer: Answer) -> None:
    lab = practise(course, LAB1, {answer.cell: answer.code})
    assert failed_checks(lab) == []
    assert lab.summary(None).score == 70.0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("d_step_no_zero_grad", "zero_grad()"),
        ("d_step_swapped_labels", "intercambiadas"),
        ("d_step_no_detach", ".detach()"),
        ("d_step_no_step", "step()"),
        ("g_step_zero_labels", "deben ser 1"),
        ("discriminator_missing_layer", "Linear(2→256), Linear(256→64), Linear(64→1)"),
        ("discriminator_wrong_dropout", "Dropout(0.7)"),
        ("generator_leaky_relu", "LeakyReLU"),
        ("train_sgd", "SGD"),
        ("train_one_epoch", "20 épocas de 8 lotes"),
    ],
)
def test_typical_mistake_gets_a_message_that_names_it(course: Course, name: str, said: str) -> None:
    answer = BANK[name]
    lab = practise(course, LAB1, {answer.cell: answer.code}, language="es")
    (message,) = [m for check, m in lab.messages().items() if check == answer.check]
    assert said in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[answer]", "cannot be read"),
        ('[[answer]]\nid = "a"\n', "a: "),
        ('[[answer]]\nid = "a"\ncell = "c"\nkind = "bad"\ncode = ""\n', "kind must be"),
        ('[[answer]]\nid = "a"\ncell = "c"\nkind = "wrong"\ncode = ""\n' * 2, "used twice"),
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
