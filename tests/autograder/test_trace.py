"""The operations that a message lists show what sets a network apart, and no more."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from autograder.checks.networks import traced
from autograder.checks.trace import Trace
from autograder.replay import replay

PICTURES, ROWS, SEQUENCES = (4, 6, 8, 8), (5, 8), (4, 6, 8)


class Scaled(nn.Module):
    """An equalised convolution as students write it, with a bias of its own."""

    def __init__(self, gain: float = 2.0, bias: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(6, 3, 3, padding=1, bias=bias)
        self.bias = nn.Parameter(torch.zeros(3))
        self.scale = (gain / 54) ** 0.5

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        output = F.conv2d(x, self.conv.weight * self.scale, self.conv.bias, padding=1)
        return output + self.bias.view(1, -1, 1, 1)


class Function(nn.Module):
    """A network that is one function without weights."""

    def __init__(self, function: object) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x)  # type: ignore[operator, no-any-return]


def described(network: nn.Module, shape: tuple[int, ...], *, training: bool = True) -> Trace:
    trace = Trace()
    with replay(3) as running:
        network = network.double().train(training)
        traced(network, (torch.ones(shape),), running, trace)
    return trace


@pytest.mark.parametrize(
    ("network", "shape", "said"),
    [
        (nn.Conv2d(6, 3, 3), PICTURES, "Conv(6→3, 3x3) 6x6"),
        (nn.Conv2d(6, 3, 4, 2, 1), PICTURES, "Conv(6→3, 4x4, stride=2, padding=1) 4x4"),
        (
            nn.Conv2d(6, 3, 3, padding=1, bias=False, padding_mode="reflect", groups=3),
            PICTURES,
            "Conv(6→3, 3x3, padding=1, groups=3, bias=False, padding_mode=reflect) 8x8",
        ),
        (
            nn.Conv2d(6, 3, 3, padding=1, padding_mode="circular"),
            PICTURES,
            "Conv(6→3, 3x3, padding=1, padding_mode=circular) 8x8",
        ),
        (nn.Conv2d(6, 3, 3, padding="same"), PICTURES, "Conv(6→3, 3x3, padding=same) 8x8"),
        (nn.Conv2d(6, 3, 3, dilation=2), PICTURES, "Conv(6→3, 3x3, dilation=2) 4x4"),
        (nn.Conv2d(6, 3, (3, 1), stride=(1, 2)), PICTURES, "Conv(6→3, 3x1, stride=(1, 2)) 6x4"),
        (
            nn.ConvTranspose2d(6, 3, 3, 2, 1, output_padding=1),
            PICTURES,
            "ConvTranspose(6→3, 3x3, stride=2, padding=1, output_padding=1) 16x16",
        ),
        (
            nn.utils.parametrizations.weight_norm(nn.Conv2d(6, 3, 3)),
            PICTURES,
            "Conv(6→3, 3x3, weight=WeightNorm) 6x6",
        ),
        (nn.utils.spectral_norm(nn.Conv2d(6, 3, 3)), PICTURES, "Conv(6→3, 3x3, weight=SpectralNorm) 6x6"),
        (nn.utils.parametrizations.spectral_norm(nn.Linear(8, 3)), ROWS, "Linear(8→3, weight=SpectralNorm)"),
        (Scaled(), PICTURES, "Conv(6→3, 3x3, padding=1, weight×0.1925) 8x8"),
        (Scaled(gain=1.0), PICTURES, "Conv(6→3, 3x3, padding=1, weight×0.1361) 8x8"),
        (
            Scaled(bias=True),
            PICTURES,
            "Conv(6→3, 3x3, padding=1, weight×0.1925) 8x8, + Parameter(1, 3, 1, 1)",
        ),
        (nn.Linear(8, 3), ROWS, "Linear(8→3)"),
        (nn.Linear(8, 3, bias=False), ROWS, "Linear(8→3, bias=False)"),
        (nn.Linear(8, 3), SEQUENCES, "Linear(8→3)"),
        (Function(lambda x: nn.Linear(8, 3).double()(x.transpose(0, 1))), SEQUENCES, "Linear(8→3)"),
        (nn.BatchNorm2d(6), PICTURES, "BatchNorm"),
        (nn.BatchNorm2d(6, eps=0.8, momentum=0.5), PICTURES, "BatchNorm(eps=0.8, momentum=0.5)"),
        (nn.BatchNorm2d(6, affine=False), PICTURES, "BatchNorm(affine=False)"),
        (nn.BatchNorm2d(6, track_running_stats=False), PICTURES, "BatchNorm(track_running_stats=False)"),
        (nn.BatchNorm1d(8, affine=False), (1, 8, 4), "BatchNorm(affine=False)"),
        (nn.InstanceNorm2d(6), PICTURES, "InstanceNorm"),
        (nn.InstanceNorm2d(6, affine=True), PICTURES, "InstanceNorm(affine=True)"),
        (Function(F.instance_norm), PICTURES, "InstanceNorm"),
        (nn.LayerNorm(8, eps=0.1), ROWS, "LayerNorm(8, eps=0.1)"),
        (nn.LayerNorm((8, 8)), PICTURES, "LayerNorm((8, 8))"),
        (nn.GroupNorm(3, 6), PICTURES, "GroupNorm(3)"),
        (nn.RMSNorm(8), ROWS, "RMSNorm(8)"),
        (nn.LeakyReLU(), ROWS, "LeakyReLU"),
        (nn.LeakyReLU(0.2, inplace=True), ROWS, "LeakyReLU(0.2)"),
        (Function(lambda x: F.leaky_relu(x, 0.3)), ROWS, "LeakyReLU(0.3)"),
        (nn.ELU(0.5), ROWS, "ELU(alpha=0.5)"),
        (nn.SELU(), ROWS, "SELU"),
        (nn.ReLU6(), ROWS, "ReLU6"),
        (nn.Hardtanh(-2, 2), ROWS, "Hardtanh(min_val=-2, max_val=2)"),
        (nn.GELU(approximate="tanh"), ROWS, "GELU(approximate=tanh)"),
        (nn.Softplus(beta=2), ROWS, "Softplus(beta=2)"),
        (nn.Softmax(dim=1), ROWS, "Softmax(dim=1)"),
        (nn.LogSoftmax(dim=1), ROWS, "LogSoftmax(dim=1)"),
        (nn.PReLU(), ROWS, "PReLU"),
        (nn.Softsign(), ROWS, "Softsign"),
        (nn.Dropout(0.3), PICTURES, "Dropout(0.3)"),
        (nn.Dropout1d(0.3), SEQUENCES, "Dropout1d(0.3)"),
        (nn.Dropout2d(0.3), PICTURES, "Dropout2d(0.3)"),
        (nn.Dropout2d(0.3), ROWS, "Dropout2d(0.3)"),
        (nn.AlphaDropout(0.3), PICTURES, "AlphaDropout(0.3)"),
        (nn.FeatureAlphaDropout(0.3), PICTURES, "FeatureAlphaDropout(0.3)"),
        (Function(lambda x: F.dropout(x, 0.4)), ROWS, "Dropout(0.4)"),
        (Function(lambda x: F.dropout2d(x, 0.4)), PICTURES, "Dropout2d(0.4)"),
        (Function(lambda x: F.alpha_dropout(x, 0.4, training=True)), ROWS, "AlphaDropout(0.4)"),
        (nn.MaxPool2d(2), PICTURES, "MaxPool2d(2)"),
        (nn.AvgPool2d(3, stride=1, padding=1), PICTURES, "AvgPool2d(3, stride=1, padding=1)"),
        (nn.AdaptiveAvgPool2d(1), PICTURES, "AdaptiveAvgPool2d(1)"),
        (nn.AdaptiveAvgPool2d(2), PICTURES, "AdaptiveAvgPool2d(2)"),
        (nn.Upsample(scale_factor=2), PICTURES, "Upsample(nearest) 16x16"),
        (nn.Upsample(scale_factor=2, mode="bilinear"), PICTURES, "Upsample(bilinear) 16x16"),
        (nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(6, 3, 3)), PICTURES,
         "ReflectionPad2d(1), Conv(6→3, 3x3) 8x8"),
        (nn.Sequential(nn.Flatten(), nn.Identity(), nn.Linear(384, 1)), PICTURES, "Linear(384→1)"),
    ],
    ids=lambda value: None if isinstance(value, tuple) else str(value)[:60],
)  # fmt: skip
def test_an_operation_is_told_with_what_differs_from_the_layers_default(
    network: nn.Module, shape: tuple[int, ...], said: str
) -> None:
    assert described(network, shape).describe() == said


def test_dropout_is_not_told_in_eval_mode() -> None:
    assert described(nn.Sequential(nn.Dropout(0.3), nn.ReLU()), ROWS, training=False).describe() == "ReLU"


def test_what_is_evidence_holds_no_settings() -> None:
    network = nn.Sequential(nn.Conv2d(6, 3, 4, 2, 1, bias=False), nn.Flatten(), nn.Linear(48, 1, bias=False))
    assert described(network, PICTURES).layers() == "Conv(6→3, 4x4) 4x4, Linear(48→1)"
