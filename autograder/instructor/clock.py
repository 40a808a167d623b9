"""Times as people read them: in a zone, in a language."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime, get_timezone_name
from babel.units import format_unit

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60))


def locale_of(language: str) -> Locale:
    """Return the locale of a language, English where nobody knows it."""
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def shown(when: datetime, zone: tzinfo, language: str) -> str:
    """Return a time for people, with the name of its zone.

    Args:
        when: in UTC without a zone.
        zone: whose clock it is shown by.
        language: such as "es".
    """
    locale = locale_of(language)
    local = when.replace(tzinfo=UTC).astimezone(zone)
    pattern = "EEEE d 'de' MMMM 'de' y, HH:mm" if locale.language == "es" else "EEEE d MMMM y, HH:mm"
    text = format_datetime(local, pattern, locale=locale)
    return f"{text} ({get_timezone_name(local, width='short', locale=locale)})"


def duration(seconds: float, language: str) -> str:
    """Return a stretch of time for people, in days, hours and minutes; at least a minute."""
    locale, left = locale_of(language), max(60, int(seconds))
    parts = []
    for unit, length in _UNITS:
        count, left = divmod(left, length)
        if count:
            parts.append(format_unit(count, f"duration-{unit}", length="long", locale=locale))
    return " ".join(str(part) for part in parts)
