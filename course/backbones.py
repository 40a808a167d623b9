"""What turns a picture into features for a classifier: EfficientNet-B3, or a small network."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from course.texts import error, localized, unknown_choice

KINDS = ("auto", "small", "efficientnet")
# The file of torchvision's weights trained on ImageNet (Tan and Le, 2019), as torchvision names it.
WEIGHTS = "efficientnet_b3_rwightman-b3899882.pth"
# ImageNet's mean and standard deviation, which these weights expect.
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class SmallBackbone(nn.Sequential):
    """Three convolutions and the greatest value of each channel: (n, 1, height, width) -> (n, 64)."""

    features = 64

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveMaxPool2d(1),
            nn.Flatten(),
        )


class EfficientNetBackbone(nn.Module):
    """EfficientNet-B3 without its last layer: (n, 1, height, width) -> (n, 1536).

    Args:
        weights: a file of torchvision's, trained on ImageNet.
        size: pixels of a side that pictures are enlarged to.

    Raises:
        RuntimeError: if the file holds other weights.
    """

    features = 1536

    def __init__(self, weights: Path, *, size: int = 96) -> None:
        super().__init__()
        from torchvision.models import efficientnet_b3  # only here: it is slow to import

        network = efficientnet_b3()
        try:
            network.load_state_dict(torch.load(weights, map_location="cpu"))
        except Exception as cause:  # a damaged file raises what its bytes lead to
            raise error(RuntimeError, "bad_weights", file=weights, error=type(cause).__name__) from cause
        self.layers = nn.Sequential(network.features, nn.AdaptiveMaxPool2d(1), nn.Flatten())
        self.size = size
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return features of grey pictures in [-1, 1]."""
        colour = (images * 0.5 + 0.5).expand(-1, 3, -1, -1)
        normal = (colour - self.get_buffer("mean")) / self.get_buffer("std")
        features: torch.Tensor = self.layers(
            nn.functional.interpolate(normal, size=self.size, mode="bilinear", align_corners=False)
        )
        return features


def find_weights() -> Path | None:
    """Return the file of EfficientNet-B3's weights, None where there is none.

    It is looked for in the folder that COURSE_DATA names (default: ./data) and where torchvision keeps what
    it has downloaded. Nothing is downloaded here.
    """
    folders = (
        Path(os.environ.get("COURSE_DATA") or "data").expanduser(),
        Path(torch.hub.get_dir()) / "checkpoints",
    )
    return next((folder / WEIGHTS for folder in folders if (folder / WEIGHTS).is_file()), None)


def make_backbone(
    kind: str = "auto", device: torch.device | None = None, *, report: Callable[[str], None] = print
) -> nn.Module:
    """Return a backbone: a module with the attribute `features`, the number of features of a picture.

    Args:
        kind: "small"; "efficientnet"; or "auto": EfficientNet-B3 on a GPU where its weights are at hand. On a
            CPU it takes about 100 times as long as the small one, so it has to be asked for.
        device: that the classifier will train on.
        report: called with one line that says which it is.

    Raises:
        ValueError: for another kind.
        FileNotFoundError: if EfficientNet-B3 is asked for and its weights are not at hand.
    """
    if kind not in KINDS:
        raise unknown_choice("kind", kind, KINDS)
    weights = find_weights()
    if kind == "efficientnet" and weights is None:
        raise error(FileNotFoundError, "no_weights", file=WEIGHTS)
    on_gpu = device is not None and device.type == "cuda"
    if weights is None or kind == "small" or (kind == "auto" and not on_gpu):
        report(localized("backbone_small", features=SmallBackbone.features))
        return SmallBackbone()
    report(localized("backbone_efficientnet", features=EfficientNetBackbone.features))
    return EfficientNetBackbone(weights)
