"""Seeded grading of PyTorch notebooks: replays, answer keys, checks and marks.

The library knows nothing of any course: labs bring their checks in the notebook and their expected values, as
digests, in a key file; kinds of checks beyond the library's own come with packages, by entry points.
"""

from autograder.checks.tensors import column
from autograder.errors import GraderError, KeyFileError, ReplayError, UnknownLabError
from autograder.replay import replay
from autograder.session import Lab, open_lab

__version__ = "0.1.0"
__all__ = [
    "GraderError",
    "KeyFileError",
    "Lab",
    "ReplayError",
    "UnknownLabError",
    "column",
    "open_lab",
    "replay",
]
