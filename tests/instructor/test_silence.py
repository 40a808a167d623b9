"""No mark that a person would call wrong is given without a word: what is odd is named, and waits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from autograder.instructor.demo import answer
from autograder.instructor.grade.grader import Grading
from autograder.instructor.grade.people import recipients, resolve
from autograder.instructor.grade.review import needs_review
from autograder.instructor.grade.work import Outcome
from autograder.instructor.gradebook import Mark, read_marks
from autograder.instructor.intake import Rebuilt, Templates, rebuild
from autograder.instructor.own_names import overwritten, own_names
from autograder.instructor.report.data import StudentReport
from autograder.instructor.report.review_reasons import review_reasons_of, urgent
from autograder.instructor.source import grade_id, is_check_cell
from tests.conftest import LAB1
from tests.instructor.conftest import Classroom, MakeClassroom, with_code

ANSWER = "A discriminative model learns P(y | x), a generative one P(x): it can draw new samples."
QUESTION = "question_models"
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
PASTED = {"a.png": {"image/png": PICTURE}}


@pytest.fixture(scope="module")
def blank(templates: Templates) -> NotebookNode:
    return templates.notebooks[LAB1, "en"]


@pytest.fixture(scope="module")
def complete(blank: NotebookNode, answers: dict[str, str]) -> NotebookNode:
    return answer(blank, answers)


class Desk:
    """A folder of one submission, and what intake makes of it."""

    def __init__(self, folder: Path, templates: Templates) -> None:
        self.folder = folder
        self._templates = templates

    def put(self, content: NotebookNode | bytes, name: str = f"{LAB1}.ipynb") -> Desk:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = nbformat.writes(content) if isinstance(content, NotebookNode) else content
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return self

    def rebuild(self) -> Rebuilt:
        return rebuild(self.folder, LAB1, self._templates, "en")


@pytest.fixture
def desk(tmp_path: Path, templates: Templates) -> Desk:
    return Desk(tmp_path, templates)


def keys(rebuilt: Rebuilt) -> set[str]:
    return {note.key for note in rebuilt.notes}


def cell_of(notebook: NotebookNode, name: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if name in (grade_id(cell), cell["id"]))


def place_of(notebook: NotebookNode, name: str) -> int:
    return notebook.cells.index(cell_of(notebook, name))


def unanswered(complete: NotebookNode, blank: NotebookNode, *names: str) -> NotebookNode:
    """Return a copy in which some answers are as the lab hands them out."""
    changed = deepcopy(complete)
    for name in names:
        cell_of(changed, name).source = cell_of(blank, name).source
    return changed


def with_cell(
    notebook: NotebookNode, cell: NotebookNode, *, before: str = "", after: str = ""
) -> NotebookNode:
    changed = deepcopy(notebook)
    place = place_of(changed, before) if before else place_of(changed, after) + 1
    changed.cells.insert(place, cell)
    return changed


def without_metadata(notebook: NotebookNode) -> NotebookNode:
    changed = deepcopy(notebook)
    for number, cell in enumerate(changed.cells):
        cell.metadata, cell["id"] = NotebookNode(), f"random{number}"
    return changed


# --- another lab, another version ------------------------------------------------------------------


@pytest.mark.parametrize("lab", ["lab2_mnist_gan", "lab4_wgan_gp", "lab6_cnn_augmentation"])
@pytest.mark.parametrize("bare", [False, True], ids=["metadata kept", "metadata lost"])
def test_a_notebook_of_another_lab_that_shares_ids_is_named(
    desk: Desk, templates: Templates, lab: str, bare: bool
) -> None:
    other = templates.notebooks[lab, "es"]
    rebuilt = desk.put(without_metadata(other) if bare else other).rebuild()
    assert not rebuilt.usable and keys(rebuilt) == {"another_lab"}
    assert lab in rebuilt.notes[0].render("en")


@pytest.mark.parametrize("lab", ["lab1_sine_gan", "lab2_mnist_gan", "lab3_dcgan", "lab5_progan"])
@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("bare", [False, True], ids=["metadata kept", "metadata lost"])
def test_a_notebook_of_the_lab_is_taken(
    tmp_path: Path, templates: Templates, lab: str, language: str, bare: bool
) -> None:
    own = templates.notebooks[lab, language]
    (tmp_path / f"{lab}.ipynb").write_text(nbformat.writes(without_metadata(own) if bare else own))
    rebuilt = rebuild(tmp_path, lab, templates, "en")
    assert rebuilt.usable and rebuilt.language == language
    assert keys(rebuilt) <= {"lost_metadata", "nothing_written"}


def test_a_notebook_of_another_course_with_the_same_ids_is_not_recognised(
    desk: Desk, blank: NotebookNode
) -> None:
    cells = []
    for name in ("identity", "generator", "discriminator", "generator_step", "discriminator_step"):
        cell = new_code_cell("x = 1", metadata={"nbgrader": {"grade_id": name, "solution": True}})
        cells += [cell, new_code_cell("assert x", metadata={"nbgrader": {"grade_id": f"{name}_check"}})]
    rebuilt = desk.put(new_notebook(cells=cells)).rebuild()
    assert not rebuilt.usable and keys(rebuilt) == {"unrecognised"}


def test_two_labs_in_one_notebook_are_named(desk: Desk, complete: NotebookNode, templates: Templates) -> None:
    both = deepcopy(complete)
    for number, cell in enumerate(deepcopy(templates.notebooks["lab2_mnist_gan", "en"]).cells):
        cell["id"] = f"second{number}"
        both.cells.append(cell)
    rebuilt = desk.put(both).rebuild()
    assert not rebuilt.usable and keys(rebuilt) == {"two_labs"}


def test_a_cell_copied_from_another_lab_disturbs_nothing(
    desk: Desk, complete: NotebookNode, templates: Templates
) -> None:
    copied = deepcopy(cell_of(templates.notebooks["lab2_mnist_gan", "en"], "transform"))
    assert desk.put(with_cell(complete, copied, after="train_data_check")).rebuild().usable


def test_another_years_version_with_few_common_cells_has_no_marks(desk: Desk, complete: NotebookNode) -> None:
    older = deepcopy(complete)
    for cell in older.cells[15:]:
        if grade_id(cell):
            cell.metadata["nbgrader"]["grade_id"] += "_2019"
    rebuilt = desk.put(older).rebuild()
    assert not rebuilt.usable and keys(rebuilt) == {"another_version"}


def test_what_an_older_version_did_not_ask_for_waits(desk: Desk, complete: NotebookNode) -> None:
    older = deepcopy(complete)
    cell_of(older, QUESTION).metadata["nbgrader"]["grade_id"] = "question_older"
    older.cells = [cell for cell in older.cells if grade_id(cell) not in ("sample", "sample_check")]
    rebuilt = desk.put(older).rebuild()
    assert rebuilt.usable and "unknown_cells" in keys(rebuilt)
    assert rebuilt.waits == {QUESTION, "sample_check"}


def test_marks_cells_with_other_code_let_all_marks_wait(desk: Desk, complete: NotebookNode) -> None:
    older = deepcopy(complete)
    checks = [cell for cell in older.cells if is_check_cell(cell)]
    for cell in checks:
        cell.source = cell.source.replace("points=", "marks=")
    rebuilt = desk.put(older).rebuild()
    assert "old_checks" in keys(rebuilt) and rebuilt.waits == {grade_id(cell) for cell in checks}


def test_marks_cells_that_an_editor_laid_out_anew_do_not(desk: Desk, complete: NotebookNode) -> None:
    tidy = deepcopy(complete)
    for cell in tidy.cells:
        if is_check_cell(cell):
            cell.source = cell.source.replace("(", "(\n        ").replace('"', "'")
    rebuilt = desk.put(tidy).rebuild()
    assert "old_checks" not in keys(rebuilt) and not rebuilt.waits


# --- several copies --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        (f"{LAB1}.ipynb", f"{LAB1}-Copy1.ipynb"),
        (f"{LAB1}.ipynb", "Untitled.ipynb"),
        ("lab1.ipynb", "lab1 (1).ipynb"),
        ("a.ipynb", "b.ipynb"),
        (f"{LAB1}.ipynb", f".ipynb_checkpoints/{LAB1}-checkpoint.ipynb"),
        (f"{LAB1}.ipynb", f"{LAB1}.ipynb~"),
    ],
)
@pytest.mark.parametrize("bare", [False, True], ids=["metadata kept", "metadata lost"])
def test_the_copy_with_the_answers_counts(
    desk: Desk, blank: NotebookNode, complete: NotebookNode, names: tuple[str, str], bare: bool
) -> None:
    filled = without_metadata(complete) if bare else complete
    rebuilt = desk.put(blank, names[0]).put(filled, names[1]).rebuild()
    assert rebuilt.file == names[1] and "several_notebooks" in keys(rebuilt)
    assert cell_of(rebuilt.notebook, "train").source == cell_of(complete, "train").source
    assert not rebuilt.waits


def test_of_two_copies_with_different_answers_the_fuller_counts_and_the_differences_wait(
    desk: Desk, blank: NotebookNode, complete: NotebookNode
) -> None:
    fuller = unanswered(complete, blank, QUESTION)
    other = answer(blank, {QUESTION: ANSWER, "train_data": "def make_train_data(length): ..."})
    rebuilt = desk.put(other).put(fuller, "Untitled.ipynb").rebuild()
    assert rebuilt.file == "Untitled.ipynb" and "copies_differ" in keys(rebuilt)
    assert rebuilt.waits == {QUESTION, "train_data_check"}
    said = next(note for note in rebuilt.notes if note.key == "copies_differ").render("en")
    assert f"{LAB1}.ipynb" in said and "Untitled.ipynb" in said


def test_equal_copies_let_nothing_wait(desk: Desk, complete: NotebookNode) -> None:
    rebuilt = desk.put(complete).put(complete, "Untitled.ipynb").rebuild()
    assert keys(rebuilt) == {"several_notebooks"} and not rebuilt.waits


def test_very_many_notebooks_are_not_all_read(
    desk: Desk, complete: NotebookNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.instructor.intake.rebuilding.MAX_NOTEBOOKS", 2)
    for number in range(4):
        desk.put(b"{}", f"a{number}.ipynb")
    rebuilt = desk.put(complete).rebuild()
    assert rebuilt.file == f"{LAB1}.ipynb" and "too_many_notebooks" in keys(rebuilt)


# --- answers beside their cell ---------------------------------------------------------------------


def under_the_question(notebook: NotebookNode) -> NotebookNode:
    changed = deepcopy(notebook)
    cell_of(changed, "questions-text-en").source += f"\n\n{ANSWER}"
    return changed


def pasted_into_the_answer(notebook: NotebookNode) -> NotebookNode:
    changed = deepcopy(notebook)
    cell_of(changed, QUESTION).attachments = PASTED
    return changed


PLACES = {
    "under the question": under_the_question,
    "in a cell below": lambda n: with_cell(n, new_markdown_cell(ANSWER), after=QUESTION),
    "in a cell above": lambda n: with_cell(n, new_markdown_cell(ANSWER), before=QUESTION),
    "in a raw cell": lambda n: with_cell(n, new_raw_cell(ANSWER), after=QUESTION),
    "in a comment": lambda n: with_cell(n, new_code_cell(f"# {ANSWER}"), after=QUESTION),
    "in a string": lambda n: with_cell(n, new_code_cell(f"answer = '{ANSWER}'"), after=QUESTION),
    "in no Python": lambda n: with_cell(n, new_code_cell(ANSWER), after=QUESTION),
    "in a picture": lambda n: with_cell(
        n, new_markdown_cell("![](attachment:a.png)", attachments=PASTED), after=QUESTION
    ),
    "in a picture in its cell": pasted_into_the_answer,
    "at the end": lambda n: with_cell(n, new_markdown_cell(ANSWER), after="summary"),
    "at the beginning": lambda n: with_cell(n, new_markdown_cell(ANSWER), after="title-en"),
    "with another answer": lambda n: answer(n, {"question_minimax": f"**1.** {ANSWER}\n\n**2.** {ANSWER}"}),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_a_written_answer_beside_its_cell_waits_and_is_shown(
    desk: Desk, blank: NotebookNode, complete: NotebookNode, place: str
) -> None:
    handed_in = PLACES[place](unanswered(complete, blank, QUESTION))
    rebuilt = desk.put(handed_in).rebuild()
    assert QUESTION in rebuilt.waits and "answer_beside" in keys(rebuilt)
    text = "\n".join(cell.source + str(cell.get("attachments", "")) for cell in rebuilt.notebook.cells)
    assert (PICTURE if "picture" in place else ANSWER) in text
    # To the letter as it was handed out, which is what nbgrader gives 0 for.
    assert cell_of(rebuilt.notebook, QUESTION).source == cell_of(blank, QUESTION).source


def test_a_question_without_an_answer_anywhere_does_not_wait(
    desk: Desk, blank: NotebookNode, complete: NotebookNode
) -> None:
    handed_in = unanswered(complete, blank, QUESTION)
    handed_in = with_cell(handed_in, new_code_cell("train(1, 2)  # try it"), after="train_check")
    assert not desk.put(handed_in).rebuild().waits


def test_notes_beside_questions_that_are_answered_let_nothing_wait(
    desk: Desk, complete: NotebookNode
) -> None:
    rebuilt = desk.put(with_cell(complete, new_markdown_cell(ANSWER), after="train_check")).rebuild()
    assert not rebuilt.waits and not rebuilt.notes


@pytest.mark.parametrize("where", ["before", "after its check", "at the end"])
def test_code_beside_its_cell_is_run_where_the_check_sees_it(
    desk: Desk, blank: NotebookNode, complete: NotebookNode, answers: dict[str, str], where: str
) -> None:
    cell = new_code_cell(answers["generator"])
    handed_in = unanswered(complete, blank, "generator")
    places = {
        "before": {"before": "generator"},
        "after its check": {"after": "generator_check"},
        "at the end": {"after": "summary"},
    }
    rebuilt = desk.put(with_cell(handed_in, cell, **places[where])).rebuild()
    assert "moved_answer" in keys(rebuilt) and rebuilt.waits == {"generator_check"}
    start, end = place_of(rebuilt.notebook, "generator"), place_of(rebuilt.notebook, "generator_check")
    between = [cell.source.strip() for cell in rebuilt.notebook.cells[start + 1 : end]]
    assert any(source in answers["generator"] and source.startswith("class Generator") for source in between)


def test_code_in_the_cell_of_another_answer_is_not_lost(
    desk: Desk, blank: NotebookNode, complete: NotebookNode, answers: dict[str, str]
) -> None:
    both = f"{answers['discriminator']}\n\n\n{answers['generator']}"
    rebuilt = desk.put(answer(unanswered(complete, blank, "generator"), {"discriminator": both})).rebuild()
    assert "moved_answer" in keys(rebuilt) and rebuilt.waits == {"generator_check"}
    place = place_of(rebuilt.notebook, "generator")
    assert rebuilt.notebook.cells[place + 1].source.startswith("class Generator")


def test_code_in_the_check_cell_is_not_lost(
    desk: Desk, blank: NotebookNode, complete: NotebookNode, answers: dict[str, str]
) -> None:
    handed_in = unanswered(complete, blank, "generator")
    check = cell_of(handed_in, "generator_check")
    check.source = f"{answers['generator']}\n{check.source}"
    rebuilt = desk.put(handed_in).rebuild()
    assert {"moved_answer", "edited_check"} <= keys(rebuilt) and rebuilt.waits == {"generator_check"}
    place = place_of(rebuilt.notebook, "generator")
    assert rebuilt.notebook.cells[place + 1].source.startswith("class Generator")


# --- names of the library --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code", ["lab = 3", "del lab", "def lab(): ...", "for lab in []: ...", "import math as column",
             "column: int = 3", "def f():\n    global lab\n    lab = 1", "with open('x') as lab: ..."],
)  # fmt: skip
def test_a_name_of_the_library_that_is_overwritten_is_named(blank: NotebookNode, code: str) -> None:
    assert overwritten(code, own_names(blank))


@pytest.mark.parametrize(
    "code",
    ["from autograder import column", "lab.summary()", "def f(lab):\n    lab = 1", "labs = 3", "lab ="],
)
def test_a_name_that_stays_what_it_is_is_not(blank: NotebookNode, code: str) -> None:
    assert not overwritten(code, own_names(blank))


# --- files -----------------------------------------------------------------------------------------


def spanish(complete: NotebookNode) -> tuple[NotebookNode, str]:
    text = "“Sí”, dijo él — costó 5 €…"
    return answer(complete, {QUESTION: text}), text


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-32"])
def test_encodings_are_read_as_their_writer_meant(desk: Desk, complete: NotebookNode, encoding: str) -> None:
    notebook, text = spanish(complete)
    written = nbformat.writes(notebook, ensure_ascii=False).encode(encoding, "xmlcharrefreplace")
    assert cell_of(desk.put(written).rebuild().notebook, QUESTION).source == text


def test_stray_bytes_in_utf_8_cost_no_other_letter(desk: Desk, complete: NotebookNode) -> None:
    notebook, text = spanish(complete)
    written = nbformat.writes(notebook, ensure_ascii=False).encode().replace("“".encode(), b"\x93")
    rebuilt = desk.put(written).rebuild()
    assert cell_of(rebuilt.notebook, QUESTION).source == text and "stray_bytes" in keys(rebuilt)


@pytest.mark.parametrize(
    "name",
    ["._lab1_sine_gan.ipynb", "~$lab1_sine_gan.ipynb", ".#lab1_sine_gan.ipynb", "Thumbs.db", ".DS_Store",
     "desktop.ini", "__MACOSX/._lab1_sine_gan.ipynb", ".lab1_sine_gan.ipynb.swp", "lab1_sine_gan.ipynb~",
     "#lab1_sine_gan.ipynb#",
     "lab1_sine_gan.ipynb.tmp"],
)  # fmt: skip
def test_what_systems_and_editors_leave_behind_is_no_second_notebook(
    desk: Desk, complete: NotebookNode, name: str
) -> None:
    assert desk.put(complete).put(b"\x00\x05\x16\x07", name).rebuild().notes == []


@pytest.mark.parametrize(
    "name", ["lab1_sine_gan.ipynb~", "#lab1_sine_gan.ipynb#",
             ".ipynb_checkpoints/lab1_sine_gan-checkpoint.ipynb",
             "lab1_sine_gan.json", "lab1_sine_gan", "lab1_sine_gan.nbi"],
)  # fmt: skip
def test_a_copy_that_is_all_there_is_is_graded(desk: Desk, complete: NotebookNode, name: str) -> None:
    rebuilt = desk.put(complete, name).rebuild()
    assert rebuilt.usable and rebuilt.file == name and keys(rebuilt) == {"wrong_name"}


# --- who hands in ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("s01", "s01"), (" S01 ", "s01"), ("ｓ０１", "s01"), ("7", "7"), ("007", "7"), ("12", "0012"),
     ("s 01", "s01"), ("20", "20"), ("020", "020"), ("0020", None), ("x", None)],
)  # fmt: skip
def test_an_id_is_whatever_the_gradebook_knows(typed: str, meant: str | None) -> None:
    assert resolve(typed, {"s01", "7", "0012", "20", "020"}) == meant


@pytest.mark.parametrize("partner", ["s02", "7", "a"])
def test_a_partner_with_a_short_id_gets_the_marks(partner: str) -> None:
    found, notes = recipients("s01", ("S01", partner), {"s01"}, {"s01", partner}, {})
    assert found == ["s01", partner] and [note.key for note in notes] == ["partner"]


def test_a_partner_whom_nobody_knows_gets_none_and_is_red() -> None:
    found, notes = recipients("s01", ("s01", "s20"), {"s01"}, {"s01", "s02"}, {})
    assert found == ["s01"] and [note.key for note in notes] == ["partner_unknown"]
    outcome = Outcome("s01", "graded", "", {}, note_keys=["partner_unknown"])
    reasons = review_reasons_of(StudentReport("s01", "graded", outcome=outcome), changed=False, stored=True)
    assert reasons == ("unknown_partner",) and urgent(reasons) and needs_review(outcome)


def test_a_folder_whose_name_is_nearly_an_id_is_red() -> None:
    found, notes = recipients("S01", (), {"S01"}, {"s01", "S01"}, {})
    assert found == ["S01"] and [note.key for note in notes] == ["folder_id"]


# --- a class ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def graded(
    make_classroom: MakeClassroom, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Classroom, Grading]]:
    """A class in which everybody knows the answers, and something is odd about all but one."""
    room = make_classroom(tmp_path_factory.mktemp("silent"))
    little = room.notebook("identity", "train_data")
    room.enrol("v1")

    def hand_in(student: str, notebook: NotebookNode, partner: str = "") -> None:
        room.hand_in(student, room.identified(notebook, student, *([partner] if partner else [])))

    hand_in("honest", little)
    hand_in("names", with_code(little, "train_data", "lab = column = checks = 3"))
    hand_in("cuda", with_code(little, "train_data", "def make_train_set(d): return d.cuda()"))
    hand_in(
        "cuda-cell", answer(little, {"train_data": f"x = torch.ones(1).cuda()\n{room.answers['train_data']}"})
    )
    hand_in("beside", with_cell(little, new_markdown_cell(ANSWER), after=QUESTION))
    training = room.notebook("identity", "train")
    hand_in("wide", with_code(training, "train", "torch.set_default_dtype(torch.float64)"))
    room.hand_in("other-lab", room.templates.notebooks["lab2_mnist_gan", "es"])
    blank = room.templates.notebooks[LAB1, "es"]
    late = with_cell(
        room.identified(blank, "late-code"), new_code_cell(room.answers["train_data"]), after="summary"
    )
    room.hand_in("late-code", late)
    hand_in("aaa", room.notebook("identity"), "v1")
    hand_in("s1", little, "V1")
    half = answer(
        little,
        {"identity": 'student_id_1 = "half"\nsignature_1 = "Name"\nstudent_id_2 = "v1"\nsignature_2 = ""'},
    )
    room.hand_in("half", half)
    seed = 'import os\nstudent_id_2 = os.environ["AUTOGRADER_SEED"]\nsignature_2 = "Name"'
    room.hand_in("seed", with_code(room.identified(little, "seed"), "identity", seed))
    yield room, room.grade()


def outcome_of(graded: tuple[Classroom, Grading], student: str) -> Outcome:
    return next(outcome for outcome in graded[1].outcomes if outcome.student == student)


def mark_of(graded: tuple[Classroom, Grading], student: str) -> Mark:
    marks = read_marks(f"sqlite:///{graded[0].folder / 'gradebook.db'}", LAB1)
    return next(mark for mark in marks if mark.student == student)


def test_names_that_are_overwritten_cost_no_mark(graded: tuple[Classroom, Grading]) -> None:
    outcome = outcome_of(graded, "names")
    assert outcome.marks["train_data_check"] == 10 and set(outcome.note_keys) == {"overwritten"}
    assert "`lab`" in " ".join(outcome.notes) and "`column`" in " ".join(outcome.notes)


def test_the_marked_notebook_shows_the_check_cells_as_they_are(graded: tuple[Classroom, Grading]) -> None:
    room, _ = graded
    path = room.folder / "autograded" / "names" / LAB1 / f"{LAB1}.ipynb"
    checks = [cell.source for cell in nbformat.read(path, as_version=4).cells if is_check_cell(cell)]
    assert checks == [c.source for c in room.templates.notebooks[LAB1, "es"].cells if is_check_cell(c)]


@pytest.mark.parametrize("student", ["cuda", "cuda-cell"])
def test_a_device_that_is_not_there_is_named_and_the_lost_marks_wait(
    graded: tuple[Classroom, Grading], student: str
) -> None:
    outcome, mark = outcome_of(graded, student), mark_of(graded, student)
    assert "no_device" in outcome.note_keys and outcome.marks["train_data_check"] in (0, 7)
    assert "train_data_check" in mark.waits and mark.total is None
    reasons = review_reasons_of(StudentReport(student, "graded", mark, outcome), changed=False, stored=True)
    assert "device" in reasons and urgent(reasons)


def test_the_message_says_to_use_the_variable(graded: tuple[Classroom, Grading]) -> None:
    path = graded[0].folder / "autograded" / "cuda" / LAB1 / f"{LAB1}.ipynb"
    assert "Usa la variable" in json.loads(path.read_text())["cells"].__repr__()


def test_an_answer_beside_its_cell_has_no_automatic_0(graded: tuple[Classroom, Grading]) -> None:
    mark, outcome = mark_of(graded, "beside"), outcome_of(graded, "beside")
    assert mark.given[QUESTION] is None and QUESTION in mark.waits and mark.total is None
    reasons = review_reasons_of(StudentReport("beside", "graded", mark, outcome), changed=False, stored=True)
    assert "misplaced_answer" in reasons and urgent(reasons) and needs_review(outcome)


def test_a_question_that_nobody_answered_has(graded: tuple[Classroom, Grading]) -> None:
    mark = mark_of(graded, "honest")
    assert mark.given[QUESTION] == 0 and mark.waits == () and mark.total == 10


def test_a_default_dtype_of_the_students_own_costs_no_mark(graded: tuple[Classroom, Grading]) -> None:
    assert outcome_of(graded, "wide").marks["train_check"] == 10


def test_another_labs_notebook_has_no_mark(graded: tuple[Classroom, Grading]) -> None:
    outcome, mark = outcome_of(graded, "other-lab"), mark_of(graded, "other-lab")
    assert outcome.status == "unusable" and outcome.note_keys == ["another_lab"]
    assert set(mark.given.values()) == {None} and mark.total is None


def test_code_that_was_moved_to_its_check_has_its_marks_and_does_not_wait(
    graded: tuple[Classroom, Grading],
) -> None:
    outcome = outcome_of(graded, "late-code")
    assert outcome.marks["train_data_check"] == 10 and outcome.note_keys == ["moved_answer"]
    assert "train_data_check" not in mark_of(graded, "late-code").waits


def test_a_stranger_who_names_a_partner_first_takes_nothing_away(graded: tuple[Classroom, Grading]) -> None:
    assert mark_of(graded, "v1").automatic == 10 and mark_of(graded, "aaa").automatic == 0
    records = {outcome.student: outcome for outcome in graded[1].outcomes}
    assert records["s1"].recipients == ("s1", "v1") and needs_review(records["s1"])


def test_an_identity_cell_that_is_half_filled_in_is_red(graded: tuple[Classroom, Grading]) -> None:
    outcome = outcome_of(graded, "half")
    assert outcome.note_keys == ["identity_incomplete"] and outcome.recipients == ("half",)
    assert "signature_2" in outcome.notes[0]


def test_a_student_who_is_called_what_the_seed_is_does_not_show_it(graded: tuple[Classroom, Grading]) -> None:
    room, grading = graded
    assert grading.log is not None
    seed = str(json.loads(grading.log.read_text())["seed"])
    path = room.folder / "autograded" / "seed" / LAB1 / f"{LAB1}.ipynb"
    assert "partner_bad_id" in outcome_of(graded, "seed").note_keys
    assert seed not in path.read_text() and not (room.folder / "autograded" / seed).exists()


# --- what a person would be told -------------------------------------------------------------------


def test_a_notebook_in_which_nothing_is_written_is_named(desk: Desk, blank: NotebookNode) -> None:
    assert keys(desk.put(blank).rebuild()) == {"nothing_written"}


def test_a_name_that_answers_rely_on_and_a_cell_deletes_is_named(desk: Desk, complete: NotebookNode) -> None:
    rebuilt = desk.put(with_cell(complete, new_code_cell("del torch"), before="generator")).rebuild()
    assert [(n.key, n.details["name"]) for n in rebuilt.notes] == [("import_lost", "torch")]


def test_a_notebook_of_the_format_before_is_converted(desk: Desk, complete: NotebookNode) -> None:
    text = nbformat.v3.writes_json(nbformat.convert(deepcopy(complete), 3))
    assert "old_format" in keys(desk.put(text.encode()).rebuild())


def test_a_notebook_among_thousands_of_files_is_found(desk: Desk, complete: NotebookNode) -> None:
    for number in range(5100):
        (desk.folder / f"img_{number}.png").touch()
    assert desk.put(complete).rebuild().usable


def test_the_place_of_an_answer_is_said_in_words_that_lead_there(
    desk: Desk, blank: NotebookNode, complete: NotebookNode
) -> None:
    handed_in = unanswered(complete, blank, QUESTION)
    note = next(
        n
        for n in desk.put(with_cell(handed_in, new_markdown_cell(ANSWER), after=QUESTION)).rebuild().notes
        if n.key == "answer_beside"
    )
    assert f"in a cell of yours after `{QUESTION}`" in note.render("en")


def test_comments_that_explain_code_are_no_answer(
    desk: Desk, blank: NotebookNode, complete: NotebookNode
) -> None:
    handed_in = unanswered(complete, blank, QUESTION)
    cell = new_code_cell("# here we look at the shapes of all tensors that the lab makes\nx = torch.ones(2)")
    assert not desk.put(with_cell(handed_in, cell, before="train_data")).rebuild().waits
