"""Copies rank above independent answers, however disguised; the page shows what they share, safely."""

from __future__ import annotations

import ast
import builtins
import io
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat import NotebookNode
from rich.console import Console
from typer.testing import CliRunner

from autograder.instructor.bank import load_bank
from autograder.instructor.cli import app
from autograder.instructor.demo import answer
from autograder.instructor.intake import Templates
from autograder.instructor.options import LIKENESS
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.similarity import Similarity, SimilarityOptions, find_similar
from autograder.instructor.similarity.likeness import Comparison, compare_code
from autograder.instructor.similarity.page import _histogram, write_page
from autograder.instructor.similarity.submissions import Work, work_of
from autograder.instructor.similarity.terminal import show_similarity
from autograder.instructor.similarity.tokens import code_parts, names_in
from autograder.instructor.source import is_student_cell, read_source, select_language
from tests.conftest import LAB1, LABS
from tests.instructor.browser import DESKTOP, PHONE, Visit, open_browser

# --- how a copy is disguised --------------------------------------------------------------------------


class _Renamed(ast.NodeTransformer):
    """Gives every name of the student's own another one."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = {*known, *dir(builtins), "self"}
        self._names: dict[str, str] = {}

    def _other(self, name: str) -> str:
        return name if name in self._known else self._names.setdefault(name, f"other_{len(self._names)}")

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self._other(node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.arg = self._other(node.arg)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self._other(node.name)
        return self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            node.attr = f"its_{node.attr}"
        return self.generic_visit(node)


def disguise(source: str, known: Iterable[str]) -> str:
    """Rename what can be renamed, write other comments, other white space, and the functions in reverse."""
    tree = ast.parse(source)
    _Renamed(known).visit(tree)
    if all(isinstance(node, (ast.FunctionDef, ast.ClassDef)) for node in tree.body):
        tree.body.reverse()
    lines = ast.unparse(tree).split("\n")
    return "\n".join(
        f"{line}  # note {n}\n" if n % 3 == 0 and line.strip() else line for n, line in enumerate(lines)
    )


# --- independent students: the bank's answers -----------------------------------------------------------


@dataclass(frozen=True)
class Material:
    """What a lab's students may write."""

    given: list[str]
    reference: Work
    equivalent: dict[str, list[str]]
    wrong: dict[str, list[str]]

    @property
    def known(self) -> frozenset[str]:
        return names_in(self.given)

    def student(self, name: str, choose: random.Random) -> Work:
        """A student who answers every cell in one of the ways that the bank knows, right or wrong."""
        cells = {
            cell: choose.choice([source, *self.equivalent.get(cell, ()), *self.wrong.get(cell, ())])
            for cell, source in self.reference.code.items()
        }
        return Work(name, cells, {})

    def copy_of(self, work: Work) -> Work:
        code = {cell: _try(source, self.known) for cell, source in work.code.items()}
        return Work(f"copy of {work.student}", code, {})

    def compare(self, works: Sequence[Work]) -> Comparison:
        return compare_code(works, self.given, self.reference)


def _try(source: str, known: Iterable[str]) -> str:
    try:
        return disguise(source, known)
    except SyntaxError:  # some wrong answers are that wrong
        return source


def material_of(course: Course, lab: str) -> Material:
    release = nbformat.read(course.release(lab, "es"), as_version=4)
    solution = select_language(read_source(course.source(lab)), "es")
    for cell in solution.cells:
        cell.source = "\n".join(line for line in cell.source.split("\n") if " SOLUTION" not in line)
    answers: dict[str, dict[str, list[str]]] = {"equivalent": {}, "wrong": {}}
    for entry in load_bank(course.bank(lab)).values():
        answers[entry.kind].setdefault(entry.cell, []).append(entry.code)
    given = [c.source for c in release.cells if c.cell_type == "code"]
    return Material(given, work_of("reference", solution), answers["equivalent"], answers["wrong"])


@dataclass(frozen=True)
class Separation:
    """Likeness of pairs of independent students, and of students with their disguised copies."""

    independent: np.ndarray
    copied: np.ndarray

    @property
    def area(self) -> float:
        """The chance that a copy is more alike to its original than an independent pair is."""
        return float(np.mean(self.copied[:, None] > self.independent[None, :]))


