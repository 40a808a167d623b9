"""`python -m autograder check`: run a notebook from a clean kernel and show its marks.

`reading` finds out what notebook it is, `running` runs a copy of it, `marks` reads what its check cells show,
`report` says what came out, `texts` holds what is said. Needs nbclient, nbformat and ipykernel, which every
Jupyter installation has.
"""
