"""The commit of every change: a record is replaced by a new one, on condition that it is still the same.

Before this publish everything can be undone. After it the change has succeeded, and only tidying is left.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from natsobj.adr20 import streams
from natsobj.connection import PASSING
from natsobj.errors import (
    BucketFull,
    ConfigRefused,
    InvalidArgument,
    JetStreamUnavailable,
    NatsobjError,
    ObjectChanged,
    OutcomeUnknown,
)
from natsobj.jetstream import Ack
from natsobj.jetstream.codes import BUSY, IN_PROCESS, WRONG_SEQUENCE, api_error
from natsobj.models import ObjectInfo
from natsobj.stream import BucketStream, Record

__all__ = [
    "Forgotten",
    "Replacement",
    "check_record",
    "finish",
    "full",
    "note_left_over",
    "purge_chunks",
    "remove_others",
    "tidy_chunks",
]

log = logging.getLogger(__name__)

T = TypeVar("T")

_DOUBTFUL = frozenset({503, 10008})
"""Answers of a cluster that is changing its leader: the record may be stored nevertheless."""

_HEADERS = 150
"""The most bytes that the headers of a published record take."""


def check_record(stream: BucketStream, key: str, record: bytes, state: Mapping[str, Any]) -> None:
    """Refuse a record that does not fit into one message, before anything is changed.

    Args:
        state: the stream's configuration and state.

    Raises:
        InvalidArgument: it exceeds the server's `max_payload`.
        ConfigRefused: it exceeds the stream's `max_msg_size`.
    """
    size = len(record) + _HEADERS
    where = f"{stream.bucket}/{key}"
    what = f"record is too large: key, description, headers and metadata of {where} take {size:,} bytes"
    if size > (most := stream.connection.max_payload):
        raise InvalidArgument(f"{what}, the server takes {most:,}")
    if 0 < (most := state["config"].get("max_msg_size", -1)) < size:
        raise ConfigRefused(f"{what}, this bucket takes messages of {most:,}")


class Forgotten(Exception):
    """An acknowledged change is gone: its leader died, and the next leader does not know of it.

    A server that is killed may lose what it acknowledged but had not flushed to disk. The change can be made
    again as long as the chunks of the replaced object are still stored.
    """


class Replacement:
    """The replacement of one record by a new one.

    Args:
        record: the record to replace.
        make: takes the record that would be replaced and returns the JSON of the new one. It raises when the
            change no longer applies.
        is_ours: tells whether a record is the one that this replacement published.
        ttl: takes the record that would be replaced and returns the lifetime of the new one in seconds; 0 is
            for ever.
        domain: the stream's JetStream domain. When domains share an account, a stream of the same name in
            another domain may store the message and acknowledge it too.
    """

    def __init__(
        self,
        stream: BucketStream,
        record: Record,
        make: Callable[[Record], bytes],
        is_ours: Callable[[Record], bool],
        *,
        key: str,
        domain: str,
        ttl: Callable[[Record], int] = lambda _: 0,
    ) -> None:
        self._stream = stream
        self._make = make
        self._is_ours = is_ours
        self._key = key
        self._domain = domain
        self._ttl = ttl
        self.record = record
        """The record that the next attempt would replace; after success, the one that was replaced."""
        self.in_doubt = False
        """Whether a record was published and it is unknown if it was stored."""
        self.beaten: Record | None = None
        """Set when another writer won while ours was in doubt: the record that ours was to replace.

        If ours was stored in between, nobody but us knows that the chunks of this one must be removed.
        """

    async def run(self) -> int:
        """Publish the new record and return its sequence; `record` is then the one that it replaced.

        After a lost race the record is read again, and `make` is called with what was read. After a lost
        answer the same record is published again: that succeeds only if the first one was not stored.

        Raises:
            ObjectChanged: another writer was there while ours was in doubt, or won again and again.
            OutcomeUnknown: the server never confirmed. No other error is raised while it may be stored.
        """
        try:
            return await self._run()
        except (ObjectChanged, OutcomeUnknown):
            raise
        except Exception as e:
            if self.in_doubt and self.beaten is None:
                raise OutcomeUnknown(self._stream.bucket, self._key) from e
            raise
        finally:
            # what makes the record refers to this: large ones would wait for the garbage collector
            del self._make, self._is_ours, self._ttl

    async def _run(self) -> int:
        stream, patience = self._stream, self._stream.patience()
        lost_races = 0
        while True:
            connection = stream.connection
            headers = {
                "Nats-Rollup": "sub",
                "Nats-Expected-Last-Subject-Sequence": str(self.record.sequence),
            }
            payload = self._make(self.record)
            if ttl := self._ttl(self.record):
                headers["Nats-TTL"] = f"{ttl}s"
            try:
                ack = await self._publish(payload, headers)
                self.in_doubt = self.in_doubt or ack.code in _DOUBTFUL
                if ack.code in BUSY or ack.code == IN_PROCESS:
                    raise JetStreamUnavailable(f"JetStream: {ack.message}")
            except PASSING as e:
                self.in_doubt = self.in_doubt or not isinstance(e, JetStreamUnavailable)
                await patience.wait(e, connection)
                continue
            if ack.code == 0:
                return ack.sequence
            current = await stream.read(self.record.subject)
            if self._is_ours(current):
                return current.sequence
            if ack.code not in WRONG_SEQUENCE:
                raise api_error(ack.code, ack.message, 0, stream.name)
            replaced, self.record = self.record, current
            if self.in_doubt:
                self.beaten = replaced
                self._make(current)  # which may have a better reason
                raise ObjectChanged(stream.bucket, self._key, read=False)
            lost_races += 1
            if current.sequence == replaced.sequence:  # nobody was there: the stream itself refuses
                await patience.wait(JetStreamUnavailable(f"JetStream: {ack.message}"), connection)
            elif lost_races > _FREE_RACES:
                await patience.wait(ObjectChanged(stream.bucket, self._key, read=False), connection)

    async def _publish(self, payload: bytes, headers: Mapping[str, str]) -> Ack:
        """Publish the record, unless a full stream would drop something for it.

        Raises:
            BucketFull: it would.
        """
        stream, subject = self._stream, self.record.subject
        if not stream.displaces or self.in_doubt:
            return await stream.publish(subject, payload, headers, domain=self._domain)
        async with stream.committing:
            why = streams.displaced_by_record(await stream.info(), len(payload) + len(subject))
            if why is not None:
                raise full(stream, why)
            return await stream.publish(subject, payload, headers, domain=self._domain)


def full(stream: BucketStream, why: str) -> BucketFull:
    """Return the error for what a stream would drop its oldest messages for."""
    return BucketFull(stream.bucket, f"it drops its oldest messages: discard is old, {why}")


_FREE_RACES = 8
"""Lost races after which each further one is followed by a pause, and in the end by giving up."""


async def finish(change: Coroutine[Any, Any, T]) -> T:
    """Await a commit to its end, even when this task is cancelled: whether it happened must be known.

    After a success the cancellation takes effect at the caller's next await. It never hides an
    `OutcomeUnknown`.
    """
    task = asyncio.ensure_future(change)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as e:
            cancelled = e
    if cancelled is not None:
        if not isinstance(task.exception(), (OutcomeUnknown, type(None))):
            raise cancelled
        if (current := asyncio.current_task()) is not None:
            current.uncancel()
            current.cancel(*cancelled.args)
    return task.result()


def note_left_over(bucket: str, why: str) -> None:
    """Warn that a bucket may have chunks that no object refers to."""
    log.warning("chunks may be left in %s: %s (remove them with: natsobj gc %s)", bucket, why, bucket)


async def purge_chunks(
    stream: BucketStream,
    nuid: str,
    *,
    number: int | None = None,
    allowed: Callable[[], Awaitable[bool]] | None = None,
) -> None:
    """Remove the chunks of one upload, and check that they are gone.

    Args:
        number: how many there are, if known: it saves a request.
        allowed: is asked before each retry whether they may still be removed.

    Raises:
        NatsobjError: some may still be stored.
        Forgotten: `allowed` said no, and they are stored.
    """
    subject = await stream.chunk_subject(nuid)
    tried = False

    async def purge() -> None:
        nonlocal tried
        if tried and allowed is not None and not await allowed():
            raise Forgotten
        once, tried = allowed is not None and not tried, True
        purged = await stream.js.purge(stream.name, subject, once=once)
        if purged != number and await stream.js.count(stream.name, subject):  # a new leader may have more
            await stream.js.purge(stream.name, subject)

    await stream.patiently(purge)


async def tidy_chunks(
    stream: BucketStream, gone: ObjectInfo | None, *, allowed: Callable[[], Awaitable[bool]] | None = None
) -> None:
    """Remove the chunks of a replaced or deleted object; a failure is only logged: the change has succeeded.

    Raises:
        Forgotten: `allowed` said that the object is not gone.
    """
    if gone is None or gone.nuid is None or gone.link is not None:  # a link has no chunks, whatever it says
        return
    try:
        await purge_chunks(stream, gone.nuid, number=gone.chunks, allowed=allowed)
    except NatsobjError as e:
        log.warning("the old chunks of %s/%s are not removed yet: %s", stream.bucket, gone.name, e)


async def remove_others(stream: BucketStream, others: Sequence[Record], *, but: str | None = None) -> None:
    """Remove the records that other clients left for a key under other subjects, after its own was changed.

    A record that has changed since it was read stays.

    Args:
        but: a nuid whose chunks stay, because the key's record names it.

    Raises:
        NatsobjError: one may still be stored.
    """
    for other in others:
        await stream.purge(other.subject, before=other.sequence + 1)
        current = (await stream.read(other.subject)).live
        gone = other.live
        if gone is not None and gone.nuid != but and (current is None or current.nuid != gone.nuid):
            await tidy_chunks(stream, gone)
