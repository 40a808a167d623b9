"""Hostile notebooks: what each tries, and that it gets nothing and stops nobody."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder.instructor.forkserver.client import ForkServer, ForkServerError, close_servers
from autograder.instructor.forkserver.tasks import ChildLimits, run_in_child, trusted_server
from autograder.instructor.grade.work import try_kernel
from autograder.instructor.kernels import cgroups, watchdog
from autograder.instructor.kernels import isolation as ways
from autograder.instructor.kernels.execution import Run, run_notebook
from autograder.instructor.kernels.warm import WARM, kernel_server
from autograder.instructor.limits import MB, Limits
from autograder.instructor.settings import Course, CourseError
from tests.instructor import probe, reach

pytestmark = pytest.mark.slow
WAYS = ["bwrap", "bwrap+fork", "fork"]
SMALL = Limits(
    cell_cpu_s=2, notebook_cpu_s=20, idle_s=3, memory_mb=800, processes=20, disk_mb=16, output_mb=1
)


@pytest.fixture(scope="module", autouse=True)
def _reachable_python() -> None:
    """Where root alone can reach this Python, kernels that are somebody else's could not be tried."""
    if os.getuid() == 0:
        reach.make_python_reachable()
        ways.examine.cache_clear()


@pytest.fixture(scope="module", params=WAYS)
def isolation(request: pytest.FixtureRequest) -> Iterator[str]:
    way = ways.examine(request.param.partition("+")[0])
    if way.problem:
        pytest.skip(f"--isolation {way.way}: {way.problem}")
    if request.param == "bwrap+fork" and way.kind != request.param:
        pytest.skip("no namespaces behind bubblewrap here")
    yield request.param
    close_servers()


def run(isolation: str, *cells: str, limits: Limits = SMALL, **options: Any) -> Run:
    """Run cells between two harmless ones."""
    sources = ["before = 1", *cells, "print('after', before)"]
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    return run_notebook(notebook, isolation=isolation, limits=limits, **options)


def text(result: Run, index: int = 1) -> str:
    """Return what a cell printed, and its errors."""
    outputs = result.notebook.cells[index].outputs
    return "".join(o.get("text", "") or f"{o.get('ename')}: {o.get('evalue')}" for o in outputs)


def went_on(result: Run) -> bool:
    return result.died is None and text(result, -1) == "after 1\n"


def went_on_without_a_word(result: Run) -> bool:
    return result.died is None and len(result.finished) == len(result.notebook.cells)


def survives(code: str) -> str:
    """Return code that reports what an attack raised instead of ending the cell."""
    body = "\n".join(f"    {line}" for line in code.splitlines())
    return f"try:\n{body}\n    print('done')\nexcept BaseException as error:\n    print(type(error).__name__)"


# --- files -----------------------------------------------------------------------------------------


def test_nothing_of_the_course_or_of_others_can_be_read(
    isolation: str, course: Course, tmp_path: Path
) -> None:
    secret = tmp_path / "submitted" / "10002" / "lab.ipynb"
    secret.parent.mkdir(parents=True)
    secret.write_text("another submission")
    paths = [
        *(str(course.root / name) for name in ("source_notebooks", "solutions", "course.toml", ".git")),
        str(course.root / "autograder" / "instructor" / "cli.py"),
        str(secret), "/etc/passwd", "/etc/shadow", "/etc/hosts", "/home", str(Path.home() / ".ssh"), "/var",
    ]  # fmt: skip
    code = f"""
import os
for path in {paths!r}:
    try:
        print(path, os.listdir(path) if os.path.isdir(path) else open(path).read()[:20])
    except OSError as error:
        pass
"""
    result = run(isolation, code)
    assert text(result) == "/home ['student']\n" and went_on(result)


def test_files_handed_in_lie_in_the_working_folder(isolation: str) -> None:
    result = run(isolation, "print(open('data/points.csv').read())", files={"data/points.csv": b"1,2"})
    assert text(result) == "1,2\n"


