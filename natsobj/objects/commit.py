"""The metadata record of one key: read at the leader, replaced only on condition.

The conditional publish is the commit of every change: before it everything can be undone, after it the change
has succeeded and what is left is tidying.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from natsobj.adr20 import names, records
from natsobj.connection import ASK_AGAIN, PASSING, Patience
from natsobj.errors import (
    BucketReadOnly,
    BucketSealed,
    InvalidMetadata,
    JetStreamUnavailable,
    NatsobjError,
    ObjectChanged,
    ObjectNotFound,
    OutcomeUnknown,
)
from natsobj.jetstream import JetStream
from natsobj.jetstream.codes import BUSY, IN_FLIGHT, WRONG_SEQUENCE, api_error
from natsobj.jetstream.direct import Stored
from natsobj.models import ObjectInfo

log = logging.getLogger(__name__)

T = TypeVar("T")

_DOUBTFUL = frozenset({503, 10008})
"""Answers of a cluster that is changing its leader: the record may be stored all the same."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a key's subject holds now."""

    sequence: int = 0
    """0: nothing was ever stored, or it was purged."""
    data: bytes = b""
    info: ObjectInfo | None = None
    """None: there is nothing, it expired, or it cannot be read."""
    error: InvalidMetadata | None = None
    """Why it cannot be read."""

    @property
    def live(self) -> ObjectInfo | None:
        """The object, None for a tombstone."""
        return self.info if self.info is not None and not self.info.deleted else None

    def existing(self, bucket: str, key: str) -> ObjectInfo:
        """Return the object; raises `ObjectNotFound`, or what makes the record unreadable."""
        if self.error is not None:
            raise self.error
        if self.live is None:
            raise ObjectNotFound(bucket, key)
        return self.live


def read_record(bucket: str, message: Stored | None) -> Record:
    """Read a stored metadata message, whoever wrote it."""
    if message is None:
        return Record()
    try:
        info = read_info(bucket, message)
    except InvalidMetadata as e:
        return Record(message.sequence, message.data, error=e)
    return Record(message.sequence, b"" if message.marker else message.data, info)


def read_info(bucket: str, message: Stored) -> ObjectInfo | None:
    """Read what a stored metadata message says of its object; None when it says that it expired.

    Raises:
        InvalidMetadata: it cannot be read.
    """
    if message.marker:
        return None
    return records.decode_object(
        bucket, message.data, subject=message.subject, revision=message.sequence, modified=message.time
    )


def check_writable(bucket: str, stream: Mapping[str, Any]) -> None:
    """Refuse a bucket that takes no writes.

    Raises:
        BucketReadOnly: it is a mirror.
        BucketSealed: it was sealed.
    """
    if stream["config"].get("mirror"):
        raise BucketReadOnly(bucket)
    if stream["config"].get("sealed"):
        raise BucketSealed(bucket)


class Forgotten(Exception):
    """A change that was acknowledged is not there any more: its leader died, and the next one knows nothing.

    The acknowledgement promises more than servers keep that are killed (nothing was flushed); as long as the
    chunks of what was replaced are still there, the change can be made again.
    """


class Doubt:
    """Whether something was published of which nobody knows what became."""

    there = False
    replaced: Record | None = None
    """What it was to replace, when another writer was there in the end."""


