"""docs/instructors.md: whoever types what it says takes a class from release to export."""

from __future__ import annotations

import csv
import json
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest

from autograder.instructor.kernels import isolation
from autograder.instructor.settings import CourseError
from tests.conftest import LAB1, ROOT
from tests.instructor.conftest import Classroom, MakeClassroom
from tests.instructor.documents import Reader, checkout, steps
from tests.instructor.jupyter import Server, formgrader_server

pytestmark = pytest.mark.slow

DOCUMENT = ROOT / "docs" / "instructors.md"
MARK = 5.0
PARTNER = "10002"
WORKSHEET = """Identifier,Full name,Last modified (submission)
Participant 72,Eva Ríos,"Saturday, 21 November 2026, 8:00 AM"
Participant 99,Luis Paz,-
"""


def download(room: Classroom) -> None:
    """Put the files of the class where the document expects what a learning platform gave."""
    complete = room.notebook()
    files = {
        "10001": room.identified(complete, "10001", PARTNER),
        "10003": room.identified(room.notebook(mistakes=("d_step_no_zero_grad",)), "10003"),
        "10004": room.identified(room.notebook("train_data", "question_models"), "10004"),
    }
    contents = {student: nbformat.writes(notebook) for student, notebook in files.items()}
    people = {"10001": "Ana García", "10003": "Eva Ríos", "10004": "Juan Vega", "10005": "Sol Mora"}
    folder = room.folder / "downloaded"
    folder.mkdir()
    with zipfile.ZipFile(folder / "submissions.zip", "w") as archive:
        for number, (student, name) in enumerate(people.items(), start=71):
            content = contents.get(student, '{"cells": [')
            archive.writestr(f"{name}_{number}_assignsubmission_file/{LAB1}.ipynb", content)
    (folder / "worksheet.csv").write_text(WORKSHEET, encoding="utf-8")
    (room.folder / "downloaded" / "10005.ipynb").write_text(
        nbformat.writes(room.identified(complete, "10005"))
    )


def mark_all(server: Server) -> int:
    """Give marks to all that waits but the partner's, as formgrader's page does; return how many."""

    def ask(path: str, data: Any = None) -> Any:
        request = urllib.request.Request(
            f"{server.address}/formgrader/api/{path}",
            data=None if data is None else json.dumps(data).encode(),
            headers={"Authorization": f"token {server.token}"},
            method="GET" if data is None else "PUT",
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    given = 0
    for submission in ask(f"submitted_notebooks/{LAB1}/{LAB1}"):
        if submission["student"] == PARTNER:
            continue
        for grade in ask(f"grades?submission_id={submission['id']}"):
            if grade["needs_manual_grade"]:
                ask(f"grade/{grade['id']}", {**grade, "manual_score": MARK})
                given += 1
    return given


@pytest.fixture(scope="module")
def term(make_classroom: MakeClassroom, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fresh checkout in which somebody has typed all that the document says."""
    try:
        isolation.choose(None)
    except CourseError as error:
        pytest.skip(f"no sandbox works here: {error}")
    folder = checkout(tmp_path_factory.mktemp("term"))
    room = make_classroom(folder)
    download(room)
    jupyter = tmp_path_factory.mktemp("jupyter")

    def open_jupyter(command: str) -> str:
        with formgrader_server(folder, jupyter, [sys.executable, "-m", "jupyterlab"]) as server:
            return f"{mark_all(server)} marks given"

    reader = Reader(folder, {"jupyter lab": open_jupyter})
    for step in steps(DOCUMENT):
        reader.follow(step)
    yield folder


@pytest.fixture(scope="module")
def exported(term: Path) -> dict[str, dict[str, str]]:
    path = term / "build" / "export" / f"{LAB1}-csv.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def test_every_command_does_what_the_document_says(term: Path) -> None:
    assert (term / "backup.tar.gz").stat().st_size > 10_000


def test_at_the_end_everybody_who_handed_in_has_a_total(exported: dict[str, dict[str, str]]) -> None:
    totals = {student: row[f"{LAB1} total"] for student, row in exported.items()}
    assert totals == {
        "10001": "90", "10002": "90", "10003": "87", "10004": "15", "10005": "90", "10006": "",
    }  # fmt: skip


def test_an_extension_takes_lateness_away(term: Path) -> None:
    report = json.loads((term / "report" / f"{LAB1}.json").read_text())
    assert next(row for row in report["students"] if row["student"] == "10003")["late_s"] > 0
    reader = Reader(term, {})
    last = next(step for step in steps(DOCUMENT) if step.command == f"course report {LAB1}")
    reader.follow(replace(last, expected=()))
    report = json.loads((term / "report" / f"{LAB1}.json").read_text())
    assert next(row for row in report["students"] if row["student"] == "10003")["late_s"] == 0


def test_the_document_can_be_read_in_one_go() -> None:
    assert len(DOCUMENT.read_text().splitlines()) <= 165
