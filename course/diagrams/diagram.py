"""What a notebook shows of a drawing: its picture, and what stands for it where it cannot be seen."""

from __future__ import annotations

import base64
import html
import io
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from matplotlib.figure import Figure
from PIL import Image

# Pixels of an inch; and how many are drawn for each: letters stay sharp on a fine screen and on paper.
_DPI, _FINER = 100, 2


@dataclass(frozen=True, eq=False)
class Diagram:
    """A drawing, which a notebook shows as the value of its cell, and what it shows in words.

    Attributes:
        figure: the drawing.
        alt: what stands for it where it cannot be seen.
    """

    figure: Figure
    alt: str

    def __repr__(self) -> str:
        return self.alt

    def _repr_html_(self) -> str:
        """Return the picture as HTML: there it has its width and its words wherever a notebook is read."""
        words, data = html.escape(self.alt), base64.b64encode(self.png).decode()
        size = f'width="{self._width}" style="max-width: 100%"'
        return f'<img alt="{words}" {size} src="data:image/png;base64,{data}">'

    def _repr_png_(self) -> tuple[bytes, dict[str, Any]]:
        """Return the picture for those who show no HTML of a notebook that they do not trust."""
        return self.png, {"alt": self.alt, "width": self._width}

    @cached_property
    def png(self) -> bytes:
        """Return the picture as a file; few colours make it a third as large."""
        drawn, small = io.BytesIO(), io.BytesIO()
        self.figure.savefig(drawn, format="png", dpi=_DPI * _FINER)
        colours = Image.open(drawn).convert("RGB").quantize(128, dither=Image.Dither.NONE)
        colours.save(small, format="png", optimize=True)
        return small.getvalue()

    @property
    def _width(self) -> int:
        """Return how many pixels wide it is shown."""
        return round(_DPI * self.figure.get_figwidth())
