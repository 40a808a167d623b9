"""Execute a lab's solution notebook, and after its cells the claims of its prose."""

from __future__ import annotations

import builtins
import json
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbformat import NotebookNode

from autograder.instructor.claims.cells import Claim, read_claims, without_claims
from autograder.instructor.claims.examine import Finding
from autograder.instructor.environment import environment
from autograder.instructor.parsing import Names
from autograder.instructor.presence import present
from autograder.instructor.settings import Course, CourseError
from autograder.instructor.source import code_cells, fold, is_check_cell, read_lab

_CELL_TIMEOUT_S = 600
_SAY_MARKS = """
import json
from autograder.session import Lab
print()
print(json.dumps([
    [session.summary(None).as_json()["sections"], session.messages()]
    for session in list(globals().values()) if isinstance(session, Lab)
]))
"""
_CLAIMS = "autograder.instructor.claims"


@dataclass(frozen=True)
class Outcome:
    """A claim, and what was found when it was run.

    Attributes:
        claim: what was run.
        findings: of its assertions.
    """

    claim: Claim
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Tell whether all its assertions are true."""
        return all(finding.holds for finding in self.findings)


@dataclass(frozen=True)
class Executed:
    """An executed solution.

    Attributes:
        notebook: with its outputs, without claims.
        outcomes: of its claims, in order.
    """

    notebook: NotebookNode
    outcomes: tuple[Outcome, ...]


def execute_solution(course: Course, lab: str, *, shift: int = 0) -> Executed:
    """Execute a lab's solution, in the course's first language.

    Exploration cells are tagged so that nbval compares the outputs of check cells only: training in
    float32 differs from machine to machine.

    Args:
        course: the checkout.
        lab: the lab's id.
        shift: is added to every seed that the notebook itself sets; 0: as students run it.

    Raises:
        CourseError: if a cell fails, the solution lacks marks, or a claim is not as it must be.
    """
    claims = {claim.id: claim for claim in read_claims(course, lab)}
    notebook = read_lab(course, lab)
    _require_names(lab, claims.values(), notebook)
    for cell in notebook.cells:
        _prepare(cell, claims)
    # First and last, and not kept: other seeds, and what the notebook's own session says of the marks.
    first = nbformat.v4.new_code_cell(_called(f"{_CLAIMS}.seeds", "shift_seeds", shift))
    last = nbformat.v4.new_code_cell(_SAY_MARKS)
    own = notebook.cells
    notebook.cells = [first, *own, last] if shift else [*own, last]
    _execute(course, lab, notebook)
    _require_full_marks(lab, last)
    notebook.cells = own
    outcomes = tuple(Outcome(claims[cell.id], _findings(cell)) for cell in own if cell.id in claims)
    notebook = without_claims(notebook)
    _number(notebook)
    for key in ("widgets", "language_info"):
        notebook.metadata.pop(key, None)
    return Executed(notebook, outcomes)


def _require_names(lab: str, claims: Iterable[Claim], notebook: NotebookNode) -> None:
    """Raise `CourseError` if a claim uses a name that nobody defines: to execute all takes minutes."""
    known = set(dir(builtins))
    for cell in code_cells(notebook):
        found = Names.of(cell.source)
        if found is None or "*" in found.bound:
            return  # nobody can tell what it defines
        known |= found.bound
    for claim in claims:
        names = Names.of(claim.code)
        missing = names.used - names.bound - known if names is not None else ()
        if missing:
            raise CourseError(
                f"{lab}, claim {claim.id!r}: no cell defines {', '.join(sorted(missing))}. A claim knows the "
                "notebook's names and its own, and not those of other claims."
            )


def _prepare(cell: NotebookNode, claims: Mapping[str, Claim]) -> None:
    """Give a cell the tags of a solution; make a claim a cell that runs it."""
    if cell.id in claims:
        cell.cell_type, cell.outputs, cell.execution_count = "code", [], None
        cell.source = _called(f"{_CLAIMS}.examine", "examine", cell.id, claims[cell.id].code)
        return
    tags = [tag for tag in cell.metadata.pop("tags", []) if not tag.startswith("lang-")]
    if cell.cell_type == "code" and not is_check_cell(cell):
        tags.append("nbval-ignore-output")
    if tags:
        cell.metadata["tags"] = tags
    if is_check_cell(cell):
        fold(cell)


def _called(module: str, function: str, *arguments: object) -> str:
    """Return code that calls a function and binds no name in the notebook."""
    given = ", ".join(map(repr, arguments))
    return f"__import__({module!r}, fromlist=[{function!r}]).{function}({given})"


def _execute(course: Course, lab: str, notebook: NotebookNode) -> None:
    """Execute a notebook in a kernel of its own."""
    with present(course), tempfile.TemporaryDirectory() as folder, environment(COURSE_PROGRESS="off"):
        client = NotebookClient(
            notebook,
            timeout=_CELL_TIMEOUT_S,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": folder}},
        )
        # The kernel's own log is no output of the notebook.
        try:
            client.execute(stderr=subprocess.DEVNULL)
        except CellExecutionError as error:
            raise CourseError(f"The solution of {lab} stops: {error.ename}: {error.evalue}") from None
        except CellTimeoutError:
            raise CourseError(
                f"The solution of {lab} has a cell that takes more than {_CELL_TIMEOUT_S} s here: build on a "
                "machine with less to do."
            ) from None


def _findings(cell: NotebookNode) -> tuple[Finding, ...]:
    """Return what a claim's cell printed."""
    text = "".join(output.get("text", "") for output in cell.outputs if output.get("name") == "stdout")
    return tuple(Finding(**finding) for finding in json.loads(text.splitlines()[-1]))


