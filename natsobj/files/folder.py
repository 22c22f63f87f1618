"""An open folder: what is done in it is done there, wherever its path leads by then.

Where the system has no such calls (Windows), it is its path.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from types import TracebackType
from typing import TypedDict

__all__ = ["Folder", "identity"]

_BY_DESCRIPTOR = os.open in os.supports_dir_fd
_ENTER = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_CLOEXEC", 0)
"""With O_PATH the folder need not be readable."""
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)


class _At(TypedDict, total=False):
    dir_fd: int


class Folder:
    """A context that closes it.

    Args:
        path: where it was when it was opened.
        owned: the descriptor is closed with it.
    """

    def __init__(self, path: str, descriptor: int, *, owned: bool = True) -> None:
        self.path = path
        self._descriptor = descriptor
        self._owned = owned
        self._identity: tuple[int, int] | None = None

    @classmethod
    def open(cls, path: str) -> Folder:
        """Open a folder; links are followed.

        Raises:
            OSError: it is missing, no folder, or may not be entered.
        """
        path = path or os.curdir
        if _BY_DESCRIPTOR:
            return cls(path, os.open(path, _ENTER))
        if not os.path.isdir(path):  # noqa: PTH112
            raise _not_a_folder(path)
        return cls(path, -1)

    def shared(self) -> Folder:
        """Return the same folder for somebody who closes it earlier."""
        return Folder(self.path, self._descriptor, owned=False)

    def enter(self, name: str) -> Folder:
        """Open a folder in this one; a link is not followed.

        Raises:
            NotADirectoryError: it is something else, such as a link.
            OSError: it is missing, or may not be entered.
        """
        path = self.path if name == os.curdir else os.path.join(self.path, name)  # noqa: PTH118
        if not _BY_DESCRIPTOR:
            status = os.lstat(path)
            if not stat.S_ISDIR(status.st_mode):
                raise _not_a_folder(path)
            return Folder(path, -1)
        try:
            return Folder(path, os.open(name, _ENTER | _NO_LINK, dir_fd=self._descriptor))
        except OSError as e:
            if e.errno == errno.ELOOP:  # what a link is on some systems
                raise _not_a_folder(path) from e
            raise

    def __enter__(self) -> Folder:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the descriptor; closing it again does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0 and self._owned:
            os.close(descriptor)

    def identity(self) -> tuple[int, int]:
        """Return what tells it from all others."""
        if self._descriptor < 0:
            return identity(os.stat(self.path))  # noqa: PTH116
        if self._identity is None:
            self._identity = identity(os.fstat(self._descriptor))
        return self._identity

    def status(self, name: str) -> os.stat_result | None:
        """Return what is there, a link itself; None for nothing."""
        path, at = self._at(name)
        try:
            return os.stat(path, follow_symlinks=False, **at)  # noqa: PTH116
        except FileNotFoundError:
            return None

    def find(self, below: str) -> tuple[int, int] | None:
        """Return the identity of what a path leads to from here, links included; None if nothing is."""
        path, at = self._at(below or os.curdir)
        try:
            return identity(os.stat(path, **at))  # noqa: PTH116
        except OSError:
            return None

    def create(self, name: str, mode: int) -> int:
        """Make a file, and return its descriptor, for writing.

        Raises:
            FileExistsError: something is there.
        """
        path, at = self._at(name)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_LINK | _BINARY, mode, **at)

    def open_file(self, name: str, *, write: bool = False) -> int:
        """Return the descriptor of a file for reading; no link is followed, and nothing is waited for.

        Args:
            write: for writing as well.
        """
        path, at = self._at(name)
        return os.open(
            path,
            (os.O_RDWR if write else os.O_RDONLY) | getattr(os, "O_NONBLOCK", 0) | _NO_LINK | _BINARY,
            **at,
        )

    def mkdir(self, name: str) -> None:
        """Make a folder."""
        path, at = self._at(name)
        os.mkdir(path, **at)  # noqa: PTH102

    def rmdir(self, name: str) -> None:
        """Remove an empty folder."""
        path, at = self._at(name)
        os.rmdir(path, **at)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there and can be removed."""
        path, at = self._at(name)
        with contextlib.suppress(OSError):
            os.unlink(path, **at)

    def unlink(self, name: str) -> None:
        """Remove a file.

        Raises:
            OSError: it is missing, or cannot be removed.
        """
        path, at = self._at(name)
        os.unlink(path, **at)

    def link(self, name: str, new: str) -> None:
        """Rename a file; the new name must be free."""
        source, target = self._at(name)[0], self._at(new)[0]
        if self._descriptor >= 0:
            os.link(source, target, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        else:
            os.link(source, target)

    def replace(self, name: str, new: str) -> None:
        """Rename a file; what has the new name is replaced."""
        source, target = self._at(name)[0], self._at(new)[0]
        if self._descriptor >= 0:
            os.replace(source, target, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        else:
            os.replace(source, target)  # noqa: PTH105

    def _at(self, name: str) -> tuple[str, _At]:
        if self._descriptor >= 0:
            return name, {"dir_fd": self._descriptor}
        return os.path.join(self.path, name), {}  # noqa: PTH118


def identity(status: os.stat_result) -> tuple[int, int]:
    """Return device and inode."""
    return status.st_dev, status.st_ino


def _not_a_folder(path: str) -> NotADirectoryError:
    return NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
