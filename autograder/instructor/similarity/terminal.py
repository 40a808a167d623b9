"""What `course similarity` shows in the terminal."""

from __future__ import annotations

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autograder.instructor.similarity.ranking import CAUTION, Similarity

_SHOWN = 30


def show_similarity(console: Console, found: Similarity) -> None:
    """Print what stands out."""
    compared = int(np.count_nonzero(found.code.sizes))
    console.print(
        f"{found.lab}: {compared} submissions, {len(found.all_code)} pairs in {found.wall_s:.1f} s; half of "
        f"the pairs are less than {_percent(np.median(found.all_code) if len(found.all_code) else 0)} alike.",
        highlight=False,
    )
    for student, why in list(found.left_out.items())[:_SHOWN]:
        console.print(f"[yellow]![/] {escape(student)} was not compared: {escape(why)}", highlight=False)
    if found.together:
        pairs = ", ".join(f"{one} – {other}" for one, other in found.together[:_SHOWN])
        console.print(f"Handed in together, and left out: {escape(pairs)}", highlight=False)
    if not found.pairs:
        console.print(f"[green]✓[/] No pair is {_percent(found.threshold)} alike or more.", highlight=False)
        return
    table = Table("", "student", "student", "code", "open answers", "cells the same to the letter", "remark")
    for number, pair in enumerate(found.pairs[:_SHOWN], start=1):
        texts = "–" if pair.texts is None else _percent(pair.texts)
        same = str(len(pair.same_cells) or "")
        names = (escape(pair.first.student), escape(pair.second.student))
        table.add_row(str(number), *names, _percent(pair.code), texts, same, escape(pair.remark))
    console.print(table)
    if len(found.pairs) > _SHOWN:
        console.print(f"… and {len(found.pairs) - _SHOWN} more pairs, on the page.", highlight=False)
    console.print(CAUTION, highlight=False)


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"
