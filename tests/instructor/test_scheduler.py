"""Other machines grade over TLS, with certificates on both sides; nobody else listens or joins in."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import dask
import pytest
from distributed.security import Security
from distributed.utils import get_ip

from autograder.instructor import cli, doctor
from autograder.instructor.grade.scheduler import Scheduler
from autograder.instructor.limits import Limits
from autograder.instructor.settings import Course, CourseError, load_course
from tests.conftest import LAB1, ROOT
from tests.instructor.conftest import Classroom
from tests.instructor.documents import Reader, blocks, steps

pytestmark = pytest.mark.slow

DOCUMENT = ROOT / "docs" / "grading.md"
# Nobody has these addresses: they are reserved for documents.
ELSEWHERE = "198.51.100.1"
ANSWER_S = 15
NO_DASHBOARD = "--no-dashboard"


# --- certificates ----------------------------------------------------------------------------------


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


def make_authority(folder: Path) -> Path:
    """Return a folder with an authority of its own: ca.pem and ca.key."""
    folder.mkdir(parents=True)
    new = ("-newkey", "rsa:2048", "-nodes", "-subj", "/CN=authority", "-days", "2")
    openssl("req", "-x509", *new, "-keyout", folder / "ca.key", "-out", folder / "ca.pem")
    return folder


def sign(authority: Path, name: str, days: int = 2) -> dict[str, str]:
    """Return the section [grading.tls] with a certificate that the authority has signed."""
    request, cert, key = (authority / f"{name}.{end}" for end in ("csr", "pem", "key"))
    new = ("-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}")
    openssl("req", "-new", *new, "-keyout", key, "-out", request)
    ca = ("-CA", authority / "ca.pem", "-CAkey", authority / "ca.key", "-CAcreateserial")
    openssl("x509", "-req", "-in", request, *ca, "-days", str(days), "-out", cert)
    return {"ca": str(authority / "ca.pem"), "cert": str(cert), "key": str(key)}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_authority(tmp_path_factory.mktemp("certificates") / "ours")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_authority(tmp_path_factory.mktemp("certificates") / "theirs")


@pytest.fixture(scope="module")
def ours(authority: Path) -> dict[str, str]:
    return sign(authority, "client")


# --- a real cluster, started as the document says ---------------------------------------------------


@dataclass(frozen=True)
class Cluster:
    """A scheduler with TLS and two workers, on an address that is not loopback where there is one."""

    course: Course
    port: int

    def at(self, scheme: str = "tls", **tls: str) -> Scheduler:
        """Return the scheduler, as whoever has these certificates sees it."""
        course = replace(self.course, tls={**self.course.tls, **tls})
        address = f"{scheme}://{self.host}:{self.port}"
        return Scheduler.at(address, course, insecure=scheme == "tcp")

    @property
    def host(self) -> str:
        return get_ip()


@pytest.fixture(scope="module")
def cluster(course: Course, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("many-machines")
    reader = Reader(folder, {})
    for step in steps(DOCUMENT):
        reader.follow(step)
    (folder / "course.toml").write_text((ROOT / "course.toml").read_text() + blocks(DOCUMENT, "toml")[0])
    settings = load_course(folder)
    port = free_port()
    scheduler, worker = (
        line.replace("HOST:8786", f"{get_ip()}:{port}") for line in blocks(DOCUMENT, "sh")[0].splitlines()
    )
    commands = [f"{scheduler} --port {port}", worker, worker]
    found = Cluster(replace(course, root=folder, tls=settings.tls), port)
    with running(*map(shlex.split, commands), folder=folder):
        certificates = found.at().certificates
        assert certificates is not None
        wait_for_workers(f"tls://{get_ip()}:{port}", 2, certificates.security())
        yield found


@contextlib.contextmanager
def running(*commands: list[str], folder: Path) -> Iterator[None]:
    """Run dask's commands until the end of the block."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with contextlib.ExitStack() as stack:
        for command in commands:
            assert command[0] == "dask"
            process = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=folder, env=environment,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            stack.callback(process.wait, timeout=30)
            stack.callback(process.send_signal, signal.SIGTERM)
        yield


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def wait_for_workers(address: str, count: int, security: Security | None = None) -> None:
    from distributed import Client

    with Client(address, timeout=60, security=security) as client:
        if count:
            client.wait_for_workers(count, timeout=60)


def refused(scheduler: Scheduler) -> str:
    """Return what is said of a scheduler that cannot be used, in one line."""
    with pytest.raises(CourseError) as caught, scheduler.client():
        pass
    said = str(caught.value)
    assert said.isprintable()
    return said


