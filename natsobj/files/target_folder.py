"""The files below one folder that objects are fetched into: none outside of it, whatever the keys are."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from natsobj.errors import FileExists, InvalidKey
from natsobj.files.pipes import naming
from natsobj.files.targets import make_folders

__all__ = ["Place", "Places", "path_parts"]

_DEVICE = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *([.:].*)?", re.IGNORECASE | re.DOTALL
)
"""What Windows takes for a device in any folder, also with something behind a dot or a colon."""

_NOT_ON_WINDOWS = frozenset('<>:"|?*\\')

_MOST_KNOWN = 10_000
"""Folders that are remembered as being there."""


def path_parts(path: str, *, windows: bool = os.name == "nt") -> list[str]:
    """Split the part of a key that names a file below a folder.

    Names of Windows devices are refused everywhere: what lands here can land there.

    Args:
        windows: refuse what is special there as well: backslashes, drives, streams.

    Raises:
        InvalidKey: it could lead out of the folder, or no file can have this name.
    """
    try:
        parts = os.fsdecode(path.encode()).split("/")
    except UnicodeEncodeError:
        raise InvalidKey(path, "it is not UTF-8") from None
    for part in parts:
        if not part:
            raise InvalidKey(path, "a part of its path is empty")
        if part in (".", ".."):
            raise InvalidKey(path, f"{part} is no name of a file")
        if "\0" in part:
            raise InvalidKey(path, "a NUL is in it")
        if _DEVICE.fullmatch(part):
            raise InvalidKey(path, f"{part} is a device on Windows")
        if windows and (not _NOT_ON_WINDOWS.isdisjoint(part) or part[-1] in " ."):
            raise InvalidKey(path, f"{part} is no name of a file on Windows")
    return parts


@dataclass(frozen=True, slots=True)
class Place:
    """Where one object lands."""

    path: Path
    """Free of links."""
    name: str
    """What messages call it."""
    exists: bool
    """A regular file is there."""


class Places:
    """Gives out places below a folder; that and those on the way are made when they are first needed."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._top = Path(os.path.realpath(folder))
        self._known: dict[str, Path] = {}
        """Folders below the top one that are there, and what they really are."""
        self._empty: set[Path] = set()
        """Folders that were made and have nothing in them so far."""
        self._taken: set[Path] = set()

    @contextlib.contextmanager
    def take(self, path: str) -> Iterator[Place]:
        """Keep everybody else from a place during the block, at whose clean end a file is there.

        Raises:
            InvalidKey: the path leads out of the folder, by itself or by a link that is there.
            FileExists: another object is about to land there.
            OSError: something is there that is no regular file, or a file where a folder must be.
        """
        *folders, name = path_parts(path)
        shown = Path(self._folder, *folders, name)
        target, exists = self._look(self._enter(folders) / name, shown)
        if target in self._taken:
            raise FileExists(str(shown))
        self._taken.add(target)
        try:
            yield Place(target, str(shown), exists)
        finally:
            self._taken.discard(target)
        self._fill(target.parent)

    def make(self) -> None:
        """Make the folder, also if nothing lands there."""
        make_folders(self._top, [])

    def tidy(self) -> None:
        """Take the folders away that were made for nothing."""
        for folder in sorted(self._empty, reverse=True):  # what is inside of another comes before it
            with contextlib.suppress(OSError):
                folder.rmdir()
        self._empty.clear()
        self._known.clear()

    def _enter(self, folders: list[str]) -> Path:
        """Return what a folder really is; it is made if it is missing."""
        below = "/".join(folders)
        if (known := self._known.get(below)) is not None:
            return known
        self._make_top()
        folder, shown = self._top, self._folder
        for name in folders:
            folder, shown = folder / name, shown / name
            if folder in self._taken:
                raise _not_a_folder(shown)
            try:
                with naming(str(shown)):
                    folder.mkdir()
                self._empty.add(folder)
            except FileExistsError:
                folder = self._inside(folder, shown)
                if not folder.is_dir():
                    raise _not_a_folder(shown) from None
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[below] = folder
        return folder

    def _make_top(self) -> None:
        made: list[Path] = []
        try:
            make_folders(self._top, made)
        finally:
            self._empty.update(made)

    def _look(self, path: Path, shown: Path) -> tuple[Path, bool]:
        """Return the file that a path leads to, and whether it is there."""
        with naming(str(shown)):
            status = _status(path)
            if status is not None and stat.S_ISLNK(status.st_mode):
                path = self._inside(path, shown)
                status = _status(path)
        if status is None:
            return path, False
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(shown))
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(shown))
        return path, True

    def _inside(self, path: Path, shown: Path) -> Path:
        """Follow links, but not out of the folder."""
        real = Path(os.path.realpath(path))
        if not real.is_relative_to(self._top):
            raise InvalidKey(str(shown), f"{shown} is a link that leads out of the folder")
        return real

    def _fill(self, folder: Path) -> None:
        while folder in self._empty:
            self._empty.remove(folder)
            folder = folder.parent


def _not_a_folder(shown: Path) -> NotADirectoryError:
    return NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(shown))


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except FileNotFoundError:
        return None
