"""The reference's observations are the same on every instruction set, thread count and device."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from autograder.instructor.observe import observe, require_agreement
from autograder.instructor.settings import Course
from autograder.key import AnswerKey
from autograder.observation import Observation
from tests.conftest import ROOT

TOLERANCE = 1e-9
# Instruction sets with a number of threads, as far as the processor knows them.
_ALL_SETS = (("default", "1"), ("avx2", "2"), ("avx512", "1"))
_BEST = torch.backends.cpu.get_cpu_capability().lower()
INSTRUCTIONS_AND_THREADS = _ALL_SETS[: [name for name, _ in _ALL_SETS].index(_BEST) + 1]
# All labs in one process: importing PyTorch takes longer than most labs.
OBSERVE_ALL = """
import json, pathlib, sys
from autograder.instructor.observe import as_json, observe
from autograder.instructor.settings import load_course
course, (path, device) = load_course(), sys.argv[1:]
recordings = {lab: observe(course, lab, seed=course.seed(lab), device=device) for lab in course.labs}
data = {lab: as_json(recording, lab, device) for lab, recording in recordings.items()}
pathlib.Path(path).write_text(json.dumps(data))
"""
# What `course observe` writes, by lab.
Run = dict[str, dict[str, Any]]


@pytest.fixture
def key(course: Course, lab: str) -> AnswerKey:
    return AnswerKey.load(course.key(lab))


def observed(folder: Path, device: str = "cpu", **environment: str) -> Run:
    """Observe all labs in a process of its own, since PyTorch reads these settings when it starts."""
    path = folder / f"{'-'.join([device, *environment.values()])}.json"
    subprocess.run(
        [sys.executable, "-c", OBSERVE_ALL, str(path), device],
        cwd=ROOT,
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
    )
    return dict(json.loads(path.read_text()))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    folder = tmp_path_factory.mktemp("runs")
    return [
        observed(folder, ATEN_CPU_CAPABILITY=instructions, OMP_NUM_THREADS=threads)
        for instructions, threads in INSTRUCTIONS_AND_THREADS
    ]


@pytest.fixture(scope="module")
def on_cuda(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return observed(tmp_path_factory.mktemp("cuda"), "cuda")


def refused(observations: list[Observation], key: AnswerKey) -> list[str]:
    """Return the names of the checks that the key refuses."""
    assert [o.name for o in observations] == list(key.checks)
    return [o.name for o in observations if not key.accepts(o)]


def from_json(data: dict[str, Any]) -> list[Observation]:
    return [Observation(**{**o, "values": tuple(o["values"])}) for o in data["observations"].values()]


@pytest.mark.slow
def test_instruction_sets_and_threads_agree(runs: list[Run], lab: str, key: AnswerKey) -> None:
    assert runs[0][lab]["versions"]["cpu_capability"] == "DEFAULT", "PyTorch heeds the variable"
    for run in runs:
        assert require_agreement(runs[0][lab], run[lab]) < TOLERANCE
        assert refused(from_json(run[lab]), key) == []


@pytest.mark.slow
@pytest.mark.cuda
def test_cuda_agrees_with_the_cpu(runs: list[Run], on_cuda: Run, lab: str, key: AnswerKey) -> None:
    assert require_agreement(runs[0][lab], on_cuda[lab]) < TOLERANCE
    assert refused(from_json(on_cuda[lab]), key) == []


@pytest.mark.slow
def test_another_seed_is_refused_by_every_check_with_marks(course: Course, lab: str, key: AnswerKey) -> None:
    seen = observe(course, lab, seed=7).observations.values()
    assert refused(list(seen), key) == [name for name, entry in key.checks.items() if entry.points > 0]