def test_no_variable_of_the_instructors_reaches_the_kernel(
    isolation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "s3cret")
    close_servers()
    code = "import os\nprint('s3cret' in str(os.environ) or 's3cret' in open('/proc/self/environ').read())"
    assert text(run(isolation, code)) == "False\n"


def test_no_open_file_of_the_outside_comes_along(isolation: str) -> None:
    code = """
import os
paths = [f'/proc/self/fd/{number}' for number in os.listdir('/proc/self/fd')]
links = {os.readlink(path) for path in paths if os.path.lexists(path)}
known = ('/dev/null', 'anon_inode:', 'socket:', 'pipe:', '/proc/')
print([link for link in links if not link.startswith(known) and not link.endswith(('.ttf', '.so'))])
"""
    assert text(run(isolation, code)) == "[]\n"


def test_nothing_of_the_system_can_be_written(isolation: str) -> None:
    code = """
import importlib.util, os, sys
library = os.path.dirname(importlib.util.find_spec('torch').origin)
for folder in ('/', '/usr', '/usr/bin', '/etc', sys.prefix, library, '/proc/sys/kernel'):
    try:
        open(folder + '/x', 'w').write('x')
        print(folder)
    except OSError:
        pass
"""
    result = run(isolation, code)
    assert text(result) == "" and went_on(result)


# --- network and other processes -------------------------------------------------------------------


