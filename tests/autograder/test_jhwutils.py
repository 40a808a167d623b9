"""The names of jhwutils: the hashes of existing notebooks are understood, the faults are gone."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path
from zlib import crc32

import nbformat
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient
from PIL import Image

from autograder.errors import GraderError
from autograder.jhwutils import checkarr, tick
from autograder.jhwutils import image_audio as ia
from autograder.jhwutils.checkarr import (
    _check_scalar,
    array_hash,
    check_anagram,
    check_hash,
    check_list,
    check_moment,
    check_scalar,
    check_string,
    moment_hash,
    strict_array_hash,
)

ordinary = st.floats(-1e6, 1e6, allow_subnormal=False)
tables = arrays.arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 5)), elements=ordinary)


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("COURSE_LANGUAGE", "en")
    tick.reset_marks()
    yield
    tick.reset_marks()


# --- hashes ----------------------------------------------------------------------------------------


def test_hash_of_a_number_is_that_of_existing_notebooks() -> None:
    assert check_scalar(0.01, "0x5ecf2a74")
    assert _check_scalar(0.01) == "0x5ecf2a74"
    assert check_scalar(torch.tensor([0.01], dtype=torch.float64, requires_grad=True), "0x5ecf2a74")
    assert not check_scalar(0.02, "0x5ecf2a74")


@given(ordinary, st.integers(2, 8))
def test_number_passes_its_own_hash_and_a_last_digit_more_does_not(x: float, tol: int) -> None:
    digest = hex(crc32(format(x, f"1.{tol}e").encode()))
    assert check_scalar(x, digest, tol)
    if x:
        assert not check_scalar(x * (1 + 20 * 10**-tol), digest, tol)


def test_number_that_rounds_the_other_way_is_accepted() -> None:
    assert check_scalar(1.0000049, _check_scalar(1.0000051))


def test_hash_of_an_array_is_its_shape_and_the_sum_of_seven_statistics() -> None:
    # greatest 4, least 1, mean 2.5, median 2.5, deviation 1.118034, sum 10, sum by place 20
    shape, number = array_hash([[1.0, 2.0], [3.0, 4.0]])
    assert shape == (2, 2) and number == pytest.approx(41.11803398874989)
    assert check_hash(torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True), ((2, 2), 41.118034))
    assert not check_hash([[1.0, 2.0], [3.0, 5.0]], ((2, 2), 41.118034))
    assert not check_hash([1.0, 2.0, 3.0, 4.0], ((2, 2), 41.118034))


def test_hash_of_a_shape_is_that_of_a_published_notebook() -> None:
    # greatest 96, least 29, mean 63.25, median 64, deviation 23.70, sum 253, sum by place 416
    assert check_hash((29, 96, 64, 64), ((4,), 944.94994725732522))
    assert check_hash(torch.Size([29, 96, 64, 64]), ((4,), 944.94994725732522))


@pytest.mark.parametrize(
    "ones",
    [
        torch.ones(3, dtype=torch.bfloat16),
        torch.ones(3, requires_grad=True),
        [torch.tensor(1.0, requires_grad=True)] * 3,
        np.ones(3, dtype=np.uint8),
        (1, 1, 1),
    ],
)
def test_array_of_any_kind_has_the_same_hash(ones: object) -> None:
    assert check_hash(ones, ((3,), 10.0))


@given(tables)
def test_array_passes_its_own_hash(table: np.ndarray) -> None:
    flat = table.ravel()
    number = (
        flat.max() + flat.min() + flat.mean() + np.median(flat) + flat.std() + flat.sum()
        + sum(index * value for index, value in enumerate(flat))
    )  # fmt: skip
    assert check_hash(table, (table.shape, number))
    assert check_hash(table, strict_array_hash(table), strict=True)
    assert check_moment(table, moment_hash(table))
    assert not check_hash(table, (table.shape, number + 1.0 + abs(number)))


def test_strict_hash_tells_rows_from_columns() -> None:
    table = np.arange(6.0).reshape(2, 3)
    assert not check_hash(np.sort(-table), strict_array_hash(table), strict=True)


def test_moment_hash_starts_with_the_hash_of_the_shape() -> None:
    assert moment_hash(np.ones((5, 5))).startswith(hex(crc32(b"(5, 5)"))[2:])
    assert not check_moment(np.zeros((5, 5)), moment_hash(np.ones((5, 5))))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_are_refused_by_name(bad: float, capsys: pytest.CaptureFixture[str]) -> None:
    assert not check_hash([1.0, bad], array_hash([1.0, 1.0]))
    assert not check_hash([bad] * 2, ((2,), 0.0))
    assert not check_moment([1.0, bad], "x")
    assert not check_scalar(bad, hex(crc32(f"{bad:1.5e}".encode())))
    assert capsys.readouterr().out.count("NaN or infinite") == 4


@pytest.mark.parametrize("bad", [None, "abc", np.array([1j, 2.0]), [[1.0], [2.0, 3.0]], [1.0, None]])
def test_what_is_no_array_of_real_numbers_is_refused(bad: object, capfd: pytest.CaptureFixture[str]) -> None:
    assert not check_hash(bad, ((2,), 0.0))
    assert not check_scalar(bad, "0x5ecf2a74")
    said = capfd.readouterr()
    assert said.out.count("real numbers were expected") == 2 and said.err == ""


def test_number_of_several_elements_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert not check_scalar([0.01, 0.01], "0x5ecf2a74")
    assert "A number was expected" in capsys.readouterr().out


def test_sum_that_overflows_is_no_hash(recwarn: pytest.WarningsRecorder) -> None:
    assert not check_hash(np.full(100, 6e4, dtype=np.float16), ((100,), math.inf))
    assert array_hash([math.nan, math.nan]) == ((2,), 0.0)
    assert not recwarn.list  # a warning goes to stderr, and nbgrader takes that for a failed cell


def test_empty_array_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert not check_hash([], ((0,), 0.0))
    assert "empty" in capsys.readouterr().out


def test_text_passes_its_hash_in_any_case() -> None:
    digest = hex(crc32(b"generador"))
    assert check_string("Generador", digest) and check_anagram("rodarenge", hex(crc32(b"adeegnorr")))
    assert check_list(["gene", "rador"], digest)
    assert not check_string("discriminador", digest)


def test_refusal_never_tells_what_was_expected(capsys: pytest.CaptureFixture[str]) -> None:
    assert not check_scalar(0.02, "0x5ecf2a74")
    assert not check_string("no", "0x12345678")
    assert not check_hash([1.0], ((1,), 98765.0))
    assert not check_moment([1.0], "0xabcdef")
    said = capsys.readouterr().out
    assert "2.00000e-02" in said
    assert not any(secret in said for secret in ("5ecf2a74", "12345678", "98765", "abcdef"))


# --- marks -----------------------------------------------------------------------------------------


def test_marks_of_a_script_are_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    with tick.marks(30):
        pass
    with pytest.raises(AssertionError, match="too large"), tick.marks(10):
        raise AssertionError("too large")
    for _ in range(2):
        with tick.marks(5):
            pass
    assert (tick.total_marks, tick.available_marks) == (40, 50)
    tick.summarise_marks()
    assert "40 / 50 marks (80.0 %)" in capsys.readouterr().out


def test_summary_of_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    tick.summarise_marks()
    tick.js_summarise_marks()
    assert capsys.readouterr().out.count("There are no marks yet") == 2


def test_marks_with_an_id_are_replaced() -> None:
    for _ in range(2):
        with tick.Marks("A.1", 4):
            pass
    assert (tick.total_marks, tick.available_marks) == (4, 4)


def test_failed_check_keeps_its_kind_in_one_sentence() -> None:
    with pytest.raises(AssertionError, match=r"^ValueError: no number$") as caught, tick.tick():
        raise ValueError("no number\nand much more")
    assert isinstance(caught.value, tick.TickFailed)
    assert caught.value._render_traceback_() == ["AssertionError: ValueError: no number"]


def test_failed_assertion_without_a_text_names_its_line() -> None:
    with pytest.raises(AssertionError, match=r"^the check at line \d+ does not hold\.$"), tick.tick():
        raise AssertionError  # pytest would give a text to `assert`


def test_assertion_of_a_library_does_not_tell_what_was_expected() -> None:
    with pytest.raises(AssertionError) as caught, tick.marks(1):
        unittest.TestCase().assertEqual(3, 98765)
    assert "98765" not in str(caught.value)


def test_code_not_written_yet_is_named_as_such() -> None:
    with pytest.raises(AssertionError, match="There is no code here yet"), tick.marks(1):
        raise NotImplementedError
    with pytest.raises(AssertionError, match="`losses` is not defined"), tick.marks(1):
        losses  # type: ignore[name-defined]  # noqa: B018, F821


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_marks_are_a_finite_number(bad: float) -> None:
    with pytest.raises(GraderError, match="finite number"), tick.marks(bad):
        pass
    assert tick.available_marks == 0


def test_missed_prestige_mark_is_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    with tick.prestige_mark():
        raise AssertionError
    assert capsys.readouterr().out == ""
    with tick.prestige_mark():
        pass
    assert "Prestige" in capsys.readouterr().out


def test_pickled_answer_is_compared() -> None:
    tick.check_answer([1, "two", {3.0}], tick._get_check([1, "two", {3.0}]))
    for three in (3, 3.0, np.int64(3), np.array([3]), torch.tensor([3.0], requires_grad=True)):
        tick.check_answer(three, pickle.dumps(3))
    tick.check_answer(0.5, tick._get_check(np.float64(0.5)))
    tick.check_answer(np.str_("two"), pickle.dumps("two"))
    with pytest.raises(AssertionError, match="not the one expected"):
        tick.check_answer([1], tick._get_check([2]))


def test_pickled_answer_never_runs_code() -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return print, ("run",)

    with pytest.raises(pickle.UnpicklingError, match=r"builtins\.print"):
        tick.check_answer(1, pickle.dumps(Hostile()))


@pytest.mark.parametrize("damaged", [b"", b"\x80\x04", b"(d", pickle.dumps([1, 2])[:-1]])
def test_damaged_pickle_is_named(damaged: bytes) -> None:
    with pytest.raises(GraderError, match="damaged"):
        tick.check_answer(1, damaged)


def test_answer_that_could_not_be_compared_is_refused_when_it_is_pickled() -> None:
    with pytest.raises(pickle.UnpicklingError, match="only numbers"):
        tick._get_check(np.zeros(3))


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        tick.no_such_name  # noqa: B018


def test_grading_library_does_not_import_the_old_names() -> None:
    code = "import sys, autograder; print([n for n in sys.modules if n.endswith(('jhwutils', 'lautils'))])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


# --- an existing notebook --------------------------------------------------------------------------

CELLS = {
    "imports": "from autograder.jhwutils.checkarr import array_hash, check_hash, check_scalar\n"
    "import autograder.jhwutils.image_audio as ia\n"
    "import autograder.jhwutils.tick as tick\n"
    "from autograder.lautils.gradeutils import new_representation, hex_to_float, compare_numbers\n"
    "tick.reset_marks()\n"
    "%matplotlib inline",
    "identity": "carne_1, firma_1 = '12281', 'A. Student'",
    "identity_check": "with tick.marks(0):\n    assert len(carne_1) >= 5 and len(firma_1) > 0",
    "work": "loss = 0.66",
    "check": "with tick.marks(35):\n"
    "    assert compare_numbers(new_representation(loss), '3c3d', '0x1.6666666666666p-1')\n"
    "for share in (10, 10):\n"
    "    with tick.marks(share):\n"
    "        assert check_scalar(0.01, '0x5ecf2a74')",
    "summary": "tick.summarise_marks()",
    "total": "(tick.total_marks, tick.available_marks)",
}


@pytest.mark.slow
def test_existing_notebook_runs_with_other_import_lines() -> None:
    cells = [nbformat.v4.new_code_cell(source, id=name) for name, source in CELLS.items()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=True)

    def run(name: str, source: str | None = None) -> list[nbformat.NotebookNode]:
        index = list(CELLS).index(name)
        cell = notebook.cells[index]
        cell.source = CELLS[name] if source is None else source
        return client.execute_cell(cell, index).outputs

    with client.setup_kernel():
        for name in CELLS:
            run(name)
        assert "✓ [35 marks]" in notebook.cells[4].outputs[0].data["text/html"]
        assert "55 / 55 marks (100.0 %)" in notebook.cells[5].outputs[0].data["text/html"]
        run("check")
        run("check")
        assert run("total")[0].data["text/plain"] == "(55, 55)"
        run("work", "loss = 0.9")
        box, error = run("check")
        assert "✘" in box.data["text/html"]
        assert len(error.traceback) == 1 and "0x1" not in error.traceback[0]
        assert run("total")[0].data["text/plain"].startswith("(0, 35")


FIVE, SEVEN = "with tick.marks(5): pass", "with tick.marks(7): pass"
HELPER = "def check(n):\n    with tick.marks(n): pass"


@pytest.fixture(scope="module")
def front_end() -> Iterator[Callable[..., str]]:
    """Run (source, cell id) pairs as a front end does; return the marks available after them."""
    manager, client = start_new_kernel(kernel_name="python3")

    def run(*cells: tuple[str, str | None], store_history: bool = True) -> str:
        reset = "import autograder.jhwutils.tick as tick; tick.reset_marks()"
        for source, cell in [(reset, None), *cells, ("print(tick.available_marks)", None)]:
            content = {"code": source, "store_history": store_history}
            message = client.session.msg(
                "execute_request", content, metadata={"cellId": cell} if cell else {}
            )
            client.shell_channel.send(message)
            said = ""
            while True:
                answer = client.get_iopub_msg(timeout=120)
                if answer["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                    continue
                if answer["msg_type"] == "stream":
                    said += answer["content"]["text"]
                if answer["content"].get("execution_state") == "idle":
                    break
        return said.strip()

    yield run
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "cells", "available"),
    [
        ("a cell that was edited", [(FIVE, "a"), (f"x = 1\n{SEVEN}", "a")], "7"),
        ("two cells with the same text", [(FIVE, "a"), (FIVE, "b")], "10"),
        ("two cells with the same text and no ids", [(FIVE, None), (FIVE, None)], "5"),
        ("a shorter loop", [("for _ in range(n):\n    " + FIVE, "a")], "10"),
        ("a function that two cells call", [(HELPER, "a"), ("check(5)", "b"), ("check(7)", "c")], "12"),
        ("the same without ids", [(HELPER, None), ("check(5)", None), ("check(7)", None)], "12"),
        ("one of the two again", [(HELPER, None), *[("check(5)", None), ("check(7)", None)] * 2], "12"),
    ],
)
def test_cell_that_runs_again_replaces_its_marks(
    front_end: Callable[..., str], what: str, cells: list[tuple[str, str | None]], available: str
) -> None:
    if what == "a shorter loop":
        cells = [("n = 3", None), *cells, ("n = 2", None), *cells]
    assert front_end(*cells) == available


@pytest.mark.slow
def test_cell_that_runs_again_without_history_replaces_its_marks(front_end: Callable[..., str]) -> None:
    assert front_end((FIVE, "a"), (FIVE, "a"), store_history=False) == "5"


# --- pictures and sounds ---------------------------------------------------------------------------


def test_pictures_are_read_as_numbers_from_0_to_1(tmp_path: Path) -> None:
    Image.fromarray(np.array([[[255, 0, 0], [0, 255, 0]]], dtype=np.uint8)).save(tmp_path / "a.png")
    assert ia.load_image_colour(tmp_path / "a.png").tolist() == [[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]
    assert ia.load_image_gray(tmp_path / "a.png") == pytest.approx(np.array([[0.2125, 0.7154]]))


def test_pictures_and_films_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[bytes] = []
    monkeypatch.setattr(ia, "_display", lambda data, width: shown.append(data))
    ia.show_image(torch.rand(4, 4, 1, requires_grad=True))
    ia.show_gif(np.random.default_rng(0).random((3, 8, 8, 3)), duration=20)
    ia.show_frames(np.zeros((4, 2, 2)), n=2)
    assert [data[:4] for data in shown] == [b"\x89PNG", b"GIF8", b"\x89PNG", b"\x89PNG"]


def test_picture_of_16_bits_is_not_cut_off(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 13107, 65535]], dtype=np.uint16)).save(tmp_path / "a.png")
    assert ia.load_image_gray(tmp_path / "a.png") == pytest.approx(np.array([[0.0, 0.2, 1.0]]))


def test_sound_of_two_channels_is_read_as_one(tmp_path: Path) -> None:
    import wave

    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(np.array([32767, -32767, 32767, 32767], dtype="<i2").tobytes())
    assert ia.load_sound(tmp_path / "a.wav").tolist() == [0.0, 1.0]


def test_hashes_are_computed_where_nothing_is_refused() -> None:
    assert checkarr.array_hash([1.0, math.nan])[0] == (2,)
