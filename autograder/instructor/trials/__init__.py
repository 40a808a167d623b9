"""How many answers are run, each for itself.

Where the system can fork, one process per seed runs the reference's cells in order, once, and forks a child
for every answer at its cell (`forks` asks, `stage` forks). Elsewhere every answer has a process that runs the
notebook from its beginning (`pool`). What is observed is the same.
"""
