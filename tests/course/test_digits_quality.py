"""The small classifier, and what it says of generated digits."""

from __future__ import annotations

import pytest
import torch

from course.classifier import DigitClassifier, fit_digit_classifier
from course.data import load_digits
from course.metrics import DigitQuality, QualitySpread, digit_quality


@pytest.fixture(scope="module")
def real() -> torch.Tensor:
    """All embedded digits, shuffled."""
    images = load_digits("embedded", report=lambda line: None).images
    return images[torch.randperm(len(images), generator=torch.Generator().manual_seed(0))]


@pytest.fixture(scope="module")
def classifier() -> DigitClassifier:
    digits = load_digits("embedded", report=lambda line: None)
    return fit_digit_classifier(digits.images, digits.labels)


def test_classifier_recognises_digits_that_it_was_not_trained_with(classifier: DigitClassifier) -> None:
    assert classifier.accuracy > 0.95
    assert not classifier.training and not any(p.requires_grad for p in classifier.parameters())


def test_classifier_leaves_the_seed_of_the_notebook_alone() -> None:
    images, labels = torch.zeros(100, 1, 28, 28), torch.arange(100) % 10
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    fit_digit_classifier(images, labels, epochs=1)
    assert torch.equal(torch.rand(3), expected)


def test_real_digits_are_the_best_that_can_be_had(real: torch.Tensor, classifier: DigitClassifier) -> None:
    quality = digit_quality(real[:800], real[800:1600], classifier)
    assert quality.classes == 10 and quality.confidence > 0.9 and quality.distance < 1.0
    assert sum(quality.shares) == pytest.approx(1.0)
    assert str(quality).startswith("10 of 10 classes, confidence 0.9")


def test_one_picture_repeated_covers_one_class_however_confident(
    real: torch.Tensor, classifier: DigitClassifier
) -> None:
    surest = classifier(real).softmax(dim=1).amax(dim=1).argmax()
    quality = digit_quality(real[surest].expand(200, -1, -1, -1), real, classifier)
    assert quality.classes == 1 and quality.confidence > 0.95
    assert quality.distance > 20.0


def test_noise_is_far_from_digits_and_noisy_digits_lie_between(
    real: torch.Tensor, classifier: DigitClassifier
) -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(400, 1, 28, 28, generator=generator)
    distances = [
        digit_quality(samples.clamp(-1.0, 1.0), real[800:], classifier).distance
        for samples in (real[:400], real[:400] + 0.4 * noise, noise)
    ]
    assert distances[0] < distances[1] < distances[2]


@pytest.mark.parametrize(
    ("samples", "reference", "message"),
    [
        (torch.zeros(60, 784), torch.zeros(60, 1, 28, 28), r"shape \(n, 1, 28, 28\), not \(60, 784\)"),
        (torch.zeros(49, 1, 28, 28), torch.zeros(60, 1, 28, 28), "49 samples and 60 real digits"),
        (torch.zeros(60, 1, 28, 28), torch.zeros(59, 1, 28, 28), "60 samples and 59 real digits"),
    ],
)
def test_samples_that_cannot_be_measured_are_described(
    samples: torch.Tensor, reference: torch.Tensor, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        digit_quality(samples, reference, DigitClassifier())


def test_several_measurements_have_a_mean_and_a_spread() -> None:
    shares = (0.1,) * 10
    spread = QualitySpread([DigitQuality(9, 0.8, 2.0, shares), DigitQuality(10, 0.9, 1.0, shares)])
    assert spread.classes == (9.5, 9, 10)
    assert spread.confidence == pytest.approx((0.85, 0.8, 0.9))
    assert spread.distance == pytest.approx((1.5, 1.0, 2.0))
    assert str(spread) == ("9 – 10 of 10 classes, confidence 0.85 (0.80 – 0.90), distance 1.50 (1.00 – 2.00)")
    alone = QualitySpread([DigitQuality(10, 0.9, 1.0, shares)])
    assert str(alone).startswith("10 of 10 classes, confidence 0.90 (0.90 – 0.90)")
