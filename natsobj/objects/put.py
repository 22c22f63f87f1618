"""The life of a put: chunks under a fresh nuid, the conditional commit, the tidying; or everything undone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from natsobj.adr20 import names, records
from natsobj.errors import (
    ChunksMissing,
    ConfigRefused,
    ContentMismatch,
    InvalidArgument,
    NatsobjError,
    ObjectExists,
    OutcomeUnknown,
)
from natsobj.files import Source
from natsobj.jetstream import JetStream
from natsobj.models import ObjectInfo, ObjectMeta
from natsobj.objects.chunker import SourceFailed, Supply
from natsobj.objects.commit import Doubt, Forgotten, Record, Slot, check_writable, finish, tidy_chunks
from natsobj.objects.upload import Chunks

log = logging.getLogger(__name__)

SMALL = 1024 * 1024
"""Bytes up to which a source goes up before it is known what it replaces."""

_LONGEST_NUMBER = 10**13
_RECORD_HEADERS = 150
"""Bytes of the headers that a record is published with, at most."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What must be true of the stored object for a put to replace it."""

    absent: bool = False
    sha256: str | None = None
    """Hex of the stored content."""

    def check(self, bucket: str, key: str, record: Record) -> None:
        """Raise `ObjectExists` or `ContentMismatch` when the record does not meet it."""
        if self.absent and record.live is not None:
            raise ObjectExists(bucket, key)
        if self.sha256 is not None and (record.live is None or record.live.sha256 != self.sha256.lower()):
            raise ContentMismatch(bucket, key)

    def __bool__(self) -> bool:
        return self.absent or self.sha256 is not None


async def put_object(
    js: JetStream,
    bucket: str,
    key: str,
    source: Source,
    *,
    state: Callable[[], Awaitable[Mapping[str, Any]]],
    find: Callable[[], Coroutine[Any, Any, tuple[Slot, Record]]],
    meta: ObjectMeta,
    condition: Condition,
    read_back: bool,
) -> ObjectInfo:
    """Store an object; whatever this raises, the old one is as it was and no chunks are left.

    After `OutcomeUnknown` alone the chunks stay, for they may be the new object's.

    Args:
        state: gives the bucket's stream, as it was when it was read last.
        find: gives the place of the key and the record that is there now.
        read_back: ask for the time that the server gave it; without it a round trip less.
    """
    finding = asyncio.create_task(find())
    chunks: Chunks | None = None
    doubt, committed = Doubt(), False
    try:
        stream = await state()
        check_writable(bucket, stream)
        if condition or source.size is None or source.size > SMALL:  # else it comes in the same round trip
            condition.check(bucket, key, (await finding)[1])
        limits = (js.connection.max_payload, stream["config"].get("max_msg_size", -1))
        _check_record(bucket, key, meta, *limits)
        size = _chunk_size(meta.chunk_size, *limits)
        chunks = Chunks(js, bucket, Supply(js, source, size, bucket=bucket), stream)
        await chunks.store()
        source.check()
        info = _describe(bucket, key, chunks, replace(meta, chunk_size=size))
        slot, record = await finding
        gone: list[ObjectInfo] = []
        while True:
            commit = _commit(slot, record, info, condition, domain=stream.get("domain", ""), doubt=doubt)
            sequence, replaced = await finish(commit)
            committed = True
            info = replace(info, revision=sequence)
            if replaced.live is not None and replaced.live.nuid != info.nuid:
                gone.append(replaced.live)
            try:
                return await finish(_conclude(js, slot, info, gone, chunks, read_back=read_back))
            except Forgotten:
                log.debug("%s/%s: a leader that died took the commit along", bucket, key)
                committed = False
                record = await slot.read()
    except OutcomeUnknown:
        raise
    except BaseException as e:
        if committed:
            raise
        finding.cancel()
        await asyncio.gather(finding, return_exceptions=True)
        if chunks is not None:
            if doubt.replaced is not None and await chunks.vanish():
                await tidy_chunks(js, bucket, doubt.replaced.live)
            await chunks.undo(e)
        if isinstance(e, SourceFailed):
            raise e.error from e.error.__cause__
        raise


