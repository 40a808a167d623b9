"""The colours of the diagrams: a thing has the same in all, and in plots of what is real or generated.

They differ for colour-blind people too, and no diagram says by colour alone what matters.
"""

from __future__ import annotations

from dataclasses import dataclass

from course.plots import FAKE_COLOUR, REAL_COLOUR


@dataclass(frozen=True)
class Shade:
    """A colour: of lines and words, and of the area that they enclose."""

    line: str
    area: str


INK = "#24292f"
MUTED = "#57606a"
PAPER = "#ffffff"

PLAIN = Shade(MUTED, "#f3f5f7")
REAL = Shade(REAL_COLOUR, "#ddf0ff")
GENERATED = Shade(FAKE_COLOUR, "#ffeede")
# The discriminator, or the critic.
JUDGE = Shade("#005f4e", "#d9f3ea")
# Gradients, and what a text points at.
GRADIENT = Shade("#b8329a", "#fbe6f3")

SHADES = (PLAIN, REAL, GENERATED, JUDGE, GRADIENT)
