"""nbgrader's configuration of a class: the checkout's, and on top of it the class folder's own."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable
from pathlib import Path

from nbgrader.apps import NbGrader
from traitlets.config import Application, Config

from autograder.instructor.settings import CourseError

_NAME = "nbgrader_config"


def load_configuration(checkout: Path, folder: Path | None = None) -> Config:
    """Return the configuration; what the class folder's file says counts for it.

    Args:
        checkout: the folder of the course; its file, and those of the user and of the system, come first.
        folder: of the class; None: the checkout.

    Raises:
        CourseError: if a file cannot be executed; it says which, and where.
    """
    app = NbGrader()
    # nbgrader would print a traceback and go on without the file.
    app.raise_config_file_errors = True
    _load(checkout, app.load_config_file)
    if folder is not None and folder.resolve() != checkout.resolve():
        _load(folder, lambda: Application.load_config_file(app, _NAME, str(folder.resolve())))
    return app.config


def _load(folder: Path, load: Callable[[], None]) -> None:
    """Load the files of a folder, from there, as nbgrader does that was started there."""
    try:
        with contextlib.chdir(folder):
            load()
    # Whoever configures may write anything, exit() too.
    except (Exception, SystemExit) as error:
        raise CourseError(f"{_place(error, folder)}: {type(error).__name__}: {error}") from None


def _place(error: BaseException, folder: Path) -> str:
    """Return in which file of configuration an error is, and in which line."""
    path = folder / f"{_NAME}.py"
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}, line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).name == path.name]
    return f"{own[-1].filename}, line {own[-1].lineno}" if own else str(path)
