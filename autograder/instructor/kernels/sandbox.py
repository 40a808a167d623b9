"""What a sandboxed kernel may see and use, and bubblewrap's way of saying so."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from autograder.instructor.kernels.packages import (
    import_path,
    package_folder,
    visible_metadata,
    visible_packages,
)
from autograder.instructor.kernels.users import closed_folder, give, kernel_user, run_as
from autograder.instructor.limits import MB, Limits

HOME = "/home/student"
MATPLOTLIB = "/tmp/matplotlib"
# Of /etc, only what programs need to run and to draw; no users, no hosts, no secrets.
_ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "fonts", "localtime", "ssl/certs")
# Of /proc, which is read-only, what tells of the whole machine.
_PROC_HIDDEN = (
    "acpi", "asound", "kcore", "keys", "key-users", "kpagecount", "kpageflags", "latency_stats",
    "sched_debug", "scsi", "timer_list", "sysrq-trigger",
)  # fmt: skip
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/sys/devices/system/cpu")


@dataclass(frozen=True)
class Sandbox:
    """One kernel's surroundings.

    Attributes:
        folder: the short-named folder outside with the connection file and the sockets. The kernel sees a
            copy of the file in the same place, and nothing else of it: what it could write in there, it
            could fill.
        environment: all environment variables.
        limits: what it may use.
        files: what was handed in beside the notebook: path within HOME and where it lies.
        read_only: readable folders and files: the system and this Python environment.
        masked: folders within those that are hidden.
    """

    folder: str
    environment: Mapping[str, str]
    limits: Limits
    files: Mapping[str, str] = field(default_factory=dict)
    read_only: Sequence[str] = ()
    masked: Sequence[str] = ()

    @property
    def connection_file(self) -> str:
        """Return the path of the connection file, outside and inside."""
        return f"{self.folder}/c.json"

    def as_json(self) -> dict[str, Any]:
        """Return JSON data that `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Sandbox:
        """Return the sandbox that JSON data describe."""
        return cls(**{**data, "limits": Limits(**data["limits"])})


def sandbox(
    folder: str,
    limits: Limits,
    variables: Mapping[str, str],
    files: Mapping[str, str] | None = None,
    modules: Sequence[str] = (),
) -> Sandbox:
    """Return the sandbox of one submission on this machine.

    Args:
        folder: for the connection file and the sockets.
        limits: what the kernel may use.
        variables: environment variables of its own.
        files: what was handed in beside the notebook: path within HOME and where it lies.
        modules: that the lab's notebooks import: the kernel sees those of the course.
    """
    return Sandbox(
        folder=folder,
        environment={**base_environment(modules), **variables},
        limits=limits,
        files=dict(files or {}),
        read_only=readable(modules),
        masked=[str(Path(package_folder("autograder")) / "instructor")],
    )


def readable(modules: Sequence[str] = ()) -> list[str]:
    """Return what kernels may read: the system, this Python environment, and packages that students use.

    Args:
        modules: that the lab's notebooks import.
    """
    packages = [*visible_packages(modules), *visible_metadata(modules)]
    return _without_nested([*_existing_system(), *_python(), *packages])


def base_environment(modules: Sequence[str] = ()) -> dict[str, str]:
    """Return the environment variables that every graded kernel has: nothing of the instructor's."""
    programs = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return {
        "PATH": programs,
        "HOME": HOME,
        "TMPDIR": "/tmp",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": MATPLOTLIB,
        "PYTHONDONTWRITEBYTECODE": "1",
        "COURSE_MODE": "grading",
        "COURSE_DEVICE": "cpu",
        "COURSE_PROGRESS": "off",
        **one_thread,
        **_import_path(modules),
    }


def _existing_system() -> list[str]:
    """Return what there is of the system's folders."""
    etc = [f"/etc/{name}" for name in _ETC]
    return [path for path in [*_SYSTEM, *etc] if os.path.lexists(path)]


def _python() -> list[str]:
    """Return the folders of this Python and of its environment."""
    return [str(Path(prefix)) for prefix in (sys.prefix, sys.base_prefix, sys.base_exec_prefix)]


def _import_path(modules: Sequence[str]) -> dict[str, str]:
    """Return where Python finds packages that lie in a checkout and not in this environment.

    Of the checkout a kernel sees nothing else. Without this, one that runs without being installed would give
    a whole class 0: no notebook could import it.
    """
    outside = import_path(modules)
    return {"PYTHONPATH": os.pathsep.join(outside)} if outside else {}


def _without_nested(paths: Sequence[str]) -> list[str]:
    """Return the paths without those that lie in another one, in order."""
    unique = list(dict.fromkeys(paths))
    return [
        path
        for path in unique
        if not any(other != path and Path(path).is_relative_to(other) for other in unique)
    ]


# --- bubblewrap ------------------------------------------------------------------------------------


def hidden_in_proc() -> list[tuple[str, bool]]:
    """Return what a kernel does not see of /proc, by name, and whether it is a folder."""
    paths = [(name, f"/proc/{name}") for name in _PROC_HIDDEN]
    return [(name, os.path.isdir(path)) for name, path in paths if os.path.exists(path)]


def bubblewrap_command(
    box: Sandbox, command: Sequence[str], user: int | None, seccomp_fd: int | None
) -> list[str]:
    """Return the command line that runs a kernel's command in a sandbox of bubblewrap's making.

    Args:
        box: the sandbox.
        command: of the kernel.
        user: whom to become before bubblewrap makes its user namespace, None to stay who one is.
        seccomp_fd: an open file that holds the filter of system calls, None for none.
    """
    disk_mb = box.limits.disk_mb
    line = _bubblewrap(box.read_only, box.environment, disk_mb, user)
    line += ["--unshare-pid", "--as-pid-1"]
    line += ["--disable-userns", "--die-with-parent"]
    for path in box.masked:
        line += ["--size", str(MB), "--tmpfs", path, "--remount-ro", path]
    line += ["--proc", "/proc"]
    for name, is_folder in hidden_in_proc():
        hide = ["--tmpfs"] if is_folder else ["--ro-bind", "/dev/null"]
        line += [*hide, f"/proc/{name}", "--remount-ro", f"/proc/{name}"]
    line += ["--remount-ro", "/proc"]
    line += ["--dev", "/dev", "--size", str(disk_mb * MB), "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]
    for name, path in box.files.items():
        line += ["--ro-bind", path, f"{HOME}/{name}"]
    line += ["--ro-bind", box.connection_file, box.connection_file, "--chdir", HOME, "--remount-ro", "/"]
    if seccomp_fd is not None:
        line += ["--seccomp", str(seccomp_fd)]
    return [*line, "--", *limited(resource_limits(box.limits)), *command]


def bubblewrap_wall(folder: str, command: Sequence[str], modules: Sequence[str] = ()) -> list[str]:
    """Return the command line that runs the process which forks kernels behind a wall of bubblewrap's making.

    It sees what its kernels may see, and the folder that holds theirs; it may make namespaces, since each
    kernel confines itself before it runs anything.

    Args:
        folder: where the kernels' folders will be; where root grades, it is given to the user that the
            process becomes.
        command: of the process.
        modules: that the lab's notebooks import.
    """
    user = kernel_user()
    give(folder, user)
    line = _bubblewrap(readable(modules), base_environment(modules), 64, user)
    # A kernel may mount a /proc of its own only where a whole one can be seen.
    line += ["--bind", "/proc", "/proc", "--dev", "/dev"]
    return [*line, "--bind", folder, folder, "--chdir", HOME, "--remount-ro", "/", "--", *command]


def _bubblewrap(
    read_only: Sequence[str], environment: Mapping[str, str], disk_mb: int, user: int | None
) -> list[str]:
    """Return what all command lines of bubblewrap begin with: no network, no rights, no variables."""
    size = str(disk_mb * MB)
    line = [
        *run_as(user),
        "bwrap", "--unshare-user", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
        "--cap-drop", "ALL", "--new-session", "--hostname", "sandbox", "--clearenv",
    ]  # fmt: skip
    # First the folders to write in: this environment may lie in one of them.
    line += ["--size", size, "--tmpfs", "/tmp", "--size", size, "--tmpfs", HOME]
    for name, path in _fonts().items():
        if user is not None and closed_folder(path):
            continue  # Matplotlib makes the list anew
        line += ["--ro-bind", path, name]
    for path in read_only:
        if os.path.islink(path):
            line += ["--symlink", os.readlink(path), path]
        else:
            line += ["--ro-bind", path, path]
    for name, value in environment.items():
        line += ["--setenv", name, value]
    if user is not None:
        line += ["--uid", "65534", "--gid", "65534"]
    return line


def _fonts() -> dict[str, str]:
    """Return where Matplotlib finds its list of fonts: making one takes longer than many a notebook."""
    import matplotlib  # only here: whoever forks a kernel has no need of it

    return {
        f"{MATPLOTLIB}/{path.name}": str(path)
        for path in Path(matplotlib.get_cachedir()).glob("fontlist-*.json")
    }


def resource_limits(limits: Limits) -> dict[str, int]:
    """Return the limits that the system itself enforces, by the name of their RLIMIT."""
    found = {
        "CPU": int(limits.notebook_cpu_s) + 30,
        "DATA": limits.memory_mb * MB,
        "FSIZE": limits.disk_mb * MB,
        "CORE": 0,
        "NOFILE": 512,
        # What the system would hold for a process without any account.
        "MSGQUEUE": 0,
        "SIGPENDING": 1024,
        "MEMLOCK": 8 * MB,
    }
    if counts_processes_by_namespace():
        found["NPROC"] = limits.processes + 32  # threads count too; the watchdog counts processes
    return found


def counts_processes_by_namespace() -> bool:
    """Tell whether a limit on processes leaves out those that the user runs outside (Linux 5.14)."""
    major, minor = (int(part) for part in os.uname().release.split(".")[:2])
    return (major, minor) >= (5, 14)


def limited(limits: Mapping[str, int]) -> list[str]:
    """Return what a command line begins with so that it runs with limits.

    Args:
        limits: by the name of their RLIMIT. None is set above what this process itself may have.
    """
    found = []
    for name, value in limits.items():
        hard = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[1]
        found.append(f"--{name.lower()}={value if hard == resource.RLIM_INFINITY else min(value, hard)}")
    return ["prlimit", *found, "--"]
