"""Write a report as one HTML page: no other file, no network, and nothing in it runs but a script of ours."""

from __future__ import annotations

import base64
import hashlib
import re
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from autograder.instructor.files import write
from autograder.instructor.report.data import ClassReport
from autograder.instructor.report.figures import Picture, histogram
from autograder.instructor.report.review_reasons import command_for, grouped, urgent

# More rows than this are folded until somebody wants them.
_ROWS = 60
_SLOWEST = 5
_HINTS = 12


def write_page(report: ClassReport, path: Path, folder: Path | None = None) -> Path:
    """Write the report on one lab.

    Args:
        report: data of the report.
        path: path of the page.
        folder: folder that `--folder` named, for the commands on the page.
    """
    automatic, totals = report.automatic, report.totals
    pictures = [
        histogram(automatic, report.max_automatic, "Automatic marks", "marks", "students"),
        histogram(totals, report.max_automatic + report.max_by_hand, "All marks", "marks", "students"),
    ]
    context = {
        "report": report,
        "reasons": grouped(report.rows),
        "urgent": [row for row in report.rows if urgent(row.review_reasons) and row.owns],
        "waiting": sum("by_hand" in row.review_reasons for row in report.rows),
        "command": lambda reason, row: command_for(reason, report.lab, row.student, folder),
        "statistics": _statistics(automatic),
        "pictures": [picture for picture in pictures if picture],
        "times_picture": _times_picture(report),
        "slowest": report.times.seconds[:_SLOWEST] if report.times else (),
        "most_hints": _HINTS,
        "folded": len(report.rows) > _ROWS,
        "noted": any(row.note for row in report.rows),
        "files": {"csv": f"{path.stem}.csv", "json": f"{path.stem}.json"},
    }
    return _write("page.html.j2", context, path)


def write_index(reports: Sequence[ClassReport], path: Path) -> Path:
    """Write a page that leads to the reports on several labs, which lie beside it."""
    rows = []
    for report in reports:
        rows.append({
            "report": report,
            "page": f"{report.lab}.html",
            "mean": statistics.fmean(report.automatic) if report.automatic else None,
            "urgent": sum(urgent(row.review_reasons) and row.owns for row in report.rows),
            "waiting": sum("by_hand" in row.review_reasons for row in report.rows),
            "picture": histogram(
                report.automatic, report.max_automatic, report.title, "automatic marks", "students"
            ),
        })  # fmt: skip
    return _write("index.html.j2", {"labs": rows}, path)


def _statistics(values: Sequence[float]) -> dict[str, float]:
    """Return what describes a distribution in short; empty without values."""
    if not values:
        return {}
    return {"mean": statistics.fmean(values), "median": statistics.median(values), "low": min(values),
            "high": max(values)}  # fmt: skip


def _times_picture(report: ClassReport) -> Picture | None:
    if report.times is None:
        return None
    seconds = [second for _, second in report.times.seconds]
    return histogram(seconds, max(seconds), "Seconds on the clock", "seconds", "submissions")


def _write(template: str, context: dict[str, Any], path: Path) -> Path:
    environment = Environment(
        loader=PackageLoader("autograder.instructor", "templates/report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"marks": _marks, "percent": _percent, "code": _with_code, "duration": _duration}
    script = environment.get_template("sort.js").render()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    html = environment.get_template(template).render(
        **context,
        script=Markup(script),
        script_digest=digest,
        style=Markup(_source(environment, "style.css")),
    )
    return write(path, html)


def _source(environment: Environment, name: str) -> str:
    return environment.get_template(name).render()


def _marks(value: float | None) -> str:
    """Return marks without needless zeros; a dash where there are none."""
    return "–" if value is None else f"{round(value, 2):g}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _with_code(text: str) -> Markup:
    """Return a text with what stands in backticks as code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def _duration(seconds: float) -> str:
    """Return a time as a person would say it."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours < 48 else f"{hours // 24} days"
