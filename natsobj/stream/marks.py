"""A set of texts in flat memory."""

from __future__ import annotations

from array import array
from bisect import bisect_left

__all__ = ["Marks"]

_PARTS = 256


class Marks:
    """Texts by their hashes: eight bytes each, where a set would take ten times that.

    It takes a text for another one once in some 10^13 looks at a million of them.
    """

    def __init__(self) -> None:
        self._parts = [array("q") for _ in range(_PARTS)]
        self._mixed: set[int] = set()
        """Parts that are not in order; each is put in order when it is looked at."""
        self._number = 0

    def __len__(self) -> int:
        return self._number

    def add(self, text: str) -> None:
        """Add one that is not in it."""
        mark = hash(text)
        part = mark % _PARTS
        self._parts[part].append(mark)
        self._mixed.add(part)
        self._number += 1

    def __contains__(self, text: str) -> bool:
        mark = hash(text)
        part = mark % _PARTS
        if part in self._mixed:
            self._parts[part] = array("q", sorted(self._parts[part]))
            self._mixed.discard(part)
        marks = self._parts[part]
        at = bisect_left(marks, mark)
        return at < len(marks) and marks[at] == mark
