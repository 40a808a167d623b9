"""The zygote's other end: starts it once per process and asks it for kernels."""

from __future__ import annotations

import importlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

from course.instructor.kernels.sandbox import Sandbox, base_environment
from course.instructor.kernels.zygote import MAX_MESSAGE

_START_S = 300.0
_FORK_S = 60.0
# Variables that an import may need.
_OURS = ("HOME", "LD_LIBRARY_PATH", "PYTHONPATH", "TMPDIR")


class WarmKernelError(RuntimeError):
    """A warm kernel could not be had; the message says why."""


class Zygote:
    """A process that has imported a set of modules, and forks kernels."""

    def __init__(self, modules: Sequence[str]) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "course.instructor.kernels.zygote", str(theirs.fileno()), *modules],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
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
        """Return the process number of a new kernel.

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
            answer = self._answer(_FORK_S)
        if "pid" not in answer:
            raise WarmKernelError(f"the warm kernel could not be confined: {answer.get('error')}")
        return int(answer["pid"])

    @property
    def alive(self) -> bool:
        """Tell whether the process still runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the process; its kernels end with it."""
        self._connection.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answer(self, patience_s: float) -> dict[str, Any]:
        """Return the next answer.

        Raises:
            WarmKernelError: if none comes.
        """
        self._connection.settimeout(patience_s)
        try:
            data = self._connection.recv(MAX_MESSAGE)
        except OSError as error:
            raise WarmKernelError(f"the process that forks warm kernels does not answer: {error}") from None
        if not data:
            raise WarmKernelError("the process that forks warm kernels has ended")
        answer: dict[str, Any] = json.loads(data)
        return answer


def _environment() -> dict[str, str]:
    """Return the zygote's variables: its kernels can read them, so they hold nothing of the instructor's."""
    ours = {name: os.environ[name] for name in _OURS if name in os.environ}
    # The user's own list of fonts, which Matplotlib would otherwise make anew.
    wanted = {name: value for name, value in base_environment().items() if name != "MPLCONFIGDIR"}
    return {**wanted, **ours}


_zygotes: dict[tuple[str, ...], Zygote] = {}
_zygotes_lock = threading.Lock()


def shared_zygote(modules: Sequence[str]) -> Zygote:
    """Return this process's zygote for a set of modules; the first call starts it and does not wait."""
    with _zygotes_lock:
        key = tuple(modules)
        zygote = _zygotes.get(key)
        if zygote is None or not zygote.alive:
            zygote = _zygotes[key] = Zygote(modules)
        return zygote


def warm_up(modules: Sequence[str]) -> None:
    """Start this process's zygote, and import meanwhile what grading itself needs."""
    zygote = shared_zygote(modules)
    importlib.import_module("course.instructor.grade.work")
    zygote.wait()


def close_zygotes() -> None:
    """End all zygotes of this process."""
    with _zygotes_lock:
        while _zygotes:
            _zygotes.popitem()[1].close()
