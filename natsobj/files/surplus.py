"""The files below a folder, and how a surplus one is removed.

Links are neither followed nor removed, and what a link leads to stays. A file is removed only if it is still
as it was found; an unfinished download never is.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from natsobj.files.atomic_file import is_unfinished
from natsobj.files.folder import Folder, identity
from natsobj.files.pipes import naming

__all__ = ["CHANGED", "GONE", "REMOVED", "FoundFile", "Surplus"]

REMOVED = "removed"
GONE = "gone"
CHANGED = "it has changed since the sync began"
LED_TO = "a link or another name leads to it"


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A regular file as it was found."""

    below: str
    """Its path below the folder, with slashes."""
    identity: tuple[int, int]
    size: int
    changed: int
    """The later of its modification time and its change time, in nanoseconds."""


class Surplus:
    """The files below a folder.

    Args:
        folder: must exist.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._led_to: set[tuple[int, int]] = set()
        """Targets of the links below the folder; the folder itself may be one."""

    def find(self) -> Iterator[FoundFile | OSError]:
        """Find the files, in no particular order; an error is yielded for a folder that cannot be read.

        Raises:
            OSError: the top folder is not a folder, or cannot be read.
        """
        waiting = [("", os.listdir(self._folder))]
        while waiting:
            above, names = waiting.pop()
            for name in names:
                below = above + name
                path = os.path.join(self._folder, *below.split("/"))  # noqa: PTH118
                try:
                    status = os.lstat(path)
                    if stat.S_ISREG(status.st_mode) and not is_unfinished(name):
                        yield _found(below, status)
                    elif stat.S_ISLNK(status.st_mode):
                        self._follow(path)
                    elif stat.S_ISDIR(status.st_mode):
                        waiting.append((f"{below}/", os.listdir(path)))
                except FileNotFoundError:
                    continue
                except OSError as e:
                    yield e

    def remove(self, file: FoundFile, others: Sequence[str] = (), *, dry_run: bool = False) -> str:
        """Remove a file if it is still as it was found, and then the folders that are empty.

        Args:
            others: paths of files that stay; on some file systems two different names are one file.
            dry_run: remove nothing, and return what would be done.

        Returns:
            `REMOVED`, `GONE`, or why it is kept.

        Raises:
            OSError: it cannot be removed.
        """
        *folders, name = file.below.split("/")
        with naming(os.path.join(self._folder, *folders, name)), Folder.open(self._folder) as top:  # noqa: PTH118
            folder = None if top.identity() in self._led_to else self._enter(top, folders)
            if folder is None:
                return LED_TO
            with folder:
                status = folder.status(name)
                if status is None:
                    return GONE
                if _found(file.below, status) != file:
                    return CHANGED
                if file.identity in self._led_to or any(top.find(each) == file.identity for each in others):
                    return LED_TO
                if dry_run:
                    return REMOVED
                folder.unlink(name)
            self._tidy(top, folders)
        return REMOVED

    def count(self, below: str) -> int | None:
        """Count the files at a path or below it; None if something else is there that cannot go.

        Raises:
            OSError: a folder cannot be read.
        """
        path = os.path.join(self._folder, *below.split("/"))  # noqa: PTH118
        status = os.lstat(path)
        if stat.S_ISREG(status.st_mode):
            return 1
        if not stat.S_ISDIR(status.st_mode) or identity(status) in self._led_to:
            return None
        counts = [self.count(f"{below}/{name}") for name in os.listdir(path)]
        return None if None in counts else sum(filter(None, counts))

    def remove_folders(self, below: str) -> None:
        """Remove a folder that has only empty folders in it; what is not empty stays."""
        path = os.path.join(self._folder, *below.split("/"))  # noqa: PTH118
        for inner, _, _ in os.walk(path, topdown=False):
            names = Path(inner).relative_to(self._folder).parts
            with Folder.open(self._folder) as top, contextlib.suppress(OSError):
                above = self._enter(top, names[:-1])
                if above is not None:
                    with above:
                        above.rmdir(names[-1])

    def _follow(self, path: str) -> None:
        try:
            self._led_to.add(identity(os.stat(path)))  # noqa: PTH116
        except OSError:  # a dangling link
            return

    def _enter(self, top: Folder, names: Sequence[str]) -> Folder | None:
        """Enter a folder; None if a folder on the way is gone, or is the target of a link."""
        folder = top.enter(os.curdir)
        for name in names:
            try:
                with folder:
                    inner = folder.enter(name)
            except (FileNotFoundError, NotADirectoryError):
                return None
            folder = inner
            if folder.identity() in self._led_to:
                folder.close()
                return None
        return folder

    def _tidy(self, top: Folder, names: Sequence[str]) -> None:
        """Remove a folder if it is empty, then the folders above it that are empty too."""
        for length in range(len(names), 0, -1):
            above = self._enter(top, names[: length - 1])
            if above is None:
                return
            with above:
                try:
                    above.rmdir(names[length - 1])
                except OSError:
                    return


def _found(below: str, status: os.stat_result) -> FoundFile:
    changed = max(status.st_mtime_ns, status.st_ctime_ns)
    return FoundFile(below, identity(status), status.st_size, changed)
