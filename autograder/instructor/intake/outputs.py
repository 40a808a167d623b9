"""What a notebook showed when it was handed in: whoever marks a question about a film has to see that film.

Nothing of the marks depends on it, for anybody can write an output by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

from autograder.execution.outputs import last_seen
from autograder.instructor.neutral import is_picture

# Of all outputs of a notebook, in characters: a marked notebook must stay one that opens.
MAX_OUTPUTS = 8 * 2**20
# More than a film shown picture by picture.
MAX_OUTPUTS_OF_A_CELL = 300
MAX_OUTPUTS_OF_A_NOTEBOOK = 3000
# In the metadata of a cell of a rebuilt notebook: how many of its outputs were left out.
LEFT_OUT = "outputs_left_out"
_TEXTS = ("text/plain", "text/html", "text/markdown", "text/latex")
Outputs = tuple[NotebookNode, ...]


def outputs_of(raw_cell: Mapping[str, Any]) -> tuple[Outputs, int]:
    """Return the outputs that a cell of a notebook file holds, and how many are left out.

    Only texts and pictures are taken, in the form that the notebook format gives them.

    Returns:
        The outputs; the number of those that are damaged, too large, too many or of other kinds.
    """
    outputs = raw_cell.get("outputs")
    if raw_cell.get("cell_type") != "code" or not isinstance(outputs, list):
        return (), 0
    taken = [_output(raw) for raw in _with_pieces_joined(outputs[: 10 * MAX_OUTPUTS_OF_A_CELL])]
    kept, others = within(output for output in taken if output is not None)
    beyond = max(len(outputs) - 10 * MAX_OUTPUTS_OF_A_CELL, 0)
    return tuple(kept), others + beyond + sum(output is None for output in taken)


def within(
    outputs: Iterable[NotebookNode], size: int = MAX_OUTPUTS, count: int = MAX_OUTPUTS_OF_A_CELL
) -> tuple[list[NotebookNode], int]:
    """Return the outputs that fit into a size and a number, and how many do not."""
    kept: list[NotebookNode] = []
    others = 0
    for output in outputs:
        length = size_of(output)
        if len(kept) < count and length <= size:
            kept.append(output)
            size -= length
        else:
            others += 1
    return kept, others


def keep_within(notebook: NotebookNode) -> None:
    """Leave out of a rebuilt notebook the outputs that no page can hold, and count them in their cells."""
    size, count = MAX_OUTPUTS, MAX_OUTPUTS_OF_A_NOTEBOOK
    for cell in notebook.cells:
        if cell.cell_type != "code" or not cell.outputs:
            continue
        cell.outputs, others = within(cell.outputs, size, min(count, MAX_OUTPUTS_OF_A_CELL))
        size -= sum(map(size_of, cell.outputs))
        count -= len(cell.outputs)
        count_left_out(cell, others)


def count_left_out(cell: NotebookNode, number: int) -> None:
    """Note in a cell that outputs of it were left out."""
    if number:
        cell.metadata[LEFT_OUT] = cell.metadata.get(LEFT_OUT, 0) + number


def size_of(output: Mapping[str, Any]) -> int:
    """Return how many characters an output has."""
    texts = [*output.get("data", {}).values(), *output.get("traceback", [])]
    texts += [output.get(name, "") for name in ("text", "ename", "evalue")]
    return sum(len(text) for text in texts)


def _with_pieces_joined(outputs: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    """Yield outputs with what was printed piece by piece in one; what is no output becomes an empty one."""
    pieces: list[str] = []
    name = None
    for raw in outputs:
        output: Mapping[str, Any] = raw if isinstance(raw, dict) else {}
        text = _joined(output.get("text")) if output.get("output_type") == "stream" else None
        if text is None or output.get("name") != name:
            if pieces:
                yield {"output_type": "stream", "name": name, "text": "".join(pieces)}
            pieces = []
        if text is None:
            yield output
        else:
            name = output.get("name")
            pieces.append(text)
    if pieces:
        yield {"output_type": "stream", "name": name, "text": "".join(pieces)}


def _output(raw: Mapping[str, Any]) -> NotebookNode | None:
    """Return an output in the form of the notebook format, None if nothing of it can be shown."""
    kind = raw.get("output_type")
    if kind == "stream":
        text = _joined(raw.get("text"))
        named = raw.get("name") in ("stdout", "stderr")
        return (
            new_output(kind, name=raw["name"], text=_text(last_seen(text)))
            if named and text is not None
            else None
        )
    if kind == "error":
        texts = [_text(raw.get(name)) for name in ("ename", "evalue")]
        lines = raw.get("traceback")
        traceback = [_text(line) for line in lines] if isinstance(lines, list) else []
        return new_output(kind, ename=texts[0], evalue=texts[1], traceback=traceback)
    if kind in ("display_data", "execute_result"):
        data = _data(raw.get("data"))
        return new_output("display_data", data=data) if data else None
    return None


def _data(bundle: Any) -> dict[str, str]:
    """Return the texts and pictures of an output, by their type."""
    found = {}
    for kind, content in bundle.items() if isinstance(bundle, dict) else ():
        text = _joined(content)
        if text is not None and (kind in _TEXTS or is_picture(kind, text)):
            found[kind] = _text(text)
    return found


def _joined(content: Any) -> str | None:
    """Return a text that a notebook file may keep line by line, None if it is none."""
    if isinstance(content, list) and all(isinstance(line, str) for line in content):
        return "".join(content)
    return content if isinstance(content, str) else None


def _text(value: Any) -> str:
    """Return a text that every file can hold; nothing for what is no text."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""
