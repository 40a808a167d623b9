"""The zygote's other end: starts it once per process and asks it for kernels."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from typing import Any

from course.instructor.kernels.sandbox import Sandbox, base_environment, bubblewrap_wall
from course.instructor.kernels.zygote import MAX_MESSAGE

_START_S = 300.0
_FORK_S = 60.0
# Variables that an import may need.
_OURS = ("HOME", "LD_LIBRARY_PATH", "PYTHONPATH", "TMPDIR")


class WarmKernelError(RuntimeError):
    """A warm kernel could not be had; the message says why."""


class Zygote:
    """A process that has imported a set of modules, and forks kernels.

    Attributes:
        folder: where the folders of its kernels have to be.
    """

    def __init__(self, modules: Sequence[str], *, walled: bool = False) -> None:
        """Start the process, without waiting for it.

        Args:
            modules: what to import.
            walled: whether bubblewrap keeps it from seeing more than its kernels may see.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Short: the path of a socket has at most 107 characters.
        self.folder = tempfile.mkdtemp(prefix="gk-", dir="/tmp")
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (open as long as the process runs)
        command = [sys.executable, "-m", "course.instructor.kernels.zygote", str(theirs.fileno()), *modules]
        with theirs:
            self._process = subprocess.Popen(
                bubblewrap_wall(self.folder, command) if walled else command,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                env=_environment(),
                start_new_session=True,
            )
        self._connection = ours
        self._lock = threading.Lock()
        self._ready = False

    def wait(self) -> None:
        """Wait until the modules are imported.

        Raises:
            WarmKernelError: if the process ends before.
        """
        with self._lock:
            if not self._ready:
                self._answer(_START_S)
                self._ready = True

    def fork(self, box: Sandbox, arguments: Sequence[str]) -> int:
        """Return a descriptor (pidfd) of a new kernel's process.

        Args:
            box: the kernel's sandbox.
            arguments: of IPython's kernel.

        Raises:
            WarmKernelError: if it cannot be had.
        """
        self.wait()
        request = json.dumps({"sandbox": box.as_json(), "arguments": list(arguments)})
        with self._lock:
            self._connection.send(request.encode())
            answer, descriptors = self._answer(_FORK_S)
        if not descriptors:
            raise WarmKernelError(f"the warm kernel could not be confined: {answer.get('error')}")
        return descriptors[0]

    @property
    def alive(self) -> bool:
        """Tell whether the process still runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the process; its kernels end with it."""
        self._connection.close()
        self._end()
        self._errors.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answer(self, patience_s: float) -> tuple[dict[str, Any], list[int]]:
        """Return the next answer, and the descriptors that came with it.

        Raises:
            WarmKernelError: if none comes.
        """
        self._connection.settimeout(patience_s)
        try:
            data, descriptors, _, _ = socket.recv_fds(self._connection, MAX_MESSAGE, 1)
        except OSError as error:
            raise WarmKernelError(f"the process that forks warm kernels does not answer: {error}") from None
        if not data:
            raise WarmKernelError(f"the process that forks warm kernels has ended: {self._last_words()}")
        answer: dict[str, Any] = json.loads(data)
        return answer, list(descriptors)

    def _end(self) -> int:
        """Wait for the end of the process, or end it; return its exit status."""
        try:
            return self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def _last_words(self) -> str:
        """Return how the process ended, and the last line that it wrote."""
        status = self._end()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return f"exit status {status}{', ' + lines[-1] if lines else ''}"


def _environment() -> dict[str, str]:
    """Return the zygote's variables: its kernels can read them, so they hold nothing of the instructor's."""
    ours = {name: os.environ[name] for name in _OURS if name in os.environ}
    # The user's own list of fonts, which Matplotlib would otherwise make anew.
    wanted = {name: value for name, value in base_environment().items() if name != "MPLCONFIGDIR"}
    return {**wanted, **ours}


_zygotes: dict[tuple[bool, tuple[str, ...]], Zygote] = {}
_zygotes_lock = threading.Lock()


def shared_zygote(modules: Sequence[str], *, walled: bool) -> Zygote:
    """Return this process's zygote for a set of modules; the first call starts it and does not wait."""
    with _zygotes_lock:
        key = (walled, tuple(modules))
        zygote = _zygotes.get(key)
        if zygote is None or not zygote.alive:
            zygote = _zygotes[key] = Zygote(modules, walled=walled)
        return zygote


@atexit.register
def close_zygotes() -> None:
    """End all zygotes of this process."""
    with _zygotes_lock:
        while _zygotes:
            _zygotes.popitem()[1].close()
