"""timestamp.txt is read right, or said to be unreadable: a misread time takes marks from the punctual."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.instructor.grade.times import Stamp, TimeStampError, read_stamp, read_time, written

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def read(content: str | bytes) -> str:
    """Return a time in UTC, as text; "" where it is not readable."""
    try:
        return str(read_time(content.encode() if isinstance(content, str) else content, NOW))
    except TimeStampError:
        return ""


EVENING, NIGHT = "2026-11-20 23:59:00", "2026-11-21 05:59:00"
READABLE = {
    # offsets
    "2026-11-20 20:00 -0600": "2026-11-21 02:00:00",
    "2026-11-21 00:30 +0100": "2026-11-20 23:30:00",
    "2026-11-20 23:59 -06:00": NIGHT,
    "2026-11-20 23:59-06": NIGHT,
    "2026-11-20T23:59-06:00": NIGHT,
    "2026-11-20 23:59 \N{MINUS SIGN}0600": NIGHT,
    "2026-11-20 23:59 UTC-6": NIGHT,
    "2026-11-20 23:59 GMT+05:30": "2026-11-20 18:29:00",
    # names of zones
    "2026-11-21T08:00:00Z": "2026-11-21 08:00:00",
    "2026-11-20 23:59 UTC": EVENING,
    "2026-11-20 11:59 PM EST": "2026-11-21 04:59:00",
    "2026-07-20 11:59 PM EDT": "2026-07-21 03:59:00",
    "2026-11-20 23:59 CST": NIGHT,
    "2026-11-20 23:59 America/Mexico_City": NIGHT,
    "2026-07-20 23:59 Europe/Madrid": "2026-07-20 21:59:00",
    "2026-11-20 23:59 Etc/GMT+6": NIGHT,
    "2026-11-20T23:59-06:00[America/Mexico_City]": NIGHT,
    "2026-11-20 23:59:00 -0600 CST": NIGHT,
    # without a zone: in UTC, as nbgrader takes it
    "2026-11-20 23:59": EVENING,
    '"2026-11-20 23:59"\r\n': EVENING,
    # the two halves of a day
    "2026-11-21 8:00 PM": "2026-11-21 20:00:00",
    "2026-11-20 11:59PM": EVENING,
    "2026-11-20 11:59\N{NARROW NO-BREAK SPACE}p.\N{NO-BREAK SPACE}m.": EVENING,
    "2026-11-20 12:30 am": "2026-11-20 00:30:00",
    "2026-11-20 12:30 pm": "2026-11-20 12:30:00",
    "2026-11-20 8 PM": "2026-11-20 20:00:00",
    # words
    "20 de noviembre de 2026, 23:59": EVENING,
    "viernes, 20 de noviembre de 2026, 23:59": EVENING,
    "sábado 21 de noviembre de 2026 a las 8:00 p. m.": "2026-11-21 20:00:00",
    "mar 24 nov 2026 10:00": "2026-11-24 10:00:00",
    "mar 3 mar 2026 10:00": "2026-03-03 10:00:00",
    "Friday, 20 November 2026, 11:59 PM": EVENING,
    "Nov 20, 2026 at 11:59pm": EVENING,
    "Nov 20th 2026 23:59": EVENING,
    "Fri Nov 20 23:59:00 UTC 2026": EVENING,
    "Fri Nov 20 23:59:00 2026": EVENING,
    "Fri, 20 Nov 2026 23:59:00 -0600": NIGHT,
    "Fri Nov 20 2026 23:59:00 GMT-0600 (Central Standard Time)": NIGHT,
    "20-Nov-2026 23:59": EVENING,
    # numbers alone
    "2026-11-20T23:59:00,123456Z": "2026-11-20 23:59:00.123456",
    "2026-11-20 23:59:00.5 UTC": "2026-11-20 23:59:00.500000",
    "20261120T235900Z": EVENING,
    "2026-11-20 24:00": "2026-11-21 00:00:00",
    "20/11/2026 23:59": EVENING,
    "11/20/2026 11:59 PM": EVENING,
    "11.11.2026 10:00": "2026-11-11 10:00:00",
    "1795219140": EVENING,
    "1795219140.5": "2026-11-20 23:59:00.500000",
    "1795219140000": EVENING,
}  # fmt: skip
UNREADABLE = (
    "", " \n", "yesterday", "soon", "9" * 40 + "h", "9" * 900, "NaN", "0x7fffffff", "1e9",
    # could be several
    "05/11/2026 23:59", "20/11/26 23:59", "2026-11-20 23:59 IST", "2026-11-20 23:59 A",
    "2026-10-25 02:30 Europe/Madrid", "2026-11-20 23:59 -600", "2026-11-20 23:59 +1", "2026-11-20", "23:59",
    # never was
    "2026-02-30 10:00", "2026-11-20 25:00", "2026-11-20 23:60", "2026-11-20 13:00 PM", "2026-11-20 0:30 AM",
    "2026-03-29 02:30 Europe/Madrid", "Mon Nov 20 23:59:00 2026", "2026-11-20 23:59 +2500",
    # contradicts itself, or says more than a time
    "2026-11-20 23:59 +0100 CST", "2026-11-20 2026-11-21 23:59", "2026-11-20 23:59 10:00",
    "2026-11-20 23:59 12", "2026-11-20 23:59 Europe/Atlantis", "2026-11-20 23:59 MYZONE",
    "2026-11-20 23:59 (in Rome)", "2026-11-20 23:59 ../../etc/passwd", "8 de la tarde, 20 nov 2026",
    # cannot be
    "1999-12-31 23:59", "0001-01-01 00:00 +1400", "2026-11-28 10:00", "9999-12-31 23:59 -1400", "0",
)  # fmt: skip


@pytest.mark.parametrize("text", READABLE)
def test_a_time_is_read_as_a_person_reads_it(text: str) -> None:
    assert read(text) == READABLE[text]


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_is_no_time_or_could_be_several_is_unreadable(text: str) -> None:
    assert read(text) == ""


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_any_encoding_will_do(encoding: str) -> None:
    assert read("sábado 21 nov 2026, 08:00".encode(encoding)) == "2026-11-21 08:00:00"


def test_a_clock_that_is_a_little_fast_is_believed() -> None:
    assert read("2026-11-27 11:59") and not read("2026-11-27 12:01")


TEXTS = st.one_of(
    st.binary(max_size=1000),
    st.text(max_size=250).map(lambda text: text.encode()),
    st.lists(
        st.sampled_from([*"-:/()[t ", "2026", "11", "20", "+06", "pm", "a ", "mar", "utc", "9" * 30]),
        max_size=100,
    ).map(lambda parts: "".join(parts).encode()[:1000]),
    st.tuples(st.text(alphabet="a1 :/-(.\n", min_size=1, max_size=3), st.integers(1, 1000)).map(
        lambda found: (found[0] * found[1]).encode()[:1000]
    ),
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(TEXTS)
def test_whatever_stands_there_is_a_time_or_unreadable_at_once(content: bytes) -> None:
    begin = time.process_time()
    try:
        assert datetime(2000, 1, 1) <= read_time(content, NOW) <= datetime(2026, 11, 27, 12)
    except TimeStampError as error:
        assert str(error).isprintable() and 0 < len(str(error)) < 100
    assert time.process_time() - begin < 0.5


@given(st.datetimes(datetime(2000, 1, 2), datetime(2026, 11, 25)), st.integers(-14 * 4, 14 * 4))
def test_every_time_in_every_zone_comes_back(when: datetime, quarters: int) -> None:
    offset = timedelta(minutes=15 * quarters)
    local = (when + offset).isoformat(sep=" ")
    sign = "-" if quarters < 0 else "+"
    hours, minutes = divmod(15 * abs(quarters), 60)
    assert read(f"{local} {sign}{hours:02}{minutes:02}") == str(when)
    assert read(f"{local}{sign}{hours:02}:{minutes:02}") == str(when)
    assert read(written(when)) == str(when)


# --- the file --------------------------------------------------------------------------------------


def test_no_file_is_no_time(tmp_path: Path) -> None:
    assert read_stamp(tmp_path) == Stamp()
    assert read_stamp(tmp_path / "nowhere") == Stamp()


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "timestamp.txt").write_text("2026-11-20 23:59 -0600\n")
    assert read_stamp(tmp_path) == Stamp(datetime(2026, 11, 21, 5, 59))


@pytest.mark.parametrize("kind", ["link", "dead link", "pipe", "folder", "huge", "closed"])
def test_what_is_no_small_ordinary_file_is_unreadable(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "timestamp.txt"
    (tmp_path / "other").write_text("2026-11-20 23:59")
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif "link" in kind:
        path.symlink_to(tmp_path / ("other" if kind == "link" else "none"))
    elif kind == "huge":
        with path.open("wb") as file:
            file.truncate(2**40)
    else:
        path.write_text("2026-11-20 23:59")
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("root may read everything")
    stamp = read_stamp(tmp_path)
    assert stamp.when is None and stamp.unreadable
