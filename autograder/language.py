"""Which language this process speaks: that of the lab opened last, else what COURSE_LANGUAGE names."""

from __future__ import annotations

import os

from autograder.errors import GraderError

LANGUAGES = ("es", "en")
# What is said in a language that the library does not speak is said in this one.
FALLBACK = "en"
_opened: str | None = None


def require_language(language: str) -> str:
    """Return the language if the library speaks it.

    Raises:
        GraderError: if it does not.
    """
    if language not in LANGUAGES:
        raise GraderError(f"language={language!r} is not available: choose one of {', '.join(LANGUAGES)}.")
    return language


def spoken(language: str) -> str:
    """Return the language that the library's own texts are in, where a course is in another one."""
    return language if language in LANGUAGES else FALLBACK


def set_language(language: str | None) -> None:
    """Speak a language from now on; None: what COURSE_LANGUAGE names.

    Raises:
        GraderError: if the library does not speak it.
    """
    global _opened
    _opened = None if language is None else require_language(language)


def current_language() -> str:
    """Return the language to speak where nobody passes one. Spanish unless something else is asked for."""
    language = _opened or os.environ.get("COURSE_LANGUAGE")
    return language if language in LANGUAGES else LANGUAGES[0]
