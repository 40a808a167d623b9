"""Turn an exception of a student's code into one sentence that helps."""

from __future__ import annotations

import functools
import linecache
import re
import sysconfig
import traceback
from pathlib import Path

import torch

from autograder.messages import Message

_MAX_DETAIL = 240
# Key of the message for code that asks for a device that this machine does not have.
NO_DEVICE = "no_device"
# What PyTorch raises then; every release and every build of it says it in other words, and names the device.
_DEVICE_ERRORS = {"RuntimeError", "AssertionError", "NotImplementedError", "ValueError", "AcceleratorError"}
_MAX_DEVICE_TEXT = 4000
_COLOUR = re.compile(r"\x1b\[[0-9;]{0,20}m")


def explain(error: BaseException) -> Message:
    """Return the message for an exception that left a student's code.

    Args:
        error: the exception, with its traceback.
    """
    place, detail = _place(error), _detail(error)
    silent = isinstance(error, AssertionError) and not str(error)
    if asks_for_device(type(error).__name__, str(place.details.get("code") if silent else error)):
        return Message(NO_DEVICE, {"line": place, "said": detail})
    if isinstance(error, NotImplementedError):
        return Message("not_written")
    if isinstance(error, NameError) and error.name:
        return Message("name_missing", {"name": error.name})
    return Message("raised", {"error": type(error).__name__, "line": place, "detail": detail})


def asks_for_device(error: str, text: str) -> bool:
    """Tell whether an error is that of code which asks for a device that this machine does not have.

    Args:
        error: name of its class.
        text: what it says; of an assertion that says nothing, its code.
    """
    if error not in _DEVICE_ERRORS:
        return False
    text = _COLOUR.sub(" ", text[:_MAX_DEVICE_TEXT]).lower()
    if "out of memory" in text:
        return False
    return "invalid device ordinal" in text or not _absent_devices().isdisjoint(re.findall(r"[a-z]+", text))


@functools.cache
def _absent_devices() -> frozenset[str]:
    """Return the words by which errors name the kinds of device that are not here."""
    here = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "xpu": hasattr(torch, "xpu") and torch.xpu.is_available(),
    }
    words = {"hpu", "tpu", "xla", "mtia", "ipu", "npu", "vulkan"} | {
        name for name, is_here in here.items() if not is_here
    }
    words |= set() if here["cuda"] else {"nvidia", "hip", "rocm"}
    words |= set() if any(here.values()) else {"gpu", "gpus", "accelerator"}
    return frozenset(words)


def _detail(error: BaseException) -> Message | str:
    """Return what the exception says: the message it was made of, else its first line."""
    message = getattr(error, "message", None)
    if isinstance(message, Message):
        return message
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else "")[:_MAX_DETAIL]


def _place(error: BaseException) -> Message:
    """Say at which line of the student's own code the exception was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    modules = [frame.f_globals.get("__name__") for frame, _ in traceback.walk_tb(error.__traceback__)]
    foreign = foreign_folders()
    # A notebook's code is the main module. Only where none of it is involved do folders decide.
    own = [frame for frame, module in zip(frames, modules, strict=True) if module == "__main__"]
    own = own or [frame for frame in frames if not frame.filename.startswith(foreign)]
    if not own:
        return Message("no_line")
    code = (own[-1].line or linecache.getline(own[-1].filename, own[-1].lineno or 0)).strip()
    return Message("at_line", {"number": own[-1].lineno, "code": code[:80]})


def foreign_folders() -> tuple[str, ...]:
    """Return the folders whose code no student wrote."""
    paths = sysconfig.get_paths()
    own = Path(__file__).parent
    torch_folder = Path(torch.__file__).parent
    return (
        paths["stdlib"],
        paths["purelib"],
        paths["platlib"],
        str(own),
        str(torch_folder),
        "<frozen",
    )
