"""Where the cells of a matrix are, once it is drawn."""

from __future__ import annotations

from dataclasses import dataclass

Point = tuple[float, float]


@dataclass(frozen=True)
class Grid:
    """Where the cells of a matrix are."""

    x: float
    y: float
    rows: int
    columns: int
    side: float

    def middle(self, row: int, column: int) -> Point:
        """Return the middle of a cell; rows are counted from the top."""
        return (
            self.x + (column - (self.columns - 1) / 2) * self.side,
            self.y - (row - (self.rows - 1) / 2) * self.side,
        )

    @property
    def left(self) -> float:
        """Return where its left side is."""
        return self.x - self.columns * self.side / 2

    @property
    def right(self) -> float:
        """Return where its right side is."""
        return self.x + self.columns * self.side / 2

    @property
    def top(self) -> float:
        """Return where its upper side is."""
        return self.y + self.rows * self.side / 2

    @property
    def bottom(self) -> float:
        """Return where its lower side is."""
        return self.y - self.rows * self.side / 2
