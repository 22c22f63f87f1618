"""Sets of texts, and counts of them, in flat memory."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from itertools import pairwise

__all__ = ["Counts", "Marks"]

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

    def repeated(self) -> set[int]:
        """Return the hashes of those that were added more than once."""
        found = set()
        for part in self._parts:
            found |= {mark for mark, following in pairwise(sorted(part)) if mark == following}
        return found


class Counts:
    """Numbers by texts, sixteen bytes each; as with `Marks` a text may be taken for another one."""

    def __init__(self) -> None:
        self._parts = [(array("q"), array("q")) for _ in range(_PARTS)]
        self._mixed: set[int] = set()

    def add(self, text: str, number: int) -> None:
        """Add the number of a text that is not in it."""
        mark = hash(text)
        marks, numbers = self._parts[mark % _PARTS]
        marks.append(mark)
        numbers.append(number)
        self._mixed.add(mark % _PARTS)

    def get(self, text: str, default: int) -> int:
        """Return the number of a text."""
        mark = hash(text)
        part = mark % _PARTS
        marks, numbers = self._parts[part]
        if part in self._mixed:
            pairs = sorted(zip(marks, numbers, strict=True))
            marks, numbers = array("q", (pair[0] for pair in pairs)), array("q", (pair[1] for pair in pairs))
            self._parts[part] = marks, numbers
            self._mixed.discard(part)
        at = bisect_left(marks, mark)
        return numbers[at] if at < len(marks) and marks[at] == mark else default
