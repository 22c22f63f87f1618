"""The lives of a rename, of a copy, and of a move into another bucket.

A rename moves the record and leaves the chunks: the new name is stored first, then the old record is removed.
It is removed by a purge that spares every record newer than the one that was read. That is the moment that
decides: a client that replaces or deletes the object at the same time is either seen there, or finds nothing
to replace.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from natsobj.adr20 import names, records
from natsobj.errors import ChunksMissing, NatsobjError, ObjectChanged, ObjectNotFound
from natsobj.files import Source
from natsobj.models import ObjectInfo, ObjectMeta
from natsobj.objects.change import change_record
from natsobj.objects.commit import finish, remove_others, tidy_chunks
from natsobj.objects.condition import Condition
from natsobj.objects.delete import delete_object
from natsobj.objects.link import check_no_object
from natsobj.objects.put import Put
from natsobj.objects.stored_source import open_stored
from natsobj.stream import BucketStream, Found, Record
from natsobj.stream.lookup import find

__all__ = ["Wrap", "copy_object", "move_object"]

log = logging.getLogger(__name__)

Wrap = Callable[[Source], Source]
"""Wraps the source that a copy reads."""

_LARGEST_CHUNK = 1024 * 1024
"""The largest chunk size that a copy takes over from its original."""


async def move_object(
    stream: BucketStream, key: str, to: BucketStream, new: str, *, replace: bool, wrap: Wrap
) -> ObjectInfo:
    """Give an object another name or another bucket, and return it.

    At any moment at least one of the two names works.

    Args:
        replace: an object that is there may be replaced.

    Raises:
        ObjectNotFound: there is none.
        ObjectExists: there is one of the new name that may not be replaced.
        SubjectTaken: an object of another name lies in the new one's place.
        ObjectChanged: another writer was there at the same time; the copy is made.
        RefusedError: one of the buckets takes no changes.
    """
    if to.bucket == stream.bucket:
        found, target = await asyncio.gather(
            find(stream, key, thorough=True, search=True), find(stream, new, thorough=True)
        )
        info = found.record.existing(stream.bucket, key)
        return info if key == new else await _Rename(stream, key, found, new, target, replace=replace).run()
    await stream.check_writable(records_only=True)
    copied, source = await _copy(stream, key, to, new, replace=replace, wrap=wrap)
    with suppress(ObjectNotFound):  # another writer was quicker
        await delete_object(stream, key, expected=source)
    return copied


async def copy_object(
    stream: BucketStream, key: str, to: BucketStream, new: str, *, replace: bool, wrap: Wrap
) -> ObjectInfo:
    """Copy an object, under chunks of its own, and return the copy; a link is copied as a link.

    Raises:
        ObjectNotFound: there is none, or it was deleted while it was read.
        ObjectChanged: it was replaced while it was read.
        ContentBroken: what is stored is not what its record says.
        ObjectExists: there is one of the new name that may not be replaced.
        SubjectTaken: an object of another name lies in the new one's place.
        RefusedError: the other bucket takes no changes.
    """
    if to.bucket == stream.bucket and key == new:
        return (await find(stream, key, search=True)).record.existing(stream.bucket, key)
    return (await _copy(stream, key, to, new, replace=replace, wrap=wrap))[0]


async def _copy(
    stream: BucketStream, key: str, to: BucketStream, new: str, *, replace: bool, wrap: Wrap
) -> tuple[ObjectInfo, int]:
    """Return the copy, and the revision of what was copied."""
    found, state = await asyncio.gather(find(stream, key, search=True), to.check_writable())
    record, condition = found.record, Condition(absent=not replace)
    info = record.existing(stream.bucket, key)
    if info.link is not None:
        return await _copy_link(record, to, new, condition), record.sequence
    limits = (to.connection.max_payload, state["config"].get("max_msg_size", -1), _LARGEST_CHUNK)
    size = max(info.chunk_size or 0, -(-info.size // info.chunks) if info.chunks else 0)
    kept = size if 0 < size <= min(limit for limit in limits if limit > 0) else None
    seconds = record.remaining(await stream.clock()) if record.ttl and _takes_ttl(state) else 0
    meta = ObjectMeta(chunk_size=kept, ttl=timedelta(seconds=seconds) if seconds else None)
    async with open_stored(stream, info) as source:
        put = Put(to, new, wrap(source), meta, condition, read_back=True, like=record.data)
        with stream.js.connector.sharing():  # download and upload share the memory
            copied = await put.run()
    stored = await to.count(await to.chunk_subject(copied.nuid or ""))
    if stored != copied.chunks:
        raise ChunksMissing(to.bucket, new, expected=copied.chunks, stored=stored)
    return copied, record.sequence


def _takes_ttl(state: Mapping[str, Any]) -> bool:
    """Return whether a bucket allows its objects a lifetime of their own."""
    return bool(state["config"].get("allow_msg_ttl"))


async def _copy_link(record: Record, to: BucketStream, new: str, condition: Condition) -> ObjectInfo:
    found, state = await asyncio.gather(find(to, new, thorough=True), to.check_writable(records_only=True))
    fields = {"name": new, "bucket": to.bucket, "nuid": names.new_nuid()}

    def make(current: Record) -> bytes:
        condition.check(to.bucket, new, current)
        check_no_object(to.bucket, new, current)
        return records.rewrite(record.data, fields)

    copied, replaced = await change_record(
        to, new, found.record, make, state, lasts=(lambda _: record) if _takes_ttl(state) else None
    )
    await finish(_tidy(to, copied, [replaced], found.others))
    return copied


async def _tidy(
    stream: BucketStream, info: ObjectInfo, replaced: Sequence[Record], others: Sequence[Record]
) -> None:
    """Remove the chunks of what a record replaced, as long as the record stands; a failure is only logged."""

    async def stands() -> bool:
        return (await stream.read(info.subject)).sequence >= info.revision

    for each in replaced:
        if each.live is not None and each.live.nuid != info.nuid:
            await tidy_chunks(stream, each.live, allowed=stands)
    try:
        await remove_others(stream, others, but=info.nuid)
    except NatsobjError as e:
        log.warning("another record of %s/%s is not removed yet: %s", stream.bucket, info.name, e)


class _Rename:
    """One rename within a bucket. Its fields are its state."""

    def __init__(
        self, stream: BucketStream, key: str, found: Found, new: str, target: Found, *, replace: bool
    ) -> None:
        self._stream = stream
        self._key = key
        self._new = new
        self._old = found.record
        """The old record, as it was last read."""
        self._others = (*found.others, *target.others)
        self._condition = Condition(absent=not replace)
        self._place = target.record
        """The record under the new name."""
        self._in_place = target.record.subject == found.record.subject
        """Whether both names share a subject, as with some clients."""
        self._replaced: list[Record] = []
        """What was there before."""
        self._ours = 0
        """The sequence of our record under the new name."""

    async def run(self) -> ObjectInfo:
        """Rename, and finish once begun: between the two steps both names share the chunks."""
        return await finish(self._run())

    async def _run(self) -> ObjectInfo:
        stream = self._stream
        state = await stream.check_writable(records_only=True)
        while True:
            moved, replaced = await change_record(
                stream, self._new, self._place, self._make, state, lasts=self._source
            )
            if self._in_place:
                self._replaced = []
            elif not self._is_ours(replaced):
                self._replaced.append(replaced)
            if self._in_place or await self._retire(moved):
                await _tidy(stream, moved, self._replaced, self._others)
                return moved

    def _make(self, current: Record) -> bytes:
        if self._in_place:
            current.existing(self._stream.bucket, self._key)
        elif not self._is_ours(current):
            self._condition.check(self._stream.bucket, self._new, current)
            if self._old.live is not None and self._old.live.link is not None:
                check_no_object(self._stream.bucket, self._new, current)
        return records.rewrite(self._source(current).data, {"name": self._new, "bucket": self._stream.bucket})

    def _source(self, current: Record) -> Record:
        """Return the record that moves."""
        return current if self._in_place else self._old

    def _is_ours(self, record: Record) -> bool:
        """Return whether a record was published by an earlier attempt of this rename."""
        return record.sequence != 0 and record.sequence == self._ours

    async def _retire(self, moved: ObjectInfo) -> bool:
        """Remove the old record; False if it has changed, so that the new one must be published again.

        Raises:
            ObjectNotFound: it was deleted, or moved elsewhere: the new name is as it was.
            InvalidMetadata: it cannot be read any more; likewise.
        """
        stream, old = self._stream, self._old
        self._ours = moved.revision
        removed = await self._purge(moved)
        current, self._place = await asyncio.gather(stream.read(old.subject), stream.read(moved.subject))
        if self._place.sequence < moved.revision:  # a leader that died took it with it
            return False
        if removed or (removed is None and await self._is_whole(moved)):
            return True
        if self._place.sequence != moved.revision:  # replaced by another writer, who owns it now
            current.existing(stream.bucket, self._key)
            raise ObjectChanged(stream.bucket, self._key, read=False)
        try:
            current.existing(stream.bucket, self._key)
        except NatsobjError:
            await self._restore(moved)
            raise
        self._old = current
        return False

    async def _purge(self, moved: ObjectInfo) -> bool | None:
        """Remove the old record unless it is newer than what was read; None if that cannot be told.

        It is asked again only while the new one stands.
        """
        stream, old = self._stream, self._old
        tries = 0

        async def purge() -> int:
            nonlocal tries
            if tries and (await stream.read(moved.subject)).sequence < moved.revision:
                return 0
            tries += 1
            return await stream.js.purge(stream.name, old.subject, before=old.sequence + 1, once=tries == 1)

        if await stream.patiently(purge):
            return True
        return False if tries == 1 else None

    async def _is_whole(self, moved: ObjectInfo) -> bool:
        """Return whether the chunks are stored: a writer that replaces the old record removes them."""
        if moved.nuid is None or moved.link is not None:
            return True
        return await self._stream.count(await self._stream.chunk_subject(moved.nuid)) >= moved.chunks

    async def _restore(self, moved: ObjectInfo) -> None:
        """Restore what was under the new name: its record would have no chunks."""
        stream, before = self._stream, self._replaced[0]

        def make(current: Record) -> bytes:
            if current.sequence != moved.revision:
                raise ObjectChanged(stream.bucket, self._new, read=False)
            return before.data

        try:
            if before.is_nothing:
                await stream.purge(moved.subject, before=moved.revision + 1)
            else:
                await change_record(
                    stream, self._new, self._place, make, await stream.state(), lasts=lambda _: before
                )
        except NatsobjError as e:
            log.warning("%s/%s may lead to nothing now: %s", stream.bucket, self._new, e)
