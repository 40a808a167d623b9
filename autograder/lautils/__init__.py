"""The names of the public library lautils, for notebooks that were written for it.

Change `lautils` to `autograder.lautils` in the import lines; see docs/drop-in.md.
"""

from autograder.lautils.gradeutils import (
    calculate_coincidences_percentage,
    compare_lists_by_percentage,
    compare_numbers,
    hex_to_float,
    new_representation,
)
from autograder.messages import add_texts

TEXTS = add_texts(__package__, "texts")
__all__ = [
    "calculate_coincidences_percentage",
    "compare_lists_by_percentage",
    "compare_numbers",
    "hex_to_float",
    "new_representation",
]
