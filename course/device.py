"""The device switch: where exploration runs and where graded code runs."""

from __future__ import annotations

import os

import torch

from course.texts import in_all_languages, localized


def get_device(name: str | None = None, *, threads: int | None = None) -> torch.device:
    """Return the device to work on.

    A notebook asks before it opens its lab, so what goes wrong is said in all languages.

    Args:
        name: "auto" (CUDA if there is one), "cpu", "cuda" or "cuda:1"; by default the environment
            variable COURSE_DEVICE, or else "auto".
        threads: of PyTorch on a CPU; by default what PyTorch chooses. Small networks have too little to
            share out: with several threads these wait for each other, on a busy machine longer than they
            calculate.

    Raises:
        ValueError: for another name.
        RuntimeError: if CUDA is asked for and there is none.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    choice = (name or os.environ.get("COURSE_DEVICE") or "auto").strip().lower()
    kind, _, index = choice.partition(":")
    if kind not in ("auto", "cpu", "cuda") or (index and not (kind == "cuda" and index.isdigit())):
        details = {"name": "device", "seen": choice, "known": "auto, cpu, cuda, cuda:1"}
        raise ValueError(in_all_languages("unknown_choice", **details))
    if kind == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
        raise RuntimeError(in_all_languages("no_such_gpu", seen=choice, count=torch.cuda.device_count()))
    return torch.device(choice)


def describe_device(device: torch.device) -> str:
    """Return one line that says what a device is."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return localized("device_cpu", threads=torch.get_num_threads())
