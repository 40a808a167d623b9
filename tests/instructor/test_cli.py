"""The `course` command says what went wrong, with which object, and what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from course.instructor import doctor
from course.instructor.settings import load_course

ROOT = Path(__file__).parents[2]


def course(*arguments: str, folder: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "course.instructor.cli", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_unknown_lab_is_named() -> None:
    result = course("build", "lab0")
    assert result.returncode == 1
    assert "There is no lab 'lab0'" in result.stderr and "Traceback" not in result.stderr


@pytest.mark.slow
def test_folder_without_a_course_is_named(tmp_path: Path) -> None:
    result = course("doctor", folder=tmp_path)
    assert result.returncode == 1
    assert "No course.toml" in result.stderr and "Traceback" not in result.stderr


@pytest.mark.slow
def test_doctor_finds_everything_here() -> None:
    result = course("doctor", COLUMNS="200")
    assert result.returncode == 0, result.stdout
    assert "lab1_sine_gan" in result.stdout and "nbgrader" in result.stdout


def test_doctor_sends_nobody_to_build_what_a_checkout_has_built(tmp_path: Path) -> None:
    found = {what: said for what, _, said in doctor._nbgrader(replace(load_course(ROOT), root=tmp_path))}
    assert found["build/source"] == "none yet: `course release LAB` writes it"


@pytest.mark.slow
def test_observe_writes_json_to_the_terminal() -> None:
    result = course("observe", "lab1_sine_gan", "--seed", "5")
    data = json.loads(result.stdout)
    assert data["seed"] == 5 and data["lab"] == "lab1_sine_gan"
    assert len(data["observations"]["generator.output"]["values"]) >= 4


@pytest.mark.slow
def test_unknown_device_is_named() -> None:
    result = course("observe", "lab1_sine_gan", "--seed", "5", "--device", "tpu")
    assert result.returncode == 1 and "choose auto, cpu, cuda" in result.stderr
