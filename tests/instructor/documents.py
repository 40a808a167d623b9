"""Run what a document tells its reader to type, and compare what it says that happens with what does."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

_BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<content>.*?)^```$", re.MULTILINE | re.DOTALL)
# What a checkout needs to work; tests and everything that grading leaves behind stay where they are.
_CHECKOUT = (
    "LICENSE", "README.md", "autograder", "course", "course.toml", "docs", "nbgrader_config.py",
    "pyproject.toml", "release", "solutions", "source_notebooks",
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One command of a document.

    Attributes:
        command: what to type.
        expected: lines that its output has, in this order; "…" stands for anything.
        line: where the document says so.
    """

    command: str
    expected: tuple[str, ...]
    line: int


def blocks(document: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    found = _BLOCK.finditer(document.read_text(encoding="utf-8"))
    return [match["content"] for match in found if match["language"] == language]


def steps(document: Path) -> list[Step]:
    """Return the commands of all `console` blocks: "$ " begins one, "> " continues it, the rest is output."""
    text = document.read_text(encoding="utf-8")
    found: list[Step] = []
    for match in _BLOCK.finditer(text):
        if match["language"] == "console":
            found += _steps(match["content"], text.count("\n", 0, match.start()) + 2)
    return found


def _steps(content: str, first: int) -> Iterator[Step]:
    lines = content.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
    assert starts and starts[0] == 0, f"line {first}: a console block begins with a command"
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        more = [line for line in lines[start + 1 : end] if line == ">" or line.startswith("> ")]
        command = "\n".join([lines[start][2:], *(line[2:] for line in more)])
        yield Step(command, tuple(lines[start + 1 + len(more) : end]), first + start)


Special = Callable[[str], str]


@dataclass(frozen=True)
class Reader:
    """Somebody who types what a document says.

    Attributes:
        folder: where.
        specials: how to run commands that need a person, by the command.
    """

    folder: Path
    specials: dict[str, Special]

    @property
    def environment(self) -> dict[str, str]:
        """The programs of this environment, the package of the folder, and a wide terminal."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "PYTHONPATH": str(self.folder), "COLUMNS": "100"}

    def follow(self, step: Step) -> None:
        """Run one command; fail if it fails, or says something else than the document."""
        special = self.specials.get(step.command)
        output = special(step.command) if special else self._run(step)
        rest = [_folded(line) for line in output.splitlines()]
        for line in step.expected:
            pattern = re.compile(".*".join(re.escape(part) for part in _folded(line).split("…")))
            place = next((n for n, said in enumerate(rest) if pattern.fullmatch(said)), None)
            assert place is not None, f"line {step.line}: {step.command}\nsays no {line!r}, but:\n{output}"
            rest = rest[place + 1 :]

    def _run(self, step: Step) -> str:
        result = subprocess.run(
            ["bash", "-c", step.command],
            cwd=self.folder, env=self.environment, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert result.returncode == 0, f"line {step.line}: {step.command}\nfailed:\n{result.stdout}"
        return result.stdout


def _folded(line: str) -> str:
    return " ".join(line.split())


def checkout(folder: Path) -> Path:
    """Copy this checkout, without what grading leaves behind."""
    for name in _CHECKOUT:
        if (ROOT / name).is_dir():
            ignore = shutil.ignore_patterns("__pycache__", "*.pyc", "*.gif", ".ipynb_checkpoints")
            shutil.copytree(ROOT / name, folder / name, ignore=ignore)
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder
