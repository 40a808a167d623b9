"""Which checks the library could answer by itself.

What they compare follows from what the library supplies: a right answer adds no number of its own. Where a
student's kernel hands on observations, whoever patches the library there has these without an answer, so
they are worth a look where nothing else of their cell is right.
"""

from __future__ import annotations

from collections.abc import Mapping

# By kind of check: what a right observation follows from.
WEAK_CHECKS: Mapping[str, str] = {
    "dataset": "the rows that the function is given",
    "zero_grad": "a step with a loss, and a generator or penalty, that see nothing of the answer",
    "isolation": "two such steps",
    "exported_images": "the pictures that the function is given",
    "split": "the labels that the function is given: any stratified choice is right",
    "split_seed": "the same labels",
    "mode": "the activations of the supplied classifier in the mode that is asked for",
    "best_epoch": "the states and scores of the supplied training",
    "checkpoint": "the training that was saved",
}