def test_the_network_is_out_of_reach(isolation: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind("\0course-test-abstract")
        local.listen()
        reached: list[Any] = []
        threading.Thread(target=lambda: reached.append(server.accept()), daemon=True).start()
        port = server.getsockname()[1]
        result = run(
            isolation,
            survives(f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 2)"),
            survives("import socket\nsocket.create_connection(('192.0.2.1', 80), 2)"),
            survives("import socket\nsocket.getaddrinfo('example.org', 80)"),
            survives("import socket\nsocket.socket(socket.AF_UNIX).connect('\\0course-test-abstract')"),
            # Leads to the host of a virtual machine, whatever the namespace.
            survives("import socket\nsocket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)"),
        )
        seen = [text(result, index) for index in range(1, 6)]
    assert "done\n" not in seen and not reached and went_on(result)


def test_a_fork_bomb_is_bounded_and_leaves_nothing(isolation: str) -> None:
    code = """
import os, time
for _ in range(500):
    try:
        if os.fork() == 0:
            os.execvp('sleep', ['sleep', '98764'])
    except OSError as error:
        print(type(error).__name__)
        break
time.sleep(5)
"""
    result = run(isolation, code)
    bounded = result.died is not None and result.died.key == "processes"
    assert bounded or "BlockingIOError" in text(result)
    assert processes_named("sleep 98764") == []


def test_killing_everything_kills_only_itself(isolation: str) -> None:
    code = """
import os, signal
for number in (os.getppid(), 1, -1, *range(2, 300)):
    try:
        if number not in (0, os.getpid()):
            os.kill(number, signal.SIGKILL)
    except OSError:
        pass
"""
    # The kernel is the first process of its own world: it cannot even reach itself.
    assert went_on(run(isolation, code))


def test_processes_left_behind_end_with_the_kernel(isolation: str) -> None:
    result = run(
        isolation, "import subprocess\np = subprocess.Popen(['sleep', '98765'], start_new_session=True)"
    )
    assert went_on(result) and processes_named("sleep 98765") == []


def test_no_new_rights_can_be_had(isolation: str) -> None:
    code = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
print(libc.unshare(0x10000000), libc.mount(b'none', b'/tmp', b'tmpfs', 0, None), libc.ptrace(16, 1, 0, 0))
try:
    os.setuid(0)
    print('root')
except OSError:
    print('no root')
"""
    assert text(run(isolation, code)) == "-1 -1 -1\nno root\n"


# --- memory and disk -------------------------------------------------------------------------------


def test_private_memory_is_bounded(isolation: str) -> None:
    result = run(isolation, survives("x = bytearray(3 * 10**9)"))
    assert text(result) == "MemoryError\n" and went_on(result)


def test_shared_memory_is_bounded(isolation: str) -> None:
    code = """
import mmap, time
kept = []
while True:
    kept.append(mmap.mmap(-1, 50 * 2**20))
    kept[-1].write(b'x' * (50 * 2**20))
    time.sleep(0.05)
"""
    # Filling memory takes processor time, more of it on a busy machine: the other limit must not come first.
    result = run(isolation, code, limits=replace(SMALL, cell_cpu_s=30, notebook_cpu_s=60))
    assert result.died is not None and result.died.key == "memory"
    assert result.finished == {0} and result.died_in == 1


def test_memory_that_no_process_maps_cannot_be_had(isolation: str) -> None:
    code = """
import ctypes, os
libc = ctypes.CDLL(None)
print(libc.shmget(0, 10**6, 0o1600), libc.msgget(0, 0o1600), libc.semget(0, 1, 0o1600))
_, writer = os.pipe()
ring, io_setup = ctypes.c_ulong(0), {'x86_64': 206, 'aarch64': 0}[os.uname().machine]
print(libc.mq_open(b'/x', 0o102, 0o600, None), libc.vmsplice(writer, None, 0, 0))
print(libc.syscall(io_setup, 1, ctypes.byref(ring)))
os.memfd_create('x')
"""
    refused = "PermissionError: [Errno 1] Operation not permitted"
    assert text(run(isolation, code)) == f"-1 -1 -1\n-1 -1\n-1\n{refused}"


@pytest.mark.parametrize("folder", [".", "/tmp", "/dev/shm"])
def test_many_files_cannot_fill_the_disk(isolation: str, folder: str) -> None:
    code = f"""
written = 0
for number in range(100):
    open(f'{folder}/{{number}}', 'wb').write(b'x' * 2**20)
    written += 1
"""
    result = run(isolation, code, "print(written)")
    assert "No space left on device" in text(result)
    assert int(text(result, 2)) <= SMALL.disk_mb and went_on(result)


def test_one_large_file_cannot_fill_the_disk(isolation: str) -> None:
    assert "OSError" in text(run(isolation, "open('x', 'wb').write(b'x' * (64 * 2**20))"))


def test_no_kind_of_file_gets_past_the_limit_of_the_disk(isolation: str) -> None:
    code = """
import ctypes, json, os
libc = ctypes.CDLL(None)
def free(folder):
    state = os.statvfs(folder)
    return state.f_bfree * state.f_frsize >> 20
def write(number):
    return os.write(number, b'x' * (1 << 20)) > 0
def preallocate(number):
    return libc.fallocate(number, 1, ctypes.c_long(0), ctypes.c_long(8 << 20)) == 0
def taken(folder, take):
    # Files without a name, in a folder whose name was once an exception.
    at_first, kept = free(folder), []
    os.makedirs(folder + '/root', exist_ok=True)
    try:
        while len(kept) < 40:
            path = os.path.join(folder, 'root', str(len(kept)))
            kept.append(os.open(path, os.O_CREAT | os.O_RDWR))
            os.unlink(path)
            if not take(kept[-1]):
                break
    except OSError:
        pass
    found = at_first - free(folder)
    for number in kept:
        os.close(number)
    return found
folders, ways = ('.', '/tmp', '/dev/shm'), (write, preallocate)
print(json.dumps([taken(folder, take) for folder in folders for take in ways]))
"""
    result = run(isolation, code)
    assert all(8 <= megabytes <= SMALL.disk_mb for megabytes in json.loads(text(result))) and went_on(result)


def test_files_without_content_are_counted_too(isolation: str) -> None:
    code = """
import os, time
for folder in ('.', '/tmp', '/dev/shm'):
    made = 0
    try:
        while made < 100_000:
            os.close(os.open(f'{folder}/{made}', os.O_CREAT | os.O_WRONLY))
            made += 1
    except OSError as error:
        print(400 < made < 500, error.strerror)
time.sleep(1)
"""
    result = run(isolation, code, limits=replace(SMALL, files=500))
    if isolation == "bwrap":  # it cannot tell the system how many files may be
        assert result.died is not None and result.died.key == "files"
    else:
        assert text(result) == "True No space left on device\n" * 3 and went_on(result)


def test_where_the_sockets_are_nothing_of_the_outside_is_to_be_seen(isolation: str) -> None:
    code = """
import glob, os, sys
folder = os.path.dirname(sys.argv[sys.argv.index('-f') + 1])
print(os.listdir(folder), os.listdir(os.path.dirname(folder)), len(glob.glob('/tmp/gk-*')))
"""
    assert text(run(isolation, code)) == "['c.json'] ['k'] 1\n"


# --- what the system holds for a kernel ------------------------------------------------------------

_SOCKETS = """
import os, socket, time
def fill():
    kept = []
    for _ in range(220):
        pair = socket.socketpair()
        for end in pair:
            end.setblocking(False)
            try:
                while True:
                    end.send(b'x' * 65536)
            except OSError:
                pass
        kept.append(pair)
    time.sleep(60)
for _ in range(9):
    if os.fork() == 0:
        fill()
fill()
"""
# Pages that are only read cost no memory; the tables that say where they lie do.
_TABLES = """
import ctypes, mmap, time
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
size = 400 << 30
start = libc.mmap(None, ctypes.c_size_t(size), 1, 0x4022, -1, ctypes.c_long(0))
for number, offset in enumerate(range(0, size, 2 << 20)):
    ctypes.string_at(start + offset, 1)
    if number % 5000 == 0:
        time.sleep(0.02)
time.sleep(5)
"""


@pytest.mark.parametrize("code", [_SOCKETS, _TABLES], ids=["buffers of sockets", "page tables"])
@pytest.mark.parametrize("counted", [True, False], ids=["counted", "estimated"])
def test_memory_that_the_system_holds_is_bounded(
    monkeypatch: pytest.MonkeyPatch, counted: bool, code: str
) -> None:
    if ways.examine("fork").problem:
        pytest.skip(f"--isolation fork: {ways.examine('fork').problem}")
    if counted and cgroups.hierarchy() is None:
        pytest.skip("no control groups here")
    if not counted:
        monkeypatch.setattr(cgroups, "new_group", lambda limits: None)
    limits = replace(SMALL, memory_mb=500, cell_cpu_s=30, notebook_cpu_s=60, idle_s=10)
    result = run("fork", code, limits=limits)
    assert result.died is not None and result.died.key == "memory"


# --- control groups --------------------------------------------------------------------------------


@pytest.fixture
def group() -> Iterator[cgroups.Group]:
    """A group of its own."""
    found = cgroups.new_group(SMALL)
    if found is None:
        pytest.skip("no control groups here")
    yield found
    found.remove()


def test_a_kernel_runs_in_a_group_of_its_own_which_goes_with_it(
    isolation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if cgroups.hierarchy() is None:
        pytest.skip("no control groups here")
    groups: list[cgroups.Group] = []
    seen: list[str] = []
    make = cgroups.new_group
    usage_of = watchdog.usage_of

    def note(limits: Limits) -> cgroups.Group | None:
        made = make(limits)
        groups.extend([made] if made else [])
        return made

    def looking_on(pid: int) -> watchdog.Usage:
        seen.append(Path(f"/proc/{pid}/cgroup").read_text())
        return usage_of(pid)

    monkeypatch.setattr(cgroups, "new_group", note)
    monkeypatch.setattr(watchdog, "usage_of", looking_on)
    assert went_on(run(isolation, "import os\nif os.fork() == 0: os._exit(0)"))
    assert len(groups) == 1 and seen and all(groups[0].all_folders()[0].name in text for text in seen)
    assert not any(folder.exists() for folder in groups[0].all_folders())


def test_a_kernel_that_cannot_enter_its_group_runs_all_the_same_and_is_watched(
    isolation: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if isolation not in WARM:
        pytest.skip("it enters before it becomes somebody else")
    nowhere = cgroups.Group(2, {"memory": tmp_path, "pids": tmp_path})
    (tmp_path / "cgroup.procs").touch()
    monkeypatch.setattr(cgroups, "new_group", lambda limits: nowhere)
    monkeypatch.setattr(cgroups.Group, "remove", lambda self: None)
    found: list[cgroups.Group | None] = []
    monkeypatch.setattr(watchdog.Watchdog, "end", lambda self: found.append(self._group()))
    assert went_on(run(isolation, "")) and found and set(found) == {None}


def test_what_leaves_its_session_is_still_of_the_group(group: cgroups.Group) -> None:
    script = "setsid sleep 98766 & setsid sh -c 'sleep 98766 & sleep 98766' & wait"
    with subprocess.Popen(cgroups.entering(group, ["sh", "-c", script])):
        deadline = time.monotonic() + 10
        while len(processes_named("sleep 98766")) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert processes_named("sleep 98766")
        group.kill()
    assert processes_named("sleep 98766") == []


def test_the_system_itself_ends_what_takes_more_memory_than_its_group(group: cgroups.Group) -> None:
    limits = replace(SMALL, memory_mb=50, disk_mb=1)
    group.limit(limits)
    result = subprocess.run(
        cgroups.entering(group, [sys.executable, "-c", "x = bytearray(200 * 2**20)"]), check=False
    )
    assert result.returncode == -signal.SIGKILL and group.out_of_memory()


def test_a_kernel_that_the_system_ended_for_want_of_memory_is_not_said_to_have_died(
    group: cgroups.Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing() -> None: ...

    monkeypatch.setattr(cgroups.Group, "out_of_memory", lambda self: True)
    watching = watchdog.Watchdog(SMALL, "", lambda: None, nothing, nothing, lambda: group)
    cause = watching.cause()
    assert cause is not None and cause.key == "memory"


def test_groups_whose_maker_has_ended_are_removed() -> None:
    found = cgroups.hierarchy()
    if found is None:
        pytest.skip("no control groups here")
    code = (
        "from autograder.instructor.kernels import cgroups; from autograder.instructor.limits import Limits; "
        "cgroups.new_group(Limits()); "
        "import os; print(os.getpid())"
    )
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    left = [folder for parent in found.parents.values() for folder in parent.glob(f"course-{made.strip()}-*")]
    cgroups.hierarchy.cache_clear()
    assert left and cgroups.hierarchy() == found and not any(folder.exists() for folder in left)


# --- users and the system's own files --------------------------------------------------------------


@pytest.fixture(scope="module", params=["root", "ordinary"])
def user(request: pytest.FixtureRequest) -> str:
    if os.getuid() != 0 and request.param == "root":
        pytest.skip("only root can be root")
    return str(request.param)


@pytest.fixture(scope="module", params=[*WAYS, "none"])
def probed(request: pytest.FixtureRequest, user: str) -> dict[str, Any]:
    """What a kernel could do in one way of isolation, started by one user, and what the outside saw."""
    ordinary = ["ordinary"] if user == "ordinary" and os.getuid() == 0 else []
    result = subprocess.run(
        [sys.executable, "-m", "tests.instructor.probe", request.param, *ordinary],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    if found["problem"]:
        pytest.skip(f"{request.param} as {user}: {found['problem']}")
    return {"way": request.param, **found}


def test_no_kernel_is_root_outside(probed: dict[str, Any]) -> None:
    assert probed["users"] and 0 not in probed["users"]


def test_no_file_of_the_system_can_be_opened_for_writing(probed: dict[str, Any]) -> None:
    if probed["way"] == "none":
        pytest.skip("without isolation it sees what everybody sees")
    assert probed["opened"] == "True []\n"


def test_no_folder_of_the_outside_can_be_written(probed: dict[str, Any]) -> None:
    if probed["way"] == "none":
        pytest.skip("without isolation it writes where everybody may")
    points = [point for _, point in probed["mounts"]]
    folders = [point for point in points if not Path(point).is_char_device()]
    assert sorted(folders) == ["/dev/pts", "/dev/shm", "/home/student", "/tmp"]
    outside = {line.split()[2] for line in Path("/proc/self/mountinfo").read_text().splitlines()}
    assert not {device for device, point in probed["mounts"] if point in folders} & outside


def test_root_is_told_what_to_do_where_kernels_could_not_be_somebody_else() -> None:
    if os.getuid() != 0:
        pytest.skip("needs root")
    code = (
        "import sys; from pathlib import Path; from tests.instructor import reach; "
        "reach.cover(str(Path(sys.prefix).parent), 700); "
        "from autograder.instructor.kernels import isolation; "
        "print(isolation.examine('bwrap').problem, isolation.examine('none').problem, sep='\\n'); "
        "print(isolation.choose(None).way)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    *problems, way = result.stdout.splitlines()
    assert len(problems) == 2 and way == "fork", result.stderr
    for problem in problems:
        assert "you are root, and kernels must not be: grade as an ordinary user" in problem
        assert f"{Path(sys.prefix).parent} is closed" in problem and "--isolation fork" in problem


@pytest.mark.parametrize("way", ["bwrap", "none"])
def test_a_kernel_may_use_more_time_than_the_process_that_looks_after_it(way: str) -> None:
    if problem := ways.examine(way).problem:
        pytest.skip(f"--isolation {way}: {problem}")
    server = trusted_server(("nbclient", "jupyter_client.asynchronous"))
    limits = ChildLimits(cpu_s=20)
    assert run_in_child(server, probe.limit_of_processor_time, way, SMALL, limits=limits) == "(50, 50)\n"


@pytest.mark.parametrize("at_once", [True, False], ids=["all at once", "one by one"])
def test_what_is_shown_read_only_is_so_with_all_that_is_mounted_below(tmp_path: Path, at_once: bool) -> None:
    if os.getuid() != 0:
        pytest.skip("needs root")
    code = f"""
import os
from tests.instructor import probe, reach
from autograder.instructor.kernels import confine
from autograder.instructor.limits import Limits
from autograder.instructor.kernels.sandbox import Sandbox
from pathlib import Path
shown, folder = Path({str(tmp_path)!r}, 'shown'), Path({str(tmp_path)!r}, 'k')
(shown / 'a b').mkdir(parents=True)
folder.mkdir()
reach.cover(str(shown / 'a b'), 777)
(shown / 'a b' / 'file').touch()
(folder / 'c.json').touch()
if not {at_once}:
    confine.protect = confine.protect_each
box = Sandbox(str(folder), {{}}, Limits(), read_only=[str(shown)])
def body():
    for name in ('file', 'new'):
        try:
            open(shown / 'a b' / name, 'w')
            os.write(1, b'written')
        except OSError as error:
            os.write(1, error.strerror.encode() + b'.')
if os.fork() == 0:
    confine.run_confined(box, body, lambda line: line.startswith('error') and os.write(1, line.encode()))
os.wait()
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.stdout == "Read-only file system." * 2, result.stderr


# --- time ------------------------------------------------------------------------------------------


def test_an_endless_loop_is_interrupted_and_the_notebook_goes_on(isolation: str) -> None:
    result = run(isolation, "while True: pass")
    assert result.stopped[1].key == "cell_cpu" and went_on(result)
    assert "KeyboardInterrupt" in text(result)


def test_a_loop_that_swallows_interrupts_is_killed_and_what_was_done_is_kept(isolation: str) -> None:
    code = """
print('before the loop', flush=True)
while True:
    try:
        number = 0
        while True:
            number += 1
    except BaseException:
        pass
"""
    result = run(isolation, "print('first')", code)
    assert result.died is not None and result.died.key == "cell_cpu"
    assert (result.finished, result.died_in) == ({0, 1}, 2)
    assert text(result, 1) == "first\n" and text(result, 2) == "before the loop\n"


def test_loops_that_are_interrupted_again_and_again_end_with_the_time_of_the_notebook(
    isolation: str,
) -> None:
    limits = Limits(cell_cpu_s=2, notebook_cpu_s=5, memory_mb=800)
    result = run(isolation, *["while True: pass"] * 6, limits=limits)
    assert result.died is not None and result.died.key == "notebook_cpu" and len(result.finished) >= 2


def test_work_in_child_processes_counts(isolation: str) -> None:
    code = "import subprocess\nsubprocess.run(['sh', '-c', 'while :; do :; done'])"
    assert run(isolation, code).stopped[1].key == "cell_cpu"


def test_waiting_for_nothing_is_interrupted(isolation: str) -> None:
    result = run(isolation, "import time\ntime.sleep(10**6)")
    assert result.stopped[1].key == "idle" and went_on(result)


def test_waiting_between_pieces_of_work_is_waiting(isolation: str) -> None:
    code = """
import time
end = time.monotonic() + 60
while time.monotonic() < end:
    time.sleep(0.4)
    start = time.process_time()
    while time.process_time() < start + 0.02: pass
"""
    result = run(isolation, code)
    assert result.stopped[1].key == "idle" and went_on(result) and result.wall_s < 40


def test_a_notebook_that_waits_a_little_in_every_cell_ends_too(isolation: str) -> None:
    limits = replace(SMALL, idle_s=1)
    result = run(isolation, *["import time\ntime.sleep(0.7)"] * 20, limits=limits)
    assert result.died is not None and result.died.key == "notebook_idle" and len(result.finished) > 5


def test_work_of_processes_that_nobody_collects_ends_on_the_clock(
    isolation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "_CLOCK", 1)
    code = """
import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    if os.fork() == 0:
        start = time.process_time()
        while time.process_time() < start + 0.05: pass
        os._exit(0)
    try:
        os.wait()
    except ChildProcessError:
        pass
"""
    result = run(isolation, code, limits=replace(SMALL, cell_cpu_s=12, notebook_cpu_s=12))
    assert result.died is not None and result.died.key in ("notebook_wall", "cell_cpu", "notebook_cpu")
    assert result.wall_s < 60


def test_asking_for_input_does_not_wait(isolation: str) -> None:
    result = run(isolation, "input('your name? ')")
    assert "StdinNotImplementedError" in text(result) and went_on(result)


# --- output ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "for _ in range(200): print('x' * 100_000)",
        "from IPython.display import display, HTML\nfor _ in range(200): display(HTML('x' * 100_000))",
        "print('x' * 10_000_000)",
        "raise ValueError('x' * 10_000_000)",
        "from IPython.display import display\nh = display('x', display_id=True)\n"
        "for _ in range(200): h.update('y' * 100_000)",
    ],
    ids=["lines", "html", "one line", "traceback", "updates"],
)
def test_a_flood_of_output_is_cut(isolation: str, code: str) -> None:
    result = run(isolation, code)
    assert result.cut == {1} and went_on(result)
    assert len(json.dumps(result.notebook)) < 2 * SMALL.output_mb * MB


