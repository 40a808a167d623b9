"""Cells of prose that say the same in several languages."""

from __future__ import annotations

from nbformat import NotebookNode

from autograder.instructor.source import language_of


def shared_name(cell: NotebookNode) -> str:
    """Return what a cell and its twins are called: its id without the language at its end."""
    return str(cell.id).removesuffix(f"-{language_of(cell)}")
