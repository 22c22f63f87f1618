"""Where bytes come from and go to: sources that notice a change, files that appear whole or not at all.

A `Source` is read ahead of the server, a `Sink` is written as chunks arrive. What can wait for ever (a pipe,
a FIFO, a slow reader) is served by a thread of pipes.py.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

from natsobj.errors import FileExists, InvalidKey, SourceChanged
from natsobj.pipes import PipeSink, PipeSource

__all__ = [
    "AtomicFile",
    "FileSource",
    "Sink",
    "Source",
    "as_source",
    "open_source",
    "open_stdout",
    "open_target",
    "target_path",
]

STANDARD_STREAM = "-"
_TEMPORARY_SUFFIX = ".natsobj"


@runtime_checkable
class Source(Protocol):
    """Bytes to be stored."""

    @property
    def name(self) -> str:
        """Names the source in messages."""

    @property
    def size(self) -> int | None:
        """Bytes in all, None where that is not known."""

    async def read(self, size: int, /) -> bytes:
        """Return exactly `size` bytes, fewer only at the end, none behind it."""

    def restart(self) -> None:
        """Go back to the first byte.

        Raises:
            io.UnsupportedOperation: the source is a stream.
        """

    def check(self) -> None:
        """Say whether what was read is still what is there.

        Raises:
            SourceChanged: the file was written to since it was opened.
        """


@runtime_checkable
class Sink(Protocol):
    """A place for fetched bytes, given in order."""

    def write(self, view: memoryview, /) -> None:
        """Take a chunk; the view is valid during the call only."""

    async def drain(self) -> None:
        """Wait until more may be written."""

    def restart(self) -> None:
        """Forget what was written.

        Raises:
            io.UnsupportedOperation: it cannot be unsent.
        """


# Sources


class FileSource:
    """A seekable binary file, read from where it stands."""

    def __init__(self, file: BinaryIO | io.FileIO, name: str) -> None:
        self.name = name
        self._file = file
        self._start = file.tell()
        self._state = self._stat()
        self.size: int | None = self._measure()

    async def read(self, size: int, /) -> bytes:
        data = self._file.read(size) or b""
        while 0 < len(data) < size and (more := self._file.read(size - len(data))):
            data += more
        return data

    def restart(self) -> None:
        self._file.seek(self._start)
        self._state = self._stat()
        self.size = self._measure()

    def check(self) -> None:
        if self._stat() != self._state:
            raise SourceChanged(self.name)

    def _measure(self) -> int:
        end = self._file.seek(0, os.SEEK_END)
        self._file.seek(self._start)
        return end - self._start

    def _stat(self) -> tuple[int, int] | None:
        try:
            status = os.fstat(self._file.fileno())
        except (OSError, AttributeError):  # a file in memory has no descriptor
            return None
        return status.st_size, status.st_mtime_ns


def as_source(data: Source | bytes | BinaryIO) -> Source:
    """Return a source for bytes, a binary file, or what is one already."""
    if isinstance(data, (bytes, bytearray, memoryview)):
        return FileSource(io.BytesIO(data), "bytes")
    if isinstance(data, Source):
        return data
    name = str(getattr(data, "name", "a stream"))
    return FileSource(data, name) if data.seekable() else PipeSource(data.fileno, name)


@contextlib.contextmanager
def open_source(file: str | None) -> Iterator[Source]:
    """Open what shall be stored: a file, or standard input for None and `-`.

    Raises:
        OSError: the file is missing, a folder, or cannot be read.
    """
    if file is None or file == STANDARD_STREAM:
        descriptor = sys.stdin.fileno()
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            with open(descriptor, "rb", buffering=0, closefd=False) as stdin:
                yield FileSource(stdin, "standard input")
        else:
            yield PipeSource(lambda: descriptor, "standard input")
    elif _is_stream(Path(file)):
        yield PipeSource(lambda: os.open(file, os.O_RDONLY), file, close=True)
    else:
        with Path(file).open("rb", buffering=0) as regular:
            yield FileSource(regular, file)


# Targets


def target_path(file: str, key: str) -> Path:
    """Return the file that a get writes: `file`, or below it when it is a folder or ends in a slash.

    Raises:
        InvalidKey: in the folder form, the key's last part names no file.
    """
    if not file.endswith("/") and not Path(file).is_dir():
        return Path(file)
    last = key.rpartition("/")[2]
    if last in ("", ".", "..") or "\0" in last:
        raise InvalidKey(key, "its last part names no file")
    return Path(file) / last


@contextlib.asynccontextmanager
async def open_target(path: Path, *, replace: bool, make_folder: bool = False) -> AsyncIterator[Sink]:
    """Open the file that a get writes; it appears whole at the clean end, and not at all otherwise.

    A symbolic link is followed and its target replaced. A FIFO or a device is written directly.

    Args:
        replace: an existing file may be replaced.
        make_folder: the folder may be missing and is made, and taken away again if nothing lands in it.

    Raises:
        FileExists: it is there and may not be replaced, at once or at the end.
        OSError: the folder is missing, full, or may not be written.
    """
    if _is_stream(path):
        with PipeSink(lambda: os.open(path, os.O_WRONLY), close=True) as pipe:
            yield pipe
            await pipe.flush()
        return
    if path.is_file() and not replace:
        raise FileExists(str(path))
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    made = _make_folder(path.parent) if make_folder else []
    try:
        with AtomicFile(Path(os.path.realpath(path))) as file:
            yield file
            file.finish(replace=replace)
    except BaseException:
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


class AtomicFile:
    """A sink that is a hidden temporary file beside its target until it is finished."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._descriptor = -1
        self._temporary = ""

    def __enter__(self) -> AtomicFile:
        stem = os.fsdecode(os.fsencode(self._target.name)[:200])
        try:
            self._descriptor, self._temporary = tempfile.mkstemp(
                _TEMPORARY_SUFFIX, f".{stem}.", str(self._target.parent)
            )
        except OSError as e:  # name what was asked for, not the temporary file
            raise OSError(e.errno, e.strerror, str(self._target)) from e
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        if self._temporary:
            with contextlib.suppress(FileNotFoundError):
                Path(self._temporary).unlink()

    def write(self, view: memoryview, /) -> None:
        try:
            written = os.write(self._descriptor, view)
            while written < len(view):
                written += os.write(self._descriptor, view[written:])
        except OSError as e:
            raise OSError(e.errno, e.strerror, str(self._target)) from e

    async def drain(self) -> None:
        """A file never makes anyone wait."""

    def restart(self) -> None:
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.ftruncate(self._descriptor, 0)

    def finish(self, *, replace: bool) -> None:
        """Give the file its name.

        Raises:
            FileExists: another one took the name meanwhile and may not be replaced.
        """
        os.fchmod(self._descriptor, 0o666 & ~_umask())
        descriptor, self._descriptor = self._descriptor, -1
        os.close(descriptor)
        if replace:
            Path(self._temporary).replace(self._target)
            self._temporary = ""
            return
        try:
            os.link(self._temporary, self._target)  # fails where a rename would replace
        except FileExistsError:
            raise FileExists(str(self._target)) from None
        except OSError:  # no hard links here
            if self._target.exists():
                raise FileExists(str(self._target)) from None
            Path(self._temporary).replace(self._target)
            self._temporary = ""


class _Descriptor:
    """A sink that writes a regular file behind a descriptor and cannot take anything back."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, view: memoryview, /) -> None:
        written = os.write(self._descriptor, view)
        while written < len(view):
            written += os.write(self._descriptor, view[written:])

    async def drain(self) -> None:
        """A file never makes anyone wait."""

    def restart(self) -> None:
        raise io.UnsupportedOperation("standard output cannot be unsent")


@contextlib.asynccontextmanager
async def open_stdout() -> AsyncIterator[Sink]:
    """Open standard output as a sink; all is written at the clean end.

    Raises:
        BrokenPipeError: the reader went away.
    """
    descriptor = sys.stdout.fileno()
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        yield _Descriptor(descriptor)
        return
    with PipeSink(lambda: descriptor) as pipe:
        yield pipe
        await pipe.flush()


def _make_folder(folder: Path) -> list[Path]:
    """Make a folder and return those that were made, innermost first."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    if missing:
        missing[0].mkdir(parents=True, exist_ok=True)
    return missing


def _is_stream(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode) or stat.S_ISBLK(mode)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
