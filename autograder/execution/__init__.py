"""Notebooks run in kernels of their own, cell by cell, whatever becomes of them.

`client` runs the cells and says what happened as data, `kernel` starts kernels and ends them, `clock` stops
cells that take too long, `outputs` bounds and joins what cells show, `loop` runs it all from ordinary code.
Needs nbclient and nbformat, which every Jupyter installation has: nothing else of the library imports it
before a notebook is to be run.
"""