async def _commit(
    slot: Slot, record: Record, info: ObjectInfo, condition: Condition, *, domain: str, doubt: Doubt
) -> tuple[int, Record]:
    """Publish the metadata while the condition holds; returns its sequence and what it replaced."""

    def make(current: Record) -> bytes:
        condition.check(info.bucket, info.name, current)
        return records.encode_object(info)

    def is_ours(current: Record) -> bool:
        return current.info is not None and current.info.nuid == info.nuid

    return await slot.replace(record, make, is_ours=is_ours, domain=domain, doubt=doubt)


async def _conclude(
    js: JetStream,
    slot: Slot,
    info: ObjectInfo,
    gone: Sequence[ObjectInfo],
    chunks: Chunks,
    *,
    read_back: bool,
) -> ObjectInfo:
    """Tidy behind the commit, and return the object as it is stored.

    Raises:
        ChunksMissing: the bucket made room for the record by dropping what the record names.
        Forgotten: the record is not there any more.
    """

    async def tidy() -> None:
        for each in gone:
            await tidy_chunks(js, info.bucket, each, allowed=lambda: slot.stands(info.revision))

    tidying = asyncio.create_task(tidy())
    stored = await _stored(slot, info) if read_back else info
    await tidying
    await chunks.tidy()
    if (lost := await chunks.displaced()) and (await slot.read()).sequence == info.revision:
        raise ChunksMissing(info.bucket, info.name, expected=info.chunks, stored=info.chunks - lost)
    return stored


def _describe(bucket: str, key: str, chunks: Chunks, meta: ObjectMeta) -> ObjectInfo:
    """Return the object that is to be committed; time and revision are the server's to give."""
    sha256 = chunks.supply.sha256
    return ObjectInfo(
        bucket=bucket,
        name=key,
        size=chunks.supply.size,
        chunks=chunks.upload.stored,
        modified=datetime.now(UTC),
        revision=0,
        chunk_size=meta.chunk_size,
        digest=records.format_digest(sha256),
        sha256=sha256.hex(),
        nuid=chunks.upload.nuid,
        description=meta.description,
        headers=_headers(meta),
        metadata=meta.metadata,
    )


def _headers(meta: ObjectMeta) -> dict[str, tuple[str, ...]]:
    return {name: tuple(values) for name, values in meta.headers.items()}


def _check_record(bucket: str, key: str, meta: ObjectMeta, max_payload: int, max_msg_size: int) -> None:
    """Refuse what would not fit into one message, before anything is uploaded.

    Raises:
        InvalidArgument: the server takes no message of that size.
        ConfigRefused: the bucket's stream takes none.
    """
    longest = ObjectInfo(
        bucket=bucket,
        name=key,
        size=_LONGEST_NUMBER,
        chunks=_LONGEST_NUMBER,
        modified=datetime.now(UTC),
        revision=0,
        chunk_size=_LONGEST_NUMBER,
        digest=records.format_digest(bytes(32)),
        nuid=names.new_nuid(),
        description=meta.description,
        headers=_headers(meta),
        metadata=meta.metadata,
    )
    size = len(records.encode_object(longest)) + _RECORD_HEADERS
    what = f"impossible record: key, description, headers and metadata of {bucket}/{key} take {size:,} bytes"
    if size > max_payload:
        raise InvalidArgument(f"{what}, {max_payload:,} are possible here")
    if 0 < max_msg_size < size:
        raise ConfigRefused(f"{what}, this bucket takes messages of {max_msg_size:,}")


def _chunk_size(asked: int | None, max_payload: int, max_msg_size: int) -> int:
    """Return the size of a chunk: the one asked for, or the default lowered to what is possible here."""
    most = min(limit for limit in (max_payload, max_msg_size) if limit > 0)
    if asked is None:
        return min(records.DEFAULT_CHUNK_SIZE, most)
    if not 0 < asked <= most:
        raise InvalidArgument(f"impossible chunk size: {asked:,} bytes, 1 to {most:,} are possible here")
    return asked


async def _stored(slot: Slot, info: ObjectInfo) -> ObjectInfo:
    """Return the object with the time that the server gave it, unless it was replaced again already."""
    try:
        record = await slot.read()
    except NatsobjError as e:
        log.info("%s/%s is stored, its time could not be read: %s", info.bucket, info.name, e)
        return info
    return record.live if record.live is not None and record.sequence == info.revision else info
