"""The device switch: where exploration runs and where graded code runs."""

from __future__ import annotations

import os

import torch


def get_device(name: str | None = None) -> torch.device:
    """Return the device to work on.

    Args:
        name: "auto" (CUDA if there is one), "cpu", "cuda" or "cuda:1"; by default the environment
            variable COURSE_DEVICE, or else "auto".

    Raises:
        ValueError: for another name.
        RuntimeError: if CUDA is asked for and there is none.
    """
    choice = (name or os.environ.get("COURSE_DEVICE") or "auto").strip().lower()
    kind, _, index = choice.partition(":")
    if kind not in ("auto", "cpu", "cuda") or (index and not (kind == "cuda" and index.isdigit())):
        raise ValueError(f"unknown device {choice!r}: choose auto, cpu, cuda or, for the second GPU, cuda:1")
    if kind == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
        raise RuntimeError(
            f"device {choice!r} was asked for, but PyTorch sees {torch.cuda.device_count()} CUDA devices. "
            "Use COURSE_DEVICE=auto or cpu: the marks are the same."
        )
    return torch.device(choice)


def describe_device(device: torch.device) -> str:
    """Return one line that says what a device is."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"{device} ({torch.get_num_threads()} threads)"
