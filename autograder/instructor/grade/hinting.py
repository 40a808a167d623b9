"""The second run of a submission: what its failed checks observe under the public seed, which finds hints.

It happens after all marks are given, in a kernel of its own: whatever code learns there comes too late.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace

from nbformat import NotebookNode

from autograder.emission import SEED_VARIABLE
from autograder.instructor.grade.trust import Hints, MarkedBlock, block_of, wants_hints
from autograder.instructor.kernels.execution import Run, run_notebook
from autograder.instructor.limits import Limits
from autograder.instructor.own_names import restore, with_own_names
from autograder.instructor.slicing import needed_cells
from autograder.instructor.source import grade_id, is_check_cell
from autograder.key import AnswerKey

# The second run may use this part of the processor time of the first.
_SHARE = 1 / 3


@dataclass(frozen=True)
class Surroundings:
    """Where a submission runs.

    Attributes:
        isolation: how kernels are started; see `autograder.instructor.kernels.isolation`.
        limits: what the kernel may use.
        files: what was handed in beside the notebook, by path.
        modules: what a warm kernel has imported.
        names: of the lab's that check cells find though a student overwrote them; see `own_names`.
        kernel_server: address of the server that forks warm kernels; None: this process's own.
    """

    isolation: str
    limits: Limits
    files: Mapping[str, bytes]
    modules: tuple[str, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    kernel_server: str | None = None

    def run(self, notebook: NotebookNode, seed: int, skipped: Collection[int] = ()) -> Run:
        """Run a notebook, but for some of its cells; its check cells observe under a seed."""
        run = run_notebook(
            with_own_names(notebook, self.names),
            isolation=self.isolation,
            limits=self.limits,
            variables={SEED_VARIABLE: str(seed)},
            files=self.files,
            modules=self.modules,
            kernel_server=self.kernel_server,
            skipped=skipped,
        )
        restore(run.notebook, notebook)
        return run


def find_hints(
    notebook: NotebookNode, run: Run, marked: Mapping[str, MarkedBlock], key: AnswerKey, where: Surroundings
) -> tuple[Hints, float]:
    """Give hints to the checks that were refused with a value; no mark changes.

    Args:
        notebook: as it was handed in.
        run: its first run.
        marked: its marks, by block; messages are replaced where there is a hint.
        key: the lab's answer key.
        where: the submission runs.

    Returns:
        The hints, and the processor time that finding them took.
    """
    hints = Hints(key)
    wanted = wants_hints(list(marked.values()))
    shortened = hint_notebook(notebook, wanted, skipped=run.stopped)
    if not wanted:
        return hints, 0.0
    limits = where.limits
    share = replace(
        limits,
        notebook_cpu_s=_SHARE * limits.notebook_cpu_s,
        cell_cpu_s=min(limits.cell_cpu_s, _SHARE * limits.notebook_cpu_s),
        idle_s=_SHARE * limits.idle_s,
    )
    again = replace(where, limits=share).run(shortened, key.seed)
    for index, cell in enumerate(again.notebook.cells):
        name = block_of(str(grade_id(cell)))
        if is_check_cell(cell) and name in wanted and index in again.finished:
            hints.apply(marked[name], cell, str(grade_id(cell)))
    return hints, again.cpu_s


def hint_notebook(
    notebook: NotebookNode, wanted: Collection[str], *, skipped: Collection[int] = ()
) -> NotebookNode:
    """Return what has to run for hints: all code that a wanted check may need, and no other check.

    Args:
        notebook: the whole one.
        wanted: names of the blocks that may have a hint.
        skipped: cells that did not end by themselves.
    """

    def is_wanted(cell: NotebookNode) -> bool:
        return is_check_cell(cell) and block_of(str(grade_id(cell))) in wanted

    shortened = deepcopy(notebook)
    shortened.metadata.pop("widgets", None)
    cells = shortened.cells
    end = max((index for index, cell in enumerate(cells) if is_wanted(cell)), default=-1) + 1
    needed = needed_cells(cells[:end], is_wanted)
    shortened.cells = [cells[index] for index in sorted(needed.difference(skipped))]
    return shortened
