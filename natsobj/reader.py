"""An object as an asynchronous iterator of its chunks, or whole in memory."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable

from natsobj.errors import ObjectTooLarge
from natsobj.models import ObjectInfo

__all__ = ["Memory", "ObjectReader"]


class ObjectReader:
    """The chunks of one object: `async for chunk in reader`."""

    def __init__(self, info: ObjectInfo) -> None:
        self.info = info
        self._chunks: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue()
        self._room = asyncio.Event()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._iterate()

    async def _iterate(self) -> AsyncIterator[bytes]:
        while isinstance(chunk := await self._chunks.get(), bytes):
            self._room.set()
            yield chunk
        self._chunks.put_nowait(chunk)  # a second iteration finds the end, too
        if chunk is not None:
            raise chunk

    # The sink's side

    def write(self, view: memoryview, /) -> None:
        """Queue a chunk."""
        self._chunks.put_nowait(bytes(view))

    async def drain(self) -> None:
        """Wait until few chunks are queued."""
        while self._chunks.qsize() > 8:
            self._room.clear()
            await self._room.wait()

    def restart(self) -> None:
        """Refuse, when chunks were given already."""
        raise io.UnsupportedOperation("chunks that were given cannot be taken back")

    def close(self) -> None:
        """End each iteration, also one that waits or begins later, with a `ValueError`."""
        while not self._chunks.empty():
            self._chunks.get_nowait()
        self._chunks.put_nowait(ValueError(f"no longer open: {self.info.bucket}/{self.info.name}"))

    async def fill(self, transfer: Awaitable[ObjectInfo]) -> None:
        """Run the transfer that fills this reader, and pass on how it ended."""
        try:
            await transfer
            self._chunks.put_nowait(None)
        except Exception as e:  # noqa: BLE001  # it is raised where the result is awaited
            self._chunks.put_nowait(e)


class Memory:
    """A sink that keeps what comes, up to a limit of bytes."""

    def __init__(self, info: ObjectInfo, limit: int | None) -> None:
        self._info = info
        self._limit = limit
        self._bytes = io.BytesIO()

    def admit(self, size: int) -> None:
        """Say how many bytes are to be kept in all.

        Raises:
            ObjectTooLarge: these are too many.
        """
        if self._limit is not None and size > self._limit:
            raise ObjectTooLarge(self._info.bucket, self._info.name, size=size, limit=self._limit)

    def write(self, view: memoryview, /) -> None:
        """Keep a chunk."""
        self.admit(self._bytes.tell() + len(view))
        self._bytes.write(view)

    async def drain(self) -> None:
        """Memory never makes anyone wait."""

    def restart(self) -> None:
        """Forget what was kept."""
        self._bytes = io.BytesIO()

    def content(self) -> bytes:
        """Return all that was kept."""
        return self._bytes.getvalue()
