"""Sizes that a check draws from its seed: a size that is written down in an answer must not pass.

A shape may name its sizes, `("n", 28, 28)`. A check with named sizes calls the student's code several times,
with other sizes each time, of which none is a multiple of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from autograder.errors import CheckUseError
from autograder.replay import randomness

# What stands among the sizes of a call for its number: supplied networks come in train and eval mode in turn.
TURN = ""
# A number, or the name of a size.
Dimension = int | str
Sizes = Mapping[str, int]

# Drawn sizes lie in [least, 2 least): none of them is a multiple of another.
LEAST = 9
# More samples than a batch has that a long set would be cut into: the mean of means is not the mean.
MANY = 1030
# How many batches of different sizes a check uses.
BATCHES = 4
# More samples than the batches that a notebook trains with: large batches are drawn from here on.
LARGE = 131
# Of batches for a network that is asked for its output: large ones take long.
LEAST_OF_NETWORK = 3


def drawn_sizes(seed: int, purpose: str, count: int, least: int = LEAST) -> tuple[int, ...]:
    """Return sizes that differ, of which none is a multiple of another.

    Args:
        seed: decides them, together with `purpose`.
        purpose: what the sizes are for.
        count: at most `least`.
        least: one of them may be; the greatest is less than twice as much.
    """
    order = randomness.permutation(randomness.derive_key(seed, "sizes", purpose), least)
    return tuple(least + int(number) for number in order[:count])


def rounds(
    seed: int, names: Iterable[str], *, count: int = 2, alone: bool = True, least: int = LEAST
) -> list[dict[str, int]]:
    """Return sizes for each of several calls.

    Args:
        seed: decides them.
        names: of the sizes.
        count: the number of calls with drawn sizes.
        alone: whether there is one more, with 1 for every size.
        least: see `drawn_sizes`.
    """
    names = list(dict.fromkeys(names))
    if not names:
        return [{TURN: 0}]
    # One draw for all: two sizes of one call must differ too, or one could be taken for the other.
    sizes = drawn_sizes(seed, ", ".join(names), min(count * len(names), least), least)
    step = len(names) if len(sizes) == count * len(names) else 1
    found = [
        {name: sizes[(turn * step + place) % len(sizes)] for place, name in enumerate(names)}
        for turn in range(count)
    ]
    if alone:
        found.append(dict.fromkeys(names, 1))
    return [{**sizes, TURN: turn} for turn, sizes in enumerate(found)]


def named(shape: Sequence[Dimension]) -> list[str]:
    """Return the names of the sizes in a shape."""
    return [size for size in shape if isinstance(size, str)]


def resolved(shape: Sequence[Dimension], sizes: Sizes) -> tuple[int, ...]:
    """Return a shape with its names replaced by sizes.

    Raises:
        CheckUseError: if a name has no size.
    """
    missing = [size for size in named(shape) if size not in sizes]
    if missing:
        known = ", ".join(sorted(name for name in sizes if name)) or "none"
        raise CheckUseError(
            f"The shape {tuple(shape)} names a size {missing[0]!r} that no argument has: they have {known}."
        )
    return tuple(sizes[size] if isinstance(size, str) else size for size in shape)


def names_of(arguments: Iterable[Any]) -> list[str]:
    """Return the names of all sizes of what the library supplies among arguments, or within them."""
    return [
        name for argument in arguments for part in parts(argument) for name in getattr(part, "size_names", ())
    ]


def parts(argument: Any) -> Iterator[Any]:
    """Yield what an argument consists of: what lies in lists, tuples and dictionaries, or it itself."""
    if isinstance(argument, dict):
        argument = list(argument.values())
    if isinstance(argument, (list, tuple)):
        for each in argument:
            yield from parts(each)
    else:
        yield argument
