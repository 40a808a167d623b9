"""Functions of PyTorch that are mistaken for each other."""

from __future__ import annotations

_GROUPS = (
    ("rand", "randn"),
    ("rand_like", "randn_like"),
    ("normal_", "uniform_"),
    ("ones", "zeros"),
    ("ones_like", "zeros_like"),
    ("ones_", "zeros_"),
    ("mean", "sum"),
    ("std", "var"),
    ("min", "max"),
    ("argmin", "argmax"),
    ("minimum", "maximum"),
    ("sin", "cos"),
    ("exp", "expm1"),
    ("log", "log1p"),
    ("sqrt", "square"),
    ("floor", "ceil"),
    ("cat", "stack"),
    ("unbind", "split"),
    ("squeeze", "unsqueeze"),
    ("randperm", "arange"),
    ("detach", "clone"),
    ("no_grad", "enable_grad"),
    ("inference_mode", "enable_grad"),
    ("eval", "train"),
    ("parameters", "buffers"),
    ("ReLU", "LeakyReLU"),
    ("relu", "leaky_relu"),
    ("Sigmoid", "Tanh"),
    ("sigmoid", "tanh"),
    ("softmax", "log_softmax"),
    ("BatchNorm1d", "InstanceNorm1d"),
    ("BatchNorm2d", "InstanceNorm2d"),
    ("Conv2d", "ConvTranspose2d"),
    ("MaxPool2d", "AvgPool2d"),
    ("max_pool2d", "avg_pool2d"),
    ("Dropout", "Dropout2d"),
    ("Dropout", "AlphaDropout"),
    ("BCELoss", "BCEWithLogitsLoss"),
    ("BCELoss", "MSELoss"),
    ("binary_cross_entropy", "binary_cross_entropy_with_logits"),
    ("CrossEntropyLoss", "NLLLoss"),
    ("cross_entropy", "nll_loss"),
    ("Adam", "AdamW"),
    ("Adam", "RMSprop"),
    ("SGD", "Adam"),
)


def _by_name() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for one, other in _GROUPS:
        found[one] = (*found.get(one, ()), other)
        found[other] = (*found.get(other, ()), one)
    return found


FAMILIES = _by_name()
