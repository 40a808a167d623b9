"""Films of a training, as GIF files."""

from __future__ import annotations

import base64
import io
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from PIL import Image

from course.plots.grids import grid_figure, tiled
from course.plots.points import draw_points
from course.plots.style import FAKE_COLOUR, PALE_REAL
from course.texts import error, localized

if TYPE_CHECKING:
    from IPython.display import HTML

_FILM_WIDTH = 360  # at least, in pixels: frames are of one size, whatever their titles
# The part of the plane that a film of points shows: limits of x1, then of x2.
_FILM_FRAME = ((-1.5, 7.8), (-2.2, 2.2))


class _Film(ABC):
    """Makes a film of a training: one frame whenever `add` is called."""

    def __init__(self) -> None:
        self._frames: list[Image.Image] = []

    def __len__(self) -> int:
        return len(self._frames)

    @abstractmethod
    def _draw(self, samples: torch.Tensor, title: str) -> Figure:
        """Return the figure of one frame."""

    def add(self, samples: torch.Tensor, title: str) -> None:
        """Add a frame that shows the samples under a title."""
        figure = self._draw(samples, title)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        plt.close(figure)
        self._frames.append(Image.open(buffer).convert("RGB").quantize(colors=256))

    def save(self, path: str | Path, milliseconds: int = 200) -> HTML:
        """Write the film as a GIF and return it for display in a notebook.

        Args:
            path: of the file.
            milliseconds: each frame is shown; the last one stays longer.

        Raises:
            ValueError: if there are no frames.
        """
        from IPython.display import HTML

        if not self._frames:
            raise error(ValueError, "no_frames")
        durations = [milliseconds] * (len(self._frames) - 1) + [2000]
        options: dict[str, Any] = {"save_all": True, "append_images": self._frames[1:], "loop": 0}
        self._frames[0].save(path, duration=durations, optimize=True, **options)
        data = base64.b64encode(Path(path).read_bytes()).decode()
        # As HTML, and not as IPython's Image: nbconvert's pages, nbgrader's feedback too, show no GIF output.
        return HTML(f'<img alt="{Path(path).stem}" src="data:image/gif;base64,{data}">')


class GifRecorder(_Film):
    """A film of points in the plane, in a frame that stays; what lies outside it is counted in a corner.

    Args:
        reference: real points to show in every frame, shape (m, 2).
        xlabel: name of the horizontal axis.
        ylabel: name of the vertical axis.
    """

    def __init__(self, reference: torch.Tensor, *, xlabel: str = "$x_1$", ylabel: str = "$x_2$") -> None:
        super().__init__()
        self._reference = reference
        self._names = {"xlabel": xlabel, "ylabel": ylabel}

    def _draw(self, samples: torch.Tensor, title: str) -> Figure:
        figure, axes = plt.subplots(figsize=(4.2, 2.8), dpi=80)
        draw_points(axes, self._reference, PALE_REAL, None)
        draw_points(axes, samples, FAKE_COLOUR, None)
        (left, right), (bottom, top) = _FILM_FRAME
        axes.set(title=title, xlim=(left, right), ylim=(bottom, top), **self._names)
        x1, x2 = samples.detach().cpu().unbind(dim=1)
        count = len(samples) - int(((x1 >= left) & (x1 <= right) & (x2 >= bottom) & (x2 <= top)).sum())
        if count:
            corner: dict[str, Any] = {"ha": "right", "va": "top", "fontsize": 8}
            said = localized("outside_frame", count=count)
            axes.text(0.98, 0.95, said, transform=axes.transAxes, **corner)
        figure.tight_layout()
        return figure


class ImageGifRecorder(_Film):
    """A film of pictures in rows: samples of shape (n, channels, height, width), in [-1, 1].

    Args:
        columns: pictures of a row.
        side: how large a picture is shown, about, in pixels of the screen.
    """

    def __init__(self, columns: int = 8, side: int = 56) -> None:
        super().__init__()
        self._columns, self._side = columns, side

    def _draw(self, samples: torch.Tensor, title: str) -> Figure:
        scale = max(1, round(self._side / samples.shape[-1]))
        return grid_figure(tiled(samples, self._columns), title, scale, room=_FILM_WIDTH)
