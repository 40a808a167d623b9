"""Asynchronous code, run to its end from ordinary code."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def run_to_end(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Return what an asynchronous function returns; an interrupt cancels it first.

    Args:
        main: a function without arguments.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run(main)
    # In a notebook, a loop runs already, and it cannot run another one within.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_run, main).result()


def _run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    # The sockets of kernels need this loop on Windows, which prefers another one.
    factory = asyncio.SelectorEventLoop if sys.platform == "win32" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main())
