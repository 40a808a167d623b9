"""The reference's observations are the same on every instruction set, thread count and device."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from autograder.key import AnswerKey
from autograder.observation import Observation
from course.instructor.observe import require_agreement
from course.instructor.settings import Course
from tests.conftest import ROOT

TOLERANCE = 1e-9
INSTRUCTIONS_AND_THREADS = (("default", "1"), ("avx2", "2"), ("avx512", "1"), ("default", "2"))


@pytest.fixture
def key(course: Course, lab: str) -> AnswerKey:
    return AnswerKey.load(course.key(lab))


def observed(folder: Path, lab: str, seed: int, device: str = "cpu", **environment: str) -> dict[str, Any]:
    """Run `course observe` in a process of its own, since PyTorch reads these settings when it starts."""
    path = folder / f"{'-'.join([device, *environment.values()])}.json"
    command = [sys.executable, "-m", "course.instructor.cli", "observe", lab, "--seed", str(seed)]
    subprocess.run(
        [*command, "--device", device, "--json", str(path)],
        cwd=ROOT,
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
    )
    return json.loads(path.read_text())


def verified(data: dict[str, Any], key: AnswerKey) -> list[str]:
    """Return the names of the checks that the key refuses."""
    observations = [Observation(**{**o, "values": tuple(o["values"])}) for o in data["observations"].values()]
    assert [o.name for o in observations] == list(key.checks)
    return [o.name for o in observations if not key.accepts(o)]


@pytest.mark.slow
def test_instruction_sets_and_threads_agree(tmp_path: Path, lab: str, key: AnswerKey) -> None:
    runs = [
        observed(tmp_path, lab, key.seed, ATEN_CPU_CAPABILITY=instructions, OMP_NUM_THREADS=threads)
        for instructions, threads in INSTRUCTIONS_AND_THREADS
    ]
    for run in runs:
        assert require_agreement(runs[0], run) < TOLERANCE
        assert verified(run, key) == []


@pytest.mark.slow
@pytest.mark.cuda
def test_cuda_agrees_with_the_cpu(tmp_path: Path, lab: str, key: AnswerKey) -> None:
    on_cpu, on_cuda = (observed(tmp_path, lab, key.seed, device=device) for device in ("cpu", "cuda"))
    assert require_agreement(on_cpu, on_cuda) < TOLERANCE
    assert verified(on_cuda, key) == []


@pytest.mark.slow
def test_another_seed_is_refused_by_every_check_with_marks(tmp_path: Path, lab: str, key: AnswerKey) -> None:
    refused = verified(observed(tmp_path, lab, seed=7), key)
    assert refused == [name for name, entry in key.checks.items() if entry.points > 0]
