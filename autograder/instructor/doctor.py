"""Look at the machine: what is installed, what is missing, how to get it.

What is slow to import is imported where it is looked at: the first lines are there at once.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from autograder.errors import KeyFileError
from autograder.instructor.settings import Course, CourseError

PACKAGES = ("torch", "torchvision", "numpy", "nbgrader", "jupytext", "nbclient")
Finding = tuple[str, bool | None, str]


def run(course: Course, console: Console) -> bool:
    """Show each finding as soon as it is there; return whether nothing needed is missing."""
    table = Table("", "what", "found", title="course doctor")
    symbols = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]–[/]"}
    passed = True
    with Live(table, console=console, auto_refresh=False, vertical_overflow="visible") as shown:
        for what, fine, found in _findings(course):
            table.add_row(symbols[fine], escape(what), escape(found))
            shown.refresh()
            passed &= fine is not False
    return passed


def _findings(course: Course) -> Iterator[Finding]:
    """Yield all findings, those first that need no PyTorch."""
    yield from _versions()
    yield from _data()
    yield _device()
    yield from _packages(course)
    yield from _labs(course)
    yield from _nbgrader(course)
    yield from _isolation()
    yield from _tls(course)


def _versions() -> Iterator[Finding]:
    yield "python", sys.version_info >= (3, 11), platform.python_version()
    for name in PACKAGES:
        try:
            yield name, True, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield name, False, "missing: run `make setup`, or pip install -r requirements.txt"


def _device() -> Finding:
    import torch

    here = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    found = ", ".join(here) or f"CPU, {torch.get_num_threads()} threads"
    return "device", True, f"{found}; PyTorch's CUDA: {torch.version.cuda or 'no'}"


def _data() -> list[Finding]:
    root = os.environ.get("COURSE_DATA")
    if root is None:
        return [("data", None, "COURSE_DATA is not set: labs use their embedded data")]
    return [
        ("data", Path(root).is_dir(), f"{root}" if Path(root).is_dir() else f"COURSE_DATA: no folder {root}")
    ]


def _packages(course: Course) -> list[Finding]:
    """Say whether notebooks find the course's own packages, wherever they are run."""
    from autograder.instructor.families import unusable_families

    findings: list[Finding] = [("checks of its own", False, said) for said in unusable_families(course)]
    for name in course.packages:
        found = importlib.util.find_spec(name.split(".")[0]) is not None
        said = "found" if found else "cannot be imported: `pip install -e .`, or mend course.toml, [course]"
        findings.append((f"package {name}", found, said))
    return findings


def _labs(course: Course) -> list[Finding]:
    from autograder.instructor.keys import is_stale
    from autograder.key import AnswerKey

    findings: list[Finding] = []
    for lab in course.labs:
        try:
            key = AnswerKey.load(course.key(lab))
            said = f"{len(key.checks)} checks, {sum(key.blocks.values()):g} marks"
            stale = is_stale(course, lab)
            advice = f"; stale: its sources have changed since, run `course build {lab}`" if stale else ""
            findings.append((lab, not stale, said + advice))
        except (KeyFileError, CourseError) as error:
            findings.append((lab, False, f"{error}"))
        findings += [(lab, False, problem) for problem in _half_made(course, lab)]
    return findings


def _half_made(course: Course, lab: str) -> list[str]:
    """Return what is wrong with a lab besides its key; other labs do not suffer from it."""
    from autograder.instructor.releases import read_release

    files = {"notebook": course.source(lab), "bank of answers": course.bank(lab)}
    problems = [
        f"no {what}: {path.relative_to(course.root)}" for what, path in files.items() if not path.is_file()
    ]
    problems += [found.text for found in course.problems(lab)]
    for language in course.languages:
        try:
            read_release(course, lab, language)
        except CourseError as error:
            problems.append(str(error))
    return list(dict.fromkeys(problems))


def _isolation() -> list[Finding]:
    from autograder.instructor.kernels import isolation

    findings: list[Finding] = []
    for way in ("bwrap", "fork"):
        found = isolation.examine(way)
        said = found.problem or "; ".join(["works", *found.weaknesses])
        findings.append((f"course grade --isolation {way}", found.problem is None or None, said))
    if all(fine is None for _, fine, _ in findings):
        findings.append(("isolation of students' code", False, "none works: install bubblewrap"))
    return findings


def _tls(course: Course) -> list[Finding]:
    """Say nothing where no other machine grades."""
    from autograder.instructor.grade.certificates import Certificates

    if not course.tls:
        return []
    try:
        return [("certificates for other machines", True, f"work: {Certificates.find(course).cert}")]
    except CourseError as error:
        return [("certificates for other machines", False, str(error))]


def _nbgrader(course: Course) -> list[Finding]:
    config = course.root / "nbgrader_config.py"
    source = course.build / "source"
    here = Path(sys.executable).parent
    findings: list[Finding] = [
        (
            "nbgrader_config.py",
            config.is_file(),
            "found" if config.is_file() else "missing: docs/authoring.md says what stands in it",
        )
    ]
    found = shutil.which("alembic") or shutil.which("alembic", path=str(here))
    advice = f"found; if nbgrader does not find it, put {here.name}/ of the environment on PATH"
    findings.append(("alembic (nbgrader calls it)", bool(found), advice if found else "missing: make setup"))
    built = source.is_dir()
    said = "built" if built else "none yet: `course release LAB` writes it"
    findings.append(("build/source", True if built else None, said))
    book = course.root / "gradebook.db"
    findings.append(
        ("gradebook.db", True if book.is_file() else None, "found" if book.is_file() else "none yet")
    )
    return findings
