"""A stored object as the source of another one: it is downloaded as it is read, and verified."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections import deque
from collections.abc import AsyncIterator

from natsobj.models import ObjectInfo
from natsobj.objects.download import Download, readable
from natsobj.stream import BucketStream

__all__ = ["StoredSource", "open_stored"]

_AHEAD = 2 * 1024 * 1024
"""Bytes that wait to be read, besides those already requested."""


@contextlib.asynccontextmanager
async def open_stored(stream: BucketStream, info: ObjectInfo) -> AsyncIterator[StoredSource]:
    """Open an object's bytes; the download ends with the block.

    Raises:
        LinkError: a link.
        InvalidMetadata: its record names no chunks.
    """
    readable(info)
    source = StoredSource(stream, info, await stream.chunk_subject(info.nuid or ""))
    try:
        yield source
    finally:
        await source.close()


class StoredSource:
    """The bytes of one object; reading to the end raises what `Download` finds wrong with them."""

    def __init__(self, stream: BucketStream, info: ObjectInfo, subject: str) -> None:
        self._stream = stream
        self._info = info
        self._subject = subject
        self._flow: _Flow | None = None
        self._ended: list[asyncio.Task[None]] = []

    @property
    def name(self) -> str:
        """The object."""
        return f"{self._info.bucket}/{self._info.name}"

    @property
    def size(self) -> int | None:
        """As its record has it."""
        return self._info.size

    async def read(self, size: int, /) -> bytes:
        """Return exactly `size` bytes, fewer only at the end, when all is verified."""
        if self._flow is None:
            self._flow = _Flow()
            download = Download(self._stream, self._info, self._flow, subject=self._subject)
            self._flow.task = asyncio.create_task(self._flow.run(download))
        return await self._flow.take(size)

    def restart(self) -> None:
        """Begin a new download with the next read."""
        if self._flow is not None:
            self._flow.task.cancel()
            self._ended.append(self._flow.task)
        self._flow = None

    def check(self) -> None:
        """What was read is verified, and chunks never change."""

    async def close(self) -> None:
        """End the download."""
        self.restart()
        await asyncio.gather(*self._ended, return_exceptions=True)


class _Flow:
    """The bytes of a download between the sink, which is this, and the reader."""

    task: asyncio.Task[None]

    def __init__(self) -> None:
        self._parts: deque[memoryview] = deque()
        self._size = 0
        self._done = False
        self._error: Exception | None = None
        self._changed = asyncio.Event()
        self._room = asyncio.Event()

    async def run(self, download: Download) -> None:
        try:
            await download.run()
        except Exception as e:  # noqa: BLE001  # it is raised where the result is awaited
            self._error = e
        self._done = True
        self._changed.set()

    async def take(self, size: int) -> bytes:
        while self._size < size and not self._done:
            self._changed.clear()
            await self._changed.wait()
        if self._error is not None and self._size < size:
            raise self._error
        taken = bytearray()
        while self._parts and len(taken) < size:
            part = self._parts.popleft()
            wanted = size - len(taken)
            taken += part[:wanted]
            if len(part) > wanted:
                self._parts.appendleft(part[wanted:])
        self._size -= len(taken)
        self._room.set()
        return bytes(taken)

    def write(self, view: memoryview, /) -> None:
        self._parts.append(memoryview(bytes(view)))
        self._size += len(view)
        self._changed.set()

    async def drain(self) -> None:
        while self._size > _AHEAD:
            self._room.clear()
            await self._room.wait()

    def restart(self) -> None:
        raise io.UnsupportedOperation("what was taken cannot be taken back")
