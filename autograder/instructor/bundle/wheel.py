"""Build the wheels that students install, from the checkout and without a network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import autograder
from autograder.instructor.settings import Course, CourseError, load_course
from autograder.instructor.tables import read_toml

_LIBRARY = "autograder"
_PROJECT = "pyproject.toml"
# What setuptools reads besides, where it is there.
_SETUP = (_PROJECT, "setup.py", "setup.cfg", "MANIFEST.in")
# The first moment that a zip file can name: the same bytes for the same sources.
_EPOCH = "315532800"


def wheel_name(course: Course) -> str:
    """Return what the name of the course's wheel begins with.

    Raises:
        CourseError: if pyproject.toml does not name the distribution.
    """
    return re.sub(r"[-_.]+", "_", str(_project(course.root)["name"])).lower()


def build_wheel(course: Course) -> tuple[str, bytes]:
    """Return the name and the content of the course's own wheel.

    Raises:
        CourseError: with the end of pip's output, if it cannot be built.
    """
    if not _holds_library(course.root):
        _require_library(course)
    return _build(course.root, course)


def library_wheel(course: Course) -> tuple[str, bytes] | None:
    """Return the name and the content of the library's wheel, where the course's own does not hold it.

    It can be built where the library runs from a checkout; elsewhere pip gets it as it gets other libraries.

    Raises:
        CourseError: with the end of pip's output, if it cannot be built.
    """
    root = Path(autograder.__file__).resolve().parents[1]
    if _holds_library(course.root) or not _holds_library(root):
        return None
    return _build(root, load_course(root))


def _holds_library(root: Path) -> bool:
    """Tell whether the library is part of the distribution in a folder."""
    return (root / _PROJECT).is_file() and (root / _LIBRARY / "__init__.py").is_file()


def _require_library(course: Course) -> None:
    """Raise unless pip learns from the course's wheel that it needs the library.

    Raises:
        CourseError: saying what to write into pyproject.toml.
    """
    names = packages_distributions().get(_LIBRARY, [])
    needed = [re.match(r"[\w.-]*", str(each)) for each in _project(course.root).get("dependencies", [])]
    found = {_folded(match[0]) for match in needed if match}
    if names and not found & {_folded(name) for name in names}:
        raise CourseError(
            f"{_PROJECT} does not name {names[0]!r} among the dependencies: notebooks need its package "
            f"{_LIBRARY}. Add it, such as dependencies = [{names[0]!r}]."
        )


def _folded(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _project(root: Path) -> dict[str, Any]:
    """Return what pyproject.toml says of the distribution.

    Raises:
        CourseError: if it is missing, or does not name it.
    """
    path = root / _PROJECT
    if not path.is_file():
        raise CourseError(
            f"{_PROJECT} is missing: students install the course as a wheel. See docs/authoring.md."
        )
    project: Any = read_toml(path)[0].get("project")
    if not isinstance(project, dict) or not isinstance(project.get("name"), str):
        raise CourseError(
            f'{_PROJECT}: [project] must give the name of the distribution, such as name = "rnn".'
        )
    return project


def _build(root: Path, course: Course) -> tuple[str, bytes]:
    """Return the name and the content of the wheel of a folder."""
    packages = [course.package(name.split(".")[0]) for name in course.packages]
    missing = [str(path.relative_to(root)) for path in packages if not path.is_dir()]
    if missing:
        raise CourseError(f"course.toml, [course]: there is no package {', '.join(missing)} here.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Apart from the checkout: setuptools leaves files there, and packs what it finds among them.
        _copy_sources(root, packages, folder / "source")
        options = [
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--no-build-isolation",
            "--no-index",
        ]
        target = [f"--wheel-dir={folder}", str(folder / "source")]
        command = [sys.executable, "-m", "pip", "wheel", *options, *target]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": _EPOCH}
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        wheels = list(folder.glob("*.whl"))
        if result.returncode != 0 or not wheels:
            tail = "\n".join((result.stdout + result.stderr).strip().splitlines()[-10:])
            raise CourseError(f"The wheel cannot be built (it needs pip and setuptools 77 or newer):\n{tail}")
        return wheels[0].name, wheels[0].read_bytes()


def _copy_sources(root: Path, packages: list[Path], target: Path) -> None:
    """Copy what the wheel is built from, with the same permissions everywhere."""
    target.mkdir()
    for path in [*_files(root), *packages, root / _LIBRARY]:
        place = target / path.relative_to(root)
        if path.is_dir():
            shutil.copytree(
                path, place, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"), dirs_exist_ok=True
            )
        elif path.is_file():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _files(root: Path) -> Iterator[Path]:
    """Yield the files beside the packages: what setuptools reads, and what pyproject.toml names."""
    project = _project(root)
    yield from (root / name for name in _SETUP)
    readme = project.get("readme")
    named = readme.get("file") if isinstance(readme, dict) else readme
    if isinstance(named, str):
        yield root / named
    for pattern in project.get("license-files", []):
        yield from sorted(root.glob(pattern))
