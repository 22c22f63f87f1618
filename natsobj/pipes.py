"""Streams that can wait for ever, each served by a daemon thread with a bounded queue.

A daemon thread and not an executor: the end of the program waits for an executor's threads, and a read of a
terminal or an open of a FIFO never returns.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import threading
from collections import deque
from collections.abc import Callable

QUEUE_SIZE = 4 * 1024 * 1024
"""Bytes between the thread and the event loop, at most (and one block)."""

_BLOCK_SIZE = 256 * 1024


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
        self._error: OSError | None = None
        self._room = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._arrived = asyncio.Event()
        self._rest = b""

    async def read(self, size: int, /) -> bytes:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            threading.Thread(target=self._run, name=f"read {self.name}", daemon=True).start()
        parts, have = [self._rest], len(self._rest)
        while have < size and (block := await self._next()):
            parts.append(block)
            have += len(block)
        data = b"".join(parts)
        self._rest = data[size:]
        return data[:size] if self._rest else data

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
        """A stream cannot change behind our back."""

    def _run(self) -> None:
        descriptor = -1
        try:
            descriptor = self._open()
            while block := os.read(descriptor, _BLOCK_SIZE):
                with self._room:
                    self._room.wait_for(lambda: self._queued < QUEUE_SIZE)
                    self._blocks.append(block)
                    self._queued += len(block)
                self._wake()
        except OSError as e:
            self._error = e
        self._ended = True
        self._wake()
        if self._close and descriptor >= 0:
            os.close(descriptor)

    def _wake(self) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop ended before the stream did
            self._loop.call_soon_threadsafe(self._arrived.set)


class PipeSink:
    """A stream that is written behind a bounded queue; a context that ends its thread.

    A clean exit waits for nothing: `flush` first.

    Args:
        open_descriptor: called in the thread, for it may block.
        close: the descriptor is closed in the end.
    """

    def __init__(self, open_descriptor: Callable[[], int], *, close: bool = False) -> None:
        self._close = close
        self._open = open_descriptor
        self._blocks: deque[bytes] = deque()
        self._queued = 0
        self._closing = False
        self._error: OSError | None = None
        self._work = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._moved = asyncio.Event()

    def __enter__(self) -> PipeSink:
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._run, name="write a stream", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._work:
            self._closing = True
            self._work.notify()

    def write(self, view: memoryview, /) -> None:
        with self._work:
            self._blocks.append(bytes(view))
            self._queued += len(view)
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
            descriptor = self._open()
            while block := self._take():
                view = memoryview(block)
                while view:
                    view = view[os.write(descriptor, view) :]
                with self._work:
                    self._queued -= len(block)
                self._wake()
        except OSError as e:
            self._error = e
            self._wake()
        if self._close and descriptor >= 0:
            os.close(descriptor)

    def _take(self) -> bytes | None:
        with self._work:
            self._work.wait_for(lambda: self._blocks or self._closing)
            return self._blocks.popleft() if self._blocks else None

    def _wake(self) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop ended before the stream did
            self._loop.call_soon_threadsafe(self._moved.set)
