"""Let a notebook draw other random numbers than it does, without a change of its cells."""

from __future__ import annotations

import functools
import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from autograder.replay import active_replay

_NOTEBOOK = "__main__"
_SEEDING: tuple[tuple[Any, str], ...] = (
    (torch, "manual_seed"),
    (torch.random, "manual_seed"),
    (torch.cuda, "manual_seed"),
    (torch.cuda, "manual_seed_all"),
    (np.random, "seed"),
    (np.random, "default_rng"),
    (random, "seed"),
)


def shift_seeds(by: int) -> None:
    """Add a number to every seed that the notebook sets from now on, and to the one that it began with.

    Seeds that a library sets stay as they are, and so do those of replays, by which a notebook is graded.
    Generators that are objects, such as `torch.Generator()`, keep the seeds they are given.
    """
    torch.manual_seed(torch.initial_seed() + by)
    for owner, name in _SEEDING:
        setattr(owner, name, _shifted(getattr(owner, name), by))


def _shifted(function: Callable[..., Any], by: int) -> Callable[..., Any]:
    """Return a function that seeds, with other seeds where the notebook itself calls it."""

    @functools.wraps(function)
    def seeding(*arguments: Any, **named: Any) -> Any:
        caller = sys._getframe(1).f_globals.get("__name__")
        if caller == _NOTEBOOK and active_replay() is None:
            arguments = (*(_added(seed, by) for seed in arguments[:1]), *arguments[1:])
            named = {name: _added(seed, by) for name, seed in named.items()}
        return function(*arguments, **named)

    return seeding


def _added(seed: object, by: int) -> object:
    return seed + by if isinstance(seed, int) else seed
