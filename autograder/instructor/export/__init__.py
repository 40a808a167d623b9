"""Exports: from the gradebook to files that other systems import.

`results` reads the gradebook, `roster` reads who is in the class, `lines` brings the two together,
`formats` lays out the rows of each system, `writer` writes them, `plugins` lends all of it to nbgrader.
"""

from autograder.instructor.export.writer import Export, ExportOptions, export_marks
from autograder.instructor.options import Format

__all__ = ["Export", "ExportOptions", "Format", "export_marks"]
