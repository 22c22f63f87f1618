"""One object's bytes, from the server into a sink: requests ahead, resuming after trouble, verification.

A short answer proves nothing, for a replica may lag: only the leader decides whether an object is whole,
changed, deleted or broken.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from natsobj.connection import PASSING, Connection, TimedEvent
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
from natsobj.jetstream import Consumer, NoConsumer, delivery
from natsobj.models import ObjectInfo
from natsobj.stream import BucketStream
from natsobj.stream.lookup import find

log = logging.getLogger(__name__)

_DIRECT_SIZE = 2 * 1024 * 1024
"""Bytes up to which an object is read by Direct Get alone, without a consumer."""

_REQUESTED = 32 * 1024 * 1024
"""Bytes that are requested and have not arrived, shared by all downloads over one connection.

Half of it takes 1.09 times as long. A slow reader of a pipe finds all of it in memory.
"""

_REQUESTS = 4
"""Requests into which these bytes are divided."""


_PAUSES = (0, 0.2, 0.8)
"""Seconds before each question to a leader that may be new."""


class _Short(TemporaryError):
    """Fewer chunks came than are left to read."""


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive chunks by number: from `first` to before `stop`."""

    first: int
    stop: int
    sequence: int
    """A stream sequence after the preceding chunk, and before the first one."""


class Begun(Protocol):
    """The digest of the bytes before those that are read."""

    def update(self, data: memoryview, /) -> None: ...

    def hexdigest(self) -> str: ...


