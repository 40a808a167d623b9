"""What tests of the course's helpers share."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let helpers speak English where no lab is open."""
    monkeypatch.setenv("COURSE_LANGUAGE", "en")
