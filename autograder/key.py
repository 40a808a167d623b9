"""Answer keys: tell a right number from a wrong one without holding it.

A key stores, for each check, a *secure sketch* of every expected number and one digest of them all.
The axis of numbers is cut into buckets of the width that the check's precision allows, and the grid is
shifted so that the expected number lies near the centre of its bucket. Width and shift are public; the
numbers of the buckets are not, and one scrypt digest joins those of all numbers of a check, so that
none of them can be tried alone.

The shift is one of a few steps of a width, and for a reason. The exact one would put the number right in
the centre, and tell it: an expected number is a binary fraction, the grid is decimal, and the part of a
binary fraction behind the decimal point gives the part before it modulo a power of five. Rounded to a
step, the shift says no more than the step: numbers of every bucket have it, and as many of each, as long
as a bucket holds many binary fractions. It still tells which of a few likely numbers fit, two bits of
each; so no check rests on a few numbers that are likely beforehand.

What lies within half a width of the centre is accepted. That is never less than three eighths of a width on
either side of the expected number. There are no boundary cases, because all of this is done in rational
arithmetic.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from autograder.errors import KeyFileError
from autograder.language import LANGUAGES
from autograder.observation import Observation

FORMAT = 4
# The group of entry points that name the packages with answer keys.
KEYS = "autograder.keys"
_REMEDY = "Install the course package again; an author rebuilds it with `course build`."
# Steps of a shift per width. Replays agree far better than an eighth of a bucket; an interval compared to two
# digits does not, and has to lie in the centre.
_STEPS, _STEPS_OF_FEW_DIGITS = 4, 20
_FEW_DIGITS = 3
# Replays agree far better than a bucket is wide, so a known wrong answer lies close to the centre of its own:
# an eighth of a width away, for the steps of its shift.
HINT_DISTANCE = Fraction(1, 4)
# Cost of one digest: about 40 ms and 16 MiB, for us once per check, for a guesser once per guess.
_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}


@dataclass(frozen=True)
class Bucket:
    """Where the grid of buckets of one number lies: `width` = 10**exponent, and its `shift`, in widths."""

    exponent: int
    shift: Fraction

    @property
    def width(self) -> Fraction:
        """Return the width of a bucket."""
        return Fraction(10) ** self.exponent

    def number_of(self, value: float) -> int | None:
        """Return the number of the bucket that `value` lies in, None on the edge between two."""
        position = Fraction(value) / self.width - self.shift + Fraction(1, 2)
        return None if position.denominator == 1 else math.floor(position)

    def offset(self, value: float, number: int) -> Fraction:
        """Return how far `value` lies from the centre of bucket `number`, in widths."""
        return Fraction(value) / self.width - self.shift - number


def sketch(value: float, digits: int) -> tuple[Bucket, int]:
    """Cut the axis so that `value` is near the centre of its bucket.

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
    position = Fraction(value) / Fraction(10) ** exponent
    number = round(position)
    steps = _STEPS_OF_FEW_DIGITS if digits <= _FEW_DIGITS else _STEPS
    return Bucket(exponent, Fraction(round((position - number) * steps), steps)), number


def digest(check: str, numbers: Sequence[int], text: str | None, salt: bytes) -> str:
    """Return the scrypt digest that joins all bucket numbers, and the text, of one check."""
    message = json.dumps([check, list(numbers), text], ensure_ascii=False).encode()
    return hashlib.scrypt(message, salt=salt, **_SCRYPT).hex()


@dataclass(frozen=True)
class Seal:
    """What a key holds of one observation: the grids of its numbers and the digest of all buckets."""

    digest: str
    buckets: tuple[Bucket, ...] = ()

    def opens(self, observation: Observation, salt: str, *, near: Fraction = Fraction(1, 2)) -> bool:
        """Tell whether an observation is the one that was sealed.

        Args:
            observation: any.
            salt: of the check.
            near: how far a number may lie from its bucket's centre, in widths. A small distance
                tells nearly all other observations apart without the cost of a digest.
        """
        values = observation.values
        if len(values) != len(self.buckets) or not all(math.isfinite(v) for v in values):
            return False
        numbers = []
        for bucket, value in zip(self.buckets, values, strict=True):
            number = bucket.number_of(value)
            if number is None or abs(bucket.offset(value, number)) > near:
                return False
            numbers.append(number)
        return digest(observation.name, numbers, observation.text, bytes.fromhex(salt)) == self.digest


