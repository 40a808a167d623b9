"""What all tests share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import torch

from autograder.instructor.settings import Course, load_course
from autograder.key import AnswerKey
from autograder.language import set_language

ROOT = Path(__file__).parent.parent
LAB1 = "lab1_sine_gan"
LABS = tuple(load_course(ROOT).labs)

# nbgrader and nbval call programs of this environment by name.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"


# Workers that share the processors get one thread each, and so do the programs that their tests start: on a
# busy machine, threads that wait for each other take several times as long as one.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)

# Files that take minutes, longest first. They are dealt to workers whole: what begins last must be short.
LONGEST = (
    "test_isolation.py", "test_new_course.py", "test_another_course.py", "test_grade.py",
    "test_term.py", "test_reproducibility.py", "test_nbval.py", "test_claims.py", "test_generated.py",
    "test_scheduler.py", "test_audit.py", "test_trials.py", "test_rerun.py", "test_authoring.py",
    "test_faults.py",
    "test_site_pages.py", "test_demo.py", "test_bundle.py", "test_trust.py", "test_silence.py",
    "test_formgrader.py",
    "test_hostile_texts.py", "test_report.py", "test_feedback.py", "test_outputs.py",
    "test_execution.py", "test_release.py", "test_postgresql.py",
)  # fmt: skip


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put slow tests last, or among workers long files first; without CUDA, skip what needs it."""
    if hasattr(config, "workerinput"):
        ranks = {name: rank for rank, name in enumerate(LONGEST)}
        items.sort(key=lambda item: ranks.get(item.path.name, len(ranks)))
    else:
        items.sort(key=lambda item: item.get_closest_marker("slow") is not None)
    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("cuda"):
                item.add_marker(pytest.mark.skip(reason="no CUDA device on this machine"))


@pytest.fixture(autouse=True)
def no_lab_opened_before() -> None:
    """Let every test begin without the language of a lab that another one opened."""
    set_language(None)


@pytest.fixture(scope="session")
def course() -> Course:
    return load_course(ROOT)


@pytest.fixture(scope="session")
def lab1_key(course: Course) -> AnswerKey:
    return AnswerKey.load(course.key(LAB1))


@pytest.fixture(params=LABS)
def lab(request: pytest.FixtureRequest) -> str:
    """Every lab in turn."""
    return str(request.param)
