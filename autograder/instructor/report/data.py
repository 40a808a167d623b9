"""What there is to say about a graded class: marks from nbgrader's gradebook, the rest from the records."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from autograder.instructor.grade.records import Record
from autograder.instructor.grade.trust import block_of
from autograder.instructor.grade.work import CheckRecord, Outcome
from autograder.instructor.gradebook import Mark
from autograder.labels import heading_of, label_of
from autograder.marks import UNWRITTEN

_LANGUAGE = "en"  # of a report
# Nothing ran; where nothing was written there is `UNWRITTEN`, and the other refusals are wrong values.
_UNRUN = {"raised", "no_device", "same_cause", "not_observed"}


@dataclass(frozen=True)
class StudentReport:
    """One student.

    Attributes:
        student: the student's id.
        state: "graded", "incomplete" or "unusable" as `course grade` says, "by nbgrader" without its record,
            "not graded" for what nobody has graded yet.
        mark: the gradebook's marks, None if it has none.
        outcome: what `course grade` found, perhaps in a partner's folder; None if another program graded.
        partners: students with whom it was handed in.
        review_reasons: keys of the reasons why a person should review it; see the module of that name.
        feedback: address of the feedback page, relative to the report; None if there is none.
        note: something to say, for simulated classes.
    """

    student: str
    state: str
    mark: Mark | None = None
    outcome: Outcome | None = None
    partners: tuple[str, ...] = ()
    review_reasons: tuple[str, ...] = ()
    feedback: str | None = None
    note: str = ""

    @property
    def owns(self) -> bool:
        """Tell whether the notebook lies in this student's folder."""
        return self.outcome is None or self.outcome.student == self.student

    @property
    def automatic(self) -> float | None:
        """Return the marks of all check cells; None while one has none."""
        return self.mark.automatic if self.mark else None

    @property
    def by_hand(self) -> float | None:
        """Return the marks of what only a person marks; None while one is missing."""
        return self.mark.by_hand if self.mark else None

    @property
    def total(self) -> float | None:
        """Return all marks, less what was taken off for handing in late; None while some are missing."""
        return self.mark.total if self.mark else None

    @property
    def so_far(self) -> float | None:
        """Return the marks that were given; None before the first."""
        return self.mark.so_far if self.mark else None

    @property
    def late_s(self) -> float:
        """Return seconds after the due date."""
        return self.mark.late_s if self.mark else 0.0

    @property
    def waits_for_hand(self) -> bool:
        """Tell whether an open question has no mark yet, or a mark of a person's waits to be confirmed."""
        mark = self.mark
        return mark is not None and any(c in mark.manual or mark.given[c] is not None for c in mark.waits)

    @property
    def unmarked(self) -> list[str]:
        """Return the check cells that have no mark."""
        if self.mark is None:
            return []
        return [c for c, mark in self.mark.given.items() if mark is None and c not in self.mark.manual]


@dataclass
class CheckStat:
    """How a class did in one check; each submission counts once, also that of a pair.

    Attributes:
        name: name of the check.
        block: name of the block that it belongs to.
        points: full marks.
        passed: number of submissions that passed.
        unwritten: number of those in which nothing was written.
        unrun: number of those whose code did not run far enough to be observed.
        wrong: number of those that gave a wrong value.
    """

    name: str
    block: str
    points: float
    passed: int = 0
    unwritten: int = 0
    unrun: int = 0
    wrong: int = 0

    @property
    def of(self) -> int:
        """Return how many submissions were marked."""
        return self.passed + self.unwritten + self.unrun + self.wrong

    @property
    def share(self) -> float:
        """Return the share of submissions that passed, 0 to 1."""
        return self.passed / self.of if self.of else 0.0

    def count(self, check: CheckRecord) -> None:
        """Count one submission's result."""
        if check.passed:
            self.passed += 1
        elif check.error in UNWRITTEN:
            self.unwritten += 1
        elif check.error in _UNRUN:
            self.unrun += 1
        else:
            self.wrong += 1


@dataclass(frozen=True)
class HintStat:
    """A hint, and how often it was given.

    Attributes:
        hint: text of the hint, in English.
        checks: names of the checks that it was given for.
        count: number of submissions that got it.
        of: number of submissions that were marked.
    """

    hint: str
    checks: tuple[str, ...]
    count: int
    of: int


@dataclass(frozen=True)
class Times:
    """What grading took.

    Attributes:
        seconds: wall time of each submission, by the student whose folder it lies in, slowest first.
        cpu_s: processor time of all kernels.
        wall_s: wall time of all runs together, which grade several submissions at a time.
        runs: number of runs.
    """

    seconds: tuple[tuple[str, float], ...]
    cpu_s: float
    wall_s: float
    runs: int

    @property
    def mean_s(self) -> float:
        """Return the mean of the seconds of a submission."""
        return sum(second for _, second in self.seconds) / len(self.seconds) if self.seconds else 0.0


@dataclass(frozen=True)
class BlockStat:
    """A cell with marks: how a class did there.

    Attributes:
        cell: grade_id of the cell.
        points: full marks.
        by_hand: whether a person marks it.
        mean: mean of the marks given; None if there are none.
        count: number of marks given.
    """

    cell: str
    points: float
    by_hand: bool
    mean: float | None
    count: int

    @property
    def name(self) -> str:
        """Return the name without what marks a check cell."""
        return block_of(self.cell)