@dataclass(frozen=True)
class Clue:
    """What one check observes of a known wrong answer.

    One number may have many causes. So the whole cell is the evidence: a hint is given only where the same
    checks refuse an answer as refuse the known one.

    Attributes:
        hint: index of the hint.
        refused: names of all checks of the cell that refuse the known answer.
        seal: of what this check observes.
    """

    hint: int
    refused: frozenset[str]
    seal: Seal


@dataclass(frozen=True)
class KeyEntry:
    """What a key holds of one check.

    Attributes:
        block: the marked block that the check belongs to.
        points: its marks.
        digits: significant digits compared.
        salt: of all digests of the check.
        expected: the expected observation.
        clues: what known wrong answers look like to the check.
    """

    block: str
    points: float
    digits: int
    salt: str
    expected: Seal
    clues: tuple[Clue, ...] = ()


def enrol(observation: Observation, lab: str) -> KeyEntry:
    """Make the key entry of an expected observation.

    The salt is derived from the names, so that a key is rebuilt byte for byte; it is no secret, and
    only has to differ from check to check.
    """
    salt = hashlib.blake2b(f"{lab}/{observation.name}".encode(), digest_size=16).hexdigest()
    return KeyEntry(
        block=observation.block,
        points=observation.points,
        digits=observation.digits,
        salt=salt,
        expected=seal(observation, salt),
    )


def seal(observation: Observation, salt: str) -> Seal:
    """Seal an observation, so that it can be recognised and not read."""
    sketches = [sketch(value, observation.digits) for value in observation.values]
    numbers = [number for _, number in sketches]
    return Seal(
        digest=digest(observation.name, numbers, observation.text, bytes.fromhex(salt)),
        buckets=tuple(bucket for bucket, _ in sketches),
    )


def agree(expected: Observation, seen: Observation) -> bool:
    """Tell whether a key made from `expected` would accept `seen`: the same rule, without a digest.

    For a process that knows the expected observation.
    """
    if seen.error is not None or expected.error is not None or expected.text != seen.text:
        return False
    if len(expected.values) != len(seen.values):
        return False
    for right, value in zip(expected.values, seen.values, strict=True):
        bucket, number = sketch(right, expected.digits)
        if not math.isfinite(value) or bucket.number_of(value) != number:
            return False
    return True


@dataclass(frozen=True)
class AnswerKey:
    """The answer key of one lab, for the public seed.

    Attributes:
        lab: the lab's id.
        seed: the public seed of all replays in practice.
        blocks: the marked blocks in notebook order, with their full marks.
        manual: the open questions that a person marks, with their full marks.
        checks: the entry of every check.
        hints: what to say to known wrong answers, by language.
        languages: of the lab.
        headings: what the lab, its blocks and its cells are called where a person reads of them, by language.
        source: digest of all that the key was built from; see `course build`.
    """

    lab: str
    seed: int
    blocks: Mapping[str, float] = field(default_factory=dict)
    manual: Mapping[str, float] = field(default_factory=dict)
    checks: Mapping[str, KeyEntry] = field(default_factory=dict)
    hints: tuple[Mapping[str, str], ...] = ()
    source: str = ""
    languages: tuple[str, ...] = LANGUAGES
    headings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def accepts(self, observation: Observation) -> bool:
        """Tell whether the key holds this check and accepts what was observed.

        It does when every number lies in its bucket and the text is right.
        """
        entry = self.checks.get(observation.name)
        return (
            entry is not None and observation.error is None and entry.expected.opens(observation, entry.salt)
        )

    def hint(self, observation: Observation, refused: Collection[str]) -> Mapping[str, str] | None:
        """Return the hint, by language, for an observation that a known wrong answer makes.

        Args:
            observation: of one check.
            refused: names of all checks of the cell that refuse the answer.

        Returns:
            None for any other observation, so for every right one, and where other checks tell that the
            answer is not the known one.
        """
        entry = self.checks.get(observation.name)
        if entry is None:
            return None
        for clue in entry.clues:
            if clue.refused == set(refused) and clue.seal.opens(observation, entry.salt, near=HINT_DISTANCE):
                return self.hints[clue.hint]
        return None

    def recognises(self, observation: Observation) -> bool:
        """Tell whether a known wrong answer makes this observation, whatever else it does."""
        entry = self.checks.get(observation.name)
        return entry is not None and any(
            clue.seal.opens(observation, entry.salt, near=HINT_DISTANCE) for clue in entry.clues
        )

    def dumps(self) -> str:
        """Return the text of the key file."""
        checks = {
            name: {
                "block": entry.block,
                "points": entry.points,
                "digits": entry.digits,
                "salt": entry.salt,
                **_seal_data(entry.expected),
                "clues": [
                    {"hint": clue.hint, "refused": sorted(clue.refused), **_seal_data(clue.seal)}
                    for clue in entry.clues
                ],
            }
            for name, entry in self.checks.items()
        }
        data = {
            "format": FORMAT,
            "lab": self.lab,
            "seed": self.seed,
            "source": self.source,
            "languages": list(self.languages),
            "blocks": dict(self.blocks),
            "manual": dict(self.manual),
            "headings": {name: dict(texts) for name, texts in self.headings.items()},
            "checks": checks,
            "hints": [dict(hint) for hint in self.hints],
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
        try:
            data = json.loads(text)
        except ValueError as error:
            raise KeyFileError(f"{source} is damaged: it is not JSON ({error}). {_REMEDY}") from None
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise KeyFileError(f"{source} is not an answer key of format {FORMAT}. {_REMEDY}")
        try:
            hints = tuple({str(k): str(v) for k, v in hint.items()} for hint in data["hints"])
            return cls(
                lab=str(data["lab"]),
                seed=int(data["seed"]),
                blocks={str(name): float(points) for name, points in data["blocks"].items()},
                manual={str(name): float(points) for name, points in data["manual"].items()},
                checks={str(name): _entry(entry, hints) for name, entry in data["checks"].items()},
                hints=hints,
                source=str(data["source"]),
                languages=tuple(str(language) for language in data["languages"]),
                headings={
                    str(name): {str(k): str(v) for k, v in texts.items()}
                    for name, texts in data.get("headings", {}).items()
                },
            )
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
            raise KeyFileError(f"{source} is damaged: {error!r}. {_REMEDY}") from None

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
                f"the answer key {path.name} cannot be read ({type(error).__name__}). {_REMEDY}"
            ) from None
        return cls.loads(text, source=f"the answer key {path.name}")


