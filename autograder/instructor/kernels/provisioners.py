"""Jupyter kernel provisioners: nbclient, nbgrader and JupyterLab start kernels through these hooks.

A kernelspec names one in its metadata and configures it with a `Sandbox` as JSON data:
`"kernel_provisioner": {"provisioner_name": "course-bwrap", "config": {"sandbox": {…}}}`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import shutil
import signal
import socket
import tempfile
from pathlib import Path
from typing import Any

import matplotlib
from jupyter_client.connect import KernelConnectionInfo, port_names
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Dict, Unicode

from autograder.instructor.forkserver.processes import number_of
from autograder.instructor.kernels import cgroups, seccomp
from autograder.instructor.kernels.sandbox import Sandbox, bubblewrap_command, limited, resource_limits
from autograder.instructor.kernels.users import give, kernel_user, run_as
from autograder.instructor.kernels.warm import WarmKernel, fork_kernel

# Connections that wait to be accepted.
_BACKLOG = 64


class _Sandboxed(LocalProvisioner):
    """What all provisioners of this course share: sockets bound outside, a control group, no variables."""

    sandbox = Dict(help="a Sandbox as JSON data").tag(config=True)
    group: cgroups.Group | None = None
    _sockets: tuple[socket.socket, ...] = ()

    @property
    def box(self) -> Sandbox:
        """Return the sandbox."""
        return Sandbox.from_json(self.sandbox)

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Prepare the command; the kernel gets no variable that the sandbox does not name."""
        kwargs = await super().pre_launch(**kwargs)
        kwargs["env"] = dict(self.box.environment)
        kwargs.pop("cwd", None)
        self._sockets = tuple(_listen(self.connection_info, name) for name in port_names)
        self.group = cgroups.new_group(self.box.limits)
        return kwargs

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel, which alone holds its sockets from then on."""
        try:
            return await self._start(cmd, **kwargs)
        except BaseException:
            self._remove_group()
            raise
        finally:
            for bound in self._sockets:
                bound.close()

    async def _start(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start a process that inherits the sockets."""
        numbers = [bound.fileno() for bound in self._sockets]
        kwargs["pass_fds"] = [*numbers, *kwargs.get("pass_fds", ())]
        return await super().launch_kernel(cmd, **kwargs)

    def _kernel_command(self, cmd: list[str]) -> list[str]:
        """Return the command of a kernel that is not forked, given that of IPython's own launcher."""
        numbers = ",".join(str(bound.fileno()) for bound in self._sockets)
        program = Path(__file__).with_name("app.py").read_text(encoding="utf-8")
        return [cmd[0], "-c", program, numbers, *cmd[cmd.index("-f") :]]

    async def cleanup(self, restart: bool = False) -> None:
        """Leave nothing behind."""
        await super().cleanup(restart)
        self._remove_group()

    def _remove_group(self) -> None:
        if self.group is not None:
            self.group.remove()
            self.group = None

    @property
    def kernel_pid(self) -> int | None:
        """Return the process number of the kernel itself, as the system outside sees it."""
        return self.pid


def _listen(connection: KernelConnectionInfo, port_name: str) -> socket.socket:
    """Return the socket of a channel, bound where its clients look for it."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    path = f"{connection['ip']}-{connection[port_name]}"  # type: ignore[literal-required]
    bound.bind(path)
    bound.listen(_BACKLOG)
    bound.setblocking(False)
    return bound


class PlainProvisioner(_Sandboxed):
    """Starts a kernel with limits and without isolation: it can read and write what you can.

    Where you are root, it is another user all the same.
    """

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Prepare the command and a folder to run in."""
        kwargs = await super().pre_launch(**kwargs)
        home = Path(self.box.folder) / "home"
        home.mkdir(exist_ok=True)
        for name, path in self.box.files.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, home / name)
        user = kernel_user()
        give(home.parent.parent, user)
        folders = {"HOME": str(home), "TMPDIR": str(home)}
        if user is None:
            folders["MPLCONFIGDIR"] = str(matplotlib.get_configdir())
        kwargs["env"] = {**kwargs["env"], **folders}
        kwargs["cwd"] = str(home)
        # Set on the way to the kernel: from outside, it may be another user's process already.
        limits = resource_limits(self.box.limits)
        limits.pop("NPROC", None)  # outside a namespace, all processes of the user would count
        command = [*run_as(user), *limited(limits), *self._kernel_command(kwargs["cmd"])]
        kwargs["cmd"] = cgroups.entering(self.group, command)
        return kwargs

    async def kill(self, restart: bool = False) -> None:
        """Kill the kernel, and what it started as far as its group tells."""
        if self.group is not None:
            self.group.kill()
        await super().kill(restart)


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
        user = kernel_user()
        give(Path(self.box.folder).parent, user)
        command = bubblewrap_command(self.box, self._kernel_command(kwargs["cmd"]), user, number)
        kwargs["cmd"] = cgroups.entering(self.group, command)
        return kwargs

    async def _start(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start bubblewrap."""
        try:
            return await super()._start(cmd, **kwargs)
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

    async def _start(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel; of the command, only the arguments of IPython's kernel matter."""
        arguments = cmd[cmd.index("-f") :]
        # The server may be another user, who has to read what was handed in.
        owner = os.stat(Path(self.address).parent).st_uid
        give(Path(self.box.folder).parent, owner if owner != os.getuid() else None)
        loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as files:
            paths = self.group.entries if self.group else []
            entries = [files.enter_context(path.open("wb", 0)) for path in paths]
            descriptors = [bound.fileno() for bound in self._sockets] + [file.fileno() for file in entries]
            self._kernel = await loop.run_in_executor(
                None, fork_kernel, self.address, self.box, arguments, descriptors
            )
        self.pid = number_of(self._kernel.process)
        if self.group is not None and not self.group.holds(self.pid):
            # Older systems let no process behind bubblewrap's wall in. What it uses is then estimated.
            self._remove_group()
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
