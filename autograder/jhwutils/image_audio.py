"""Pictures and sounds under the names of `jhwutils.image_audio`, with Pillow and the standard library.

Sounds are read from wav files of 8, 16 or 32 bits. Wavefront files (`load_obj`) are not read.
"""

from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[Any]


def _numbers(values: Any) -> Array:
    """Return an array of float64 of what a notebook passes, also of a tensor with gradients."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().to(torch.float64).numpy()
    return np.asarray(values, dtype=np.float64)


def _bytes(picture: Any) -> NDArray[np.uint8]:
    """Return values of [0, 1] as bytes; what lies outside is cut off, NaN is black."""
    clipped: np.ndarray = np.clip(np.nan_to_num(_numbers(picture)), 0.0, 1.0)
    return (clipped * 255.0).astype(np.uint8)


def _picture(pixels: NDArray[np.uint8]) -> Image.Image:
    """Return a picture of bytes (height, width[, 1, 3 or 4])."""
    return Image.fromarray(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels)


def _display(data: bytes, width: str) -> None:
    """Show an encoded picture in the notebook."""
    from IPython.display import Image as Picture
    from IPython.display import display

    display(Picture(data=data, width=width))


def show_image(a: Any, fmt: str = "png", width: str = "100%") -> None:
    """Show an array (height, width) or (height, width, 3) of values in [0, 1]."""
    file = io.BytesIO()
    _picture(_bytes(a)).save(file, fmt)
    _display(file.getvalue(), width)


def show_gif(a: Any, width: str = "100%", duration: int = 10) -> None:
    """Show frames (n, height, width[, 3]) of values in [0, 1] as a film.

    Args:
        a: the frames.
        width: width of the picture in the page.
        duration: time that each frame is shown, in milliseconds.
    """
    frames = [_picture(frame) for frame in _bytes(a)]
    file = io.BytesIO()
    frames[0].save(file, "gif", save_all=True, append_images=frames[1:], loop=0, duration=duration)
    _display(file.getvalue(), width)


def show_frames(img_seq: Any, n: int = 10) -> None:
    """Show `n` frames of a sequence, evenly spaced, one below the other."""
    for index in range(n):
        show_image(img_seq[index * len(img_seq) // n])


def show_image_mpl(array: Any) -> None:
    """Draw an array (height, width[, 1 or 3]) of values in [0, 1] into the current axes."""
    picture = _bytes(array)
    plt.imshow(picture.squeeze(), interpolation="nearest", cmap="gray", vmin=0, vmax=255)
    plt.axis("off")


def load_image_colour(fname: str | Path) -> Array:
    """Return a picture as (height, width, 3) values in [0, 1]."""
    with Image.open(fname) as picture:
        if picture.mode.startswith("I"):  # 16 bits of grey, which Pillow would cut off at 255
            grey = np.asarray(picture, dtype=np.float64) / 65535.0
            return np.repeat(grey[..., None], 3, axis=2)
        return np.asarray(picture.convert("RGB"), dtype=np.float64) / 255.0


def load_image_gray(fname: str | Path) -> Array:
    """Return a picture as (height, width) values in [0, 1]: its luminance (ITU-R BT.709)."""
    luminance: Array = load_image_colour(fname) @ np.array([0.2125, 0.7154, 0.0721])
    return luminance


def load_sound(wav_file: str | Path) -> Array:
    """Return a wav file as one channel of values in [-1, 1]."""
    with wave.open(str(wav_file), "rb") as file:
        width, channels = file.getsampwidth(), file.getnchannels()
        data = file.readframes(file.getnframes())
    types = {1: "u1", 2: "<i2", 4: "<i4"}
    if width not in types:
        raise ValueError(f"{wav_file}: sounds of {8 * width} bits cannot be read; convert it to 16 bits")
    samples = np.frombuffer(data, dtype=types[width]).astype(np.float64)
    samples = samples - 128.0 if width == 1 else samples
    sound: Array = (samples / (2.0 ** (8 * width - 1) - 1)).reshape(-1, channels).mean(axis=1)
    return sound


def play_sound(audio: Any, sr: int = 44100) -> None:
    """Show a player for one channel of values in [-1, 1], `sr` samples a second."""
    from IPython.display import Audio, display

    display(Audio(np.clip(_numbers(audio), -1.0, 1.0), rate=sr, normalize=False))


def plot_sound(audio: Any) -> None:
    """Draw one channel of a sound over time, at 44,100 samples a second."""
    samples = _numbers(audio)
    plt.plot(np.arange(len(samples)) / 44100.0, samples, "c", alpha=0.5)
    plt.xlabel("Time (s)")
