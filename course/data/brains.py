"""Brain images with and without a tumour: drawn phantoms, or real MRI pictures where they are at hand."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from course.data.drawing import (
    Draws,
    grid,
    radius,
    reduced,
    rotated,
    smooth_noise,
    smooth_step,
    to_bytes,
)
from course.data.pixels import as_images
from course.texts import error, localized, unknown_choice

CLASSES = ("no", "yes")
# As many as in the real set.
COUNTS = {"no": 98, "yes": 155}
FOLDER = "brain_tumor_dataset"
SOURCES = ("auto", "mri", "phantoms")
_FINER = 2
# Root mean square of the differences of pixels, where 1 is from black to white. In the real set, pictures
# that were saved anew lie below 0.012 of each other (at 32 x 32) and different ones above 0.038.
SAME_PICTURE = 0.025


@dataclass(frozen=True)
class Brains:
    """Grey pictures of brain sections.

    Attributes:
        pixels: uint8 of shape (n, size, size), 0 to 255.
        labels: int64 of shape (n,): 1 where there is a tumour.
        name: where they come from: "mri", "phantoms" or "generated".
        skipped: names of files that could not be read.
        copies: how many pictures were left out because another is the same.
    """

    pixels: torch.Tensor
    labels: torch.Tensor
    name: str
    skipped: tuple[str, ...] = ()
    copies: int = 0

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def counts(self) -> tuple[int, ...]:
        """Return how many pictures of each class there are, in the classes' order."""
        return tuple(int((self.labels == label).sum()) for label in range(len(CLASSES)))

    @property
    def images(self) -> torch.Tensor:
        """Return the pictures as networks expect them: float32 of shape (n, 1, size, size), in [-1, 1]."""
        return as_images(self.pixels)

    def described(self, name: str) -> str:
        """Return one line on these pictures: a name for them, how many, their size, what was left out."""
        no, yes = self.counts
        line = localized("brains", name=name, no=no, yes=yes, size=self.pixels.shape[-1])
        if self.skipped:
            line += localized("skipped", count=len(self.skipped), names=", ".join(self.skipped))
        if self.copies:
            line += localized("copies", count=self.copies)
        return line

    def of_class(self, name: str) -> torch.Tensor:
        """Return the pictures of one class, as `images` does.

        Raises:
            ValueError: for a name other than "no" and "yes".
        """
        if name not in CLASSES:
            raise unknown_choice("name", name, CLASSES)
        return self.images[self.labels == CLASSES.index(name)]

    def at(self, places: np.ndarray) -> Brains:
        """Return the pictures at some places, in that order."""
        rows = torch.from_numpy(places)
        return replace(self, pixels=self.pixels[rows], labels=self.labels[rows])

    def without_copies(self) -> Brains:
        """Return the pictures that are not the same as an earlier one, whatever its class.

        A picture that stands in training and test in two copies makes a test easier than it should be.
        """
        from scipy.sparse.csgraph import connected_components  # only here: it is slow to import

        pixels = self.pixels.flatten(1).double() / 255.0
        distances = torch.cdist(pixels, pixels) / pixels.shape[1] ** 0.5
        _, groups = connected_components((distances < SAME_PICTURE).numpy(), directed=False)
        _, first = np.unique(groups, return_index=True)
        return replace(self.at(np.sort(first)), copies=len(self) - len(first))


# --- phantoms --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PhantomSettings:
    """How hard phantoms are to tell apart.

    Attributes:
        contrast: least and greatest brightness that a lesion adds.
        radius: least and greatest radius of a lesion; half the width of the picture is 1.
        noise: standard deviation of the noise.
    """

    contrast: tuple[float, float] = (0.25, 0.45)
    radius: tuple[float, float] = (0.10, 0.20)
    noise: float = 0.03


def brain_phantoms(
    no: int = COUNTS["no"],
    yes: int = COUNTS["yes"],
    *,
    size: int = 32,
    seed: int = 0,
    settings: PhantomSettings | None = None,
) -> Brains:
    """Draw brain sections, the same to the bit on every machine.

    Args:
        no: how many without a tumour; they come first.
        yes: how many with one or two lesions.
        size: pixels of a side, 32 or 64 in the labs.
        seed: another one gives other brains; picture k of a class depends on seed, class and k alone.
        settings: how hard they are to tell apart.

    Raises:
        ValueError: for a negative count or a size below 16.
    """
    if min(no, yes) < 0 or size < 16:
        raise error(ValueError, "phantom_arguments", no=no, yes=yes, size=size)
    settings = settings or PhantomSettings()
    counts = {"no": no, "yes": yes}
    pixels = [
        _phantom(Draws("phantom", seed, label, number), label == "yes", size, settings)
        for label in CLASSES
        for number in range(counts[label])
    ]
    stacked = np.stack(pixels) if pixels else np.zeros((0, size, size), np.uint8)
    labels = torch.tensor([0] * no + [1] * yes)
    return Brains(torch.from_numpy(stacked), labels, "phantoms")


def _phantom(draws: Draws, lesions: bool, size: int, settings: PhantomSettings) -> np.ndarray:
    """Draw one brain section, uint8 of shape (size, size)."""
    fine = _FINER * size
    x, y = grid(fine)
    x, y = rotated(x, y, math.radians(6.0) * float(draws.normal()))
    x = x + 0.03 * smooth_noise(draws, 4, fine)
    y = y + 0.03 * smooth_noise(draws, 4, fine)
    a, b = 0.70 * draws.number(0.94, 1.06), 0.86 * draws.number(0.94, 1.06)
    head = radius(x, y, a, b)
    picture = _tissue(draws, x, y, head, fine)
    if lesions:
        for _ in range(1 + draws.integer(2)):
            picture = picture + _lesion(draws, x, y, a, b, settings)
    inside = 1.0 - smooth_step(head, 0.985, 1.015)
    bias = 1.0 + 0.06 * smooth_noise(draws, 2, fine)
    signal = reduced(picture * inside * bias, _FINER)
    # The magnitude of a complex signal with noise in both parts (Rician).
    real, imaginary = (settings.noise * draws.normal((size, size)) for _ in range(2))
    return to_bytes(np.sqrt((signal + real) * (signal + real) + imaginary * imaginary))


