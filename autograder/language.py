"""Which language this process speaks: that of the lab opened last, else what COURSE_LANGUAGE names."""

from __future__ import annotations

import os
from collections.abc import Sequence

from autograder.errors import GraderError

# The languages in which the library has all its texts.
LANGUAGES = ("es", "en")
# What is said where a text lacks the language that is spoken.
FALLBACK = "en"
# Of the process: IPython runs every cell in a context of its own.
_opened: str | None = None


def require_language(language: str, languages: Sequence[str] = LANGUAGES) -> str:
    """Return the language if it is one of those that a lab has.

    Raises:
        GraderError: if it is not.
    """
    if language not in languages:
        raise GraderError(f"language={language!r} is not available: choose one of {', '.join(languages)}.")
    return language


def spoken(language: str) -> str:
    """Return the language that the library's own texts are in, where a course is in another one."""
    return language if language in LANGUAGES else FALLBACK


def set_language(language: str | None) -> None:
    """Speak a language from now on; None: what COURSE_LANGUAGE names."""
    global _opened
    _opened = language


def current_language() -> str:
    """Return the language to speak where nobody passes one. Spanish unless something else is asked for."""
    return _opened or os.environ.get("COURSE_LANGUAGE") or LANGUAGES[0]
