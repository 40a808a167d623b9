"""Replay: seeded, portable re-execution of PyTorch code in float64.

`mode` runs code so, `random_operators` serves PyTorch's random operators, `randomness` makes the numbers.
"""

from autograder.replay.mode import LOW_PRECISION, Replay, replay

__all__ = ["LOW_PRECISION", "Replay", "replay"]
