"""When a submission was handed in: read timestamp.txt right, or say that it cannot be read.

A misread time takes marks away from who was punctual, or gives them to who was late. So everything in the
text must be understood, each part may stand there once, and what can be meant in two ways is not read. A
time without a zone is in UTC, as nbgrader takes it.
"""

from __future__ import annotations

import calendar
import codecs
import functools
import os
import re
import stat
import unicodedata
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path

NAME = "timestamp.txt"
_MAX_BYTES = 1000
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)
# A clock may be wrong, and a zone may be left out.
_AHEAD = timedelta(days=1)
_MAX_OFFSET = timedelta(hours=14)


class TimeStampError(ValueError):
    """A text that is no time, or that could be several."""


@dataclass(frozen=True)
class Stamp:
    """What a submission's folder says about when it was handed in.

    Attributes:
        when: in UTC without a zone, as nbgrader keeps times; None if it does not say so, or not readably.
        unreadable: text that stands in place of a time, on one line; None where all is well.
    """

    when: datetime | None = None
    unreadable: str | None = None


def read_stamp(folder: Path) -> Stamp:
    """Read timestamp.txt of a submission's folder; never raises on account of what lies there.

    Students may hand one in: a link would lead out of the folder, a pipe would never end.
    """
    path = folder / NAME
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return Stamp(unreadable="no ordinary file")
        with open(path, "rb", opener=_open_quietly) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return Stamp(unreadable="no ordinary file")
            content = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return Stamp()
    except OSError as error:
        return Stamp(unreadable=error.strerror or type(error).__name__)
    try:
        return Stamp(read_time(content))
    except TimeStampError as error:
        return Stamp(unreadable=str(error))


def _open_quietly(path: str, flags: int) -> int:
    """Open a file, unless it has become a link since; a pipe is not waited for."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def read_time(content: bytes, now: datetime | None = None, zone: tzinfo = UTC) -> datetime:
    """Return the time that a file says, in UTC without a zone.

    Args:
        content: content of the file, in any encoding that says what it is.
        now: the present time, with its zone; None: the clock's.
        zone: of a time that names none.

    Raises:
        TimeStampError: with an excerpt, if it is none, is ambiguous, or cannot be when somebody handed in.
    """
    if len(content) > _MAX_BYTES:
        raise TimeStampError(f"more than {_MAX_BYTES} bytes")
    text = _decoded(content)
    shown = _excerpt(text)
    try:
        found = _parse(_plain(text), zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise TimeStampError(shown) from None
    if not _FIRST <= found <= (now or datetime.now(UTC)) + _AHEAD:
        raise TimeStampError(shown)
    return found.replace(tzinfo=None)


def written(when: datetime) -> bytes:
    """Return the content of a timestamp.txt that every program reads alike."""
    return f"{when.isoformat(sep=' ')} UTC\n".encode()


# --- from bytes to plain text ----------------------------------------------------------------------

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DASHES = str.maketrans({"\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2212": "-"})


def _decoded(content: bytes) -> str:
    """Return the text; a wrong guess of the encoding is understood by nobody, so it does no harm."""
    encodings = [name for mark, name in _MARKS if content.startswith(mark)][:1]
    if not encodings and content[:2].count(0) == 1:
        encodings = ["utf-16-be" if content[:1] == b"\0" else "utf-16-le"]
    for encoding in encodings or ["utf-8", "cp1252"]:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def _plain(text: str) -> str:
    """Return a text in lower case, without accents and quotation marks around it, on one line.

    Raises:
        ValueError: if it is much longer than any time.
    """
    text = unicodedata.normalize("NFKD", text).translate(_DASHES).casefold()
    if len(text) > _MAX_BYTES:
        raise ValueError
    text = " ".join("".join(char for char in text if not unicodedata.combining(char)).split())
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1].strip() if quoted else text


def _excerpt(text: str) -> str:
    """Return the beginning of a text, so that it can be shown on one line."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return (line if len(line) <= 60 else f"{line[:60]}…") or "empty"