def test_floods_in_many_cells_are_cut_too(isolation: str) -> None:
    result = run(isolation, *["print('x' * 900_000)"] * 20)
    assert len(json.dumps(result.notebook)) < 10 * SMALL.output_mb * MB and went_on_without_a_word(result)


def test_progress_bars_leave_their_last_state(isolation: str) -> None:
    assert text(run(isolation, "print('10 %\\r20 %\\r30 %\\nnext')")) == "30 %\nnext\n"


def test_one_enormous_message_costs_its_cell_only(isolation: str) -> None:
    limits = Limits(memory_mb=3000, idle_s=5, output_mb=1)
    result = run(isolation, "print('x' * (150 * 2**20))", limits=limits)
    assert len(json.dumps(result.notebook)) < 2 * MB and 0 in result.finished


def test_messages_that_no_kernel_sends_harm_nobody(isolation: str) -> None:
    code = """
kernel = get_ipython().kernel
messages = [
    ('stream', {}), ('stream', 'text'), ('display_data', {'data': 3}), ('comm_open', {}), ('error', []),
    ('execute_result', None), ('clear_output', 'x'), ('nonsense', {'a': 1}), ('status', {}),
    ('status', {'execution_state': 7}), ('update_display_data', {'transient': 4}),
]
for kind, content in messages:
    try:
        kernel.session.send(kernel.iopub_socket, kind, content, parent=kernel.get_parent())
    except Exception as error:
        pass
kernel.iopub_socket.send_multipart([b'a', b'<IDS|MSG>', b'b'])
"""
    assert went_on(run(isolation, code))


