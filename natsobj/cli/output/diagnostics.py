"""Failures of a batch: the same error many times is said five times and then counted."""

from __future__ import annotations

from collections import Counter

from natsobj.cli import exits

__all__ = ["Failures"]

_SAME = 5
"""Lines that say the same of different things."""

_ALIKE = 20
"""Lines of one kind of error, whatever they say."""


class Failures:
    """What was said of failures. Little is kept, for there may be as many as there are records."""

    def __init__(self) -> None:
        self._said: Counter[str] = Counter()
        self._same: Counter[tuple[str, str]] = Counter()
        self._silent: Counter[str] = Counter()

    def add(self, error: Exception) -> bool:
        """Count one, and tell whether it is to be said."""
        kind, text = exits.kind(error), _without_names(error)
        if self._said[kind] >= _ALIKE or self._same[kind, text] >= _SAME:
            self._silent[kind] += 1
            return False
        self._said[kind] += 1
        self._same[kind, text] += 1
        return True

    def is_first(self, error: Exception) -> bool:
        """Tell whether the last one was the first of its kind: the hint is the same for all."""
        return self._said[exits.kind(error)] == 1

    def add_remark(self, place: str, text: str) -> bool:
        """The same for a remark, which is alike when it comes from the same place of the program."""
        self._said[place] += 1
        if self._said[place] > _SAME:
            self._silent[text.partition(":")[0]] += 1
        return self._said[place] <= _SAME

    def rest(self) -> list[str]:
        """Say how many were not said, a line for each kind."""
        lines = [f"and {number:,} more: {kind} (-v names them)" for kind, number in self._silent.items()]
        self._silent.clear()
        return lines


def _without_names(error: Exception) -> str:
    """Give what the message says of any thing."""
    if isinstance(error, OSError):
        return exits.kind(error)
    text = exits.message(error)
    for name in (getattr(error, field, None) for field in ("key", "path", "where")):
        if name:
            text = text.replace(f"/{name}", "/").replace(f": {name}", ": ")
    return text
