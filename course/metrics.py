"""Figures for the quality of generated samples, instead of "it looks good"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn
from torch.nn.functional import avg_pool2d

from course.classifier import FEATURES, DigitClassifier
from course.texts import error, localized

Number = TypeVar("Number", int, float)

BINS = 32
NEAR = 0.2
QUANTILES = 1000  # of the uniform distribution that x1 is compared with
# A class counts as covered when at least this share of the pictures shows it.
LEAST_SHARE = 0.01
# Half axes of the ellipse that brain fills, well within the skull; half the width of the picture is 1.
_INNER_HEAD = (0.49, 0.60)


@dataclass(frozen=True)
class SineQuality:
    """How good generated points of the sine curve are.

    Attributes:
        distance: mean of |x2 - sin x1|; 0 for real points. Alone it flatters a generator that repeats
            one good point.
        coverage: share of 32 equal parts of [0, 2 pi) that hold a point within 0.2 of the curve; about
            1 for 1,000 real points. It falls when the generator drops a part of the data, but one point is
            enough to cover a part.
        outside: share of the points whose x1 is not in [0, 2 pi); 0 for real points.
        wasserstein: one-dimensional Wasserstein distance between the x1 and the uniform distribution on
            [0, 2 pi]: how far along the axis points have to move, on average, to lie as densely everywhere
            as real ones do. 0.04 to 0.11 for 1,000 real points; pi / 2 if all points lie at pi.
    """

    distance: float
    coverage: float
    outside: float
    wasserstein: float

    def __str__(self) -> str:
        return localized("sine_quality", **vars(self))


def sine_quality(samples: torch.Tensor) -> SineQuality:
    """Measure generated points against the sine curve.

    Args:
        samples: real numbers of shape (n, 2), n at least 1.

    Raises:
        ValueError: for another shape.
    """
    if samples.ndim != 2 or samples.shape[1] != 2 or len(samples) == 0:
        raise error(ValueError, "samples_shape", expected="(n, 2)", seen=tuple(samples.shape))
    from scipy.stats import wasserstein_distance  # only here: it is slow to import

    x, y = samples.detach().cpu().double().unbind(dim=1)
    distance = (y - x.sin()).abs()
    inside = (x >= 0) & (x < 2 * math.pi)
    parts = (x[inside & (distance < NEAR)] / (2 * math.pi) * BINS).long()
    uniform = (torch.arange(QUANTILES) + 0.5) * (2 * math.pi / QUANTILES)
    return SineQuality(
        distance=float(distance.mean()),
        coverage=len(parts.unique()) / BINS,
        outside=float((~inside).double().mean()),
        wasserstein=float(wasserstein_distance(x.numpy(), uniform.numpy())),
    )


@dataclass(frozen=True)
class DigitQuality:
    """How good generated digits are, by the judgement of a small classifier.

    Attributes:
        classes: how many of the ten digits at least 1 % of the pictures show. It falls when the generator
            collapses; alone it flatters blurry pictures.
        confidence: mean probability of the class that the classifier chooses; for real digits near 1.
        distance: Fréchet distance between the features of generated and real pictures (Heusel et al., 2017),
            on this classifier: 0 for equal distributions. It compares runs with the same classifier, the
            same real pictures and the same number of them, and is no FID of any paper.
        shares: of the ten digits among the pictures.
    """

    classes: int
    confidence: float
    distance: float
    shares: tuple[float, ...]

    def __str__(self) -> str:
        figures = {"confidence": self.confidence, "distance": self.distance}
        return localized("digit_quality", classes=self.classes, **figures)


def digit_quality(samples: torch.Tensor, real: torch.Tensor, classifier: DigitClassifier) -> DigitQuality:
    """Measure generated digits against real ones.

    Args:
        samples: real numbers of shape (n, 1, 28, 28), in [-1, 1].
        real: as many real digits or more, of the same form; the first n of them count.
        classifier: from `fit_digit_classifier`.

    Raises:
        ValueError: for another shape, fewer than 50 samples, or too few real digits.
    """
    if samples.ndim != 4 or samples.shape[1:] != real.shape[1:]:
        raise error(ValueError, "samples_shape", expected="(n, 1, 28, 28)", seen=tuple(samples.shape))
    if len(samples) < 50 or len(real) < len(samples):
        raise error(ValueError, "too_few_digits", samples=len(samples), real=len(real))
    images = samples.detach().cpu().float()
    probabilities = classifier(images).softmax(dim=1)
    confidence, chosen = probabilities.max(dim=1)
    shares = chosen.bincount(minlength=10) / len(images)
    return DigitQuality(
        classes=int((shares >= LEAST_SHARE).sum()),
        confidence=float(confidence.mean()),
        distance=frechet_distance(images, real[: len(images)], classifier.features),
        shares=tuple(shares.tolist()),
    )


@dataclass(frozen=True)
class QualitySpread:
    """What several measurements of one generator say, each of other pictures.

    Attributes:
        measurements: at least one.
    """

    measurements: Sequence[DigitQuality]

    @property
    def classes(self) -> tuple[float, int, int]:
        """Return mean, least and greatest number of classes."""
        return _spread([quality.classes for quality in self.measurements])

    @property
    def confidence(self) -> tuple[float, float, float]:
        """Return mean, least and greatest confidence."""
        return _spread([quality.confidence for quality in self.measurements])

    @property
    def distance(self) -> tuple[float, float, float]:
        """Return mean, least and greatest distance."""
        return _spread([quality.distance for quality in self.measurements])

    def __str__(self) -> str:
        return localized(
            "quality_spread",
            classes=" – ".join(str(number) for number in sorted(set(self.classes[1:]))),
            confidence="{:.2f} ({:.2f} – {:.2f})".format(*self.confidence),
            distance="{:.2f} ({:.2f} – {:.2f})".format(*self.distance),
        )


def frechet_distance(samples: torch.Tensor, real: torch.Tensor, features: nn.Module) -> float:
    """Return the Fréchet distance between two sets of pictures, by torchmetrics.

    Args:
        samples: shape (n, 1, 28, 28).
        real: shape (m, 1, 28, 28).
        features: (k, 1, 28, 28) -> (k, FEATURES), frozen.
    """
    from torchmetrics.image.fid import FrechetInceptionDistance  # only here: it is slow to import

    distance = FrechetInceptionDistance(feature=_Extractor(features), normalize=True)
    distance.update(real, real=True)
    distance.update(samples, real=False)
    return float(distance.compute())


def sliced_wasserstein(
    samples: torch.Tensor, real: torch.Tensor, *, directions: int = 128, seed: int = 0
) -> float:
    """Return the sliced Wasserstein distance between two sets of pictures (Bonneel et al., 2015).

    Both sets are projected onto random directions; the Wasserstein distance of the projections, which SciPy
    computes exactly, is averaged. Two finite sets of real pictures are not at distance 0: compare with
    them, at equal numbers of pictures.

    Args:
        samples: shape (n, channels, height, width).
        real: shape (m, channels, height, width).
        directions: how many.
        seed: of the directions.

    Raises:
        ValueError: if the pictures differ in shape, or a set is empty.
    """
    from scipy.stats import wasserstein_distance  # only here: it is slow to import

    if samples.shape[1:] != real.shape[1:] or not len(samples) or not len(real):
        raise _unequal_pictures(samples, real)
    generator = torch.Generator().manual_seed(seed)
    axes = torch.randn(samples[0].numel(), directions, generator=generator, dtype=torch.float64)
    axes = axes / axes.norm(dim=0)
    first, second = (images.detach().cpu().double().flatten(1) @ axes for images in (samples, real))
    pairs = zip(first.T.numpy(), second.T.numpy(), strict=True)
    return float(sum(wasserstein_distance(a, b) for a, b in pairs) / directions)


def nearest_neighbours(images: torch.Tensor, reference: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Find for every picture the one of a reference set that is most like it, pixel by pixel.

    Args:
        images: shape (n, channels, height, width).
        reference: shape (m, channels, height, width), m at least 1.

    Returns:
        Two tensors of shape (n,), on the CPU: the root mean square of the differences of the pixels, and
        which picture of the reference it is.

    Raises:
        ValueError: if the pictures differ in shape, or the reference is empty.
    """
    if images.shape[1:] != reference.shape[1:] or not len(reference):
        raise _unequal_pictures(images, reference)
    first, second = (pictures.detach().cpu().flatten(1) for pictures in (images, reference))
    distances, places = torch.cdist(first, second).min(dim=1)
    return distances / math.sqrt(first.shape[1]), places


