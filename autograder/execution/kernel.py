"""A kernel of this very Python: how it is started, reached and ended."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from traitlets import Type

# A name that jupyter_client takes for an IPython kernel, which has settings of its own.
_NAME = "python3"
_NO_HISTORY = "--HistoryManager.hist_file=:memory:"


class _ThisPython(KernelSpecManager):
    """Knows one kernel: IPython's in this environment, whatever kernels are installed by name."""

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        super().__init__()
        self._spec = KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Python",
            language="python",
            metadata=dict(metadata),
        )

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the kernel."""
        return self._spec


class _Channel(AsyncZMQSocketChannel):
    """A channel that passes over what is no message: the other end is in a student's hands."""

    async def get_msg(  # type: ignore[override]  # as its base class has it
        self, timeout: float | None = None
    ) -> dict[str, Any]:
        """Return the next message.

        Raises:
            queue.Empty: if none comes in time.
        """
        while True:
            with contextlib.suppress(ValueError, TypeError, KeyError, IndexError, AttributeError):
                message: dict[str, Any] = await super().get_msg(timeout)
                parts = (message["content"], message["parent_header"], message["header"])
                if all(isinstance(part, dict) for part in parts) and isinstance(message["msg_type"], str):
                    return message


class _Channels(AsyncKernelClient):
    """A client whose channels bear with anything."""

    shell_channel_class = Type(_Channel)
    iopub_channel_class = Type(_Channel)
    control_channel_class = Type(_Channel)


def kernel_manager(metadata: Mapping[str, Any] | None = None, **options: Any) -> AsyncKernelManager:
    """Return the manager of a kernel that is still to be started.

    Args:
        metadata: of its kernelspec, which may name a provisioner.
        **options: of `AsyncKernelManager`.
    """
    return AsyncKernelManager(
        kernel_name=_NAME,
        kernel_spec_manager=_ThisPython(metadata or {}),
        client_factory=_Channels,
        **options,
    )


async def start_kernel(manager: AsyncKernelManager, **options: Any) -> None:
    """Start a kernel; what its process writes by itself is no output of a notebook.

    Args:
        manager: of the kernel.
        **options: of its process, such as `cwd` and `env`.
    """
    silent = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    await manager.start_kernel(extra_arguments=[_NO_HISTORY], **silent, **options)


async def interrupt(manager: AsyncKernelManager) -> None:
    """Interrupt what a kernel does, if it still runs."""
    with contextlib.suppress(RuntimeError, OSError):
        await manager.interrupt_kernel()


async def kill(manager: AsyncKernelManager) -> None:
    """Kill a kernel's process; its manager still has to be closed."""
    with contextlib.suppress(RuntimeError, OSError):
        if manager.provisioner is not None:
            await manager.provisioner.kill()


async def close_kernel(manager: AsyncKernelManager) -> None:
    """End a kernel at once, and all that it started: it may be in any state, and is on its way out."""
    with contextlib.suppress(Exception):
        try:
            if await manager.is_alive():
                await manager.shutdown_kernel(now=True)
        finally:
            await manager.cleanup_resources()
