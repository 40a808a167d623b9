"""Exports: from the gradebook to files that other systems import.

`results` reads the gradebook, `roster` reads who is in the class, `people` brings the two together,
`formats` lays out the rows of each system, `run` writes them, `plugins` lends all of it to nbgrader.
"""

from autograder.instructor.export.formats import Format
from autograder.instructor.export.run import Export, Options, export_marks

__all__ = ["Export", "Format", "Options", "export_marks"]
