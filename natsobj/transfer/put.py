"""The life of a put: chunks under a fresh nuid, the conditional commit, the tidying; or everything undone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from natsobj import wire
from natsobj.errors import (
    BucketReadOnly,
    BucketSealed,
    ContentMismatch,
    InvalidArgument,
    JetStreamUnavailable,
    NatsobjError,
    ObjectExists,
    OutcomeUnknown,
)
from natsobj.files import Source
from natsobj.jetstream import JetStream, api_error
from natsobj.models import ObjectInfo, ObjectMeta
from natsobj.transfer.commit import Record, Slot, finish, purge_chunks, tidy_chunks
from natsobj.transfer.upload import ChunkRefused, Upload, Uploaded

log = logging.getLogger(__name__)


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


async def put_object(
    js: JetStream,
    bucket: str,
    key: str,
    source: Source,
    *,
    find: Callable[[], Coroutine[Any, Any, tuple[Slot, Record]]],
    meta: ObjectMeta,
    condition: Condition,
) -> ObjectInfo:
    """Store an object; whatever this raises, the old one is as it was and no chunks are left.

    After `OutcomeUnknown` alone the chunks stay, for they may be the new object's.

    Args:
        find: gives the place of the key and the record that is there now.
    """
    stream_name = wire.stream_name(bucket)
    stream, (slot, record) = await asyncio.gather(js.stream_info(stream_name), find())
    check_writable(bucket, stream)
    condition.check(bucket, key, record)
    chunk_size = _chunk_size(meta.chunk_size, js.connection.max_payload, stream["config"])
    nuid = wire.new_nuid()
    upload = Upload(
        js.connection, wire.chunk_subject(bucket, nuid), stream=stream_name, domain=stream.get("domain", "")
    )
    try:
        uploaded = await upload.run(source, chunk_size)
        source.check()
        info = _describe(bucket, key, nuid, uploaded, replace(meta, chunk_size=chunk_size))

        def make(current: Record) -> bytes:
            condition.check(bucket, key, current)
            return wire.encode_object(info)

        def is_ours(current: Record) -> bool:
            return current.info is not None and current.info.nuid == nuid

        sequence, replaced = await finish(slot.replace(record, make, is_ours=is_ours))
    except OutcomeUnknown:
        raise
    except ChunkRefused as e:
        await _undo(js, bucket, nuid, upload)
        raise await _why_refused(js, stream_name, e) from e
    except BaseException:
        await _undo(js, bucket, nuid, upload)
        raise
    await tidy_chunks(js, bucket, replaced.live)
    return await _stored(slot, replace(info, revision=sequence))


def _describe(bucket: str, key: str, nuid: str, uploaded: Uploaded, meta: ObjectMeta) -> ObjectInfo:
    """Return the object that is to be committed; time and revision are the server's to give."""
    return ObjectInfo(
        bucket=bucket,
        name=key,
        size=uploaded.size,
        chunks=uploaded.chunks,
        modified=datetime.now(UTC),
        revision=0,
        chunk_size=meta.chunk_size,
        digest=wire.format_digest(uploaded.sha256),
        sha256=uploaded.sha256.hex(),
        nuid=nuid,
        description=meta.description,
        headers=meta.headers,
        metadata=meta.metadata,
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


def _chunk_size(asked: int | None, max_payload: int, config: Mapping[str, Any]) -> int:
    """Return the size of a chunk: the one asked for, or the default lowered to what is possible here."""
    most = min(limit for limit in (max_payload, config.get("max_msg_size", -1)) if limit > 0)
    if asked is None:
        return min(wire.DEFAULT_CHUNK_SIZE, most)
    if not 0 < asked <= most:
        raise InvalidArgument(f"impossible chunk size: {asked:,} bytes, 1 to {most:,} are possible here")
    return asked


async def _undo(js: JetStream, bucket: str, nuid: str, upload: Upload) -> None:
    if not upload.may_have_stored:
        return
    try:
        await purge_chunks(js, bucket, nuid)
    except NatsobjError as e:
        log.warning("chunks of the failed upload may be left in %s: %s", bucket, e)


async def _why_refused(js: JetStream, stream: str, refused: ChunkRefused) -> NatsobjError:
    """Say what a refusal means: without a body it is a stream that is gone, or one without a leader."""
    if refused.code < 1000:
        await js.stream_info(stream)
        return JetStreamUnavailable(f"bucket {wire.bucket_of_stream(stream)} takes no chunks now: {refused}")
    return api_error(refused.code, str(refused), 0, stream)


async def _stored(slot: Slot, info: ObjectInfo) -> ObjectInfo:
    """Return the object with the time that the server gave it, unless it was replaced again already."""
    try:
        record = await slot.read()
    except NatsobjError as e:
        log.info("%s/%s is stored, its time could not be read: %s", info.bucket, info.name, e)
        return info
    return record.info if record.info is not None and record.sequence == info.revision else info
