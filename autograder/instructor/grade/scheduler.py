"""Find the dask scheduler at an address, and use none over which others could listen or join in.

Submissions, the secret seed and the reference's numbers go to a scheduler, and marks come back. Whoever
reaches one that asks for no certificate, or one of its workers, can run any code there. So it is TLS, with
certificates on both sides, or an address that never leaves the machine.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from distributed import Client
from distributed.comm.addressing import parse_address, parse_host_port, unparse_host_port

from autograder.instructor.grade.certificates import Certificates, name_of
from autograder.instructor.settings import Course, CourseError

_PORT = 8786
# For each answer of a scheduler; one that is there has given it in much less.
_ANSWER_S = 10.0
# Dask greets first: who says nothing for so long is waiting for TLS, or no scheduler.
_GREETING_S = 3.0
_WITH_TLS = "--tls-ca-file … --tls-cert … --tls-key …"
_IF_YOURS_ALONE = "or type --insecure if the network is yours alone"


@dataclass(frozen=True)
class Scheduler:
    """A running dask scheduler.

    Attributes:
        address: as it was typed.
        scheme: "tls", "tcp" or "inproc", which is within this process.
        host: name or address of its machine.
        port: where it listens.
        certificates: for TLS; None: nothing is encrypted.
        insecure: whether others may reach it, or its workers, without a certificate.
    """

    address: str
    scheme: str
    host: str = ""
    port: int = _PORT
    certificates: Certificates | None = None
    insecure: bool = False

    @classmethod
    def at(cls, address: str, course: Course, *, insecure: bool = False) -> Scheduler:
        """Return the scheduler at an address, which is not asked yet.

        Args:
            address: such as tls://host:8786.
            course: its settings name the certificates.
            insecure: whether plain tcp:// may go to another machine.

        Raises:
            CourseError: if it is no address that may be used, or certificates are not in order.
        """
        scheme, place = parse_address(address)
        if scheme == "inproc":
            return cls(address, scheme)
        if scheme not in ("tls", "tcp"):
            raise CourseError(
                f"--scheduler {address}: {scheme}:// cannot be used. Use tls://HOST:PORT, or "
                "tcp://127.0.0.1:PORT on this machine."
            )
        host, port = _host_and_port(address, place)
        certificates = Certificates.find(course) if scheme == "tls" else None
        scheduler = cls(address, scheme, host, port, certificates, insecure)
        scheduler._addresses()
        return scheduler

    @contextlib.contextmanager
    def client(self) -> Iterator[Client]:
        """Yield a client.

        Raises:
            CourseError: if no scheduler answers, it refuses our certificate or we its, it has no workers, or
                others could reach it or them.
        """
        address = self.address if self.scheme == "inproc" else self._reach()
        try:
            security = self.certificates and self.certificates.security()
            client = Client(address, timeout=_ANSWER_S, security=security)
        except Exception as error:  # of dask, of its protocol, of other versions of both
            raise CourseError(self._no_answer(error)) from None
        with client:
            self._require_workers(client)
            if not self.insecure:
                self._require_privacy(client)
            yield client

    # --- who answers ---------------------------------------------------------------------------------

    def _addresses(self) -> list[str]:
        """Return the numeric addresses of the host: without TLS, on this machine only."""
        try:
            places = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise CourseError(f"--scheduler {self.address}: no such machine ({error}).") from None
        found = [str(place[0]) for *_, place in places]
        if self.scheme == "tls" or self.insecure or all(ip_address(a).is_loopback for a in found):
            return found
        raise CourseError(
            f"--scheduler {self.address} is another machine, and nothing would be encrypted: who listens "
            "reads submissions, the secret seed and marks, who can reach it runs code there. Use tls:// "
            f'(docs/grading.md, "Many machines"), {_IF_YOURS_ALONE}.'
        )

    def _reach(self) -> str:
        """Return the numeric address where a scheduler answers as it should.

        Numeric: a name that was found to be this machine's must not be another's a moment later.
        """
        problem: object = None
        for address in self._addresses():
            try:
                with socket.create_connection((address, self.port), timeout=_ANSWER_S) as connection:
                    if self.certificates is None:
                        self._await_greeting(connection)
                    else:
                        self._exchange_certificates(connection, self.certificates)
                return f"{self.scheme}://{unparse_host_port(address, self.port)}"
            except OSError as error:
                problem = error
        raise CourseError(self._no_answer(problem))

    def _exchange_certificates(self, connection: socket.socket, certificates: Certificates) -> None:
        """Shake hands and wait for a greeting, which dask would try again and again, and not say why."""
        try:
            # No names are compared: dask trusts whom the authority has signed.
            encrypted = certificates.context().wrap_socket(connection)
        except ssl.SSLCertVerificationError as error:
            raise CourseError(
                f"The certificate of the scheduler at {self.address} is not trusted: {error.verify_message}. "
                f"It must be valid, and signed by {name_of(certificates.ca)}."
            ) from None
        except (ssl.SSLError, ConnectionError) as error:
            raise CourseError(
                f"What answers at {self.address} speaks no TLS, or another ({_why(error)}). Start the "
                f"scheduler with `dask scheduler --protocol tls {_WITH_TLS}`."
            ) from None
        with encrypted:
            try:
                greeting = encrypted.recv(1)
            except ssl.SSLError as error:
                raise CourseError(
                    f"The scheduler at {self.address} refuses our certificate, {name_of(certificates.cert)} "
                    f"({_why(error)}). It must be valid, and signed by whom the scheduler trusts."
                ) from None
        if not greeting:
            raise ConnectionError("it hangs up")

    def _await_greeting(self, connection: socket.socket) -> None:
        """Wait for a scheduler to greet, and find out whether it wants TLS if it does not."""
        connection.settimeout(_GREETING_S)
        with contextlib.suppress(TimeoutError):
            if not connection.recv(1):
                raise ConnectionError("it hangs up")
            return
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            context.wrap_socket(connection).close()
        except OSError:
            raise ConnectionError("what does is no scheduler") from None
        raise CourseError(f"What answers at {self.address} speaks TLS: use tls://{self.host}:{self.port}.")

    def _no_answer(self, problem: object) -> str:
        tls = f" --protocol tls {_WITH_TLS}" if self.certificates else ""
        return (
            f"No dask scheduler answers at {self.address}: {problem}. Start one with "
            f"`dask scheduler{tls or self._host()}`, and workers with {self._worker()}."
        )

    def _worker(self) -> str:
        """Return how to start a worker that may be used."""
        options = f" {_WITH_TLS}" if self.certificates else self._host()
        return f"`dask worker {self.address}{options} --nthreads 1`"

    def _host(self) -> str:
        return "" if self.insecure else " --host 127.0.0.1"

    # --- who joins in --------------------------------------------------------------------------------

    def _require_workers(self, client: Client) -> None:
        if not client.scheduler_info()["workers"]:
            raise CourseError(
                f"The scheduler at {self.address} has no workers. Start some: {self._worker()}, where this "
                "course is installed."
            )

    def _require_privacy(self, client: Client) -> None:
        """Refuse a scheduler or workers that listen to others without TLS, whatever address we have of them.

        A plain scheduler listens on every network of its machine, if it is not told otherwise, and so does a
        worker whose scheduler is on the same machine.
        """
        for who, address in _listeners(client, self.address):
            if not _is_private(address):
                raise CourseError(
                    f"The {who} listens at {address} without TLS: whoever reaches that can run code there. "
                    "Start scheduler and workers with --host 127.0.0.1, on one machine, or all of them with "
                    f"TLS, {_IF_YOURS_ALONE}."
                )


def _host_and_port(address: str, place: str) -> tuple[str, int]:
    try:
        host, port = parse_host_port(place, _PORT)
    except ValueError as error:
        raise CourseError(f"--scheduler {address}: {error}. Use tls://HOST:PORT.") from None
    if not host or not 0 < port < 2**16:
        raise CourseError(f"--scheduler {address}: no host, or no port up to 65535. Use tls://HOST:PORT.")
    return host, port


def _listeners(client: Client, scheduler: str) -> Iterator[tuple[str, str]]:
    """Yield who listens, and where: as the scheduler was told, then as each says itself."""
    for address, worker in client.scheduler_info()["workers"].items():
        yield f"worker {address}", address
        if worker["nanny"] is not None:
            yield f"nanny of worker {address}", worker["nanny"]
    try:
        found = [("scheduler", client.run_on_scheduler(_listening))]
        found += [(f"worker {address}", places) for address, places in client.run(_listening).items()]
        nannies = client.run(_listening, nanny=True)
        found += [(f"nanny {address}", places) for address, places in nannies.items()]
    except Exception as error:  # of whatever is installed there
        raise CourseError(
            f"The scheduler at {scheduler} or one of its workers does not say where it listens ({error!r}). "
            "Is this version of the course installed on all machines, the scheduler's too?"
        ) from None
    for who, places in found:
        for place in places:
            yield who, place


def _listening(dask_scheduler: Any = None, dask_worker: Any = None) -> list[str]:
    """Return where a scheduler, worker or nanny listens; runs there."""
    return [listener.listen_address for listener in (dask_scheduler or dask_worker).listeners]


def _is_private(address: str) -> bool:
    """Return whether only who has a certificate, or is on the same machine, can speak with it."""
    scheme, place = parse_address(address)
    if scheme in ("tls", "inproc"):
        return True
    try:
        return scheme == "tcp" and ip_address(parse_host_port(place, _PORT)[0]).is_loopback
    except ValueError:  # a name, which may be anywhere
        return False


def _why(error: OSError) -> str:
    """Return what OpenSSL calls it, in words."""
    reason = getattr(error, "reason", None) or str(error)
    return str(reason).replace("_", " ").lower()