def test_a_class_is_graded_over_tls_as_the_document_says(classroom: Classroom, cluster: Cluster) -> None:
    classroom.course = replace(classroom.course, root=classroom.course.root, tls=absolute(cluster.course))
    for student in ("ana", "ben"):
        classroom.hand_in(student, classroom.identified(classroom.notebook(), student))
    grading = classroom.grade(scheduler=f"tls://{cluster.host}:{cluster.port}")
    assert [o.status for o in grading.outcomes] == ["graded", "graded"]
    assert classroom.totals() == {"ana": 70.0, "ben": 70.0}


def absolute(course: Course) -> dict[str, str]:
    return {name: str(course.root / path) for name, path in course.tls.items()}


def test_everybody_in_a_cluster_with_tls_speaks_tls(cluster: Cluster) -> None:
    with cluster.at().client() as client:
        info = client.scheduler_info()
        addresses = [info["address"], *info["workers"], *(w["nanny"] for w in info["workers"].values())]
        assert len(addresses) == 5
        assert all(address.startswith("tls://") for address in addresses)


def test_a_client_without_a_certificate_gets_nothing(cluster: Cluster) -> None:
    context = ssl.create_default_context(cafile=str(cluster.course.root / cluster.course.tls["ca"]))
    context.check_hostname = False
    with (
        socket.create_connection((cluster.host, cluster.port), timeout=ANSWER_S) as connection,
        pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"),
        context.wrap_socket(connection) as encrypted,
    ):
        encrypted.recv(1)


def test_a_certificate_that_another_authority_signed_is_refused(cluster: Cluster, stranger: Path) -> None:
    theirs = sign(stranger, "theirs")
    said = refused(cluster.at(cert=theirs["cert"], key=theirs["key"]))
    assert f"refuses our certificate, {theirs['cert']} (tlsv1 alert unknown ca)" in said


def test_a_scheduler_that_another_authority_signed_is_not_trusted(cluster: Cluster, stranger: Path) -> None:
    said = refused(cluster.at(ca=str(stranger / "ca.pem")))
    assert "is not trusted: self-signed certificate" in said and f"signed by {stranger / 'ca.pem'}" in said


def test_tcp_at_a_scheduler_with_tls_is_told_apart(cluster: Cluster) -> None:
    assert refused(cluster.at("tcp")).endswith(f"speaks TLS: use tls://{cluster.host}:{cluster.port}.")


# --- who answers -----------------------------------------------------------------------------------


@contextlib.contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Yield a port of this machine where everybody gets an answer."""
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as stack:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection = stack.enter_context(server.accept()[0])
                    with contextlib.suppress(OSError):
                        answer(connection)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def with_certificate(tls: dict[str, str]) -> Callable[[socket.socket], None]:
    """Return an answer: shake hands, and take the certificates of the same authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=tls["ca"])
    context.load_cert_chain(tls["cert"], tls["key"])
    context.verify_mode = ssl.CERT_REQUIRED

    def answer(connection: socket.socket) -> None:
        context.wrap_socket(connection, server_side=True).send(b"hello")

    return answer


def test_an_expired_certificate_of_the_scheduler_is_named(
    course: Course, authority: Path, ours: dict[str, str]
) -> None:
    with answering(with_certificate(sign(authority, "old-scheduler", days=-1))) as port:
        said = refused(Scheduler.at(f"tls://127.0.0.1:{port}", replace(course, tls=ours)))
    assert "is not trusted: certificate has expired" in said


def test_an_expired_certificate_of_ours_is_named(
    course: Course, authority: Path, ours: dict[str, str]
) -> None:
    expired = sign(authority, "old-client", days=-1)
    with answering(with_certificate(ours)) as port:
        said = refused(Scheduler.at(f"tls://127.0.0.1:{port}", replace(course, tls=expired)))
    assert f"refuses our certificate, {expired['cert']} (sslv3 alert certificate expired)" in said


def silent(connection: socket.socket) -> None:
    """Take what comes and say nothing."""


def hanging_up(connection: socket.socket) -> None:
    connection.close()


def mail(connection: socket.socket) -> None:
    connection.sendall(b"220 mail.example.org ESMTP\r\n")


