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

LAB1 = "lab1_sine_gan"
ROOT = Path(__file__).parents[2]
TOLERANCE = 1e-9


def observed(folder: Path, seed: int = 2023, device: str = "cpu", **environment: str) -> dict[str, Any]:
    """Run `course observe` in a process of its own, since PyTorch reads these settings when it starts."""
    path = folder / f"{'-'.join([device, *environment.values()])}.json"
    command = [sys.executable, "-m", "course.instructor.cli", "observe", LAB1, "--seed", str(seed)]
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
def test_instruction_sets_and_threads_agree(tmp_path: Path, lab1_key: AnswerKey) -> None:
    runs = [
        observed(tmp_path, ATEN_CPU_CAPABILITY="default", OMP_NUM_THREADS="1"),
        observed(tmp_path, ATEN_CPU_CAPABILITY="avx2", OMP_NUM_THREADS="2"),
        observed(tmp_path, ATEN_CPU_CAPABILITY="avx512", OMP_NUM_THREADS="1"),
        observed(tmp_path, ATEN_CPU_CAPABILITY="default", OMP_NUM_THREADS="2"),
    ]
    for run in runs:
        assert require_agreement(runs[0], run) < TOLERANCE
        assert verified(run, lab1_key) == []


@pytest.mark.slow
@pytest.mark.cuda
def test_cuda_agrees_with_the_cpu(tmp_path: Path, lab1_key: AnswerKey) -> None:
    on_cpu, on_cuda = observed(tmp_path), observed(tmp_path, device="cuda")
    assert require_agreement(on_cpu, on_cuda) < TOLERANCE
    assert verified(on_cuda, lab1_key) == []


@pytest.mark.slow
def test_another_seed_is_refused_by_every_check_with_marks(tmp_path: Path, lab1_key: AnswerKey) -> None:
    refused = verified(observed(tmp_path, seed=7), lab1_key)
    assert refused == [name for name, entry in lab1_key.checks.items() if entry.points > 0]
