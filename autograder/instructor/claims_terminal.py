"""Show in a terminal which claims hold under how many seeds, and which sentences have none."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from autograder.instructor.claim_seeds import SeveralSeeds
from autograder.instructor.claims.statements import Statement
from autograder.instructor.solution import described


def show_claims(console: Console, found: Sequence[SeveralSeeds]) -> None:
    """Show each claim with what it compared under each seed, and of a false one the sentence and the line."""
    for each in found:
        mark = "[green]✓[/]" if each.passed else "[red]✗[/]"
        depends = ", which depends on the seed" if each.claim.seed_dependent else ""
        _say(
            console,
            f"{mark} {escape(each.claim.id)}: holds under {each.held} of {len(each.outcomes)} seeds{depends}",
        )
        for text, values in each.compared.items():
            shown = values if len(set(values)) > 1 else values[:1]
            _say(console, f"    {escape(text)}: {escape(', '.join(shown))}")
        if not each.passed:
            failed = next(outcome for outcome in each.outcomes if not outcome.holds)
            for line in described(failed)[1:]:
                _say(console, f"    {escape(line)}")


def show_open(console: Console, statements: Sequence[Statement]) -> None:
    """Show sentences about outputs that have no claim."""
    for statement in statements:
        _say(console, f"[yellow]![/] {statement.prose} has no claim: {escape(statement.text)}")


def _say(console: Console, line: str) -> None:
    console.print(line, highlight=False, soft_wrap=True)
