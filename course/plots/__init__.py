"""Figures, tables and films of the notebooks."""

from course.plots.bars import class_bars, confusion_matrices, histograms
from course.plots.estimates import interval_panels, intervals
from course.plots.films import GifRecorder, ImageGifRecorder
from course.plots.grids import image_grid
from course.plots.lines import curve_panels, curves, loss_curves, loss_panels, stacked_curves
from course.plots.points import probability_maps, scatter, scatter_panels
from course.plots.style import FAKE_COLOUR, REAL_COLOUR
from course.plots.tables import table

__all__ = [
    "FAKE_COLOUR",
    "REAL_COLOUR",
    "GifRecorder",
    "ImageGifRecorder",
    "class_bars",
    "confusion_matrices",
    "curve_panels",
    "curves",
    "histograms",
    "image_grid",
    "interval_panels",
    "intervals",
    "loss_curves",
    "loss_panels",
    "probability_maps",
    "scatter",
    "scatter_panels",
    "stacked_curves",
    "table",
]
