"""The files below a folder, and the objects below a prefix."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncGenerator, Callable, Collection, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from natsobj.adr20.names import check_key
from natsobj.bucket import Bucket
from natsobj.errors import InvalidKey, ObjectNotFound
from natsobj.files.atomic_file import is_unfinished
from natsobj.folders.filters import EVERYTHING, Filter
from natsobj.folders.outcomes import Failed, Skipped
from natsobj.models import ObjectInfo

__all__ = ["LocalFile", "objects_below", "scan", "with_slash"]


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file to store."""

    path: str
    key: str
    size: int
    """Its size when it was found."""
    there: ObjectInfo | None = None
    """The stored object of its key, if known from a list; if the content is the same, nothing is stored."""


def scan(
    folder: str,
    prefix: str = "",
    *,
    outputs: Collection[tuple[int, int]] = (),
    only: Filter = EVERYTHING,
) -> Iterator[LocalFile | Failed | Skipped]:
    """Find the files below a folder, sorted by name within each folder; symbolic links are followed.

    Each folder is read once, when its turn comes: what appears in it later is not found. Folders themselves
    are not yielded, so an empty one leaves no trace. Unfinished downloads are skipped.

    Args:
        prefix: what the keys begin with; a slash is added unless it is empty or ends in one.
        outputs: device and inode of files that are being written and must not be read.
        only: selects paths below the folder; nothing is yielded for the others.

    Raises:
        OSError: the top folder is missing, is a file, or cannot be read.
    """
    top = _Level.enter(folder, "", Path(folder).stat())
    return _Walk(top, with_slash(prefix), outputs, only).files()


async def objects_below(
    bucket: Bucket,
    prefix: str = "",
    match: Callable[[str], bool] = lambda _: True,
    wanted: Callable[[ObjectInfo], bool] = lambda _: True,
    *,
    needed: bool = False,
) -> AsyncGenerator[ObjectInfo | Failed | Skipped, None]:
    """Find the objects below a prefix: their keys begin with it and a slash, if it does not end in one.

    An object whose key is the prefix itself is not below it. A record that cannot be read is a failure.

    Args:
        match: selects keys.
        wanted: selects objects.
        needed: something must be selected.

    Raises:
        ObjectNotFound: there is nothing below the prefix, or nothing is selected and something must be.
    """
    prefix = with_slash(prefix)
    anything, selected = not prefix, not needed
    async with aclosing(bucket.entries(prefix)) as entries:
        async for entry in entries:
            if isinstance(entry, ObjectInfo):
                if not entry.deleted:
                    anything = True
                    if match(entry.name) and wanted(entry):
                        selected = True
                        yield entry
            elif entry.where.startswith(prefix):
                anything = True
                if match(entry.where):
                    selected = True
                    yield Failed(entry.where, entry)
    if not anything or not selected:
        raise ObjectNotFound(bucket.name, prefix, unmatched=anything)


def with_slash(prefix: str) -> str:
    """Return what all keys below a prefix begin with."""
    return prefix if not prefix or prefix.endswith("/") else f"{prefix}/"


@dataclass(frozen=True, slots=True)
class _Level:
    """A folder on the way to a file."""

    path: str
    below: str
    """Its path below the top folder, with a slash at the end."""
    identity: tuple[int, int]
    names: Iterator[str]

    @classmethod
    def enter(cls, path: str, below: str, status: os.stat_result) -> _Level:
        return cls(path, below, (status.st_dev, status.st_ino), iter(sorted(os.listdir(path))))


class _Walk:
    """One scan. Its fields are its state."""

    def __init__(self, top: _Level, prefix: str, outputs: Collection[tuple[int, int]], only: Filter) -> None:
        self._levels = [top]
        self._above = _above(top.path)
        self._prefix = prefix
        self._outputs = outputs
        self._only = only

    def files(self) -> Iterator[LocalFile | Failed | Skipped]:
        levels = self._levels
        while levels:
            level = levels[-1]
            name = next(level.names, None)
            if name is None:
                levels.pop()
                continue
            path, below = os.path.join(level.path, name), level.below + name  # noqa: PTH118  # 100,000 times
            try:
                found = self._look(path, below)
            except FileNotFoundError as e:  # a dangling link, or a file that was just removed
                found = Failed(path, e) if self._only.takes(below) else None
            except OSError as e:  # a folder, perhaps
                found = Failed(path, e) if self._only.enters(f"{below}/") else None
            except InvalidKey as e:
                found = Failed(path, e)
            if isinstance(found, _Level):
                levels.append(found)
            elif found is not None:
                yield found

    def _look(self, path: str, below: str) -> LocalFile | Failed | Skipped | _Level | None:
        """Return what is there; None if it is not selected."""
        status = os.stat(path)  # noqa: PTH116
        identity = (status.st_dev, status.st_ino)
        if stat.S_ISDIR(status.st_mode):
            if not self._only.enters(f"{below}/"):
                return None
            if identity in self._above or any(each.identity == identity for each in self._levels):
                return Skipped(path, "a link to a folder that it is in")
            return _Level.enter(path, f"{below}/", status)
        if not self._only.takes(below):
            return None
        why = "this command writes to it" if identity in self._outputs else _left_out(path, status.st_mode)
        if why is not None:
            return Skipped(path, why)
        return LocalFile(path, _key(self._prefix, below), status.st_size)


def _above(folder: str) -> set[tuple[int, int]]:
    """Return device and inode of the folders that a folder is in."""
    statuses = (parent.stat() for parent in Path(folder).resolve().parents)
    return {(status.st_dev, status.st_ino) for status in statuses}


def _left_out(path: str, mode: int) -> str | None:
    """Return why a file is not stored, or None if it is."""
    if stat.S_ISREG(mode):
        return "an unfinished download" if is_unfinished(os.path.basename(path)) else None  # noqa: PTH119
    kinds = ((stat.S_ISFIFO, "a FIFO"), (stat.S_ISSOCK, "a socket"))
    return next((name for is_kind, name in kinds if is_kind(mode)), "a device")


def _key(prefix: str, below: str) -> str:
    """Return the key of a file; its name is read as UTF-8 whatever the locale is."""
    try:
        return check_key(prefix + os.fsencode(below).decode())
    except UnicodeDecodeError:
        raise InvalidKey(below, "it is not UTF-8") from None
