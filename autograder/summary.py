"""The summary of a notebook's marks: as a table, as plain text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import Any

from autograder.display import (
    AMBER,
    GREEN,
    GREY,
    as_json_number,
    bar,
    box,
    table,
    text_bar,
)
from autograder.labels import heading_of, number
from autograder.marks import CellMarks
from autograder.messages import Message, text


@dataclass(frozen=True)
class Section:
    """One line of the summary: score is None for a block that was not run."""

    name: str
    score: float | None
    points: float
    checks: tuple[dict[str, Any], ...] = ()

    @property
    def state(self) -> str:
        """Return the key of the text that says how far this section is."""
        if self.score is None:
            return "not_run"
        # A block without marks, such as the identity cell, is complete when its checks pass.
        if self.score >= self.points and (self.points > 0 or all(c["passed"] for c in self.checks)):
            return "complete"
        return "partial" if self.score > 0 else "none"


@dataclass(frozen=True)
class Summary:
    """All marks of a notebook.

    Attributes:
        lab: the lab's id.
        language: of the texts.
        sections: the automatic blocks, in notebook order, also those not run.
        manual: full marks of what a person marks.
        identities: ids of those who hand in.
        note: a problem to mention, if any.
        pending: whether the marks are given elsewhere.
        headings: what the lab, its blocks and what a person marks are called, by language.
    """

    lab: str
    language: str
    sections: tuple[Section, ...]
    manual: Mapping[str, float]
    identities: tuple[str, ...] = ()
    note: Message | None = None
    pending: bool = False
    headings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def score(self) -> float:
        """Return the automatic marks earned so far."""
        return float(sum(section.score or 0.0 for section in self.sections))

    @property
    def points(self) -> float:
        """Return the automatic full marks."""
        return float(sum(section.points for section in self.sections))

    @property
    def manual_points(self) -> float:
        """Return the full marks of what a person still marks."""
        return float(sum(self.manual.values()))

    def as_json(self) -> dict[str, Any]:
        """Return the content of `marks.json`."""
        return {
            "lab": self.lab,
            "students": list(self.identities),
            "score": as_json_number(self.score),
            "max_score": as_json_number(self.points),
            "manual_max_score": as_json_number(self.manual_points),
            "sections": [
                {
                    "name": section.name,
                    "state": section.state,
                    "score": as_json_number(section.score or 0.0),
                    "max_score": as_json_number(section.points),
                    "checks": list(section.checks),
                }
                for section in self.sections
            ],
        }

    def _called(self, name: str) -> str:
        return heading_of(name, self.headings, self.language)

    def _title(self) -> str:
        return text("summary_title", self.language, lab=self._called(self.lab))

    def _identity_line(self) -> str:
        if self.identities:
            return text("identified", self.language, students=", ".join(self.identities))
        return text("unidentified", self.language)

    def __repr__(self) -> str:
        def say(key: str) -> str:
            return text(key, self.language)

        if self.pending:
            return "\n".join([self._title(), self._identity_line(), say("marked_later")])
        called = {section.name: self._called(section.name) for section in self.sections}
        width = max([len(each) for each in called.values()] + [len(say("manual_total"))])
        lines = [self._title(), self._identity_line()]
        for section in self.sections:
            marks = f"{number(section.score or 0.0):>6} / {number(section.points):<5}"
            picture = text_bar(section.score or 0.0, section.points)
            lines.append(f"{called[section.name]:<{width}} {marks} {picture} {say(section.state)}")
        marks = f"{number(self.score):>6} / {number(self.points):<5}"
        lines.append(f"{say('auto_total'):<{width}} {marks} {text_bar(self.score, self.points)}")
        if self.manual:
            lines.append(
                f"{say('manual_total'):<{width}} {'':>6}   {number(self.manual_points):<5} "
                f"({', '.join(map(self._called, self.manual))})"
            )
        if self.note is not None:
            lines.append(self.note.render(self.language))
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        def say(key: str) -> str:
            return text(key, self.language)

        title = escape(self._title())
        if self.pending:
            lines = (self._identity_line(), say("marked_later"))
            return box(GREY, title, "".join(f"<div>{escape(line)}</div>" for line in lines))
        rows = [
            [
                escape(self._called(section.name)),
                f"{number(section.score or 0.0)} / {number(section.points)}",
                bar(section.score or 0.0, section.points),
                escape(say(section.state)),
            ]
            for section in self.sections
        ]
        rows += [
            [escape(self._called(name)), f"… / {number(points)}", "", escape(say("by_hand"))]
            for name, points in self.manual.items()
        ]
        total = f"<b>{number(self.score)} / {number(self.points)}</b>"
        rows.append([f"<b>{say('auto_total')}</b>", total, bar(self.score, self.points), ""])
        if self.manual:
            rows.append([f"<b>{say('manual_total')}</b>", number(self.manual_points), "", ""])
        header = [say("section"), say("score"), "", say("state")]
        body = f"<div>{escape(self._identity_line())}</div>" + table(header, rows)
        if self.note is not None:
            body += f"<div>{escape(self.note.render(self.language))}</div>"
        colour = GREEN if self.score >= self.points > 0 else AMBER if self.score else GREY
        return box(colour, title, body)


def summarise(
    lab: str,
    language: str,
    cells: Mapping[str, CellMarks],
    *,
    blocks: Mapping[str, float],
    manual: Mapping[str, float],
    identities: tuple[str, ...],
    headings: Mapping[str, Mapping[str, str]],
    pending: bool,
) -> Summary:
    """Sum up the cells that were run, and list the known blocks that were not.

    Args:
        lab: the lab's id.
        language: of the texts.
        cells: the marks of the cells that were run, by name of their block.
        blocks: full marks of all blocks that are known beforehand, in notebook order.
        manual: full marks of what a person marks.
        identities: the ids of those who hand in.
        headings: what the lab, its blocks and what a person marks are called, by language.
        pending: whether the marks are given elsewhere.
    """
    planned = dict(blocks)
    planned.update({name: cell.points for name, cell in cells.items() if name not in planned})
    sections = tuple(_section(name, points, cells.get(name)) for name, points in planned.items())
    return Summary(lab, language, sections, manual, identities, pending=pending, headings=headings)


def _section(name: str, points: float, cell: CellMarks | None) -> Section:
    """Return the line of one block."""
    if cell is None:
        return Section(name, None, points)
    checks = tuple(
        {"name": r.name, "points": as_json_number(r.points), "passed": r.passed} for r in cell.results
    )
    return Section(name, min(cell.score, points), points, checks)


def write_marks(summary: Summary, path: Path) -> Summary:
    """Write the summary as JSON; a file that cannot be written is mentioned, and stops nothing.

    Returns:
        The summary, with a note if the file could not be written.
    """
    try:
        content = json.dumps(summary.as_json(), indent=2, ensure_ascii=False) + "\n"
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        reason = Message("marks_file_failed", {"file": path.name, "error": type(error).__name__})
        return replace(summary, note=reason)
    return summary
