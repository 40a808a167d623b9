"""IPython's kernel on sockets that somebody else has bound.

A kernel that binds its own needs a folder of the outside to write in, and could fill it. Whoever starts
this one binds and listens where the kernel sees nothing, and hands on the open sockets.

It is also run by itself, as `python -c`: a kernel's sandbox shows nothing of the grading side. So it imports
nothing of the course.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import zmq
from ipykernel.heartbeat import Heartbeat
from ipykernel.kernelapp import IPKernelApp
from jupyter_client.connect import port_names


class InheritedHeartbeat(Heartbeat):
    """Answers on a socket that is bound already."""

    descriptor: int

    def _try_bind_socket(self) -> None:
        self.socket.setsockopt(zmq.USE_FD, self.descriptor)
        super()._try_bind_socket()  # type: ignore[no-untyped-call]


class InheritedApp(IPKernelApp):
    """IPython's kernel whose sockets are bound already."""

    descriptors: dict[str, int]

    def _try_bind_socket(self, s: zmq.Socket[Any], port: int) -> int:
        """Take over a bound socket, which its port names."""
        name = next(name for name in port_names if getattr(self, name) == port)
        s.setsockopt(zmq.USE_FD, self.descriptors[name])
        s.bind(f"ipc://{self.ip}-{port}")
        return port

    def init_control(self, context: zmq.Context[Any]) -> None:
        """Initialise the control channel, without the debugger's way to it: there is no path."""
        super().init_control(context)  # type: ignore[no-untyped-call]
        self.debug_shell_socket.disconnect(self.shell_socket.getsockopt(zmq.LAST_ENDPOINT))

    def init_heartbeat(self) -> None:
        """Start the heart beating."""
        address = (self.transport, self.ip, self.hb_port)
        self.heartbeat = InheritedHeartbeat(zmq.Context(), address)  # type: ignore[no-untyped-call]
        self.heartbeat.descriptor = self.descriptors["hb_port"]
        self.heartbeat.start()

    def write_connection_file(self, **kwargs: Any) -> None:
        """Leave the connection file as it was given."""


def run_kernel(arguments: Sequence[str], descriptors: Sequence[int]) -> None:
    """Run a kernel in this process until it is shut down.

    Args:
        arguments: of IPython's kernel.
        descriptors: listening sockets, in the order of `jupyter_client.connect.port_names`.
    """
    app = InheritedApp.instance()
    app.descriptors = dict(zip(port_names, descriptors, strict=True))
    app.initialize(list(arguments))
    app.start()


if __name__ == "__main__":
    run_kernel(sys.argv[2:], [int(number) for number in sys.argv[1].split(",")])
