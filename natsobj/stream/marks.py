"""Sets of texts, and counts of them, in flat memory."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from itertools import pairwise

__all__ = ["Counts", "Marks", "Unstruck"]

_PARTS = 256


class Marks:
    """A set of texts by their hashes: eight bytes each, a tenth of what a set takes.

    Among a million texts, one lookup in about 10^13 takes a text for another.
    """

    def __init__(self) -> None:
        self._parts = [array("q") for _ in range(_PARTS)]
        self._ordered = [0] * _PARTS
        """How many marks each part had when it was put in order, as it is when it is looked at."""

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def add(self, text: str) -> None:
        """Add a text that is not in it."""
        mark = hash(text)
        self._parts[mark % _PARTS].append(mark)

    def __contains__(self, text: object) -> bool:
        mark = hash(text)
        part = mark % _PARTS
        if self._ordered[part] < len(self._parts[part]):
            self._parts[part] = array("q", sorted(self._parts[part]))
            self._ordered[part] = len(self._parts[part])
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
    """Numbers by texts, sixteen bytes each; like `Marks` it may mistake a text for another."""

    def __init__(self) -> None:
        self._parts = [(array("q"), array("q")) for _ in range(_PARTS)]
        self._mixed: set[int] = set()

    def __len__(self) -> int:
        return sum(len(marks) for marks, _ in self._parts)

    def __contains__(self, text: str) -> bool:
        return self.place(text) is not None

    def add(self, text: str, number: int) -> None:
        """Add the number of a text that is not in it."""
        mark = hash(text)
        marks, numbers = self._parts[mark % _PARTS]
        marks.append(mark)
        numbers.append(number)
        self._mixed.add(mark % _PARTS)

    def get(self, text: str, default: int) -> int:
        """Return the number of a text."""
        place = self.place(text)
        return default if place is None else self._parts[place[0]][1][place[1]]

    def place(self, text: str) -> tuple[int, int] | None:
        """Return where a text is, for as long as none is added."""
        mark = hash(text)
        part = mark % _PARTS
        marks, numbers = self._parts[part]
        if part in self._mixed:
            pairs = sorted(zip(marks, numbers, strict=True))
            marks, numbers = array("q", (pair[0] for pair in pairs)), array("q", (pair[1] for pair in pairs))
            self._parts[part] = marks, numbers
            self._mixed.discard(part)
        at = bisect_left(marks, mark)
        return (part, at) if at < len(marks) and marks[at] == mark else None


class Unstruck:
    """Those of counted texts that have not been struck out, a byte each; no texts are added any more."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._struck: dict[int, bytearray] = {}
        self._number = len(counts)

    def __len__(self) -> int:
        """Return how many there are, or more where a text was counted twice."""
        return self._number

    def __contains__(self, text: object) -> bool:
        place = self._counts.place(text) if isinstance(text, str) else None
        return place is not None and not self._part(place[0], place[1])[place[1]]

    def strike(self, text: str) -> None:
        """Strike out a text, if it is there."""
        if (place := self._counts.place(text)) is not None:
            part = self._part(*place)
            self._number -= 1 - part[place[1]]
            part[place[1]] = 1

    def _part(self, number: int, at: int) -> bytearray:
        part = self._struck.setdefault(number, bytearray())
        if at >= len(part):
            part.extend(bytes(at + 1 - len(part)))
        return part
