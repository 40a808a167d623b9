"""`course similarity`: which submissions of a lab are more alike than the others.

`tokens` makes code comparable, `submissions` reads what students wrote, `likeness` compares it, `page` shows
it, `run` is the command. Likeness is a reason to look, and no proof of anything.
"""

from autograder.instructor.similarity.run import THRESHOLD, Options, Similarity, find_similar, show

__all__ = ["THRESHOLD", "Options", "Similarity", "find_similar", "show"]
