"""With AUTOGRADER_SEED set, check cells hand on what they observe, and know nothing of what is right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from autograder import open_lab
from autograder.emission import MIME_TYPE, bundle
from autograder.errors import GraderError
from autograder.judge import record
from autograder.marks import Verdict
from autograder.session import Lab


def ones(length: int) -> torch.Tensor:
    return torch.ones(length, 2)


def run(lab: Lab, function: Any = ones) -> dict[str, Any]:
    with lab.marks("data", points=5) as block:
        block.fingerprint("data.values", function, lab.supplied_size("n"), shape=("n", 2), points=5)
    return json.loads(json.dumps(bundle(block.cell_marks(), lab.name), allow_nan=False))


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setenv("AUTOGRADER_SEED", "77")
    return open_lab("lab1_sine_gan", language="en")


def test_a_bundle_holds_what_a_recording_under_that_seed_holds(lab: Lab) -> None:
    with record(77) as recording:
        run(open_lab("lab1_sine_gan"))
    (check,) = run(lab)["checks"]
    assert check["values"] == list(recording.observations["data.values"].values)


def test_another_seed_gives_other_numbers(lab: Lab) -> None:
    with record(78) as recording:
        run(open_lab("lab1_sine_gan"))
    (check,) = run(lab)["checks"]
    assert check["values"] != list(recording.observations["data.values"].values)


def test_nothing_is_verified_and_no_key_is_read(lab: Lab) -> None:
    run(lab)
    assert lab.judge.gives_marks is False and lab._cells["data"].score == 0.0
    assert [result.verdict for result in lab._cells["data"].results] == [Verdict.OPEN]


def test_an_error_is_handed_on_with_its_message(lab: Lab) -> None:
    (check,) = run(lab, lambda n: None)["checks"]
    assert (check["error"], check["values"]) == ("returned_none", [])
    assert "return" in check["message"]


def test_an_error_of_the_cell_itself_is_handed_on(lab: Lab) -> None:
    with lab.marks("data", points=5) as block:
        block.fingerprint("data.values", Missing, points=5)  # type: ignore[name-defined]  # noqa: F821
    found = bundle(block.cell_marks(), lab.name)
    assert found["checks"] == [] and "Missing" in found["failures"][0]


def test_a_summary_shows_no_marks_and_writes_none(lab: Lab, tmp_path: Path) -> None:
    run(lab)
    summary = lab.summary(tmp_path / "marks.json")
    assert "0 /" not in repr(summary) and "0 /" not in summary._repr_html_()
    assert not (tmp_path / "marks.json").exists()


def test_in_a_notebook_the_bundle_is_displayed(lab: Lab) -> None:
    InteractiveShell.instance()
    try:
        with capture_output() as captured:
            run(lab)
    finally:
        InteractiveShell.clear_instance()
    (output,) = captured.outputs
    assert output.data[MIME_TYPE]["block"] == "data"


def test_a_seed_that_is_no_number_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOGRADER_SEED", "secret")
    with pytest.raises(GraderError, match="AUTOGRADER_SEED must be a whole number"):
        open_lab("lab1_sine_gan")
