"""What callers of the library pass: anything that has bytes becomes a source, any target a sink.

Only regular files and memory are read and written in the event loop; anything else could stall it.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import stat
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, cast

from natsobj.arguments import wrong_type
from natsobj.errors import InvalidArgument, NatsobjError
from natsobj.files import Sink, Source
from natsobj.files.descriptors import is_stream, named_descriptor
from natsobj.files.iterables import (
    AsyncIterableSource,
    AsyncReadable,
    IterableSource,
    is_async_file,
    read_blocks,
)
from natsobj.files.pipes import Readable, StreamSource
from natsobj.files.sources import STANDARD_STREAM, FileSource, open_regular, open_source
from natsobj.files.targets import open_target
from natsobj.files.writers import FileSink, StreamSink, Writable

__all__ = ["Data", "Target", "as_source", "check_target", "open_data", "open_into", "open_named"]

if TYPE_CHECKING:
    StrPath: TypeAlias = os.PathLike[str]
else:
    StrPath: TypeAlias = os.PathLike

Data: TypeAlias = (
    bytes
    | bytearray
    | memoryview
    | StrPath
    | Readable
    | AsyncReadable
    | Iterable[bytes]
    | AsyncIterable[bytes]
    | Source
)
"""What can be stored: bytes, a `Path`, a binary file, a sync or async iterable of bytes, or a `Source`."""

Target: TypeAlias = StrPath | Writable | Sink
"""What can be written to: a `Path`, a binary file, or a `Sink`."""

_DATA = "bytes, a Path, a binary file, an iterable of bytes or a Source"
_TARGET = "a Path, a binary file or a Sink"
_ORDINARY = (io.FileIO, io.BufferedReader, io.BufferedWriter, io.BufferedRandom)


@contextlib.asynccontextmanager
async def open_data(data: Data) -> AsyncIterator[Source]:
    """Yield a source for the data to store, and close what was opened for it.

    Raises:
        TypeError: it has no bytes to store.
        OSError: the file cannot be opened.
    """
    if isinstance(data, os.PathLike) and not isinstance(data, type):
        path = os.fsdecode(data)
        with open_source(path if path != STANDARD_STREAM else f"./{path}") as opened:
            yield opened
        return
    source = as_source(data)
    try:
        yield source
    finally:
        if isinstance(source, AsyncIterableSource):
            await source.aclose()
        elif source is not data and isinstance(source, StreamSource | IterableSource):
            source.close()


@contextlib.contextmanager
def open_named(data: object) -> Iterator[tuple[str, FileSource]]:
    """Open a regular file, and yield its absolute path with it.

    Raises:
        InvalidArgument: it is not given by its path, or is not a regular file.
        OSError: it cannot be opened.
    """
    if not isinstance(data, os.PathLike) or isinstance(data, type):
        raise InvalidArgument("only a file that is named by a path can be resumed")
    path = os.fsdecode(data)
    if named_descriptor(path) is not None or is_stream(Path(path)):
        raise InvalidArgument(f"only a regular file can be resumed: {path}")
    with open_regular(path) as file:
        yield os.path.realpath(path), file


def as_source(data: Data) -> Source:
    """Return a source for bytes, for a binary file from its current position, or for an iterable.

    Raises:
        TypeError: it is none of these, and not a source either.
    """
    if isinstance(data, (bytes, bytearray, memoryview)):
        return FileSource(io.BytesIO(data.tobytes() if isinstance(data, memoryview) else data), "bytes")
    if isinstance(data, Source):
        return data
    if isinstance(data, type):
        raise wrong_type("data", _DATA, data)
    if isinstance(data, str):
        raise TypeError(f"data must be {_DATA}, not str: Path(...) names a file, .encode() makes bytes")
    if is_async_file(data):
        return AsyncIterableSource(read_blocks(cast(AsyncReadable, data)), _name_of(data))
    if hasattr(data, "read"):
        return _file_source(data)
    if isinstance(data, AsyncIterable):
        return AsyncIterableSource(data)
    if isinstance(data, Iterable) and not isinstance(data, Mapping):
        return IterableSource(data)
    raise wrong_type("data", _DATA, data)


def check_target(into: object) -> None:
    """Refuse what cannot be written to.

    Raises:
        TypeError: it is not a path, a binary file or a sink.
        InvalidArgument: it is a file that is only open for reading.
    """
    if isinstance(into, type):
        raise wrong_type("into", _TARGET, into)
    if isinstance(into, (os.PathLike, Sink)):
        return
    if isinstance(into, str):
        raise TypeError(f"into must be {_TARGET}, not str: Path(...) names a file")
    if not hasattr(into, "write") or inspect.iscoroutinefunction(into.write) or hasattr(into, "drain"):
        raise wrong_type("into", _TARGET, into)
    _refuse_text(into, "into")
    if isinstance(into, io.IOBase) and not into.writable():
        raise InvalidArgument(f"into is not open for writing: {_name_of(into)}")


@contextlib.asynccontextmanager
async def open_into(into: Target, *, replace: bool) -> AsyncIterator[Sink]:
    """Yield a sink for a checked target.

    The file of a path appears whole if the block ends without an error, and otherwise not at all; missing
    folders are created. What is written to an open file stays there in any case, and is flushed if the block
    ends without an error.

    Args:
        replace: the file of a path may be replaced.

    Raises:
        FileExists: the file of a path exists and may not be replaced.
        OSError: it cannot be written.
    """
    if isinstance(into, os.PathLike):
        async with open_target(Path(os.fsdecode(into)), replace=replace) as target:
            yield target
    elif isinstance(into, Sink):
        try:
            yield _Guarded(into)
        except _SinkFailed as e:
            raise e.error from e.error.__cause__
    elif _is_ordinary(into):
        sink = FileSink(cast(BinaryIO, into), _name_of(into))
        yield sink
        sink.flush()
    else:
        with StreamSink(into, _name_of(into)) as stream:
            yield stream
            await stream.flush()


class _SinkFailed(Exception):
    """Carries an error of the caller's sink past the transfer, which must not take it for its own."""

    def __init__(self, error: NatsobjError) -> None:
        self.error = error
        super().__init__(str(error))


class _Guarded:
    """A caller's sink, which may itself write to a store: its errors are kept apart from the transfer's."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.restart = sink.restart

    def write(self, view: memoryview, /) -> None:
        try:
            self._sink.write(view)
        except NatsobjError as e:
            raise _SinkFailed(e) from e

    async def drain(self) -> None:
        try:
            await self._sink.drain()
        except NatsobjError as e:
            raise _SinkFailed(e) from e


def _file_source(file: Any) -> Source:
    _refuse_text(file, "data")
    if isinstance(file, io.IOBase) and not file.readable():
        raise InvalidArgument(f"data is not open for reading: {_name_of(file)}")
    name = _name_of(file)
    return FileSource(file, name) if _is_ordinary(file) else StreamSource(file, name)


def _refuse_text(file: object, argument: str) -> None:
    if isinstance(file, io.TextIOBase) or isinstance(getattr(file, "encoding", None), str):
        raise wrong_type(argument, "a binary file", file)


def _is_ordinary(file: Any) -> bool:
    """Return whether a file is in memory or a regular file of the system: those never block."""
    file = getattr(file, "file", file)  # those of tempfile wrap another one
    if type(file) is io.BytesIO:
        return True
    if type(file) not in _ORDINARY or type(getattr(file, "raw", file)) is not io.FileIO:
        return False
    return stat.S_ISREG(os.fstat(file.fileno()).st_mode)


def _name_of(file: object) -> str:
    return str(getattr(file, "name", "a stream"))
