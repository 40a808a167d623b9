"""Which ways of isolation this machine has, and which one to use."""

from __future__ import annotations

import functools
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from autograder.instructor.kernels import cgroups, seccomp
from autograder.instructor.kernels.sandbox import bubblewrap_command, bubblewrap_wall, sandbox
from autograder.instructor.kernels.users import closed_folder, give, kernel_user, run_as
from autograder.instructor.limits import Limits
from autograder.instructor.settings import CourseError

WAYS = ("bwrap", "fork", "none")
_PROBE = """
import os, shutil
from autograder.instructor.kernels.confine import run_confined
from autograder.instructor.limits import Limits
from autograder.instructor.kernels.sandbox import sandbox
import tempfile
folder = tempfile.mkdtemp(prefix="gk-", dir="/tmp")
box = sandbox(folder, Limits(), {})
open(box.connection_file, "w").close()
# Only a process with a single thread can leave its user namespace: a child has one.
if os.fork() == 0:
    run_confined(box, lambda: None, lambda line: os.write(1, f"{line}\\n".encode()))
os.wait()
shutil.rmtree(folder, ignore_errors=True)
"""

# A sandbox in which notebooks do not find the library would give a whole class 0. Whether they find what
# else they import is tried in the first kernel: see `autograder.instructor.grade.work.try_kernel`.
_FIND = """
import importlib.util, sys
# One that cannot read its own library may find another Python's.
if sys.base_prefix != sys.argv[1]:
    sys.exit(f"{sys.argv[1]} cannot be read")
missing = [name for name in ("autograder", "torch") if importlib.util.find_spec(name) is None]
sys.exit(f"{', '.join(missing)} cannot be found there: pip install -e ." if missing else 0)
"""
_AS_ROOT = (
    "you are root, and kernels must not be: grade as an ordinary user, make this Python readable for "
    "everybody{closed}, or use --isolation fork"
)


@dataclass(frozen=True)
class Isolation:
    """A way of isolation, and what this machine makes of it.

    Attributes:
        way: "bwrap", "fork" or "none".
        kind: how kernels are started: as `way` says, or "bwrap+fork" where kernels can be forked behind a
            wall of bubblewrap's.
        problem: why it cannot be used here, None if it can.
        weaknesses: what is weaker here than elsewhere.
    """

    way: str
    kind: str
    problem: str | None = None
    weaknesses: tuple[str, ...] = ()


def choose(way: str | None) -> Isolation:
    """Return the way of isolation to use.

    Args:
        way: the one asked for; None: bubblewrap where it works, else forked kernels.

    Raises:
        CourseError: if it is unknown, or cannot be used here; what to do is said.
    """
    if way is not None:
        if way not in WAYS:
            raise CourseError(f"There is no isolation {way!r}. Choose one of {', '.join(WAYS)}.")
        found = examine(way)
        if found.problem:
            raise CourseError(f"--isolation {way} does not work here: {found.problem}")
        return found
    problems = []
    for candidate in ("bwrap", "fork"):
        found = examine(candidate)
        if found.problem is None:
            return found
        problems.append(f"{candidate}: {found.problem}")
    raise CourseError(
        "No isolation works here, and students' code is not run without it unless you ask for it:\n"
        + "\n".join(problems)
        + "\nInstall bubblewrap, or say --isolation none if you trust everybody who handed in."
    )


@functools.cache
def examine(way: str) -> Isolation:
    """Say whether a way of isolation works on this machine; tries it."""
    if way == "none":
        weakness = "students' code can read and write whatever you can"
        return Isolation(way, way, _plain_problem(), (weakness, *_weaknesses(way)))
    if platform.system() != "Linux":
        return Isolation(way, way, problem="it needs Linux")
    if way == "fork":
        return Isolation(way, way, _fork_problem(), _weaknesses(way))
    problem = _bubblewrap_problem()
    warm = problem is None and _fork_problem(walled=True) is None
    return Isolation(way, "bwrap+fork" if warm else way, problem, _weaknesses(way))


def _weaknesses(way: str) -> tuple[str, ...]:
    """Return what is weaker than it could be."""
    found = []
    if way != "none" and not seccomp.supported():
        found.append(f"no filter of system calls for {platform.machine()}")
    if cgroups.hierarchy() is None:
        found.append(cgroups.ADVICE)
    return tuple(found)


def _bubblewrap_problem() -> str | None:
    """Return why bubblewrap cannot be used, None if it can."""
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed (Debian, Ubuntu: apt install bubblewrap)"
    user = kernel_user()
    with tempfile.TemporaryDirectory(prefix="gk-", dir="/tmp") as folder:
        box = sandbox(folder, Limits(), {})
        Path(box.connection_file).touch()
        give(folder, user)
        problem = _problem(
            bubblewrap_command(box, [sys.executable, "-c", _FIND, sys.base_prefix], user, None)
        )
    return problem and _for_root(problem, user)


def _plain_problem() -> str | None:
    """Return why a kernel cannot be run without isolation, None if it can; it can unless you are root."""
    user = kernel_user()
    if user is None:
        return None
    problem = _problem([*run_as(user), sys.executable, "-c", _FIND, sys.base_prefix])
    return problem and _for_root(problem, user)


def _problem(command: list[str]) -> str | None:
    """Return the last that a command said before it failed, None if it did not."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd="/")
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if result.returncode == 0:
        return None
    lines = result.stderr.strip().splitlines()
    return lines[-1] if lines else f"{command[0]} ended with {result.returncode}"


def _for_root(problem: str, user: int | None) -> str:
    """Return a problem, and for root what to do: it comes of running kernels as somebody else."""
    if user is None:
        return problem
    needed = (sys.executable, sys.prefix, sys.base_prefix)
    closed = next((found for path in needed if (found := closed_folder(path))), None)
    return f"{problem}; {_AS_ROOT.format(closed=f' ({closed} is closed)' if closed else '')}"


def _fork_problem(*, walled: bool = False) -> str | None:
    """Return why a process cannot confine itself, None if it can; behind bubblewrap's wall or without."""
    command = [sys.executable, "-c", _PROBE]
    with tempfile.TemporaryDirectory(prefix="gk-", dir="/tmp") as folder:
        if walled:
            command = bubblewrap_wall(folder, command)
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    lines = result.stdout.split("\n")
    if "ready" in lines:
        return None
    said = next((line.removeprefix("error ") for line in lines if line.startswith("error ")), None)
    return said or (result.stderr.strip().splitlines() or ["the probe said nothing"])[-1]
