"""Jupyter kernel provisioners: nbclient, nbgrader and JupyterLab start kernels through these hooks.

A kernelspec names one in its metadata and configures it with a `Sandbox` as JSON data:
`"kernel_provisioner": {"provisioner_name": "course-bwrap", "config": {"sandbox": {…}}}`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import select
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Any

import matplotlib
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner
from traitlets import Dict, Unicode

from course.instructor.kernels import seccomp
from course.instructor.kernels.sandbox import Sandbox, bubblewrap_command, resource_limits
from course.instructor.kernels.warm import WarmKernel, fork_kernel


class _Sandboxed(LocalProvisioner):
    """What all provisioners of this course share."""

    sandbox = Dict(help="a Sandbox as JSON data").tag(config=True)

    @property
    def box(self) -> Sandbox:
        """Return the sandbox."""
        return Sandbox.from_json(self.sandbox)

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Prepare the command; the kernel gets no variable that the sandbox does not name."""
        kwargs = await super().pre_launch(**kwargs)
        kwargs["env"] = dict(self.box.environment)
        return kwargs

    @property
    def kernel_pid(self) -> int | None:
        """Return the process number of the kernel itself, as the system outside sees it."""
        return self.pid


class PlainProvisioner(_Sandboxed):
    """Starts a kernel with limits and without isolation: it can read and write what you can."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel and set its limits."""
        info = await super().launch_kernel(cmd, **kwargs)
        for name, value in resource_limits(self.box.limits).items():
            if name != "NPROC":  # outside a namespace, all processes of the user would count
                with contextlib.suppress(OSError, ValueError):
                    resource.prlimit(self.pid or 0, getattr(resource, f"RLIMIT_{name}"), (value, value))
        return info

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Prepare the command and a folder to run in."""
        kwargs = await super().pre_launch(**kwargs)
        home = Path(self.box.folder) / "home"
        home.mkdir(exist_ok=True)
        for name, path in self.box.files.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, home / name)
        folders = {"HOME": str(home), "TMPDIR": str(home), "MPLCONFIGDIR": str(matplotlib.get_configdir())}
        kwargs["env"] = {**kwargs["env"], **folders}
        kwargs["cwd"] = str(home)
        return kwargs


class BubblewrapProvisioner(_Sandboxed):
    """Starts a kernel in a sandbox made by bubblewrap."""

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Wrap the command."""
        kwargs = await super().pre_launch(**kwargs)
        filter_file = None
        if seccomp.supported():
            filter_file = tempfile.TemporaryFile()  # noqa: SIM115  (the kernel's process inherits it)
            filter_file.write(seccomp.program())
            filter_file.flush()
            filter_file.seek(0)
            kwargs["pass_fds"] = [filter_file.fileno()]
        self._filter_file = filter_file
        number = filter_file.fileno() if filter_file else None
        kwargs["cmd"] = bubblewrap_command(self.box, kwargs["cmd"], number)
        kwargs.pop("cwd", None)
        return kwargs

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start bubblewrap."""
        try:
            return await super().launch_kernel(cmd, **kwargs)
        finally:
            if self._filter_file:
                self._filter_file.close()

    @property
    def kernel_pid(self) -> int | None:
        """Return the process number of the kernel: bubblewrap's child, the first of its namespace."""
        with contextlib.suppress(OSError, ValueError):
            children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
            return int(children[0]) if children else None
        return None

    async def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel: bubblewrap itself would not pass it on."""
        pid = self.kernel_pid
        if signum == signal.SIGKILL or pid is None:
            await super().send_signal(signum)
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signum)


class WarmProvisioner(_Sandboxed):
    """Starts a kernel by forking a process that has imported everything; the child confines itself."""

    address = Unicode(help="of the server that forks kernels").tag(config=True)
    _kernel: WarmKernel | None = None

    @property
    def has_process(self) -> bool:
        """Tell whether there is a kernel."""
        return self._kernel is not None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel; of the command, only the arguments of IPython's kernel matter."""
        arguments = cmd[cmd.index("-f") :]
        loop = asyncio.get_running_loop()
        self._kernel = await loop.run_in_executor(None, fork_kernel, self.address, self.box, arguments)
        self.pid = _number_of(self._kernel.process)
        return self.connection_info

    async def poll(self) -> int | None:
        """Return None while the kernel runs."""
        if self._kernel is None:
            return 0
        poll = select.poll()
        poll.register(self._kernel.process, select.POLLIN)
        return 1 if poll.poll(0) else None

    async def wait(self) -> int | None:
        """Wait for the end of the kernel."""
        while await self.poll() is None:
            await asyncio.sleep(0.01)
        if self._kernel is not None:
            self._kernel.close()
            self._kernel = None
        return 0

    async def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel."""
        if self._kernel is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._kernel.process, signum)

    async def kill(self, restart: bool = False) -> None:
        """Kill the kernel and all that it started: it is the first process of its namespace."""
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:
        """End the kernel."""
        await self.send_signal(signal.SIGTERM)


def _number_of(pidfd: int) -> int | None:
    """Return the number of a process, as this namespace sees it; None if it has ended."""
    lines = Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines()
    number = next(int(line.split()[1]) for line in lines if line.startswith("Pid:"))
    return number if number > 0 else None
