"""Answer keys accept the expected number and nothing else."""

import json
import math
from dataclasses import replace
from fractions import Fraction
from random import Random

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autograder import GraderError, KeyFileError, UnknownLabError, open_lab
from autograder.key import AnswerKey, Bucket, Clue, KeyEntry, agree, enrol, installed_keys, seal, sketch
from autograder.observation import PROJECTIONS, Observation, project

finite = st.floats(allow_nan=False, allow_infinity=False)
digits = st.integers(1, 12)


def observation(*values: float, text: str | None = None, digits: int = 8) -> Observation:
    return Observation("check", "block", 1.0, values=values, digits=digits, text=text)


def accepts(entry: KeyEntry, seen: Observation) -> bool:
    return AnswerKey("lab", 1, checks={"check": entry}).accepts(seen)


@given(finite, digits)
def test_expected_number_lies_near_the_centre_of_its_bucket(x: float, digits: int) -> None:
    bucket, number = sketch(x, digits)
    assert bucket.number_of(x) == number
    assert abs(bucket.offset(x, number)) <= Fraction(1, 8 if digits > 3 else 40)


@given(finite, digits, st.floats(-2.0, 2.0))
def test_accepts_exactly_what_lies_within_half_a_width_of_the_centre(
    x: float, digits: int, offset: float
) -> None:
    bucket, number = sketch(x, digits)
    y = float(Fraction(x) + Fraction(offset) * bucket.width) if abs(x) < 1e300 else x
    assume(math.isfinite(y))
    inside = abs(Fraction(y) - (number + bucket.shift) * bucket.width) < bucket.width / 2
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


@pytest.mark.parametrize("shape", [(300, 300), (17, 1000, 1), (2**15 + 1,)])
@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.flip(0),
        lambda a: a.flip(-1) if a.shape[-1] > 1 else a.flip(1),
        lambda a: a.roll(1024),
        lambda a: a.transpose(0, 1).reshape(a.shape) if a.ndim > 1 else a.roll(1),
        lambda a: 1.0001 * a,
        lambda a: a + 1e-4,
        lambda a: torch.cat([a.ravel()[:-1], a.new_ones(1)]).reshape(a.shape),
    ],
)
def test_changed_large_array_has_other_projections(change: object, shape: tuple[int, ...]) -> None:
    array = torch.arange(math.prod(shape), dtype=torch.float64).reshape(shape).sin()
    entry = enrol(observation(*project(array, 1, "check")), "lab")
    assert accepts(entry, observation(*project(array + 1e-13, 1, "check")))
    assert not accepts(entry, observation(*project(change(array), 1, "check")))  # type: ignore[operator]


@pytest.mark.parametrize("shape", [(1000,), (2**14, 5)])
def test_projections_of_sums_are_sums_of_projections_whatever_the_order_of_addition(
    shape: tuple[int, ...],
) -> None:
    first, second = (torch.linspace(low, 1, math.prod(shape)).sin().reshape(shape) for low in (0, -1))
    numbers = [np.array(project(each.double(), 1, "check")) for each in (first, second)]
    both = np.array(project(first.double() + second.double(), 1, "check"))
    sums = (numbers[0] + numbers[1])[-PROJECTIONS:]
    assert np.abs(both[-PROJECTIONS:] - sums).max() < 1e-12 * np.abs(sums).max()


def as_the_finding_did(bucket: Bucket, bits: int) -> int | None:
    """Return the number of a bucket modulo 5**(-exponent), from its grid alone.

    An expected number is a whole number of 2**-bits, and so is (number + shift) * 10**exponent, if the shift
    is exact: multiplied by 2**bits * 10**-exponent, that is an equation modulo 5**-exponent.
    """
    modulus = 5**-bucket.exponent
    rest = bucket.shift * 2**bits
    if rest.denominator != 1:
        return None
    return int(-rest * pow(2**bits, -1, modulus)) % modulus


def exact(value: float, digits: int) -> tuple[Bucket, int]:
    bucket, number = sketch(value, digits)
    return replace(bucket, shift=Fraction(value) / bucket.width - number), number


