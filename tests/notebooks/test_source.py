"""Source notebooks: their format, and how a language is chosen."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from autograder.instructor.settings import Course, CourseError
from autograder.instructor.source import (
    code_cells,
    is_check_cell,
    is_student_cell,
    language_of,
    manual_points,
    read_source,
    select_language,
    select_lines,
)


@pytest.mark.parametrize(
    ("line", "es", "en"),
    [
        ("x = 1", "x = 1", "x = 1"),
        ("    # es: hola", "    # hola", None),
        ('    """en: hello."""', None, '    """hello."""'),
        ('t = "Datos"  # es', 't = "Datos"', None),
        ("y = f(x)  # (n, 2)", "y = f(x)  # (n, 2)", "y = f(x)  # (n, 2)"),
        ("# es decir", "# es decir", "# es decir"),
    ],
)
def test_language_is_chosen_line_by_line(line: str, es: str | None, en: str | None) -> None:
    assert select_lines(line, "es") == (es if es is not None else "")
    assert select_lines(line, "en") == (en if en is not None else "")


def test_an_answer_in_words_is_chosen_line_by_line() -> None:
    answer = "### BEGIN SOLUTION\nes: Sí: mucho.\nen: Yes: a lot.\nNote: both.\n### END SOLUTION"
    assert select_lines(answer, "es", prose=True).split("\n")[1:3] == ["Sí: mucho.", "Note: both."]
    assert select_lines(answer, "en", prose=True).split("\n")[1:3] == ["Yes: a lot.", "Note: both."]


def test_every_prose_cell_has_a_twin_in_the_other_language(course: Course, lab: str) -> None:
    cells = [c for c in read_source(course.source(lab)).cells if language_of(c)]
    assert len(cells) > 20
    for spanish, english in zip(cells[::2], cells[1::2], strict=True):
        assert (language_of(spanish), language_of(english)) == ("es", "en")
        assert spanish.id.removesuffix("-es") == english.id.removesuffix("-en")
        assert abs(len(spanish.source.splitlines()) - len(english.source.splitlines())) <= 2, spanish.id


@pytest.mark.parametrize("language", ["es", "en"])
def test_one_language_leaves_no_mark_of_any(course: Course, lab: str, language: str) -> None:
    notebook = select_language(read_source(course.source(lab)), language)
    for cell in code_cells(notebook):
        for mark in ("# es", "# en", "es: ", "en: "):
            assert not any(line.rstrip().endswith(f"  {mark}") for line in cell.source.splitlines()), cell.id
        assert '"""es:' not in cell.source and '"""en:' not in cell.source


def test_a_third_of_the_marks_is_given_by_hand(course: Course, lab: str) -> None:
    points = manual_points(read_source(course.source(lab)))
    assert sum(points.values()) == 30 and len(points) == 4


def test_check_cells_bind_no_name_that_the_rest_of_the_notebook_uses(course: Course, lab: str) -> None:
    """A student's helper called `block` would otherwise be gone after the next check cell."""
    cells = list(code_cells(read_source(course.source(lab))))
    checks = [cell for cell in cells if is_check_cell(cell)]
    others = {node.id for cell in cells if not is_check_cell(cell) for node in names(cell.source)}
    bound = {name for cell in checks for name in bound_names(cell.source)}
    assert "checks" in bound and not bound & others
    assert all(
        name.startswith(("small_", "step_", "training_", "prediction_")) or name in NEUTRAL for name in bound
    )


# What check cells may call what they need, beside their checks.
NEUTRAL = {"checks", "cases", "size", "units"}


def names(source: str) -> list[ast.Name]:
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)]


def bound_names(source: str) -> set[str]:
    """Return the names that a cell leaves behind; those of a comprehension end with it."""
    tree = ast.parse(source)
    inner = {
        id(node)
        for each in ast.walk(tree)
        if isinstance(each, ast.comprehension)
        for node in ast.walk(each.target)
    }
    stored = (n for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    return {node.id for node in stored if id(node) not in inner}


def test_source_uses_no_magics(course: Course, lab: str) -> None:
    for cell in code_cells(read_source(course.source(lab))):
        assert not cell.source.lstrip().startswith(("%", "!")), cell.id


def test_student_cells_that_no_person_marks_come_with_a_check_cell_after_them(
    course: Course, lab: str
) -> None:
    cells = list(code_cells(read_source(course.source(lab))))
    students = [i for i, c in enumerate(cells) if is_student_cell(c) and not c.metadata["nbgrader"]["grade"]]
    for index in students:
        name = cells[index].metadata["nbgrader"]["grade_id"]
        assert cells[index + 1].metadata["nbgrader"]["grade_id"] == f"{name}_check"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# %%\nx = 1\n", "give it an id"),
        ('# %% id="a b"\nx = 1\n', "give it an id"),
        ('# %% id="a"\nx = 1\n\n# %% id="a"\nx = 2\n', "used twice"),
        ('# %% id="a" tags=["lang-es"] nbgrader={"grade_id": "a"}\nx = 1\n', "no language tag"),
    ],
)
def test_bad_source_is_described(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "lab.py"
    path.write_text(text)
    with pytest.raises(CourseError, match=said):
        read_source(path)


def test_missing_source_is_described(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="missing"):
        read_source(tmp_path / "lab.py")
