"""The files below one folder that objects are fetched into: none outside of it, whatever the keys are."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from natsobj.errors import FileExists, InvalidKey
from natsobj.files import Sink, Source
from natsobj.files.atomic_file import AtomicFile
from natsobj.files.folder import Folder, identity
from natsobj.files.pipes import naming
from natsobj.files.sources import regular
from natsobj.files.targets import make_folders, remove_folders

__all__ = ["Target", "TargetFolder", "path_parts"]

_DEVICE = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *([.:].*)?", re.IGNORECASE | re.DOTALL
)
"""What Windows takes for a device in any folder, also with something behind a dot or a colon."""

_NOT_ON_WINDOWS = frozenset('<>:"|?*\\')

_MOST_LINKS = 40
"""On one way, as the system has it."""
_MOST_OPEN = 50
"""Folders at once while they are taken away."""
_ATTEMPTS = 5
"""At a way that somebody changes while it is gone."""


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
            raise InvalidKey(path, "part of its path is empty")
        if part in (".", ".."):
            raise InvalidKey(path, f"{part} is not a valid file name")
        if "\0" in part:
            raise InvalidKey(path, "a NUL is in it")
        if _DEVICE.fullmatch(part):
            raise InvalidKey(path, f"{part} is a device on Windows")
        if windows and (not _NOT_ON_WINDOWS.isdisjoint(part) or part[-1] in " ."):
            raise InvalidKey(path, f"{part} is not a valid file name on Windows")
    return parts


class Target:
    """Where one object lands: a file in an open folder."""

    def __init__(self, folder: TargetFolder, found: _Found, name: str) -> None:
        self._home = folder
        self._found = found
        self.name = name
        """What messages call it."""
        self.exists = found.exists
        """A regular file is there."""

    @contextlib.contextmanager
    def source(self) -> Iterator[Source]:
        """Open the file that is there for reading.

        Raises:
            OSError: it cannot be read, or is not a regular file any more.
        """
        with naming(self.name):
            descriptor = self._found.folder.open_file(self._found.name)
        with regular(descriptor, self.name) as source:
            yield source

    @contextlib.contextmanager
    def open(self, *, replace: bool) -> Iterator[Sink]:
        """Open the file; it appears whole at the clean end, and not at all otherwise.

        Raises:
            FileExists: it is there and may not be replaced.
            OSError: it cannot be written, or its folder was moved meanwhile.
        """
        with contextlib.ExitStack() as stack:
            file = self._home.begin(self._found, self.name, stack)
            yield file
            self._home.check(self._found, self.name)
            file.finish(replace=replace)


@dataclass(slots=True)
class _Found:
    """A name in an open folder."""

    folder: Folder
    way: tuple[str, ...]
    """The names that lead to it from the top folder, none of them a link."""
    name: str
    exists: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        return (*self.way, self.name)


class TargetFolder:
    """Gives out targets below a folder; that and those on the way are made when they are first needed.

    No path is trusted twice: every folder is entered from the one that it is in, and links are not followed
    on the way. One that is found is looked up by the system, and what it leads to is entered like any other.
    """

    def __init__(self, folder: str) -> None:
        self._shown = Path(folder)
        self._path = Path()
        """The top folder without links, once it is open."""
        self._top: Folder | None = None
        self._made: list[Path] = []
        """The top folder and those that it is in, as far as they were made, and nothing is in them."""
        self._empty: set[tuple[str, ...]] = set()
        """Folders below it that were made and have nothing in them so far."""
        self._taken: set[tuple[str, ...]] = set()

    @contextlib.contextmanager
    def take(self, path: str) -> Iterator[Target]:
        """Keep everybody else from a target during the block, at whose clean end a file is there.

        Raises:
            InvalidKey: the path leads out of the folder, by itself or by a link that is there.
            FileExists: another object is about to land there.
            OSError: something is there that is not a regular file, or a file where a folder must be.
        """
        parts = path_parts(path)
        name = self._name_of(parts)
        found = self._resolve(parts, name)
        try:
            if found.path in self._taken:
                error = FileExists(name)
                error.add_note("another object lands there by a link")
                raise error
            self._taken.add(found.path)
            try:
                yield Target(self, found, name)
            finally:
                self._taken.discard(found.path)
        finally:
            found.folder.close()
        self._fill(found.way)

    def make(self) -> None:
        """Make the folder, also if nothing lands there."""
        self._open_top()
        self._made.clear()

    def tidy(self) -> None:
        """Take the folders away that were made for nothing."""
        for way in sorted(self._empty, key=len, reverse=True):
            with contextlib.suppress(OSError):
                self._remove(way)
        self._empty.clear()
        if self._top is not None:
            self._top.close()
            self._top = None
        remove_folders(self._made)
        self._made.clear()

    def begin(self, found: _Found, name: str, stack: contextlib.ExitStack) -> AtomicFile:
        """Make the temporary file of a target."""
        for _ in range(_ATTEMPTS):
            with contextlib.suppress(FileNotFoundError):
                return stack.enter_context(AtomicFile(found.folder, found.name, name, replaces=found.exists))
            found.folder.close()  # removed by the one that had created it and did not need it
            found.folder = self._enter(found.way)[0]
        return stack.enter_context(AtomicFile(found.folder, found.name, name))

    def check(self, found: _Found, name: str) -> None:
        """Return whether a target's folder is still where it was.

        Raises:
            OSError: it is not.
        """
        top = self._open_top()
        same = identity(os.stat(self._shown)) == top.identity()  # noqa: PTH116
        if not same or (found.way and top.find("/".join(found.way)) != found.folder.identity()):
            raise OSError(errno.ESTALE, "its folder was moved meanwhile", name)

    # Ways

    def _name_of(self, way: Sequence[str]) -> str:
        """Return what messages call a file or folder."""
        top = str(self._shown)
        return os.path.join("" if top == os.curdir else top, *way)  # noqa: PTH118

    def _resolve(self, parts: Sequence[str], shown: str) -> _Found:
        """Open the folder of a target, and look what is there."""
        for _ in range(_ATTEMPTS):
            *folders, name = parts
            folder, way = self._enter(folders)
            try:
                with naming(shown):
                    status = folder.status(name)
                if status is None or not stat.S_ISLNK(status.st_mode):
                    _check_regular(status, shown)
                    return _Found(folder, way, name, status is not None)
                parts = self._inside((*way, name))
            except BaseException:
                folder.close()
                raise
            folder.close()
            if not parts:
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), shown)
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), shown)

    def _enter(self, parts: Sequence[str]) -> tuple[Folder, tuple[str, ...]]:
        """Open a folder, which is made if it is missing, and say which way led to it in the end."""
        ahead = deque(parts)
        way: tuple[str, ...] = ()
        folder, links = self._open_top().shared(), 0
        try:
            while ahead:
                name = ahead.popleft()
                inner = self._step(folder, (*way, name))
                folder.close()
                if inner is not None:
                    folder, way = inner, (*way, name)
                    continue
                if (links := links + 1) > _MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), self._name_of((*way, name)))
                ahead.extendleft(reversed(self._inside((*way, name))))
                folder, way = self._open_top().shared(), ()
        except BaseException:
            folder.close()
            raise
        return folder, way

    def _step(self, folder: Folder, way: tuple[str, ...]) -> Folder | None:
        """Enter a folder, which is made if it is missing; None if it is a link."""
        name, shown = way[-1], self._name_of(way)
        if way in self._taken:
            raise _not_a_folder(shown)
        with naming(shown):
            for _ in range(_ATTEMPTS):
                try:
                    return folder.enter(name)
                except FileNotFoundError:
                    with contextlib.suppress(FileExistsError):
                        folder.mkdir(name)
                        self._empty.add(way)
                except NotADirectoryError:
                    status = folder.status(name)
                    if status is not None and stat.S_ISLNK(status.st_mode):
                        return None
                    if status is not None and not stat.S_ISDIR(status.st_mode):
                        raise
            return folder.enter(name)

    def _inside(self, way: tuple[str, ...]) -> tuple[str, ...]:
        """Ask the system where a link leads; the answer is a way that is to be gone like any other.

        Raises:
            InvalidKey: it leads out of the folder.
        """
        real = Path(os.path.realpath(Path(self._path, *way)))
        if not real.is_relative_to(self._path):
            shown = self._name_of(way)
            raise InvalidKey(shown, f"{shown} is a link that leads out of the folder")
        return real.relative_to(self._path).parts

    def _remove(self, way: tuple[str, ...]) -> None:
        """Remove an empty folder, and those that it is in as far as they are to go and are empty then."""
        while way in self._empty:
            with contextlib.ExitStack() as stack:
                inner = deque([stack.enter_context(self._open_top().enter(os.curdir))])
                for name in way[:-1]:
                    inner.append(stack.enter_context(inner[-1].enter(name)))
                    if len(inner) > _MOST_OPEN:
                        inner.popleft().close()
                while inner and way in self._empty:
                    inner.pop().rmdir(way[-1])
                    self._empty.remove(way)
                    way = way[:-1]

    def _open_top(self) -> Folder:
        if self._top is None:
            make_folders(self._shown, self._made)
            self._path = Path(os.path.realpath(self._shown))
            with naming(str(self._shown)):
                self._top = Folder.open(str(self._shown))
        return self._top

    def _fill(self, way: tuple[str, ...]) -> None:
        while way in self._empty:
            self._empty.remove(way)
            way = way[:-1]
        self._made.clear()


def _check_regular(status: os.stat_result | None, shown: str) -> None:
    """Refuse what a file cannot replace."""
    if status is None or stat.S_ISREG(status.st_mode):
        return
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), shown)
    raise OSError(errno.EINVAL, "not a regular file", shown)


def _not_a_folder(shown: str) -> NotADirectoryError:
    return NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), shown)
