"""`python -m autograder check NOTEBOOK`: the marks of a notebook, run from a clean kernel."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

from autograder.errors import GraderError
from autograder.language import current_language
from autograder.rerun.texts import RerunError, say

_NEEDED = ("nbclient", "nbformat", "ipykernel")
_TIME_LIMIT_S = 120.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 if the notebook ran, 1 if it could not, 130 if it was stopped.
    """
    chosen = _parser().parse_args(arguments)
    try:
        check(chosen.notebook, time_limit=chosen.time_limit, full=chosen.full)
    except GraderError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def check(path: Path, *, time_limit: float = _TIME_LIMIT_S, full: bool = False) -> None:
    """Run a notebook from a clean kernel and print its marks.

    Args:
        path: of the notebook; it stays as it is.
        time_limit: seconds for one cell.
        full: whether exploration is not shrunk.

    Raises:
        GraderError: if it cannot be run; the message says why and what to do.
    """
    if not time_limit >= 1:
        raise RerunError("bad_time_limit", limit=time_limit)
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise RerunError("missing_packages", packages=" ".join(missing), python=Path(sys.executable).name)
    # Not at the top: these need what was just looked for.
    from autograder.rerun.reading import is_code, read_notebook
    from autograder.rerun.report import report
    from autograder.rerun.running import rerun

    notebook = read_notebook(path)
    language = notebook.language
    count = sum(is_code(cell) for cell in notebook.content.cells)
    print(say("running", language, file=path.name, lab=notebook.lab, count=count), flush=True)

    def progress(number: int, count: int, cell: str) -> None:
        if sys.stderr.isatty():
            line = say("progress", language, number=number, count=count, cell=cell)
            print(f"\r\x1b[K{line}"[:120], end="", file=sys.stderr, flush=True)

    run = rerun(notebook, time_limit=time_limit, full=full, progress=progress)
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    print(f"\n{report(notebook, run)}")


def _parser() -> argparse.ArgumentParser:
    language = current_language()
    parser = argparse.ArgumentParser(prog="python -m autograder")
    command = parser.add_subparsers(required=True, metavar="check").add_parser(
        "check", help=say("description", language), description=say("description", language)
    )
    command.add_argument("notebook", type=Path, help=say("help_notebook", language))
    command.add_argument(
        "--time-limit", type=float, default=_TIME_LIMIT_S, help=say("help_time_limit", language)
    )
    command.add_argument("--full", action="store_true", help=say("help_full", language))
    return parser


if __name__ == "__main__":
    sys.exit(main())