def _tissue(draws: Draws, x: np.ndarray, y: np.ndarray, head: np.ndarray, fine: int) -> np.ndarray:
    """Return the intensities of skull, fluid, grey and folded white matter, fissure and ventricles."""
    folds = smooth_noise(draws, 12, fine)
    white = 1.0 - smooth_step(head + 0.24 * folds, 0.58, 0.68)
    brain = 0.42 + 0.22 * white
    fissure = (1.0 - smooth_step(np.abs(x), 0.008, 0.030)) * smooth_step(np.abs(y), 0.24, 0.34)
    brain = brain * (1.0 - 0.75 * fissure)
    for side in (-1.0, 1.0):
        u, v = rotated(x - side * draws.number(0.11, 0.15), y + 0.02, side * draws.number(0.15, 0.35))
        ventricle = radius(u, v, draws.number(0.05, 0.08), draws.number(0.18, 0.26))
        brain = brain * (1.0 - 0.8 * (1.0 - smooth_step(ventricle, 0.8, 1.2)))
    skull = smooth_step(head, 0.925, 0.945)
    fluid = smooth_step(head, 0.85, 0.88)
    tissue: np.ndarray = brain * (1.0 - fluid) + 0.08 * fluid * (1.0 - skull) + 0.80 * skull
    return tissue


def _lesion(
    draws: Draws, x: np.ndarray, y: np.ndarray, a: float, b: float, settings: PhantomSettings
) -> np.ndarray:
    """Return what one blurred bright lesion adds, somewhere within the brain."""
    while True:
        u, v = draws.number(-0.6, 0.6), draws.number(-0.6, 0.6)
        if 0.04 < u * u + v * v < 0.36:
            break
    size, strength = draws.number(*settings.radius), draws.number(*settings.contrast)
    distance = radius(x - u * a, y - v * b, size, size * draws.number(0.8, 1.25))
    lesion: np.ndarray = strength * (1.0 - smooth_step(distance, 0.45, 1.35))
    return lesion


# --- real pictures ---------------------------------------------------------------------------------


def load_brains(
    source: str = "auto",
    root: str | Path | None = None,
    *,
    size: int = 32,
    report: Callable[[str], None] = print,
) -> Brains:
    """Return brain images: real MRI pictures where a folder holds them, else phantoms.

    Of real pictures that are the same, one is kept.

    Args:
        source: "mri", "phantoms", or "auto": real ones where they are.
        root: the folder of data sets, which holds `brain_tumor_dataset/yes` and `…/no`; by default the
            environment variable COURSE_DATA, or else `./data`.
        size: pixels of a side.
        report: called with one line that says which pictures these are.

    Raises:
        ValueError: for another source.
        FileNotFoundError: if there is no picture of a class, or real ones are asked for and there are none.
    """
    if source not in SOURCES:
        raise unknown_choice("source", source, SOURCES)
    folder = Path(root or os.environ.get("COURSE_DATA") or "data").expanduser() / FOLDER
    if source == "phantoms" or (source == "auto" and not folder.is_dir()):
        brains = brain_phantoms(size=size)
    else:
        brains = _read(folder, size).without_copies()
    report(brains.described(localized(brains.name)))
    return brains


def split_brains(brains: Brains, test_share: float = 0.2) -> tuple[Brains, Brains]:
    """Split pictures into training and test, both classes in equal shares, always in the same way.

    All labs share this split: what a generator has seen must not test a classifier.

    Args:
        brains: at least two pictures of each class in each part.
        test_share: of the pictures, for the test.

    Returns:
        The training pictures and the test pictures.
    """
    from sklearn.model_selection import train_test_split  # only here: it is slow to import

    labels = brains.labels.numpy()
    training, test = train_test_split(
        np.arange(len(brains)), test_size=test_share, stratify=labels, random_state=0
    )
    return brains.at(training), brains.at(test)


def _read(folder: Path, size: int) -> Brains:
    """Read all pictures of both classes; what cannot be read is skipped and named.

    Raises:
        FileNotFoundError: if a class has none.
    """
    pixels, labels, skipped = [], [], []
    for label, name in enumerate(CLASSES):
        found = 0
        for path in _files(folder / name):
            try:
                pixels.append(read_grey(path, size))
            except Exception as cause:  # Pillow raises whatever a damaged file leads it to
                skipped.append(f"{name}/{path.name} ({type(cause).__name__})")
                continue
            labels.append(label)
            found += 1
        if not found:
            raise error(FileNotFoundError, "no_brains", folder=folder / name, dataset=FOLDER)
    return Brains(torch.from_numpy(np.stack(pixels)), torch.tensor(labels), "mri", tuple(skipped))


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder in the order of their names, whatever their suffix."""
    if folder.is_dir():
        yield from sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] != ".")


def read_grey(path: Path, size: int) -> np.ndarray:
    """Read a picture of any kind: grey, square with black borders, of size x size pixels, uint8.

    What is transparent becomes black. The suffix does not matter: Pillow looks at the content.
    """
    with Image.open(path) as picture:
        layered = picture.convert("RGBA")
    flat = Image.new("RGBA", layered.size, "black")
    flat.alpha_composite(layered)
    grey = flat.convert("L")
    return np.asarray(ImageOps.pad(grey, (size, size), Image.Resampling.BOX, color=0))
