"""Files and folders that are in the way of an object's file, or of a folder that it needs."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from natsobj.bucket import Bucket
from natsobj.errors import NatsobjError
from natsobj.files.surplus import FoundFile
from natsobj.folders.outcomes import Failed, Outcome

__all__ = ["Obstacles", "explain"]

_LOOKED_AT = 10
"""Files of a folder that are looked up as other objects, at most."""

_MOST = 10_000
"""Objects that wait until their way is free, at most."""


async def explain(error: OSError, bucket: Bucket, prefix: str, key: str, *, folder: str, advice: str) -> None:
    """Add to an error what to do: two keys may collide, or a file that was there before may be in the way.

    Args:
        error: names the file or the folder that is in the way.
        key: the key of the object that cannot be written.
        advice: what to do if no other object belongs there.
    """
    place = Path(error.filename)
    if isinstance(error, IsADirectoryError):
        near: Iterable[str] = (_below(path, folder) for path in islice(_files(place), _LOOKED_AT))
    else:
        near = (_below(str(place), folder),)
    for each in near:
        other = prefix + each
        try:
            await bucket.info(other)
        except (NatsobjError, UnicodeEncodeError):
            continue
        error.add_note(
            f"{bucket.name} has both {min(key, other)} and {max(key, other)}, which cannot be a file and a "
            f"folder at once: rename one with natsobj mv"
        )
        return
    error.add_note(advice)


class Obstacles:
    """Objects that cannot be written until surplus files are removed."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._failures: dict[str, Failed] = {}
        self._places: set[str] = set()
        """Paths below the folder that are in the way."""

    def __contains__(self, key: str) -> bool:
        return key in self._failures

    def __len__(self) -> int:
        return len(self._failures)

    def add(self, outcome: Outcome) -> bool:
        """Keep an outcome that says that something is in the way; return False for any other."""
        if not isinstance(outcome, Failed) or len(self._failures) >= _MOST:
            return False
        error = outcome.error
        if not isinstance(error, (IsADirectoryError, NotADirectoryError)):
            return False
        error.with_traceback(None)
        self._failures[outcome.name] = Failed(outcome.name, error)
        self._places.add(_below(str(error.filename), self._folder))
        return True

    def failures(self) -> Iterator[Failed]:
        """Yield the outcomes again."""
        yield from self._failures.values()

    def places(self) -> Iterator[str]:
        """Yield the paths below the folder that are in the way."""
        yield from self._places

    def collide(self) -> bool:
        """Return whether one object needs a folder where the file of another must be."""
        return any(
            name[:at] in self._failures
            for name in self._failures
            for at, each in enumerate(name)
            if each == "/"
        )

    def going(self, files: Iterable[FoundFile]) -> Counter[str]:
        """Count, for each path that is in the way, the files that are it or are below it."""
        counts: Counter[str] = Counter()
        for file in files:
            parts = file.below.split("/")
            for length in range(1, len(parts) + 1):
                if (place := "/".join(parts[:length])) in self._places:
                    counts[place] += 1
        return counts


def _below(path: str, folder: str) -> str:
    return Path(path).relative_to(folder).as_posix()


def _files(folder: Path) -> Iterator[str]:
    for above, _, names in os.walk(folder):
        yield from (os.path.join(above, name) for name in names)  # noqa: PTH118