def test_a_forged_reply_costs_its_own_cells_only(isolation: str) -> None:
    code = """
kernel = get_ipython().kernel
stream = kernel.shell_stream
kernel.session.send(stream, 'execute_reply', {}, parent=kernel.get_parent(), ident=kernel._parent_ident)
"""
    result = run(isolation, "print('first')", code)
    assert text(result, 1) == "first\n" and {0, 1} <= result.finished


@pytest.mark.parametrize(
    "code", ["import os\nos._exit(3)", "import os\nos.abort()", "import ctypes\nctypes.string_at(0)"]
)
def test_a_kernel_that_ends_itself_keeps_what_was_done(isolation: str, code: str) -> None:
    result = run(isolation, code)
    assert result.died is not None and result.died.key == "kernel_died"
    assert (result.finished, result.died_in) == ({0}, 1)


# --- the process that forks kernels ----------------------------------------------------------------


@pytest.fixture
def starting_server() -> Iterator[ForkServer]:
    """A process that imports what kernels need, and is not ready to fork any."""
    if ways.examine("fork").problem:
        pytest.skip(f"--isolation fork: {ways.examine('fork').problem}")
    close_servers()
    yield kernel_server((), walled=False)
    close_servers()


def test_how_the_process_that_forks_kernels_ended_is_said(starting_server: ForkServer) -> None:
    starting_server._process.kill()
    with pytest.raises(ForkServerError, match="exit status -9"):
        starting_server.wait()


