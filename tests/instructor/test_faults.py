"""Faults at every stage of grading: only the victim is listed, and one more run ends as if undisturbed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import LAB1, ROOT
from tests.instructor.conftest import Classroom, MakeClassroom, usable_isolation

pytestmark = pytest.mark.slow
STAGES = ("plan", "intake", "run", "judge", "mark", "settle", "record", "store")
IN_CHILDREN = ("intake", "run", "judge", "mark")
IN_MAIN = tuple(stage for stage in STAGES if stage not in IN_CHILDREN)
# Where the disk of the class, or the gradebook, is needed.
WRITING = ("record", "store")


def can_mount() -> bool:
    return os.geteuid() == 0 and shutil.which("mount") is not None


VICTIMS = [
    *(f"exception-{stage}" for stage in STAGES),
    *(f"kill-{stage}" for stage in IN_CHILDREN),
    *(f"full-{stage}" for stage in IN_CHILDREN),
    *(f"full-{stage}" for stage in WRITING if can_mount()),
    "locked-store",
]


@dataclass
class Runs:
    """What two runs of the same command left behind."""

    room: Classroom
    first: subprocess.CompletedProcess[str]
    second: subprocess.CompletedProcess[str]
    first_log: dict[str, Any]


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A disk of its own for the class, where one may be mounted."""
    folder = tmp_path_factory.mktemp("disk")
    if not can_mount():
        yield folder
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture(scope="module")
def runs(make_classroom: MakeClassroom, small_disk: Path) -> Runs:
    room = make_classroom(small_disk)
    hand_in(room, "bystander", *VICTIMS)
    first, second = grade(small_disk), grade(small_disk)
    return Runs(room, first, second, first_log(small_disk))


def hand_in(room: Classroom, *students: str) -> None:
    for student in students:
        room.hand_in(student, room.identified(room.notebook("train_data"), student))


def grade(folder: Path) -> subprocess.CompletedProcess[str]:
    """Type `course grade`, among faults that happen once."""
    state = folder / "faults"
    state.mkdir(exist_ok=True)
    faults = str(Path(__file__).parent / "faults")
    path = os.pathsep.join([faults, str(ROOT), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "autograder.instructor.cli", "grade", LAB1, "--folder", str(folder),
         "--isolation", usable_isolation(), "--workers", "2"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path, "FAULTS": str(state), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )  # fmt: skip


def first_log(folder: Path) -> dict[str, Any]:
    """Return the log of the first run."""
    found: dict[str, Any] = json.loads(min((folder / "grading" / LAB1 / "runs").glob("*.json")).read_text())
    return found


def test_both_runs_end_by_themselves(runs: Runs) -> None:
    assert (runs.first.returncode, runs.second.returncode) == (0, 0), runs.first.stderr + runs.second.stderr
    assert "Traceback" not in runs.first.stdout + runs.first.stderr


def test_only_victims_are_listed(runs: Runs) -> None:
    """All of them: but for whom a second try within the same run helped."""
    troubled = set(runs.first_log["troubles"]) | set(runs.first_log["unstored"])
    assert "bystander" not in troubled
    again = {v for v in VICTIMS if v.partition("-")[2] in ("run", "judge", "mark")}
    # Taking in writes nothing, and what went wrong while planning is found out there.
    recovered = {"exception-plan", "full-intake", *again}
    assert troubled | recovered == {*VICTIMS}


def test_one_more_run_gives_everybody_the_marks_of_an_undisturbed_one(runs: Runs) -> None:
    assert runs.room.totals() == dict.fromkeys(["bystander", *VICTIMS], 10.0)
    assert "To review" not in runs.second.stdout


def test_what_was_stored_before_is_not_run_again(runs: Runs) -> None:
    assert "bystander" not in runs.second.stdout
    assert f"{LAB1}: " in runs.second.stdout and "unchanged since they were graded" in runs.second.stdout


@pytest.mark.parametrize("stage", IN_MAIN)
def test_a_program_that_is_killed_in_a_stage_goes_on_with_the_same_command(
    make_classroom: MakeClassroom, tmp_path: Path, stage: str
) -> None:
    room = make_classroom(tmp_path)
    hand_in(room, "bystander", f"kill-{stage}")
    assert grade(tmp_path).returncode == -9
    again = grade(tmp_path)
    assert again.returncode == 0, again.stderr
    assert room.totals() == {"bystander": 10.0, f"kill-{stage}": 10.0}
