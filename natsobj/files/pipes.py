"""Streams that can wait for ever, each served by a daemon thread with a bounded queue.

A daemon thread and not an executor: the end of the program waits for an executor's threads, and a read of a
terminal or an open of a FIFO never returns.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import io
import os
import select
import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

from natsobj.arguments import as_bytes

QUEUE_SIZE = 4 * 1024 * 1024
"""Bytes between the thread and the event loop, at most (and one block)."""

_BLOCK_SIZE = 256 * 1024


class naming:  # noqa: N801  # as contextlib names such
    """A context that lets errors of the system name the file or stream as its user does."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, e: BaseException | None, __: object) -> None:
        if isinstance(e, OSError) and e.errno is not None:
            raise OSError(e.errno, e.strerror, self._name) from e


def write_all(descriptor: int, view: memoryview) -> None:
    """Write to a file, which may take less at a time."""
    written = os.write(descriptor, view)
    while written < len(view):
        written += os.write(descriptor, view[written:])


class PipeSource:
    """A stream that is read ahead, once.

    Args:
        open_descriptor: called in the thread, for it may block.
        close: the descriptor is closed in the end.
    """

    size: int | None = None

    def __init__(self, open_descriptor: Callable[[], int], name: str, *, close: bool = False) -> None:
        self._close = close
        self.name = name
        self._open = open_descriptor
        self._blocks: deque[bytes] = deque()
        self._queued = 0
        self._ended = False
        self._closed = False
        self._error: BaseException | None = None
        self._room = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._arrived = asyncio.Event()
        self._rest = b""

    async def read(self, size: int, /) -> bytes:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            threading.Thread(target=self._run, name=f"read {self.name}", daemon=True).start()
        parts, have = [self._rest], len(self._rest)
        try:
            while have < size and (block := await self._next()):
                parts.append(block)
                have += len(block)
        except BaseException:  # a read after a cancellation must not miss anything
            self._rest = b"".join(parts)
            raise
        data = b"".join(parts)
        self._rest = data[size:]
        return data[:size] if self._rest else data

    def close(self) -> None:
        """Read no more; a read that is under way ends when something comes."""
        with self._room:
            self._closed = True
            self._room.notify()

    async def _next(self) -> bytes:
        while True:
            with self._room:
                self._arrived.clear()
                if self._blocks:
                    block = self._blocks.popleft()
                    self._queued -= len(block)
                    self._room.notify()
                    return block
                if self._error is not None:
                    raise self._error
                if self._ended:
                    return b""
            await self._arrived.wait()

    def restart(self) -> None:
        raise io.UnsupportedOperation(f"{self.name} can be read only once")

    def check(self) -> None:
        """A stream cannot change while it is read."""

    def _run(self) -> None:
        descriptor = -1
        try:
            with naming(self.name):
                descriptor = self._open()
                while self._queue(self._read_block(descriptor)):
                    self._wake()
        except BaseException as e:  # noqa: BLE001  # it is raised where the result is awaited
            self._error = e
        self._ended = True
        self._wake()
        if self._close and descriptor >= 0:
            os.close(descriptor)

    def _read_block(self, descriptor: int, /) -> bytes:
        while True:
            try:
                return os.read(descriptor, _BLOCK_SIZE)
            except BlockingIOError:  # another process that shares the stream made it non-blocking
                select.select([descriptor], [], [])

    def _queue(self, block: bytes) -> bool:
        """Take a block; False at the end."""
        with self._room:
            self._room.wait_for(lambda: self._queued < QUEUE_SIZE or self._closed)
            if not block or self._closed:
                return False
            self._blocks.append(block)
            self._queued += len(block)
            return True

    def _wake(self) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop ended before the stream did
            self._loop.call_soon_threadsafe(self._arrived.set)


class Readable(Protocol):
    """Anything binary that can be read."""

    def read(self, size: int, /) -> bytes | None:
        """Return at most `size` bytes, none at the end."""


class StreamSource(PipeSource):
    """A binary file that cannot seek, read by its own method.

    Its descriptor is not enough: what the file has buffered, decoded or decrypted is not there.
    """

    def __init__(self, file: Readable, name: str) -> None:
        super().__init__(lambda: -1, name)
        self._file = file

    def _read_block(self, _descriptor: int, /) -> bytes:
        block = self._file.read(_BLOCK_SIZE)
        if block is None:
            raise BlockingIOError(errno.EAGAIN, "it is non-blocking and has no data yet")
        return as_bytes(block, f"what {self.name} gives")


class PipeSink:
    """A stream that a thread writes from a bounded queue; a context that ends the thread.

    A clean exit waits for nothing: `flush` first.

    Args:
        open_descriptor: called in the thread, for it may block.
        close: the descriptor is closed in the end.
    """

    def __init__(self, open_descriptor: Callable[[], int], name: str, *, close: bool = False) -> None:
        self._close = close
        self.name = name
        self._open = open_descriptor
        self._blocks: deque[bytes] = deque()
        self._queued = 0
        self._closing = False
        self._error: BaseException | None = None
        self._work = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._moved = asyncio.Event()

    def __enter__(self) -> PipeSink:
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._run, name=f"write {self.name}", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._work:
            self._closing = True
            self._work.notify()

    def write(self, view: memoryview, /) -> None:
        with self._work:
            self._blocks.append(bytes(view))
            self._queued += view.nbytes
            self._work.notify()

    async def drain(self) -> None:
        await self._until(QUEUE_SIZE)

    async def flush(self) -> None:
        """Wait until all is written.

        Raises:
            BrokenPipeError: the reader went away.
        """
        await self._until(0)

    async def _until(self, most: int) -> None:
        while True:
            with self._work:
                self._moved.clear()
                if self._error is not None:
                    raise self._error
                if self._queued <= most:
                    return
            await self._moved.wait()

    def restart(self) -> None:
        raise io.UnsupportedOperation("what was written to a stream cannot be unsent")

    def _run(self) -> None:
        descriptor = -1
        try:
            with naming(self.name):
                descriptor = self._open()
                while (block := self._take()) is not None:
                    self._write_block(descriptor, memoryview(block))
                    with self._work:
                        self._queued -= len(block)
                    self._wake()
        except BaseException as e:  # noqa: BLE001  # it is raised where the result is awaited
            self._error = e
            self._wake()
        if self._close and descriptor >= 0:
            os.close(descriptor)

    def _write_block(self, descriptor: int, view: memoryview) -> None:
        while view:
            try:
                view = view[os.write(descriptor, view) :]
            except BlockingIOError:  # another process that shares the stream made it non-blocking
                select.select([], [descriptor], [])

    def _take(self) -> bytes | None:
        with self._work:
            self._work.wait_for(lambda: self._blocks or self._closing)
            return self._blocks.popleft() if self._blocks else None

    def _wake(self) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop ended before the stream did
            self._loop.call_soon_threadsafe(self._moved.set)