class Slot:
    """The place of one key's record: its subject in the stream of its bucket."""

    def __init__(self, js: JetStream, bucket: str, key: str, subject: str) -> None:
        self._js = js
        self._bucket = bucket
        self._key = key
        self._stream = names.stream_name(bucket)
        self.subject = subject

    async def read(self) -> Record:
        """Return what the leader has; where there is none now, a new one is waited for."""
        read = self._js.link.patiently(lambda: self._js.last_message(self._stream, self.subject))
        return read_record(self._bucket, await read)

    async def stands(self, sequence: int) -> bool:
        """Say whether the leader has the record of that sequence, or a newer one."""
        return (await self.read()).sequence >= sequence

    async def replace(
        self,
        record: Record,
        make: Callable[[Record], bytes],
        *,
        is_ours: Callable[[Record], bool],
        domain: str,
        doubt: Doubt | None = None,
    ) -> tuple[int, Record]:
        """Publish a new record, on condition that the one it replaces is still there.

        A lost race reads again and asks `make` again, which raises when the change no longer applies. After a
        lost ack the same is published again: that can only succeed if the first one was not stored.

        Args:
            doubt: is filled in, for who wants to know more of an error.
            domain: the stream's; where domains are joined, another one may store it and answer as well.

        Returns:
            The new record's sequence, and the record that it replaced.

        Raises:
            ObjectChanged: another writer was there while our own fate was in doubt.
            OutcomeUnknown: the server never said; nor does any other error when it may be stored.
        """
        doubt = doubt or Doubt()
        try:
            return await self._replace(record, make, is_ours, domain=domain, doubt=doubt)
        except (ObjectChanged, OutcomeUnknown):
            raise
        except Exception as e:
            if doubt.there and doubt.replaced is None:
                raise OutcomeUnknown(self._bucket, self._key) from e
            raise

    async def _replace(
        self,
        record: Record,
        make: Callable[[Record], bytes],
        is_ours: Callable[[Record], bool],
        *,
        domain: str,
        doubt: Doubt,
    ) -> tuple[int, Record]:
        acker, patience = (self._stream, domain), Patience(self._js.link)
        while True:
            headers = {
                "Nats-Rollup": "sub",
                "Nats-Expected-Last-Subject-Sequence": str(record.sequence),
            }
            connection = self._js.connection
            try:
                ack = await self._js.publish(
                    self.subject, make(record), headers, patience=ASK_AGAIN, acker=acker
                )
                doubt.there = doubt.there or ack.code in _DOUBTFUL
                if ack.code in BUSY or ack.code == IN_FLIGHT:
                    raise JetStreamUnavailable(f"JetStream: {ack.message}")
            except PASSING as e:
                doubt.there = doubt.there or not isinstance(e, JetStreamUnavailable)
                await patience.wait(e, connection)
                continue
            if ack.code == 0:
                return ack.sequence, record
            replaced, record = record, await self.read()
            if is_ours(record):
                return record.sequence, replaced
            if ack.code not in WRONG_SEQUENCE:
                raise api_error(ack.code, ack.message, 0, self._stream)
            if doubt.there:
                doubt.replaced = replaced
                make(record)  # which may know better why not
                raise ObjectChanged(self._bucket, self._key, read=False)


async def finish(change: Coroutine[Any, Any, T]) -> T:
    """Await a commit to its end even when we are told to stop: whether it happened must be known.

    A cancellation that comes meanwhile waits: it takes effect where the caller waits next, and must not hide
    that nobody knows.
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
    """Say that a bucket may have chunks that nobody refers to."""
    log.warning("chunks may be left over in %s: %s (natsobj gc %s removes them)", bucket, why, bucket)


async def purge_chunks(
    js: JetStream,
    bucket: str,
    nuid: str,
    *,
    number: int | None = None,
    allowed: Callable[[], Awaitable[bool]] | None = None,
) -> None:
    """Remove the chunks of one upload, and see that they are gone.

    Args:
        number: how many they are, where that is known: it saves the look.
        allowed: is asked after trouble, whether it is still right.

    Raises:
        NatsobjError: they may still be there.
        Forgotten: it is not right any more, and they are there.
    """
    stream, subject = names.stream_name(bucket), names.chunk_subject(bucket, nuid)
    tried = False

    async def purge() -> None:
        nonlocal tried
        if tried and allowed is not None and not await allowed():
            raise Forgotten
        once, tried = allowed is not None and not tried, True
        purged = await js.purge(stream, subject, once=once)
        if purged != number and await js.count(stream, subject):  # a new leader may know of more
            await js.purge(stream, subject)

    await js.link.patiently(purge)


async def tidy_chunks(
    js: JetStream,
    bucket: str,
    gone: ObjectInfo | None,
    *,
    allowed: Callable[[], Awaitable[bool]] | None = None,
) -> None:
    """Remove the chunks of an object that is gone; a failure is a note, for the change has succeeded.

    Raises:
        Forgotten: it is not gone.
    """
    if gone is None or gone.nuid is None:
        return
    try:
        await purge_chunks(js, bucket, gone.nuid, number=gone.chunks, allowed=allowed)
    except NatsobjError as e:
        log.warning("the old chunks of %s/%s are not removed yet: %s", bucket, gone.name, e)
