"""A change of one record alone: published on condition of what it replaces, and read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from natsobj.adr20 import records
from natsobj.models import ObjectInfo
from natsobj.objects.commit import Replacement, check_record, finish
from natsobj.stream import BucketStream, Record

__all__ = ["change_record"]


async def change_record(
    stream: BucketStream,
    key: str,
    record: Record,
    make: Callable[[Record], bytes],
    state: Mapping[str, Any],
    *,
    lasts: Callable[[Record], Record] | None = None,
) -> tuple[ObjectInfo, Record]:
    """Replace a record; return the object as it is stored, and the record that was replaced.

    Once begun it is finished, even when this task is cancelled.

    Args:
        record: the record as it was read.
        make: takes the record that would be replaced and returns the new JSON. It raises when the change does
            not apply, and is called again after a lost race.
        state: the stream's configuration and state.
        lasts: takes the record that would be replaced and returns the one whose remaining lifetime the new
            record gets; without it the new record lasts for ever.

    Raises:
        ObjectChanged: another writer was there while ours was in doubt, or won again and again.
        OutcomeUnknown: the server never confirmed. No other error is raised while it may be stored.
        InvalidArgument: the new record is too large for the server.
    """
    ahead = timedelta(0)
    if lasts is not None and lasts(record).ttl:
        ahead = await stream.clock() - datetime.now(UTC)

    def ttl(current: Record) -> int:
        return 0 if lasts is None else lasts(current).remaining(datetime.now(UTC) + ahead)

    return await finish(_change(stream, key, record, make, state, ttl=ttl))


async def _change(
    stream: BucketStream,
    key: str,
    record: Record,
    make: Callable[[Record], bytes],
    state: Mapping[str, Any],
    *,
    ttl: Callable[[Record], int],
) -> tuple[ObjectInfo, Record]:
    published = b""

    def make_it(current: Record) -> bytes:
        nonlocal published
        published = make(current)
        check_record(stream, key, published, state)
        return published

    change = Replacement(
        stream,
        record,
        make_it,
        lambda current: change.in_doubt and current.data == published,
        key=key,
        domain=state.get("domain", ""),
        ttl=ttl,
    )
    sequence = await change.run()
    current = await stream.read(record.subject)
    if current.sequence == sequence and current.info is not None:
        return current.info, change.record
    info = records.decode_object(  # it was replaced again already
        stream.bucket, published, subject=record.subject, revision=sequence, modified=current.time
    )
    return info, change.record
