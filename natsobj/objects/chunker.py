"""A source cut into numbered chunks, each available for as long as it may have to be sent again.

A chunk is kept in memory until it is stored. If an older chunk is needed again, it is read from the file once
more or, when the source cannot be read twice, read back from the server.
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections import deque
from collections.abc import AsyncGenerator

from natsobj.arguments import as_bytes
from natsobj.errors import ChunksLost, JetStreamUnavailable, NatsobjError
from natsobj.files import Source
from natsobj.jetstream import Stored
from natsobj.stream import BucketStream

log = logging.getLogger(__name__)


class SourceFailed(Exception):
    """Reading the source failed. It is wrapped, because a source that is fed by another store raises the same
    errors as the upload itself, and those would be retried.
    """

    def __init__(self, error: Exception) -> None:
        self.error = error
        super().__init__(str(error))


class Chunker:
    """A source cut into chunks of one size; every byte is hashed once.

    Args:
        stream: where chunks are stored, and can be read back.
    """

    def __init__(self, stream: BucketStream, source: Source, chunk_size: int) -> None:
        self._stream = stream
        self._source = source
        self._acknowledged = getattr(
            source, "acknowledged", None
        )  # an optional method of the source, told of acknowledged bytes
        self._chunk_size = chunk_size
        self._digest = hashlib.sha256()
        self._kept: deque[bytes] = deque()
        self._floor = 0  # the number of the first kept chunk; all below it are stored
        self._home = ""  # the subject under which those are stored
        self._home_sequence = 0  # and the stream sequence of the last of them
        self._ended = False
        self._back: AsyncGenerator[Stored, None] | None = None
        self._back_next = 0
        self.size = 0
        """Bytes read so far."""

    @property
    def sha256(self) -> bytes:
        """The digest of the bytes read so far."""
        return self._digest.digest()

    @property
    def home(self) -> str:
        """The subject to read chunks back from if all must be sent again; empty if none is needed."""
        return self._home

    async def chunk(self, number: int) -> bytes:
        """Return a chunk, or nothing after the last one. Call it in order, or with a number that is kept."""
        if number < self._floor:
            return await self._read_back(number)
        if number - self._floor < len(self._kept):
            return self._kept[number - self._floor]
        if self._ended:
            return b""
        try:
            data = await self._source.read(self._chunk_size)
        except Exception as e:
            raise SourceFailed(e) from e
        data = as_bytes(data, f"what {self._source.name} gives")
        self._ended = len(data) < self._chunk_size
        if data:
            self._digest.update(data)
            self._kept.append(data)
            self.size += len(data)
        return data

    def kept(self, number: int) -> bytes | None:
        """Return a chunk that was sent and is not known to be stored; None if it is not kept."""
        number -= self._floor
        return self._kept[number] if 0 <= number < len(self._kept) else None

    def discard(self, number: int, subject: str, sequence: int) -> None:
        """Drop the chunks below a number: they are stored under `subject`, the last one at `sequence`."""
        while self._floor < number:
            size = len(self._kept.popleft())
            self._floor += 1
            if self._acknowledged is not None:
                self._acknowledged(size)
            self._home, self._home_sequence = subject, sequence

    async def restart(self) -> None:
        """Make all chunks available again, from the first one."""
        await self._end_back()
        try:
            self._source.restart()
        except io.UnsupportedOperation:
            return
        self._kept.clear()
        self._floor, self._home, self._home_sequence = 0, "", 0
        self._ended, self.size = False, 0
        self._digest = hashlib.sha256()

    async def _read_back(self, number: int) -> bytes:
        """Read a stored chunk back from the server: the next one, or an earlier one from the start."""
        if number < self._back_next:
            await self._end_back()
        if self._back is None:
            log.debug("reading back %d chunks", self._floor)
            self._back = self._stream.direct(self._home)
        while True:
            message = await anext(self._back, None)
            self._back_next += 1
            last = self._back_next == self._floor
            if message is None or (message.sequence == self._home_sequence) != last:
                await self._end_back()
                raise await self._lost(beginning=message is None)
            if self._back_next > number:
                if last:
                    await self._end_back()
                return message.data

    async def _lost(self, *, beginning: bool) -> NatsobjError:
        """Return why stored chunks were not found: they are lost, or the replica that answered lags behind.

        Args:
            beginning: the replica's chunks are right, but it does not have all of them.
        """
        if not beginning or await self._stream.js.count(self._stream.name, self._home) < self._floor:
            return ChunksLost(self._stream.bucket)
        return JetStreamUnavailable(f"{self._stream.name}: a replica lags behind")

    async def _end_back(self) -> None:
        if self._back is not None:
            await self._back.aclose()
        self._back, self._back_next = None, 0
