"""Answers made out of the solutions: mutants, which are wrong, and rewrites, which are right.

`mutants_*` and `rewrites_*` hold the operators, `registry` lists them, `variants` applies them to a lab,
`scoring` runs what comes out and counts what the grader makes of it.
"""