@pytest.mark.parametrize(
    ("scheme", "answer", "message"),
    [
        ("tcp", silent, "No dask scheduler answers at tcp://"),
        ("tcp", hanging_up, "it hangs up. Start one with `dask scheduler --host 127.0.0.1`"),
        ("tcp", mail, "No dask scheduler answers at tcp://"),
        ("tls", silent, "No dask scheduler answers at tls://"),
        ("tls", hanging_up, "speaks no TLS, or another"),
        ("tls", mail, "speaks no TLS, or another"),
    ],
)
def test_what_is_no_scheduler_is_told_apart_soon(
    course: Course, ours: dict[str, str], scheme: str, answer: Callable[[socket.socket], None], message: str
) -> None:
    with answering(answer) as port:
        said = refused(Scheduler.at(f"{scheme}://127.0.0.1:{port}", replace(course, tls=ours)))
    assert message in said


def test_where_nothing_listens_both_commands_to_start_are_named(course: Course, ours: dict[str, str]) -> None:
    port = free_port()
    said = refused(Scheduler.at(f"tls://localhost:{port}", replace(course, tls=ours)))
    assert "`dask scheduler --protocol tls --tls-ca-file" in said
    assert f"`dask worker tls://localhost:{port} --tls-ca-file" in said


def test_a_plain_scheduler_has_no_tls_and_one_without_workers_is_named(
    course: Course, ours: dict[str, str], tmp_path: Path
) -> None:
    port = free_port()
    command = ["dask", "scheduler", "--host", "127.0.0.1", "--port", str(port), NO_DASHBOARD]
    with running(command, folder=tmp_path):
        wait_for_workers(f"tcp://127.0.0.1:{port}", 0)
        plain = Scheduler.at(f"tcp://localhost:{port}", course)
        encrypted = Scheduler.at(f"tls://localhost:{port}", replace(course, tls=ours))
        assert f"has no workers. Start some: `dask worker {plain.address} --host 127.0.0.1" in refused(plain)
        assert "speaks no TLS, or another (wrong version number)" in refused(encrypted)


# --- where it may be -------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [ELSEWHERE, "0.0.0.0", "[2001:db8::1]", "[::]", "8.8"])
@pytest.mark.parametrize("scheme", ["tcp://", ""])
def test_another_machine_is_refused_without_tls(course: Course, scheme: str, place: str) -> None:
    with pytest.raises(CourseError, match=r"is another machine, and nothing would be encrypted.*--insecure"):
        Scheduler.at(f"{scheme}{place}:8786", course)


@pytest.mark.parametrize("place", ["127.0.0.1", "127.9.9.9", "127.1", "localhost", "[::1]"])
def test_this_machine_needs_no_tls(course: Course, place: str) -> None:
    assert Scheduler.at(f"tcp://{place}:8786", course).certificates is None


def test_within_this_process_nothing_is_sent(course: Course) -> None:
    assert Scheduler.at("inproc://192.0.2.2/1/1", course).scheme == "inproc"


def test_who_says_insecure_may_use_another_machine(course: Course) -> None:
    scheduler = Scheduler.at(f"tcp://{ELSEWHERE}:8786", course, insecure=True)
    assert (scheduler.host, scheduler.port) == (ELSEWHERE, 8786)


def names(*places: str) -> Callable[..., list[tuple[object, ...]]]:
    return lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (place, 8786)) for place in places]