def _spread(numbers: Sequence[Number]) -> tuple[float, Number, Number]:
    """Return mean, least and greatest of some numbers."""
    return sum(numbers) / len(numbers), min(numbers), max(numbers)


def patch_contrast(images: torch.Tensor, *, patch: int = 3) -> torch.Tensor:
    """Measure how far the brightest patch within the head stands out: a lesion is such a patch.

    The patch is compared with the level that nine of ten patches there stay below, so neither a brighter
    picture nor single bright pixels count. What counts as much is for the caller to say, by real pictures
    with lesions and without.

    Args:
        images: shape (n, 1, size, size), a head in the middle of each.
        patch: side of the patch, an odd number of pixels.

    Returns:
        A tensor of shape (n,), on the CPU: the mean of the brightest patch minus that level.

    Raises:
        ValueError: for another shape.
    """
    if images.ndim != 4 or images.shape[1] != 1 or images.shape[2] != images.shape[3]:
        raise error(ValueError, "samples_shape", expected="(n, 1, size, size)", seen=tuple(images.shape))
    shown = images.detach().cpu().float()
    places = (torch.arange(shown.shape[-1]) + 0.5) / shown.shape[-1] * 2 - 1  # -1 to 1, from edge to edge
    y, x = torch.meshgrid(places, places, indexing="ij")
    inside = (x / _INNER_HEAD[0]) ** 2 + (y / _INNER_HEAD[1]) ** 2 < 1
    means = avg_pool2d(shown, patch, stride=1, padding=patch // 2)[:, 0, inside]  # (n, places inside)
    return means.amax(dim=1) - means.quantile(0.9, dim=1)


class _Extractor(nn.Module):
    """Features as torchmetrics wants them: with their number as an attribute."""

    num_features = FEATURES

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return one row of features per picture."""
        rows: torch.Tensor = self.features(images)
        return rows


def _unequal_pictures(first: torch.Tensor, second: torch.Tensor) -> ValueError:
    """Return what to raise for sets of pictures that cannot be compared."""
    return error(ValueError, "unequal_pictures", first=tuple(first.shape), second=tuple(second.shape))
