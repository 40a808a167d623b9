"""The names of the public library jhwutils, for notebooks that were written for it.

Change `jhwutils` to `autograder.jhwutils` in the import lines; see docs/drop-in.md.
"""
