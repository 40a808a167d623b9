"""Certificates with which dask encrypts what it sends: where they are, and whether they can be used."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import dask
from distributed.security import Security

from autograder.instructor.settings import Course, CourseError

_NAMES = ("ca", "cert", "key")
_HOW = 'docs/grading.md, "Many machines", says how to make them.'


@dataclass(frozen=True)
class Certificates:
    """What a client needs to speak with a scheduler over TLS.

    Attributes:
        ca: the authority that signed all certificates of the cluster.
        cert: our own.
        key: of our own; None: it stands in the same file.

    Each is the path of a file, or, in dask's configuration, what such a file would hold.
    """

    ca: str
    cert: str
    key: str | None

    @classmethod
    def find(cls, course: Course) -> Certificates:
        """Return those of course.toml, [grading.tls], or else of dask's own configuration.

        Raises:
            CourseError: if one is not named, missing or damaged, or others can read the key.
        """
        found = _from_settings(course) if course.tls else _from_dask()
        found._require_readable()
        found._require_private()
        found._require_usable()
        return found

    def security(self) -> Security:
        """Return them as dask takes them: who speaks no TLS is refused."""
        return Security(
            require_encryption=True,
            tls_ca_file=self.ca,
            tls_client_cert=self.cert,
            tls_client_key=self.key,
        )

    def context(self) -> ssl.SSLContext:
        """Return what dask makes of them for each connection."""
        made: ssl.SSLContext = self.security().get_connection_args("client")["ssl_context"]
        return made

    def _require_readable(self) -> None:
        for path in (self.ca, self.cert, self.key):
            if path is None or _is_text(path):
                continue
            try:
                with Path(path).open("rb") as file:
                    file.read(1)
            except OSError as error:
                raise CourseError(f"{path} cannot be read: {error.strerror}. {_HOW}") from None

    def _require_private(self) -> None:
        """Whoever has the key reads every submission, and can give any mark."""
        path = self.key or self.cert
        if not _is_text(path) and Path(path).stat().st_mode & 0o077:
            raise CourseError(f"Others on this machine may read the key {path}: `chmod 600 {path}`.")

    def _require_usable(self) -> None:
        """Read them as dask will."""
        key = self.key or "the key in it"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        wrong = f"{name_of(self.ca)} holds no certificate in PEM format."
        try:
            if not _is_text(self.ca):
                context.load_verify_locations(self.ca)
            wrong = f"{name_of(self.cert)} and {name_of(key)} are no certificate and key in PEM format."
            if not _is_text(self.cert) and not _is_text(key):
                context.load_cert_chain(self.cert, self.key, password=_refuse_to_ask)
            self.context()
        except (ssl.SSLError, ValueError) as error:
            if getattr(error, "reason", "") == "KEY_VALUES_MISMATCH":
                wrong = f"{name_of(key)} is not the key of the certificate {name_of(self.cert)}."
            raise CourseError(f"{wrong} {_HOW}") from None


def _from_settings(course: Course) -> Certificates:
    """Return the files that course.toml names, relative to where it lies."""
    section: Any = course.tls
    if not isinstance(section, dict) or set(section) != set(_NAMES):
        raise CourseError(f"course.toml: [grading.tls] takes {', '.join(_NAMES)}, all three. {_HOW}")
    paths = {}
    for name, value in section.items():
        if not isinstance(value, str) or not value.strip():
            raise CourseError(f"course.toml: [grading.tls] {name} must name a file, not {value!r}.")
        paths[name] = str(course.root / Path(value).expanduser())
    return Certificates(**paths)


def _from_dask() -> Certificates:
    """Return what dask's files or the environment name: DASK_DISTRIBUTED__COMM__TLS__CA_FILE and so on."""
    names = ("ca-file", "client.cert", "client.key")
    ca, cert, key = (dask.config.get(f"distributed.comm.tls.{name}", None) for name in names)
    if not ca or not cert:
        raise CourseError(
            "tls:// needs certificates: name them in course.toml, [grading.tls], as ca, cert and key, or in "
            f"dask's own configuration, distributed.comm.tls. {_HOW}"
        )
    return Certificates(ca, cert, key or None)


def _is_text(value: str) -> bool:
    """Return whether this is a certificate or a key itself, and not the path of one."""
    return "\n" in value


def name_of(value: str) -> str:
    """Return the path of a certificate or key; one that dask's configuration holds as text has none."""
    return "what dask's configuration holds" if _is_text(value) else value


def _refuse_to_ask() -> NoReturn:
    """Dask would ask the terminal for a password, also where nobody sits at it."""
    raise CourseError("The key has a password, which dask cannot enter: `openssl pkey -in KEY -out NEW_KEY`.")