# --- from plain text to a time ---------------------------------------------------------------------

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january ene enero", "feb february febrero", "mar march marzo", "apr april abr abril",
            "may mayo", "jun june junio", "jul july julio", "aug august ago agosto",
            "sep sept september septiembre setiembre", "oct october octubre", "nov november noviembre",
            "dec december dic diciembre",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "mon monday lun lunes", "tue tues tuesday mar martes", "wed wednesday mie miercoles",
            "thu thur thurs thursday jue jueves", "fri friday vie viernes", "sat saturday sab sabado",
            "sun sunday dom domingo",
        )
    )
    for name in names.split()
}  # fmt: skip
# Hours from UTC. What names several zones (IST, BST, AST) is not here; CST is that of Chicago and Mexico.
_ZONES = {
    "z": 0.0, "utc": 0.0, "gmt": 0.0, "wet": 0.0, "west": 1.0, "cet": 1.0, "cest": 2.0, "eet": 2.0,
    "eest": 3.0, "est": -5.0, "edt": -4.0, "cst": -6.0, "cdt": -5.0, "mst": -7.0, "mdt": -6.0, "pst": -8.0,
    "pdt": -7.0, "akst": -9.0, "akdt": -8.0, "hst": -10.0, "art": -3.0, "brt": -3.0, "uyt": -3.0,
    "clt": -4.0, "clst": -3.0, "bot": -4.0, "vet": -4.0, "cot": -5.0, "pet": -5.0,
}  # fmt: skip
_UNIVERSAL = ("utc", "gmt")
# One part of a time after the other; white space between them does not count.
_PARTS = re.compile(
    r"""
      (?P<ymd> [0-9]{4} (?P<s1>[-/.]) [0-9]{1,2} (?P=s1) [0-9]{1,2} (?![0-9]) )
    | (?P<dmy> [0-9]{1,2} (?P<s2>[-/.]) [0-9]{1,2} (?P=s2) [0-9]{4} (?![0-9]) )
    | (?P<dby> [0-9]{1,2} (?P<s3>[-/]) [a-z]{3,10} (?P=s3) [0-9]{4} (?![0-9]) )
    | (?P<time> [0-9]{1,2} [:h] [0-9]{2} (?: : [0-9]{2} (?: [.,][0-9]{1,9} )? )? (?![0-9:]) )
    | (?P<offset> [+-] [0-9]{1,2} (?: :? [0-9]{2} )? (?![0-9:]) )
    | (?P<number> [0-9]{1,4} (?: st | nd | rd | th )? (?![0-9a-z]) )
    | (?P<half> [ap] (?: \.? [ ]? m ) (?![a-z]) )
    | (?P<zone> \[? [a-z]+ (?: / [a-z0-9_+-]+ )+ \]? )
    | (?P<comment> \( [a-z. ]+ \) )
    | (?P<filler> (?: a[ ]las? | at | on | the | of | el | del? ) (?![a-z]) | (?<=[0-9]) t (?=[0-9])
        | (?<=[0-9]) [ ]? h (?: s | rs | oras )? (?![a-z0-9]) | [,.] )
    | (?P<word> [a-z]+ )
    | (?P<space> [ ] )
    """,
    re.VERBOSE,
)
_EPOCH = re.compile(r"@?(?P<s>[0-9]{9,10})(?:[.,](?P<fraction>[0-9]{1,9}))?|(?P<ms>[0-9]{13})")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})[t ]?([0-9]{2})([0-9]{2})([0-9]{2})?(?![0-9])")


@dataclass
class _Parts:
    """What was found in a text, by kind; lists may have one entry at most, but for numbers and zones."""

    dates: list[tuple[int, int, int]] = field(default_factory=list)
    months: list[str] = field(default_factory=list)
    weekdays: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    times: list[str] = field(default_factory=list)
    halves: list[str] = field(default_factory=list)
    zones: list[tzinfo] = field(default_factory=list)


