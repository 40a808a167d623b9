"""`course similarity`: which submissions of a lab are more alike than the others.

`tokens` makes code comparable, `submissions` reads what students wrote, `likeness` compares it, `page` shows
it, `ranking` finds and ranks the pairs, `terminal` shows them there. Likeness is a reason to look, and no
proof of anything.
"""

from autograder.instructor.similarity.ranking import Similarity, SimilarityOptions, find_similar

__all__ = ["Similarity", "SimilarityOptions", "find_similar"]
