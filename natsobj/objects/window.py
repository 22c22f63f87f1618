"""The window of unacknowledged chunks: chunks are sent ahead, and each ack is matched to its number."""

from __future__ import annotations

import contextlib
import time
from collections import deque

from natsobj.adr20 import names
from natsobj.connection import PASSING, Message, Patience, TimedEvent, number_of, numbered
from natsobj.errors import NatsobjError, PermissionDenied
from natsobj.jetstream.codes import read_ack
from natsobj.objects.chunker import Chunker
from natsobj.stream import BucketStream

WINDOW = 16 * 1024 * 1024
"""Bytes that may be unacknowledged, shared by all uploads of several chunks over one connection.

Half as much is as fast next to the server, but takes 1.15 times as long at a round trip of 21 ms. Far more
overruns the stream's ingest queue (error 10167).
"""

WINDOW_CHUNKS = 4096
"""Chunks that may be unacknowledged: the limit for very small ones."""


class ChunkRefused(NatsobjError):
    """The server refused a chunk; `code` is its error or status. The caller decides what that means."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(f"a chunk was not stored: {message} ({code})")


class AcksMissing(NatsobjError):
    """Acknowledgements came out of order: after the last one in order, chunks may be missing."""


class Window:
    """The chunks of one object under one fresh nuid, and how many are sent and stored.

    Args:
        domain: the stream's domain: when domains share an account, another stream may acknowledge too.
        patience: is told of every stored chunk, which counts as progress.
        size: bytes that may be unacknowledged.
        ttl: lifetime of each chunk in seconds; 0 is for ever.
    """

    def __init__(
        self,
        stream: BucketStream,
        *,
        domain: str,
        patience: Patience,
        size: int,
        ttl: int = 0,
    ) -> None:
        self.nuid = names.new_nuid()
        self.subject = names.chunk_subject(stream.bucket, self.nuid)
        self.size = size
        self.stored = 0
        """Chunks that are stored for certain, from the first one on without a gap."""
        self.sequence = 0
        """The stream sequence of the last of them."""
        self.sent = 0
        self._headers = {"Nats-TTL": f"{ttl}s"} if ttl else None
        self._stream = stream
        self._connection = stream.connection
        self._acker = (stream.name, domain)
        self._patience = patience
        self._sizes: deque[int] = deque()
        self._unacked = 0
        self._error: NatsobjError | None = None
        self._changed = TimedEvent()
        self._chunker: Chunker | None = None

    @property
    def may_have_stored(self) -> bool:
        """Whether any chunk may be stored; none is when permission for the subject is denied."""
        return bool(self.sent) and not isinstance(self._error, PermissionDenied)

    @property
    def unsettled(self) -> bool:
        """Whether a chunk that was sent may still be on its way."""
        return self._unacked > 0 or self._error is not None

    async def run(self, chunker: Chunker) -> None:
        """Send the chunks after `stored`. When this returns, all of them are acknowledged.

        After trouble it may be called again, once nothing is on its way any more and `stored` and `sequence`
        have been brought up to date.

        Raises:
            ChunkRefused: the server refused a chunk.
            AcksMissing: a chunk or an ack was lost.
            RequestTimeout: nothing moved for one timeout.
            ServerUnavailable: the connection was lost.
        """
        connection = self._connection = self._stream.connection
        self._chunker, self._error = chunker, None
        self._sizes.clear()
        self._unacked, self.sent = 0, self.stored
        begun = self.stored
        with (
            contextlib.ExitStack() as wide,
            connection.receive(self._take, self.subject, self._fail) as inbox,
        ):
            try:
                while data := await chunker.chunk(self.sent):
                    if self.sent == begun + 1:  # many small ones leave the window to large ones
                        wide.enter_context(self._stream.js.connector.sharing())
                    await self._until_room(len(data))
                    number = self.sent
                    self.sent += 1
                    self._sizes.append(len(data))
                    self._unacked += len(data)
                    await connection.publish(
                        self.subject, data, reply=numbered(inbox, number), headers=self._headers
                    )
                while self._unacked:
                    await self._progress()
                self._raise()
            except (ChunkRefused, AcksMissing, *PASSING):
                raise
            except BaseException:
                await self._settle()
                raise

    async def _until_room(self, size: int) -> None:
        self._raise()
        connector = self._stream.js.connector
        while self._unacked and (
            self._unacked + size > min(self.size, connector.share(WINDOW))
            or len(self._sizes) >= WINDOW_CHUNKS
        ):
            await self._progress()
            self._raise()

    async def _progress(self) -> None:
        """Wait for an ack or an error."""
        self._raise()
        self._changed.clear()
        await self._connection.until(self._changed, "storing chunks")

    async def _settle(self) -> None:
        """Wait for outstanding acks, one timeout at most: then a purge removes all that was sent."""
        deadline = time.monotonic() + self._stream.timeout
        while self._unacked and self.may_have_stored and not self._connection.lost.is_set():
            self._changed.clear()
            if not await self._changed.wait(deadline - time.monotonic()):
                return

    def _take(self, message: Message) -> bool:
        """Take one ack, if the message is one. Acks come in order, or something was lost."""
        ack = read_ack(message)
        if ack.code == 0 and (ack.stream, ack.domain) != self._acker:
            return False
        number = number_of(message.subject)
        if number is None or not 0 < self.sent - number <= len(self._sizes):  # acked before, or never sent
            return False
        self._unacked -= self._sizes[number - self.sent]
        if ack.code:
            self._fail(ChunkRefused(ack.code, ack.message))
        elif number != self.stored or ack.sequence <= self.sequence:
            self._fail(AcksMissing("acknowledgements are missing or out of order"))
        elif self._error is None:
            assert self._chunker is not None
            self._sizes.popleft()
            self.stored += 1
            self.sequence = ack.sequence
            self._chunker.discard(self.stored, self.subject, self.sequence)
            self._patience.moved()
        self._changed.set()
        return True

    def _fail(self, error: NatsobjError) -> None:
        self._error = self._error or error
        self._changed.set()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error
