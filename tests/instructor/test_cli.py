"""The `course` command says what went wrong, with which object, and what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from autograder import __version__
from autograder.instructor import cli, doctor
from autograder.instructor.settings import load_course
from tests.conftest import LAB1, ROOT

Command = Callable[..., int]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, run in this process and in the checkout; it returns its exit status."""
    monkeypatch.chdir(ROOT)

    def command(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["course", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0)

    return command


def test_unknown_lab_is_named(run: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("build", "lab0") == 1
    assert "There is no lab 'lab0'" in capsys.readouterr().err


def test_the_versions_are_said_in_one_line(run: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"course {__version__}, Python 3.") and f", torch {version('torch')}" in line


@pytest.mark.parametrize(
    "command", ["build", "release", "bundle", "audit", "grade", "report", "export", "similarity", "demo"]
)
def test_every_command_names_a_lab_that_there_is_not(
    run: Command, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert run(command, "lab0") == 1
    said = capsys.readouterr().err
    assert "✗ There is no lab 'lab0'" in said and "Traceback" not in said


def test_the_way_to_an_error_is_shown_where_it_is_asked_for(
    run: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--debug", "build", "lab0") == 1
    said = capsys.readouterr().err
    assert "Traceback" in said and "in require_lab" in said
    assert said.rstrip().splitlines()[-1].startswith("✗ There is no lab 'lab0'")


def test_the_environment_can_ask_for_it_too(
    run: Command, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_DEBUG", "1")
    assert run("build", "lab0") == 1
    assert "in require_lab" in capsys.readouterr().err


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the program have an error."""

    def load() -> None:
        raise RuntimeError("two lines\nof [red]text[/]")

    monkeypatch.setattr(cli, "load_course", load)


@pytest.mark.usefixtures("broken")
def test_an_error_of_the_program_is_one_line_that_says_how_to_see_more(
    run: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("report", "lab1", "--folder", "my class") == 70
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    assert "RuntimeError: two lines of [red]text[/]. This is an error of the program" in said.err
    assert said.err.endswith("course --debug report lab1 --folder 'my class'\n")


@pytest.mark.usefixtures("broken")
def test_an_error_of_the_program_is_shown_with_its_traceback_to_who_asks(
    run: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--debug", "doctor") == 70
    assert "in load\n" in capsys.readouterr().err


def test_folder_without_a_course_is_named(
    run: Command, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("doctor") == 1
    assert "No course.toml" in capsys.readouterr().err


def test_unknown_device_is_named(run: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("observe", LAB1, "--seed", "5", "--device", "tpu") == 1
    assert "choose one of auto, cpu, cuda" in capsys.readouterr().err


def test_doctor_finds_everything_here(run: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("doctor") == 0
    said = capsys.readouterr().out
    assert LAB1 in said and "nbgrader" in said


def test_doctor_sends_nobody_to_build_what_a_checkout_has_built(tmp_path: Path) -> None:
    found = {what: said for what, _, said in doctor._nbgrader(replace(load_course(ROOT), root=tmp_path))}
    assert found["build/source"] == "none yet: `course release LAB` writes it"


@pytest.mark.slow
def test_observe_writes_json_to_the_terminal() -> None:
    command = [sys.executable, "-m", "autograder.instructor.cli", "observe", LAB1, "--seed", "5"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    data = json.loads(result.stdout)
    assert data["seed"] == 5 and data["lab"] == LAB1
    assert len(data["observations"]["generator.output"]["values"]) >= 4


def test_doctor_shows_what_stands_in_brackets(
    run: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = (ROOT / "course.toml").read_text(encoding="utf-8")
    (tmp_path / "course.toml").write_text(settings.replace("seed = 2023", "sed = 2023"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert run("doctor") == 1
    assert "[labs." in capsys.readouterr().out
