"""`course new --course FOLDER`: a whole course of one's own on this library."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import autograder
from autograder.catalogue import load
from autograder.instructor.errors import CourseError
from autograder.instructor.new.lab import FIRST_SEED, lab_sources
from autograder.instructor.new.names import require_package_name
from autograder.instructor.new.rendering import filled, require_free, write_folder
from autograder.instructor.settings import is_language
from autograder.language import FALLBACK, LANGUAGES

EXAMPLE = "lab1_regression"
_LIBRARY = "autograder"
_EXTRAS = "[instructor]"
# Of an address, as in git+https://…
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*")
_TREE, _LAB_TREE = "new_course", "new_course_lab"
# What make, pip and a shell all take as it is.
_PLAIN = re.compile(r"[\w./~@:+=%?&-]+")


@dataclass(frozen=True)
class CourseOptions:
    """What a new course is to be like.

    Attributes:
        package: what its notebooks import; empty: made of the folder's name.
        language: of its solutions; empty: the first of its languages.
        languages: of its releases; empty: `language` alone.
        library: a checkout's folder, or an address that pip takes; empty: the checkout that runs now.
    """

    package: str = ""
    language: str = ""
    languages: tuple[str, ...] = ()
    library: str = ""


def new_course(folder: Path, options: CourseOptions) -> list[Path]:
    """Write a course with a package, a family of checks, a lab and tests: `make demo` and `make test` pass.

    Args:
        folder: that is not there yet, or empty.
        options: what it is to be like.

    Returns:
        The files written.

    Raises:
        CourseError: if an option cannot be used, or something cannot be written; nothing is then.
    """
    require_free(folder)  # first: in the folder above, Python takes it for a package
    name = folder.resolve().name
    package = require_package_name(options.package or re.sub(r"\W+", "_", name).strip("_").lower())
    main, languages = _languages(options)
    texts = load("autograder.instructor", f"templates/{_LAB_TREE}/texts")["title"]
    titles = {each: texts.get(each, texts[FALLBACK]) for each in languages}
    values: dict[str, Any] = {
        "name": re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower() or package,
        "package": package,
        "distribution": package.replace("_", "-"),
        "lab": EXAMPLE,
        "seed": FIRST_SEED,
        "titles": titles,
        "main": main,
        "languages": languages,
        # A text that lacks a language is said in English.
        "text_languages": sorted({FALLBACK, *languages} & set(LANGUAGES)),
        "library": library_name(),
        "requirement": _requirement(options.library, folder),
        "library_version": autograder.__version__,
    }
    files = filled(_TREE, values, {"PACKAGE": package})
    sources = lab_sources(languages, main, EXAMPLE, titles, _LAB_TREE)
    place = Path("source_notebooks") / EXAMPLE
    return write_folder({**files, **{place / path: content for path, content in sources.items()}}, folder)


def library_name() -> str:
    """Return what pip calls the distribution that holds this library."""
    return next(iter(packages_distributions().get(_LIBRARY, [])), "gan-course")


def _languages(options: CourseOptions) -> tuple[str, list[str]]:
    """Return the language of the solutions, and all languages.

    Raises:
        CourseError: if one is no language, or they do not fit.
    """
    languages = list(options.languages) or [options.language or FALLBACK]
    main = options.language or languages[0]
    for language in (main, *languages):
        if not is_language(language):
            raise CourseError(f'{language!r} is no code of a language, such as "es" or "pt-BR".')
    if len(set(languages)) != len(languages):
        raise CourseError(f"--languages names one twice: {', '.join(languages)}.")
    if main not in languages:
        raise CourseError(
            f"--language {main} must be one of --languages {','.join(languages)}: solutions are in it."
        )
    return main, languages


def _requirement(library: str, folder: Path) -> str:
    """Return how pip is told where the library comes from.

    No absolute path is written unless it was given: the checkout that runs now is named as it is seen from
    the new folder.

    Raises:
        CourseError: if what was given is neither a checkout nor an address.
    """
    given = Path(library).expanduser()
    scheme, is_address, _ = library.partition("://")
    if is_address and _SCHEME.fullmatch(scheme):
        return f"{library_name()}{_EXTRAS} @ {_plain(library)}"
    if library and not (given / _LIBRARY / "__init__.py").is_file():
        raise CourseError(
            f"--library {library}: no checkout of the library is there (no {_LIBRARY}/ in it). Give the "
            "folder of one, or an address that pip takes, such as git+https://…."
        )
    if library and given.is_absolute():
        return f"-e {_plain(str(given))}{_EXTRAS}"
    root = given if library else Path(autograder.__file__).resolve().parents[1]
    if (root / "pyproject.toml").is_file():
        return f"-e {_plain(_seen_from(folder, root))}{_EXTRAS}"
    return f"{library_name()}{_EXTRAS}"


def _plain(place: str) -> str:
    """Return a folder or an address that a Makefile can hand to pip.

    Raises:
        CourseError: if it holds a space or a sign that means something there.
    """
    if not _PLAIN.fullmatch(place):
        raise CourseError(
            f"The library lies at {place!r}, and make and pip cannot be told so: no spaces, quotes, # or $. "
            "Move it, or give another folder or an address with --library."
        )
    return place


def _seen_from(folder: Path, other: Path) -> str:
    """Return the relative path of another folder, with a dot first, as pip wants it."""
    path = Path(os.path.relpath(other.resolve(), folder.resolve())).as_posix()
    return path if path.startswith("..") else f"./{path}"
