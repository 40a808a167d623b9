"""Answer keys: tell a right number from a wrong one without holding it.

A key stores, for each check, a *secure sketch* of every expected number and one digest of them all.
The axis of numbers is cut into buckets of the width that the check's precision allows, and the grid is
shifted so that the expected number lies in the centre of its bucket. Width and shift are public; the
numbers of the buckets are not, and one scrypt digest joins those of all numbers of a check, so that
none of them can be tried alone. A number is accepted exactly when it lies within half a width of the
expected one: there are no boundary cases, because all of this is done in rational arithmetic.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from autograder.errors import KeyFileError
from autograder.observation import Observation

FORMAT = 1
# Cost of one digest: about 40 ms and 16 MiB, for us once per check, for a guesser once per guess.
_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}


@dataclass(frozen=True)
class Bucket:
    """Where the grid of buckets of one number lies: `width` = 10**exponent, and the grid's `shift`."""

    exponent: int
    shift: Fraction

    @property
    def width(self) -> Fraction:
        """Return the width of a bucket."""
        return Fraction(10) ** self.exponent

    def number_of(self, value: float) -> int | None:
        """Return the number of the bucket that `value` lies in, None on the edge between two."""
        position = (Fraction(value) - self.shift) / self.width + Fraction(1, 2)
        return None if position.denominator == 1 else math.floor(position)


def sketch(value: float, digits: int) -> tuple[Bucket, int]:
    """Cut the axis so that `value` is in the centre of its bucket.

    Args:
        value: a finite number.
        digits: significant digits to compare; the bucket's width is 10^(floor(log10|value|) - digits + 1).

    Returns:
        The public grid and the secret number of the bucket.

    Raises:
        ValueError: if the value is not finite.
    """
    if not math.isfinite(value):
        raise ValueError(f"only finite numbers can be enrolled in a key, not {value}")
    leading = Decimal(value).adjusted() if value else 0
    exponent = leading - digits + 1
    width = Fraction(10) ** exponent
    number = round(Fraction(value) / width)
    return Bucket(exponent, Fraction(value) - number * width), number


def digest(check: str, numbers: Sequence[int], text: str | None, salt: bytes) -> str:
    """Return the scrypt digest that joins all bucket numbers, and the text, of one check."""
    message = json.dumps([check, list(numbers), text], ensure_ascii=False).encode()
    return hashlib.scrypt(message, salt=salt, **_SCRYPT).hex()


@dataclass(frozen=True)
class KeyEntry:
    """What a key holds of one check."""

    block: str
    points: float
    digits: int
    salt: str
    digest: str
    buckets: tuple[Bucket, ...] = ()

    def accepts(self, observation: Observation) -> bool:
        """Tell whether every number of the observation lies in its bucket, and its text is right."""
        values = observation.values
        if len(values) != len(self.buckets) or not all(math.isfinite(v) for v in values):
            return False
        numbers = [b.number_of(v) for b, v in zip(self.buckets, values, strict=True)]
        if any(number is None for number in numbers):
            return False
        found = digest(
            observation.name,
            [number for number in numbers if number is not None],
            observation.text,
            bytes.fromhex(self.salt),
        )
        return found == self.digest


def enrol(observation: Observation, lab: str) -> KeyEntry:
    """Make the key entry of an expected observation.

    The salt is derived from the names, so that a key is rebuilt byte for byte; it is no secret, and
    only has to differ from check to check.
    """
    salt = hashlib.blake2b(f"{lab}/{observation.name}".encode(), digest_size=16).hexdigest()
    sketches = [sketch(value, observation.digits) for value in observation.values]
    numbers = [number for _, number in sketches]
    return KeyEntry(
        block=observation.block,
        points=observation.points,
        digits=observation.digits,
        salt=salt,
        digest=digest(observation.name, numbers, observation.text, bytes.fromhex(salt)),
        buckets=tuple(bucket for bucket, _ in sketches),
    )


@dataclass(frozen=True)
class AnswerKey:
    """The answer key of one lab, for the public seed.

    Attributes:
        lab: the lab's id.
        seed: the public seed of all replays in practice.
        blocks: the marked blocks in notebook order, with their full marks.
        manual: the open questions that a person marks, with their full marks.
        checks: the entry of every check.
    """

    lab: str
    seed: int
    blocks: Mapping[str, float] = field(default_factory=dict)
    manual: Mapping[str, float] = field(default_factory=dict)
    checks: Mapping[str, KeyEntry] = field(default_factory=dict)

    def accepts(self, observation: Observation) -> bool:
        """Tell whether the key holds this check and accepts what was observed."""
        entry = self.checks.get(observation.name)
        return entry is not None and entry.accepts(observation)

    def dumps(self) -> str:
        """Return the text of the key file."""
        checks = {
            name: {
                "block": entry.block,
                "points": entry.points,
                "digits": entry.digits,
                "salt": entry.salt,
                "digest": entry.digest,
                "buckets": [[b.exponent, str(b.shift)] for b in entry.buckets],
            }
            for name, entry in self.checks.items()
        }
        data = {
            "format": FORMAT,
            "lab": self.lab,
            "seed": self.seed,
            "blocks": dict(self.blocks),
            "manual": dict(self.manual),
            "checks": checks,
        }
        return json.dumps(data, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def loads(cls, text: str, source: str = "the key") -> AnswerKey:
        """Read the text of a key file.

        Args:
            text: the file's content.
            source: what to call it in an error.

        Raises:
            KeyFileError: if the text is not an answer key of this format.
        """
        remedy = "Install the course package again; an author rebuilds it with `course build`."
        try:
            data = json.loads(text)
        except ValueError as error:
            raise KeyFileError(f"{source} is damaged: it is not JSON ({error}). {remedy}") from None
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise KeyFileError(f"{source} is not an answer key of format {FORMAT}. {remedy}")
        try:
            return cls(
                lab=str(data["lab"]),
                seed=int(data["seed"]),
                blocks={str(name): float(points) for name, points in data["blocks"].items()},
                manual={str(name): float(points) for name, points in data["manual"].items()},
                checks={str(name): _entry(entry) for name, entry in data["checks"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
            raise KeyFileError(f"{source} is damaged: {error!r}. {remedy}") from None

    @classmethod
    def load(cls, path: Path) -> AnswerKey:
        """Read a key file.

        Raises:
            KeyFileError: if it cannot be read or is not an answer key.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise KeyFileError(
                f"the answer key {path.name} cannot be read ({type(error).__name__}). Install the "
                "course package again; an author rebuilds it with `course build`."
            ) from None
        return cls.loads(text, source=f"the answer key {path.name}")


def _entry(data: dict[str, Any]) -> KeyEntry:
    """Read one check of a key file."""
    bytes.fromhex(data["salt"])
    return KeyEntry(
        block=str(data["block"]),
        points=float(data["points"]),
        digits=int(data["digits"]),
        salt=data["salt"],
        digest=str(data["digest"]),
        buckets=tuple(Bucket(int(exponent), Fraction(shift)) for exponent, shift in data["buckets"]),
    )


def key_folder() -> Path:
    """Return the folder that holds the keys of the installed labs."""
    return Path(__file__).parent / "keys"
