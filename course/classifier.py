"""A small classifier of digits: the ruler that generated digits are measured with.

It is shipped as code and trained on the spot, in a few seconds, so that nothing has to be downloaded.
"""

from __future__ import annotations

import torch
from torch import nn

from course.data import Batches

FEATURES = 32
# What a class of 8x8 digits enlarged needs; MNIST's 60,000 images need no more than a part of them.
_MAX_IMAGES = 6000
_HELD_OUT = 0.2


class DigitClassifier(nn.Module):
    """Two convolutions and two linear layers: (n, 1, 28, 28) -> logits (n, 10).

    Attributes:
        accuracy: on digits that it was not trained with, 0 to 1.
    """

    def __init__(self) -> None:
        super().__init__()
        self.accuracy = 0.0
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 5, stride=2, padding=2),  # (n, 16, 14, 14)
            nn.ReLU(),
            nn.Conv2d(16, 32, 5, stride=2, padding=2),  # (n, 32, 7, 7)
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(32 * 7 * 7, FEATURES),
            nn.ReLU(),
            # Features of unit variance: distances between them do not depend on the scale of the weights.
            nn.BatchNorm1d(FEATURES, affine=False),
        )
        self.classify = nn.Linear(FEATURES, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        logits: torch.Tensor = self.classify(self.features(images))
        return logits


def fit_digit_classifier(
    images: torch.Tensor, labels: torch.Tensor, *, epochs: int = 12, seed: int = 0
) -> DigitClassifier:
    """Train a classifier of digits, on the CPU, and measure it on a fifth of them that it did not see.

    Args:
        images: float32 of shape (n, 1, 28, 28), in [-1, 1].
        labels: int64 of shape (n,).
        epochs: passes over the data.
        seed: of the split, the first weights and the batches; PyTorch's own seed stays as it is.

    Returns:
        The classifier in eval mode, without gradients.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        chosen = torch.randperm(len(images))[:_MAX_IMAGES]
        held_out = max(1, round(_HELD_OUT * len(chosen)))
        test, train = chosen[:held_out], chosen[held_out:]
        classifier = DigitClassifier()
        optimizer = torch.optim.Adam(classifier.parameters(), lr=2e-3)
        for _ in range(epochs):
            for batch, target in Batches(images[train], labels[train], batch_size=64):
                optimizer.zero_grad()
                nn.functional.cross_entropy(classifier(batch), target).backward()
                optimizer.step()
    classifier.eval().requires_grad_(False)
    hits = classifier(images[test]).argmax(dim=1) == labels[test]
    classifier.accuracy = float(hits.float().mean())
    return classifier
