"""What `course new` is asked for, and what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from autograder.instructor.errors import CourseError
from autograder.instructor.new.course import CourseOptions, new_course
from autograder.instructor.new.lab import new_lab
from autograder.instructor.new.removal import remove_lab
from autograder.instructor.settings import load_course

_TITLE = "--title-"


def lab_and_titles(words: Sequence[str]) -> tuple[str | None, dict[str, str]]:
    """Return the lab that a command line names, and the titles that it gives, by language.

    Which languages there are is for the course to say, so these options are not known beforehand.

    Args:
        words: what is no other option: `LAB`, `--title-en TEXT`, `--title-en=TEXT`, in any order.

    Raises:
        CourseError: if there is another option, a title is missing, or two labs are named.
    """
    labs: list[str] = []
    titles: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        option, sign, title = word.partition("=")
        if option.startswith(_TITLE):
            text = title if sign else next(rest, None)
            if text is None:
                raise CourseError(f"{option} needs a text.")
            titles[option.removeprefix(_TITLE)] = text
        elif word.startswith("--"):
            raise CourseError(f"There is no option {option}: see `course new --help`.")
        else:
            labs.append(word)
    if len(labs) > 1:
        raise CourseError(f"One lab at a time, not {', '.join(labs)}. A title of several words is quoted.")
    return (labs[0] if labs else None), titles


def run_new(
    console: Console,
    words: Sequence[str],
    folder: Path | None,
    options: CourseOptions,
    *,
    remove: bool,
    force: bool,
) -> None:
    """Do what one call of `course new` asks for, and show what was done.

    Args:
        console: where to show it.
        words: a lab's id, if it is about one, and titles; see `lab_and_titles`.
        folder: of a whole course, if it is about one.
        options: what that course is to be like.
        remove: whether to take the lab back.
        force: whether work of people may be lost.

    Raises:
        CourseError: if the options do not fit, or what they ask for cannot be done.
    """
    lab, titles = lab_and_titles(words)
    _require_fitting(lab, folder, options, titles, remove=remove, force=force)
    if folder is not None:
        _show_course(console, folder, new_course(folder, options))
    elif lab is not None and remove:
        _show_removed(console, lab, remove_lab(load_course(), lab, force=force))
    elif lab is not None:
        _show_lab(console, lab, new_lab(load_course(), lab, titles))


def _require_fitting(
    lab: str | None,
    folder: Path | None,
    options: CourseOptions,
    titles: dict[str, str],
    *,
    remove: bool,
    force: bool,
) -> None:
    """Raise `CourseError` where options do not fit together."""
    if (lab is None) == (folder is None):
        raise CourseError("Name a lab, `course new LAB`, or a folder: `course new --course FOLDER`.")
    if folder is None and options != CourseOptions():
        raise CourseError(
            "--package, --language, --languages and --library are for a whole course: add --course FOLDER."
        )
    if folder is not None and (remove or titles):
        raise CourseError("--remove and --title-… are for one lab: `course new LAB`.")
    if remove and titles:
        raise CourseError("A lab that is removed needs no title.")
    if force and not remove:
        raise CourseError("--force is for --remove: nothing that is there is ever written over.")


def _show_lab(console: Console, lab: str, files: list[Path]) -> None:
    root = files[-1].parent
    console.print(f"[green]✓[/] {lab}")
    for path in files:
        console.print(f"  {escape(str(path.relative_to(root)))}", soft_wrap=True)
    console.print(f"Next: course build {lab}; course audit {lab}", highlight=False)


def _show_course(console: Console, folder: Path, files: list[Path]) -> None:
    console.print(f"[green]✓[/] {escape(str(folder))}", soft_wrap=True)
    for path in sorted(files):
        console.print(f"  {escape(str(path.relative_to(folder)))}", soft_wrap=True)
    console.print("Next: read README.md there; make demo; make test", highlight=False)


def _show_removed(console: Console, lab: str, removed: list[Path]) -> None:
    root = load_course().root
    console.print(f"[green]✓[/] {lab} is gone from course.toml, and with it")
    for path in removed:
        console.print(f"  {escape(str(path.relative_to(root)))}", soft_wrap=True)