def separation(material: Material, size: int, copies: int, seed: int = 0) -> Separation:
    choose = random.Random(seed)
    works = [material.student(f"{number}", choose) for number in range(size)]
    works += [material.copy_of(work) for work in works[:copies]]
    likeness = material.compare(works).likeness
    among = likeness[:size, :size][np.triu_indices(size, 1)]
    return Separation(among, np.array([likeness[n, size + n] for n in range(copies)]))


@pytest.fixture(scope="module", params=LABS)
def material(request: pytest.FixtureRequest, course: Course) -> Material:
    return material_of(course, str(request.param))


@pytest.mark.slow
def test_disguised_copies_rank_above_independent_answers(material: Material) -> None:
    found = separation(material, size=60, copies=10)
    assert found.area > 0.995
    assert found.copied.min() > LIKENESS
    assert np.quantile(found.independent, 0.99) < LIKENESS


def test_two_ways_to_answer_rightly_are_less_alike_than_one_way_twice(material: Material) -> None:
    cells = [cell for cell in material.reference.code if cell in material.equivalent]
    first = Work("first", {cell: material.reference.code[cell] for cell in cells}, {})
    second = Work("second", {cell: material.equivalent[cell][0] for cell in cells}, {})
    likeness = material.compare([first, second, material.copy_of(second)]).likeness
    assert likeness[0, 1] < 0.45 < 0.75 < likeness[1, 2]


# --- what makes no difference ---------------------------------------------------------------------------


def tokens(source: str) -> list[str]:
    return [part.text for part in code_parts(source, {"torch", "real"})]


@pytest.mark.parametrize(
    "other",
    [
        "def f(x):\n    total = torch.rand(x) + real\n    return total",
        "def g(number):  # another\n\n    s = torch.rand( number )+real\n    return s",
        'def f(x):\n    """A docstring."""\n    total = torch.rand(x) + real\n    return total',
    ],
)
def test_names_comments_docstrings_and_white_space_make_no_difference(other: str) -> None:
    assert tokens(other) == tokens("def f(a):\n    b = torch.rand(a) + real\n    return b")


@pytest.mark.parametrize("other", ["torch.zeros(3)", "torch.rand(4)", "real.rand(3)", "self.rand(3)"])
def test_library_functions_numbers_and_given_names_make_a_difference(other: str) -> None:
    assert tokens(other) != tokens("torch.rand(3)")


def test_code_with_a_syntax_error_has_tokens_too() -> None:
    assert tokens("def f(:\n  'open\n x = ((") != []


def test_what_everybody_writes_counts_for_less_than_what_two_write() -> None:
    usual = "loss = criterion(output, target)\nloss.backward()\noptimizer.step()\nreturn loss.item()"
    rare = "table = {key: value ** 3 % 17 for key, value in enumerate(range(90))}"
    works = [Work(f"{n}", {"cell": f"{usual}\nq{n} = [{n}, {n}, {n}, {n}]"}, {}) for n in range(10)]
    works += [Work(name, {"cell": f"{usual}\n{rare}"}, {}) for name in ("a", "b")]
    likeness = compare_code(works, [], Work("reference", {"cell": usual}, {})).likeness
    assert likeness[10, 11] > 0.9
    assert likeness[0, 1] < 0.3


# --- a class ---------------------------------------------------------------------------------------------


@dataclass
class Classroom:
    """A folder to hand in to."""

    course: Course
    templates: Templates
    answers: dict[str, str]
    folder: Path

    def hand_in(self, student: str, cells: dict[str, str] | None = None, ids: tuple[str, ...] = ()) -> None:
        pairs = [*(ids or (student,)), ""][:2]
        lines = [f'student_id_{n} = "{name}"\nsignature_{n} = "x"' for n, name in enumerate(pairs, 1)]
        chosen = {**(self.answers if cells is None else cells), "identity": "\n".join(lines)}
        self.write(student, nbformat.writes(answer(self.templates.notebooks[LAB1, "es"], chosen)).encode())

    def write(self, student: str, content: bytes) -> None:
        path = self.folder / "submitted" / student / LAB1 / f"{LAB1}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(content)

    def find(self, threshold: float = LIKENESS) -> Similarity:
        return find_similar(self.course, LAB1, SimilarityOptions(threshold, self.folder))


