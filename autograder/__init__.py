"""Seeded grading of PyTorch notebooks: replays, answer keys, checks and marks.

The library knows nothing of any course: labs bring their checks in the notebook and their expected values, as
digests, in a key file; kinds of checks beyond the library's own come with packages, by entry points.

What is public stands in `__init__.pyi` and is imported when asked for: `course --help` needs no PyTorch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = "0.1.0"
