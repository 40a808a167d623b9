"""What students get: one zip per lab and language, with notebook, notes on its data and the wheel.

`packing` makes the zips, `wheel` the wheel, `install_cell` the first cell of the notebook, `notes` holds the
texts.
"""

from autograder.instructor.bundle.packing import bundle_labs

__all__ = ["bundle_labs"]
