"""Replay: seeded, portable re-execution of PyTorch code in float64.

`mode` runs code so, `random_operators` serves PyTorch's random operators, `randomness` makes the numbers.
"""

from autograder.replay.mode import Replay, active_replay, preserved_state, replay
from autograder.replay.precision import LOW_PRECISION

__all__ = ["LOW_PRECISION", "Replay", "active_replay", "preserved_state", "replay"]
