"""Files that a caller has opened, as sinks."""

from __future__ import annotations

import errno
import io
import os
from typing import BinaryIO, Protocol

from natsobj.files.pipes import PipeSink, naming

__all__ = ["FileSink", "StreamSink", "Writable"]


class Writable(Protocol):
    """Anything binary that can be written."""

    def write(self, data: bytes, /) -> int | None:
        """Take bytes, and return how many; None is all."""


class FileSink:
    """An open file that never blocks, written from its current position."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self._start = file.tell() if file.seekable() else None
        if self._start is not None and file.seek(0, os.SEEK_END) > self._start:
            file.seek(self._start)
            self._start = None  # what follows would be lost with what was written

    def write(self, view: memoryview, /) -> None:
        with naming(self._name):
            while view:
                view = view[self._file.write(view) :]

    async def drain(self) -> None:
        """A file never makes anyone wait."""

    def restart(self) -> None:
        if self._start is None:
            raise io.UnsupportedOperation(f"{self._name} cannot be unwritten")
        with naming(self._name):
            self._file.seek(self._start)
            self._file.truncate()

    def flush(self) -> None:
        """Flush everything that was written to the system."""
        with naming(self._name):
            self._file.flush()


class StreamSink(PipeSink):
    """Anything that can be written, by its own method, in a thread.

    Where the context ends with an error, what is not written yet never will be.
    """

    def __init__(self, file: Writable, name: str) -> None:
        super().__init__(lambda: -1, name)
        self._file = file

    def __exit__(self, kind: object = None, *_: object) -> None:
        with self._work:
            if kind is not None:
                self._blocks.clear()
            self._closing = True
            self._work.notify()

    async def flush(self) -> None:
        with self._work:
            self._blocks.append(b"")  # stands for the flush of the file itself
            self._queued += 1
            self._work.notify()
        await super().flush()

    def _write_block(self, _descriptor: int, view: memoryview) -> None:
        if not view:
            flush = getattr(self._file, "flush", None)
            if flush is not None:
                flush()
            with self._work:
                self._queued -= 1
        while view:
            written = self._file.write(bytes(view))
            if written is None and isinstance(self._file, io.RawIOBase):
                raise BlockingIOError(errno.EAGAIN, "it is non-blocking and not ready for writing")
            view = view[len(view) if written is None else written :]
