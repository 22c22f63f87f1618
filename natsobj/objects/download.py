"""One object's bytes down: windows, resume at the first missing chunk, verification.

A short answer proves nothing, for a replica may lag: only the leader decides whether an object is whole,
changed, deleted or broken.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from natsobj.connection import PASSING, Connection, Patience
from natsobj.errors import (
    ChunksMissing,
    DigestMismatch,
    InvalidMetadata,
    LinkError,
    NatsobjError,
    ObjectChanged,
    ObjectNotFound,
    PermissionDenied,
    SizeMismatch,
    TemporaryError,
)
from natsobj.files import Sink
from natsobj.jetstream import Consumer, JetStream
from natsobj.models import ObjectInfo

log = logging.getLogger(__name__)

SMALL = 2 * 1024 * 1024
"""Bytes up to which an object is read by Direct Get alone, without a consumer."""

IN_FLIGHT = 32 * 1024 * 1024
"""Bytes asked for and not arrived, of all downloads over one link.

Half of it takes 1.09 times as long. A slow reader of a pipe finds all of it in memory.
"""

REQUESTS = 4
"""Requests that these are asked for in."""


_PAUSES = (0, 0.2, 0.8)
"""Seconds between questions to a leader that may be new."""


class _Short(TemporaryError):
    """Less came than is left to read."""


@dataclass(frozen=True, slots=True)
class Part:
    """A run of chunks, by number: from `first` up to `stop`."""

    first: int
    stop: int
    sequence: int
    """A place in the stream behind the chunk before the first one."""


class Download:
    """One run through the chunks of an object, or through a part of them.

    Args:
        stream: where the chunks are, and `subject` theirs.
        current: reads the object's metadata again at the leader; None when it is gone.
        part: without it all chunks are read, and verified.
    """

    def __init__(
        self,
        js: JetStream,
        info: ObjectInfo,
        sink: Sink,
        *,
        stream: str,
        subject: str,
        current: Callable[[], Awaitable[ObjectInfo | None]],
        part: Part | None = None,
    ) -> None:
        self._js = js
        self._info = info
        self._sink = sink
        self._stream = stream
        self._subject = subject
        self._current = current
        self._whole = part is None
        self._next, self._stop, self._sequence = (
            (0, info.chunks, 0) if part is None else (part.first, part.stop, part.sequence)
        )
        self._digest = hashlib.sha256()
        self._size = 0
        self._chunk_size = info.chunk_size or max(1, info.size // max(1, info.chunks))
        self._direct = (self._stop - self._next) * self._chunk_size <= SMALL
        self._patience = Patience(js.link)
        self._error: BaseException | None = None
        self._arrived = asyncio.Event()
        self._consumed = 0
        self._troubled = False

    async def run(self) -> None:
        """Write every byte to the sink, and verify number, size and digest.

        Raises:
            ObjectChanged: it was replaced meanwhile.
            ObjectNotFound: it was deleted meanwhile.
            ContentBroken: the stored bytes are not what the metadata says.
            TemporaryError: no progress for six times the timeout.
        """
        if not self._direct:
            await self._patience.of(self._judge)
        with self._js.link.sharing():
            while self._next < self._stop:
                connection = self._js.connection
                try:
                    await (self._read_direct() if self._direct else self._read_consumer())
                except PermissionDenied:
                    if self._direct:
                        raise
                    log.debug("no consumers for us, reading by direct get")
                    self._direct = True
                except (_Short, *PASSING) as e:
                    self._troubled = True
                    await self._patience.wait(e, connection)
                    await self._patience.of(self._judge)
        if self._whole:
            self._verify()

    async def _judge(self) -> None:
        """Let the leader say whether reading (on) makes sense; a new one may need a moment to know."""
        info, stored = self._info, 0
        for pause in _PAUSES if self._troubled else (0,):
            await asyncio.sleep(pause)
            found = await self._js.subject_counts(self._stream, self._subject)
            stored = found.counts.get(self._subject, 0)
            if stored == info.chunks:
                # A consumer lives on one node and dies with it; making a new one takes a leader of leaders.
                self._direct = self._direct or found.replicas > 1
                return
            current = await self._current()
            if current is None:
                raise ObjectNotFound(info.bucket, info.name, deleted_meanwhile=True)
            if current.nuid != info.nuid:
                raise ObjectChanged(info.bucket, info.name)
        raise ChunksMissing(info.bucket, info.name, expected=info.chunks, stored=stored)

    def _verify(self) -> None:
        info = self._info
        if self._size != info.size:
            raise SizeMismatch(info.bucket, info.name, expected=info.size, stored=self._size)
        if info.sha256 is None:
            if info.digest:
                log.warning(
                    "%s/%s: a digest of this kind cannot be checked: %s", info.bucket, info.name, info.digest
                )
            else:
                log.warning("%s/%s: stored without a digest, nothing to check", info.bucket, info.name)
        elif self._digest.hexdigest() != info.sha256:
            raise DigestMismatch(
                info.bucket, info.name, expected=info.sha256, actual=self._digest.hexdigest()
            )

    async def _read_direct(self) -> None:
        """Read on by Direct Get."""
        messages = self._js.direct_messages(
            self._stream,
            self._subject,
            sequence=self._sequence + 1,
            batch=self._stop - self._next,
            patience=self._patience,
        )
        async with contextlib.aclosing(messages):
            async for message in messages:
                if message.pending is not None:
                    self._expect(message.pending)
                self._write(memoryview(message.data), message.sequence)
                await self._drain()
                if self._next == self._stop:
                    return
        raise _Short("fewer chunks than expected")

    async def _read_consumer(self) -> None:
        """Read on by a pull consumer, in requests that answer at once when something is missing."""
        js = self._js
        self._error, self._consumed = None, 0
        async with (
            js.consumer(self._stream, self._subject, sequence=self._sequence + 1) as consumer,
            js.connection.subscribe(self._take) as inbox,
        ):
            with js.connection.watch(consumer.next_subject, self._fail):
                if consumer.pending != self._info.chunks - self._next:
                    raise _Short("fewer chunks than expected")
                await self._pull(consumer, inbox)

    async def _pull(self, consumer: Consumer, inbox: str) -> None:
        connection = self._js.connection
        asked = self._next
        while self._next < self._stop:
            room = IN_FLIGHT // self._js.link.transfers // self._chunk_size
            batch = max(1, room // REQUESTS)
            while asked < self._stop and asked - self._next <= max(0, room - batch):
                number = min(batch, self._stop - asked)
                query = b'{"batch":%d,"no_wait":true}' % number
                await connection.publish(consumer.next_subject, query, reply=inbox)
                asked += number
            await self._arrival(connection)
            await self._drain()

    async def _arrival(self, connection: Connection) -> None:
        """Wait for a chunk."""
        what = f"reading {self._info.bucket}/{self._info.name}"
        await connection.until(self._arrived.wait, what)
        self._arrived.clear()
        if self._error is not None:
            raise self._error

    def _take(self, _subject: str, reply: str, headers: Mapping[str, str], payload: memoryview) -> None:
        """Write one chunk of the consumer, or note what came instead."""
        if self._error is not None or self._next >= self._stop:
            return
        try:
            if "$JS.ACK." not in reply:
                raise _Short(headers.get("Description", headers.get("Status", "")))
            sequence, number, pending = _delivery(reply)
            self._consumed += 1
            if number != self._consumed:
                raise _Short("chunks are missing on the way")
            self._expect(pending)
            self._write(payload, sequence)
        except Exception as e:  # noqa: BLE001  # it belongs to whoever waits; here it would end the connection
            self._error = e
        self._arrived.set()

    def _expect(self, pending: int) -> None:
        """Tell by what is left behind a chunk whether it is the next one."""
        if pending != self._info.chunks - self._next - 1:
            raise _Short("chunks are missing on the way")

    def _write(self, payload: memoryview, sequence: int) -> None:
        info = self._info
        if self._size + len(payload) > info.size:  # never more than was promised
            raise SizeMismatch(info.bucket, info.name, expected=info.size, stored=self._size + len(payload))
        self._sink.write(payload)
        if self._whole:
            self._digest.update(payload)
        self._size += len(payload)
        self._next += 1
        self._sequence = sequence
        self._patience.moved()

    async def _drain(self) -> None:
        """Wait for a slow sink; the server's silence counts, the sink's never does."""
        await self._sink.drain()
        self._patience.moved()

    def _fail(self, error: NatsobjError) -> None:
        self._error = self._error or error
        self._arrived.set()


def _delivery(reply: str) -> tuple[int, int, int]:
    """Read stream sequence, delivery number and pending count from `$JS.ACK...`.

    Counted from the end: a domain and an account may stand before the stream, and a token behind it all.
    """
    tokens = reply.split(".")
    # $JS.ACK.<stream>.<consumer>.<delivered>.<sequence>.<number>.<time>.<pending>, or with
    # <domain>.<account> before the stream
    start = 2 if len(tokens) < 11 else 4
    return int(tokens[start + 3]), int(tokens[start + 4]), int(tokens[start + 6])


def readable(info: ObjectInfo) -> None:
    """Refuse what has no chunks to be found.

    Raises:
        LinkError: a link.
        InvalidMetadata: an object with bytes and no nuid, or with bytes and no chunks.
    """
    if info.link is not None:
        raise LinkError(f"a link has no content of its own: {info.bucket}/{info.name} -> {info.link}")
    if info.size and not (info.nuid and info.chunks):
        raise InvalidMetadata(info.bucket, info.name, "it names no chunks")