@pytest.mark.parametrize("digits", [6, 8])
def test_a_grid_tells_nothing_of_the_number_of_a_bucket(digits: int) -> None:
    random = Random(3)
    values = [random.uniform(0.1, 1.0) * random.choice([1, 10, 0.1]) for _ in range(2000)]

    def told(grids: list[tuple[Bucket, int]]) -> int:
        return sum(as_the_finding_did(b, 80) == number % 5**-b.exponent for b, number in grids)

    assert told([exact(value, digits) for value in values]) == 2000  # the attack itself is sound
    assert told([sketch(value, digits) for value in values]) <= 10  # one in 5**4 by chance


def test_all_buckets_have_numbers_of_every_shift() -> None:
    """The shift follows the digits after the last one compared, which do not depend on those before."""
    random = Random(4)
    seen: dict[Fraction, list[int]] = {}
    for _ in range(4000):
        bucket, number = sketch(random.uniform(0.1, 1.0), 8)
        seen.setdefault(bucket.shift, []).append(number % 5)
    assert len(seen) == 5 and all(len(set(numbers)) == 5 for numbers in seen.values())
    assert all(
        abs(numbers.count(r) / len(numbers) - 0.2) < 0.1 for numbers in seen.values() for r in range(5)
    )


@pytest.mark.parametrize("lab", installed_keys())
def test_the_keys_hold_shifts_of_a_few_steps_only(lab: str) -> None:
    key = AnswerKey.load(installed_keys()[lab])
    for entry in key.checks.values():
        for bucket in entry.expected.buckets:
            steps = 4 if entry.digits > 3 else 20
            assert (bucket.shift * steps).denominator == 1 and abs(bucket.shift) <= Fraction(1, 2)


def test_key_file_holds_no_expected_value() -> None:
    value = 0.6931471805599453
    text = AnswerKey("lab", 1, checks={"check": enrol(observation(value), "lab")}).dumps()
    assert "0.6931" not in text and "69314" not in text


def test_key_file_survives_a_round_trip() -> None:
    key = replace(hinting_key(), blocks={"block": 3.0}, manual={"question": 2.0}, source="abc")
    assert AnswerKey.loads(key.dumps()) == key


REFUSED = frozenset({"check"})
HINT = {"es": "¡Al revés!", "en": "The wrong way round!"}


def hinting_key() -> AnswerKey:
    """Return a key that expects 0.1 and 2, and has a hint for 2 and 0.1 and for an error."""
    entry = enrol(observation(0.1, 2.0), "lab")
    error = replace(observation(text='["returned_none", {}]'), error="returned_none")
    seals = [seal(o, entry.salt) for o in (observation(2.0, 0.1), error)]
    entry = replace(entry, clues=tuple(Clue(0, REFUSED, sealed) for sealed in seals))
    return AnswerKey("lab", 7, checks={"check": entry}, hints=(HINT,))


def test_known_wrong_observation_gets_its_hint() -> None:
    assert hinting_key().hint(observation(2.0, 0.1), REFUSED) == HINT
    assert hinting_key().hint(observation(2.0 + 1e-12, 0.1), REFUSED) == HINT


def test_known_error_gets_its_hint() -> None:
    error = replace(observation(text='["returned_none", {}]'), error="returned_none")
    assert hinting_key().hint(error, REFUSED) == HINT
    assert hinting_key().hint(replace(error, text='["not_tensor", {}]'), REFUSED) is None


@settings(max_examples=25, deadline=None)
@given(st.floats(-1e-9, 1e-9))
def test_right_observation_never_gets_a_hint(offset: float) -> None:
    assert hinting_key().hint(observation(0.1 + offset, 2.0), REFUSED) is None


def test_unknown_wrong_observation_gets_no_hint() -> None:
    assert hinting_key().hint(observation(2.0, 0.2), REFUSED) is None
    assert hinting_key().hint(replace(observation(2.0, 0.1), name="other"), REFUSED) is None


@pytest.mark.parametrize("refused", [(), ("check", "another"), ("another",)])
def test_no_hint_is_given_where_other_checks_refuse_the_answer_than_the_known_one(
    refused: tuple[str, ...],
) -> None:
    assert hinting_key().hint(observation(2.0, 0.1), refused) is None


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
