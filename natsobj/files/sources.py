"""Sources: files that notice a change, and streams."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from natsobj.errors import SourceChanged
from natsobj.files import Source
from natsobj.files.descriptors import descriptor_of, is_stream, named_descriptor
from natsobj.files.pipes import PipeSource, naming

__all__ = ["STANDARD_STREAM", "FileSource", "open_regular", "open_source"]

STANDARD_STREAM = "-"
_STDIN = "standard input"
_AT_ONCE = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class FileSource:
    """A seekable binary file, read from its current position."""

    def __init__(self, file: BinaryIO | io.FileIO, name: str) -> None:
        self.name = name
        self._file = file
        self._start = file.tell()
        self._state = self._stat()
        self._given = 0
        self.size: int | None = self._measure()

    async def read(self, size: int, /) -> bytes:
        with naming(self.name):
            data = self._file.read(size) or b""
            while 0 < len(data) < size and (more := self._file.read(size - len(data))):
                data += more
        self._given += len(data)
        if self.size and self._given > self.size:  # it may grow as fast as it is read, for ever
            raise SourceChanged(self.name)
        if len(data) < size and self._misses_some():
            raise SourceChanged(self.name)
        return data

    def restart(self) -> None:
        self._file.seek(self._start)
        self._given = 0
        self._state = self._stat()
        self.size = self._measure()

    def check(self) -> None:
        now = self._stat()
        if now is None or self._state is None:  # it is in memory
            return
        if now.size != self._state.size:
            raise SourceChanged(self.name)
        if now.modified != self._state.modified:
            raise SourceChanged(self.name, only_time=True)

    def times(self) -> tuple[int, int, int]:
        """Return the file's size, and when its content and its status were changed, in nanoseconds."""
        status = os.fstat(self._file.fileno())
        return status.st_size, status.st_mtime_ns, status.st_ctime_ns

    def _misses_some(self) -> bool:
        """Return whether it ended before its size; files of /sys do, whose size is made up."""
        made_up = self._state is not None and not self._state.blocks
        return self.size is not None and self._given < self.size and not made_up

    def _measure(self) -> int | None:
        if self._state is not None and self._state.size and self._state.blocks:
            return max(0, self._state.size - self._start)
        try:
            end = self._file.seek(0, os.SEEK_END)
        except OSError:  # much of /proc has no end before it was read
            return None
        self._file.seek(self._start)
        return max(0, end - self._start)

    def _stat(self) -> _State | None:
        try:
            status = os.fstat(self._file.fileno())
        except (OSError, AttributeError):  # a file in memory has no descriptor
            return None
        return _State(status.st_size, status.st_mtime_ns, getattr(status, "st_blocks", 1))


class _State(NamedTuple):
    """What the system says of a file."""

    size: int
    modified: int
    """In nanoseconds."""
    blocks: int
    """On the disk; it changes by itself."""


@contextlib.contextmanager
def open_source(file: str | None) -> Iterator[Source]:
    """Open what shall be stored: a file, or standard input for None and `-`.

    A name for an open descriptor, such as `/dev/fd/3`, is that descriptor, read from its current position.

    Raises:
        OSError: the file is missing, a folder, or cannot be read.
    """
    descriptor, name = _named(file)
    if descriptor is not None:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            with open(descriptor, "rb", buffering=0, closefd=False) as open_file:
                yield FileSource(open_file, name)
        else:
            with contextlib.closing(PipeSource(lambda: descriptor, name)) as pipe:
                yield pipe
    elif is_stream(Path(name)):
        opened = PipeSource(lambda: os.open(name, os.O_RDONLY), name, close=True)
        with contextlib.closing(opened) as pipe:
            yield pipe
    else:
        with Path(name).open("rb", buffering=0) as open_file:
            yield FileSource(open_file, name)


def _named(file: str | None) -> tuple[int | None, str]:
    """Return the descriptor that is meant, if it is one, and what messages call it."""
    if file is None or file == STANDARD_STREAM:
        return descriptor_of(sys.stdin, _STDIN), _STDIN
    return named_descriptor(file), file


@contextlib.contextmanager
def open_regular(path: str) -> Iterator[FileSource]:
    """Open a regular file, and nothing that could keep us waiting: it may have become something else.

    Raises:
        OSError: it is missing, cannot be read, or is not a regular file.
    """
    with naming(path):
        descriptor = os.open(path, os.O_RDONLY | _AT_ONCE)
    with regular(descriptor, path) as source:
        yield source


@contextlib.contextmanager
def regular(descriptor: int, name: str) -> Iterator[FileSource]:
    """Read what is behind a descriptor, and close it.

    Raises:
        OSError: it is not a regular file.
    """
    try:
        with naming(name):
            file = open(descriptor, "rb", buffering=0)  # noqa: SIM115
    except OSError:
        os.close(descriptor)
        raise
    with file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", name)
        yield FileSource(file, name)
