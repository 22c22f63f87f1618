"""Which paths of a tree are selected, by glob patterns."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable

__all__ = ["EVERYTHING", "Filter"]


class Filter:
    """Selects paths that match one of the `match` patterns, if there are any, and none of `exclude`.

    `*` also matches slashes. Paths are relative to the folder or the prefix.
    """

    def __init__(self, match: Iterable[str] = (), exclude: Iterable[str] = ()) -> None:
        self._match = _pattern(match)
        exclude = tuple(exclude)
        self._exclude = _pattern(exclude)
        self._whole = _pattern(each for each in exclude if each.endswith("*"))

    def takes(self, path: str) -> bool:
        """Return whether a path is selected."""
        if self._exclude is not None and self._exclude.match(path):
            return False
        return self._match is None or self._match.match(path) is not None

    def enters(self, folder: str) -> bool:
        """Return whether anything below a folder may be selected; its path ends in a slash."""
        return self._whole is None or not self._whole.match(folder)


def _pattern(globs: Iterable[str]) -> re.Pattern[str] | None:
    """Join several patterns into one; None if there are none."""
    parts = [fnmatch.translate(glob) for glob in globs]
    return re.compile("|".join(parts)) if parts else None


EVERYTHING = Filter()
