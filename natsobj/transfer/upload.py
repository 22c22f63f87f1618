"""The window of unacknowledged chunks: a source goes up, every chunk is accounted for by its index."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from dataclasses import dataclass

from natsobj.connection import Connection, Message
from natsobj.errors import NatsobjError, PermissionDenied, RequestTimeout, ServerError
from natsobj.files import Source
from natsobj.jetstream import read_ack

WINDOW = 8 * 1024 * 1024
"""Bytes that may be unacknowledged; more overruns the ingest queue of a stream (err_code 10167)."""

WINDOW_CHUNKS = 4096
"""The same in chunks, for very small ones."""

PATIENCE = 6
"""Timeouts without progress after which a transfer is given up."""


class ChunkRefused(NatsobjError):
    """The server did not store a chunk; `code` is its error or status. The caller says what it means."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(f"a chunk was not stored: {message} ({code})")


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What went up."""

    size: int
    chunks: int
    sha256: bytes


class Upload:
    """The chunks of one source under one fresh subject.

    Args:
        stream: the stream that must acknowledge, and `domain` its domain: where domains are joined, another
            stream may acknowledge as well.
    """

    def __init__(self, connection: Connection, subject: str, *, stream: str, domain: str) -> None:
        self._connection = connection
        self._subject = subject
        self._stream = stream
        self._domain = domain
        self._sizes: list[int] = []
        self._acked = 0
        self._unacked = 0
        self._sequence = 0
        self._error: NatsobjError | None = None
        self._changed = asyncio.Event()

    @property
    def may_have_stored(self) -> bool:
        """Whether any chunk may be stored; where the subject is denied none is."""
        return bool(self._sizes) and not isinstance(self._error, PermissionDenied)

    async def run(self, source: Source, chunk_size: int) -> Uploaded:
        """Store all of the source; when this returns, every chunk is acknowledged.

        Whatever it raises, no publish is under way any more (or the server is silent): a purge finds all.

        Raises:
            ChunkRefused: the server said no.
            RequestTimeout: no ack for six times the timeout.
        """
        digest = hashlib.sha256()
        connection, subject = self._connection, self._subject
        with connection.receive(self._take) as inbox, connection.watch(subject, self._fail):
            try:
                while data := await source.read(chunk_size):
                    digest.update(data)
                    await self._until_room(len(data))
                    index = len(self._sizes)
                    self._sizes.append(len(data))
                    self._unacked += len(data)
                    await self._send(data, f"{inbox}-{index}")
                while self._unacked:
                    await self._progress()
                self._raise()
            except BaseException:
                await self._settle()
                raise
        return Uploaded(sum(self._sizes), len(self._sizes), digest.digest())

    async def _send(self, data: bytes, reply: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE * self._connection.timeout):
                await self._connection.publish(self._subject, data, reply=reply)
        except TimeoutError:
            raise self._silence() from None

    async def _until_room(self, size: int) -> None:
        self._raise()
        while self._unacked and (
            self._unacked + size > WINDOW or len(self._sizes) - self._acked >= WINDOW_CHUNKS
        ):
            await self._progress()
            self._raise()

    async def _progress(self) -> None:
        """Wait for an ack or an error."""
        self._raise()
        self._changed.clear()
        try:
            async with asyncio.timeout(PATIENCE * self._connection.timeout):
                await self._changed.wait()
        except TimeoutError:
            raise self._silence() from None

    async def _settle(self) -> None:
        """Let the acks in flight come in, so that a purge finds all that was sent; at most one timeout."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._connection.timeout):
                while self._unacked and self.may_have_stored and not self._connection.lost.is_set():
                    self._changed.clear()
                    await self._changed.wait()

    def _take(self, message: Message) -> None:
        """Account for one ack: they come in order, or something was lost."""
        ack = read_ack(message)
        if ack.code == 0 and (ack.stream, ack.domain) != (self._stream, self._domain):
            return
        index = int(message.subject.rpartition("-")[2])
        self._unacked -= self._sizes[index]
        if ack.code:
            self._fail(ChunkRefused(ack.code, ack.message))
        elif index != self._acked or ack.sequence <= self._sequence:
            self._fail(ServerError("acknowledgements are missing or out of order"))
        self._acked += 1
        self._sequence = ack.sequence
        self._changed.set()

    def _fail(self, error: NatsobjError) -> None:
        self._error = self._error or error
        self._changed.set()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _silence(self) -> RequestTimeout:
        return RequestTimeout("storing chunks", PATIENCE * self._connection.timeout)
