"""The life of a delete: the tombstone, then the chunks; both again if a leader forgot the tombstone.

In a full bucket the chunks go first, and a record without any leaves no tombstone.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from natsobj.adr20 import names, records
from natsobj.errors import BucketFull, ObjectChanged
from natsobj.models import ObjectInfo
from natsobj.objects.commit import (
    Forgotten,
    Replacement,
    finish,
    note_left_over,
    purge_chunks,
    remove_others,
    tidy_chunks,
)
from natsobj.stream import BucketStream, Found, Record
from natsobj.stream.listing import every_record
from natsobj.stream.lookup import find


async def delete_object(
    stream: BucketStream,
    key: str,
    *,
    search: bool = False,
    unreadable: bool = False,
    expected: int | None = None,
    keep_chunks: bool = False,
) -> ObjectInfo:
    """Delete an object and return it as it was, with `deleted` true.

    Args:
        search: if it is not where today's clients put it, search for its name.
        unreadable: also remove an unreadable record of that name.
        expected: delete only this revision.
        keep_chunks: another record names the chunks. They stay, and no tombstone says that they are gone.

    Raises:
        ObjectChanged: another writer changed it, or it is not the `expected` revision.
        ObjectNotFound: there is none, or only a tombstone.
        InvalidMetadata: its record cannot be read.
        RefusedError: the bucket takes no changes.
    """
    found: Found
    found, state = await asyncio.gather(
        find(stream, key, thorough=True, search=search), stream.check_writable(records_only=True)
    )
    nobodys = found.unreadable or ((found.record,) if found.record.error is not None else ())
    delete = partial(_Delete, stream, key, found, domain=state.get("domain", ""), expected=expected)
    if keep_chunks:
        return await delete().run_beside_another()
    if not (unreadable and nobodys):
        return await delete().run()
    gone = [await finish(_remove_unreadable(stream, record)) for record in nobodys]
    if found.record.holds(key):
        return await delete().run()
    return gone[0]


async def _remove_unreadable(stream: BucketStream, record: Record) -> ObjectInfo:
    """Remove an unreadable record, and the chunks that only it may name."""
    pattern = names.chunks_filter(await stream.root())
    stored = {subject[len(pattern) - 1 :] for subject in await stream.counts(pattern)}
    named = record.may_name(stored)
    await stream.purge(record.subject, before=record.sequence + 1)
    if named:
        async with aclosing(every_record(stream)) as others:
            async for other in others:
                if other.error is not None:
                    named -= other.may_name(named)
                elif other.live is not None:
                    named.discard(other.live.nuid or "")
    for nuid in named:
        await purge_chunks(stream, nuid)
    return ObjectInfo(
        stream.bucket, record.name, 0, 0, record.time, record.sequence, deleted=True, subject=record.subject
    )


class _Delete:
    """One delete. Its fields are its state."""

    def __init__(
        self, stream: BucketStream, key: str, found: Found, *, domain: str, expected: int | None
    ) -> None:
        self._stream = stream
        self._key = key
        self._domain = domain
        self._record = found.record
        """The record that the tombstone replaces."""
        self._others = found.others
        self._expected = expected
        self._in_doubt = False
        """Whether a tombstone was published and it is unknown if it was stored."""
        self._gone = found.record.existing(stream.bucket, key)
        """The object as it was last read."""

    async def run(self) -> ObjectInfo:
        while True:
            try:
                await self._bury()
            except BucketFull:  # no room for the tombstone: remove chunks first
                if self._gone.nuid is not None and self._gone.link is None:
                    await purge_chunks(self._stream, self._gone.nuid)
                await self._bury_or_remove()
            except ObjectChanged:
                if self._in_doubt:  # if ours was stored first, nobody else removes its chunks
                    note_left_over(self._stream.bucket, "another writer was there")
                raise
            try:
                await finish(tidy_chunks(self._stream, self._gone, allowed=self._is_gone))
            except Forgotten:
                self._record = await self._stream.read(self._record.subject)
                continue
            await finish(remove_others(self._stream, self._others))
            return replace(self._gone, deleted=True)

    async def run_beside_another(self) -> ObjectInfo:
        """Remove nothing but the record: another one names the chunks."""
        await self._remove()
        await finish(remove_others(self._stream, self._others, but=self._gone.nuid))
        return replace(self._gone, deleted=True)

    async def _bury(self) -> None:
        """Publish the tombstone."""
        burial = Replacement(
            self._stream,
            self._record,
            self._make,
            lambda current: burial.in_doubt and current.deleted,
            key=self._key,
            domain=self._domain,
        )
        try:
            await finish(burial.run())
        finally:
            self._record = burial.record
            self._in_doubt = burial.in_doubt
        self._gone = burial.record.existing(self._stream.bucket, self._key)

    async def _bury_or_remove(self) -> None:
        """Publish the tombstone; where there is still no room for it, remove the record instead."""
        try:
            await self._bury()
        except BucketFull:
            await self._remove()

    async def _remove(self) -> None:
        """Remove the record, unless it has changed."""
        stream, record = self._stream, self._record
        self._make(record)
        await finish(stream.purge(record.subject, before=record.sequence + 1))
        if not (current := await stream.read(record.subject)).is_nothing:
            self._make(current)
            raise ObjectChanged(stream.bucket, self._key, read=False)

    def _make(self, current: Record) -> bytes:
        current.existing(self._stream.bucket, self._key)
        if self._expected not in (None, current.sequence):
            raise ObjectChanged(self._stream.bucket, self._key, read=False)
        return records.encode_tombstone(current.data)

    async def _is_gone(self) -> bool:
        live = (await self._stream.read(self._record.subject)).live
        return live is None or live.nuid != self._gone.nuid