def _entry(data: dict[str, Any], hints: Sequence[Mapping[str, str]]) -> KeyEntry:
    """Read one check of a key file."""
    bytes.fromhex(data["salt"])
    clues = tuple(
        Clue(int(clue["hint"]), frozenset(map(str, clue["refused"])), _seal(clue)) for clue in data["clues"]
    )
    for clue in clues:
        hints[clue.hint]
    return KeyEntry(
        block=str(data["block"]),
        points=float(data["points"]),
        digits=int(data["digits"]),
        salt=data["salt"],
        expected=_seal(data),
        clues=clues,
    )


def _seal_data(sealed: Seal) -> dict[str, Any]:
    """Return a seal as JSON data."""
    return {
        "digest": sealed.digest,
        "buckets": " ".join(f"{b.exponent}:{float(b.shift):g}" for b in sealed.buckets),
    }


def _seal(data: Mapping[str, Any]) -> Seal:
    """Read a seal of a key file."""
    pairs = (pair.split(":") for pair in data["buckets"].split())
    return Seal(
        str(data["digest"]),
        tuple(Bucket(int(exponent), Fraction(shift)) for exponent, shift in pairs),
    )


def installed_keys() -> dict[str, Path]:
    """Return the key files of the installed labs, by the lab's id.

    A course names the package whose folder keys/ holds them by an entry point of the group
    `autograder.keys`. Of two files for one lab, that of the first entry point in alphabetical order counts.
    """
    found: dict[str, Path] = {}
    for entry in sorted(entry_points(group=KEYS), key=lambda entry: entry.name):
        for folder in _folders(entry.value):
            for path in sorted((Path(folder) / "keys").glob("*.json")):
                found.setdefault(path.stem, path)
    return found


def hidden_packages() -> dict[str, str]:
    """Return the packages of keys that Python does not find because a folder has their name, with the folder.

    It lies in the working folder, as a course's own does in the one above: without code, a folder passes for
    a package.
    """
    return {
        entry.value: folder
        for entry in entry_points(group=KEYS)
        for folder in _folders(entry.value)
        if not (Path(folder) / "keys").is_dir() and not (Path(folder) / "__init__.py").is_file()
    }


def _folders(package: str) -> list[str]:
    """Return the folders of a package, without importing it; none where it cannot be found."""
    try:
        spec = find_spec(package)
    except ImportError:
        return []
    return list(spec.submodule_search_locations or []) if spec else []
