"""Claims: what the prose of a lab says of its outputs, as code that stands beside it and that the build runs.

`cells` reads them from a source notebook, `examine` runs one in the notebook's kernel, `seeds` lets the
notebook draw other numbers. `statements` finds sentences that have none, by their `words`; `exceptions` reads
which of them need none.
"""
