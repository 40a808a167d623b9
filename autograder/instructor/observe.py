"""Run a lab's code as a plain Python script and record what its checks observe."""

from __future__ import annotations

import contextlib
import io
import linecache
import platform
import tempfile
import traceback
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from nbformat import NotebookNode

from autograder.instructor.environment import environment
from autograder.instructor.presence import present
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.slicing import decisive_part
from autograder.instructor.source import code_cells, grade_id, is_student_cell, read_lab
from autograder.judge import Recording, record
from autograder.session import Lab


def observe(
    course: Course,
    lab: str,
    *,
    seed: int,
    device: str = "cpu",
    answers: Mapping[str, str] | None = None,
    strict: bool = True,
) -> Recording:
    """Run what decides the marks of a lab's reference solution and record what its checks observe.

    Args:
        course: the checkout.
        lab: the lab's id.
        seed: of all replays.
        device: "cpu", "cuda" or "auto".
        answers: other code for some student cells, by grade_id.
        strict: whether a cell that fails ends the run with an error, as it should for a solution.

    Raises:
        CourseError: if the lab is unknown, or `strict` and a cell or check fails.
    """
    answers = answers or {}
    notebook = decisive_part(read_lab(course, lab), answers.values())
    with present(course), record(seed) as recording, script_environment(device):
        namespace = run_cells(notebook, answers, strict=strict, name=lab)
    if strict:
        _require_to_run(lab, recording)
    failed = {name: o.error for name, o in recording.observations.items() if o.error}
    if strict and failed:
        session = _session(namespace)
        said = session.messages() if session else {}
        reasons = "; ".join(f"{name}: {said.get(name, error)}" for name, error in failed.items())
        raise CourseError(f"The reference solution of {lab} fails its own checks: {reasons}")
    return recording


def _require_to_run(lab: str, recording: Recording) -> None:
    """Raise if a check cell itself stopped: with right answers, that is its author's mistake.

    Raises:
        CourseError: naming the cell, its line and the error.
    """
    for block, error in recording.stopped.items():
        lines = [
            line
            for frame, line in traceback.walk_tb(error.__traceback__)
            if frame.f_code.co_filename[:1] == "<"
        ]
        line = f", line {lines[0]}" if lines else ""
        raise CourseError(f"{lab}, cell '{block}_check'{line}: {type(error).__name__}: {error}")


def practise(course: Course, lab: str, answers: Mapping[str, str], language: str | None = None) -> Lab:
    """Run a lab as a student would, against its answer key, and return the session with its marks.

    Args:
        course: the checkout.
        lab: the lab's id.
        answers: the student's code for some student cells, by grade_id; the reference elsewhere.
        language: of the messages.
    """
    notebook = decisive_part(read_lab(course, lab, language), answers.values())
    with present(course), script_environment("cpu"):
        namespace = run_cells(notebook, answers, strict=False, name=lab)
    session = _session(namespace)
    if session is None:
        raise CourseError(f"{lab} did not open its session: check the cell that calls open_lab.")
    return session


def _session(namespace: Mapping[str, Any]) -> Lab | None:
    """Return the session that a notebook opened, whatever it calls it."""
    return next((value for value in namespace.values() if isinstance(value, Lab)), None)


def run_cells(
    notebook: NotebookNode, answers: Mapping[str, str], *, strict: bool, name: str
) -> dict[str, Any]:
    """Execute the code cells of a notebook in one namespace, as a script.

    Returns:
        The namespace.

    Raises:
        CourseError: if a cell raises, naming the cell: any if `strict`, else one of the lab's own that cannot
            import something, which is no answer's fault.
    """
    unknown = set(answers) - {grade_id(cell) for cell in notebook.cells}
    if unknown:
        raise CourseError(f"{name} has no student cell {', '.join(sorted(unknown))}.")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for cell in code_cells(notebook):
        source = answers.get(grade_id(cell) or "", cell.source)
        run_cell(cell, source, namespace, strict=strict, name=name)
    return namespace


def run_cell(cell: NotebookNode, source: str, namespace: dict[str, Any], *, strict: bool, name: str) -> None:
    """Execute one cell's code, or other code in its place, in a namespace.

    Raises:
        CourseError: as `run_cells` does.
    """
    file_name = f"<{name}:{cell.id}>"
    # Tracebacks and messages quote lines: the cell has no file to read them from.
    linecache.cache[file_name] = (len(source), None, source.splitlines(True), file_name)
    try:
        exec(compile(source, file_name, "exec"), namespace)
    except (Exception, SystemExit) as error:
        if strict or (isinstance(error, ImportError) and not is_student_cell(cell)):
            raise CourseError(f"{name}, cell {cell.id!r}: {type(error).__name__}: {error}") from error


@contextlib.contextmanager
def script_environment(device: str) -> Iterator[None]:
    """Set what a notebook run as a script needs.

    Few exploration steps, no window, no output, a folder to write in.
    """
    settings = {
        "COURSE_MODE": "grading",
        "COURSE_DEVICE": device,
        "COURSE_PROGRESS": "off",
        "MPLBACKEND": "Agg",
    }
    with (
        environment(**settings),
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
    ):
        # A solution's warnings stand in its executed notebook; whoever grades can do nothing about them.
        warnings.simplefilter("ignore")
        yield


def as_json(recording: Recording, lab: str, device: str) -> dict[str, Any]:
    """Return a recording as JSON data, with what identifies the machine's numerics."""
    return {
        "lab": lab,
        "seed": recording.seed,
        "device": device,
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "cpu_capability": torch.backends.cpu.get_cpu_capability(),
            "threads": torch.get_num_threads(),
        },
        "blocks": recording.blocks,
        "observations": {name: asdict(o) for name, o in recording.observations.items()},
    }


def require_agreement(first: Mapping[str, Any], second: Mapping[str, Any]) -> float:
    """Return the greatest relative difference between the numbers of two recordings in JSON.

    Raises:
        CourseError: if they do not hold the same checks with as many numbers each.
    """
    ours, theirs = first["observations"], second["observations"]
    if list(ours) != list(theirs):
        raise CourseError(f"Other checks: {sorted(set(ours) ^ set(theirs))}")
    worst = 0.0
    for name in ours:
        a, b = np.array(ours[name]["values"]), np.array(theirs[name]["values"])
        if a.shape != b.shape:
            raise CourseError(f"{name}: {a.size} numbers here, {b.size} there")
        if a.size:
            scale = np.maximum(np.abs(a), np.abs(b))
            difference = np.abs(a - b) / np.where(scale > 0, scale, 1.0)
            worst = max(worst, float(difference.max()))
    return worst
