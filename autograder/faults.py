"""Turn an exception of a student's code into one sentence that helps."""

from __future__ import annotations

import builtins
import functools
import linecache
import re
import sys
import sysconfig
import tempfile
import traceback
from pathlib import Path
from types import FrameType

import torch

from autograder import cells
from autograder.messages import Message
from autograder.quoting import plain, shortened
from autograder.usual_errors import types_of_student, usual_error
from autograder.usual_patterns import frames_of, nearest

_MAX_DETAIL = 240
# Key of the message for code that asks for a device that this machine does not have.
NO_DEVICE = "no_device"
# What PyTorch raises then; every release and every build of it says it in other words, and names the device.
_DEVICE_ERRORS = {"RuntimeError", "AssertionError", "NotImplementedError", "ValueError", "AcceleratorError"}
_MAX_DEVICE_TEXT = 4000
# What is said of the cell that would define a name, by the error with which it stopped.
_ITS_CELL = {"NotImplementedError": "its_cell_unwritten", "KeyboardInterrupt": "its_cell_interrupted"}
# What is another each time in what exceptions say: a folder made for one check, wherever among the temporary
# ones it lies, and an address in memory.
_MADE = r"(?:[^\s'\"]*/tmp[a-z0-9_]{8}(?![^/\s'\"])|[^/\s'\"]+)"
_TEMPORARY = re.compile(re.escape(tempfile.gettempdir()) + "/" + _MADE)
_ADDRESS = re.compile(r"\b0x[0-9a-f]+\b")
# Of what is quoted: longer lines are cut.
_MAX_QUOTED, _MAX_CODE = 160, 80


def explain(error: BaseException) -> Message:
    """Return the message for an exception that left a student's code.

    Args:
        error: the exception, with its traceback.
    """
    place, detail = _place(error), _detail(error)
    silent = isinstance(error, AssertionError) and not text_of(error)
    if asks_for_device(type(error).__name__, str(place.details.get("whole")) if silent else text_of(error)):
        return Message(NO_DEVICE, {"line": place, "said": _quoted(error)})
    if isinstance(error, NotImplementedError):
        return Message("not_written")
    if isinstance(error, KeyboardInterrupt):
        return Message("interrupted", {"line": place})
    if isinstance(error, NameError) and error.name and not isinstance(error, UnboundLocalError):
        return _missing_name(error, place)
    own = Message("quoted", {"text": detail}) if isinstance(detail, Message) else None
    said = own or usual_error(error) or _quoted(error)
    told = Message("told", {"text": said}) if said else ""
    return Message("raised", {"error": type(error).__name__, "line": place, "detail": detail, "told": told})


def _quoted(error: BaseException) -> Message | str:
    """Return what an exception says as a quotation, with the types that the student's numbers have."""
    lines = plain(steady(text_of(error))).strip().splitlines()
    text = shortened(types_of_student(lines[0]), _MAX_QUOTED) if lines else ""
    return Message("quoted", {"text": text}) if text else ""


def _missing_name(error: NameError, place: Message) -> Message:
    """Say that a name is not defined, and what may help: its cell that failed, a name like it, its cell."""
    name, frames = str(error.name), frames_of(error)
    failure = cells.failure_of(name)
    if failure is not None:
        said = failure.said(_ITS_CELL.get(failure.error, "its_cell_failed"), name=name)
        return Message("name_missing", {"name": name, "said": said})
    in_function = bool(frames) and frames[-1].f_code.co_name != "<module>"
    near = nearest(name, _names_in(frames[-1], in_function)) if frames else None
    details = {"name": name, "line": place if in_function else Message("no_line")}
    said = Message("name_near", {**details, "near": near}) if near else Message("name_nowhere", details)
    return Message("name_missing", {"name": name, "said": said})


def _names_in(frame: FrameType, in_function: bool) -> list[str]:
    """Return the names that exist where one is missing; in a check cell those that a student defined."""
    if in_function:
        return [*frame.f_locals, *frame.f_globals, *dir(builtins)]
    return [n for n, value in frame.f_globals.items() if getattr(value, "__module__", "") == "__main__"]


def asks_for_device(error: str, text: str) -> bool:
    """Tell whether an error is that of code which asks for a device that this machine does not have.

    Args:
        error: name of its class.
        text: what it says; of an assertion that says nothing, its code.
    """
    if error not in _DEVICE_ERRORS:
        return False
    text = plain(text[:_MAX_DEVICE_TEXT]).lower()
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
    return steady(first_line(error))[:_MAX_DETAIL]


def steady(text: str) -> str:
    """Return what an exception says without what is another each time: temporary folders and addresses."""
    return _ADDRESS.sub("0x…", _TEMPORARY.sub("…", text))


def first_line(error: BaseException) -> str:
    """Return the first line of what an exception says."""
    lines = text_of(error).strip().splitlines()
    return lines[0] if lines else ""


def text_of(error: BaseException) -> str:
    """Return what an exception says; one of a student's own class may fail to say anything."""
    try:
        return str(error)
    except Exception:
        return ""


def running_line() -> Message:
    """Say at which line of the student's own code the call stands that is running now."""
    frame = sys._getframe()
    while frame is not None and frame.f_globals.get("__name__") != "__main__":
        frame = frame.f_back  # type: ignore[assignment]
    if frame is None:
        return Message("no_line")
    code = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    return Message("at_line", {"number": frame.f_lineno, "code": code[:80]})


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
    quoted = shortened(code, _MAX_CODE).replace("`", "'")
    return Message("at_line", {"number": own[-1].lineno, "code": quoted, "whole": code})


def own_line(error: BaseException, *beside: str) -> Message | None:
    """Return the line of the student's own code that called what raised an exception, None if other code did.

    A function of a library's that sets `__tracebackhide__`, as those of pytest's plug-ins do, is no code in
    between either: what it is given wrongly is the mistake of the line that calls it.

    Args:
        error: the exception, with its traceback.
        *beside: files that do not count as code in between.
    """
    folder = str(Path(torch.__file__).parent)
    for frame, number in reversed(list(traceback.walk_tb(error.__traceback__))):
        name = frame.f_code.co_filename
        if name.startswith(folder) or name in beside or "__tracebackhide__" in frame.f_locals:
            continue
        if frame.f_globals.get("__name__") != "__main__":
            return None
        code = shortened(linecache.getline(name, number).strip(), _MAX_CODE).replace("`", "'")
        return Message("at_line", {"number": number, "code": code})
    return None


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
