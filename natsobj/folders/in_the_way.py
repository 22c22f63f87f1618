"""What stands where the file of an object must land, or where a folder on its way must be."""

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
"""Files of a folder that may be those of other objects."""

_MOST = 10_000
"""Objects that may wait until what is in their way has gone."""


async def explain(error: OSError, bucket: Bucket, prefix: str, key: str, *, folder: str, advice: str) -> None:
    """Note with an error what is to be done: two keys may collide, or what was there may be in the way.

    Args:
        error: names the file or the folder that is in the way.
        key: the object that cannot land, below the prefix, in the folder.
        advice: what to do if that is no other object's.
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
    """Objects that cannot land before surplus files have gone."""

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
        """Keep an outcome that says that something is in the way; False for any other."""
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
        """Give the outcomes back."""
        yield from self._failures.values()

    def places(self) -> Iterator[str]:
        """Give the paths below the folder that are in the way."""
        yield from self._places

    def collide(self) -> bool:
        """Return whether one needs a folder where another one's file must be."""
        return any(
            name[:at] in self._failures
            for name in self._failures
            for at, each in enumerate(name)
            if each == "/"
        )

    def going(self, files: Iterable[FoundFile]) -> Counter[str]:
        """Count which of the files lie where something is in the way."""
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
