"""Pictures that a student pasted into a text cell: they are kept for whoever marks the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nbformat import NotebookNode

from autograder.instructor.neutral import is_picture

# Of all pictures of a cell, as base64: a page with the answers of a class must stay one that opens.
MAX_PICTURES = 8 * 2**20
Pictures = tuple[tuple[str, str, str], ...]


def pictures_of(raw_cell: Mapping[str, Any]) -> tuple[Pictures, int]:
    """Return the pictures that a cell of a notebook file holds, and how many attachments are left out.

    Returns:
        Name, type and base64 text of each picture; the number of those that are no PNG, JPEG or GIF, are
        damaged, or exceed MAX_PICTURES together with the ones before them.
    """
    kept: list[tuple[str, str, str]] = []
    left, others = MAX_PICTURES, 0
    for name, kind, data in _attachments(raw_cell):
        if is_picture(kind, data) and len(data) <= left:
            kept.append((name, kind, data))
            left -= len(data)
        else:
            others += 1
    return tuple(kept), others


def attach(cell: NotebookNode, pictures: Pictures) -> None:
    """Put pictures into a text cell."""
    if pictures:
        cell.attachments = NotebookNode({name: NotebookNode({kind: data}) for name, kind, data in pictures})


def _attachments(raw_cell: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yield name, type and data of the attachments of a cell, whatever its editor wrote there."""
    attachments = raw_cell.get("attachments")
    for name, bundle in attachments.items() if isinstance(attachments, dict) else ():
        for kind, data in bundle.items() if isinstance(bundle, dict) else ():
            joined = isinstance(data, list) and all(isinstance(line, str) for line in data)
            yield name, kind, "".join(data) if joined else data