def _number(notebook: NotebookNode) -> None:
    """Number the executions of a notebook as if nothing but its own cells had been run."""
    for number, cell in enumerate((c for c in code_cells(notebook) if c.source.strip()), 1):
        cell.execution_count = number
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = number


def _require_full_marks(lab: str, said: NotebookNode) -> None:
    """Raise unless the executed solution has full marks, as students are to have them.

    Args:
        lab: the lab's id.
        said: the cell that says what marks there are.

    Raises:
        CourseError: naming the checks that refuse the solution.
    """
    text = "".join(output.get("text", "") for output in said.outputs)
    sessions = json.loads(text.splitlines()[-1])
    if not sessions:
        raise CourseError(f"The solution of {lab} opens no lab: write lab = open_lab({lab!r}, …).")
    sections, messages = sessions[0]
    lacking = [section for section in sections if section["score"] < section["max_score"]]
    if not lacking:
        return
    refused = [check["name"] for section in lacking for check in section["checks"] if not check["passed"]]
    lines = [f"{name}: {messages.get(name, '')}" for name in refused]
    blocks = ", ".join(f"{s['name']} {s['score']:g} / {s['max_score']:g}" for s in lacking)
    raise CourseError(
        f"The executed solution of {lab} lacks marks ({blocks}). Is the answer key older than "
        "what the lab imports, or is something not seeded?\n" + "\n".join(lines)
    )


def require_claims(lab: str, outcomes: Sequence[Outcome]) -> None:
    """Raise if a claim does not hold that is to hold under every seed.

    Raises:
        CourseError: naming every claim that fails: its sentence, its line, and what was compared.
    """
    failed = [outcome for outcome in outcomes if not (outcome.holds or outcome.claim.seed_dependent)]
    if failed:
        raise CourseError(
            f"{lab} says of its outputs what is not so. Put the sentence right in every language, and its "
            "claim with it.\n" + "\n".join(line for outcome in failed for line in described(outcome))
        )


def described(outcome: Outcome) -> list[str]:
    """Return lines that say which sentence is not so, and why."""
    lines = [f"Claim {outcome.claim.id!r}:"]
    lines += [
        f"  “{sentence.text[x]}”" for sentence in outcome.claim.sentences for x in list(sentence.text)[-1:]
    ]
    for finding in (finding for finding in outcome.findings if not finding.holds):
        seen = "; ".join(f"{text} is {value}" for text, value in finding.compared.items())
        why = finding.error or seen or "it is false"
        lines.append(f"  line {finding.line}: {finding.text}: {why}")
    return lines
