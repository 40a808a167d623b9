"""What students wrote or saw, as it is quoted in a message: one plain line, cut at the end of a word."""

from __future__ import annotations

import re

# Colours and other commands to a terminal, and what is left of them.
_COMMANDS = re.compile(r"\x1b\[[0-?]{0,32}[ -/]{0,8}[@-~]|[\x00-\x08\x0b-\x1f\x7f]")
# Of a longer word a piece is better than nothing.
_LEAST_SHARE = 0.6


def plain(text: str) -> str:
    """Return a text without commands to a terminal, such as colours."""
    return _COMMANDS.sub("", text)


def shortened(text: str, limit: int) -> str:
    """Return a text as one plain line, cut at the end of a word where it is longer than `limit`."""
    line = " ".join(plain(text[: 4 * limit + 200]).split())
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    if line[limit - 1] != " ":
        whole = cut.rpartition(" ")[0]
        cut = whole if len(whole) >= _LEAST_SHARE * limit else cut
    return cut.rstrip() + "…"
