"""The metadata record of one key: read at the leader, replaced only on condition.

The conditional publish is the commit of every change: before it everything can be undone, after it the change
has succeeded and what is left is tidying.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from natsobj import wire
from natsobj.direct import Stored
from natsobj.errors import InvalidMetadata, NatsobjError, ObjectChanged, OutcomeUnknown, TemporaryError
from natsobj.jetstream import TOO_MANY_REQUESTS, WRONG_SEQUENCE, JetStream, api_error
from natsobj.models import ObjectInfo
from natsobj.transfer.upload import PATIENCE

log = logging.getLogger(__name__)

T = TypeVar("T")

_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between tries; the last one repeats."""

_BUSY = frozenset({429, 503, TOO_MANY_REQUESTS})


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


def read_record(bucket: str, message: Stored | None) -> Record:
    """Read a stored metadata message, whoever wrote it."""
    if message is None:
        return Record()
    if message.marker:
        return Record(message.sequence)
    try:
        where = wire.key_of_subject(message.subject)
        info = wire.decode_object(
            bucket, message.data, where=where, revision=message.sequence, modified=message.time
        )
    except InvalidMetadata as e:
        return Record(message.sequence, message.data, error=e)
    return Record(message.sequence, message.data, info)


class Slot:
    """The place of one key's record: its subject in the stream of its bucket."""

    def __init__(self, js: JetStream, bucket: str, key: str, subject: str) -> None:
        self._js = js
        self._bucket = bucket
        self._key = key
        self._stream = wire.stream_name(bucket)
        self.subject = subject

    async def read(self) -> Record:
        """Return what the leader has."""
        return read_record(self._bucket, await self._js.last_message(self._stream, self.subject))

    async def replace(
        self, record: Record, make: Callable[[Record], bytes], *, is_ours: Callable[[Record], bool]
    ) -> tuple[int, Record]:
        """Publish a new record, on condition that the one it replaces is still there.

        A lost race reads again and asks `make` again, which raises when the change no longer applies. After a
        lost ack the same is published again: that can only succeed if the first one was not stored.

        Returns:
            The new record's sequence, and the record that it replaced.

        Raises:
            ObjectChanged: another writer was there while our own fate was in doubt.
            OutcomeUnknown: the server never said.
        """
        doubt = False
        deadline = time.monotonic() + PATIENCE * self._js.connection.timeout
        for pause in itertools.chain(_PAUSES, itertools.repeat(_PAUSES[-1])):
            headers = {
                "Nats-Rollup": "sub",
                "Nats-Expected-Last-Subject-Sequence": str(record.sequence),
            }
            try:
                ack = await self._js.publish(self.subject, make(record), headers)
            except TemporaryError as e:
                doubt = True
                if self._js.connection.lost.is_set() or time.monotonic() > deadline:
                    raise OutcomeUnknown(self._bucket, self._key) from e
                continue
            if ack.code == 0:
                return ack.sequence, record
            if ack.code in WRONG_SEQUENCE:
                replaced, record = record, await self.read()
                if is_ours(record):
                    return record.sequence, replaced
                if doubt:
                    raise ObjectChanged(self._bucket, self._key)
            elif ack.code not in _BUSY or time.monotonic() > deadline:
                raise api_error(ack.code, ack.message, 0, self._stream)
            await asyncio.sleep(pause)
        raise AssertionError("the pauses never end")


async def finish(change: Coroutine[Any, Any, T]) -> T:
    """Await a commit to its end even when we are told to stop: whether it happened must be known.

    A cancellation that comes meanwhile is too late: it is dropped when the commit succeeds, and must not hide
    that nobody knows.
    """
    task = asyncio.ensure_future(change)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as e:
            cancelled = e
    if cancelled is not None and not isinstance(task.exception(), (OutcomeUnknown, type(None))):
        raise cancelled
    return task.result()


async def purge_chunks(js: JetStream, bucket: str, nuid: str) -> None:
    """Remove the chunks of one upload, and look whether they are gone.

    Raises:
        NatsobjError: they may still be there.
    """
    stream, subject = wire.stream_name(bucket), wire.chunk_subject(bucket, nuid)
    await js.purge(stream, subject)
    if await js.count(stream, subject):
        await js.purge(stream, subject)


async def tidy_chunks(js: JetStream, bucket: str, gone: ObjectInfo | None) -> None:
    """Remove the chunks of an object that is gone; a failure is a note, for the change has succeeded."""
    if gone is None or gone.nuid is None:
        return
    try:
        await purge_chunks(js, bucket, gone.nuid)
    except NatsobjError as e:
        log.warning("the old chunks of %s/%s are not removed yet: %s", bucket, gone.name, e)
