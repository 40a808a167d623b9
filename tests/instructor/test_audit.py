"""The audit runs every answer on its own, judges it under several seeds, and misses nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from autograder.instructor.audit import audit_lab
from autograder.instructor.audit_report import write_audits
from autograder.instructor.bank import load_bank
from autograder.instructor.forgeable import forgeable_checks
from autograder.instructor.settings import Course, CourseError
from autograder.judge import Recording
from autograder.observation import Observation, gathering, project
from tests.conftest import LAB1


def bank(folder: Path, **answers: str) -> Path:
    """Write a bank with answers to the cell `sample`; names that begin with "wrong" are of wrong ones."""
    entries = [
        f'[[answer]]\nid = "{name}"\ncell = "sample"\nkind = "{name.split("_")[0]}"\n'
        f"code = '''\n{code}'''\n"
        for name, code in answers.items()
    ]
    path = folder / "bank.toml"
    path.write_text("\n".join(entries), encoding="utf-8")
    return path


RIGHT = """
def sample(generator, num_samples):
    return generator(torch.randn((num_samples, 2), device=device)).detach().cpu()
"""
WRONG = RIGHT.replace("randn", "rand")


@pytest.mark.slow
def test_a_sample_of_the_bank_is_judged_as_it_should_be(course: Course, elsewhere: Course) -> None:
    ids = list(load_bank(course.bank(LAB1)))
    audit = audit_lab(elsewhere, LAB1, seeds=[7], only=lambda answer: ids.index(answer.id) % 4 == 0)
    assert [(v.id, v.faults) for v in audit.verdicts if v.faults] == []
    assert audit.forgeable == [] and audit.passed
    assert audit.count("wrong") >= 25 and audit.count("equivalent") >= 4


@pytest.mark.slow
def test_what_is_amiss_is_found_and_nothing_else(elsewhere: Course, tmp_path: Path) -> None:
    path = bank(
        tmp_path,
        equivalent_right=RIGHT,
        equivalent_refused=WRONG,
        wrong_refused=WRONG,
        wrong_accepted=RIGHT,
        wrong_unfinished="def sample(",
        wrong_dies="import os\nos._exit(3)\n",
        equivalent_dies="import os\nos._exit(3)\n",
        wrong_leaves="raise SystemExit\n",
    )
    audit = audit_lab(elsewhere, LAB1, bank=path, seeds=[7])
    assert {v.id: v.faults for v in audit.verdicts if v.faults} == {
        "equivalent_refused": ("seed 2023: refused by sample.points", "seed 7: refused by sample.points"),
        "wrong_accepted": ("seed 2023: accepted", "seed 7: accepted"),
        "equivalent_dies": ("its process died (exit code 3)",),
    }
    assert not audit.passed
    assert (audit.share("wrong", "right"), audit.share("equivalent", "right")) == ((4, 5), (1, 3))
    write_audits(tmp_path / "audit.json", [audit])
    data = json.loads((tmp_path / "audit.json").read_text())
    assert data["passed"] is False
    assert data["labs"][0]["wrong_rejected"] == {"count": 4, "of": 5}


@pytest.mark.slow
def test_answer_that_never_ends_is_stopped(elsewhere: Course, tmp_path: Path) -> None:
    path = bank(tmp_path, equivalent_endless="while True:\n    pass\n")
    begun: list[tuple[int, int]] = []
    for _ in range(2):
        audit = audit_lab(
            elsewhere, LAB1, bank=path, seeds=[], time_limit=2, begin=lambda *counts: begun.append(counts)
        )
        assert [v.faults for v in audit.verdicts] == [("stopped after 2 s",)]
    assert begun == [(1, 0), (1, 0)], "it is run again: the machine may have been busy"


@pytest.mark.slow
def test_interrupted_audit_goes_on_where_it_stopped(elsewhere: Course, tmp_path: Path) -> None:
    path = bank(tmp_path, wrong_first=WRONG, wrong_second=WRONG + "\n", equivalent_third=RIGHT)

    def interrupt(verdict: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        audit_lab(elsewhere, LAB1, bank=path, seeds=[], jobs=1, advance=interrupt)
    begun: list[tuple[int, int]] = []
    audit = audit_lab(elsewhere, LAB1, bank=path, seeds=[], begin=lambda *counts: begun.append(counts))
    assert begun == [(3, 1)]
    assert audit.passed and len(audit.verdicts) == 3


def test_bank_of_an_unknown_check_is_described(elsewhere: Course, tmp_path: Path) -> None:
    path = bank(tmp_path, wrong_a=WRONG)
    path.write_text(path.read_text() + 'check = "sample.colour"\n')
    with pytest.raises(CourseError, match=r"no check 'sample\.colour'"):
        audit_lab(elsewhere, LAB1, bank=path)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"jobs": 0}, "--jobs must be at least 1, not 0"),
        ({"time_limit": 0.0}, "--time-limit must be more than 0 seconds, not 0"),
        ({"time_limit": float("nan")}, "--time-limit must be more than 0 seconds, not nan"),
    ],
)
def test_limits_that_let_nothing_run_are_described(
    elsewhere: Course, limits: dict[str, Any], said: str
) -> None:
    with pytest.raises(CourseError, match=said):
        audit_lab(elsewhere, LAB1, **limits)


def test_unknown_lab_with_a_bank_is_described(elsewhere: Course, tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="There is no lab 'lab9'"):
        audit_lab(elsewhere, "lab9", bank=bank(tmp_path, wrong_a=WRONG))


def test_bank_of_an_unknown_cell_is_described(elsewhere: Course, tmp_path: Path) -> None:
    path = bank(tmp_path, wrong_a=WRONG)
    path.write_text(path.read_text().replace('"sample"', '"simple"'))
    with pytest.raises(CourseError, match="no student cell 'simple'"):
        audit_lab(elsewhere, LAB1, bank=path, seeds=[])


def recordings(values: list[tuple[float, ...]], points: float = 1.0) -> list[Recording]:
    seen = [Observation("check", "block", points, values=v) for v in values]
    return [Recording(seed, {"check": each}) for seed, each in enumerate(seen)]


def projected(arrays: list[torch.Tensor]) -> list[Recording]:
    """Return recordings of a check that observes one array, under a seed for each."""
    found = []
    for seed, array in enumerate(arrays):
        with gathering() as gathered:
            values = tuple(project(array, seed, "check"))
        seen = {"check": Observation("check", "block", 1.0, values=values)}
        found.append(Recording(seed, seen, {"check": tuple(gathered)}))
    return found


def test_check_is_forgeable_when_too_few_of_its_numbers_depend_on_the_seed() -> None:
    assert forgeable_checks(recordings([(1, 2, 3, 4), (5, 6, 7, 8)])) == []
    assert forgeable_checks(recordings([(1, 2, 3, 4), (5, 6, 7, 4)])) == ["check"]
    assert forgeable_checks(recordings([(0.0,), (0.0,)])) == ["check"]


@pytest.mark.parametrize("lengths", [(9, 9, 9), (9, 11, 13)])
def test_an_array_is_looked_at_itself_for_its_projections_change_with_every_seed(
    lengths: tuple[int, ...],
) -> None:
    assert forgeable_checks(projected([torch.ones(n) for n in lengths])) == ["check"]
    assert forgeable_checks(projected([torch.ones(n) * (s + 1) for s, n in enumerate(lengths)])) == []


def test_an_array_of_few_kinds_of_values_is_safe_where_many_of_them_change() -> None:
    masks = [torch.rand(40, generator=torch.Generator().manual_seed(s)) < 0.5 for s in range(3)]
    assert forgeable_checks(projected(masks)) == []
    few = [torch.zeros(40).index_fill(0, torch.tensor([0, 1, 2]), s) for s in range(3)]
    assert forgeable_checks(projected(few)) == ["check"]


def test_check_without_marks_may_be_forgeable() -> None:
    assert forgeable_checks(recordings([(0.0,), (0.0,)], points=0.0)) == []
