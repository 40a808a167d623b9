"""The other end: start a fork server, and ask one for a child."""

from __future__ import annotations

import atexit
import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

_START_S = 300.0
_CONNECT_S = 60.0
# Connections that wait to be accepted; each is a submission.
_BACKLOG = 128
Wrap = Callable[[str, list[str]], list[str]]


class ForkServerError(RuntimeError):
    """A fork server does not work; the message says why."""


class ForkServer:
    """A process that forks a child for every connection to its address.

    Attributes:
        folder: a private folder with a short name, which is removed with the server.
        address: of the socket to connect to.
    """

    def __init__(
        self,
        handler: str,
        modules: Sequence[str],
        environment: Mapping[str, str],
        *,
        wrap: Wrap = lambda folder, command: command,
        user: int | None = None,
        cwd: str | None = None,
    ) -> None:
        """Start the process, without waiting for it.

        Args:
            handler: what its children do, as "package.module:function".
            modules: what to import first.
            environment: its variables.
            wrap: given the folder and the command, returns the command to run instead.
            user: number of the user and group to become; None to stay who one is.
            cwd: folder to work in; None: this process's.
        """
        # Short: the path of a socket has at most 107 characters.
        self.folder = tempfile.mkdtemp(prefix="gk-", dir="/tmp")
        self.address = f"{self.folder}/s"
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(self.address)
        listener.listen(_BACKLOG)
        self._control, theirs = socket.socketpair()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (open as long as the process runs)
        numbers = [listener.fileno(), theirs.fileno()]
        command = [
            sys.executable,
            "-m",
            "autograder.instructor.forkserver.server",
            *map(str, numbers),
            handler,
        ]
        other = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        with listener, theirs:
            self._process = subprocess.Popen(
                wrap(self.folder, [*command, *modules]),
                pass_fds=numbers,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                env=dict(environment),
                start_new_session=True,
                cwd=cwd,
                **other,  # type: ignore[call-overload]
            )
        self._lock = threading.Lock()
        self._ready = False

    def wait(self) -> None:
        """Wait until the modules are imported.

        Raises:
            ForkServerError: if the process ends before.
        """
        with self._lock:
            if self._ready:
                return
            self._control.settimeout(_START_S)
            try:
                said = self._control.recv(16)
            except OSError as error:
                raise ForkServerError(f"the process that forks does not answer: {error}") from None
            if not said:
                raise ForkServerError(f"the process that forks has ended: {self.last_words()}")
            self._ready = True

    @property
    def pid(self) -> int:
        """Return the number of the process."""
        return int(self._process.pid)

    @property
    def alive(self) -> bool:
        """Tell whether the process still runs."""
        return self._process.poll() is None

    def last_words(self) -> str:
        """Return how the process ended, and the last line that it wrote."""
        status = self._end()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return f"exit status {status}{', ' + lines[-1] if lines else ''}"

    def close(self) -> None:
        """End the process; its children end with it."""
        self._control.close()
        self._end()
        self._errors.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self) -> int:
        """Wait for the end of the process, or end it; return its exit status."""
        try:
            return int(self._process.wait(timeout=5))
        except subprocess.TimeoutExpired:
            self._process.kill()
            return int(self._process.wait())


def connect(address: str) -> Connection:
    """Return a connection to a new child of a fork server.

    Raises:
        ForkServerError: if nobody answers there.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(_CONNECT_S)
        connection.connect(address)
        connection.settimeout(None)
    except OSError as error:
        connection.close()
        raise ForkServerError(f"the process that forks does not answer: {error}") from None
    return Connection(connection.detach())


# --- one server per purpose and process ------------------------------------------------------------

_servers: dict[Hashable, ForkServer] = {}
_servers_lock = threading.Lock()


def shared(purpose: Hashable, start: Callable[[], ForkServer]) -> ForkServer:
    """Return this process's server for a purpose; the first call starts it and does not wait."""
    with _servers_lock:
        server = _servers.get(purpose)
        if server is None or not server.alive or not Path(server.address).exists():
            server = _servers[purpose] = start()
        return server


@atexit.register
def close_servers() -> None:
    """End all servers of this process."""
    with _servers_lock:
        while _servers:
            with contextlib.suppress(OSError):
                _servers.popitem()[1].close()
