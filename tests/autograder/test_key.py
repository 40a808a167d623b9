"""Answer keys accept the expected number and nothing else."""

import json
import math
from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autograder import GraderError, KeyFileError, UnknownLabError, open_lab
from autograder.key import AnswerKey, KeyEntry, agree, enrol, seal_wrong, sketch
from autograder.observation import Observation, project

finite = st.floats(allow_nan=False, allow_infinity=False)
digits = st.integers(1, 12)


def observation(*values: float, text: str | None = None, digits: int = 8) -> Observation:
    return Observation("check", "block", 1.0, values=values, digits=digits, text=text)


def accepts(entry: KeyEntry, seen: Observation) -> bool:
    return AnswerKey("lab", 1, checks={"check": entry}).accepts(seen)


@given(finite, digits)
def test_expected_number_lies_in_the_centre_of_its_bucket(x: float, digits: int) -> None:
    bucket, number = sketch(x, digits)
    assert bucket.number_of(x) == number
    assert (Fraction(x) - bucket.shift) / bucket.width == number


@given(finite, digits, st.floats(-2.0, 2.0))
def test_accepts_exactly_what_lies_within_half_a_width(x: float, digits: int, offset: float) -> None:
    bucket, number = sketch(x, digits)
    y = float(Fraction(x) + Fraction(offset) * bucket.width) if abs(x) < 1e300 else x
    assume(math.isfinite(y))
    inside = abs(Fraction(y) - Fraction(x)) < bucket.width / 2
    assert (bucket.number_of(y) == number) == inside


@given(finite.filter(bool), digits)
def test_bucket_is_as_wide_as_the_digits_allow(x: float, digits: int) -> None:
    bucket, _ = sketch(x, digits)
    assert (
        Fraction(10) ** (bucket.exponent + digits - 1)
        <= abs(Fraction(x))
        < Fraction(10) ** (bucket.exponent + digits)
    )


@settings(max_examples=10, deadline=None)
@given(st.lists(finite, min_size=1, max_size=6))
def test_enrolled_observation_is_accepted(values: list[float]) -> None:
    assert accepts(enrol(observation(*values), "lab"), observation(*values))


def test_zero_and_integers_can_be_enrolled() -> None:
    entry = enrol(observation(0.0, 1024.0, -3.0), "lab")
    assert accepts(entry, observation(0.0, 1024.0, -3.0))
    assert not accepts(entry, observation(0.001, 1024.0, -3.0))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_are_never_accepted(bad: float) -> None:
    entry = enrol(observation(1.0, 2.0), "lab")
    assert not accepts(entry, observation(1.0, bad))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_nan_and_infinity_cannot_be_enrolled(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        sketch(bad, 8)


def test_another_number_of_values_is_refused() -> None:
    entry = enrol(observation(1.0, 2.0), "lab")
    assert not accepts(entry, observation(1.0))
    assert not accepts(entry, observation(1.0, 2.0, 3.0))


def test_text_answers_are_compared_by_digest() -> None:
    entry = enrol(observation(text="mode collapse"), "lab")
    assert accepts(entry, observation(text="mode collapse"))
    assert not accepts(entry, observation(text="mode collaps"))


def test_key_of_another_check_does_not_fit() -> None:
    entry = enrol(observation(1.0), "lab")
    assert not accepts(entry, replace(observation(1.0), name="other"))


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.flip(0),
        lambda a: a.T,
        lambda a: 1.0001 * a,
        lambda a: a + 1e-4,
        lambda a: torch.full_like(a, float(a.mean())),
        lambda a: torch.zeros_like(a),
    ],
)
def test_changed_array_has_other_projections(change: object) -> None:
    array = torch.arange(16, dtype=torch.float64).reshape(4, 4).sin()
    entry = enrol(observation(*project(array, 1, "check")), "lab")
    assert accepts(entry, observation(*project(array + 1e-13, 1, "check")))
    assert not accepts(entry, observation(*project(change(array), 1, "check")))  # type: ignore[operator]


def test_key_file_holds_no_expected_value() -> None:
    value = 0.6931471805599453
    text = AnswerKey("lab", 1, checks={"check": enrol(observation(value), "lab")}).dumps()
    assert "0.6931" not in text and "69314" not in text