def test_another_process_takes_the_place_of_the_one_that_forks_kernels(starting_server: ForkServer) -> None:
    with ThreadPoolExecutor() as threads:
        trial = threads.submit(try_kernel, "fork", SMALL, ())
        time.sleep(0.2)
        starting_server._process.kill()
        assert trial.result() is None


# --- without isolation -----------------------------------------------------------------------------


def test_without_isolation_time_memory_and_output_are_bounded_all_the_same() -> None:
    result = run("none", "while True: pass", survives("x = bytearray(3 * 10**9)"), "print('x' * 10_000_000)")
    assert result.stopped[1].key == "cell_cpu" and text(result, 2) == "MemoryError\n"
    assert result.cut == {3} and went_on(result)


def test_an_unknown_way_is_named() -> None:
    with pytest.raises(CourseError, match=r"no isolation 'docker'\. Choose one of bwrap, fork, none"):
        ways.choose("docker")


def test_without_isolation_only_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "examine", lambda way: ways.Isolation(way, way, problem="not here"))
    with pytest.raises(CourseError, match="--isolation none"):
        ways.choose(None)


def processes_named(part: str) -> list[str]:
    """Return the command lines of processes, this test's own aside, that hold a text."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if part in line and path.parent.name != str(os.getpid()):
            found.append(line)
    return found
