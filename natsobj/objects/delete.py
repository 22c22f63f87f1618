"""The life of a delete: a tombstone for the record, then the chunks; made again when it is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any

from natsobj.adr20 import records
from natsobj.errors import BucketFull, ObjectChanged
from natsobj.jetstream import JetStream
from natsobj.models import ObjectInfo
from natsobj.objects.commit import (
    Doubt,
    Forgotten,
    Record,
    Slot,
    check_writable,
    finish,
    note_left_over,
    purge_chunks,
    tidy_chunks,
)


async def delete_object(
    js: JetStream,
    bucket: str,
    key: str,
    *,
    state: Callable[[], Awaitable[Mapping[str, Any]]],
    find: Callable[[], Coroutine[Any, Any, tuple[Slot, Record]]],
) -> ObjectInfo:
    """Delete an object and return it as it was, with `deleted` true.

    Args:
        state: gives the bucket's stream, as it was when it was read last.
        find: gives the place of the key and the record that is there now.
    """
    found: tuple[Slot, Record]
    found, stream = await asyncio.gather(find(), state())
    slot, record = found
    gone = record.existing(bucket, key)
    check_writable(bucket, stream)
    doubt = Doubt()

    def make(current: Record) -> bytes:
        current.existing(bucket, key)
        return records.encode_tombstone(current.data)

    def is_ours(current: Record) -> bool:
        return doubt.there and current.info is not None and current.info.deleted

    async def bury() -> ObjectInfo:
        domain = stream.get("domain", "")
        _, buried = await finish(slot.replace(record, make, is_ours=is_ours, domain=domain, doubt=doubt))
        return buried.existing(bucket, key)

    async def is_gone() -> bool:
        live = (await slot.read()).live
        return live is None or live.nuid != gone.nuid

    while True:
        try:
            gone = await bury()
        except BucketFull:  # no room for the tombstone: make some
            if gone.nuid is not None:
                await purge_chunks(js, bucket, gone.nuid)
            gone = await bury()
        except ObjectChanged:  # if ours was stored before the other writer's, nobody else removes them
            note_left_over(bucket, "another writer was there")
            raise
        try:
            await finish(tidy_chunks(js, bucket, gone, allowed=is_gone))
        except Forgotten:
            record = await slot.read()
        else:
            return replace(gone, deleted=True)