@pytest.fixture
def room(course: Course, templates: Templates, answers: dict[str, str], tmp_path: Path) -> Classroom:
    return Classroom(course, templates, answers, tmp_path)


def names(found: Similarity) -> list[tuple[str, str]]:
    return [(pair.first.student, pair.second.student) for pair in found.pairs]


def test_the_same_notebook_twice_is_found_with_what_is_the_same_to_the_letter(room: Classroom) -> None:
    room.hand_in("10001")
    room.hand_in("10002")
    room.hand_in("10003", {"train_data": "def make_train_data(length):\n    return [length] * 3 + [4, 5, 6]"})
    found = room.find()
    assert names(found) == [("10001", "10002")]
    assert found.pairs[0].code > 0.99 and "generator" in found.pairs[0].same_cells
    assert found.pairs[0].texts == pytest.approx(1.0)


def test_two_who_hand_in_together_are_no_finding(room: Classroom) -> None:
    for student in ("10001", "10002"):
        room.hand_in(student, ids=("10001", "10002"))
    found = room.find()
    assert found.pairs == () and found.together == (("10001", "10002"),)


def test_one_who_names_another_alone_stays_a_finding_with_a_remark(room: Classroom) -> None:
    room.hand_in("10001", ids=("10001", "10002"))
    room.hand_in("10002")
    (pair,) = room.find().pairs
    assert pair.remark == "10001 names 10002 as a partner"


def test_broken_and_blank_submissions_are_named_and_the_others_compared(room: Classroom) -> None:
    room.write("10001", b"{broken")
    room.hand_in("10002", {})
    room.hand_in("10003")
    room.hand_in("10004")
    found = room.find()
    assert names(found) == [("10003", "10004")]
    assert "not JSON" in found.left_out["10001"] and "nothing is written" in found.left_out["10002"]


def test_a_class_without_anything_written_has_no_pairs(room: Classroom) -> None:
    room.hand_in("10001", {})
    room.hand_in("10002", {})
    found = room.find(0.0)
    assert found.pairs == () and set(found.left_out) == {"10001", "10002"}


def test_too_few_submissions_are_described_and_nothing_is_made(room: Classroom) -> None:
    with pytest.raises(CourseError, match=r"There are 0 submissions of lab1_sine_gan, too few to compare"):
        room.find()
    assert list(room.folder.iterdir()) == []


@pytest.mark.parametrize("threshold", [-0.1, 70.0, float("nan")])
def test_a_threshold_out_of_range_is_described(room: Classroom, threshold: float) -> None:
    with pytest.raises(CourseError, match=r"--threshold must lie between 0 and 1"):
        room.find(threshold)


def test_the_terminal_says_that_likeness_is_no_proof(room: Classroom) -> None:
    room.hand_in("10001")
    room.hand_in("[bold]10002")
    output = io.StringIO()
    show_similarity(Console(file=output, width=120), room.find())
    assert "no proof" in output.getvalue() and "[bold]10002" in output.getvalue()


# --- the page ---------------------------------------------------------------------------------------------


@pytest.fixture
def page(room: Classroom) -> Callable[..., str]:
    def written(threshold: float = LIKENESS) -> str:
        return write_page(room.folder / "page.html", room.find(threshold)).read_text(encoding="utf-8")

    return written


def test_nothing_that_students_wrote_runs_on_the_page(room: Classroom, page: Callable[..., str]) -> None:
    attack = "<script>alert(1)</script>"
    cells = {**room.answers, "generator": f"x = '{attack}'  # {attack}\ny = [1, 2, 3, 4, 5, 6, x]"}
    room.hand_in("10001", cells)
    room.hand_in("<img src=x onerror=alert(2)>", cells)
    html = page()
    assert "<script" not in html and "<img src=x" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html.replace("&#39;", "'")