def parse(text: str, zone: tzinfo) -> datetime:
    """Return the time that a text says, in UTC without a zone; it may lie in the future, as a due date does.

    Args:
        text: the text.
        zone: of a time that names none.

    Raises:
        TimeStampError: with the text, if it is none, or is ambiguous.
    """
    try:
        return _parse(_plain(text), zone).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise TimeStampError(_excerpt(text)) from None


def _parse(text: str, zone: tzinfo = UTC) -> datetime:
    """Return the time that a plain text says, with its zone; `zone` where it names none.

    Raises:
        ValueError: if it says none, several, or something else besides.
    """
    if epoch := _EPOCH.fullmatch(text):
        seconds = int(epoch["s"]) if epoch["s"] else int(epoch["ms"]) / 1000
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
            seconds=seconds + float(f"0.{epoch['fraction'] or 0}")
        )
    if compact := _COMPACT.match(text):
        year, month, day, hour, minute, second = compact.groups()
        text = f"{year}-{month}-{day} {hour}:{minute}:{second or '00'}{text[compact.end() :]}"
    parts = _collect(text)
    day = _date(parts)
    return _with_zone(day + _time_of_day(parts), parts.zones or [zone])


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of a text, each with its kind.

    Raises:
        ValueError: at the first that is none.
    """
    place = 0
    while place < len(text):
        match = _PARTS.match(text, place)
        if match is None:
            raise ValueError
        place = match.end()
        kind = next(name for name in reversed(match.groupdict()) if match[name] and len(name) > 2)
        if kind not in ("space", "filler"):
            yield kind, match.group()


def _collect(text: str) -> _Parts:
    """Sort the parts of a text by kind.

    Raises:
        ValueError: if one has no meaning where it stands.
    """
    parts, before = _Parts(), ""
    for kind, token in _tokens(text):
        if kind in ("ymd", "dmy", "dby"):
            parts.dates.append(_numeric_date(kind, token))
        elif kind == "half" and before == "number":
            # "8 pm"
            parts.times.append(f"{parts.numbers.pop()}:00")
            parts.halves.append(token[0])
        elif kind == "half" and before == "time":
            parts.halves.append(token[0])
        elif kind == "offset" and before in ("time", "half", "universal"):
            if before == "universal":
                parts.zones.pop()
            parts.zones.append(_offset(token, short=before == "universal"))
        elif kind == "zone" and before:
            parts.zones.append(_named_zone(token))
        elif kind == "comment" and before == "offset":
            # RFC 2822, and what browsers write: the offset says it all.
            pass
        elif kind == "number":
            parts.numbers.append(token)
        elif kind == "time":
            parts.times.append(token)
        elif kind == "word":
            kind = _take_word(token, parts, before)
        else:
            raise ValueError
        before = kind
    return parts


def _take_word(word: str, parts: _Parts, before: str) -> str:
    """Sort a word; return its kind.

    Raises:
        ValueError: if it is no part of a time.
    """
    if word in _ZONES and parts.times:
        parts.zones.append(timezone(timedelta(hours=_ZONES[word])))
        return "universal" if word in _UNIVERSAL and before in ("time", "half") else "abbreviation"
    if word in _MONTHS:
        parts.months.append(word)
        return "month"
    if word in _WEEKDAYS:
        parts.weekdays.append(word)
        return "weekday"
    raise ValueError


def _numeric_date(kind: str, token: str) -> tuple[int, int, int]:
    """Return year, month and day.

    Raises:
        ValueError: if day and month could be the other way round.
    """
    first, second, third = re.split(r"[-/.]", token)
    if kind == "ymd":
        return int(first), int(second), int(third)
    if kind == "dby":
        if second not in _MONTHS:
            raise ValueError
        return int(third), _MONTHS[second], int(first)
    one, two = int(first), int(second)
    if one <= 12 and two <= 12 and one != two:
        raise ValueError
    return (int(third), two, one) if two <= 12 else (int(third), one, two)


def _offset(token: str, *, short: bool) -> tzinfo:
    """Return the zone of an offset such as -0600; `short`: also of -6, where UTC stands before it.

    Raises:
        ValueError: if there is none so far from UTC.
    """
    digits = token[1:].replace(":", "")
    if len(digits) % 2 and not (short and (len(digits) == 1 or ":" in token)):
        raise ValueError
    hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")
    found = timedelta(hours=int(hours), minutes=int(minutes))
    if int(minutes) > 59 or found > _MAX_OFFSET:
        raise ValueError
    return timezone(-found if token[0] == "-" else found)


@functools.cache
def _zone_names() -> dict[str, str]:
    """Return the names of the IANA database, by the same in lower case."""
    return {name.casefold(): name for name in zoneinfo.available_timezones() if "/" in name}


def _named_zone(token: str) -> tzinfo:
    """Return a zone of the IANA database, such as America/Mexico_City.

    Raises:
        ValueError: if there is none of that name.
    """
    name = token[1:-1] if token.startswith("[") and token.endswith("]") else token
    if name not in _zone_names():
        raise ValueError
    return zoneinfo.ZoneInfo(_zone_names()[name])


def _date(parts: _Parts) -> datetime:
    """Return the day, at its beginning.

    Raises:
        ValueError: if there is none, or more than one, or another day of the week is named.
    """
    months, weekdays = list(parts.months), list(parts.weekdays)
    if len(parts.dates) + len(months) == 2 and "mar" in months:
        # March, and martes: where the month stands elsewhere, it is the day of the week.
        months.remove("mar")
        weekdays.append("mar")
    if len(parts.dates) + len(months) != 1 or len(weekdays) > 1:
        raise ValueError
    if parts.dates:
        if parts.numbers:
            raise ValueError
        year, month, day = parts.dates[0]
    else:
        year, day = _year_and_day(parts.numbers)
        month = _MONTHS[months[0]]
    found = datetime(year, month, day)
    if weekdays and calendar.weekday(year, month, day) != _WEEKDAYS[weekdays[0]]:
        raise ValueError
    return found


def _year_and_day(numbers: list[str]) -> tuple[int, int]:
    """Return what the two numbers beside the name of a month are.

    Raises:
        ValueError: if there are others, or they do not say which is which.
    """
    years = [number for number in numbers if len(number) == 4 and number.isdigit()]
    days = [number.rstrip("stndrh") for number in numbers if number not in years]
    if len(years) != 1 or len(days) != 1 or len(days[0]) > 2:
        raise ValueError
    return int(years[0]), int(days[0])


def _time_of_day(parts: _Parts) -> timedelta:
    """Return the time since midnight.

    Raises:
        ValueError: if there is none: the day alone does not say who was late. Or if there are two, or it is
            no time of a day.
    """
    if len(parts.times) != 1 or len(parts.halves) > 1:
        raise ValueError
    hour_text, minute_text, *rest = re.split(r"[:h]", parts.times[0])
    hour, minute = int(hour_text), int(minute_text)
    whole, _, fraction = (rest[0] if rest else "0").replace(",", ".").partition(".")
    second = int(whole)
    if parts.halves:
        if not 1 <= hour <= 12:
            raise ValueError
        hour = hour % 12 + (12 if parts.halves[0] == "p" else 0)
    midnight = (hour, minute, second) == (24, 0, 0) and not fraction.strip("0")
    if minute > 59 or second > 59 or (hour > 23 and not midnight):
        raise ValueError
    microseconds = int(f"{fraction:0<6}"[:6])
    return timedelta(hours=hour, minutes=minute, seconds=second, microseconds=microseconds)


def _with_zone(local: datetime, zones: list[tzinfo]) -> datetime:
    """Return a time with its zone.

    Raises:
        ValueError: if zones disagree, or clocks showed this time twice, or never, when they were changed.
    """
    times = [local.replace(tzinfo=zone) for zone in zones]
    for time in times:
        if time.utcoffset() != time.replace(fold=1).utcoffset():
            raise ValueError
    if len({time.astimezone(UTC) for time in times}) != 1:
        raise ValueError
    return times[0]