def test_a_name_that_is_also_another_machines_is_refused(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", names("127.0.0.1", ELSEWHERE))
    with pytest.raises(CourseError, match="is another machine"):
        Scheduler.at("tcp://grading:8786", course)


def test_a_name_that_becomes_another_machines_is_refused(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", names("127.0.0.1"))
    scheduler = Scheduler.at("tcp://grading:8786", course)
    monkeypatch.setattr(socket, "getaddrinfo", names(ELSEWHERE))
    assert "is another machine" in refused(scheduler)


@pytest.mark.parametrize("address", ["ucx://127.0.0.1:8786", "ws://127.0.0.1:8786", "http://localhost:8787"])
def test_other_protocols_are_refused(course: Course, address: str) -> None:
    with pytest.raises(CourseError, match=r"cannot be used\. Use tls://HOST:PORT"):
        Scheduler.at(address, course, insecure=True)


@pytest.mark.parametrize(
    "address", ["tcp://:8786", "tcp://localhost:port", "tcp://localhost:99999", "tcp://a:b:1", "tcp://[::1"]
)
def test_what_is_no_address_is_named(course: Course, address: str) -> None:
    with pytest.raises(CourseError, match=r"--scheduler tcp://.*Use tls://HOST:PORT"):
        Scheduler.at(address, course)


def test_a_machine_that_does_not_exist_is_named(course: Course) -> None:
    with pytest.raises(CourseError, match="no such machine"):
        Scheduler.at("tcp://nowhere.invalid:8786", course)


def test_the_command_refuses_in_one_line_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    command = ["course", "grade", LAB1, "--folder", str(tmp_path), "--scheduler", f"tcp://{ELSEWHERE}:8786"]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit):
        cli.main()
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    assert said.err.startswith("✗ --scheduler tcp://198.51.100.1:8786 is another machine")
    assert list(tmp_path.iterdir()) == []


# --- who else listens ------------------------------------------------------------------------------

# A network of nobody else's: what listens there without TLS is heard by nobody.
_ALONE = """
import json, sys
from dataclasses import replace
from pathlib import Path
from tests.instructor.test_scheduler import alone
print(json.dumps(alone(Path(sys.argv[1]), json.loads(sys.argv[2]))))
"""
_NETWORK = 'ip link set lo up && ip address add 198.51.100.7/24 dev lo && exec "$@"'


def alone(folder: Path, tls: dict[str, str]) -> dict[str, str]:
    """Return what is said of three clusters of which a part listens to all, or speaks no TLS."""
    course = replace(load_course(ROOT), tls=tls)
    quiet = [NO_DASHBOARD]
    one = ["--nthreads", "1"]
    files = ["--tls-ca-file", tls["ca"], "--tls-cert", tls["cert"], "--tls-key", tls["key"]]
    said = {}

    plain = "tcp://127.0.0.1:8786"
    with running(["dask", "scheduler", *quiet], ["dask", "worker", plain, *one, *quiet], folder=folder):
        wait_for_workers(plain, 1)
        said["scheduler"] = refused(Scheduler.at(plain, course))
        with Scheduler.at("tcp://198.51.100.7:8786", course, insecure=True).client() as client:
            said["insecure"] = client.submit(str, 1).result()
    local = ["dask", "scheduler", "--host", "127.0.0.1", *quiet]
    with running(local, ["dask", "worker", plain, *one, *quiet], folder=folder):
        wait_for_workers(plain, 1)
        said["worker"] = refused(Scheduler.at(plain, course))

    encrypted = "tls://198.51.100.7:8786"
    lax = {"DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "false"}
    worker = [
        "dask",
        "worker",
        encrypted,
        "--protocol",
        "tcp",
        "--host",
        "198.51.100.7",
        "--no-nanny",
        *files,
        *one,
        *quiet,
    ]
    os.environ |= lax
    with running(["dask", "scheduler", "--protocol", "tls", *files, *quiet], worker, folder=folder):
        certificates = Scheduler.at(encrypted, course).certificates
        assert certificates is not None
        wait_for_workers(encrypted, 1, certificates.security())
        said["mixed"] = refused(Scheduler.at(encrypted, course))
    return said


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory, ours: dict[str, str]) -> dict[str, str]:
    own_network = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", _NETWORK, "sh"]
    if not shutil.which("ip") or subprocess.run([*own_network, "true"], check=False).returncode:
        pytest.skip("no network namespaces here")
    folder = tmp_path_factory.mktemp("alone")
    result = subprocess.run(
        [*own_network, sys.executable, "-c", _ALONE, str(folder), json.dumps(ours)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    said: dict[str, str] = json.loads(result.stdout)
    return said


def test_a_plain_scheduler_that_listens_to_the_network_is_refused_by_any_address(
    exposed: dict[str, str],
) -> None:
    assert exposed["scheduler"].startswith("The scheduler listens at tcp://0.0.0.0:8786 without TLS")


def test_a_plain_worker_that_listens_to_the_network_is_refused(exposed: dict[str, str]) -> None:
    assert exposed["worker"].startswith("The worker tcp://127.0.0.1:")
    assert " listens at tcp://0.0.0.0:" in exposed["worker"]
    assert "Start scheduler and workers with --host 127.0.0.1" in exposed["worker"]


def test_a_plain_worker_of_a_scheduler_with_tls_is_refused(exposed: dict[str, str]) -> None:
    assert exposed["mixed"].startswith("The worker tcp://198.51.100.7:")


def test_who_says_insecure_may_use_them(exposed: dict[str, str]) -> None:
    assert exposed["insecure"] == "1"


# --- which certificates ----------------------------------------------------------------------------


def test_certificates_are_no_limits_and_lie_where_course_toml_does(
    tmp_path: Path, ours: dict[str, str]
) -> None:
    for name, path in ours.items():
        shutil.copy(path, tmp_path / f"{name}.pem")
    section = "".join(f'{name} = "{name}.pem"\n' for name in ours)
    (tmp_path / "course.toml").write_text((ROOT / "course.toml").read_text() + f"\n[grading.tls]\n{section}")
    course = load_course(tmp_path)
    assert Limits.from_settings(course.grading) == Limits.from_settings(load_course(ROOT).grading)
    found = Scheduler.at("tls://localhost", course).certificates
    assert found is not None and found.key == str(tmp_path / "key.pem")


def test_doctor_says_whether_certificates_can_be_used(
    course: Course, ours: dict[str, str], tmp_path: Path
) -> None:
    assert doctor._tls(course) == []
    assert [fine for _, fine, _ in doctor._tls(replace(course, tls=ours))] == [True]
    missing = {**ours, "ca": str(tmp_path / "ca.pem")}
    [(_, fine, said)] = doctor._tls(replace(course, tls=missing))
    assert fine is False and "ca.pem cannot be read" in said


def in_dask(tls: dict[str, str]) -> dict[str, str]:
    """Return the settings of dask that name certificates."""
    names = {"ca": "ca-file", "cert": "client.cert", "key": "client.key"}
    return {f"distributed.comm.tls.{names[name]}": value for name, value in tls.items()}


def test_certificates_may_stand_in_the_configuration_of_dask(course: Course, ours: dict[str, str]) -> None:
    with dask.config.set(in_dask(ours)):
        found = Scheduler.at("tls://localhost", course).certificates
    assert found is not None and found.security().require_encryption
    with pytest.raises(CourseError, match=r"tls:// needs certificates: name them in course\.toml"):
        Scheduler.at("tls://localhost", course)


def test_a_certificate_and_its_key_may_share_a_file_that_only_we_can_read(
    course: Course, ours: dict[str, str], tmp_path: Path
) -> None:
    both = tmp_path / "both.pem"
    both.write_text(Path(ours["cert"]).read_text() + Path(ours["key"]).read_text())
    with dask.config.set(in_dask({"ca": ours["ca"], "cert": str(both)})):
        both.chmod(0o600)
        Scheduler.at("tls://localhost", course)
        both.chmod(0o640)
        with pytest.raises(CourseError, match=r"Others .* may read the key .*both\.pem: `chmod 600"):
            Scheduler.at("tls://localhost", course)


def test_certificates_may_stand_in_the_configuration_of_dask_as_text(
    course: Course, ours: dict[str, str]
) -> None:
    texts = {name: Path(path).read_text() for name, path in ours.items()}
    with dask.config.set(in_dask(texts)):
        Scheduler.at("tls://localhost", course)
    with (
        dask.config.set(in_dask({**texts, "key": "no\nkey\n"})),
        pytest.raises(CourseError, match="what dask's configuration holds are no certificate and key"),
    ):
        Scheduler.at("tls://localhost", course)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"key": "nowhere.pem"}, r"nowhere\.pem cannot be read: No such file"),
        ({"ca": "."}, r"cannot be read: Is a directory"),
        ({"key": "shared.key"}, r"Others .* may read the key .*shared\.key: `chmod 600 .*shared\.key`"),
        ({"ca": "damaged.pem"}, r"damaged\.pem holds no certificate in PEM format"),
        ({"cert": "damaged.pem"}, r"damaged\.pem and .* are no certificate and key in PEM format"),
        ({"key": "damaged.pem"}, r"damaged\.pem are no certificate and key in PEM format"),
        ({"key": "other.key"}, r"other\.key is not the key of the certificate"),
        ({"key": "secret.key"}, r"The key has a password, which dask cannot enter"),
        ({"key": 5}, r"\[grading\.tls\] key must name a file, not 5"),
        ({"key": " "}, r"\[grading\.tls\] key must name a file, not ' '"),
        ({"password": "x"}, r"\[grading\.tls\] takes ca, cert, key, all three"),
    ],
)
def test_certificates_that_cannot_be_used_are_named(
    course: Course, authority: Path, ours: dict[str, str], section: dict[str, object], message: str
) -> None:
    (authority / "damaged.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    (authority / "damaged.pem").chmod(0o600)
    shutil.copy(ours["key"], authority / "shared.key")
    (authority / "shared.key").chmod(0o644)
    shutil.copy(authority / "ca.key", authority / "other.key")
    if not (authority / "secret.key").exists():
        openssl(
            "pkey", "-in", ours["key"], "-aes256", "-passout", "pass:secret", "-out", authority / "secret.key"
        )
    with pytest.raises(CourseError, match=message):
        Scheduler.at("tls://localhost", replace(course, root=authority, tls={**ours, **section}))
