"""Trials by forks observe what trials from the beginning do, and an answer costs nothing but itself."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from autograder.instructor import trial
from autograder.instructor.bank import Answer, load_bank
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.source import read_lab
from autograder.instructor.trial import Trial, run_trials
from autograder.instructor.trials import stage
from tests.conftest import LAB1

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks need Linux"),
]
RIGHT = """
def sample(generator, num_samples):
    return generator(torch.randn((num_samples, 2), device=device)).detach().cpu()
"""


def answers(**codes: str) -> list[Answer]:
    return [Answer(name, "sample", "wrong", code) for name, code in codes.items()]


def tried(
    course: Course, some: Sequence[Answer], seeds: Sequence[int] = (7,), **options: float
) -> dict[str, Trial]:
    return {t.answer.id: t for t in run_trials(course, LAB1, some, seeds, forks=True, **options)}  # type: ignore[arg-type]


def begin_with(code: str, course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a cell before all others of lab 1."""
    notebook = read_lab(course, LAB1)
    cells = [new_code_cell(code), *notebook.cells]
    monkeypatch.setattr(trial, "read_lab", lambda *args: NotebookNode({**notebook, "cells": cells}))


def test_both_ways_observe_the_same(course: Course) -> None:
    bank = load_bank(course.bank(LAB1)).values()
    some = [a for a in bank if a.cell in ("train_data", "discriminator", "sample")][::5]
    ways = [
        {t.answer.id: (t.observations, t.error) for t in run_trials(course, LAB1, some, [7, 8], forks=forks)}
        for forks in (True, False)
    ]
    assert repr(sorted(ways[0].items())) == repr(sorted(ways[1].items())) and len(ways[0]) == len(some) > 5


def test_answer_costs_nothing_but_itself(course: Course) -> None:
    found = tried(
        course,
        answers(
            dies="import os\nos._exit(3)\n",
            killed="import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n",
            hangs="while True:\n    pass\n",
            hides="import os, time\nos.closerange(3, 256)\ntime.sleep(600)\n",
            eats=f"eaten = bytearray(64 * 2**30)\n{RIGHT}",
            overwrites=f"device = lab = None\n{RIGHT}",
            right=RIGHT,
        ),
        time_limit=10,
        jobs=2,
    )
    assert {name: t.error for name, t in found.items()} == {
        "dies": "its process died (exit code 3)",
        "killed": "its process died (exit code -9)",
        "hangs": "stopped after 10 s",
        "hides": "its process died (exit code -9)",
        "eats": None,
        "overwrites": None,
        "right": None,
    }
    assert found["right"].observations[7]["sample.points"].error is None
    assert found["eats"].observations[7] == {}, "it ended before it had defined what is checked"


def test_every_answer_has_a_folder_of_its_own(course: Course) -> None:
    keep = (
        f"from pathlib import Path\nassert not Path('mine').exists()\nPath('mine').write_text('x')\n{RIGHT}"
    )
    found = tried(course, answers(one=keep, two=keep, three=keep))
    assert all(t.observations[7]["sample.points"].error is None for t in found.values())


def test_nothing_is_left_when_the_caller_stops_listening(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    begun = tmp_path / "begun"
    sleeps = f"import subprocess\nopen({str(begun)!r}, 'w').close()\nsubprocess.run(['sleep', '3217'])\n"
    trials = run_trials(course, LAB1, answers(right=RIGHT, sleeps=sleeps), [7], forks=True, jobs=2)
    assert next(trials).answer.id == "right"
    while not begun.exists():
        os.sched_yield()
    trials.close()
    left = [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "3217"]]
    assert left == []
    assert [path.name for path in tmp_path.iterdir()] == ["begun"]


def test_stage_that_dies_costs_what_it_was_running_only(course: Course) -> None:
    code = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nimport time\ntime.sleep(60)\n"
    found = tried(course, answers(strikes=code, right=RIGHT), jobs=1)
    assert found["strikes"].error == "its process died (exit code None)"
    assert found["right"].observations[7]["sample.points"].error is None


def test_threads_that_a_notebook_leaves_are_no_reason_to_observe_nothing(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread = "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()"
    begin_with(thread, course, monkeypatch)
    found = tried(course, answers(right=RIGHT))
    assert found["right"].error is None
    assert found["right"].observations[7]["sample.points"].error is None
    assert "threads" in stage.NO_FORK


def test_progress_bars_leave_no_thread_that_keeps_answers_from_being_forked(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar = "from tqdm import tqdm\nfor _ in tqdm(range(3)):\n    pass"
    begin_with(bar, course, monkeypatch)
    monkeypatch.setattr(
        trial, "run_in_pool", lambda *args, **options: pytest.fail("an answer was not forked")
    )
    found = tried(course, answers(right=RIGHT))
    assert found["right"].observations[7]["sample.points"].error is None


def test_cell_that_cannot_import_is_no_answers_fault(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    begin_with("import no_such_module as torch", course, monkeypatch)
    error = tried(course, answers(right=RIGHT))["right"].error
    assert error is not None and error.startswith("CourseError") and "no_such_module" in error


def test_answer_to_an_unknown_cell_is_described(course: Course) -> None:
    with pytest.raises(CourseError, match="no student cell 'simple'"):
        tried(course, [Answer("a", "simple", "wrong", "")])
