"""What cells show: how much of it is kept, and in which form."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any, Literal

from nbformat import NotebookNode

# Messages that are about a cell, and show nothing.
_SHOW_NOTHING = ("status", "execute_input")
_ANY_NUMBER = sys.maxsize


@dataclass(frozen=True)
class Allowance:
    """How much a cell, or a whole notebook, may show; below 0 where it has shown too much.

    Attributes:
        bytes: of all that is shown.
        outputs: their number; what is printed in pieces makes one.
        messages: their number.
    """

    bytes: int = _ANY_NUMBER
    outputs: int = _ANY_NUMBER
    messages: int = _ANY_NUMBER

    def times(self, factor: int) -> Allowance:
        """Return as much for several."""
        return Allowance(*(factor * part for part in astuple(self)))

    def within(self, other: Allowance) -> Allowance:
        """Return what is in both."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Allowance(*(max(0, min(pair)) for pair in pairs))

    def after(self, granted: Allowance, left: Allowance) -> Allowance:
        """Return what is left of all when a cell has ended."""
        parts = zip(astuple(self), astuple(granted), astuple(left), strict=True)
        return Allowance(*(whole - (given - max(rest, 0)) for whole, given, rest in parts))


UNBOUNDED = Allowance()


class OutputBounds:
    """Bounds on what one cell, and all cells of a notebook together, may show.

    Args:
        one_cell: what a cell may show.
        all_cells: what all of them may show.
        kinds: the types of the messages that count; None: all that show anything.

    Attributes:
        exceeded: which bound the cell that runs has passed, if any. It may show no more then.
    """

    def __init__(
        self,
        one_cell: Allowance,
        all_cells: Allowance = UNBOUNDED,
        kinds: Collection[str] | None = None,
    ) -> None:
        self._one_cell = self._granted = self._left = one_cell
        self._all_left = all_cells
        self._kinds = kinds
        self.exceeded: Literal["bytes", "outputs"] | None = None

    def begin(self) -> None:
        """Note that a cell begins."""
        self._granted = self._left = self._one_cell.within(self._all_left)
        self.exceeded = None

    def end(self) -> None:
        """Note that the cell has ended."""
        self._all_left = self._all_left.after(self._granted, self._left)

    def admit(self, message: Mapping[str, Any], cell: NotebookNode) -> bool:
        """Tell whether the cell may still show a message; one that it may not costs next to nothing.

        Args:
            message: of the kernel, about the cell.
            cell: with what it has shown.
        """
        kind = message["msg_type"]
        if kind in _SHOW_NOTHING or (self._kinds is not None and kind not in self._kinds):
            return True
        if self.exceeded is None:
            self._count(message, cell)
        return self.exceeded is None

    def _count(self, message: Mapping[str, Any], cell: NotebookNode) -> None:
        """Take a message off what is left."""
        left = self._left
        outputs = left.outputs - _adds_output(message, cell)
        if message["msg_type"] == "clear_output":
            outputs = self._granted.outputs
        self._left = left = replace(left, messages=left.messages - 1, outputs=outputs)
        if left.messages < 0 or left.outputs < 0:
            self.exceeded = "outputs"
            return
        self._left = left = replace(left, bytes=left.bytes - _size(message["content"]))
        if left.bytes < 0:
            self.exceeded = "bytes"


def _adds_output(message: Mapping[str, Any], cell: NotebookNode) -> bool:
    """Tell whether a message makes one more output; what is printed in pieces makes one."""
    kind, last = message["msg_type"], cell.outputs[-1] if cell.outputs else None
    if kind == "stream":
        name = message["content"].get("name")
        return last is None or (last["output_type"], last.get("name")) != (kind, name)
    return kind in ("display_data", "execute_result", "error")


def _size(content: Any) -> int:
    """Return about how many bytes a message's content has."""
    if isinstance(content, str):
        return len(content)
    if isinstance(content, dict):
        return 8 + sum(len(str(key)) + _size(value) for key, value in content.items())
    if isinstance(content, (list, tuple)):
        return 8 + sum(_size(value) for value in content)
    return 8


# --- their form ------------------------------------------------------------------------------------


def merged_streams(outputs: Sequence[NotebookNode]) -> list[NotebookNode]:
    """Join what a cell printed piece by piece, and drop what carriage returns have overwritten.

    nbclient can do so too, in a time that grows with the square of the longest line.
    """
    merged: list[NotebookNode] = []
    pieces: list[list[str]] = []
    for output in outputs:
        last = merged[-1] if merged else None
        if last and "name" in output and last.get("name") == output["name"]:
            pieces[-1].append(output["text"])
        else:
            merged.append(output)
            pieces.append([output.get("text", "")])
    for output, texts in zip(merged, pieces, strict=True):
        if len(texts) > 1:
            output["text"] = "".join(texts)
        if output["output_type"] == "stream":
            output["text"] = last_seen(output["text"])
    return merged


def last_seen(printed: str) -> str:
    """Return what stays to be seen of what a program printed: a carriage return begins the line anew."""
    if "\r" not in printed:
        return printed
    lines = printed.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines)


def writable(content: Any) -> Any:
    """Return a message's content without lone surrogates, which JSON can spell and no file can hold."""
    if isinstance(content, str):
        return content.encode("utf-8", "replace").decode()
    if isinstance(content, dict):
        return {writable(key): writable(value) for key, value in content.items()}
    if isinstance(content, list):
        return [writable(value) for value in content]
    return content
