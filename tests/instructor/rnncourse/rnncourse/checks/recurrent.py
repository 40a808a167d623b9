"""Checks of networks that read sequences, and what is supplied for these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from autograder.checks.base import Checks
from autograder.checks.calling import call_student
from autograder.checks.family import Family
from autograder.checks.networks import build, refill
from autograder.checks.supplied import SuppliedTokens, Supplies
from autograder.checks.tensors import require_tensor
from autograder.messages import CheckFailed, add_texts
from autograder.replay import Replay

TEXTS = add_texts(__package__, "recurrent")
SENTENCES = (6, 7)
TOLERANCE = 1e-9


class RecurrentChecks(Checks):
    """Checks of networks that read padded sequences."""

    def padding_invariance(
        self, name: str, factory: Callable[[], Any], *, vocabulary: int, points: float
    ) -> bool:
        """Check that more padding does not change what a network says of a sequence.

        Args:
            name: the stable name of the check.
            factory: the student's class; 0 stands for padding.
            vocabulary: ids are less than this.
            points: the marks that the check is worth.
        """

        def compute(running: Replay) -> torch.Tensor:
            ids = SuppliedTokens(SENTENCES, vocabulary, first=1, name="padded").build(running)
            network = build(factory, running)
            refill(network, [ids], running)
            network.eval()
            output = require_tensor(call_student(network, ids))
            for count in (1, 3):
                padded = nn.functional.pad(ids, (0, count))
                other = require_tensor(call_student(network, padded), shape=tuple(output.shape))
                change = float((other - output).detach().abs().max())
                # How much it changes tells one mistake from another.
                if change > TOLERANCE:
                    raise CheckFailed("padding_changes", count=count, change=change)
            return output

        return self.run_array(name, points, compute)


class SentenceSupplies(Supplies):
    """Sentences, for networks that read them."""

    def supplied_sentences(self, vocabulary: int) -> SuppliedTokens:
        """Return ids of words without padding: (sentences, words)."""
        return SuppliedTokens(SENTENCES, vocabulary, first=1, name="sentences")


FAMILY = Family(RecurrentChecks, SentenceSupplies)
