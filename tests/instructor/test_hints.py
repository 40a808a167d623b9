"""A hint is given for what an answer does; of which answers its words are true, a person says."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.instructor.bank import load_bank, load_judged_hints
from autograder.instructor.hints import JudgedHints
from autograder.instructor.settings import CourseError

BANK = """
[[answer]]
id = "no_zero_grad"
cell = "step"
kind = "wrong"
code = "loss.backward()"
hint.es = "Falta `zero_grad()`."
hint.en = "`zero_grad()` is missing."

[[answer]]
id = "late_zero_grad"
cell = "step"
kind = "wrong"
code = "loss.backward(); zero_grad()"
hint.es = "Falta `zero_grad()`."
hint.en = "`zero_grad()` is missing."

[[answer]]
id = "no_hint"
cell = "step"
kind = "wrong"
code = "pass"

[[judged_hint]]
answer = "no_zero_grad"
true_of = ["no_hint", "mutant.step.remove_method.12345678"]
"""
HINT = {"es": "Falta `zero_grad()`.", "en": "`zero_grad()` is missing."}


def hints(folder: Path, text: str = BANK) -> JudgedHints:
    path = folder / "answers.toml"
    path.write_text(text, encoding="utf-8")
    return JudgedHints.of(load_bank(path).values(), load_judged_hints(path))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("no_zero_grad", "anything"),
        ("late_zero_grad", "anything"),
        ("no_hint", "pass"),
        ("mutant.step.remove_method.12345678", "anything"),
        ("mutant.step.other.00000000", "loss . backward( )  # the same program"),
    ],
)
def test_a_hint_is_true_of_the_answers_it_was_written_for_and_of_those_judged(
    tmp_path: Path, name: str, code: str
) -> None:
    assert hints(tmp_path).unjudged(name, code, [HINT]) == []


def test_a_hint_of_another_answer_is_named_until_somebody_judges_it(tmp_path: Path) -> None:
    judged = hints(tmp_path)
    assert judged.unjudged("mutant.step.other.00000000", "a = 1", [HINT]) == [HINT["en"]]
    assert judged.unjudged("mutant.step.other.00000000", "a = 1", []) == []


def test_a_judged_mutant_that_is_not_made_any_more_is_an_error(tmp_path: Path) -> None:
    judged = hints(tmp_path)
    judged.require_known({"mutant.step.remove_method.12345678"})
    with pytest.raises(CourseError, match=r"no mutant 'mutant\.step\..*' is made"):
        judged.require_known({"mutant.step.other.00000000"})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('answer = "no_zero_grad"', 'answer = "no_hint"', "line 25: .*no answer 'no_hint' with a hint"),
        ("true_of", "of", "line 26, judged_hint 1 has no key 'of'"),
        ('["no_hint", "mutant.step.remove_method.12345678"]', "[]", "true_of must be a list of ids"),
        ('"no_hint", ', '"no_hnit", ', "line 26: 'no_hnit' is neither an answer of the bank nor a mutant"),
    ],
)
def test_a_bad_judgement_is_described(tmp_path: Path, old: str, new: str, said: str) -> None:
    start, end = BANK.split("[[judged_hint]]")
    with pytest.raises(CourseError, match=said):
        hints(tmp_path, start + "[[judged_hint]]" + end.replace(old, new))
