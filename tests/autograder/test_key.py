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
from autograder.key import AnswerKey, enrol, sketch
from autograder.observation import Observation, project

finite = st.floats(allow_nan=False, allow_infinity=False)
digits = st.integers(1, 12)


def observation(*values: float, text: str | None = None, digits: int = 8) -> Observation:
    return Observation("check", "block", 1.0, values=values, digits=digits, text=text)


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
    assert enrol(observation(*values), "lab").accepts(observation(*values))


def test_zero_and_integers_can_be_enrolled() -> None:
    entry = enrol(observation(0.0, 1024.0, -3.0), "lab")
    assert entry.accepts(observation(0.0, 1024.0, -3.0))
    assert not entry.accepts(observation(0.001, 1024.0, -3.0))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_are_never_accepted(bad: float) -> None:
    entry = enrol(observation(1.0, 2.0), "lab")
    assert not entry.accepts(observation(1.0, bad))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_nan_and_infinity_cannot_be_enrolled(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        sketch(bad, 8)


def test_another_number_of_values_is_refused() -> None:
    entry = enrol(observation(1.0, 2.0), "lab")
    assert not entry.accepts(observation(1.0))
    assert not entry.accepts(observation(1.0, 2.0, 3.0))


def test_text_answers_are_compared_by_digest() -> None:
    entry = enrol(observation(text="mode collapse"), "lab")
    assert entry.accepts(observation(text="mode collapse"))
    assert not entry.accepts(observation(text="mode collaps"))


def test_key_of_another_check_does_not_fit() -> None:
    entry = enrol(observation(1.0), "lab")
    assert not entry.accepts(replace(observation(1.0), name="other"))


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
    assert entry.accepts(observation(*project(array + 1e-13, 1, "check")))
    assert not entry.accepts(observation(*project(change(array), 1, "check")))  # type: ignore[operator]


def test_key_file_holds_no_expected_value() -> None:
    value = 0.6931471805599453
    text = AnswerKey("lab", 1, checks={"check": enrol(observation(value), "lab")}).dumps()
    assert "0.6931" not in text and "69314" not in text


def test_key_file_survives_a_round_trip() -> None:
    key = AnswerKey("lab", 7, {"block": 3.0}, {"question": 2.0}, {"check": enrol(observation(0.1), "lab")})
    assert AnswerKey.loads(key.dumps()) == key


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 1}', '{"format": 99}', "null"])
def test_damaged_key_file_is_named(text: str) -> None:
    with pytest.raises(KeyFileError, match="course build"):
        AnswerKey.loads(text)


def test_damaged_entry_is_named(lab1_key: AnswerKey) -> None:
    data = json.loads(lab1_key.dumps())
    data["checks"]["sample.values"]["buckets"][0] = ["x", "1/0"]
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
