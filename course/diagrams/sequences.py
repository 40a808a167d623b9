"""A batch of two reviews with padding, and the states of a network that reads the shorter one."""

from __future__ import annotations

from collections import Counter

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from course.diagrams.canvas import SMALL, Canvas
from course.diagrams.diagram import Diagram
from course.diagrams.palette import GRADIENT, JUDGE, PLAIN, REAL, Shade
from course.diagrams.texts import Words

_LEFT, _PITCH = 2.05, 1.03
_BOX = (0.93, 0.52)
_ROWS = (2.82, 2.12)
_STATES = 1.2
_FEATURES = 2


def padded_batch(language: str | None = None) -> Diagram:
    """Draw the numbers of two reviews as a batch, and which state of the shorter one decides.

    Args:
        language: of the words; None: that of the notebook.
    """
    words = Words(language)
    reviews = [words(f"batch_review_{length}").split() for length in ("long", "short")]
    tokens, lengths = encoded(reviews)
    canvas = Canvas(3.8, words("batch_title"))
    for row, review, numbers, y in zip(("long", "short"), reviews, tokens, _ROWS, strict=True):
        canvas.text(0.3, y, words(f"batch_row_{row}"), size=SMALL, ha="left")
        for column, number in enumerate(numbers.tolist()):
            said = review[column] if column < len(review) else words("batch_padding")
            shade = REAL if number else PLAIN
            canvas.box(_x(column), y, *_BOX, f"{said}\n{number}", shade, size=SMALL, gid="token")
        canvas.text(8.55, y, str(len(review)), size=SMALL, gid="length")
    canvas.text(8.55, 3.28, words("batch_lengths"), size=SMALL)
    canvas.text(0.3, _STATES, words("batch_states"), size=SMALL, ha="left")
    states = read(tokens[1])
    _draw_states(canvas, states, int(lengths[1]))
    canvas.text(_x(int(lengths[1]) - 1), 0.48, words("batch_last_word"), size=SMALL, colour=JUDGE.line)
    canvas.text(_x(len(states) - 1), 0.48, words("batch_last_column"), size=SMALL, colour=GRADIENT.line)
    right, wrong = states[lengths[1] - 1].item(), states[-1].item()
    return Diagram(canvas.figure, words("batch_alt", right=_signed(right), wrong=_signed(wrong)))


def encoded(reviews: list[list[str]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the numbers of reviews, padded with 0 (n, longest), and their lengths (n,)."""
    counts = Counter(word for review in reviews for word in review)
    known = sorted(counts, key=lambda word: (-counts[word], word))
    numbers = [torch.tensor([2 + known.index(word) for word in review]) for review in reviews]
    return pad_sequence(numbers, batch_first=True), torch.tensor([len(review) for review in reviews])


def reader() -> tuple[nn.Embedding, nn.LSTM]:
    """Return an embedding and an LSTM with a state of one number; their weights are always the same."""
    with torch.random.fork_rng(devices=[]):
        embedding, lstm = nn.Embedding(20, _FEATURES, padding_idx=0), nn.LSTM(_FEATURES, 1, batch_first=True)
    for number, parameter in enumerate([embedding.weight, *lstm.parameters()]):
        places = torch.arange(parameter.numel(), dtype=torch.float32)
        parameter.data = 2.5 * torch.sin(1.65 * places + number + 5).reshape(parameter.shape)
    embedding.weight.data[0] = 0.0
    return embedding, lstm


@torch.no_grad()
def read(numbers: torch.Tensor) -> torch.Tensor:
    """Return the state after each number (longest,), those of padding too."""
    embedding, lstm = reader()
    states: torch.Tensor = lstm(embedding(numbers[None]))[0]
    return states[0, :, 0]


def _x(column: int) -> float:
    return _LEFT + _PITCH * column


def _draw_states(canvas: Canvas, states: torch.Tensor, length: int) -> None:
    """Draw a state below each word, what leads to it, and which one decides."""
    for column, state in enumerate(states.tolist()):
        x, shade = _x(column), _shade(column, length, len(states))
        canvas.box(x, _STATES, 0.7, 0.4, _signed(state), shade, size=SMALL, gid="state")
        canvas.arrow((x, _ROWS[1] - 0.28), (x, _STATES + 0.26))
        if column:
            canvas.arrow((x - _PITCH + 0.41, _STATES), (x - 0.41, _STATES))
    canvas.outline(_x(length - 1), _STATES, 0.8, 0.5, JUDGE.line)
    canvas.outline(_x(len(states) - 1), _STATES, 0.8, 0.5, GRADIENT.line, dashed=True)


def _signed(state: float) -> str:
    return f"{state:+.2f}".replace("-", "−")


def _shade(column: int, length: int, longest: int) -> Shade:
    """Return the colour of a state: the one that decides, the one of the last column, or another."""
    if column == length - 1:
        return JUDGE
    return GRADIENT if column == longest - 1 else PLAIN