def test_key_file_survives_a_round_trip() -> None:
    key = replace(hinting_key(), blocks={"block": 3.0}, manual={"question": 2.0}, source="abc")
    assert AnswerKey.loads(key.dumps()) == key


HINT = {"es": "¡Al revés!", "en": "The wrong way round!"}


def hinting_key() -> AnswerKey:
    """Return a key that expects 0.1 and 2, and has a hint for 2 and 0.1 and for an error."""
    entry = enrol(observation(0.1, 2.0), "lab")
    error = replace(observation(text='["returned_none", {}]'), error="returned_none")
    wrong = [seal_wrong(o, entry.salt) for o in (observation(2.0, 0.1), error)]
    entry = replace(entry, wrong=tuple((0, sealed) for sealed in wrong))
    return AnswerKey("lab", 7, checks={"check": entry}, hints=(HINT,))


def test_known_wrong_observation_gets_its_hint() -> None:
    assert hinting_key().hint(observation(2.0, 0.1)) == HINT
    assert hinting_key().hint(observation(2.0 + 1e-12, 0.1)) == HINT


def test_known_error_gets_its_hint() -> None:
    error = replace(observation(text='["returned_none", {}]'), error="returned_none")
    assert hinting_key().hint(error) == HINT
    assert hinting_key().hint(replace(error, text='["not_tensor", {}]')) is None


@settings(max_examples=25, deadline=None)
@given(st.floats(-1e-9, 1e-9))
def test_right_observation_never_gets_a_hint(offset: float) -> None:
    assert hinting_key().hint(observation(0.1 + offset, 2.0)) is None


def test_unknown_wrong_observation_gets_no_hint() -> None:
    assert hinting_key().hint(observation(2.0, 0.2)) is None
    assert hinting_key().hint(replace(observation(2.0, 0.1), name="other")) is None


@settings(max_examples=25, deadline=None)
@given(
    st.lists(finite.filter(lambda x: abs(x) < 1e300), min_size=1, max_size=4), st.floats(-1.5, 1.5), digits
)
def test_comparison_outside_judges_as_the_key_does(values: list[float], offset: float, digits: int) -> None:
    bucket, _ = sketch(values[0], digits)
    moved = float(Fraction(values[0]) + Fraction(offset) * bucket.width)
    expected, seen = observation(*values, digits=digits), observation(moved, *values[1:], digits=digits)
    assert agree(expected, seen) == accepts(enrol(expected, "lab"), seen)


@pytest.mark.parametrize("bad", [observation(1.0), observation(1.0, math.nan), observation(text="a")])
def test_comparison_outside_refuses_what_has_other_parts(bad: Observation) -> None:
    assert not agree(observation(1.0, 2.0), bad)


def test_observation_with_an_error_is_never_accepted() -> None:
    failed = replace(observation(1.0, 2.0), error="raised")
    assert not agree(observation(1.0, 2.0), failed)
    assert not accepts(enrol(observation(1.0, 2.0), "lab"), failed)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 1}', '{"format": 99}', "null"])
def test_damaged_key_file_is_named(text: str) -> None:
    with pytest.raises(KeyFileError, match="course build"):
        AnswerKey.loads(text)


def test_damaged_entry_is_named(lab1_key: AnswerKey) -> None:
    data = json.loads(lab1_key.dumps())
    data["checks"]["sample.points"]["buckets"] = "x:1/0"
    with pytest.raises(KeyFileError, match="damaged"):
        AnswerKey.loads(json.dumps(data))


def test_missing_key_file_is_named(tmp_path: object) -> None:
    with pytest.raises(KeyFileError, match=r"nowhere\.json"):
        open_lab("lab1_sine_gan", key=f"{tmp_path}/nowhere.json")


def test_unknown_lab_lists_those_installed() -> None:
    with pytest.raises(UnknownLabError, match="lab1_sine_gan"):
        open_lab("lab1_cosine_gan")


def test_unknown_language_lists_those_spoken() -> None:
    with pytest.raises(GraderError, match="es, en"):
        open_lab("lab1_sine_gan", language="fr")


def test_errors_are_shown_without_a_traceback() -> None:
    error = UnknownLabError("there is no such lab")
    assert error._render_traceback_() == ["UnknownLabError: there is no such lab"]
