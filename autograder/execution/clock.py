"""A time limit for each cell, by the clock."""

from __future__ import annotations

import asyncio

from jupyter_client.manager import AsyncKernelManager

from autograder.execution.kernel import interrupt, kill

# How long an interrupted cell may take to end.
_GRACE_S = 10.0


class Clock:
    """Interrupts a cell that takes too long, and ends a kernel that does not heed that.

    Args:
        manager: of the kernel.
        limit_s: seconds for one cell.
        grace_s: seconds that an interrupted cell may take to end.

    Attributes:
        stopped: indices of the cells that were interrupted.
    """

    def __init__(self, manager: AsyncKernelManager, limit_s: float, grace_s: float = _GRACE_S) -> None:
        self._manager = manager
        self._limit_s = limit_s
        self._grace_s = grace_s
        self._waiting: asyncio.Task[None] | None = None
        self.stopped: set[int] = set()

    def begin(self, cell: int) -> None:
        """Note that a cell begins."""
        self._waiting = asyncio.ensure_future(self._stop(cell))

    def end(self) -> None:
        """Note that the cell has ended."""
        if self._waiting is not None:
            self._waiting.cancel()

    async def _stop(self, cell: int) -> None:
        await asyncio.sleep(self._limit_s)
        self.stopped.add(cell)
        await interrupt(self._manager)
        await asyncio.sleep(self._grace_s)
        await kill(self._manager)
