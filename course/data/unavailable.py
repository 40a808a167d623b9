"""What says that a data set cannot be used; its reader then takes the one that needs no download."""

from __future__ import annotations


class DataUnavailableError(Exception):
    """A data set cannot be used; the message says why."""
