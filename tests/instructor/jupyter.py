"""A Jupyter server of a test's own, on this machine alone."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_START_S = 60


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        address: without a slash at its end.
        token: that it asks for once.
    """

    address: str
    token: str


@contextlib.contextmanager
def formgrader_server(
    folder: Path, home: Path, command: Sequence[str] = (sys.executable, "-m", "jupyter_server")
) -> Iterator[Server]:
    """Run a Jupyter server with formgrader in a course folder; it knows no configuration but its own.

    Args:
        folder: holds nbgrader_config.py.
        home: an empty folder for what Jupyter keeps.
        command: which server.
    """
    settings = {
        "ServerApp": {
            "allow_root": True,
            "ip": "127.0.0.1",
            "jpserver_extensions": {"nbgrader.server_extensions.formgrader": True},
            "open_browser": False,
            "port": 0,
            "root_dir": str(folder),
        },
        "IdentityProvider": {"token": secrets.token_hex(16)},
    }
    names = {"HOME": "home", "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data",
             "JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython"}  # fmt: skip
    places = {variable: str(home / name) for variable, name in names.items()}
    (home / "config").mkdir(parents=True)
    (home / "config" / "jupyter_server_config.json").write_text(json.dumps(settings))
    log = home / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            list(command),
            cwd=folder, env={**os.environ, **places}, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield _wait_for(process, home / "runtime" / f"jpserver-{process.pid}.json", log)
    finally:
        process.terminate()
        process.wait()


def _wait_for(process: subprocess.Popen[bytes], info: Path, log: Path) -> Server:
    """Return the server as soon as it answers."""
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, ValueError, urllib.error.URLError):
            said = json.loads(info.read_text())
            server = Server(said["url"].rstrip("/"), said["token"])
            urllib.request.urlopen(f"{server.address}/api/status?token={server.token}").close()
            return server
        time.sleep(0.2)
    raise AssertionError(f"the Jupyter server did not start:\n{log.read_text()[-3000:]}")