@dataclass
class ClassReport:
    """All that a report says of one lab.

    Attributes:
        lab: the lab's id.
        title: title of the lab.
        made: when the report was made.
        rows: what there is to say of each student who has handed in, or has marks.
        blocks: the cells with marks, in the order of the notebook.
        checks: how the class did in each check; empty without records.
        hints: most frequent first.
        times: None without records.
        absent: students whom the gradebook knows and who have not handed in.
        headings: what the parts of the lab are called, by language.
        recorded: whether `course grade` graded the class.
        due: when the lab was due, by the course's clock; empty if nobody said.
        late_rule: what lateness costs, as a sentence.
    """

    lab: str
    title: str
    made: datetime
    rows: list[StudentReport]
    blocks: list[BlockStat] = field(default_factory=list)
    checks: list[CheckStat] = field(default_factory=list)
    hints: list[HintStat] = field(default_factory=list)
    times: Times | None = None
    absent: list[str] = field(default_factory=list)
    headings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    due: str = ""
    late_rule: str = ""

    def part(self, name: str) -> str:
        """Return what a block or a question is called in the notebook."""
        return heading_of(name, self.headings, _LANGUAGE)

    def check(self, check: CheckStat) -> str:
        """Return what a check is called: its block's heading, and what it looks at."""
        label = label_of(check.name, _LANGUAGE)
        return f"{self.part(check.block)}: {label}" if label else self.part(check.block)

    @property
    def recorded(self) -> bool:
        """Tell whether there are records of `course grade`."""
        return any(row.outcome is not None for row in self.rows)

    @property
    def graded(self) -> int:
        """Return how many submissions were marked check by check; a pair's counts once."""
        return sum(bool(row.outcome and row.owns and row.outcome.checks) for row in self.rows)

    @property
    def max_automatic(self) -> float:
        """Return the full automatic marks."""
        return sum(block.points for block in self.blocks if not block.by_hand)

    @property
    def max_by_hand(self) -> float:
        """Return the full marks of what a person marks."""
        return sum(block.points for block in self.blocks if block.by_hand)

    @property
    def automatic(self) -> list[float]:
        """Return the automatic marks of all who have them all."""
        return [row.automatic for row in self.rows if row.automatic is not None]

    @property
    def totals(self) -> list[float]:
        """Return the totals of all who have all their marks."""
        return [row.total for row in self.rows if row.total is not None]


def outcomes_by_student(records: Mapping[str, Record]) -> dict[str, Outcome]:
    """Return what was found for every student: for a partner without a folder of their own, the pair's."""
    found = {student: record.outcome for student, record in records.items()}
    for record in records.values():
        for student in record.outcome.recipients:
            found.setdefault(student, record.outcome)
    return found


def blocks_of(marks: Sequence[Mark], order: Sequence[str]) -> list[BlockStat]:
    """Return how a class did in every cell with marks.

    Args:
        marks: marks of the class.
        order: names of blocks and open questions as the notebook has them; others come after them.
    """
    places = {name: place for place, name in enumerate(order)}
    points = {cell: value for mark in marks for cell, value in mark.points.items()}
    by_hand = {cell for mark in marks for cell in mark.manual}
    cells = sorted(points, key=lambda cell: (cell in by_hand, places.get(block_of(cell), len(places)), cell))
    blocks = []
    for cell in cells:
        given = [value for mark in marks if (value := mark.given.get(cell)) is not None]
        mean = sum(given) / len(given) if given else None
        blocks.append(BlockStat(cell, points[cell], cell in by_hand, mean, len(given)))
    return [block for block in blocks if block.points > 0]


def check_stats(outcomes: Sequence[Outcome], blocks: Mapping[str, str]) -> list[CheckStat]:
    """Return how a class did in every check.

    Args:
        outcomes: of all submissions.
        blocks: the block of every check of the lab, in the order of the notebook.
    """
    places = {name: place for place, name in enumerate(blocks)}
    stats: dict[str, CheckStat] = {}
    for outcome in outcomes:
        for check in outcome.checks:
            block = blocks.get(check.name, check.name.split(".")[0])
            stats.setdefault(check.name, CheckStat(check.name, block, check.points)).count(check)
    return sorted(stats.values(), key=lambda stat: (places.get(stat.name, len(places)), stat.name))


def hint_stats(outcomes: Sequence[Outcome]) -> list[HintStat]:
    """Return the hints that were given, most frequent first; one that a submission got twice counts once."""
    counts: Counter[str] = Counter()
    checks: dict[str, set[str]] = defaultdict(set)
    for outcome in outcomes:
        given = {check.hint for check in outcome.checks if check.hint}
        counts.update(given)
        for check in outcome.checks:
            if check.hint:
                checks[check.hint].add(check.name)
    of = sum(bool(outcome.checks) for outcome in outcomes)
    found = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [HintStat(hint, tuple(sorted(checks[hint])), count, of) for hint, count in found]


def times_of(outcomes: Sequence[Outcome], walls: Sequence[float]) -> Times | None:
    """Return what grading took; None if nothing was run.

    Args:
        outcomes: of all submissions.
        walls: seconds on the clock of every run.
    """
    seconds = sorted(((o.student, o.wall_s) for o in outcomes if o.wall_s > 0), key=lambda pair: -pair[1])
    if not seconds:
        return None
    return Times(tuple(seconds), sum(outcome.cpu_s for outcome in outcomes), sum(walls), len(walls))
