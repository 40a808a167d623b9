"""Editors and mypy know the checks that installed families bring."""

from __future__ import annotations

from pathlib import Path

import pytest
from mypy import api

from tests.conftest import ROOT

CELL = """
from autograder import open_lab

def step() -> float:
    return 1.0

lab = open_lab("lab1_sine_gan")
generator = lab.supplied_generator((2,), (2,))
with lab.marks("step", points=5) as checks:
    run = checks.gan_step(step, updates="generator", latent_shape=(2,), sample_shape=(2,))
    run.loss("step.loss", points=5)
"""


@pytest.mark.slow
def test_mypy_knows_the_checks_of_a_family_and_no_others(tmp_path: Path) -> None:
    right, wrong = tmp_path / "right.py", tmp_path / "wrong.py"
    right.write_text(CELL)
    wrong.write_text(CELL + '    checks.gan_stepp(step)\n    checks.loss("a", step, 3, points=1)\n')
    options = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(tmp_path / "cache")]
    said, errors, status = api.run([*options, str(right), str(wrong)])
    assert not errors and status == 1, said
    lines = [line for line in said.splitlines() if "error:" in line]
    assert len(lines) == 2 and all("wrong.py" in line for line in lines), said
    assert '"Block" has no attribute "gan_stepp"' in lines[0]
    assert 'Argument 3 to "loss"' in lines[1]
