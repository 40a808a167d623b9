"""A lab as a page: the students' notebook, and below its code what the solution showed there.

Text and code are the release's, so no line of a solution can get here. Outputs are those of the cells that
students run and do not write: pictures, tables, what was printed. Marks are left out, and so is what the
session says of itself.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field

import nbformat
from nbformat import NotebookNode

from autograder.instructor.parsing import Names
from autograder.instructor.releases import read_release
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.source import is_check_cell
from course.authoring.site.outputs import Figure, take_figure, take_film, tidy_tables
from course.authoring.site.titles import figure_title, last_heading

# What notebooks call the session of a lab, whose outputs are marks.
_SESSION = "lab"


@dataclass(frozen=True)
class LabPage:
    """A lab in one language.

    Attributes:
        notebook: text and code of the release, outputs of the solution.
        figures: its pictures, in order.
        films: its films, GIF files, by the names that the page expects in the folder films/ above its own.
    """

    notebook: NotebookNode
    figures: list[Figure] = field(default_factory=list)
    films: dict[str, bytes] = field(default_factory=dict)


def lab_page(course: Course, lab: str, language: str, *, film: str) -> LabPage:
    """Return a lab as a page.

    Args:
        course: the checkout.
        lab: the lab's id.
        language: of text and code. Figures are the solution's, in the course's first language; diagrams are
            drawn anew in others.
        film: what a reader clicks to see a film; `{title}` in it is what the film shows.

    Raises:
        CourseError: if the lab is not built, or release and solution are not of one source.
    """
    release, solution = read_release(course, lab, language), _read_solution(course, lab)
    names = [cell_name(cell, language) for cell in release.cells]
    if names != [cell_name(cell, course.language) for cell in solution.cells]:
        raise CourseError(f"{lab}: release and solution have different cells. Run `course build {lab}`.")
    page = LabPage(release)
    redrawn_in = language if language != course.language else None
    heading, cells = "", []
    for name, cell, solved in zip(names, release.cells, solution.cells, strict=True):
        if cell.cell_type == "markdown":
            heading = last_heading(cell.source) or heading
        elif is_check_cell(cell):
            cell.metadata["tags"] = ["hide-input"]
        elif is_exploration(cell):
            title = figure_title(cell.source) or heading
            cell.outputs = deepcopy(solved.outputs)
            tidy_tables(cell, title)
            film_file = f"{lab}-{name}.gif"
            if moving := take_film(cell, f"../films/{film_file}", film.format(title=title)):
                page.films[film_file] = moving
            if figure := take_figure(cell, name, title, redrawn_in):
                page.figures.append(figure)
                cells.append(_anchor_cell(name))
        cells.append(_plain(cell))
    release.cells = cells
    return page


def anchor(cell: str) -> str:
    """Return what links may name after a # sign to lead to a cell's figure."""
    return f"figure-{cell}"


def cell_name(cell: NotebookNode, language: str) -> str:
    """Return what a cell and its twins in other languages are called."""
    return str(cell.id).removesuffix(f"-{language}")


def is_exploration(cell: NotebookNode) -> bool:
    """Tell whether a cell is code that students run as it is, and whose outputs are no marks."""
    if cell.cell_type != "code" or "nbgrader" in cell.metadata:
        return False
    names = Names.of(cell.source)
    return names is None or _SESSION not in names.used | names.bound


def _read_solution(course: Course, lab: str) -> NotebookNode:
    """Return a lab's executed solution.

    Raises:
        CourseError: if it is not there, or cannot be read.
    """
    try:
        return nbformat.read(course.solution(lab), as_version=4)
    except Exception as error:  # nbformat raises whatever the content makes it meet
        raise CourseError(
            f"The solution of {lab} cannot be read ({type(error).__name__}): run `course build {lab}`."
        ) from None


def _plain(cell: NotebookNode) -> NotebookNode:
    """Return a cell without what only nbgrader and editors read."""
    kept = {key: cell.metadata[key] for key in ("tags", "mystnb") if key in cell.metadata}
    cell.metadata = nbformat.from_dict(kept)
    return cell


def _anchor_cell(name: str) -> NotebookNode:
    """Return a cell that shows nothing, for links to the figure of the next."""
    cell = nbformat.v4.new_markdown_cell(f'<span id="{anchor(name)}"></span>')
    cell.id = f"at-{name}"[:64]
    return cell