def test_the_page_needs_no_other_file(room: Classroom, page: Callable[..., str]) -> None:
    room.hand_in("10001")
    room.hand_in("10002")
    html = page()
    assert "http://" not in html and "https://" not in html and html.count("data:image/svg+xml;base64,") == 1


def test_shared_code_is_marked_on_both_sides_and_the_rest_is_not(
    room: Classroom, page: Callable[..., str]
) -> None:
    shared = "table = {key: value ** 3 % 17 for key, value in enumerate(range(90))}"
    for student, own in (("10001", "alone = 5555"), ("10002", "while False: other = 77")):
        room.hand_in(student, {"generator": f"{shared}\n\n\n{own}"})
    html = page(threshold=0.1)
    assert html.count(f'<mark class="rare">{shared[:20]}') == 2
    assert "alone = 5555</mark>" not in html and "alone = 5555" in html


def test_a_page_without_findings_says_so(room: Classroom, page: Callable[..., str]) -> None:
    room.hand_in("10001")
    room.hand_in("10002", {"train_data": "def make_train_data(length):\n    return [length] * 3 + [4, 5, 6]"})
    assert "No pair is 70 % alike or more." in page()


@pytest.mark.slow
@pytest.mark.parametrize(("width", "media"), [(DESKTOP, "screen"), (PHONE, "screen"), (794, "print")])
def test_the_page_fits_a_desktop_a_phone_and_paper(
    room: Classroom, page: Callable[..., str], width: int, media: str
) -> None:
    long = "value = [" + ", ".join(f"'{'x' * 60}{n}'" for n in range(9)) + "]"
    for student in ("10001", "a-student-with-a-very-long-address@university.example"):
        room.hand_in(student, {**room.answers, "generator": long})
    page()
    with open_browser() as browser:
        view = browser.new_page(viewport={"width": width, "height": 900})
        view.emulate_media(media=media)
        view.goto((room.folder / "page.html").as_uri())
        assert view.evaluate("document.documentElement.scrollWidth") <= width
        first, second = view.locator(".sides").first.locator("pre").all()
        beside = first.bounding_box()["y"] == second.bounding_box()["y"]
        assert beside == (width > 640)
        colour = view.evaluate("getComputedStyle(document.querySelector('mark.rare')).backgroundColor")
        assert colour == "rgb(255, 201, 201)"


@pytest.mark.slow
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_the_page_is_accessible(room: Classroom, page: Callable[..., str], width: int) -> None:
    for student in ("10001", "a-student-with-a-very-long-address@university.example"):
        room.hand_in(student)
    page()
    with open_browser() as browser:
        assert Visit(browser, room.folder / "page.html", width).violations() == []


def test_the_picture_counts_pairs_in_plain_numbers(room: Classroom) -> None:
    for student in ("10001", "10002", "10003"):
        room.hand_in(student)
    figure = _histogram(room.find())
    figure.draw_without_rendering()
    labels = [label.get_text() for label in figure.axes[0].yaxis.get_ticklabels(which="both")]
    assert "1" in labels and not any("10^" in label for label in labels)


def test_the_work_of_a_notebook_is_what_students_write_without_their_names(
    templates: Templates, answers: dict[str, str]
) -> None:
    notebook: NotebookNode = answer(templates.notebooks[LAB1, "es"], answers)
    work = work_of("10001", notebook)
    cells = [c for c in notebook.cells if is_student_cell(c)]
    assert len(work.code) + len(work.texts) == len(cells) - 1 and "identity" not in work.code
    assert work.named == {"00000"}


def test_the_command_writes_the_page_beside_the_submissions(
    room: Classroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(room.course.root)
    room.hand_in("10001")
    room.hand_in("10002")
    result = CliRunner().invoke(
        app, ["similarity", LAB1, "--folder", str(room.folder)], env={"COLUMNS": "200"}
    )
    assert result.exit_code == 0, result.output
    assert "no proof" in result.output and (room.folder / "similarity" / f"{LAB1}.html").is_file()
