"""A gradebook in PostgreSQL holds the same marks as one in SQLite."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook

from autograder.instructor.grade.store import GradebookBusy, Store
from autograder.instructor.gradebook import read_marks
from tests.conftest import LAB1, ROOT
from tests.instructor.conftest import MakeClassroom

psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")
pytestmark = pytest.mark.slow


def programs() -> Path | None:
    """Return the folder with PostgreSQL's server programs: Debian keeps them off the PATH."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return folders[-1] if folders else None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a database in a server of the test's own."""
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed (Debian, Ubuntu: apt install postgresql)")
    # The server refuses to run as root.
    user = "postgres" if os.getuid() == 0 else None
    if user is not None and user not in {entry.pw_name for entry in pwd.getpwall()}:
        pytest.skip("run as root, and there is no user postgres to run the server as")
    data = Path("/tmp") / f"course-postgresql-{os.getpid()}"
    data.mkdir(mode=0o700)
    if user is not None:
        shutil.chown(data, user)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "user": user, "cwd": "/tmp"}
    process = None
    try:
        initdb = [folder / "initdb", "-D", data / "db", "-A", "trust", "-U", "course", "-E", "UTF8"]
        subprocess.run(initdb, check=True, **quiet)  # type: ignore[call-overload]
        start = [folder / "postgres", "-D", data / "db", "-h", "127.0.0.1", "-p", str(port), "-k", data]
        process = subprocess.Popen(start, **quiet)  # type: ignore[call-overload]
        wait_for(port)
        yield f"postgresql+psycopg://course@127.0.0.1:{port}/postgres"
    finally:
        if process is not None:
            process.terminate()
            process.wait(timeout=30)
        shutil.rmtree(data, ignore_errors=True)


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(host="127.0.0.1", port=port, user="course", dbname="postgres").close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def test_the_same_class_has_the_same_marks_in_postgresql_and_sqlite(
    make_classroom: MakeClassroom, tmp_path: Path, server: str
) -> None:
    found = {}
    for db_url in (server, None):
        room = make_classroom(tmp_path / ("sqlite" if db_url is None else "postgresql"))
        room.enrol("bobby", db_url=db_url)
        room.hand_in("alice", room.identified(room.notebook(), "alice", "bobby"))
        room.hand_in("carol", room.identified(room.notebook("train_data"), "carol"))
        room.hand_in("broken", b"{")
        room.grade(db_url=db_url)
        assert room.grade(db_url=db_url).outcomes == []
        found[db_url] = room.marks(db_url=db_url)
    assert found[server] == found[None]
    assert sum(mark or 0 for mark in found[server]["bobby"].values()) == 70
    assert len(read_marks(server, LAB1)) == 4


@pytest.fixture
def store(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr("autograder.instructor.grade.store._DRIVER_S", 0.3)
    with closing(Store(ROOT, folder=tmp_path, db_url=server)) as opened:
        yield opened


def lock_students(server: str) -> Any:
    """Keep everybody else from the table of students, as another program's long transaction does."""
    other = psycopg.connect(server.replace("+psycopg", ""))
    other.execute("LOCK TABLE student IN ACCESS EXCLUSIVE MODE")
    return other


def add(student: str) -> Callable[[Gradebook], str]:
    return lambda gradebook: str(gradebook.update_or_create_student(student).id)


def test_a_lock_of_postgresqls_is_waited_for(store: Store, server: str) -> None:
    other = lock_students(server)
    timer = threading.Timer(1.0, other.rollback)
    timer.start()
    assert store.transact(add("waited")) == "waited"
    timer.join()
    other.close()


def test_a_lock_that_stays_is_one_error_of_ours(
    store: Store, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.instructor.grade.store._LOCKED_S", 0.0)
    with closing(lock_students(server)), pytest.raises(GradebookBusy, match="lock timeout"):
        store.transact(add("late"))
    assert "late" not in store.students()


def test_a_connection_that_is_lost_is_made_again(store: Store, server: str) -> None:
    store.students()
    with psycopg.connect(server.replace("+psycopg", "")) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
            "AND backend_type = 'client backend'"
        )
    assert store.transact(add("again")) == "again"
