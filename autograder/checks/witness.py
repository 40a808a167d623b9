"""A second process that has a student's functions, and none of what the first does from then on."""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import select
import signal
import sys
from collections.abc import Callable, Iterator
from io import RawIOBase
from typing import Any, NoReturn

import torch

from autograder import faults
from autograder.messages import CheckFailed, Message

Answer = Callable[[str], Any]
# Where a process that was forked may hang for reasons of the system's own, it is not waited for longer.
_PATIENCE_S = 60.0
_ON_LINUX = sys.platform == "linux"


@contextlib.contextmanager
def witness(answer: Answer, device: torch.device) -> Iterator[Answer]:
    """Fork a process that will answer one question, and yield what asks it.

    Args:
        answer: what the process does with the question. What it returns must be plain data.
        device: where the code runs. Where there is no fork, or a GPU is in use, which no forked process
            can go on with, this process answers.

    Yields:
        A function that asks. It raises `CheckFailed` with what to say if the answer was an exception.
    """
    if not hasattr(os, "fork") or device.type != "cpu" or torch.cuda.is_initialized():
        yield answer
        return
    question, answers = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        _serve(answer, question, answers)
    os.close(question[0])
    os.close(answers[1])
    # Files and not numbers: closing a number twice closes what has got it since.
    asking, answered = os.fdopen(question[1], "wb", 0), os.fdopen(answers[0], "rb", 0)
    try:
        yield lambda text: _ask(text, asking, answered, answer)
    finally:
        asking.close()
        answered.close()
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            os.waitpid(pid, 0)


def _serve(answer: Answer, question: tuple[int, int], answers: tuple[int, int]) -> NoReturn:
    """Answer one question, and end without anything that the first process does at its end."""
    try:
        # Nothing that belongs to threads of the first process may be tidied up here.
        gc.disable()
        # Threads that computed in the first process are not here: whoever waits for them waits for ever.
        torch.set_num_threads(1)
        os.close(question[1])
        os.close(answers[0])
        text = _read(question[0])
        if text:
            _write(answers[1], pickle.dumps(_answered(answer, text.decode())))
    finally:
        os._exit(0)


def _answered(answer: Answer, text: str) -> Any:
    """Return the answer, or the message that says why there is none."""
    try:
        return answer(text)
    except CheckFailed as failure:
        return failure.message
    except (Exception, SystemExit) as error:
        return faults.explain(error)


def _ask(text: str, asking: RawIOBase, answered: RawIOBase, answer: Answer) -> Any:
    """Ask, and return the answer.

    Raises:
        CheckFailed: if there is none.
    """
    with contextlib.suppress(BrokenPipeError):
        _write(asking.fileno(), text.encode())
    asking.close()
    data = _read(answered.fileno(), None if _ON_LINUX else _PATIENCE_S)
    if data is None and not _ON_LINUX:
        return answer(text)  # libraries of other systems may not survive a fork
    if data is None:
        raise CheckFailed("witness_ended")
    # Both processes are the student's: there is nothing here to protect from the other one.
    found = pickle.loads(data)
    if isinstance(found, Message):
        raise CheckFailed(found.key, **found.details)
    return found


def _write(pipe: int, data: bytes) -> None:
    while data:
        data = data[os.write(pipe, data) :]


def _read(pipe: int, patience_s: float | None = None) -> bytes | None:
    """Return all that comes through a pipe, None if there is nothing or it takes too long."""
    pieces: list[bytes] = []
    while True:
        if patience_s is not None and not select.select([pipe], [], [], patience_s)[0]:
            return None
        piece = os.read(pipe, 2**16)
        if not piece:
            return b"".join(pieces) or None
        pieces.append(piece)
