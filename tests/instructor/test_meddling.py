"""Code that reaches for the grader is pointed out, in cells and files; honest code is not."""

from __future__ import annotations

import io
import pickle
import time
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import pytest

from autograder.instructor.bank import load_bank
from autograder.instructor.grade.review import REVIEW_NOTES
from autograder.instructor.intake.attachments import attachments
from autograder.instructor.intake.meddling import file_meddling, meddling
from autograder.instructor.settings import Course
from tests.conftest import ROOT

REACHING = [
    "import autograder.key",
    "import autograder as a",
    "from autograder.checks import tensors",
    "from autograder import session",
    "from autograder import (column,\n    open_lab, block as b)",
    "from autograder import *",
    "import importlib\nm = importlib.import_module('auto' 'grader.emission')",
    'm = __import__("auto" + "grader").key',
    "m = __import__(name)",
    "m = importlib.import_module(prefix + rest)",
    "m = sys.modules['autograder']",
    "for m in sys.modules.values(): pass",
    "m = sys.modules[n]",
    "import gc\nlab = [o for o in gc.get_objects()]",
    "from gc import get_referrers",
    "inspect.currentframe().f_back",
    "sys._getframe(1)",
    "from sys import settrace",
    "import ctypes",
    "open('/proc/self/mem', 'rb')",
    "open(f'/proc/{n}/environ'); open('/proc/1/environ')",
    "exec(open('notes.txt').read())",
    "os.environ['AUTOGRADER_SEED']",
    "os.environ['AUTO' 'GRADER_SEED']",
    "lab._recording.seed",
    "get_ipython().ast_transformers.append(t)",
    "get_ipython().events.register('x', f); shell.display_pub.publish = None",
    "import autograder.instructor",
]
HONEST = [
    "from autograder import column, open_lab\nfrom autograder.replay import replay",
    "from autograder.jhwutils import checkarr",
    "if 'google.colab' in sys.modules: pass",
    "COLAB = 'google.colab' in sys.modules\nif COLAB:\n    import google.colab",
    "importlib.reload(helper)",
    "plt = importlib.import_module('matplotlib.pyplot')",
    "label = 'lab._x and autograder'  # autograder.key",
    "encoder = autoencoder + 'grader'",
    "model.lab._private",
    "get_ipython().run_line_magic('matplotlib', 'inline')",
    "exec('x = 1'); gc.collect(); torch.cuda.empty_cache()",
    "self.stack = inspect.signature(f)",
]


@pytest.mark.parametrize("code", REACHING)
def test_code_that_reaches_for_the_grader_is_named(code: str) -> None:
    assert meddling(code)


@pytest.mark.parametrize("code", HONEST)
def test_honest_code_is_not(code: str) -> None:
    assert meddling(code) is None


def test_no_notebook_and_no_answer_of_any_bank_is_named(course: Course) -> None:
    notebooks = [*ROOT.glob("release/**/*.ipynb"), *ROOT.glob("solutions/**/*.ipynb")]
    texts = [cell.source for path in notebooks for cell in nbformat.read(path, as_version=4).cells]
    texts += [answer.code for lab in course.labs for answer in load_bank(course.bank(lab)).values()]
    assert len(texts) > 2000 and [text for text in texts if meddling(text)] == []


@pytest.mark.parametrize(
    "piece",
    ['"a" ', "sys.modules ", "from autograder import ", "column, ", '"', "'\\", '("', "\n", " + 'x'", "#"],
)
def test_time_grows_with_the_text_only(piece: str) -> None:
    def spent(count: int) -> float:
        text = "from autograder import sys" + piece * (count // len(piece))
        start = time.thread_time()
        meddling(text)
        return time.thread_time() - start

    # A machine's hiccup is measured again, growth stays.
    assert any(spent(1_600_000) < 40 * (spent(100_000) + 0.01) for _ in range(5))


# --- files -----------------------------------------------------------------------------------------


def hand_in(folder: Path, **files: bytes | str) -> dict[str, str]:
    """Hand in files; return the keys of the notes on each."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    _, notes = attachments(folder)
    return {n.details["file"]: n.key for n in notes}


@pytest.mark.parametrize("name", ["helper.py", "notes.txt", "data.csv", "no suffix", "sub/folder/x.cfg"])
def test_a_helper_that_patches_the_library_is_for_a_person_to_see(tmp_path: Path, name: str) -> None:
    patch = "import importlib\nimportlib.import_module('autograder.' + 'checks').x = 1"
    assert hand_in(tmp_path, **{name: patch}) == {name: "meddles_file"}
    assert name in attachments(tmp_path)[0] and "meddles_file" in REVIEW_NOTES


@pytest.mark.parametrize(
    "name",
    [
        ".ipython/profile_default/startup/00.py", ".pythonrc.py", ".matplotlib/x.py", "sitecustomize.py",
        "usercustomize/__init__.py", "x.pth", ".config/matplotlib/matplotlibrc", "ipython_config.py",
        ".local/lib/python3.12/site-packages/x.pth", "SiteCustomize.py",
    ],
)  # fmt: skip
def test_what_runs_by_itself_is_refused_and_for_a_person_to_see(tmp_path: Path, name: str) -> None:
    assert hand_in(tmp_path, **{name: "import os"}) == {name: "startup_file"}
    assert attachments(tmp_path)[0] == {} and "startup_file" in REVIEW_NOTES


@pytest.mark.parametrize("name", [".vscode/settings.json", "helper.pyc", "x.so", "x.cpython-312.PYD"])
def test_hidden_files_and_compiled_code_are_refused_with_a_word(tmp_path: Path, name: str) -> None:
    assert hand_in(tmp_path, **{name: "x"}) == {name: "skipped_file"}
    assert attachments(tmp_path)[0] == {}


def test_packed_code_is_for_a_person_to_see(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("helper.py", "import autograder.key")
    assert hand_in(tmp_path, **{"data.zip": packed.getvalue()}) == {"data.zip": "hidden_code"}


class Calls:
    def __reduce__(self) -> tuple[Any, ...]:
        return eval, ("1 + 1",)


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_pickle_that_calls_is_named(protocol: int) -> None:
    assert file_meddling("model.pt", pickle.dumps(Calls(), protocol))


def test_data_and_weights_are_used_without_a_word(tmp_path: Path) -> None:
    weights = b"\x80\x02}q\x00X\x06\x00\x00\x00weightq\x01ctorch._utils\n_rebuild_tensor_v2\n."
    files: dict[str, bytes | str] = {
        "points.csv": "x,y\n1,2\n", "model.pth": weights, "module_a.py": "import torch\nx = 1\n",
        "picture.png": b"\x89PNG\r\n\x00ctypes", "weights.pt": weights,
    }  # fmt: skip
    assert hand_in(tmp_path, **files) == {}
    assert sorted(attachments(tmp_path)[0]) == sorted(files)
