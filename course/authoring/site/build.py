"""Have Sphinx make the site: a folder of HTML for each language, and a page to choose one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from autograder.instructor.settings import Course, CourseError
from course.authoring.site.links import problems
from course.authoring.site.sources import EXTRA, write_sources

# What `make site` installs beside the instructor's tools, by the names that Python imports.
_NEEDED = ("sphinx", "myst_nb", "pydata_sphinx_theme")
_REQUIREMENTS = "requirements-site.txt"
# What Sphinx leaves for later runs and for those who debug the theme.
_UNNEEDED = shutil.ignore_patterns("_sources", ".buildinfo", "objects.inv", "*.map", "webpack-macros.html")


def missing() -> list[str]:
    """Return what of the site's own dependencies is not installed."""
    return [name for name in _NEEDED if find_spec(name) is None]


def build_site(course: Course, folder: Path, say: Callable[[str], None] = lambda line: None) -> Path:
    """Write the whole site; any warning of Sphinx's and any link that leads nowhere is an error.

    Args:
        course: the checkout, with all labs built.
        folder: to write to; what it holds already goes.
        say: called with a line before each step.

    Returns:
        The page to open first.

    Raises:
        CourseError: if Sphinx is not installed, a lab is not built, or something is wrong with a page.
    """
    if lacking := missing():
        raise CourseError(f"{', '.join(lacking)} is missing: pip install -r {_REQUIREMENTS}")
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as work:
        say("sources")
        for language, sources in write_sources(course, Path(work)).items():
            say(f"pages in {language}")
            _run_sphinx(course, language, sources, Path(work) / "html" / language)
            shutil.copytree(Path(work) / "html" / language, folder / language, ignore=_UNNEEDED)
    first = folder / "index.html"
    shutil.copyfile(course.root / "docs" / "site" / "index.html", first)
    if wrong := problems(folder):
        raise CourseError("Links of the site that lead nowhere:\n" + "\n".join(wrong))
    return first


def _run_sphinx(course: Course, language: str, sources: Path, folder: Path) -> None:
    """Make HTML of a tree.

    Raises:
        CourseError: with what Sphinx says.
    """
    settings = course.root / "docs" / "site"
    command = [sys.executable, "-m", "sphinx", "--builder", "html", "--quiet", "--fail-on-warning"]
    command += ["--conf-dir", str(settings), "--doctree-dir", str(sources.parent / f"doctrees-{language}")]
    command += ["--define", f"html_extra_path={sources / EXTRA}"]
    done = subprocess.run(
        [*command, str(sources), str(folder)],
        env={**os.environ, "SITE_LANGUAGE": language, "PYTHONPATH": str(course.root), "MPLBACKEND": "Agg"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CourseError(f"Sphinx, {language}:\n{done.stdout.replace(str(sources), '')}")
