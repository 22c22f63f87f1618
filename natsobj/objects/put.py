"""The life of a put: chunks under a fresh nuid, the conditional commit, tidying; or all of it undone."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from natsobj.adr20 import names, records, streams
from natsobj.errors import (
    ChunksMissing,
    ConfigRefused,
    InvalidArgument,
    NatsobjError,
    OutcomeUnknown,
    RefusedError,
)
from natsobj.files import Source
from natsobj.models import ObjectInfo, ObjectMeta
from natsobj.objects.chunker import Chunker, SourceFailed
from natsobj.objects.commit import (
    Forgotten,
    Replacement,
    check_record,
    finish,
    full,
    remove_others,
    tidy_chunks,
)
from natsobj.objects.condition import Condition
from natsobj.objects.upload import Upload
from natsobj.stream import BucketStream, Found, Record
from natsobj.stream.absences import Absences
from natsobj.stream.lookup import find
from natsobj.stream.stream import TRUSTED

__all__ = ["Put"]

log = logging.getLogger(__name__)

_EARLY = 1024 * 1024
"""A source of at most this many bytes is sent before it is known what it replaces."""

_PLAIN = 20_000
"""The most bytes of a record with only a key, a digest and some numbers, even if every one is escaped."""

_AFTERLIFE = 3600
"""Chunks outlive their record by at least this many seconds: uploads and edits take time."""

_LONGEST = 10**13
"""A number with as many digits as a size or count can have."""


class Put:
    """One put. Its fields are its state.

    If `run` raises, the old object is unchanged and no chunks are left. They stay only after
    `OutcomeUnknown`, because the new object may be stored.

    Args:
        read_back: ask for the time that the server gave the object; that takes a round trip.
        absences: keys that are known not to be in the bucket, and need not be looked for.
        like: for a copy, the JSON of the original record, from which unknown fields are taken over.
    """

    def __init__(
        self,
        stream: BucketStream,
        key: str,
        source: Source,
        meta: ObjectMeta,
        condition: Condition,
        *,
        read_back: bool,
        absences: Absences | None = None,
        like: bytes | None = None,
    ) -> None:
        self._stream = stream
        self._key = key
        self._source = source
        self._meta = meta
        self._ttl = 0 if meta.ttl is None else math.ceil(meta.ttl.total_seconds())
        """Lifetime in seconds; 0 is for ever."""
        self._condition = condition
        self._read_back = read_back
        self._absences = absences
        self._like = like
        self._finding: asyncio.Future[Found] | None = None
        """The lookup of what is stored, which may run while chunks are sent."""
        self._domain = ""
        """The stream's domain: only its acknowledgement counts."""
        self._upload: Upload | None = None
        """The chunks; None before the upload begins."""
        self._commit: Replacement | None = None
        """The publish of the record, once it has begun."""
        self._committed = False
        """Whether the record is stored: from then on nothing is undone."""
        self._alone: asyncio.Lock | None = None
        """Held to keep other puts of this process away while there may be room for one only."""
        self._gone: list[ObjectInfo] = []
        """The objects that it replaced, whose chunks are to be removed."""

    async def run(self) -> ObjectInfo:
        """Store the object and return it as it is stored."""
        self._finding = self._look_up()
        try:
            return await self._run(self._finding)
        except OutcomeUnknown:
            raise
        except BaseException as e:
            if isinstance(e, RefusedError):
                self._stream.forget()
            if not self._committed:
                await self._undo(e)
            if isinstance(e, SourceFailed):
                raise e.error from e.error.__cause__
            raise
        finally:
            if self._alone is not None:
                self._alone.release()

    def _look_up(self) -> asyncio.Future[Found]:
        """Look for what the key has, unless it is known to have nothing."""
        nothing = Found(Record(names.metadata_subject(self._stream.bucket, self._key)))
        absences = self._absences
        if absences is not None and absences.know(self._key):
            finding: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
            finding.set_result(nothing)
            return finding

        async def look() -> Found:
            if absences is not None and await absences.lacks(self._key):
                return nothing
            return await find(self._stream, self._key, thorough=True)

        return asyncio.ensure_future(look())

    async def _run(self, finding: asyncio.Future[Found]) -> ObjectInfo:
        stream, source = self._stream, self._source
        state = await stream.check_writable(max_age=0 if self._absences is None else TRUSTED)
        if displaces := streams.displaces(state["config"]):
            await stream.uploading.acquire()
            self._alone = stream.uploading
        self._domain = state.get("domain", "")
        if (
            self._condition or source.size is None or source.size > _EARLY
        ):  # else look and send in one round trip
            self._check((await self._found(finding)).record)
        limits = (stream.connection.max_payload, state["config"].get("max_msg_size", -1))
        if self._says_anything or any(0 < limit < _PLAIN for limit in limits):
            longest = self._describe(size=_LONGEST, chunks=_LONGEST, chunk_size=_LONGEST)
            check_record(stream, self._key, self._encode(longest), state)
        size = _chunk_size(self._meta.chunk_size, *limits)
        ttl = self._ttl
        if ttl and (reason := streams.ttl_refusal(state["config"], ttl)):
            error = ConfigRefused(f"bucket {stream.bucket} cannot keep an object for {ttl:,} s: {reason}")
            if reason == streams.NO_OBJECT_TTL:
                error.add_note(f"allow it with: natsobj edit {stream.bucket} --object-ttl")
            raise error
        if displaces:
            source = await self._fitting(source, size)
        longer = max(ttl, _AFTERLIFE)
        upload = self._upload = self._begin(source, size, state, ttl=ttl and ttl + longer)
        await upload.store()
        if ttl and upload.age > longer:
            raise ConfigRefused(f"the upload of {stream.bucket}/{self._key} took longer than its chunks live")
        source.check()
        await self._check_stream(upload, state)
        found = await self._found(finding)
        chunker, window, record = upload.chunker, upload.window, found.record
        info = self._describe(
            size=chunker.size,
            chunks=window.stored,
            chunk_size=size,
            sha256=chunker.sha256,
            nuid=window.nuid,
        )
        while True:
            info = await self._publish(info, record)
            try:
                if not (self._read_back or self._gone or found.others or upload.untidy):
                    return info
                return await finish(self._conclude(info, record.subject, found.others, upload))
            except Forgotten:
                log.debug("%s/%s: a leader that died took the commit along", info.bucket, self._key)
                self._committed = False
                record = await stream.read(record.subject)

    async def _found(self, finding: asyncio.Future[Found]) -> Found:
        """Return what the key has; a look that took the bucket for the mirror that it was is taken again."""
        found = await finding
        if found.record.subject.split(".")[1] != self._stream.bucket:
            found = await find(self._stream, self._key, thorough=True)
        return found

    async def _check_stream(self, upload: Upload, state: Mapping[str, Any]) -> None:
        """Look whether another client has edited the stream, or made it anew, since the upload began.

        Raises:
            RefusedError: it does not keep objects any more.
            ChunksLost: it has lost some of these.
        """
        now = await self._stream.check_writable()
        if any(now.get(each) != state.get(each) for each in ("config", "created")):
            await upload.recount()

    def _begin(self, source: Source, chunk_size: int, state: Mapping[str, Any], *, ttl: int) -> Upload:
        """Return the upload, before it has stored anything."""
        return Upload(self._stream, Chunker(self._stream, source, chunk_size), state, ttl=ttl)

    async def _fitting(self, source: Source, chunk_size: int) -> Source:
        """Refuse a source that would displace what is stored; if its size is unknown, while it is read.

        Raises:
            BucketFull: it is larger than the stream has room for.
        """
        longest = self._describe(size=_LONGEST, chunks=_LONGEST, chunk_size=_LONGEST)
        size = len(self._encode(longest)) + len(names.metadata_subject(self._stream.bucket, self._key))
        now = await self._stream.info()
        room, why = streams.room_for_chunks(now, self._stream.bucket, chunk_size=chunk_size, record_size=size)
        room += self._stored_before
        if source.size is not None and source.size > room:
            raise full(self._stream, why)
        return _Bounded(source, room, full(self._stream, why))

    @property
    def _stored_before(self) -> int:
        """Bytes of the object that are stored already."""
        return 0

    @property
    def _says_anything(self) -> bool:
        """Whether the record has more than a key, a digest and some numbers."""
        meta = self._meta
        return bool(self._like or meta.description or meta.headers or meta.metadata)

    def _check(self, record: Record) -> None:
        self._condition.check(self._stream.bucket, self._key, record)

    def _encode(self, info: ObjectInfo) -> bytes:
        return records.encode_object(info) if self._like is None else records.encode_copy(self._like, info)

    async def _publish(self, info: ObjectInfo, record: Record) -> ObjectInfo:
        """Commit: publish the record in place of the stored one, and return it with its revision."""

        def make(current: Record) -> bytes:
            self._check(current)
            return self._encode(info)

        def is_ours(current: Record) -> bool:
            return current.info is not None and current.info.nuid == info.nuid

        commit = self._commit = Replacement(
            self._stream, record, make, is_ours, key=self._key, domain=self._domain, ttl=lambda _: self._ttl
        )
        assert self._upload is not None
        self._upload.begin_commit(record.sequence)
        sequence = await finish(commit.run())
        self._committed = True
        replaced = commit.record.live
        if replaced is not None and replaced.nuid != info.nuid:
            self._gone.append(replaced)
        return replace(info, revision=sequence, subject=record.subject)

    async def _conclude(
        self, info: ObjectInfo, subject: str, others: tuple[Record, ...], upload: Upload
    ) -> ObjectInfo:
        """Tidy after the commit, and return the object as it is stored.

        Raises:
            ChunksMissing: the bucket made room for the record by dropping its chunks.
            Forgotten: the record is gone.
        """
        tidying = asyncio.create_task(self._tidy(info, subject))
        stored = await self._stored(info, subject) if self._read_back else info
        await tidying
        await upload.tidy()
        try:
            await remove_others(self._stream, others, but=info.nuid)
        except NatsobjError as e:
            log.warning("another record of %s/%s is not removed yet: %s", info.bucket, info.name, e)
        if (lost := await upload.displaced()) and (
            await self._stream.read(subject)
        ).sequence == info.revision:
            raise ChunksMissing(info.bucket, info.name, expected=info.chunks, stored=info.chunks - lost)
        return stored

    async def _tidy(self, info: ObjectInfo, subject: str) -> None:
        """Remove the chunks of what was replaced, as long as the new record is stored."""

        async def stands() -> bool:
            return (await self._stream.read(subject)).sequence >= info.revision

        for each in self._gone:
            await tidy_chunks(self._stream, each, allowed=stands)

    async def _stored(self, info: ObjectInfo, subject: str) -> ObjectInfo:
        """Return the object with the server's time, unless it has already been replaced again."""
        try:
            record = await self._stream.read(subject)
        except NatsobjError as e:
            log.info("%s/%s is stored, its time could not be read: %s", info.bucket, info.name, e)
            return info
        return record.live if record.live is not None and record.sequence == info.revision else info

    async def _undo(self, error: BaseException) -> None:
        """Leave the old object unchanged, and no chunks of the new one."""
        assert self._finding is not None
        self._finding.cancel()
        await asyncio.gather(self._finding, return_exceptions=True)
        if self._upload is None:
            return
        beaten = self._commit.beaten if self._commit is not None else None
        if (
            beaten is not None and await self._upload.vanish()
        ):  # ours was stored, so what it replaced is ours to remove
            await tidy_chunks(self._stream, beaten.live)
        await self._upload.undo(error)

    def _describe(
        self, *, size: int, chunks: int, chunk_size: int, sha256: bytes = bytes(32), nuid: str = "n" * 22
    ) -> ObjectInfo:
        """Return the object to commit; time and revision come from the server later."""
        meta = self._meta
        return ObjectInfo(
            bucket=self._stream.bucket,
            name=self._key,
            size=size,
            chunks=chunks,
            modified=datetime.now(UTC),
            revision=0,
            chunk_size=chunk_size,
            digest=records.format_digest(sha256),
            sha256=sha256.hex(),
            nuid=nuid,
            description=meta.description,
            headers={name: tuple(values) for name, values in meta.headers.items()},
            metadata=meta.metadata,
        )


class _Bounded:
    """A source that fails if it has more than a number of bytes."""

    def __init__(self, source: Source, most: int, error: Exception) -> None:
        self.name, self.size = source.name, source.size
        self._source = source
        self._most = most
        self._error = error
        self._read = 0

    async def read(self, size: int, /) -> bytes:
        data = await self._source.read(size)
        self._read += len(data)
        if self._read > self._most:
            raise self._error
        return data

    def restart(self) -> None:
        self._source.restart()
        self._read = 0

    def check(self) -> None:
        self._source.check()


def _chunk_size(asked: int | None, max_payload: int, max_msg_size: int) -> int:
    """Return the chunk size: the one asked for, or the default, or less if the server accepts only less."""
    most = min(limit for limit in (max_payload, max_msg_size) if limit > 0)
    if asked is None:
        return min(records.DEFAULT_CHUNK_SIZE, most)
    if not 0 < asked <= most:
        raise InvalidArgument(f"invalid chunk size: {asked:,} bytes, this bucket takes 1 to {most:,}")
    return asked
