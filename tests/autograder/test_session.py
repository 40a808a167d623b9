"""Marks are kept, replaced and summed up whatever a student runs, in whatever order."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from IPython.core.formatters import DisplayFormatter
from IPython.core.interactiveshell import InteractiveShell

from autograder import column, faults, open_lab
from autograder.display import RED, CellView
from autograder.judge import record
from autograder.key import AnswerKey, Clue, enrol, seal
from autograder.session import Lab


def ones(length: int) -> torch.Tensor:
    return torch.ones(length, 2)


def check(lab: Lab, function: Callable[..., Any], block: str = "data") -> float:
    with lab.marks(block, points=5) as marks:
        size = lab.supplied_size("n")
        marks.fingerprint(f"{block}.first", column(function, 0), size, points=2)
        marks.fingerprint(f"{block}.values", function, size, shape=("n", 2), points=3)
    return marks.score


@pytest.fixture
def key() -> AnswerKey:
    with record(1) as recording:
        lab = open_lab("test")
        check(lab, ones)
        check(lab, ones, "other")
    checks = {name: enrol(o, "test") for name, o in recording.observations.items()}
    return AnswerKey("test", 1, recording.blocks, {"question": 4.0}, checks)


@pytest.fixture
def lab(key: AnswerKey) -> Lab:
    return open_lab("test", key=key)


def test_right_answer_gets_full_marks(lab: Lab) -> None:
    assert check(lab, ones) == 5.0


def test_half_right_answer_gets_the_marks_of_the_checks_it_passes(lab: Lab) -> None:
    assert check(lab, lambda n: torch.tensor([[1.0, 0.0]] * n)) == 2.0


def test_a_score_is_a_number_that_nbgrader_reads_and_a_notebook_does_not_show(lab: Lab) -> None:
    data, _ = DisplayFormatter().format(check(lab, ones))
    assert data == {"text/plain": "5.0", "text/html": ""}


def test_running_a_cell_again_replaces_its_entry(lab: Lab) -> None:
    check(lab, ones)
    check(lab, ones)
    assert lab.summary(None).score == 5.0
    check(lab, lambda n: None)
    assert lab.summary(None).score == 0.0


def test_summary_lists_blocks_that_were_not_run_in_notebook_order(lab: Lab) -> None:
    check(lab, ones, "other")
    summary = lab.summary(None)
    assert [(s.name, s.state) for s in summary.sections] == [("data", "not_run"), ("other", "complete")]
    assert (summary.score, summary.points, summary.manual_points) == (5.0, 10.0, 4.0)


def test_summary_before_any_check_shows_zero(lab: Lab) -> None:
    summary = lab.summary(None)
    assert summary.score == 0.0
    assert "0 / 10" in repr(summary) and "<svg" in summary._repr_html_()


def test_summary_can_be_called_twice(lab: Lab) -> None:
    check(lab, ones)
    assert lab.summary(None) == lab.summary(None)


def test_block_without_marks_does_not_divide_by_zero(lab: Lab) -> None:
    with lab.marks("identity", points=0) as block:
        block.identity("12345", "A. Student")
    assert block.score == 0.0
    assert lab.summary(None).as_json()["students"] == ["12345"]


def test_known_mistake_gets_its_hint_once(key: AnswerKey) -> None:
    def transposed(length: int) -> torch.Tensor:
        return torch.zeros(length, 2)

    hint = {"es": "Son unos.", "en": "They are ones."}
    with record(1) as recording:
        check(open_lab("test"), transposed)
    refused = set(recording.observations)
    checks = {
        name: replace(
            entry, clues=(Clue(0, frozenset(refused), seal(recording.observations[name], entry.salt)),)
        )
        for name, entry in key.checks.items()
        if name in recording.observations
    }
    lab = open_lab("test", language="en", key=replace(key, checks=checks, hints=(hint,)))
    assert check(lab, transposed) == 0.0
    assert list(lab.messages().values()) == ["They are ones.", "The same cause as above."]


def test_failed_check_without_marks_is_not_complete(lab: Lab) -> None:
    with lab.marks("identity", points=0) as block:
        block.identity("", "")
    assert lab.summary(None).sections[-1].state == "none"


def test_failed_check_is_shown_in_red_with_markup_escaped(lab: Lab) -> None:
    def hostile(n: int) -> None:
        raise ValueError("<script>alert(1)</script>")

    with lab.marks("data", points=5) as block:
        block.fingerprint("data.values", hostile, lab.supplied_size("n"), shape=("n", 2), points=2)
    html = CellView(block.cell_marks())._repr_html_()
    assert RED in html and "<script>" not in html and "&lt;script&gt;" in html


def test_marks_are_written_as_json(lab: Lab, tmp_path: Path) -> None:
    check(lab, ones)
    lab.summary(tmp_path / "marks.json")
    data = json.loads((tmp_path / "marks.json").read_text(encoding="utf-8"))
    assert (data["score"], data["max_score"], data["manual_max_score"]) == (5, 10, 4)
    assert [s["state"] for s in data["sections"]] == ["complete", "not_run"]


def test_marks_file_that_cannot_be_written_is_mentioned(lab: Lab, tmp_path: Path) -> None:
    summary = lab.summary(tmp_path / "no folder" / "marks.json")
    assert "marks.json" in repr(summary)


def test_interrupt_is_not_swallowed_but_recorded(lab: Lab) -> None:
    def interrupted(n: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(lab, interrupted)
    assert lab.summary(None).sections[0].score == 0.0
    said = next(iter(lab.messages().values()))
    assert said.startswith("Tu código se interrumpió en la línea") and "no acaba nunca" in said


def test_student_output_and_warnings_stay_out_of_the_cell(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    import warnings

    def noisy(n: int) -> torch.Tensor:
        print("noise")
        print("noise", file=sys.stderr)
        warnings.warn("noise", stacklevel=1)
        return ones(n)

    assert check(lab, noisy) == 5.0
    captured = capsys.readouterr()
    assert "noise" not in captured.out and captured.err == ""


def test_one_or_two_students_hand_in(lab: Lab) -> None:
    with lab.marks("identity", points=0) as block:
        assert block.identity("12345", "A. Student", "54321", "B. Student")
        assert lab.identities == ("12345", "54321")
        assert not block.identity("12345", "A. Student", "12345", "A. Student")
        assert block.identity("7", "A. Student", "a", "B. Student")
        assert not block.identity(" ", "A. Student")
        assert not block.identity("12345", " ")
        assert not block.identity("12345", "A. Student", "54321", "")
        assert not block.identity(12345, "A. Student")  # type: ignore[arg-type]


def test_a_name_that_a_cell_overwrites_is_named_at_once(
    key: AnswerKey, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    try:
        shell.user_ns["key"] = key
        for cell in (
            "from autograder import column, open_lab",
            "lab = open_lab('test', 'en', key=key)",
            "x = 1",
        ):
            shell.run_cell(cell)
        assert "Careful" not in capsys.readouterr().out
        shell.run_cell("lab = 3\ndef column(): ...")
        said = capsys.readouterr().out
        assert "`lab`" in said and "`column`" in said
        shell.run_cell("x = 2")
        shell.run_cell("lab = open_lab('test', 'en', key=key)")
        assert "Careful" not in capsys.readouterr().out
    finally:
        InteractiveShell.clear_instance()


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("torch.ones(2).to('cuda:0')", True),
        ("torch.ones(2, device='cuda')", True),
        ("torch.ones(2).cuda()", True),
        ("torch.zeros(1).to('mps')", True),
        ("torch.zeros(1, device='xpu')", True),
        ("torch.device('gpu')", True),
        ("torch.cuda.get_device_name()", True),
        ("exec('assert torch.cuda.is_available(), \"no CUDA\"')", True),
        ("torch.ones(2) @ torch.ones(3)", False),
        ("torch.ones(2).numpy().cuda()", False),
    ],
)
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_code_that_asks_for_a_device_that_is_not_here_is_told_so(code: str, named: bool) -> None:
    with pytest.raises(Exception) as caught:
        eval(code)
    message = faults.explain(caught.value)
    assert (message.key == faults.NO_DEVICE) == named
    assert all(not named or "`device`" in message.render(language) for language in ("es", "en"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_every_build_of_pytorch_gives_the_hint_for_a_device_that_is_not_there() -> None:
    """The key knows what one build observed; each says it in other words, some with another exception."""
    errors = (
        AssertionError("Torch not compiled with CUDA enabled"),
        RuntimeError("Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU."),
    )
    assert len({faults.explain(error).evidence() for error in errors}) == 1


def test_text_answers_ignore_case_and_space() -> None:
    def ask(lab: Lab, answer: object) -> bool | None:
        with lab.marks("word", points=1) as block:
            return block.text("word.answer", answer, points=1)  # type: ignore[arg-type]

    with record(1) as recording:
        ask(open_lab("test"), "Mode  Collapse")
    checks = {name: enrol(o, "test") for name, o in recording.observations.items()}
    lab = open_lab("test", key=AnswerKey("test", 1, recording.blocks, {}, checks))
    assert ask(lab, " mode collapse ") and not ask(lab, "mode") and not ask(lab, "") and not ask(lab, None)


@pytest.mark.slow
def test_everything_works_without_ipython(tmp_path: Path) -> None:
    script = tmp_path / "lab.py"
    script.write_text(
        "import sys\n"
        "sys.modules['IPython'] = None\n"
        "from autograder import column, open_lab\n"
        "lab = open_lab('lab1_sine_gan', language='en')\n"
        "with lab.marks('sample', points=4) as block:\n"
        "    block.fingerprint('sample.points', sample, lab.supplied_size('n'), shape=('n', 2), points=2)\n"
        "print(lab.summary())\n"
    )
    result = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "`sample` is not defined" in result.stdout
    assert "Automatic total" in result.stdout and result.stderr == ""
    assert (tmp_path / "marks.json").is_file()
