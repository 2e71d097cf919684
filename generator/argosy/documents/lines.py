"""The lines of a text, counted as editors count them."""

from __future__ import annotations

import re
from bisect import bisect_right

BREAK = re.compile(r"\r\n?|\n")
_ODD_BREAK = re.compile("[\x85\u2028\u2029]")


class Lines:
    """The lines of a text; an index is a place in it, in characters."""

    def __init__(self, text: str) -> None:
        self.text = text
        odd = not text.isascii() and _ODD_BREAK.search(text) is not None
        self._begins = [match.end() for match in BREAK.finditer(text)] if odd else None

    @property
    def are_libyamls(self) -> bool:
        """Whether libyaml counts the same: it takes the breaks that only Unicode knows for breaks too."""
        return self._begins is None

    def number(self, index: int) -> int:
        """Return the 1-based number of the line at a place."""
        if self._begins is not None:
            return bisect_right(self._begins, index) + 1
        return 1 + _count_breaks(self.text, index)

    def column(self, index: int) -> int:
        """Return the 1-based column of a place."""
        return index - self._begin(index) + 1

    def around(self, index: int) -> str:
        """Return the line at a place, without its break."""
        end = BREAK.search(self.text, index)
        return self.text[self._begin(index) : end.start() if end else len(self.text)]

    def _begin(self, index: int) -> int:
        return max(self.text.rfind("\n", 0, index), self.text.rfind("\r", 0, index)) + 1


def _count_breaks(text: str, end: int) -> int:
    count = text.count("\n", 0, end)
    return count + text.count("\r", 0, end) - text.count("\r\n", 0, end) if "\r" in text else count


def shortened(text: str, longest: int = 60) -> str:
    """Return a text short enough to be quoted in a message, or for a message."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
