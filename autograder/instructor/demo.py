"""Grade a simulated class with stock nbgrader, from submissions to a report."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from rich.console import Console

from autograder.instructor.bank import load_bank
from autograder.instructor.build import build_lab, run_nbgrader, write_source
from autograder.instructor.gradebook import Mark, read_marks, write_csv
from autograder.instructor.report.run import collect_report, write_files
from autograder.instructor.report.terminal import show_table
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.source import (
    grade_id,
    is_student_cell,
    read_source,
    select_language,
    write_notebook,
)

LAB1 = "lab1_sine_gan"


@dataclass(frozen=True)
class Student:
    """A simulated student.

    Attributes:
        id: the student id, also the name of the submission's folder.
        what: what the submission is like, for the report.
        solved: grade_ids of the cells answered as in the solution; None: all of them.
        mistakes: ids of bank entries handed in instead.
    """

    id: str
    what: str
    solved: tuple[str, ...] | None = None
    mistakes: tuple[str, ...] = field(default=())


CLASSES = {
    LAB1: (
        Student("10001", "complete"),
        Student(
            "10002",
            "half done",
            solved=("identity", "train_data", "discriminator", "generator", "discriminator_step"),
        ),
        Student("10003", "blank", solved=()),
        Student(
            "10004", "no zero_grad in either step", mistakes=("d_step_no_zero_grad", "g_step_no_zero_grad")
        ),
        Student("10005", "labels swapped", mistakes=("d_step_swapped_labels",)),
        Student("10006", "a layer missing", mistakes=("discriminator_missing_layer",)),
        Student("10007", "SGD instead of Adam", mistakes=("train_sgd",)),
    ),
    "lab2_mnist_gan": (
        Student("10001", "complete"),
        Student("10002", "half done", solved=("identity", "transform", "discriminator", "generator")),
        Student("10003", "pixels from 0 to 1", mistakes=("transform_unit_interval",)),
        Student("10004", "usual betas", mistakes=("optimizers_usual_betas",)),
    ),
    "lab3_dcgan": (
        Student("10001", "complete"),
        Student("10002", "half done", solved=("identity", "sizes", "generator", "discriminator")),
        Student("10003", "z not 4-D", mistakes=("d_step_latent_2d", "g_step_latent_2d")),
        Student("10004", "optimisers not saved", mistakes=("checkpoint_no_optimizers",)),
    ),
    "lab4_wgan_gp": (
        Student("10001", "complete"),
        Student("10002", "half done", solved=("identity", "losses", "critic", "generator", "clip_weights")),
        Student("10003", "normal alpha", mistakes=("interpolate_normal",)),
        Student("10004", "no create_graph", mistakes=("penalty_no_graph",)),
    ),
    "lab5_progan": (
        Student("10001", "complete"),
        Student(
            "10002", "half done", solved=("identity", "ws_conv", "pixel_norm", "conv_block", "generator")
        ),
        Student("10003", "scale and norm wrong", mistakes=("ws_no_kernel", "pixel_norm_sum")),
        Student("10004", "fades in reverse", mistakes=("fade_swapped",)),
    ),
    "lab6_cnn_augmentation": (
        Student("10001", "complete"),
        Student("10002", "half done", solved=("identity", "claim", "split", "training_set", "augment")),
        Student("10003", "a leak in the split", mistakes=("split_overlap",)),
        Student("10004", "eval mode forgotten", mistakes=("predict_no_eval", "step_no_train")),
    ),
}


def run(course: Course, console: Console, lab: str = LAB1, *, skip_build: bool = False) -> list[Mark]:
    """Build a lab, hand in a simulated class, grade it, and write table, CSV and report.

    Args:
        course: the checkout.
        console: where progress and the table go.
        lab: the lab's id; what is written goes to build/demo/<lab>.
        skip_build: use the notebooks as they are.

    Returns:
        One mark per student.

    Raises:
        CourseError: if there is no such lab, or no simulated class for it.
    """
    students = simulated_class(course, lab)
    folder = course.build / "demo" / lab
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with console.status("building …") as status:
        if skip_build:
            write_source(course, lab)
        else:
            build_lab(course, lab, report=status.update)
        status.update("handing in …")
        hand_in(course, lab, students, folder)
        status.update("nbgrader generate_assignment …")
        shutil.copytree(course.build / "source" / lab, folder / "source" / lab)
        _nbgrader(course, folder, lab, "generate_assignment", "--force")
        status.update(f"nbgrader autograde: {len(students)} submissions …")
        _nbgrader(course, folder, lab, "autograde")
        status.update("nbgrader generate_feedback …")
        _nbgrader(course, folder, lab, "generate_feedback")
        marks = read_marks(f"sqlite:///{folder / 'gradebook.db'}", lab)
    csv = write_csv(marks, folder / "marks.csv")
    report = collect_report(course, lab, folder, {student.id: student.what for student in students})
    files = write_files(report, folder / "report.html")
    show_table(console, report)
    for path in (csv, *files, folder / "feedback"):
        console.print(f"[green]✓[/] {path.relative_to(course.root)}")
    return marks


def simulated_class(course: Course, lab: str) -> tuple[Student, ...]:
    """Return the simulated class of a lab.

    Raises:
        CourseError: if there is no such lab, or none for it.
    """
    if course.require_lab(lab) not in CLASSES:
        raise CourseError(
            f"{lab} has no simulated class: add one to CLASSES in autograder/instructor/demo.py."
        )
    return CLASSES[lab]


def hand_in(course: Course, lab: str, students: Sequence[Student], folder: Path) -> None:
    """Write the submissions of a whole class."""
    bank = load_bank(course.bank(lab))
    release = nbformat.read(course.release(lab, course.language), as_version=4)
    solution = select_language(read_source(course.source(lab)), course.language, course.languages)
    solved = {str(grade_id(c)): c.source for c in solution.cells if is_student_cell(c)}
    for student in students:
        cells = solved if student.solved is None else {name: solved[name] for name in student.solved}
        wrong = {bank[name].cell: bank[name].code for name in student.mistakes}
        submission = answer(release, {**cells, **wrong})
        write_notebook(submission, folder / "submitted" / student.id / lab / f"{lab}.ipynb")


def answer(release: NotebookNode, answers: dict[str, str]) -> NotebookNode:
    """Return a copy of a student notebook with some of its cells answered, by grade_id."""
    notebook = deepcopy(release)
    for cell in notebook.cells:
        if grade_id(cell) in answers:
            lines = answers[str(grade_id(cell))].strip("\n").split("\n")
            cell.source = "\n".join(line for line in lines if " SOLUTION" not in line)
    return notebook


def _nbgrader(course: Course, folder: Path, lab: str, command: str, *options: str) -> None:
    """Run a stock nbgrader command in the demo's own course folder."""
    run_nbgrader(
        course,
        command,
        lab,
        *options,
        f"--CourseDirectory.db_url=sqlite:///{folder / 'gradebook.db'}",
        "--CourseDirectory.source_directory=source",
        "--CourseDirectory.release_directory=release",
        course_folder=folder,
    )
