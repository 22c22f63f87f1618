"""The chunks of one source by their number, for as often as they are needed.

A chunk is kept until it is stored. What is needed again from before that comes from the file once more, or,
where the source is a stream, back from the server.
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
    """A source had trouble that is not the upload's, and ends it: it may be fed by another store."""

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
        self._acknowledged = getattr(source, "acknowledged", None)  # told, where it wants to know
        self._chunk_size = chunk_size
        self._digest = hashlib.sha256()
        self._kept: deque[bytes] = deque()
        self._floor = 0  # the number of the first kept chunk
        self._home = ""  # the subject that has all below the floor
        self._home_sequence = 0  # and the place of the last of them in the stream
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
        """The subject whose chunks are needed when all must be sent again; empty where a file has them."""
        return self._home

    async def chunk(self, number: int) -> bytes:
        """Return a chunk, nothing behind the last one; in order, or from one that is kept."""
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
        """Return a chunk that was given out and is not known to be stored."""
        number -= self._floor
        return self._kept[number] if 0 <= number < len(self._kept) else None

    def discard(self, number: int, subject: str, sequence: int) -> None:
        """Forget the chunks below a number: all are stored under a subject, the last one at a sequence."""
        while self._floor < number:
            size = len(self._kept.popleft())
            self._floor += 1
            if self._acknowledged is not None:
                self._acknowledged(size)
            self._home, self._home_sequence = subject, sequence

    async def restart(self) -> None:
        """Make all chunks available once more."""
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
        """Return a chunk that is stored already: in order, or from the first one on once more."""
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
        """Say why what was stored is not found as it was: for good, or because a replica lags behind.

        Args:
            beginning: what the replica has is a beginning.
        """
        if not beginning or await self._stream.js.count(self._stream.name, self._home) < self._floor:
            return ChunksLost(self._stream.bucket)
        return JetStreamUnavailable(f"{self._stream.name}: a replica lags behind")

    async def _end_back(self) -> None:
        if self._back is not None:
            await self._back.aclose()
        self._back, self._back_next = None, 0
