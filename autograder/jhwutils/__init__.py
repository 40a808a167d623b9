"""The names of the public library jhwutils, for notebooks that were written for it.

Change `jhwutils` to `autograder.jhwutils` in the import lines; see docs/drop-in.md.
"""

from autograder.messages import add_texts

TEXTS = add_texts(__package__, "texts")
