"""Figures within a page: SVG, sharp on every screen and on paper."""

from __future__ import annotations

import base64
import io

import matplotlib
from matplotlib.figure import Figure


def embed(figure: Figure) -> str:
    """Return a figure as the address of a picture that holds its own data, the same for the same figure."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"font.size": 9, "svg.hashsalt": "page"}):
        figure.tight_layout()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()
