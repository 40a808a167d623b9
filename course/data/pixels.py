"""From pixels, as pictures are kept, to what networks expect."""

from __future__ import annotations

import torch


def as_images(pixels: torch.Tensor) -> torch.Tensor:
    """Return pictures as networks expect them.

    Args:
        pixels: uint8 of shape (n, height, width), 0 to 255, for grey ones; (n, channels, height, width) else.

    Returns:
        float32 of shape (n, channels, height, width), in [-1, 1].
    """
    channels = pixels.unsqueeze(1) if pixels.ndim == 3 else pixels
    return channels.float() / 127.5 - 1.0
