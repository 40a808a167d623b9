"""What all figures have in common: the colours, and how a notebook shows one."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

REAL_COLOUR, FAKE_COLOUR = "#0969da", "#bc4c00"
PALE_REAL = "#a5d6ff"
CURVE_COLOURS = (REAL_COLOUR, FAKE_COLOUR, "#1a7f37", "#8250df")


def finished(figure: Figure) -> Figure:
    """Close a figure, so that a notebook shows it once: as the value of its cell."""
    figure.tight_layout()
    plt.close(figure)
    return figure
