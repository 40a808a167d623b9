"""Data sets of the course: each has a form that needs no download."""

from course.data.avatars import Faces, drawn_avatars, load_faces
from course.data.batches import Batches
from course.data.brains import Brains, PhantomSettings, brain_phantoms, load_brains, split_brains
from course.data.digits import Digits, load_digits
from course.data.generated import load_generated
from course.data.grammar import GrammarSettings, written_reviews
from course.data.reviews import Reviews, load_reviews, words_of
from course.data.sine import sine_points

__all__ = [
    "Batches",
    "Brains",
    "Digits",
    "Faces",
    "GrammarSettings",
    "PhantomSettings",
    "Reviews",
    "brain_phantoms",
    "drawn_avatars",
    "load_brains",
    "load_digits",
    "load_faces",
    "load_generated",
    "load_reviews",
    "sine_points",
    "split_brains",
    "words_of",
    "written_reviews",
]
