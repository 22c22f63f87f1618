"""One object's bytes down: windows, resume at the first missing chunk, verification.

A short answer proves nothing, for a replica may lag: only the leader decides whether an object is whole,
changed, deleted or broken.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping

from natsobj.errors import (
    ChunksMissing,
    DigestMismatch,
    InvalidMetadata,
    NatsobjError,
    ObjectChanged,
    ObjectNotFound,
    PermissionDenied,
    RequestTimeout,
    SizeMismatch,
    TemporaryError,
)
from natsobj.files import Sink
from natsobj.jetstream import Consumer, JetStream
from natsobj.models import ObjectInfo
from natsobj.transfer.upload import PATIENCE

log = logging.getLogger(__name__)

SMALL = 2 * 1024 * 1024
"""Bytes up to which an object is read by Direct Get alone, without a consumer."""

REQUEST = 2 * 1024 * 1024
"""Bytes asked for at once."""

IN_FLIGHT = 4
"""Requests that wait for their answers."""

_PAUSE = 0.05


class _Short(TemporaryError):
    """Less came than is left to read."""


class Download:
    """One run through the chunks of an object.

    Args:
        stream: where the chunks are, and `subject` theirs.
        current: reads the object's metadata again at the leader; None when it is gone.
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
    ) -> None:
        self._js = js
        self._info = info
        self._sink = sink
        self._stream = stream
        self._subject = subject
        self._current = current
        self._digest = hashlib.sha256()
        self._chunks = 0
        self._size = 0
        self._sequence = 0
        self._direct = info.size <= SMALL
        self._error: BaseException | None = None
        self._arrived = asyncio.Event()
        self._moved = time.monotonic()
        self._draining = False
        self._consumed = 0

    async def run(self) -> None:
        """Write every byte to the sink, and verify number, size and digest.

        Raises:
            ObjectChanged: it was replaced meanwhile.
            ObjectNotFound: it was deleted meanwhile.
            ContentBroken: the stored bytes are not what the metadata says.
            RequestTimeout: no progress for six times the timeout.
        """
        if self._info.chunks:
            await self._judge()
        while self._chunks < self._info.chunks:
            try:
                await (self._read_direct() if self._direct else self._read_consumer())
            except PermissionDenied:
                if self._direct:
                    raise
                log.debug("no consumers for us, reading by direct get")
                self._direct = True
            except TemporaryError as e:
                log.debug("reading %s: %s", self._info.name, e)
                if (
                    self._js.connection.lost.is_set()
                    or self._silent_for() > PATIENCE * self._js.connection.timeout
                ):
                    raise
                await asyncio.sleep(_PAUSE)
                await self._judge()
        self._verify()

    async def _judge(self) -> None:
        """Let the leader say whether reading (on) makes sense."""
        info = self._info
        stored = await self._js.count(self._stream, self._subject)
        if stored == info.chunks:
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
        batch = max(
            1, REQUEST * IN_FLIGHT // max(1, self._info.chunk_size or self._info.size // self._info.chunks)
        )
        while (left := self._info.chunks - self._chunks) > 0:
            before = self._chunks
            async for message in self._js.direct_messages(
                self._stream, self._subject, sequence=self._sequence + 1, batch=min(left, batch)
            ):
                if self._chunks < self._info.chunks:
                    self._write(message.data, message.sequence)
                    await self._drain()
            if self._chunks == before:
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
                if consumer.pending != self._info.chunks - self._chunks:
                    raise _Short("fewer chunks than expected")
                await self._pull(consumer, inbox)

    async def _pull(self, consumer: Consumer, inbox: str) -> None:
        info = self._info
        each = max(1, info.size // info.chunks)
        batch = max(1, min(256, REQUEST // each))
        asked = self._chunks
        while self._chunks < info.chunks:
            while asked < info.chunks and asked - self._chunks <= batch * (IN_FLIGHT - 1):
                number = min(batch, info.chunks - asked)
                query = b'{"batch":%d,"no_wait":true}' % number
                await self._js.connection.publish(consumer.next_subject, query, reply=inbox)
                asked += number
            await self._arrival()
            await self._drain()

    async def _arrival(self) -> None:
        """Wait for a chunk; only the server's silence counts, a slow sink's never does."""
        timeout = self._js.connection.timeout
        while not self._arrived.is_set():
            try:
                async with asyncio.timeout(timeout):
                    await self._arrived.wait()
            except TimeoutError:
                if not self._draining and self._silent_for() >= timeout:
                    raise RequestTimeout(f"reading {self._info.bucket}/{self._info.name}", timeout) from None
        self._arrived.clear()
        if self._error is not None:
            raise self._error

    def _take(self, _subject: str, reply: str, headers: Mapping[str, str], payload: memoryview) -> None:
        """Write one chunk of the consumer, or note what came instead."""
        if self._error is not None or self._chunks >= self._info.chunks:
            return
        try:
            if "$JS.ACK." not in reply:
                raise _Short(headers.get("Description", headers.get("Status", "")))
            sequence, number, pending = _delivery(reply)
            self._consumed += 1
            if number != self._consumed or pending != self._info.chunks - self._chunks - 1:
                raise _Short("chunks are missing on the way")
            self._write(payload, sequence)
        except (NatsobjError, OSError, ValueError) as e:
            self._error = e
        self._arrived.set()

    def _write(self, data: bytes | memoryview, sequence: int) -> None:
        if self._size + len(data) > self._info.size:  # never more than was promised
            raise SizeMismatch(
                self._info.bucket, self._info.name, expected=self._info.size, stored=self._size + len(data)
            )
        self._digest.update(data)
        self._sink.write(memoryview(data))
        self._size += len(data)
        self._chunks += 1
        self._sequence = sequence
        self._moved = time.monotonic()

    async def _drain(self) -> None:
        self._draining = True
        try:
            await self._sink.drain()
        finally:
            self._draining = False
            self._moved = time.monotonic()

    def _fail(self, error: NatsobjError) -> None:
        self._error = self._error or error
        self._arrived.set()

    def _silent_for(self) -> float:
        return time.monotonic() - self._moved


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
        InvalidMetadata: an object with bytes and no nuid, or with bytes and no chunks.
    """
    if info.size and not (info.nuid and info.chunks):
        raise InvalidMetadata(info.bucket, info.name, "it names no chunks")