class Download:
    """One download of an object's chunks, or of some of them. Its fields are its state.

    Args:
        subject: of the chunks.
        run: without it all chunks are read, and verified.
        begun: all bytes before the run, which goes to the end, have this digest: the whole is verified.
        size: the number of these bytes.
    """

    def __init__(
        self,
        stream: BucketStream,
        info: ObjectInfo,
        sink: Sink,
        *,
        subject: str,
        run: Run | None = None,
        begun: Begun | None = None,
        size: int = 0,
    ) -> None:
        self._stream = stream
        self._info = info
        self._sink = sink
        self._subject = subject
        self._whole = run is None or begun is not None
        """Whether all bytes are known in the end."""
        first, stop, sequence = (0, info.chunks, 0) if run is None else (run.first, run.stop, run.sequence)
        self._next = first
        """The number of the chunk that comes next."""
        self._stop = stop
        self._sequence = sequence
        """The next chunk is the first one after this stream sequence."""
        self._stored = info.chunks
        """Messages under the subject: nats.net stores an empty one after the chunks that it counts."""
        self._digest: Begun = hashlib.sha256() if begun is None else begun
        self._size = size
        """Bytes written so far."""
        self._chunk_size = max(info.chunk_size or 1, info.size // max(1, info.chunks))
        self._direct = (self._stop - self._next) * self._chunk_size <= _DIRECT_SIZE
        """Whether to read by Direct Get instead of a consumer."""
        self._single = self._direct and run is None and info.chunks == 1 and info.sha256 is not None
        """Whether the digest of one chunk proves that it is all of the object."""
        self._patience = stream.patience()
        self._error: BaseException | None = None
        """What went wrong with a message of the consumer."""
        self._arrived = TimedEvent()
        self._consumed = 0
        """Messages received from the current consumer."""
        self._troubled = False
        """Whether anything has gone wrong so far."""

    async def run(self) -> None:
        """Write every byte to the sink, and verify number, size and digest.

        Raises:
            ObjectChanged: it was replaced meanwhile.
            ObjectNotFound: it was deleted meanwhile.
            ContentBroken: the stored bytes are not what the metadata says.
            TemporaryError: no progress for six times the timeout.
        """
        if self._single and await self._read_at_once():
            return
        if not self._direct:
            await self._patience.of(self._ask_leader)
        # Downloads by Direct Get are small, and do not take a share of the budget from large ones.
        with contextlib.nullcontext() if self._direct else self._stream.js.connector.sharing():
            while self._next < self._stop:
                connection = self._stream.connection
                try:
                    with self._patience.around():
                        await (self._read_direct() if self._direct else self._read_consumer())
                except (PermissionDenied, NoConsumer):
                    if self._direct:
                        raise
                    log.debug("no consumer is to be had, reading by direct get")
                    self._direct = True
                except (_Short, *PASSING) as e:
                    self._troubled = True
                    await self._patience.wait(e, connection)
                    await self._patience.of(self._ask_leader)
        if self._whole:
            if self._stored > self._stop:
                await self._check_rest()
            self._verify()

    async def _read_at_once(self) -> bool:
        """Read an object of one chunk; False, with nothing written, if what comes is not all of it."""
        connection = self._stream.connection
        try:
            with self._patience.around():
                data = await self._stream.js.only_payload(self._stream.name, self._subject)
        except PASSING as e:
            self._troubled = True
            await self._patience.wait(e, connection)
            return False
        if data is None or len(data) != self._info.size:
            return False
        self._digest.update(memoryview(data))
        if self._digest.hexdigest() != self._info.sha256:
            self._digest = hashlib.sha256()
            return False
        self._sink.write(memoryview(data))
        await self._drain()
        return True

    async def _ask_leader(self) -> None:
        """Ask the leader whether it makes sense to read (on). A new leader may need a moment to know.

        Raises:
            ObjectNotFound: it was deleted.
            ObjectChanged: it was replaced.
            ChunksMissing: chunks are lost.
        """
        info, stream = self._info, self._stream
        for pause in _PAUSES if self._troubled else (0,):
            await asyncio.sleep(pause)
            found = await stream.js.subject_counts(stream.name, self._subject)
            self._stored = found.counts.get(self._subject, 0)
            if self._stored >= info.chunks:
                # A consumer lives on one node and dies with it, and creating another needs the meta leader.
                self._direct = self._direct or found.replicas > 1
                return
            current = await self._current()
            if current is None:
                raise ObjectNotFound(info.bucket, info.name, deleted_meanwhile=True)
            if current.nuid != info.nuid:
                raise ObjectChanged(info.bucket, info.name)
        raise ChunksMissing(info.bucket, info.name, expected=info.chunks, stored=self._stored)

    async def _current(self) -> ObjectInfo | None:
        """Return the object by its current record; None if it is gone."""
        if self._info.subject:
            return (await self._stream.read(self._info.subject)).live
        return (await find(self._stream, self._info.name)).record.live

    async def _check_rest(self) -> None:
        """Check that the messages after the last chunk are empty, as nats.net stores them.

        Raises:
            ChunksMissing: there are more bytes than the record says.
        """
        messages = self._stream.direct(self._subject, sequence=self._sequence + 1, patience=self._patience)
        async with contextlib.aclosing(messages):
            async for message in messages:
                if message.data:
                    info = self._info
                    raise ChunksMissing(info.bucket, info.name, expected=info.chunks, stored=self._stored)

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
                info.bucket,
                info.name,
                expected=info.sha256,
                actual=self._digest.hexdigest(),
                size=info.size,
            )

    async def _read_direct(self) -> None:
        """Read the rest by Direct Get."""
        most = self._stop - self._next
        messages = self._stream.direct(
            self._subject, sequence=self._sequence + 1, most=most, patience=self._patience
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
        """Read the rest by a pull consumer. Its requests are answered at once if something is missing."""
        js = self._stream.js
        self._error, self._consumed = None, 0
        async with (
            js.consumer(self._stream.name, self._subject, begin=self._sequence + 1) as consumer,
            js.connection.subscribe(self._take) as inbox,
        ):
            with js.connection.watch(consumer.next_subject, self._fail):
                if consumer.pending != self._stored - self._next:
                    raise _Short("fewer chunks than expected")
                await self._pull(consumer, inbox)

    async def _pull(self, consumer: Consumer, inbox: str) -> None:
        connection = self._stream.connection
        asked = self._next
        while self._next < self._stop:
            room = self._stream.js.connector.share(_REQUESTED) // self._chunk_size
            batch = max(1, room // _REQUESTS)
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
        await connection.until(self._arrived, what)
        self._arrived.clear()
        if self._error is not None:
            raise self._error

    def _take(self, _subject: str, reply: str, headers: Mapping[str, str], payload: memoryview) -> None:
        """Write one chunk from the consumer, or note what went wrong."""
        if self._error is not None or self._next >= self._stop:
            return
        try:
            if "$JS.ACK." not in reply:
                raise _Short(headers.get("Description", headers.get("Status", "")))
            sequence, number, _, pending = delivery(reply)
            self._consumed += 1
            if number != self._consumed:
                raise _Short("chunks are missing on the way")
            self._expect(pending)
            self._write(payload, sequence)
        except Exception as e:  # noqa: BLE001  # raised by `_arrival`; here it would end the connection
            self._error = e
        self._arrived.set()

    def _expect(self, pending: int) -> None:
        """Check by the number of messages that follow a chunk that it is the next one."""
        if pending != self._stored - self._next - 1:
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
        """Wait for a slow sink. Only the server's silence counts against the patience."""
        await self._sink.drain()
        self._patience.moved()

    def _fail(self, error: NatsobjError) -> None:
        self._error = self._error or error
        self._arrived.set()


def readable(info: ObjectInfo) -> None:
    """Refuse an object whose chunks cannot be found.

    Raises:
        LinkError: a link.
        InvalidMetadata: an object with bytes and no nuid, or with bytes and no chunks.
    """
    if info.link is not None:
        raise LinkError(f"a link has no content of its own: {info.bucket}/{info.name} -> {info.link}")
    if info.size and not (info.nuid and info.chunks):
        raise InvalidMetadata(info.bucket, info.name, "it names no chunks")
