"""What `course new` is asked for: the options of its command line, with a title for each language of the course."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperCommand, TyperOption

from autograder.instructor.errors import CourseError
from autograder.instructor.new.course import CourseOptions, new_course
from autograder.instructor.new.lab import new_lab
from autograder.instructor.new.removal import remove_lab
from autograder.instructor.settings import load_course

_TITLES = f"{__name__}.titles"


class NewCommand(TyperCommand):
    """A command that takes an option --title-LANGUAGE for each language of the course in whose folder it runs."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the command's parameters, with those of the course."""
        params: list[Any] = super().get_params(ctx)
        languages: tuple[str, ...] = ()
        with contextlib.suppress(CourseError, OSError):
            languages = load_course().languages
        return [*params[:-1], *map(_title_option, languages), *params[-1:]]


def _title_option(language: str) -> TyperOption:
    """Return the option --title-LANGUAGE; what it is given goes to the context."""

    def keep(context: Any, parameter: Any, value: str | None) -> None:
        if value is not None:
            context.meta.setdefault(_TITLES, {})[language] = value

    return TyperOption(
        param_decls=[f"--title-{language}"],
        type=str,
        help=f"the lab's title in {language!r}; default: made of its id",
        expose_value=False,
        callback=keep,
    )


def run_new(
    console: Console,
    context: typer.Context,
    lab: str | None,
    folder: Path | None,
    options: CourseOptions,
    *,
    remove: bool,
    force: bool,
) -> None:
    """Do what one call of `course new` asks for, and show what was done.

    Args:
        console: where to show it.
        context: of the call, with the titles that it was given.
        lab: a lab's id, if it is about one.
        folder: of a whole course, if it is about one.
        options: what that course is to be like.
        remove: whether to take the lab back.
        force: whether work of people may be lost.

    Raises:
        CourseError: if the options do not fit, or what they ask for cannot be done.
    """
    titles: dict[str, str] = context.meta.get(_TITLES, {})
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
